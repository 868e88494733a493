"""Makes battery_efficiency.csv: losses of a lithium-ion cell over cycles like those of a low orbit, by PyBaMM.

Cell Chen2020 (LG M50: NMC811, graphite with silicon, 5 Ah), single-particle model with electrolyte, solver IDAKLU. Each
cycle discharges at a constant power and charges at a constant power until the charge is back where it was; the last
of three cycles is written. `isothermal` holds the cell at the ambient temperature, `lumped` lets it warm itself
against 10 W/m2K. Equilibrium energy is the integral of current times open-circuit voltage. The tests read the table
only: PyBaMM is large.

    pip install pybamm && python tests/validation/reference/battery_efficiency.py
"""

from __future__ import annotations

from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
import pybamm

NOMINAL_WH = 5.0 * 3.63
PERIOD_S = 20
COLUMNS = (
    "thermal", "ambient_c", "start_frac", "discharge_w", "discharge_min", "charge_w", "charge_min", "depth_frac",
    "mean_c", "loss_discharge", "loss_charge", "round_trip",
)  # fmt: skip
COLD_TO_HOT_C = (-20, -10, 0, 10, 20, 25, 30, 40, 50, 60)
ORBITS = ((3.0, 35), (6.0, 35), (9.0, 35))  # power of a cell [W], minutes: depths of 10, 19 and 29 %
FAST = ((13.5, 20), (18.0, 15))
"""Discharges beyond a normal orbit, up to the rate 1/h."""


def cases() -> list[tuple[str, int, float, float, int, int]]:
    """Return thermal model, ambient [C], charge at the start, power [W] and minutes of discharge, minutes of charge."""
    isothermal = [("isothermal", t, 0.9, *d, m) for t, d, m in product(COLD_TO_HOT_C, ORBITS, (40, 60, 110))]
    fast = [("isothermal", t, 0.9, *d, 60) for t, d in product(COLD_TO_HOT_C, FAST)]
    lower = [("isothermal", t, 0.7, *d, 60) for t, d in product((0, 10, 25, 40), ORBITS)]
    lumped = [("lumped", t, 0.9, *d, 60) for t, d in product((-10, 0, 10, 20, 25, 30, 40), ORBITS)]
    return isothermal + fast + lower + lumped


def cycle(thermal: str, ambient_c: float, discharge_w: float, minutes: float, charge_w: float, start: float) -> dict:
    """Return the third cycle: energies at the terminals and at equilibrium [Wh], times [min], mean temperature [C]."""
    parameters = pybamm.ParameterValues("Chen2020")
    for name in ("Ambient temperature [K]", "Initial temperature [K]"):
        parameters[name] = ambient_c + 273.15
    options = {"thermal": thermal, "calculate discharge energy": "true"}
    back = pybamm.step.CustomTermination("back", lambda v: v["Discharge capacity [A.h]"])
    steps = (
        pybamm.step.power(discharge_w, duration=60 * minutes, period=PERIOD_S),
        pybamm.step.power(-charge_w, duration=8 * 3600, termination=back, period=PERIOD_S),
    )
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.SPMe(options),
        parameter_values=parameters,
        experiment=pybamm.Experiment([steps] * 3),
        solver=pybamm.IDAKLUSolver(rtol=1e-7, atol=1e-8),
    )
    solution = simulation.solve(initial_soc=start)
    out, into = solution.cycles[2].steps
    result = {}
    for name, part in (("out", out), ("in", into)):
        t, current = part["Time [s]"].entries, part["Current [A]"].entries
        result[name] = abs(np.trapezoid(part["Power [W]"].entries, t)) / 3600
        result[f"{name}_ocv"] = abs(np.trapezoid(current * part["Battery open-circuit voltage [V]"].entries, t)) / 3600
        result[f"{name}_min"] = (t[-1] - t[0]) / 60
        result[f"{name}_ah"] = np.ptp(part["Discharge capacity [A.h]"].entries)
    spans = [(p["Time [s]"].entries, p["Volume-averaged cell temperature [C]"].entries) for p in (out, into)]
    result["mean_c"] = sum(np.trapezoid(c, t) for t, c in spans) / sum(t[-1] - t[0] for t, _ in spans)
    return result


def line(case: tuple[str, int, float, float, int, int]) -> str:
    """Return one line of the table."""
    thermal, ambient_c, start, discharge_w, minutes, charge_min = case
    charge_w = round(discharge_w * minutes / (0.965 * charge_min), 3)
    r = cycle(thermal, ambient_c, discharge_w, minutes, charge_w, start)
    return (
        f"{thermal},{ambient_c},{start:g},{discharge_w:g},{r['out_min']:.2f},{charge_w:g},{r['in_min']:.2f},"
        f"{r['out'] / NOMINAL_WH:.4f},{r['mean_c']:.2f},{r['out_ocv'] / r['out'] - 1:.5f},"
        f"{1 - r['in_ocv'] / r['in']:.5f},{r['out'] / r['in']:.5f}"
    )


def main() -> None:
    """Write the table beside this program; cycles that the cell's voltage limits cut short are told and left out."""
    lines = [
        f"# made with PyBaMM {version('pybamm')} by battery_efficiency.py: SPMe, Chen2020, nominal {NOMINAL_WH:g} Wh",
        "# loss_discharge = equilibrium energy / energy out - 1, loss_charge = 1 - equilibrium energy / energy in",
        ",".join(COLUMNS),
    ]
    for case in cases():
        try:
            lines.append(line(case))
        except (pybamm.SolverError, ValueError, IndexError) as error:
            print("left out:", *case, type(error).__name__)
    Path(__file__).with_suffix(".csv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

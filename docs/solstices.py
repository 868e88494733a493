"""Table of three fleets on a day in June and a day in December under the zero action.

It shows the limit that binds the sustainable plan, the depth of discharge and the temperatures. `python
docs/solstices.py` prints the table, and `make validate` writes it into docs/validation.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import numpy as np
from generate import table

from odc_gym.core.layout.state import State
from odc_gym.orbits import build_ephemeris
from odc_gym.scenario import Hardware, Scenario
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.tables.fleet.plans import ShellPlan
from odc_gym.tables.fleet.surroundings import Surfaces

ROOT = Path(__file__).parents[1]
FLEETS, DAYS = ("threebody12", "suncatcher81", "ai1-shells"), ("06-21", "12-21")
SEED, HOURS, STEP_S = 20_000, 24.0, 60.0
INCREASE = 1.2  # factor on array and battery, or on the radiator, that reveals the binding limit
SLACK = 0.03  # smallest relative rise of the plan that counts: two steps of the solver's scan
HEAD = (
    "shell", "satellites", "day", "beta [deg]", "eclipse [min a day]", "binds the plan", "deepest discharge",
    "junction [°C]", "radiator [°C]", "battery [°C]",
)  # fmt: skip


def rows() -> Iterable[tuple[str, ...]]:
    """Yield one row for each shell and day."""
    for name in FLEETS:
        scenario = Scenario.load(name)
        for day in DAYS:
            start = f"{scenario.start.year}-{day}T00:00:00Z"
            yield from _shells(scenario.replace({"start": {"epoch": start}, "episode.hours": HOURS}), start)


def _shells(scenario: Scenario, start: str) -> Iterable[tuple[str, ...]]:
    """Yield the rows of one day."""
    sim = Simulator(scenario, 1, decision_period_s=STEP_S)
    sim.reset([SEED])
    charge, kelvin = [], []
    names = ("junction_k", "radiator_k", "battery_k")
    places = [State._fields.index(name) for name in names]
    for _ in range(sim.decisions):
        sim.step(sim.view.layout.zeros(1))
        charge.append(sim.sat.charge_frac[0, : sim.satellites].copy())
        kelvin.append(sim.mutable.state[0, places, : sim.satellites].copy())
    ephemeris = build_ephemeris(
        sim.fleet.constellation, start=datetime.fromisoformat(start), step_s=STEP_S, steps=len(charge)
    )
    flux = np.broadcast_to(ephemeris.solar_flux_w_m2[:, None] / scenario.earth.solar_w_m2, ephemeris.beta_rad.shape)
    dark_min = (1.0 - ephemeris.sunlit_frac).sum(0) * STEP_S / 60.0
    celsius = np.array(kelvin) - 273.15  # (steps, 3, S)
    for i, shell in enumerate(scenario.shells):
        in_shell = sim.fleet.shell_of == i
        orbit = round(float(sim.fleet.period_s[in_shell][0]) / STEP_S)
        share = binding(
            sim.fleet, i, ephemeris.sunlit_frac[:, in_shell], flux[:, in_shell], ephemeris.beta_rad[:, in_shell]
        )
        name = scenario.name if len(scenario.shells) == 1 else f"{scenario.name}, {shell.hardware}"
        yield (
            name,
            str(in_shell.sum()),
            start[5:10],
            span(np.degrees(np.abs(ephemeris.beta_rad[:, in_shell]))),
            span(dark_min[in_shell]),
            ", ".join(f"{what} {100.0 * part:.0f} %" for what, part in share.items() if part >= 0.005),
            f"{deepest(np.array(charge)[:, in_shell], orbit):.2f}",
            *(span(celsius[:, k, in_shell]) for k in range(len(names))),
        )


def binding(fleet: FleetModel, i: int, lit_frac: np.ndarray, *light: np.ndarray) -> dict[str, float]:
    """Return the share of time in which energy, heat or the number of accelerators limits the plan of a shell.

    The limit is the resource that raises the plan most when it grows by a fifth: array and battery, or radiator. If
    neither raises it, all accelerators run at full clock. The share is a mean over time and satellites.

    Args:
        fleet: fleet of the scenario.
        i: index of the shell.
        lit_frac: visible share of the Sun's disc, (steps, S); the plan has one power for sunlight and one for eclipse.
        light: sunlight relative to 1 au, and beta angle [rad], (steps, S) each.
    """
    hardware = fleet.hardware[i]
    plan, *alternatives = (
        _powers(fleet, i, changed, *light)
        for changed in (hardware, _more_energy(hardware), _larger(hardware, "radiator", "area_m2"))
    )
    shares = dict.fromkeys(("energy", "heat", "slots"), 0.0)
    for power, *raised, time_share in zip(plan, *alternatives, (lit_frac, 1.0 - lit_frac), strict=True):
        best = np.argmax([np.full(power.shape, SLACK), *(m / power - 1.0 for m in raised)], axis=0)
        for k, name in ((1, "energy"), (2, "heat"), (0, "slots")):
            shares[name] += float(((best == k) * time_share).mean())
    return shares


def _powers(fleet: FleetModel, i: int, hardware: Hardware, *light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the plan's power in sunlight and in eclipse [W], (steps, S) each."""
    surfaces = Surfaces.of(hardware, fleet.altitude_m[i], fleet.scenario.earth)
    shell = ShellPlan.build(hardware, fleet.mix, surfaces)
    return shell.at(shell.plan.sun_w, *light), shell.at(shell.plan.dark_w, *light)


def _more_energy(hardware: Hardware) -> Hardware:
    return _larger(_larger(hardware, "solar", "area_m2"), "battery", "capacity_wh")


def _larger(hardware: Hardware, block: str, field: str) -> Hardware:
    part = getattr(hardware, block)
    return hardware.model_copy(update={block: part.model_copy(update={field: INCREASE * getattr(part, field)})})


def deepest(charge: np.ndarray, orbit: int) -> float:
    """Return the largest fall of the charge within an orbit; `charge` is (steps, S)."""
    windows = np.lib.stride_tricks.sliding_window_view(charge, orbit, axis=0)
    return float((windows[..., 0] - windows.min(-1)).max())


def span(values: np.ndarray) -> str:
    """Return minimum and maximum as whole numbers."""
    return " to ".join(dict.fromkeys(f"{value:.0f}" for value in (values.min(), values.max())))


def page() -> str:
    """Return the table in Markdown."""
    return table(HEAD, rows())


if __name__ == "__main__":
    print(page())

"""Fly three fleets over a day in June and one in December under `zero`: what binds, how deep, how warm.

`python docs/solstices.py` prints the table, which `make validate` puts into docs/validation.md.
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
MORE = 1.2
SLACK = 0.03  # relative rise of the plan that does not count: two steps of the solver's scan
HEAD = (
    "shell", "satellites", "day", "beta [deg]", "eclipse [min a day]", "binds the plan", "deepest discharge",
    "junction [°C]", "radiator [°C]", "battery [°C]",
)  # fmt: skip


def rows() -> Iterable[tuple[str, ...]]:
    """One row a shell and day."""
    for name in FLEETS:
        scenario = Scenario.load(name)
        for day in DAYS:
            start = f"{scenario.start.year}-{day}T00:00:00Z"
            yield from _shells(scenario.replace({"start": {"epoch": start}, "episode.hours": HOURS}), start)


def _shells(scenario: Scenario, start: str) -> Iterable[tuple[str, ...]]:
    """The rows of a day."""
    sim = Simulator(scenario, 1, decision_period_s=STEP_S)
    sim.reset([SEED])
    charge, kelvin = [], []
    names = ("junction_k", "radiator_k", "battery_k")
    places = [State._fields.index(name) for name in names]
    for _ in range(sim.decisions):
        sim.step(sim.view.layout.zeros(1))
        charge.append(sim.state[0, State._fields.index("charge_frac"), : sim.satellites].copy())
        kelvin.append(sim.state[0, places, : sim.satellites].copy())
    at = build_ephemeris(sim.fleet.constellation, start=datetime.fromisoformat(start), step_s=STEP_S, steps=len(charge))
    flux = np.broadcast_to(at.solar_flux_w_m2[:, None] / scenario.earth.solar_w_m2, at.beta_rad.shape)
    dark_min = (1.0 - at.sunlit_frac).sum(0) * STEP_S / 60.0
    celsius = np.array(kelvin) - 273.15  # (steps, 3, S)
    for i, shell in enumerate(scenario.shells):
        mine = sim.fleet.shell_of == i
        orbit = round(float(sim.fleet.period_s[mine][0]) / STEP_S)
        share = binding(sim.fleet, i, at.sunlit_frac[:, mine], flux[:, mine], at.beta_rad[:, mine])
        name = scenario.name if len(scenario.shells) == 1 else f"{scenario.name}, {shell.hardware}"
        yield (
            name,
            str(mine.sum()),
            start[5:10],
            span(np.degrees(np.abs(at.beta_rad[:, mine]))),
            span(dark_min[mine]),
            ", ".join(f"{what} {100.0 * part:.0f} %" for what, part in share.items() if part >= 0.005),
            f"{deepest(np.array(charge)[:, mine], orbit):.2f}",
            *(span(celsius[:, k, mine]) for k in range(len(names))),
        )


def binding(fleet: FleetModel, i: int, lit_frac: np.ndarray, *light: np.ndarray) -> dict[str, float]:
    """Share of time and satellites in which energy, heat, or the number of accelerators limits the plan of a shell.

    What limits it is what raises it most if there were a fifth more: of array and battery, or of radiator; where
    neither does, all accelerators run at full clock.

    Args:
        fleet: of the scenario.
        i: shell.
        lit_frac: light on its satellites, (steps, S): the plan has a power for sunlight and one for eclipse.
        light: sunlight over that at 1 au, and beta angle [rad], (steps, S) each.
    """
    hardware = fleet.hardware[i]
    plan, *others = (
        _powers(fleet, i, changed, *light)
        for changed in (hardware, _more_energy(hardware), _larger(hardware, "radiator", "area_m2"))
    )
    shares = dict.fromkeys(("energy", "heat", "slots"), 0.0)
    for power, *more, time in zip(plan, *others, (lit_frac, 1.0 - lit_frac), strict=True):
        best = np.argmax([np.full(power.shape, SLACK), *(m / power - 1.0 for m in more)], axis=0)
        for k, name in ((1, "energy"), (2, "heat"), (0, "slots")):
            shares[name] += float(((best == k) * time).mean())
    return shares


def _powers(fleet: FleetModel, i: int, hardware: Hardware, *light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Power of the plan in sunlight and in eclipse, (steps, S) each [W]."""
    surfaces = Surfaces.of(hardware, fleet.altitude_m[i], fleet.scenario.earth)
    shell = ShellPlan.build(hardware, fleet.mix, surfaces)
    return shell.at(shell.plan.sun_w, *light), shell.at(shell.plan.dark_w, *light)


def _more_energy(hardware: Hardware) -> Hardware:
    return _larger(_larger(hardware, "solar", "area_m2"), "battery", "capacity_wh")


def _larger(hardware: Hardware, block: str, field: str) -> Hardware:
    part = getattr(hardware, block)
    return hardware.model_copy(update={block: part.model_copy(update={field: MORE * getattr(part, field)})})


def deepest(charge: np.ndarray, orbit: int) -> float:
    """Largest difference between a charge and a later one within an orbit; charge is (steps, S)."""
    windows = np.lib.stride_tricks.sliding_window_view(charge, orbit, axis=0)
    return float((windows[..., 0] - windows.min(-1)).max())


def span(values: np.ndarray) -> str:
    """Least to most, whole numbers."""
    return " to ".join(dict.fromkeys(f"{value:.0f}" for value in (values.min(), values.max())))


def page() -> str:
    """The table in Markdown."""
    return table(HEAD, rows())


if __name__ == "__main__":
    print(page())

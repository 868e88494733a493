"""Variation between episodes: a copy of the fleet with values that the episode draws."""

from __future__ import annotations

import zlib

import numpy as np

from odc_gym.faults.faults import draw_condition
from odc_gym.scenario import Draw, Hardware
from odc_gym.scenario.paths import resolve_path, with_value
from odc_gym.seeds import random_stream
from odc_gym.tables.fleet.fleet_model import FleetModel

DRAW_STREAM = 103  # purpose number of the random streams of draws
# steps of a mantissa to which draws are rounded: the last bits of the power function differ between machines
MANTISSA_STEPS = 2.0**30


def vary(fleet: FleetModel, seed: int) -> FleetModel:
    """Return the fleet of episode `seed`.

    It is `fleet` itself if the scenario randomises nothing and the satellites are new. Every path has its own random
    stream, so that no path changes the draws of another.
    """
    scenario, draws = fleet.scenario, fleet.scenario.randomise
    drawn: dict[str, np.ndarray] = {}
    for path, draw in draws.items():
        random = random_stream(seed, DRAW_STREAM, zlib.crc32(path.encode()))
        drawn[path] = quantile(draw, random.random(fleet.satellites if draw.per == "satellite" else ()))
        if draw.per == "episode":
            for place in resolve_path(scenario, path):
                scenario = with_value(scenario, place, float(drawn[path]))
    condition = draw_condition(scenario.faults, seed, fleet.references.accelerators)
    if not draws and condition is None:
        return fleet
    per_satellite = {path: drawn[path] for path, draw in draws.items() if draw.per == "satellite"}
    if not per_satellite:
        hardware = [scenario.hardware[shell.hardware] for shell in scenario.shells]
        return fleet.varied(scenario, hardware, fleet.shell_of, drawn, condition)
    hardware = [scenario.hardware[scenario.shells[i].hardware] for i in fleet.shell_of]
    for path, values in per_satellite.items():
        drawn[path] = _assign_values(fleet, hardware, path, values)
    return fleet.varied(scenario, hardware, np.arange(fleet.satellites), drawn, condition)


def quantile(draw: Draw, share: np.ndarray | float) -> np.ndarray:
    """Return the value below which a draw falls with probability `share`, any shape."""
    if draw.dist == "uniform":
        value = draw.low + (draw.high - draw.low) * np.asarray(share)
    else:
        value = draw.low * (draw.high / draw.low) ** np.asarray(share)
    mantissa, exponent = np.frexp(value)
    return np.asarray(
        np.clip(np.ldexp(np.rint(mantissa * MANTISSA_STEPS) / MANTISSA_STEPS, exponent), draw.low, draw.high)
    )


def _assign_values(fleet: FleetModel, hardware: list[Hardware], path: str, values: np.ndarray) -> np.ndarray:
    """Assign to each satellite the value that it drew for a hardware path, and return the resulting values, (S,).

    A satellite with other hardware than the path names keeps its own value.
    """
    _, name, field = path.split(".", 2)
    field_places = resolve_path(hardware[0], field)  # all hardware has the same fields
    assigned = values.copy()
    for s, i in enumerate(fleet.shell_of):
        if name in ("*", fleet.scenario.shells[i].hardware):
            for place in field_places:
                hardware[s] = with_value(hardware[s], place, float(values[s]))
        else:
            assigned[s] = next(iter(resolve_path(hardware[s], field).values()))
    return assigned

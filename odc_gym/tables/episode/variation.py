"""What an episode draws: a copy of the world in which drawn values stand for the scenario's."""

from __future__ import annotations

import zlib

import numpy as np

from odc_gym.faults.faults import draw_condition
from odc_gym.scenario import Draw, Hardware
from odc_gym.scenario.paths import resolve_path, with_value
from odc_gym.seeds import random_stream
from odc_gym.tables.fleet.fleet_model import FleetModel

DRAWS = 103  # purpose of a random stream
GRID = 2.0**30  # steps of a mantissa to which draws are rounded: the last bits of a machine's power do not reach them


def vary(fleet: FleetModel, seed: int) -> FleetModel:
    """The world of episode `seed`: `fleet` itself if its scenario randomises nothing and its fleet is new.

    Every path has its own random stream, so that no path shifts another.
    """
    scenario, draws = fleet.scenario, fleet.scenario.randomise
    drawn: dict[str, np.ndarray] = {}
    for path, draw in draws.items():
        random = random_stream(seed, DRAWS, zlib.crc32(path.encode()))
        drawn[path] = quantile(draw, random.random(fleet.satellites if draw.per == "satellite" else ()))
        if draw.per == "episode":
            for place in resolve_path(scenario, path):
                scenario = with_value(scenario, place, float(drawn[path]))
    condition = draw_condition(scenario.faults, seed, fleet.references.accelerators)
    if not draws and condition is None:
        return fleet
    each = {path: drawn[path] for path, draw in draws.items() if draw.per == "satellite"}
    if not each:
        kinds = [scenario.hardware[shell.hardware] for shell in scenario.shells]
        return fleet.varied(scenario, kinds, fleet.shell_of, drawn, condition)
    kinds = [scenario.hardware[scenario.shells[i].hardware] for i in fleet.shell_of]
    for path, values in each.items():
        drawn[path] = _give(fleet, kinds, path, values)
    return fleet.varied(scenario, kinds, np.arange(fleet.satellites), drawn, condition)


def quantile(draw: Draw, share: np.ndarray | float) -> np.ndarray:
    """The value below which a draw falls with a probability, any shape."""
    if draw.dist == "uniform":
        value = draw.low + (draw.high - draw.low) * np.asarray(share)
    else:
        value = draw.low * (draw.high / draw.low) ** np.asarray(share)
    mantissa, exponent = np.frexp(value)
    return np.asarray(np.clip(np.ldexp(np.rint(mantissa * GRID) / GRID, exponent), draw.low, draw.high))


def _give(fleet: FleetModel, kinds: list[Hardware], path: str, values: np.ndarray) -> np.ndarray:
    """Give each satellite the value that it drew for a hardware path; returns what each flies with, (S,).

    A satellite of another hardware than the path's keeps its own value.
    """
    _, kind, field = path.split(".", 2)
    found = resolve_path(kinds[0], field)  # all hardware has the same fields
    flown = values.copy()
    for s, i in enumerate(fleet.shell_of):
        if kind in ("*", fleet.scenario.shells[i].hardware):
            for place in found:
                kinds[s] = with_value(kinds[s], place, float(values[s]))
        else:
            flown[s] = next(iter(resolve_path(kinds[s], field).values()))
    return flown

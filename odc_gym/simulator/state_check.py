"""Checks of a saved state before a simulator continues from it; nothing is written here."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from odc_gym.errors import ArgumentError
from odc_gym.saved_state import saved_array
from odc_gym.scenario import Scenario
from odc_gym.seeds import checked_seed
from odc_gym.simulator.allocation import BY_JOB, NO_EPISODE
from odc_gym.tables.episode.tables import EpisodeTables, build_episode
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.workload import Trace


def origin_number(scenario: Scenario, trace: Trace | None) -> int:
    """Return a number of 64 bits that identifies the scenario and the trace of a state."""
    recorded = 0
    for part in () if trace is None else (*trace.jobs.values(), *trace.requests.values()):
        for value in vars(part).values():
            if isinstance(value, np.ndarray):
                recorded = zlib.crc32(value.tobytes(), recorded)
    return int(scenario.digest()[:8], 16) << 32 | recorded


def checked_state(
    state: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], origin: np.uint64, name: str, count: int
) -> tuple[dict[str, np.ndarray], list[int]]:
    """Return the arrays and the seeds of a state after a check of names, types and shapes.

    Args:
        state: arrays by name, as `Simulator.get_state` returns them.
        own: arrays of the simulator by the same names; `run` comes before the other arrays of the job table.
        origin: `origin_number` of the simulator.
        name: name of its scenario.
        count: number of rows.

    Raises:
        ArgumentError: an array is missing or has another shape or type, or the state belongs to another scenario.
    """
    if (saved_array(state, "origin", np.uint64, [count]) != origin).any():
        raise ArgumentError(f"state: of another scenario, trace, decision period or episode length than this {name}")
    arrays: dict[str, np.ndarray] = {}
    for array_name, ours in own.items():
        shape: list[int | None] = [count, *ours.shape[1:]]
        if array_name in BY_JOB:
            shape[-1] = arrays["run"].shape[1] if "run" in arrays else None
        arrays[array_name] = saved_array(state, array_name, ours.dtype, shape)
    seeds = arrays["seeds"].tolist()
    return arrays, [seed if seed == NO_EPISODE else checked_seed(seed, "state.seeds") for seed in seeds]


def missing_episodes(
    fleet: FleetModel, seeds: Sequence[int], playing: np.ndarray, jobs: np.ndarray, length: int
) -> dict[int, EpisodeTables]:
    """Build the episode of each row of a state that the simulator does not play yet.

    Args:
        fleet: fleet of the simulator.
        seeds: episode of each row of the state.
        playing: episode that the simulator plays in each of these rows, (N,).
        jobs: its job tables of these rows, (N, J) of JOB.
        length: length of the state's job tables.

    Returns:
        Episodes by the position of the row in the state.

    Raises:
        ArgumentError: the state has fewer rows of jobs than an episode.
        OdcGymError: an episode cannot be built.
    """
    built: dict[int, EpisodeTables] = {}
    episodes: dict[int, EpisodeTables] = {}
    for i, seed in enumerate(seeds):
        if seed == NO_EPISODE:
            continue
        if seed == playing[i]:
            needed = int(np.isfinite(jobs[i]["arrival_s"]).sum())
        else:
            episodes[i] = built[seed] = built.get(seed) or build_episode(fleet, seed)
            needed = len(built[seed].jobs)
        if length < needed:
            raise ArgumentError(f"state.run: {length} rows of jobs, episode {seed} has {needed}")
    return episodes

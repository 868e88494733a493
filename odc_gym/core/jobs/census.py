"""Placement of replicas and jobs before the first step of an episode.

Each goes to the satellite with the most free accelerators. Jobs of a census have run since their arrival. Satellites of
gangs are chosen in Python, see `odc_gym.simulator.episode_start`.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from odc_gym.compilation.arguments import Array
from odc_gym.compilation.array_types import Float64x1, Float64x2, Int32x2, Int64x1
from odc_gym.compilation.decorators import routine
from odc_gym.compilation.kernel import kernel
from odc_gym.core.jobs.checkpoints import interval_work
from odc_gym.core.jobs.waiting import NOWHERE
from odc_gym.core.layout.records import JOB
from odc_gym.core.layout.work import RUN, RUNNING, SCALARS, WAITING

MOST_DONE = 0.999  # share of its work that a job can have done before an episode begins


class Placing(NamedTuple):
    """Arrays of one environment that placing reads and writes; all but `jobs` and `fits` are written."""

    jobs: Annotated[np.ndarray, Array(JOB, 1)]  # (J,) of JOB
    run: Annotated[np.ndarray, Array(RUN, 1)]  # (J,) of RUN
    lists: Int32x2  # (3, J) waiting rows, running rows, and rows that send results
    scalars: Annotated[np.ndarray, Array(SCALARS, 1)]  # (1,) of SCALARS
    free: Float64x1  # (P,) free accelerators
    held: Float64x2  # (C, P) accelerators that jobs of each class hold
    cached_models: Float64x2  # (M, P) last use of each stored model
    fits: Annotated[
        np.ndarray, Array(np.bool_, 2)
    ]  # (C, S) whether the memory of each satellite holds the work of each class


class Ageing(NamedTuple):
    """What determines the work that jobs of a census have done, beside the jobs."""

    saved: Float64x1  # (N,) work since the last payable point over the interval between such points
    unit_s: Float64x1  # (C,) rule
    adapts: Float64x1  # (C,) rule
    stall_s: Float64x1  # (C,) rule
    speed: Float64x1  # (C,) work rate of an accelerator
    stops_per_s: float  # expected unforeseen stops of an accelerator
    begin_s: float  # time of the first step


@kernel
def place_replicas(placing: Placing, first: int, last: int, begin_s: float) -> None:
    """Place the replicas of rows `first` to `last` - 1, until one fits nowhere.

    Args:
        placing: arrays of the environment.
        first: first row.
        last: row after the last.
        begin_s: time of the first step [s].
    """
    for row in range(first, last):
        s = _roomiest(placing, row)
        if s == NOWHERE:
            break
        _hold(placing, row, s, begin_s)
        _add_running(placing, row)


@kernel
def place_census(placing: Placing, ageing: Ageing, first: int, rows: Int64x1) -> None:
    """Place jobs of a census on one satellite each, from the row `rows[0]` to `rows[1]` - 1 or the next gang.

    Args:
        placing: arrays of the environment.
        ageing: rates at which the jobs have worked.
        first: first row of the census.
        rows: (2,) next row, and the row after the last; the first is written.
    """
    while rows[0] < rows[1] and placing.jobs[rows[0]]["num_satellites"] <= 1:
        row = rows[0]
        rows[0] += 1
        if placing.jobs[row]["num_satellites"] == 0:
            continue  # a further satellite of a gang
        s = _roomiest(placing, row)
        if s == NOWHERE:
            _wait(placing, row)
        else:
            _hold(placing, row, s, ageing.begin_s)
            _add_running(placing, row)
            _age(placing, ageing, row, ageing.saved[row - first])


@kernel
def place_gang(placing: Placing, ageing: Ageing, first: int, row: int, hosts: Int64x1) -> None:
    """Place a gang of a census.

    Args:
        placing: arrays of the environment.
        ageing: rates at which the jobs have worked.
        first: first row of the census.
        row: first row of the gang.
        hosts: its satellites in the order of its rows; empty if it waits.
    """
    if hosts.size == 0:
        _wait(placing, row)
        return
    for k in range(hosts.size):
        _hold(placing, row + k, hosts[k], ageing.begin_s)
    _add_running(placing, row)
    _age(placing, ageing, row, ageing.saved[row - first])


@routine
def _roomiest(placing: Placing, row: int) -> int:
    """Return the satellite with the most free accelerators that has room for a row, the first of equals."""
    width, fits, free = placing.jobs[row]["width"], placing.fits[placing.jobs[row]["class_id"]], placing.free
    best = NOWHERE
    for s in range(fits.size):
        if fits[s] and free[s] >= width and (best == NOWHERE or free[s] > free[best]):
            best = s
    return best


@routine
def _hold(placing: Placing, row: int, s: int, begin_s: float) -> None:
    """Give a row its accelerators on satellite `s`, where its data and its model are."""
    job, run = placing.jobs[row], placing.run[row]
    placing.free[s] -= job["width"]
    placing.held[job["class_id"], s] += job["width"]
    run["host"] = run["input_at"] = run["state_at"] = s
    run["status"] = RUNNING
    run["since_s"] = begin_s
    placing.cached_models[job["model"], s] = 1.0 if job["model"] > 0 else 0.0


@routine
def _add_running(placing: Placing, row: int) -> None:
    """Add the first row of a job to the running rows."""
    placing.lists[1, placing.scalars[0]["running"]] = row
    placing.scalars[0]["running"] += 1


@routine
def _wait(placing: Placing, row: int) -> None:
    """Add the first row of a job to the waiting rows."""
    placing.run[row]["status"] = WAITING
    placing.lists[0, placing.scalars[0]["waiting"]] = row
    placing.scalars[0]["waiting"] += 1


@routine
def _age(placing: Placing, ageing: Ageing, row: int, saved: float) -> None:
    """Set the work that a job has done before an episode begins, at the sustainable rate since its arrival."""
    job, run = placing.jobs[row], placing.run[row]
    c, total = job["class_id"], job["total_accelerators"]
    rate = ageing.speed[c]
    unit = total * interval_work(
        ageing.unit_s[c], ageing.adapts[c], ageing.stall_s[c], ageing.stops_per_s * total, rate
    )
    done = min((ageing.begin_s - job["arrival_s"]) * rate * total, MOST_DONE * job["work_s"])
    unsaved = saved * min(unit, done)
    run["checkpointed_s"] = done - unsaved
    run["uncheckpointed_s"] = unsaved
    run["uncheckpointed_since_s"] = ageing.begin_s - unsaved / (rate * total)
    run["since_s"] = run["started_s"] = job["arrival_s"]

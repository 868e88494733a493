"""Event log of an environment: what happens to jobs and satellites within a decision, for recordings.

A log without entries switches logging off, which is the default. Logging changes no result.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from odc_gym.compilation.arguments import Array
from odc_gym.compilation.array_types import Int32x2, Int64x1
from odc_gym.compilation.decorators import routine

LOG = np.dtype(
    [
        ("time_s", "f8"),  # seconds since the start of the episode
        ("value", "f8"),  # see `EVENT_KINDS`
        ("kind", "i4"),  # index into EVENT_KINDS
        ("satellite", "i4"),  # -1: none
        ("row", "i4"),  # row of the job table, -1: none
    ],
    align=True,
)
"""One entry of an event log."""

EVENT_KINDS = {
    "placed": "a row of the job table receives accelerators of a satellite",
    "moved": "it leaves them for another satellite, whose number is the value",
    "drained": "it leaves them because of the agent's bid",
    "evicted": "it leaves them because compute is off; value 1: outage, 2: trip, 3: shed",
    "disconnected": "it leaves them because its gang lost a link",
    "preempted": "it leaves them for a guaranteed job",
    "yielded": "it leaves them at a payable point for a job of higher rank",
    "failed": "it leaves them because an accelerator failed for good",
    "retired": "a replica leaves them because its service needs fewer",
    "finished": "it leaves them because its work is done",
    "expired_running": "it leaves them because its job expired",
    "refused": "a job does not enter the queue",
    "expired": "a job leaves the queue because it is worth nothing any more",
    "delivered": "a job is complete, its results are on the ground",
    "reset": "an upset takes a job back to its last payable point; it stays where it is",
    "upset": "an upset hits a working accelerator, whose position is the value",
    "accelerator_lost": "an accelerator fails for good; the value is its position",
    "shed": "compute of a satellite goes off for low charge",
    "restored": "the shed ends",
    "tripped": "compute of a satellite goes off for heat",
    "recovered": "the trip ends",
    "out": "a satellite goes out of service",
    "back": "the satellite is back in service",
    "safe_mode": "a satellite enters safe mode",
    "safe_mode_end": "the safe mode ends",
    "lost": "a satellite is lost for good",
}
"""Kinds of events, with their meaning."""

(
    PLACED, MOVED, DRAINED, EVICTED, DISCONNECTED, PREEMPTED, YIELDED, ACCELERATOR_FAILED, RETIRED, FINISHED,
    EXPIRED_RUNNING, NOT_ADMITTED, EXPIRED_WAITING, DELIVERED, RESET, UPSET, ACCELERATOR_LOST,
) = range(17)  # fmt: skip
CONDITIONS = 17
"""First kind of the conditions of satellites: begin and end of a shed, a trip, an outage and safe mode, then loss."""
LEAVES = range(MOVED, EXPIRED_RUNNING + 1)
"""Kinds that end what `placed` began."""


class EventLog(NamedTuple):
    """Event logs of a batch."""

    entries: Annotated[np.ndarray, Array(LOG, 2)]  # (B, N) of LOG; N of 0 switches logging off
    counts: Int64x1  # (B,) events since the count was set to 0; those beyond N are not kept
    conditions: Int32x2  # (B, P) bits of each satellite at the end of the last step, see `core.spacecraft.conditions`


class Log(NamedTuple):
    """Event log of one environment."""

    entries: np.ndarray  # (N,) of LOG
    counter: np.ndarray  # (1,)
    conditions: np.ndarray  # (P,)


@routine
def log_event(log: Log, kind: int, satellite: int, row: int, value: float, time_s: float) -> None:
    """Append an event to the log of an environment if it has room.

    Args:
        log: the log.
        kind: index into `EVENT_KINDS`.
        satellite: satellite, or -1.
        row: row of the job table, or -1.
        value: see `EVENT_KINDS`.
        time_s: time since the start of the episode [s].
    """
    room = log.entries.shape[0]
    if room == 0:
        return
    k = log.counter[0]
    log.counter[0] = k + 1
    if k < room:
        entry = log.entries[k]
        entry["time_s"] = time_s
        entry["value"] = value
        entry["kind"] = kind
        entry["satellite"] = satellite
        entry["row"] = row

"""Jobs in a replay page: who holds which accelerators when, and what happens to jobs and satellites."""

from __future__ import annotations

from typing import Any

import numpy as np

from odc_gym.pages.replay.packing import Packer
from odc_gym.recording import Recording

MOST_SLOTS = 1_024  # accelerators of a fleet whose jobs are drawn one by one
LATER = 2**31 - 1  # stands for a time that never comes [s]
CONDITIONS = (
    "upset", "accelerator_lost", "shed", "restored", "tripped", "recovered", "out", "back", "safe_mode",
    "safe_mode_end", "lost",
)  # fmt: skip
"""Kinds of events that happen to satellites."""


def pack_jobs(pack: Packer, recording: Recording, prefix: str, with_jobs: bool) -> dict[str, Any]:
    """Pack segments, jobs and events of a run, and return their part of the manifest.

    A further row of a gang counts as its first row, so that a gang is one job with a segment on each satellite.

    Args:
        pack: block that receives the arrays.
        recording: the run.
        prefix: beginning of the names of the arrays.
        with_jobs: pack jobs too; otherwise events of satellites alone.
    """
    kinds = recording.header["event_kinds"]
    first = _first_rows(recording["job/num_satellites"])
    events = {name: recording[f"event/{name}"] for name in ("time_s", "kind", "satellite", "job", "value")}
    further = (events["job"] >= 0) & (first[events["job"]] != events["job"])
    keep = ~further if with_jobs else np.isin(events["kind"], [kinds.index(kind) for kind in CONDITIONS])
    events = {name: column[keep] for name, column in events.items()}
    jobs = np.unique(first[recording["event/job"][recording["event/job"] >= 0]]) if with_jobs else np.zeros(0, int)
    index = np.full(len(first) + 1, -1)
    index[jobs] = np.arange(len(jobs))
    slotted = False
    if with_jobs:
        _pack_table(pack, recording, prefix, jobs)
        slotted = _pack_segments(pack, recording, prefix, index[first])
    pack.put(f"{prefix}event/time_s", events["time_s"], "uint32", series=True)
    pack.put(f"{prefix}event/kind", events["kind"], "uint8")
    pack.put(f"{prefix}event/satellite", events["satellite"], "int16")
    pack.put(f"{prefix}event/job", index[events["job"]] if with_jobs else np.full(len(events["job"]), -1), "int32")
    pack.put(f"{prefix}event/value", events["value"], "int16")
    return {"jobs": with_jobs, "slots": slotted}


def _first_rows(num_satellites: np.ndarray) -> np.ndarray:
    """Return for each row of the job table the first row of its gang; further rows have 0 satellites."""
    rows = np.arange(len(num_satellites))
    return np.maximum.accumulate(np.where(num_satellites > 0, rows, 0))


def _pack_table(pack: Packer, recording: Recording, prefix: str, rows: np.ndarray) -> None:
    """Pack the columns of jobs that the page shows."""
    for name, dtype in (
        ("class_id", "uint8"), ("total_accelerators", "uint16"), ("num_satellites", "uint16"), ("status", "uint8"),
    ):  # fmt: skip
        pack.put(f"{prefix}job/{name}", recording[f"job/{name}"][rows], dtype)
    for name in ("arrival_s", "deadline_s", "work_s", "finished_s"):
        values = np.nan_to_num(recording[f"job/{name}"][rows], nan=LATER, posinf=LATER, neginf=-LATER)
        pack.put(f"{prefix}job/{name}", values, "int32", series=True)


def _pack_segments(pack: Packer, recording: Recording, prefix: str, job: np.ndarray) -> bool:
    """Pack the segments, in order of their begin, and return whether they have accelerators of their own.

    Args:
        pack: block that receives the arrays.
        recording: the run.
        prefix: beginning of the names of the arrays.
        job: number in the page of each row of the job table.
    """
    segments = recording.segments
    width = recording["job/width"][segments["job"]]
    accelerators = recording["design/accelerators"]
    slotted = len(accelerators) * float(accelerators.max(initial=0)) <= MOST_SLOTS
    if slotted:
        service = np.array([each["service"] for each in recording.header["classes"]])
        last = service[recording["job/class_id"][segments["job"]]]
        pieces = pack_slots(segments, width, last, accelerators)
    else:
        pieces = np.stack([np.arange(len(width)), np.zeros(len(width), int), width], 1)
    at = pieces[:, 0]
    begin = segments["begin_s"][at]
    pack.put(f"{prefix}segment/job", job[segments["job"][at]], "int32", series=True)
    pack.put(f"{prefix}segment/satellite", segments["satellite"][at], "uint16")
    pack.put(f"{prefix}segment/slot", pieces[:, 1], "uint16")
    pack.put(f"{prefix}segment/width", pieces[:, 2], "uint16")
    pack.put(f"{prefix}segment/begin_s", begin, "uint32", series=True)
    pack.put(f"{prefix}segment/length_s", segments["end_s"][at] - begin, "uint32")
    pack.put(f"{prefix}segment/cause", segments["cause"][at], "int8")
    return slotted


def pack_slots(
    segments: dict[str, np.ndarray], width: np.ndarray, last: np.ndarray, accelerators: np.ndarray
) -> np.ndarray:
    """Give each segment accelerators of its satellite: neighbours if some are free, otherwise in several pieces.

    The simulation counts accelerators and does not tell them apart; these places are for the picture alone.

    Args:
        segments: columns of `Recording.segments`.
        width: accelerators of each segment.
        last: True for segments that take the last accelerators first, as replicas do.
        accelerators: accelerators of each satellite.

    Returns:
        pieces in order of their begin, (N, 3): index of the segment, first accelerator, number of accelerators.
    """
    until = [np.zeros(max(int(count), 1)) for count in accelerators]
    pieces: list[tuple[int, int, int]] = []
    for k in np.lexsort((-width, segments["begin_s"])):
        begin, busy = segments["begin_s"][k], until[segments["satellite"][k]]
        taken = _choose(busy, float(begin), int(width[k]), bool(last[k]))
        busy[taken] = segments["end_s"][k]
        breaks = np.flatnonzero(np.diff(taken) > 1) + 1
        pieces += [(int(k), int(part[0]), len(part)) for part in np.split(taken, breaks) if len(part)]
    return np.array(sorted(pieces), int).reshape(-1, 3)


def _choose(busy_until: np.ndarray, begin_s: float, width: int, last: bool) -> np.ndarray:
    """Return accelerators for a segment in ascending order; where too few are free, those that are free first."""
    free = busy_until <= begin_s + 1e-6
    width = min(width, len(free))
    inside = np.convolve(free, np.ones(width, int), "valid") == width if width else np.zeros(0, bool)
    starts = np.flatnonzero(inside)
    if len(starts):
        start = int(starts[-1] if last else starts[0])
        return np.arange(start, start + width)
    return np.sort(np.argsort(np.where(free, -1.0, busy_until), kind="stable")[:width])

"""Chrome trace of the schedule: a process for each satellite, and a bar for each job that holds accelerators of it.

Perfetto and the tracing page of Chromium read the file. The format is the "Trace Event Format", JSON array form.
"""

from __future__ import annotations

import heapq
import json
from pathlib import Path
from typing import Any

import numpy as np

from odc_gym.core.layout.event_log import CONDITIONS
from odc_gym.evaluation.files import write_text
from odc_gym.recording.recording import Recording

SECOND_US = 1e6
COUNTERS = ("charge_frac", "junction_k", "power_w")


def write_chrome_trace(recording: Recording, folder: Path) -> list[Path]:
    """Write the schedule of a recording to `schedule.json`, and return the file."""
    path = folder / "schedule.json"
    events = [*_names(recording), *_bars(recording), *_counters(recording), *_conditions(recording)]
    write_text(path, json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}, allow_nan=False))
    return [path]


def _names(recording: Recording) -> list[dict[str, Any]]:
    satellites = range(int(recording.header["satellites"]))
    return [{"ph": "M", "name": "process_name", "pid": s, "args": {"name": f"satellite {s}"}} for s in satellites]


def _bars(recording: Recording) -> list[dict[str, Any]]:
    """Return a bar for each segment. Bars that overlap on a satellite lie in different lanes."""
    segments, names = recording.table("segments"), recording.class_names
    class_id, width, bars = recording["job/class_id"], recording["job/width"], []
    lanes = _lanes(segments)
    for k, job in enumerate(segments["job"].tolist()):
        begin_s, end_s = float(segments["begin_s"][k]), float(segments["end_s"][k])
        bars.append(
            {
                "ph": "X", "name": f"{names[class_id[job]]} {job}", "cat": names[class_id[job]],
                "pid": int(segments["satellite"][k]), "tid": lanes[k], "ts": begin_s * SECOND_US,
                "dur": (end_s - begin_s) * SECOND_US,
                "args": {"accelerators": int(width[job]), "ended": str(segments["cause"][k])},
            }
        )  # fmt: skip
    return bars


def _lanes(segments: dict[str, np.ndarray]) -> list[int]:
    """Return a lane for each segment, the first of its satellite that is free; segments are in order of their begin."""
    free: dict[int, list[int]] = {}
    busy: dict[int, list[tuple[float, int]]] = {}
    lanes = []
    for s, begin_s, end_s in zip(*(segments[key].tolist() for key in ("satellite", "begin_s", "end_s")), strict=True):
        own_free, own_busy = free.setdefault(s, []), busy.setdefault(s, [])
        while own_busy and own_busy[0][0] <= begin_s:
            heapq.heappush(own_free, heapq.heappop(own_busy)[1])
        lane = heapq.heappop(own_free) if own_free else len(own_busy)
        heapq.heappush(own_busy, (end_s, lane))
        lanes.append(lane)
    return lanes


def _counters(recording: Recording) -> list[dict[str, Any]]:
    time_us = (recording["time_s"] * SECOND_US).tolist()
    return [
        {"ph": "C", "name": name, "pid": s, "ts": t, "args": {name: value}}
        for name in COUNTERS
        for s, values in enumerate(recording[f"satellite/{name}"].T.tolist())
        for t, value in zip(time_us, values, strict=True)
    ]


def _conditions(recording: Recording) -> list[dict[str, Any]]:
    """Return an instant for each begin and end of a condition of a satellite, as a shed or a trip."""
    events = recording.table("events")
    chosen = np.flatnonzero((recording["event/kind"] >= CONDITIONS) & (events["satellite"] >= 0))
    return [
        {
            "ph": "i", "s": "p", "name": str(events["kind"][k]), "pid": int(events["satellite"][k]), "tid": 0,
            "ts": float(events["time_s"][k]) * SECOND_US,
        }
        for k in chosen
    ]  # fmt: skip

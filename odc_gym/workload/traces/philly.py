"""The flattened Philly trace: training jobs of a GPU cluster, which replace finetuning.

Source: Jeon et al., "Analysis of large-scale multi-tenant GPU clusters for DNN training workloads", ATC 2019; flattened
for Qiao et al., "Pollux", OSDI 2021.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odc_gym.errors import TraceError
from odc_gym.workload.traces.reading import ACCELERATORS, CLOCK, Column, Format, Row, accelerators, clock_s, seconds
from odc_gym.workload.traces.recorded import Trace, job_trace

SECONDS = "seconds >= 0"
COLUMNS = (
    Column("timestamp", clock_s, CLOCK),
    Column("duration", seconds, SECONDS),
    Column("num_gpus", accelerators, ACCELERATORS),
    Column("gpu_time", seconds, SECONDS),
    Column("cluster", str, "a name"),
)


def _read(path: Path, rows: Iterable[Row]) -> Trace:
    """Jobs of duration 0 never ran: they are counted and left out."""
    jobs, rejected = [], 0
    for line, (submit_s, duration_s, width, gpu_time_s, _) in rows:
        # a duration rounded to full seconds may be half a second off on every accelerator
        if abs(gpu_time_s - duration_s * width) > 1e-6 * gpu_time_s + width:
            expected = f"duration * num_gpus = {duration_s * width:.10g}"
            raise TraceError(f"{path}:{line}: column 'gpu_time': expected {expected}, got '{gpu_time_s:.10g}'")
        if duration_s > 0:
            jobs.append((submit_s, duration_s, width, "finetuning", str(path)))
        else:
            rejected += 1
    return job_trace(path, jobs, rejected)


FORMAT = Format("Philly jobs", COLUMNS, _read)

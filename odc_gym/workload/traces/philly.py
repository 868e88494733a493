"""Format of the flattened Philly trace: training jobs of a GPU cluster that replace the class finetuning.

Source: Jeon et al., "Analysis of large-scale multi-tenant GPU clusters for DNN training workloads", ATC 2019; flattened
for Qiao et al., "Pollux", OSDI 2021.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odc_gym.errors import TraceError
from odc_gym.workload.traces.collecting import Absences, JobCollector
from odc_gym.workload.traces.reading import (
    ACCELERATORS,
    CLOCK,
    MAX_ACCELERATORS,
    MAX_RUN_S,
    RUN,
    Column,
    Row,
    csv_format,
    parse_accelerators,
    parse_clock_s,
    parse_name,
    parse_run_s,
    parse_seconds,
)
from odc_gym.workload.traces.recorded import Trace


def _parse_gpu_time_s(text: str) -> float:
    value = parse_seconds(text)
    if value > MAX_RUN_S * MAX_ACCELERATORS:
        raise ValueError(text)
    return value


COLUMNS = (
    Column("timestamp", parse_clock_s, CLOCK),
    Column("duration", parse_run_s, RUN, decimal=True),
    Column("num_gpus", parse_accelerators, ACCELERATORS),
    Column("gpu_time", _parse_gpu_time_s, "seconds >= 0", nullable=True, decimal=True),
    Column("cluster", parse_name, "a name", nullable=True),
)


def _read(path: Path, rows: Iterable[Row], absent: Absences) -> Trace:
    jobs = JobCollector(path, absent)
    for line, (submit_s, duration_s, width, gpu_time_s, cluster) in rows:
        # a duration rounded to full seconds may be half a second off on every accelerator
        if gpu_time_s is not None and abs(gpu_time_s - duration_s * width) > 1e-6 * gpu_time_s + width:
            expected = f"duration * num_gpus = {duration_s * width:.10g}"
            raise TraceError(f"{path}:{line}: column 'gpu_time': expected {expected}, got '{gpu_time_s:.10g}'")
        if duration_s > 0:
            jobs.add(submit_s, duration_s, width, cluster)
        else:
            jobs.rejected.add("of duration 0", line)
    return jobs.trace()


FORMAT = csv_format("philly-csv", "Philly jobs, flattened", "finetuning", COLUMNS, _read)

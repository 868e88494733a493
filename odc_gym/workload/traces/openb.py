"""Format of the openb pods in Alibaba's GPU cluster trace of 2023: jobs that replace the class finetuning.

Satellites do not share accelerators, so a pod that shared a GPU gets a whole accelerator for its run time. Times are
seconds since the trace began. The hour of its begin was not published and is taken to be midnight.

Source: Weng et al., "Beware of fragmentation: scheduling GPU-sharing workloads with fragmentation gradient descent",
USENIX ATC 2023.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from odc_gym.errors import TraceError
from odc_gym.workload.traces.collecting import Absences, JobCollector
from odc_gym.workload.traces.reading import (
    MAX_ACCELERATORS,
    MAX_RUN_S,
    RELATIVE,
    Column,
    Row,
    csv_format,
    parse_arrival_s,
    parse_integer,
    parse_name,
)
from odc_gym.workload.traces.recorded import Outcome, Trace


def _parse_gpus(text: str) -> int:
    return parse_integer(text, 0, MAX_ACCELERATORS)


def _parse_milli(text: str) -> int:
    return parse_integer(text, 0, 1000)


OUTCOMES = {"Succeeded": Outcome.COMPLETED, "Failed": Outcome.FAILED}  # pods in other phases had not ended
COLUMNS = (
    Column("name", str, "a name"),
    Column("cpu_milli", str, "a number"),
    Column("memory_mib", str, "a number"),
    Column("num_gpu", _parse_gpus, f"a whole number from 0 to {MAX_ACCELERATORS}"),
    Column("gpu_milli", _parse_milli, "a whole number from 0 to 1000", nullable=True),
    Column("gpu_spec", str, "a name"),
    Column("qos", parse_name, "a name", nullable=True),
    Column("pod_phase", parse_name, "a name", nullable=True),
    Column("creation_time", parse_arrival_s, RELATIVE),
    Column("deletion_time", parse_arrival_s, RELATIVE, nullable=True),
    Column("scheduled_time", parse_arrival_s, RELATIVE, nullable=True),
)


def _read(path: Path, rows: Iterable[Row], absent: Absences) -> Trace:
    jobs = JobCollector(path, absent)
    for line, (_, _, _, gpus, milli, _, qos, phase, submit_s, end_s, start_s) in rows:
        if milli is not None and (gpus == 0) != (milli == 0):
            raise TraceError(f"{path}:{line}: column 'gpu_milli': expected 0 just where num_gpu is 0, got '{milli}'")
        reason = _rejection_reason(gpus, start_s, end_s)
        if reason:
            jobs.rejected.add(reason, line)
        elif end_s - start_s > MAX_RUN_S:
            raise TraceError(
                f"{path}:{line}: column 'deletion_time': expected at most 366 days of run, got '{end_s:g}'"
            )
        else:
            jobs.add(submit_s, end_s - start_s, gpus, qos, outcome=OUTCOMES.get(phase, Outcome.UNKNOWN))
    return jobs.trace()


def _rejection_reason(gpus: int, start_s: float | None, end_s: float | None) -> str | None:
    """Return why a pod is left out, or None."""
    if gpus == 0:
        return "without GPUs"
    if start_s is None:
        return "that was never scheduled"
    if end_s is None:
        return "whose end was not recorded"
    if end_s < start_s:
        return "that ends before it starts"
    return None if end_s > start_s else "of duration 0"


FORMAT = csv_format("openb", "Alibaba openb pods of 2023", "finetuning", COLUMNS, _read)

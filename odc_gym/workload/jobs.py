"""Columns of a job table, the time grid, and the mean work that a class offers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import log_ndtr, ndtr

from odc_gym.core.layout.records import JOB as JOB
from odc_gym.scenario import Duration, JobClass, ServiceClass
from odc_gym.workload.sizes import Floats as Floats
from odc_gym.workload.sizes import mean_work_h

TIME_GRID = 1024.0  # steps of the time grid in a second


def mean_duration_h(duration: Duration) -> float:
    """Return the mean run time at full clock [h] of a lognormal whose draws beyond `cut` count as `cut`.

    Source: limited expected value, Klugman, Panjer and Willmot, Loss Models, 4th ed. (2012), appendix A.5.1.
    """
    if duration.sigma == 0:
        return min(duration.median, duration.cut)
    z = math.log(duration.cut / duration.median) / duration.sigma
    below = duration.median * math.exp(duration.sigma**2 / 2 + float(log_ndtr(z - duration.sigma)))
    return below + duration.cut * float(ndtr(-z))


def mean_width(width: Mapping[int, float]) -> float:
    """Return the mean number of accelerators or satellites of a job, given probabilities by number."""
    return math.fsum(w * p for w, p in width.items()) / math.fsum(width.values())


def offered_rate(work_class: JobClass | ServiceClass) -> float:
    """Return the mean work that a class offers, before the workload's `rate_scale`.

    The unit is reference-accelerator-hours per hour.
    """
    if isinstance(work_class, ServiceClass):
        return work_class.output_tokens_per_min * 60 * work_class.accelerator_ms_per_token / 1000 / 3600
    jobs_per_h = work_class.jobs_per_h * completed_work_share(work_class)
    if work_class.duration_h is None:
        return jobs_per_h * mean_work_h(work_class)
    members = mean_width(work_class.gang.satellites) if work_class.gang else 1.0
    return jobs_per_h * members * mean_width(work_class.width) * mean_duration_h(work_class.duration_h)


def completed_work_share(job_class: JobClass) -> float:
    """Return the share of the drawn work that is done, since some jobs end early."""
    lost = job_class.failed_frac * (1.0 - job_class.failed_after)
    return 1.0 - lost - job_class.cancelled_frac * (1.0 - job_class.cancelled_after)


def round_to_grid(seconds: Floats) -> Floats:
    """Round times to 2^-10 s, so that their sums are exact."""
    return np.rint(seconds * TIME_GRID) / TIME_GRID


def joined(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Return tables of JOB one after the other.

    They are copied as bytes, which is ten times as fast as NumPy's copy of one column after the other.
    """
    return np.concatenate([np.ascontiguousarray(table).view(f"V{JOB.itemsize}") for table in tables]).view(JOB)

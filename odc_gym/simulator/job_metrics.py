"""KPIs of jobs and tenants: waits, completion, deadlines, backlog, early ends and fairness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import HOUR_S
from odc_gym.core.layout.work import CANCELLED, DONE, FAILED, REFUSED, RUNNING, SENDING, WAITING, Rules
from odc_gym.scenario import JobClass
from odc_gym.simulator.simulator import Simulator

ENDS = ("completed", "failed", "cancelled", "expired", "refused")  # ledger accounts that count ends of jobs
SHORTEST_S = 10.0  # lower bound of the run time in a bounded slowdown
Floats = npt.NDArray[np.float64]


class Columns:
    """Columns of chosen rows of a table of records, each taken when it is first read: copies of records are slow."""

    def __init__(self, table: npt.NDArray[np.void] | Columns, rows: npt.NDArray[np.intp]) -> None:
        """Choose rows (N,) of a table."""
        self._table, self._rows = table, rows
        self._taken: dict[str, npt.NDArray[Any]] = {}

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a column, (N,)."""
        if name not in self._taken:
            self._taken[name] = self._table[name][self._rows]
        return self._taken[name]


class Jobs(NamedTuple):
    """Jobs of an episode, without replicas of services and without the further rows of gangs.

    Attributes:
        table: columns of the job table, those of JOB, (J,) each.
        run: run-time columns, those of RUN, (J,) each.
        now: time since the start of the episode [s].
    """

    table: Columns
    run: Columns
    now: float

    @property
    def came(self) -> npt.NDArray[np.bool_]:
        """Mask of the jobs that arrived in the episode, (J,)."""
        return (self.table["arrival_s"] >= 0.0) & (self.table["arrival_s"] < self.now)

    @property
    def due(self) -> npt.NDArray[np.bool_]:
        """Mask of the jobs whose deadline was in the episode so far, (J,)."""
        return (self.table["deadline_s"] > 0.0) & (self.table["deadline_s"] <= self.now)

    @property
    def met(self) -> npt.NDArray[np.bool_]:
        """Mask of the jobs that ended on their own by their deadline, (J,)."""
        return np.asarray((self.run["status"] == DONE) & (self.run["finished_s"] <= self.table["deadline_s"]))

    @property
    def done_s(self) -> Floats:
        """Checkpointed work that was done in the episode [reference accelerator-seconds], (J,)."""
        return np.asarray(np.maximum(self.run["checkpointed_s"] - self.run["before_s"], 0.0))

    def only(self, which: npt.NDArray[np.bool_]) -> Jobs:
        """Return the jobs that a mask (J,) selects."""
        rows = np.flatnonzero(which)
        return Jobs(Columns(self.table, rows), Columns(self.run, rows), self.now)


def jobs_of(simulator: Simulator, row: int) -> Jobs:
    """Return the jobs of one episode that have arrived so far."""
    table, clock = simulator.jobs[row], simulator.fleet.clock
    service = Rules(*simulator.fleet.rules).service[table["class_id"]] > 0.5
    now = float((simulator.scalars["tick"][row] - clock.warm_up) * clock.dt_s)
    one = np.isfinite(table["arrival_s"]) & (table["arrival_s"] <= now) & (table["num_satellites"] > 0) & ~service
    rows = np.flatnonzero(one)
    return Jobs(Columns(table, rows), Columns(simulator.run[row], rows), now)


def job_metrics(simulator: Simulator, row: int) -> dict[str, float]:
    """Compute the KPIs of the jobs of one episode so far.

    Names state the unit: `_h` hours, `_frac` a share of 1, `_accelerator_h` reference accelerator-hours. Other names
    are counts or ratios.

    Waits cover the jobs that arrived in the episode and were not refused. The wait is the time from arrival to
    the first placement. A job that has not started has waited until it left the queue, or until now.

    - `wait_p50_h`, `wait_p95_h`: quantiles of the wait.
    - `wait_censored_frac`: share of these jobs that have not started.
    - `jobs_run`: number of jobs that ran at some time of the episode.

    Completion covers the jobs that arrived in the episode and completed. Completion time is the time from arrival to
    end. Bounded slowdown is completion time over the run time at full clock. It counts a run time of at least 10 s, and
    is at least 1.

    - `jct_mean_h`, `jct_p50_h`, `jct_p99_h`: mean and quantiles of the completion time.
    - `slowdown_mean`, `slowdown_p95`: mean and quantile of the bounded slowdown.
    - `jct_censored_frac`: share of the arrived jobs that still wait, run or send results. The figures above omit them.
    - `censored_work_accelerator_h`: checkpointed work of these jobs.

    Deadlines cover the jobs due in the episode. A job misses its deadline if it has not ended by then, was refused or
    expired. Tardiness is the time from the deadline until the job left, or until now. Means "by work" weight jobs by
    their work.

    - `deadline_miss_frac`, `deadline_miss_by_work_frac`: share of jobs, or of work, that missed the deadline.
    - `tardiness_mean_h`, `tardiness_by_work_mean_h`: mean tardiness; 0 for jobs in time.

    Totals:

    - `goodput_accelerators`: work that became safe before the deadline, and the work of tokens served within target,
      over the length of the episode [reference accelerators].
    - `preemptions`: number of spot jobs that guaranteed jobs preempted.

    Each class of jobs has these:

    - `slo_<class>`: share of the jobs due in the episode that ended by their deadline; 1 if none was due.
    - `completed_<class>`, `failed_<class>`, `cancelled_<class>`: numbers of jobs that ended on their own, by outcome.
    - `expired_<class>`, `refused_<class>`: numbers of jobs that became worthless, and that admission refused.
    - `backlog_<class>_accelerator_h`, `backlog_end_<class>_accelerator_h`: estimated work of waiting jobs, as the mean
      over decisions and at the end.
    - `oldest_<class>_mean_h`, `oldest_<class>_most_h`: age of the job that waits longest, as the mean over decisions
      and as the maximum.

    Scenarios with several tenants also have these, see `_fairness`:

    - `work_of_<tenant>_accelerator_h`: checkpointed work of the episode.
    - `jain_index`: Jain's index of work over weight.
    - `finish_time_ratio_worst`, `finish_time_unfair_frac`: finish-time fairness.

    Source: Feitelson and Rudolph, "Metrics and benchmarking for parallel job scheduling", JSSPP 1998 (bounded
    slowdown); Jain, Chiu and Hawe, DEC-TR-301 (1984); Mahajan et al., "Themis", NSDI'20 (finish-time fairness).

    Args:
        simulator: simulator of the batch.
        row: row of the episode.

    Returns:
        Values by name.
    """
    jobs = jobs_of(simulator, row)
    account = {name: rows[row] for name, rows in simulator.ledger._asdict().items()}
    result = (
        _waits(jobs)
        | _completion(jobs)
        | _deadlines(jobs)
        | {"goodput_accelerators": _goodput(simulator, row, account)}
    )
    result["preemptions"] = float(account["preempted"].sum())
    return result | _by_class(simulator, row, account, jobs) | _fairness(simulator, jobs)


def _waits(jobs: Jobs) -> dict[str, float]:
    came = jobs.only(jobs.came & (jobs.run["status"] != REFUSED))
    started_s, finished_s = came.run["started_s"], came.run["finished_s"]
    wait_s = np.minimum(np.minimum(started_s, finished_s), came.now) - came.table["arrival_s"]
    half, most = _quantiles(wait_s, (0.50, 0.95))
    return {
        "wait_p50_h": half / HOUR_S,
        "wait_p95_h": most / HOUR_S,
        "wait_censored_frac": _mean((started_s > came.now).astype(float)),
        "jobs_run": float(((jobs.run["started_s"] < jobs.now) & (jobs.run["finished_s"] > 0.0)).sum()),
    }


def _completion(jobs: Jobs) -> dict[str, float]:
    came = jobs.only(jobs.came)
    status, outcome = came.run["status"], came.table["outcome"]
    done = came.only((status == DONE) & (outcome != FAILED) & (outcome != CANCELLED))
    took_s = done.run["finished_s"] - done.table["arrival_s"]
    slowdown = np.maximum(took_s / np.maximum(done.table["duration_s"], SHORTEST_S), 1.0)
    half, most = _quantiles(took_s, (0.50, 0.99))
    open_ = (status == WAITING) | (status == RUNNING) | (status == SENDING)
    return {
        "jct_mean_h": _mean(took_s) / HOUR_S,
        "jct_p50_h": half / HOUR_S,
        "jct_p99_h": most / HOUR_S,
        "slowdown_mean": _mean(slowdown),
        "slowdown_p95": _quantiles(slowdown, (0.95,))[0],
        "jct_censored_frac": _mean(open_.astype(float)),
        "censored_work_accelerator_h": float(came.done_s[open_].sum()) / HOUR_S,
    }


def _deadlines(jobs: Jobs) -> dict[str, float]:
    due = jobs.only(jobs.due)
    missed = ~due.met
    left_s = np.where(due.run["status"] == REFUSED, due.table["deadline_s"], np.minimum(due.run["finished_s"], due.now))
    late_s = np.where(missed, np.maximum(left_s - due.table["deadline_s"], 0.0), 0.0)
    work = due.table["work_s"]
    return {
        "deadline_miss_frac": _mean(missed.astype(float)),
        "deadline_miss_by_work_frac": _mean(missed.astype(float), work),
        "tardiness_mean_h": _mean(late_s) / HOUR_S,
        "tardiness_by_work_mean_h": _mean(late_s, work) / HOUR_S,
    }


def _goodput(simulator: Simulator, row: int, account: dict[str, Floats]) -> float:
    token_s = Rules(*simulator.fleet.rules).token_s
    clock = simulator.fleet.clock
    episode_s = max((float(simulator.scalars["tick"][row]) - clock.warm_up) * clock.dt_s, 1e-9)
    return float((account["timely_s"] + account["slo_met"] * token_s).sum() / episode_s)


def _by_class(simulator: Simulator, row: int, account: dict[str, Floats], jobs: Jobs) -> dict[str, float]:
    clock = simulator.fleet.clock
    result, due, met = dict[str, float](), jobs.due, jobs.met
    decisions = max((float(simulator.scalars["tick"][row]) - clock.warm_up) / clock.steps, 1.0)
    for c, name in enumerate(simulator.class_names):
        if not isinstance(simulator.scenario.workload.classes[name], JobClass):
            continue
        own_due = due & (jobs.table["class_id"] == c)
        result[f"slo_{name}"] = float(met[own_due].mean()) if own_due.any() else 1.0
        result |= {f"{what}_{name}": float(account[what][c]) for what in ENDS}
        result[f"backlog_{name}_accelerator_h"] = float(account["backlog_sum_s"][c]) / decisions / HOUR_S
        result[f"backlog_end_{name}_accelerator_h"] = float(account["backlog_now_s"][c]) / HOUR_S
        result[f"oldest_{name}_mean_h"] = float(account["oldest_sum_s"][c]) / decisions / HOUR_S
        result[f"oldest_{name}_most_h"] = float(account["oldest_most_s"][c]) / HOUR_S
    return result


def _fairness(simulator: Simulator, jobs: Jobs) -> dict[str, float]:
    """Compute the fairness between tenants; the result is empty if there is only one.

    Jain's index covers the work done for each tenant with jobs over the tenant's weight. It is 1 if all are equal, and
    1/n if one of n tenants has all the work. Finish-time fairness divides a job's completion time by the time that it
    would have if the tenant were alone. The tenant then has its share of the sustainable output, and serves its jobs
    first come first served, as a fluid. The KPIs are the largest mean ratio of a tenant, and the share of jobs with a
    ratio above 1.
    """
    tenants = simulator.scenario.workload.tenants
    if len(tenants) == 1:
        return {}
    weight = np.array([tenant.weight for tenant in tenants.values()])
    done_s = np.bincount(jobs.table["tenant"], jobs.done_s, weight.size)
    present = np.bincount(jobs.table["tenant"], minlength=weight.size) > 0
    x = (done_s / weight)[present]
    result = {f"work_of_{name}_accelerator_h": float(s) / HOUR_S for name, s in zip(tenants, done_s, strict=True)}
    result["jain_index"] = float(x.sum() ** 2 / max(x.size * (x**2).sum(), 1e-9))
    ratios = [_ratios(simulator, jobs, i, share) for i, share in enumerate(weight / weight.sum())]
    all_ratios = np.concatenate(ratios)
    result["finish_time_ratio_worst"] = max(_mean(ratio) for ratio in ratios)
    result["finish_time_unfair_frac"] = _mean((all_ratios > 1.0).astype(float))
    return result


def _ratios(simulator: Simulator, jobs: Jobs, tenant: int, share: float) -> Floats:
    """Return the finish-time ratios of a tenant's jobs that are done, (J,).

    Args:
        simulator: simulator of the batch.
        jobs: jobs of the episode.
        tenant: index of the tenant.
        share: share of the fleet that the tenant would have alone.
    """
    own = jobs.only((jobs.table["tenant"] == tenant) & jobs.came)
    fleet = simulator.fleet
    of_jobs = [isinstance(fleet.scenario.workload.classes[name], JobClass) for name in simulator.class_names]
    capacity = share * fleet.sustainable * float(fleet.mix.share[of_jobs].sum())
    arrival_s = own.table["arrival_s"]
    queued_s = np.cumsum(own.table["work_s"]) / capacity
    before_s = np.concatenate([[0.0], queued_s[:-1]])
    fluid_s = queued_s + np.maximum.accumulate(arrival_s - before_s)  # Lindley's recursion, in closed form
    alone_s = np.maximum(fluid_s - arrival_s, own.table["duration_s"])
    done = own.run["status"] == DONE
    return np.asarray(((own.run["finished_s"] - arrival_s) / alone_s)[done])


def _mean(values: Floats, weights: Floats | None = None) -> float:
    """Return the mean, or 0 if there are no values."""
    return float(np.average(values, weights=weights)) if values.size else 0.0


def _quantiles(values: Floats, shares: Sequence[float]) -> list[float]:
    """Return quantiles, or zeros if there are no values: those of `np.quantile`, whose checks take most of its time."""
    if not values.size:
        return [0.0] * len(shares)
    ordered, found = np.sort(values), []
    for share in shares:
        place = (values.size - 1) * share
        first = int(place)
        low, high = float(ordered[first]), float(ordered[min(first + 1, values.size - 1)])
        part = place - first
        found.append(high - (high - low) * (1.0 - part) if part >= 0.5 else low + (high - low) * part)
    return found

"""KPIs of jobs and of their owners: waits, completion, deadlines, backlog, early ends, fairness."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import HOUR_S
from odc_gym.core.layout.work import CANCELLED, DONE, FAILED, REFUSED, RUNNING, SENDING, WAITING, Rules
from odc_gym.scenario import JobClass
from odc_gym.simulator.simulator import Simulator

ENDS = ("completed", "failed", "cancelled", "expired", "refused")  # accounts of the ledger
SHORTEST_S = 10.0  # run time below which a slowdown counts as that of this one
Floats = npt.NDArray[np.float64]


class Jobs(NamedTuple):
    """Jobs of an episode, without replicas of services and without the further rows of gangs; arrays (J,)."""

    table: npt.NDArray[np.void]
    run: npt.NDArray[np.void]
    now: float

    @property
    def came(self) -> npt.NDArray[np.bool_]:
        """Whether it arrived in the episode."""
        return (self.table["arrival_s"] >= 0.0) & (self.table["arrival_s"] < self.now)

    @property
    def due(self) -> npt.NDArray[np.bool_]:
        """Whether its deadline was in the episode."""
        return (self.table["deadline_s"] > 0.0) & (self.table["deadline_s"] <= self.now)

    @property
    def met(self) -> npt.NDArray[np.bool_]:
        """Whether it ended by its deadline, of itself."""
        return np.asarray((self.run["status"] == DONE) & (self.run["finished_s"] <= self.table["deadline_s"]))

    @property
    def done_s(self) -> Floats:
        """Work of the episode that is safe."""
        return np.asarray(np.maximum(self.run["checkpointed_s"] - self.run["before_s"], 0.0))

    def only(self, which: npt.NDArray[np.bool_]) -> Jobs:
        """Those of a mask (J,)."""
        return Jobs(self.table[which], self.run[which], self.now)


def jobs_of(simulator: Simulator, row: int) -> Jobs:
    """The jobs of an episode that have arrived so far."""
    table, clock = simulator.jobs[row], simulator.fleet.clock
    service = Rules(*simulator.fleet.rules).service[table["class_id"]] > 0.5
    now = float((simulator.scalars["tick"][row] - clock.warm_up) * clock.dt_s)
    one = np.isfinite(table["arrival_s"]) & (table["arrival_s"] <= now) & (table["num_satellites"] > 0) & ~service
    return Jobs(table, simulator.run[row], now).only(one)


def job_metrics(simulator: Simulator, row: int) -> dict[str, float]:
    """KPIs of the jobs of one episode so far.

    Wait is the time from arrival to the first placement of jobs that arrived in the episode and were not refused; of
    those that still wait it is the time so far. `jobs_run` counts the jobs that ran at some time of the episode.
    `slo_<class>` is the share of jobs due in the episode that ended by their deadline. Of the counts by class,
    `completed_`, `failed_` and `cancelled_` tell how jobs ended of themselves.

    Completion time is from arrival to the end of jobs that arrived in the episode and completed; bounded slowdown is
    completion time over the run time at full clock, of which at least 10 s count, and at least 1. Jobs that still wait
    or run are not in either: `jct_censored_frac` is their share of the jobs that arrived. Goodput is the work that was
    made safe by its deadline, and of services the tokens within target, over the length of the episode. A miss is a job
    due in the episode that had not ended by its deadline, refused and expired ones included; tardiness is what passed
    beyond it until the job left, or so far. Means "by work" weigh jobs by their accelerator-seconds.

    Backlog is the estimated work of waiting jobs of a class, and `oldest_` the age of the one that waits longest, mean
    over decisions, most, and at the end.

    Source: Feitelson and Rudolph, "Metrics and benchmarking for parallel job scheduling", JSSPP 1998 (bounded
    slowdown); Jain, Chiu and Hawe, DEC-TR-301 (1984); Mahajan et al., "Themis", NSDI'20 (finish-time fairness).

    Args:
        simulator: the batch.
        row: which of its episodes.

    Returns:
        Name to value.
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
    return result | _by_class(simulator, row, account) | _fairness(simulator, jobs)


def _waits(jobs: Jobs) -> dict[str, float]:
    came = jobs.only(jobs.came & (jobs.run["status"] != REFUSED))
    started_s, finished_s = came.run["started_s"], came.run["finished_s"]
    wait_s = np.minimum(np.minimum(started_s, finished_s), came.now) - came.table["arrival_s"]
    return {
        "wait_p50_h": _quantile(wait_s, 0.50) / HOUR_S,
        "wait_p95_h": _quantile(wait_s, 0.95) / HOUR_S,
        "wait_censored_frac": _mean((started_s > came.now).astype(float)),
        "jobs_run": float(((jobs.run["started_s"] < jobs.now) & (jobs.run["finished_s"] > 0.0)).sum()),
    }


def _completion(jobs: Jobs) -> dict[str, float]:
    came = jobs.only(jobs.came)
    status, outcome = came.run["status"], came.table["outcome"]
    done = came.only((status == DONE) & (outcome != FAILED) & (outcome != CANCELLED))
    took_s = done.run["finished_s"] - done.table["arrival_s"]
    slowdown = np.maximum(took_s / np.maximum(done.table["duration_s"], SHORTEST_S), 1.0)
    open_ = (status == WAITING) | (status == RUNNING) | (status == SENDING)
    return {
        "jct_mean_h": _mean(took_s) / HOUR_S,
        "jct_p50_h": _quantile(took_s, 0.50) / HOUR_S,
        "jct_p99_h": _quantile(took_s, 0.99) / HOUR_S,
        "slowdown_mean": _mean(slowdown),
        "slowdown_p95": _quantile(slowdown, 0.95),
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


def _by_class(simulator: Simulator, row: int, account: dict[str, Floats]) -> dict[str, float]:
    clock = simulator.fleet.clock
    jobs, result = jobs_of(simulator, row), dict[str, float]()
    due, met = jobs.due, jobs.met
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
    """Fairness between tenants, where there are several.

    Jain's index is of the work done for each tenant with jobs over its weight: 1 if all are equal, 1/n if one has it
    all. Finish-time fairness compares completion with that of a tenant alone on its share of what the fleet sustains,
    first come first served, as a fluid: the largest mean ratio of a tenant, and the share of jobs above 1.
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
    """Completion times of the done jobs of a tenant over those that it would have alone on its share of the fleet."""
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
    """Mean, 0 of nothing."""
    return float(np.average(values, weights=weights)) if values.size else 0.0


def _quantile(values: Floats, share: float) -> float:
    return float(np.quantile(values, share)) if values.size else 0.0

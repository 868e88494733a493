"""KPIs of jobs, of what is lost and of what is moved: on a table worked out by hand, and by plain Python.

The definitions are those of the sources that `job_metrics` names; nothing here is taken from its code.
"""

import math

import numpy as np
import pytest
from desk import Desk, fleet_of
from hand_queue import JOB_CLASS, fleet, play, put, starts, table

from odc_gym.scenario import Scenario
from odc_gym.simulator.job_metrics import _quantiles
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.workload.traces import Outcome

HOUR_S = 3600.0
STATUS = ("absent", "waiting", "running", "done", "expired", "sending", "refused")


def close(value):
    return pytest.approx(value, rel=1e-9, abs=1e-12)


@pytest.fixture(scope="module")
def by_hand():
    """Five jobs as wide as the one satellite, 180 minutes, two tenants: starts at 0, 30, 90 and 110, one never.

    | job | tenant | arrival | run | deadline | start | end              |
    | --- | ------ | ------- | --- | -------- | ----- | ---------------- |
    | 0   | a      | 0       | 30  | 60       | 0     | 30               |
    | 1   | b      | 0       | 60  | 70       | 30    | 90               |
    | 2   | a      | 10      | 20  | 210      | 90    | 110              |
    | 3   | b      | 20      | 120 | 175      | 110   | runs, 60 safe    |
    | 4   | a      | 30      | 10  | 70       | -     | worthless at 110 |
    """
    progress = JOB_CLASS["progress"] | {"every_min": 60.0}
    classes = {"finetuning": JOB_CLASS | {"progress": progress}}
    tenants = {"a": {"weight": 2.0}, "b": {"weight": 1.0}}
    changes = {"dispatch__order": "fcfs", "workload__classes": classes, "workload__tenants": tenants}
    sim = fleet(1, accelerators=4, hours=3.0, **changes)
    put(sim, [table([0, 0, 10, 20, 30], [30, 60, 20, 120, 10], [4] * 5, slack=[60, 70, 200, 155, 40])])
    sim.jobs["tenant"][0, :5] = [0, 1, 0, 1, 0]
    play(sim, 180)
    assert starts(sim, 0, 5).tolist() == [0.0, 30.0, 90.0, 110.0, math.inf]
    return sim


def test_waits_and_completion_on_a_hand_made_table(by_hand):
    """Catches quantiles of another kind, a wait that forgets the job that never started, and a slowdown below 1."""
    kpi = episode_metrics(by_hand, 0)
    # waits 0, 30, 80, 90 and, until it was worthless, 80 min; times from arrival to end 30, 90 and 100 min
    assert kpi["wait_p50_h"] == close(80 / 60) and kpi["wait_p95_h"] == close((80 + 0.8 * 10) / 60)
    assert kpi["wait_censored_frac"] == close(1 / 5) and kpi["jobs_run"] == 4.0
    assert kpi["jct_mean_h"] == close(220 / 3 / 60) and kpi["jct_p50_h"] == close(90 / 60)
    assert kpi["jct_p99_h"] == close((90 + 0.98 * 10) / 60)
    # over run times 30, 60 and 20: 1, 1.5 and 5
    assert kpi["slowdown_mean"] == close(2.5) and kpi["slowdown_p95"] == close(1.5 + 0.9 * 3.5)
    assert kpi["jct_censored_frac"] == close(1 / 5) and kpi["censored_work_accelerator_h"] == close(4.0)


def test_deadlines_and_goodput_on_a_hand_made_table(by_hand):
    """Catches a deadline beyond the end that counts, lateness of expired jobs up to now, and work that is late."""
    kpi = episode_metrics(by_hand, 0)
    # due are 0 (met), 1 (20 min late), 3 (5 min so far) and 4 (gone 40 min late); work 120, 240, 480 and 40
    assert kpi["deadline_miss_frac"] == close(3 / 4) and kpi["slo_finetuning"] == close(1 / 4)
    assert kpi["deadline_miss_by_work_frac"] == close(760 / 880)
    assert kpi["tardiness_mean_h"] == close((20 + 5 + 40) / 4 / 60)
    assert kpi["tardiness_by_work_mean_h"] == close((240 * 20 + 480 * 5 + 40 * 40) / 880 / 60)
    # safe by the deadline: all of 0 and 2, nothing of 1 (its checkpoint came at 90), the first hour of 3 (at 170)
    assert kpi["goodput_accelerators"] == close((120 + 80 + 240) / 180)
    assert kpi["work_accelerator_h"] == close((120 + 240 + 80 + 240) / 60)
    assert kpi["completed_finetuning"] == 3.0 and kpi["expired_finetuning"] == 1.0


def test_fairness_on_a_hand_made_table(by_hand):
    """Catches weights that multiply, tenants without the jobs that never ended, and isolation on the whole fleet."""
    kpi, fleet_accelerators = episode_metrics(by_hand, 0), by_hand.fleet.sustainable
    assert fleet_accelerators == pytest.approx(4.0, rel=0.1)
    assert kpi["work_of_a_accelerator_h"] == close(200 / 60) and kpi["work_of_b_accelerator_h"] == close(480 / 60)
    assert kpi["jain_index"] == close((100 + 480) ** 2 / (2 * (100**2 + 480**2)))
    # alone, a has two thirds: job 0 takes 120/c, and job 2 follows it; b has a third
    a, b = 2 / 3 * fleet_accelerators, fleet_accelerators / 3
    ratios = [30 / (120 / a), 100 / (120 / a + 80 / a - 10)], [90 / (240 / b)]
    assert kpi["finish_time_ratio_worst"] == close(max(np.mean(ratios[0]), np.mean(ratios[1])))
    assert kpi["finish_time_unfair_frac"] == close(1 / 3)


def test_lost_work_and_data_moved_by_hand():
    """An outage after ten minutes takes ten minutes of work; a checkpoint and an input are moved.

    Catches loss in other units, and bytes that were asked for in place of those that came.
    """
    desk = Desk(2, [(1, {(0, 1), (0, 2), (1, 2)})], fleet_of(2, workload__classes__batch__data_in_gb=30.0))
    desk.layout.clocks(desk.action)[:] = 1.0
    desk.open(0)
    row = desk.job("finetuning", width=4)
    desk.checkpoint(row, 1)
    desk.job("batch", work_s=60.0)
    desk.play(12)  # 120 GB at 1 GB/s, then ten minutes at full clock
    before = desk.run(row)["uncheckpointed_s"]
    assert before == pytest.approx(4 * 600.0, rel=0.02)
    desk.sim.tables.skies[0, :, 4, 0] = 1.0
    desk.play()
    kpi = episode_metrics(desk.sim, 0)
    assert kpi["lost_accelerator_h"] == close(before / HOUR_S) == kpi["lost_to_outages_accelerator_h"]
    assert kpi["forced_stops"] == kpi["evictions"] == 1.0 and kpi["foreseen_stops"] == 0.0
    assert kpi["state_gb"] == 120.0 and kpi["input_gb"] == 30.0 and kpi["link_gb"] == 150.0


class Records:
    """What became of the jobs of an episode, as rows of plain Python, and of their safe work minute by minute."""

    def __init__(self, scenario, seed):
        self.sim = sim = Simulator(scenario, 1)
        sim.reset([seed])
        service = [scenario.workload.classes[name].kind == "service" for name in sim.class_names]
        self.least_s = self.most_s = 0.0  # work safe by its deadline, by the begin and the end of the minute
        fresh, safe = {}, self.safe()
        while not sim.truncated.all():
            begin = self.now
            sim.step(np.zeros((1, sim.action_size)))
            for row, done_s in self.safe().items():
                fresh[row] = done_s - safe.get(row, 0.0)
                at = [begin, self.now]
                if STATUS[sim.run[0, row]["status"]] == "done":
                    at = [sim.run[0, row]["finished_s"]] * 2
                deadline_s = sim.jobs[0, row]["deadline_s"]
                self.most_s += fresh[row] if at[0] <= deadline_s else 0.0
                self.least_s += fresh[row] if at[1] <= deadline_s else 0.0
            safe = self.safe()
        self.jobs = []
        for row, job in enumerate(sim.jobs[0]):
            if job["num_satellites"] > 0 and job["arrival_s"] <= self.now and not service[job["class_id"]]:
                named = {name: job[name].item() for name in job.dtype.names}
                run = sim.run[0, row]
                named |= {name: run[name].item() for name in ("started_s", "finished_s", "checkpointed_s", "before_s")}
                named["status"] = STATUS[run["status"]]
                named["done_s"] = max(named["checkpointed_s"] - named["before_s"], 0.0)
                self.jobs.append(named)
        self.came = [job for job in self.jobs if 0.0 <= job["arrival_s"] < self.now]

    @property
    def now(self):
        clock = self.sim.fleet.clock
        return float((self.sim.scalars["tick"][0] - clock.warm_up) * clock.dt_s)

    def safe(self):
        """Safe work of the episode by row, of those that have any."""
        run = self.sim.run[0]
        done = np.where(self.sim.jobs[0]["num_satellites"] > 0, run["checkpointed_s"] - run["before_s"], 0.0)
        return {int(row): float(done[row]) for row in np.flatnonzero(done > 0.0)}


def mean(values):
    return math.fsum(values) / len(values)


def quantile(values, q):
    """Linear between the order statistics."""
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    return ordered[low] + (place - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


@pytest.fixture(scope="module")
def records():
    """Eight hours of an overloaded fleet: jobs that fail, that are cancelled, refused, late and worthless; tenants."""
    starter = Scenario.load("starter12")
    finetuning, batch = (starter.workload.classes[name].model_dump() for name in ("finetuning", "batch"))
    finetuning |= {"slack": {"low": 1.2, "high": 3, "of": "duration"}, "failed_frac": 0.2}
    batch |= {"slack": {"low": 0.5, "high": 2, "of": "hour"}, "cancelled_frac": 0.2}
    changes = {
        "episode": {"hours": 8, "physics_s": 60, "decision_period_s": 60},
        "workload.classes": {"finetuning": finetuning, "batch": batch, "interactive": None},
        "workload.rate_scale": 2.2,
        "workload.tenants": {
            name: {"weight": weight, "share": share}
            for name, weight, share in (("a", 3, 0.3), ("b", 1, 0.5), ("c", 1, 0.2))
        },
        "dispatch.admission.backlog_h": 1.5,
        "faults.upsets_per_chip_year": 300.0,
    }
    return Records(starter.replace(changes), 20_000)


def test_all_that_can_become_of_a_job_did(records):
    """The comparisons below would pass without."""
    assert {"waiting", "running", "done", "expired", "refused"} <= {job["status"] for job in records.jobs}
    assert {Outcome.FAILED, Outcome.CANCELLED} <= {job["outcome"] for job in records.jobs if job["status"] == "done"}
    assert any(job["arrival_s"] < 0.0 for job in records.jobs)


def test_waits_and_completion_by_plain_python(records):
    kpi, now = episode_metrics(records.sim, 0), records.now
    waits = []
    for job in records.came:
        if job["status"] != "refused":
            until = job["started_s"] if job["started_s"] <= now else min(job["finished_s"], now)
            waits.append(until - job["arrival_s"])
    assert kpi["wait_p50_h"] == close(quantile(waits, 0.5) / HOUR_S)
    assert kpi["wait_p95_h"] == close(quantile(waits, 0.95) / HOUR_S)
    whole = [
        job
        for job in records.came
        if job["status"] == "done" and job["outcome"] not in (Outcome.FAILED, Outcome.CANCELLED)
    ]
    jct = [job["finished_s"] - job["arrival_s"] for job in whole]
    slowdown = [max(1.0, t / max(job["duration_s"], 10.0)) for t, job in zip(jct, whole, strict=True)]
    assert kpi["jct_mean_h"] == close(mean(jct) / HOUR_S) and kpi["jct_p50_h"] == close(quantile(jct, 0.5) / HOUR_S)
    assert kpi["jct_p99_h"] == close(quantile(jct, 0.99) / HOUR_S)
    assert kpi["slowdown_mean"] == close(mean(slowdown)) and kpi["slowdown_p95"] == close(quantile(slowdown, 0.95))
    still = [job for job in records.came if job["status"] in ("waiting", "running", "sending")]
    assert kpi["jct_censored_frac"] == close(len(still) / len(records.came))
    assert kpi["censored_work_accelerator_h"] == close(sum(job["done_s"] for job in still) / HOUR_S)


def test_deadlines_by_plain_python(records):
    kpi, now = episode_metrics(records.sim, 0), records.now
    due = [job for job in records.jobs if 0.0 < job["deadline_s"] <= now]
    late = []
    for job in due:
        met = job["status"] == "done" and job["finished_s"] <= job["deadline_s"]
        end_s = job["deadline_s"] if job["status"] == "refused" else min(job["finished_s"], now)
        late.append((not met, 0.0 if met else max(0.0, end_s - job["deadline_s"]), job["work_s"]))
    work = sum(w for _, _, w in late)
    assert kpi["deadline_miss_frac"] == close(mean([missed for missed, _, _ in late]))
    assert kpi["deadline_miss_by_work_frac"] == close(sum(w for missed, _, w in late if missed) / work)
    assert kpi["tardiness_mean_h"] == close(mean([t for _, t, _ in late]) / HOUR_S)
    assert kpi["tardiness_by_work_mean_h"] == close(sum(t * w for _, t, w in late) / work / HOUR_S)
    assert 0.05 < kpi["deadline_miss_frac"] < 0.95 and kpi["tardiness_mean_h"] > 0.0


def test_goodput_by_plain_python(records):
    """From safe work, minute by minute; what is safe within the minute of a deadline may be on either side."""
    goodput = episode_metrics(records.sim, 0)["goodput_accelerators"] * records.now
    assert records.least_s - 1e-6 <= goodput <= records.most_s + 1e-6
    assert records.most_s - records.least_s < 0.01 * goodput
    everything = episode_metrics(records.sim, 0)["work_accelerator_h"] * HOUR_S
    assert everything == pytest.approx(sum(job["done_s"] for job in records.jobs), rel=1e-9)
    assert goodput < 0.98 * everything


def test_fairness_by_plain_python(records):
    """Jain's index of the work over the weights; and a first-come queue of each tenant alone, job after job."""
    kpi, sim = episode_metrics(records.sim, 0), records.sim
    workload = sim.scenario.workload
    weights = [tenant.weight for tenant in workload.tenants.values()]
    x = [sum(job["done_s"] for job in records.jobs if job["tenant"] == i) / w for i, w in enumerate(weights)]
    assert kpi["jain_index"] == close(sum(x) ** 2 / (len(x) * sum(v * v for v in x)))
    means, every = [], []
    for i, weight in enumerate(weights):
        capacity = weight / sum(weights) * sim.fleet.sustainable  # there are no services
        ratios, free_s = [], 0.0
        for job in sorted((job for job in records.came if job["tenant"] == i), key=lambda job: job["arrival_s"]):
            free_s = max(free_s, job["arrival_s"]) + job["work_s"] / capacity
            if job["status"] == "done":
                alone_s = max(free_s - job["arrival_s"], job["duration_s"])
                ratios.append((job["finished_s"] - job["arrival_s"]) / alone_s)
        means.append(mean(ratios))
        every += ratios
    assert kpi["finish_time_ratio_worst"] == pytest.approx(max(means), rel=1e-9)
    assert kpi["finish_time_unfair_frac"] == close(mean([ratio > 1.0 for ratio in every]))
    assert 0.0 < kpi["finish_time_unfair_frac"] < 1.0 and kpi["jain_index"] < 0.99


def test_quantiles_are_those_of_numpy_bit_for_bit():
    """Catches an interpolation from the other end, which rounds differently, and the last of one or two values."""
    draws, shares = np.random.default_rng(0), (0.0, 0.5, 0.95, 0.99, 1.0)
    for size in (1, 2, 3, *draws.integers(4, 300, 200)):
        values = draws.exponential(1e4, size)
        assert _quantiles(values, shares) == np.quantile(values, shares).tolist()
    assert _quantiles(np.zeros(0), (0.5, 0.9)) == [0.0, 0.0]

"""Orders of the queue, admission, spot jobs that make way, and fair shares, on queues written by hand."""

import numpy as np
import pytest
from hand_queue import JOB_CLASS, STEP_S, fleet, play, put, starts, table

from odc_gym.core.layout.work import DONE, GUARANTEED, REFUSED, SPOT
from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.workload.traces import Outcome

TIERS = {"press": {"tier": "guaranteed"}, "night": {"tier": "spot"}}


def by_definition(jobs, order, now, value=1.0, age_s=7200.0):
    """Rows in queue order, best first, from what the documentation says of each order."""
    if order == "value":
        key = -value * (1.0 + (now - jobs["arrival_s"]) / age_s)
    elif order == "edf":
        key = jobs["deadline_s"]
    elif order == "least-slack":
        key = jobs["deadline_s"] - now - jobs["estimate_s"] / jobs["width"]
    else:
        key = jobs["arrival_s"]
    return np.argsort(key, kind="stable")


@pytest.mark.parametrize("order", ["value", "edf", "least-slack", "fcfs"])
def test_one_after_the_other_in_the_order_asked_for(order):
    """Jobs as wide as the machine: the starts are the order. Catches a wrong sign, and slack without the work left."""
    sim = fleet(1, accelerators=2, hours=4.0, dispatch__order=order, workload__tenants=TIERS)
    rng = np.random.default_rng(5)
    count = 9
    arrival, duration = np.arange(count) * 0.5, rng.permutation(np.arange(3, 3 + 2 * count, 2))
    jobs = table(arrival, duration, np.full(count, 2), slack=rng.permutation(np.arange(200, 200 + 13 * count, 13)))
    jobs["arrival_s"][1:] = np.sort(rng.uniform(1, 5, count - 1)) * STEP_S
    put(sim, [jobs])
    play(sim, 230)
    start = starts(sim, 0, count)
    assert np.isfinite(start).all()
    waits = np.arange(1, count)  # the first finds the machine free
    now = 6 * STEP_S  # when all have arrived and the first still runs or the second has just begun
    expected = by_definition(jobs[1:], order, now)
    if start[1:].min() < 6:  # one began before the last came
        expected = expected[expected != np.argmin(start[1:])]
        waits = np.delete(waits, np.argmin(start[1:]))
        expected = expected - (expected > np.argmin(start[1:]))
    assert np.argsort(start[waits], kind="stable").tolist() == expected.tolist()


def test_a_class_with_too_long_a_backlog_refuses_all_but_guaranteed_jobs():
    """Catches a limit on the number of jobs, one that counts running work, and guaranteed jobs that are turned away."""
    sim = fleet(1, accelerators=2, dispatch__admission__backlog_h=1.0, workload__tenants=TIERS)
    minutes = sim.fleet.sustainable * 3600.0 / 2 / STEP_S  # of a job two wide that is as much as may wait
    arrival = [0, 1, 2, 3, 4]
    duration = [100, np.floor(minutes * 0.9), np.floor(minutes * 0.2), 5, 5]
    jobs = table(arrival, duration, [2] * 5)
    jobs["tier"][4] = GUARANTEED
    put(sim, [jobs])
    play(sim, 6)
    assert (sim.run["status"][0, :5] == REFUSED).tolist() == [False, False, False, True, False]
    metrics = episode_metrics(sim, 0)
    assert metrics["refused_finetuning"] == 1.0
    waiting = (duration[1] + duration[2] + 5) * 2 / 60
    assert metrics["backlog_end_finetuning_accelerator_h"] == pytest.approx(waiting)
    assert metrics["oldest_finetuning_most_h"] == pytest.approx(5 / 60)


def test_a_guaranteed_job_takes_the_place_of_the_fewest_spot_jobs():
    """Catches standard jobs that are thrown out, a spot job that loses what a checkpoint would keep, and too many."""
    sim = fleet(1, satellites=2, accelerators=4, workload__tenants=TIERS)
    jobs = table([0, 0, 0, 0, 5], [60] * 4 + [10], [3, 1, 2, 1, 3])
    jobs["tier"] = [SPOT, 1, SPOT, SPOT, GUARANTEED]
    put(sim, [jobs])
    play(sim, 12)
    run = sim.run[0, :5]
    assert starts(sim, 0, 5)[4] == 5.0
    assert sim.ledger.preempted[0].sum() == 1.0 and run["host"][2] == -1  # two accelerators, elsewhere it were three
    assert run["checkpointed_s"][2] == pytest.approx(2 * 5 * STEP_S) and sim.ledger.lost_s[0].sum() == 0.0
    assert sim.ledger.foreseen[0].sum() == 1.0 and sim.ledger.forced[0].sum() == 0.0
    play(sim, 60)
    assert (sim.run["status"][0, :5] == DONE)[[1, 2, 3, 4]].all()


def test_a_tenant_that_had_more_waits_for_one_that_had_less():
    """Two tenants of equal right, one of them first with many jobs. Catches shares that do not reach the rank."""
    tenants = {"many": {}, "few": {}}
    done = {}
    for fair in (False, True):
        sim = fleet(1, accelerators=2, hours=4.0, dispatch__fair_share=fair, workload__tenants=tenants)
        jobs = table([*range(10), 12], [20] * 11, [2] * 11)
        jobs["tenant"] = [0] * 10 + [1]
        put(sim, [jobs])
        play(sim, 120)
        done[fair] = starts(sim, 0, 11)[10]
        if fair:
            held = sim.tenants.held[0]
            assert held.sum() == pytest.approx(
                2.0 * 19 / 20 * (1 - np.exp(-120 / 240)), rel=0.02
            )  # a job's last step ends it
    assert done[True] == 20.0 and done[False] > 100.0
    with pytest.raises(ScenarioError, match="fair_share"):
        Scenario.load("starter12").replace({"dispatch.fair_share": True, "dispatch.order": "edf"})


def test_users_that_end_a_job_pay_for_what_it_did():
    """A failed, a cancelled and a whole job, half of the value held back. Catches work that is forfeited."""
    classes = {"finetuning": {**JOB_CLASS, "hold_back": 0.5, "value": 2.0}}
    sim = fleet(1, accelerators=8, workload__classes=classes)
    jobs = table([0, 0, 0], [6, 12, 30], [1, 2, 4], estimate=[30, 30, 30])
    jobs["outcome"] = [Outcome.FAILED, Outcome.CANCELLED, Outcome.UNKNOWN]
    jobs["price"] = [1.0, 1.5, 0.4]
    put(sim, [jobs])
    play(sim, 40)
    paid = 2.0 * (6 * 1 * 1.0 + 12 * 2 * 1.5 + 30 * 4 * 0.4) / 60
    assert sim.ledger.paid[0, 0] == pytest.approx(paid)
    metrics = episode_metrics(sim, 0)
    assert [metrics[f"{what}_finetuning"] for what in ("failed", "cancelled", "completed")] == [1.0, 1.0, 1.0]
    assert metrics["lost_accelerator_h"] == 0.0

"""Schedulers that choose the order of the queue: the same world, served in that order."""

import gymnasium
import numpy as np
import pytest
from fields import episode_inputs

from odc_gym.agents import scheduler_factory
from odc_gym.core.layout.work import Policy
from odc_gym.evaluation import evaluate
from odc_gym.scenario import Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator

SEED = 20_002  # of high load: jobs wait
LIMIT = {"episode.hours": 8}
ORDERS = ("earliest-deadline", "least-slack", "first-come")


FREE = {"dispatch.reservation": "none"}  # which lets narrow jobs pass a wide one, but not each other


def key_of(name, jobs):
    """What the rule puts first is least, seconds."""
    if name == "first-come":
        return jobs["arrival_s"]
    return jobs["deadline_s"] - (jobs["estimate_s"] / jobs["width"] if name == "least-slack" else 0.0)


@pytest.fixture(scope="module")
def flown():
    """One episode under the zero action in each order, and in the default one."""
    found = {}
    for name in ("zero", *ORDERS):
        overrides = scheduler_factory(name).requires.get("overrides", {})
        simulator = found[name] = Simulator(Scenario.load("starter12", LIMIT | FREE | overrides), 1)
        simulator.reset([SEED])
        while not simulator.truncated.all():
            simulator.step(np.zeros((1, simulator.action_size)))
    return found


def overtaken(simulator, name, tolerance_s):
    """Pairs of jobs of a class, the later served no wider and first by the rule, although both waited."""
    jobs = simulator.jobs[0]
    work = (jobs["work_s"] > 0.0) & np.isfinite(jobs["estimate_s"])  # neither replicas nor unused rows
    jobs, began = jobs[work], simulator.run[0][work]["started_s"]
    key = key_of(name, jobs)
    count = 0
    for a in np.flatnonzero((began > 0.0) & np.isfinite(began)):
        waited = np.isfinite(began) & (began > began[a]) & (jobs["arrival_s"] <= began[a])
        fits = (jobs["class_id"] == jobs["class_id"][a]) & (jobs["width"] <= jobs["width"][a])
        count += int((waited & fits & (key < key[a] - tolerance_s)).sum())
    return count


@pytest.mark.parametrize("name", ORDERS)
def test_the_queue_is_served_in_the_order_of_the_rule(flown, name):
    # slack is taken when a job comes or the queue is sorted, once a decision: up to 300 s apart
    tolerance_s = 300.0 if name == "least-slack" else 0.0
    assert overtaken(flown[name], name, tolerance_s) == 0
    # within a class, value orders by arrival too
    assert overtaken(flown["earliest-deadline" if name == "first-come" else "zero"], name, tolerance_s) > 10


def test_the_world_is_the_same_in_every_order(flown):
    for name in ORDERS:
        inputs, nominal = episode_inputs(flown[name]), episode_inputs(flown["zero"])
        for table in set(inputs) - {"policy"}:
            assert (inputs[table] == nominal[table]).all(), (name, table)
        other = np.flatnonzero((inputs["policy"] != nominal["policy"]).any(0))
        assert [Policy._fields[k] for k in other] == ["order"]
        assert flown[name].load_factor == flown["zero"].load_factor
        assert flown[name].fleet.reference_value == flown["zero"].fleet.reference_value


def test_deadlines_first_meets_more_of_them(flown):
    by_name = {name: episode_metrics(simulator, 0) for name, simulator in flown.items()}
    assert by_name["earliest-deadline"]["slo_finetuning"] > by_name["zero"]["slo_finetuning"]


def test_results_do_not_depend_on_who_is_compared():
    scenario = Scenario.load("starter12", {"episode.hours": 1})
    names = ("zero", "earliest-deadline", "idle", "first-come")
    seeds = [SEED, SEED + 1]
    together = evaluate(scenario, {name: scheduler_factory(name) for name in names}, seeds, workers=1)
    assert tuple(together.results) == names
    assert together.results["zero"].score.tolist() != together.results["first-come"].score.tolist()
    for name in ("earliest-deadline", "zero"):
        alone = evaluate(scenario, {name: scheduler_factory(name)}, seeds, workers=1)
        assert (alone.results[name].score == together.results[name].score).all()


def test_an_environment_made_by_hand_plays_the_same_episode():
    factory = scheduler_factory("earliest-deadline")
    env = gymnasium.make("odc_gym:ODCSat-v0", scenario="starter12", episode_hours=1, **factory.requires)
    env.reset(seed=SEED)
    view = env.unwrapped.view
    scheduler = factory(view)
    score, over = 0.0, False
    while not over:
        _, reward, _, over, _ = env.step(scheduler.act(view)[0])
        score += reward
    compared = evaluate(Scenario.load("starter12", {"episode.hours": 1}), {"edf": factory}, [SEED], workers=1)
    assert score == pytest.approx(compared.results["edf"].score[0], abs=1e-5)

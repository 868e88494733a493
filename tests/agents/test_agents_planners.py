"""Planners: what they may know, what they promise, and what they refuse."""

import copy
import itertools

import numpy as np
import pytest

from odc_gym.agents import make_scheduler, rule_names, scheduler_factory, teacher_factory
from odc_gym.agents.clairvoyant import Clairvoyant
from odc_gym.core.layout.state import OUT, Sky
from odc_gym.core.layout.work import RUNNING, WAITING
from odc_gym.errors import SchedulerError
from odc_gym.evaluation.worker import rollout
from odc_gym.optimisation.planning import clairvoyant_search
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

SMALL = {"shells.0.orbit.total": 4, "shells.0.orbit.planes": 2, "episode.hours": 3}
WHOLE = {"shells.0.orbit.total": 12, "shells.0.orbit.planes": 3}  # the script of `storm` names its satellites
LOOKAHEAD = "lookahead(horizon_h=0.5,futures=2,pool=4,every=2,variations=4,kept=2)"
BY_RULES = "lookahead(horizon_h=0.5,futures=2,pool=2,every=2,variations=0,kept=0,candidates=dials+gang-aware+governor)"
MPC = "mpc(horizon_h=1,every=2)"
CLAIRVOYANT = "clairvoyant(branches=4,block=6,rounds=1)"


def begun(seeds=(7,), decisions=6, scenario="starter12", **changes):
    simulator = Simulator(Scenario.load(scenario, {**SMALL, **changes}), len(seeds))
    simulator.reset(list(seeds))
    for _ in range(decisions):
        simulator.step(simulator.bids.zeros(len(seeds)))
    return simulator


def with_another_future(simulator):
    """A copy in the same state, in which everything that a scheduler cannot know is different."""
    other = copy.deepcopy(simulator)
    tick, n = int(other.scalars["tick"][0]), other.satellites
    jobs, run = other.jobs[0], other.run[0]
    unfinished = np.isin(run["status"], (WAITING, RUNNING)) & np.isfinite(jobs["work_s"])
    done_s = run["checkpointed_s"] + run["uncheckpointed_s"]
    jobs["work_s"][unfinished] = done_s[unfinished] + 0.1 * jobs["work_s"][unfinished] + 1.0
    jobs["duration_s"][unfinished] *= 3.0
    jobs["outcome"][unfinished] = 2
    future = np.isfinite(jobs["arrival_s"]) & (np.arange(len(jobs)) >= int(other.scalars["next_job"][0]))
    assert unfinished.any() and future.any()
    for name in ("work_s", "estimate_s", "duration_s"):
        jobs[name][future] *= 5.0
    jobs["width"][future] = jobs["total_accelerators"][future] = 8
    other.tables.demand[0, tick:] *= 0.2
    other.tables.skies[0, tick + 1 :, Sky._fields.index("out"), : n // 2] = OUT
    other.tables.links.ground_gb_s[:, tick + 1 :] = 0.0
    other.tables.events[0, :40]["tick"] = tick + 1 + np.arange(40)
    other.tables.events[0, :40]["satellite"] = np.arange(40) % n
    return other


def first_action(simulator, name):
    scheduler = make_scheduler(name, simulator.view)
    scheduler.reset(simulator.view, np.ones(simulator.num_envs, bool), simulator.seeds.copy())
    return scheduler.act(simulator.view)


@pytest.mark.parametrize("name", [LOOKAHEAD, BY_RULES, MPC])
@pytest.mark.parametrize("scenario", ["starter12", "storm"])
def test_what_is_hidden_does_not_reach_the_decision(name, scenario):
    """Catches planners that play the true future: arrivals, demand, faults, outages, or the true work of jobs."""
    simulator = begun(scenario=scenario, **WHOLE)
    other = with_another_future(simulator)
    assert (simulator.observation == other.observation).all()
    assert (first_action(simulator, name) == first_action(other, name)).all()


def test_the_hidden_difference_would_matter():
    """Catches a leak test whose two futures are alike: a scheduler that knows them acts differently."""
    simulator = begun()
    assert (first_action(simulator, CLAIRVOYANT) != first_action(with_another_future(simulator), CLAIRVOYANT)).any()


@pytest.mark.parametrize("name", [LOOKAHEAD, MPC, CLAIRVOYANT])
def test_the_same_episode_gives_the_same_actions(name):
    """Catches draws from a global generator, and plans that remember episodes of before."""
    simulator = begun(decisions=0)
    first = rollout(simulator, scheduler := make_scheduler(name, simulator))
    simulator.reset([8])
    rollout(simulator, scheduler)
    simulator.reset([7])
    assert rollout(simulator, scheduler).score == first.score


@pytest.mark.parametrize("name", [LOOKAHEAD, MPC, CLAIRVOYANT])
def test_a_new_episode_is_noticed_without_a_reset(name):
    """Catches plans of the last episode in environments that begin the next one by themselves."""
    simulator = begun(decisions=0)
    scheduler = make_scheduler(name, simulator)
    scheduler.act(simulator.view)
    simulator.reset([9])
    assert (scheduler.act(simulator.view) == first_action(simulator, name)).all()


def test_a_clairvoyant_plan_attains_what_it_promises():
    """Catches a search whose branches differ from the episode, so that its score could not be played."""
    simulator = begun(decisions=0)
    starts = np.random.default_rng(0).uniform(-0.5, 0.5, (3, simulator.view.dials.size))
    size = clairvoyant_search.SearchSize(branches=5, block=9, passes=2, rounds=2, spread=0.4)
    plan, promised = clairvoyant_search.clairvoyant_plan(simulator, 0, starts, size)
    single = [played(simulator, itertools.repeat(dials)) for dials in starts]
    assert played(simulator, plan) == pytest.approx(promised, abs=1e-9) and promised >= max(single)


def played(simulator, dials):
    simulator.reset([7])
    total = 0.0
    for settings in itertools.islice(dials, simulator.decisions):
        simulator.step(simulator.view.actions_of_dials(settings))
        total += float(simulator.reward[0])
    return total


def test_only_the_clairvoyant_knows_the_future():
    """Catches a planner whose score is taken for that of an operator, and a rule that is left out as a planner."""
    assert scheduler_factory(CLAIRVOYANT).knows_future and Clairvoyant.knows_future
    assert not any(scheduler_factory(name).knows_future for name in (LOOKAHEAD, MPC, *rule_names()))
    assert not {"lookahead", "mpc", "clairvoyant"} & set(rule_names()) and "gang-aware" in rule_names()


def test_no_policy_learns_from_the_clairvoyant():
    """Catches imitation of what no operator can know."""
    assert teacher_factory("lookahead") == scheduler_factory("lookahead")
    with pytest.raises(SchedulerError, match="teacher = clairvoyant: knows the future"):
        teacher_factory("clairvoyant")


@pytest.mark.parametrize("name", ["lookahead", "clairvoyant"])
def test_fleets_that_would_take_hours_are_refused(name, monkeypatch):
    monkeypatch.setattr(f"odc_gym.agents.{name}.MOST_SATELLITES", 3)
    with pytest.raises(SchedulerError, match=f"{name}: starter12 has 4 satellites, must be at most 3"):
        make_scheduler(name, begun(decisions=0))


@pytest.mark.parametrize("name", ["lookahead", "mpc", "clairvoyant"])
def test_other_modes_are_refused(name):
    simulator = Simulator(Scenario.load("starter12", SMALL), action_mode="assign")
    with pytest.raises(SchedulerError, match="needs an environment with action_mode='bids'"):
        make_scheduler(name, simulator)


@pytest.mark.parametrize("name", ["lookahead(horizon_h=0.5,futures=2,pool=2,variations=0)", "mpc"])
def test_planners_operate_environments_of_dials(name):
    """Catches copies of the environment that take the planner's bids for dials."""
    found = []
    for mode in ("bids", "dials"):
        simulator = Simulator(Scenario.load("starter12", SMALL), action_mode=mode)
        simulator.reset([20_000])
        planner = make_scheduler(name, simulator)
        planner.reset(simulator.view, np.ones(1, bool), np.array([20_000]))
        rewards = []
        for _ in range(4):
            simulator.step(planner.act(simulator.view))
            rewards.append(float(simulator.reward[0]))
        found.append(rewards)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lookahead(candidates=dials+idle)", "candidates = dials\\+idle: must be one of dials, coolest-first"),
        ("lookahead(futures=1)", "futures = 1: must be a number from 2 to 64"),
        ("mpc(slot_min=0)", "slot_min = 0: must be a number from 5 to 60"),
    ],
)
def test_parameters_are_checked(name, message):
    with pytest.raises(SchedulerError, match=message):
        scheduler_factory(name)


@pytest.mark.parametrize(
    "scenario", ["edge-earth", "pretraining-cluster", "ai1-shells", "starter12-randomised", "own-links", "solar-rich"]
)
@pytest.mark.parametrize("name", [LOOKAHEAD, MPC])
def test_planners_operate_other_fleets(name, scenario):
    """Catches fleets without services, with gangs, shells, drawn values, links or batteries that break a plan."""
    simulator = Simulator(Scenario.load(scenario, {"episode.hours": 1}))
    simulator.reset([7])
    scheduler = make_scheduler(name, simulator)
    for _ in range(3):
        action = scheduler.act(simulator.view)
        assert np.isfinite(action).all() and (np.abs(action) <= 1.0).all()
        simulator.step(action)

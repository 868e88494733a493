"""Every scheduler on the real simulator."""

import functools

import gymnasium
import numpy as np
import pytest

from odc_gym.agents import make_scheduler, scheduler_factory, scheduler_names
from odc_gym.evaluation.worker import rollout
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

SEEDS = (20_000, 20_007)
SHORT = {"episode.hours": 2}


@functools.cache
def simulator_for(overrides, num_envs):
    """Two-hour episodes; `overrides` as pairs."""
    return Simulator(Scenario.load("starter12", SHORT | dict(overrides)), num_envs)


def fitting(name, num_envs):
    """A simulator that is what the scheduler requires."""
    return simulator_for(tuple(scheduler_factory(name).requires.get("overrides", {}).items()), num_envs)


@pytest.fixture
def pair():
    return simulator_for((), 2)


def played(simulator, name, seeds):
    simulator.reset(seeds)
    return rollout(simulator, make_scheduler(name, simulator))


@pytest.mark.parametrize("name", scheduler_names())
def test_actions_fit_the_action_box(name):
    simulator = fitting(name, 2)
    simulator.reset(SEEDS)
    scheduler = make_scheduler(name, simulator.view)
    scheduler.reset(simulator.view, np.ones(2, bool), np.array(SEEDS))
    for _ in range(3):
        action = scheduler.act(simulator.view)
        assert action.shape == (2, simulator.action_size) and (np.abs(action) <= 1.0).all()
        simulator.step(action)


@pytest.mark.parametrize("name", scheduler_names())
def test_scores_do_not_depend_on_the_place_in_a_batch(name):
    together = played(fitting(name, 2), name, SEEDS)
    for row in (1, 0):
        alone = played(fitting(name, 1), name, SEEDS[row : row + 1])
        assert alone.score[0] == together.score[row]
        assert {k: v[0] for k, v in alone.metrics.items()} == {k: v[row] for k, v in together.metrics.items()}


def test_idle_earns_exactly_nothing(pair):
    result = played(pair, "idle", SEEDS)
    assert (result.terms["compute"] == 0.0).all() and (result.metrics["value"] == 0.0).all()


def test_score_is_the_sum_of_terms(pair):
    result = played(pair, "governor", SEEDS)
    assert sum(result.terms.values()) == pytest.approx(result.score, rel=1e-12)


def test_budgets_beat_the_naive_operator_over_a_day():
    seeds = range(20_000, 20_012)
    simulator = Simulator(Scenario.load("starter12"), len(seeds))
    score = {
        name: played(simulator, name, seeds).score.mean() for name in ("idle", "full-clock", "governor", "sun-aware")
    }
    assert score["idle"] < 1.0 < score["full-clock"] < score["governor"] < score["sun-aware"]


def test_a_scheduler_is_made_for_an_environment():
    env = gymnasium.make("odc_gym:ODCSat-v0", episode_hours=1, action_mode="bids")
    scheduler = make_scheduler("zero", env)
    env.reset(seed=20_000)
    action = scheduler.act(env.unwrapped.view)
    assert action.shape == (1, *env.action_space.shape)


def test_parameters_in_a_name_reach_the_rule(pair):
    full, fixed = (played(pair, name, SEEDS) for name in ("full-clock", "fixed-clock(1)"))
    slow = played(pair, "fixed-clock(clock=0.3)", SEEDS)
    assert (full.score == fixed.score).all() and (slow.metrics["value"] < fixed.metrics["value"]).all()

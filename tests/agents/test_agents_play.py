"""Every scheduler on the real simulator."""

import gymnasium
import numpy as np
import pytest

from odc_gym.agents import make_scheduler, scheduler_names
from odc_gym.evaluation.stage import play
from odc_gym.scenario import Scenario
from odc_gym.simulation.simulator import Simulator

SEEDS = (20_000, 20_007)


@pytest.fixture(scope="module")
def short():
    """Two-hour episodes."""
    return Scenario.load("starter12", {"episode.hours": 2})


@pytest.fixture(scope="module")
def pair(short):
    return Simulator(short, 2)


@pytest.fixture(scope="module")
def single(short):
    return Simulator(short, 1)


def played(simulator, name, seeds):
    simulator.reset(seeds)
    return play(simulator, make_scheduler(name, simulator))


@pytest.mark.parametrize("name", scheduler_names())
def test_actions_fit_the_action_box(pair, name):
    pair.reset(SEEDS)
    scheduler = make_scheduler(name, pair.view)
    scheduler.reset(pair.view, np.ones(2, bool), np.array(SEEDS))
    for _ in range(3):
        action = scheduler.act(pair.view)
        assert action.shape == (2, pair.action_size) and (np.abs(action) <= 1.0).all()
        pair.step(action)


@pytest.mark.parametrize("name", scheduler_names())
def test_scores_do_not_depend_on_the_place_in_a_batch(pair, single, name):
    together = played(pair, name, SEEDS)
    for row in (1, 0):
        alone = played(single, name, SEEDS[row : row + 1])
        assert alone.score[0] == together.score[row]
        assert {k: v[0] for k, v in alone.metrics.items()} == {k: v[row] for k, v in together.metrics.items()}


def test_idle_earns_exactly_nothing(pair):
    result = played(pair, "idle", SEEDS)
    assert (result.terms["compute"] == 0.0).all() and (result.metrics["value"] == 0.0).all()


def test_score_is_the_sum_of_terms(pair):
    result = played(pair, "governor", SEEDS)
    assert sum(result.terms.values()) == pytest.approx(result.score, rel=1e-12)


def test_budgets_beat_the_naive_operator_over_a_day():
    simulator = Simulator(Scenario.load("starter12"), 2)
    score = {
        name: played(simulator, name, SEEDS).score.mean() for name in ("idle", "full-clock", "governor", "sun-aware")
    }
    assert score["idle"] < 1.0 < score["full-clock"] < score["governor"] < score["sun-aware"]


def test_a_scheduler_is_made_for_an_environment():
    env = gymnasium.make("odc_gym:ODCSat-v0", episode_hours=1)
    scheduler = make_scheduler("zero", env)
    env.reset(seed=20_000)
    action = scheduler.act(env.unwrapped.view)
    assert action.shape == (1, *env.action_space.shape)

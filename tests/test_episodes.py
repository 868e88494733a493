"""One episode as a table: against a loop by hand, and against the rollouts of comparisons."""

import gymnasium as gym
import numpy as np
import pytest

import odc_gym
from odc_gym.agents import make_scheduler, scheduler_factory
from odc_gym.agents.zero import Zero
from odc_gym.errors import ArgumentError, SchedulerError
from odc_gym.evaluation import evaluate
from odc_gym.scenario import Scenario

SMALL = {"scenario": "starter12", "overrides": {"shells.0.orbit.total": 3}, "episode_hours": 1.0}


@pytest.fixture(scope="module")
def env():
    return gym.make("odc_gym:ODCSat-v0", **SMALL)


def test_a_table_holds_what_a_loop_by_hand_sees(env):
    table = odc_gym.run_episode(env, "sun-aware", seed=20_001)
    env.reset(seed=20_001)
    scheduler = make_scheduler("sun-aware", env)
    scheduler.reset(env.unwrapped.view, np.ones(1, bool), np.array([20_001]))
    rewards, over = [], False
    while not over:
        action = scheduler.act(env.unwrapped.view)[0]
        assert np.array_equal(table["action"][len(rewards)], action)
        _, reward, _, over, info = env.step(action)
        for name in ("cost", "reward/compute"):
            assert table[name][len(rewards)] == info[name]
        rewards.append(reward)
    assert table["reward"].tolist() == rewards and len(table) == 12 and table.score == pytest.approx(sum(rewards))
    assert table.episode_metrics == info["episode_metrics"] and table.episode_seed == 20_001
    np.testing.assert_allclose(table["time_h"], np.arange(12) / 12)


def test_scores_equal_those_of_comparisons(env):
    """Catches a scheduler that is not told of the episode's begin, and a policy that is one decision late."""
    names = ("sun-aware", "random", "round-robin")
    scenario = Scenario.load("starter12", {**SMALL["overrides"], "episode.hours": 1.0})
    compared = evaluate(scenario, {name: scheduler_factory(name) for name in names}, seeds=[20_003], workers=1)
    for name in names:
        assert odc_gym.run_episode(env, name, seed=20_003).score == pytest.approx(compared.scores(name)[0], rel=1e-12)


def test_every_kind_of_scheduler(env, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from odc_gym.agents import scheduler\n\n\n@scheduler('mine')\nclass Mine:\n"
        "    def __init__(self, view):\n        pass\n\n    def reset(self, view, mask, seeds):\n        pass\n\n"
        "    def act(self, view):\n        return view.layout.zeros(view.num_envs)\n"
    )
    zero = lambda observation: np.zeros(18, np.float32)  # noqa: E731
    kinds = ["zero", file, str(file), zero, Zero, make_scheduler("zero", env), scheduler_factory("zero")]
    tables = [odc_gym.run_episode(env, kind, seed=4) for kind in kinds]
    assert len({table.score for table in tables}) == 1
    assert [table.scheduler for table in tables[3:]] == ["<lambda>", "Zero", "Zero", "zero"]
    assert repr(tables[0]).startswith("EpisodeTable(zero on starter12, episode 4: score ")


def test_functions_see_the_observation_of_the_wrapped_environment(env):
    seen = []
    wrapped = gym.wrappers.TransformObservation(env, lambda o: o[:7], gym.spaces.Box(-1, 1, (7,), np.float32))
    odc_gym.run_episode(wrapped, lambda observation: seen.append(observation) or np.zeros(18), seed=1)
    assert len(seen) == 12 and all(observation.shape == (7,) for observation in seen)


def test_modes_and_wrappers_that_end_early():
    assign = gym.make("ODCSat-v0", **SMALL, action_mode="assign", observation_mode="dict", max_episode_steps=5)
    rng = np.random.default_rng(0)
    table = odc_gym.run_episode(assign, lambda observation: rng.integers(assign.action_space.nvec), seed=2)
    assert len(table) == 5 and table["action"].shape == (5, 19) and "charge_least_frac" in table.episode_metrics
    assert "action/job[0]" in table.to_dict()


def test_columns_for_data_frames(env):
    columns = odc_gym.run_episode(env, "zero", seed=0).to_dict()
    assert all(column.shape == (12,) for column in columns.values())
    assert "action/satellite[2].clock" in columns and "action" not in columns and len(columns) == 10 + 18


def test_without_a_seed_a_training_episode_is_played(env):
    assert odc_gym.run_episode(env, "zero").episode_seed < 10_000


@pytest.mark.parametrize("other", [5, "CartPole-v1", "batch"])
def test_other_environments_are_refused(other):
    if other == "batch":
        other = gym.make_vec("odc_gym:ODCSat-v0", num_envs=2, **SMALL)
    elif other == "CartPole-v1":
        other = gym.make(other)
    with pytest.raises(
        ArgumentError, match=r"^env = .*: must be a single environment, gym\.make\('odc_gym:ODCSat-v0'\)$"
    ):
        odc_gym.run_episode(other, "zero")


@pytest.mark.parametrize(
    ("scheduler", "line"),
    [
        ("nowhere", "scheduler = nowhere: must be one of "),
        (5, "scheduler = 5: must be a name, a Python file, a training run's folder, a scheduler, or a function"),
        ("least-slack", "scheduler = least-slack: needs an environment with overrides="),
    ],
)
def test_other_schedulers_are_refused(env, scheduler, line):
    with pytest.raises(SchedulerError) as caught:
        odc_gym.run_episode(env, scheduler)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)

"""What users of an environment are told of random numbers: `info` of a reset, in every kind of environment."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import odc_gym  # noqa: F401  registers the id
from odc_gym.sb3 import make_vec_env

CAPACITY = "hardware.*.battery.capacity_wh"
EACH, ALL = f"randomised/{CAPACITY}", "randomised/earth.albedo"
SMALL = {
    "episode_hours": 0.5,  # 6 decisions
    "overrides": {
        "shells.0.orbit.total": 3,
        f"randomise.{CAPACITY}": {"low": 8000, "high": 12000, "per": "satellite"},
        "randomise.earth.albedo": {"low": 0.2, "high": 0.4},
    },
}


@pytest.fixture(scope="module")
def single():
    return gym.make("ODCSat-v0", **SMALL)


def info_of(env, seed):
    return env.reset(seed=seed)[1]


def test_a_number_an_episode_and_an_array_of_satellites(single):
    info = info_of(single, 20_000)
    assert isinstance(info[ALL], float) and 0.2 <= info[ALL] <= 0.4
    assert info[EACH].shape == (3,) and len(set(info[EACH])) == 3
    assert np.array_equal(single.unwrapped.view.design["capacity_j"][0], 3600.0 * info[EACH])
    other = info_of(single, 20_001)
    assert other[ALL] != info[ALL] and (other[EACH] != info[EACH]).all()
    kept = info[EACH].copy()
    assert np.array_equal(info[EACH], kept)  # what was told stays, whatever the next episode draws
    assert info_of(single, 20_000)[ALL] == info[ALL]
    assert EACH not in single.step(single.action_space.sample())[4]


@pytest.mark.filterwarnings("ignore:.*symmetric and normalized:UserWarning")  # the wide box of dials
def test_gymnasiums_own_check_passes(single):
    check_env(single.unwrapped, skip_render_check=True)


def test_rows_of_a_batch_are_told_the_same(single):
    batch = gym.make_vec("ODCSat-v0", num_envs=3, **SMALL)
    _, infos = batch.reset(seed=20_000)
    assert infos[EACH].shape == (3, 3) and infos[ALL].shape == (3,) and infos[f"_{EACH}"].all()
    for row in range(3):
        info = info_of(single, 20_000 + row)
        assert infos[ALL][row] == info[ALL] and np.array_equal(infos[EACH][row], info[EACH])
    _, infos = batch.reset(seed=[20_005, None, None], options={"reset_mask": np.array([True, False, False])})
    assert infos[f"_{EACH}"].tolist() == [True, False, False] and not infos[EACH][1:].any()


def test_reset_infos_of_the_sb3_batch(single):
    env = make_vec_env("ODCSat-v0", n_envs=2, seed=20_000, **SMALL)
    env.reset()
    for row in range(2):
        info = info_of(single, 20_000 + row)
        assert env.reset_infos[row].keys() == info.keys()
        assert env.reset_infos[row][ALL] == info[ALL] and np.array_equal(env.reset_infos[row][EACH], info[EACH])
    first = env.reset_infos[0][EACH]
    for _ in range(6):
        env.step(np.zeros((2, *env.action_space.shape)))
    drawn = env.simulator.drawn
    assert np.array_equal(env.reset_infos[0][EACH], drawn[CAPACITY][0]) and not np.array_equal(
        first, drawn[CAPACITY][0]
    )

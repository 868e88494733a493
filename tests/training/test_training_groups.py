import numpy as np

from odc_gym.sb3 import make_vec_env
from odc_gym.training.groups import GroupRewards, training_seeds

SMALL = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}  # 6 decisions


def test_rewards_are_relative_to_the_others_of_the_group_and_infos_are_not():
    env, plain = (make_vec_env("ODCSat-v0", 6, seed=0, **SMALL) for _ in range(2))
    grouped = GroupRewards(env, 3)
    for e in (env, plain):
        e.seed(training_seeds(4, 6, 3))
    assert np.array_equal(grouped.reset(), plain.reset())
    rng = np.random.default_rng(0)
    for _ in range(8):
        actions = rng.uniform(-1, 1, (6, *plain.action_space.shape))
        observations, relative, dones, infos = grouped.step(actions)
        observations2, rewards, dones2, infos2 = plain.step(actions)
        assert np.array_equal(observations, observations2) and np.array_equal(dones, dones2)
        for i in range(6):
            others = [rewards[j] for j in range(6) if j != i and j // 3 == i // 3]
            np.testing.assert_allclose(relative[i], rewards[i] - np.mean(others), rtol=1e-5, atol=1e-5)
            assert infos[i]["reward/compute"] == infos2[i]["reward/compute"]
        assert relative.dtype == np.float32


def test_a_group_that_acts_alike_earns_nothing_beyond_itself():
    grouped = GroupRewards(make_vec_env("ODCSat-v0", 4, **SMALL), 4)
    grouped.seed(training_seeds(0, 4, 4))
    grouped.reset()
    for _ in range(8):  # beyond an episode's end: the next episode is shared too
        _, relative, _, _ = grouped.step(np.zeros((4, *grouped.action_space.shape)))
        assert not relative.any()


def test_seeds_are_equal_within_groups_apart_between_them_and_within_training():
    seeds = training_seeds(3, 64, 8)
    assert len(seeds) == 64 and len(set(seeds)) == 8 and all(0 <= s < 10_000 for s in seeds)
    assert all(len(set(seeds[i : i + 8])) == 1 for i in range(0, 64, 8))
    assert len(set(training_seeds(3, 64, 1))) == 64
    assert not set(seeds) & set(training_seeds(4, 64, 8))

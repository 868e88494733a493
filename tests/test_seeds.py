import gymnasium.utils.seeding
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.errors import ArgumentError
from odc_gym.seeds import EpisodeStream, environment_seeds, is_test_episode


def test_seed_plays_that_episode_and_later_draws_follow_gymnasiums_generator():
    stream = EpisodeStream(2)
    assert stream.next([7, 25_000]) == [7, 25_000]
    oracle, _ = gymnasium.utils.seeding.np_random(25_000)
    drawn = [stream.next([None], [1])[0] for _ in range(50)]
    assert drawn == [int(oracle.integers(10_000)) for _ in range(50)]
    assert max(drawn) < 10_000 and len(set(drawn)) > 40


@given(st.integers(0, 2**40), st.integers(0, 20), st.integers(1, 5))
def test_state_round_trip_continues_every_stream(seed, before, num_envs):
    stream = EpisodeStream(num_envs)
    stream.next(environment_seeds(seed, num_envs))
    for _ in range(before):
        stream.draw([0])
    copy = EpisodeStream(num_envs)
    copy.set_state(stream.get_state())
    rows = [*range(num_envs)] * 3
    assert copy.draw(rows) == stream.draw(rows)


def test_rows_do_not_disturb_each_other():
    stream, alone = EpisodeStream(3), EpisodeStream(1)
    stream.next([4, 5, 6])
    alone.next([5])
    stream.draw([0, 0, 2])
    assert stream.draw([1, 1]) == alone.draw([0, 0])


def test_environment_seeds():
    assert environment_seeds(5, 3) == [5, 6, 7]
    assert environment_seeds(None, 2) == [None, None]
    assert environment_seeds([np.int64(3), None], 2) == [3, None]


@pytest.mark.parametrize("seed", [-1, 1.5, "a", [1], [1, -2]])
def test_bad_seed_is_one_line(seed):
    with pytest.raises(ArgumentError, match=r"^seed[^\n]*must be"):
        environment_seeds(seed, 2)


def test_state_of_another_size_is_refused():
    with pytest.raises(ArgumentError, match="of 2 environments, got 3"):
        EpisodeStream(2).set_state(EpisodeStream(3).get_state())


def test_test_range():
    assert [is_test_episode(n) for n in (9_999, 10_000, 19_999, 20_000)] == [False, True, True, False]

import pytest

from odc_gym.errors import OdcGymError
from odc_gym.evaluation.suites import SUITES, TEST, TRAINING, VALIDATION, episodes


def test_suites_share_no_seed():
    for seed in (0, 9_999, 10_000, 10_099, 20_000, 10**9):
        assert sum(seed in suite for suite in SUITES) == 1
    for seed in (-1, 10_100, 19_999):
        assert not any(seed in suite for suite in SUITES)


@pytest.mark.parametrize(
    ("first", "count", "suite"),
    [(0, 10_000, TRAINING), (10_000, 100, TEST), (10_050, 50, TEST), (20_000, 500, VALIDATION)],
)
def test_episodes_within_a_suite(first, count, suite):
    found, seeds = episodes(first, count)
    assert found is suite and seeds == tuple(range(first, first + count))


@pytest.mark.parametrize(("first", "count"), [(10_000, 101), (9_999, 2), (15_000, 1), (-1, 1)])
def test_episodes_across_suites_are_refused(first, count):
    with pytest.raises(OdcGymError, match="must lie within one suite of seeds"):
        episodes(first, count)


def test_no_episodes_are_refused():
    with pytest.raises(OdcGymError, match="episodes = 0: must be >= 1"):
        episodes(10_000, 0)

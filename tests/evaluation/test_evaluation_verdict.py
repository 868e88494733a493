"""Sentences of reports: they say what the intervals say, and no more."""

import numpy as np
import pytest

from odc_gym.evaluation.statistics import Estimate
from odc_gym.evaluation.verdict import gain_sentence, verdict, with_interval

START = np.linspace(60.0, 90.0, 20)
NOISE = np.resize([0.3, -0.3], 20)


@pytest.mark.parametrize(
    ("change", "begins"),
    [
        (2.0 + NOISE, "training gained +2.00 (1.85 to 2.15) over its start (20 episodes)"),
        (-2.0 + NOISE, "training lost -2.00 (-2.15 to -1.85) over its start (20 episodes)"),
        (NOISE, "training: no clear gain, +0.00 (-0.15 to 0.15) over its start (20 episodes)"),
        (0.0 * NOISE, "training gained nothing: the chosen policy acts like its start (20 episodes)"),
    ],
)
def test_gain_is_told_as_it_is(change, begins):
    """Catches a loss, or a difference that is not resolved, that is told as a gain."""
    assert gain_sentence(START + change, START, "20 episodes") == begins


def test_one_episode_has_no_interval_and_no_verdict():
    assert with_interval(Estimate(1.5, np.nan, np.nan), sign="+") == "+1.50"
    assert verdict(Estimate(1.5, np.nan, np.nan)) == "open"
    assert gain_sentence(START[:1] + 1.0, START[:1], "1 episode") == (
        "training: no clear gain, +1.00 over its start (1 episode)"
    )

"""Numbers as text, and axes."""

import math

import pytest

from odc_gym.pages.report.numbers import WIDTH, Axis, between, decimals_of, figure, listed, percent


@pytest.mark.parametrize(
    ("value", "decimals", "sign", "text"),
    [
        (1234567.25, 1, False, "1\u202f234\u202f567.2"),
        (-0.04, 1, True, "0.0"),  # no sign of a zero
        (-3.0, 0, False, "\u22123"),
        (3.0, 0, True, "+3"),
        (None, 1, False, "–"),
        (math.nan, 1, False, "–"),
    ],
)
def test_figures(value, decimals, sign, text):
    assert figure(value, decimals, sign) == text


def test_words_of_numbers():
    assert percent(0.123, 1) == "12.3\u202f%" and percent(None) == "–"
    assert between([1.0, 2.0]) == "1.0 to 2.0" and between(None) == ""
    assert [decimals_of([v, None]) for v in (0.5, 50.0, 5000.0)] == [2, 1, 0]
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize("values", [[46.2, 98.1], [-0.004, 0.011], [3.0], [-1e6, 5e6], [0.0, 0.0]])
@pytest.mark.parametrize("zero", [False, True])
def test_axes_hold_their_values_and_have_a_few_round_marks(values, zero):
    """Catches dots outside of a plot, and axes without marks for values that are all the same."""
    axis = Axis.around(values, zero)
    assert all(0.0 <= axis.at(value) <= WIDTH for value in [*values, *([0.0] * zero)])
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= 10 and ticks[0].at == 0.0 and ticks[-1].at == WIDTH
    assert len({tick.text for tick in ticks}) == len(ticks)

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.physics.ageing import (
    CALENDAR_PER_S,
    TURNING_POINTS,
    charge_stress,
    count_cycles,
    depth_stress_table,
    half_cycle,
    temperature_stress,
)

TABLE = depth_stress_table()


def depth_stress(depth):
    return 1.0 / (1.40e5 * depth**-0.501 - 1.23e5)


def count(history):
    """Damage after each point of a history of charge, (N,)."""
    points, swings = np.zeros(TURNING_POINTS + 1), np.zeros(TURNING_POINTS + 1)
    points[0], points[-1] = history[0], 1.0
    return np.array([0.0] + [count_cycles(points, swings, c, TABLE) for c in history[1:]])


@pytest.mark.parametrize("depth, damage", [(0.3, 7.524e-6), (1.0, 5.882e-5)])
def test_damage_of_a_cycle_is_that_of_the_paper(depth, damage):
    """1 / (1.4e5 d^-0.501 - 1.23e5) worked by hand: catches a sign or an exponent of the wrong constant."""
    middle = 0.5
    cycle = 2.0 * half_cycle(middle - depth / 2, middle + depth / 2, TABLE)
    assert cycle == pytest.approx(damage, rel=2e-4)
    assert charge_stress(middle) == 1.0


@given(st.floats(1e-3, 1.0))
def test_table_of_depth_stress_errs_below_2e_5(depth):
    """Catches nodes that are not equally spaced in the root of depth, which errs by 1e-3."""
    assert 2.0 * half_cycle(0.5 - depth / 2, 0.5 + depth / 2, TABLE) == pytest.approx(depth_stress(depth), rel=2e-5)


def test_temperature_is_in_kelvin():
    """Public codes of this model use Celsius in the ratio, which gives 2.2 at 45 C instead of 3.67."""
    assert temperature_stress(298.15) == 1.0
    assert temperature_stress(318.15) == pytest.approx(3.665, abs=1e-3)
    assert temperature_stress(293.15) == pytest.approx(0.7030, abs=1e-4)


def test_charge_stress_and_calendar_ageing():
    """A year stored at 90 % and 25 C: 4.14e-10 x 3.156e7 s x e^(1.04 x 0.4) = 1.98e-2."""
    assert charge_stress(0.9) == pytest.approx(math.exp(0.416), rel=1e-8)
    assert CALENDAR_PER_S * 365.25 * 86400 * charge_stress(0.9) == pytest.approx(1.980e-2, rel=1e-3)


def test_depth_weighs_more_than_linearly_and_stress_rises_with_charge():
    """Catches a stress that rewards one deep cycle over two shallow ones of the same energy."""
    assert half_cycle(0.2, 0.8, TABLE) > 2.0 * half_cycle(0.35, 0.65, TABLE)
    assert half_cycle(0.6, 0.9, TABLE) > half_cycle(0.3, 0.6, TABLE)
    assert half_cycle(0.3, 0.6, TABLE) == half_cycle(0.6, 0.3, TABLE)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=80))
def test_damage_never_falls(history):
    """The reward pays increments: catches a count that revises a swing downwards when a cycle closes."""
    assert (np.diff(count(history)) >= -1e-18).all()


@given(st.floats(0.0, 1.0), st.integers(1, 30))
def test_charge_that_stands_still_does_no_cycle_damage(charge, steps):
    assert count([charge] * (steps + 1))[-1] == 0.0


@given(st.lists(st.integers(0, 20), min_size=2, max_size=40), st.integers(2, 5))
def test_steps_within_a_swing_change_nothing(levels, parts):
    """A physics step of 30 s must give the damage of one of 60 s: catches counting every sample as a turning point."""
    history = np.array(levels) / 20.0
    fine = np.interp(np.arange((len(history) - 1) * parts + 1) / parts, np.arange(len(history)), history)
    assert count(fine)[-1] == pytest.approx(count(history)[-1], rel=1e-9, abs=1e-18)

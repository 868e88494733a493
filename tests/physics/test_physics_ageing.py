import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.physics.ageing import (
    LAWS,
    MIN_CAPACITY_FRAC,
    TURNING_POINTS,
    capacity_left,
    charge_stress,
    count_cycles,
    cycle_damage,
    damage_until,
    depth_damage_tables,
    half_cycle,
    temperature_stress,
)

XU, SAFT = LAWS["xu2018"], LAWS["saft"]
TABLES = dict(zip(LAWS, depth_damage_tables(), strict=True))
TABLE = TABLES["xu2018"]


def depth_stress(depth):
    return 1.0 / (1.40e5 * depth**-0.501 - 1.23e5)


def count(history, law="xu2018"):
    """Damage after each point of a history of charge, (N,)."""
    points, swings = np.zeros(TURNING_POINTS + 1), np.zeros(TURNING_POINTS + 1)
    points[0], points[-1] = history[0], 1.0
    return np.array([0.0] + [count_cycles(points, swings, c, TABLES[law], LAWS[law].charge) for c in history[1:]])


@pytest.mark.parametrize("depth, damage", [(0.3, 7.524e-6), (1.0, 5.882e-5)])
def test_damage_of_a_cycle_is_that_of_the_paper(depth, damage):
    """1 / (1.4e5 d^-0.501 - 1.23e5) worked by hand: catches a sign or an exponent of the wrong constant."""
    middle = 0.5
    cycle = 2.0 * half_cycle(middle - depth / 2, middle + depth / 2, TABLE, XU.charge)
    assert cycle == pytest.approx(damage, rel=2e-4)
    assert charge_stress(middle, XU.charge) == 1.0


@given(st.floats(1e-3, 1.0))
def test_table_of_depth_stress_errs_below_2e_5(depth):
    """Catches nodes that are not equally spaced in the root of depth, which errs by 1e-3."""
    cycle = 2.0 * half_cycle(0.5 - depth / 2, 0.5 + depth / 2, TABLE, XU.charge)
    assert cycle == pytest.approx(depth_stress(depth), rel=2e-5)


@pytest.mark.parametrize(
    "depth, damage", [(0.1, 2.667e-6), (0.3, 2e-5), (0.8, 1.143e-4), (0.2**0.5 * 0.3**0.5, 1.2649e-5)]
)
def test_damage_of_a_cycle_by_the_law_of_saft(depth, damage):
    """0.4 / (0.5 N): 300 000, 40 000 and 7000 cycles at 10, 30 and 80 %, and 63 246 halfway in logarithms.

    Catches the factor of real life left out, and an interpolation that is linear in depth. At any charge the same.
    """
    for low in (0.0, 1.0 - depth):
        cycle = 2.0 * half_cycle(low, low + depth, TABLES["saft"], SAFT.charge)
        assert cycle == pytest.approx(damage, rel=5e-4)


def test_shallow_cycles_of_the_law_of_saft_follow_its_first_two_depths():
    """Damage goes on as depth^1.737 below 5 %: catches a table that ends flat, where ripples cost as much as 5 %."""
    ratio = cycle_damage("saft", np.array([0.01])) / cycle_damage("saft", np.array([0.02]))
    assert ratio == pytest.approx(0.3, rel=1e-9)
    assert (np.diff(TABLES["saft"]) > 0.0).all()


def test_temperature_is_in_kelvin():
    """Public codes of this model use Celsius in the ratio, which gives 2.2 at 45 C instead of 3.67."""
    assert temperature_stress(298.15, XU.temperature) == 1.0
    assert temperature_stress(318.15, XU.temperature) == pytest.approx(3.665, abs=1e-3)
    assert temperature_stress(293.15, XU.temperature) == pytest.approx(0.7030, abs=1e-4)


@given(st.floats(253.15, 333.15))
def test_temperature_stress_is_exact_where_batteries_are(temperature_k):
    """-20 to 60 C fit the bounds of the exponential: catches a battery that stops ageing faster at the hot end."""
    expected = math.exp(6.93e-2 * (temperature_k - 298.15) * 298.15 / temperature_k)
    assert temperature_stress(temperature_k, XU.temperature) == pytest.approx(expected, rel=3e-9)
    assert temperature_stress(temperature_k, SAFT.temperature) == 1.0


def test_charge_stress_and_calendar_ageing():
    """A year stored at 90 % and 25 C: 4.14e-10 x 3.156e7 s x e^(1.04 x 0.4) = 1.98e-2."""
    assert charge_stress(0.9, XU.charge) == pytest.approx(math.exp(0.416), rel=1e-8)
    year = XU.calendar_per_s * 365.25 * 86400 * charge_stress(0.9, XU.charge)
    assert year == pytest.approx(1.980e-2, rel=1e-3)


@given(st.floats(0.0, 2.0))
def test_capacity_follows_both_laws(damage):
    """Beside `math.exp`, at exponents down to -242: catches the bound of the exponential, e^-4, in the film's share."""
    film = 0.0575 * math.exp(-121.0 * damage) if damage < 5.0 else 0.0
    xu = max(film + (1.0 - 0.0575) * math.exp(-damage), MIN_CAPACITY_FRAC)
    assert capacity_left(damage, XU.film_frac, XU.linear_frac) == pytest.approx(xu, rel=1e-8)
    saft = max(1.0 - damage, MIN_CAPACITY_FRAC)
    assert capacity_left(damage, SAFT.film_frac, SAFT.linear_frac) == pytest.approx(saft, rel=1e-12)


def test_film_takes_its_share_early_and_the_rest_follows():
    """By hand: f = 0.01 leaves 0.0575 e^-1.21 + 0.9425 e^-0.01 = 0.95027, f = ln(0.9425 / 0.8) leaves 80 %."""
    assert capacity_left(0.0, XU.film_frac, XU.linear_frac) == 1.0
    assert capacity_left(0.01, XU.film_frac, XU.linear_frac) == pytest.approx(0.95027, abs=2e-5)
    assert damage_until(0.8, np.array([0.0575, 0.0]), np.array([0.0, 1.0])) == pytest.approx([0.16392, 0.2], abs=1e-5)


@given(st.floats(0.3, 0.999), st.sampled_from(list(LAWS)))
def test_damage_until_inverts_capacity(left, name):
    law = LAWS[name]
    (damage,) = damage_until(left, np.array([law.film_frac]), np.array([law.linear_frac]))
    assert capacity_left(damage, law.film_frac, law.linear_frac) == pytest.approx(left, rel=1e-9)


def test_depth_weighs_more_than_linearly_and_stress_rises_with_charge():
    """Catches a stress that rewards one deep cycle over two shallow ones of the same energy."""
    assert half_cycle(0.2, 0.8, TABLE, XU.charge) > 2.0 * half_cycle(0.35, 0.65, TABLE, XU.charge)
    assert half_cycle(0.6, 0.9, TABLE, XU.charge) > half_cycle(0.3, 0.6, TABLE, XU.charge)
    assert half_cycle(0.3, 0.6, TABLE, XU.charge) == half_cycle(0.6, 0.3, TABLE, XU.charge)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=80), st.sampled_from(list(LAWS)))
def test_damage_never_falls(history, law):
    """The reward pays increments: catches a count that revises a swing downwards when a cycle closes."""
    assert (np.diff(count(history, law)) >= -1e-18).all()


@given(st.floats(0.0, 1.0), st.integers(1, 30))
def test_charge_that_stands_still_does_no_cycle_damage(charge, steps):
    assert count([charge] * (steps + 1))[-1] == 0.0


@given(st.lists(st.integers(0, 20), min_size=2, max_size=40), st.integers(2, 5))
def test_steps_within_a_swing_change_nothing(levels, parts):
    """A physics step of 30 s must give the damage of one of 60 s: catches counting every sample as a turning point."""
    history = np.array(levels) / 20.0
    fine = np.interp(np.arange((len(history) - 1) * parts + 1) / parts, np.arange(len(history)), history)
    assert count(fine)[-1] == pytest.approx(count(history)[-1], rel=1e-9, abs=1e-18)

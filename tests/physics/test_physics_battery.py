import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.physics.battery import (
    FREEZING_K,
    charge_limit_w,
    discharge_limit_w,
    heater_w,
    loss_shares,
    loss_w,
    power_in_w,
    power_out_w,
    radiating_node,
)

DT_S, WARM_K = 60.0, 293.15
charges = st.floats(0.0, 1.0)
fixed_shares = st.floats(0.0, 0.2)
per_hour = st.floats(0.0, 0.12)  # loss that an hourly rate of 1 adds
capacities = st.floats(1e5, 1e9)
rates = st.floats(0.1, 3.0)
tapers = st.floats(0.5, 0.99)


@given(charges, tapers, capacities, fixed_shares, per_hour, rates, st.floats(250.0, 330.0), st.floats(0.0, 1e9))
def test_charge_never_exceeds_full_and_tapers(charge, taper_from, capacity, fixed, by_rate, c_rate, kelvin, surplus):
    """Catches a limit that forgets the loss of charging, the step's length, the taper or frost."""
    hour_w = capacity / 3600.0
    rate_w, slope = c_rate * hour_w, by_rate / hour_w
    limit = charge_limit_w(charge, 1.0 / (1.0 - taper_from), capacity, kelvin, fixed, slope, rate_w, DT_S)
    assert 0.0 <= limit <= rate_w * (1 + 1e-12)
    into = min(surplus, limit)
    after = charge + (into - loss_w(into, fixed, slope)) * DT_S / capacity
    assert charge <= after <= 1.0 + 1e-12
    if charge >= taper_from:
        assert limit <= rate_w * (1.0 - charge) / (1.0 - taper_from) + 1e-6 * rate_w
    if charge == 1.0 or kelvin <= FREEZING_K:
        assert limit == 0.0


def test_charge_is_limited_by_its_rate_only_below_the_taper():
    """Catches a taper that starts early: 10 kWh at 0.5 C take 5 kW up to 90 %, half of it at 95 %, none at 100 %."""
    args = (10.0, 3.6e7, WARM_K, 0.03, 0.0, 5000.0, DT_S)
    assert charge_limit_w(0.3, *args) == 5000.0
    assert charge_limit_w(0.9, *args) == pytest.approx(5000.0)
    assert charge_limit_w(0.95, *args) == pytest.approx(2500.0)
    assert charge_limit_w(1.0, *args) == 0.0


def test_no_charge_at_freezing_point_and_all_of_it_5_k_above():
    """Plating of lithium: catches the ramp on the wrong side of 0 C."""
    at = [charge_limit_w(0.5, 10.0, 3.6e7, FREEZING_K + k, 0.03, 0.0, 5000.0, DT_S) for k in (-20, 0, 2.5, 5, 30)]
    assert at == pytest.approx([0.0, 0.0, 2500.0, 5000.0, 5000.0])


@given(charges, charges, capacities, fixed_shares, per_hour, rates)
def test_discharge_never_goes_below_the_reserve(charge, reserve, capacity, fixed, by_rate, c_rate):
    hour_w = capacity / 3600.0
    slope = by_rate / hour_w
    limit = discharge_limit_w(charge, reserve, capacity, fixed, slope, c_rate * hour_w, DT_S)
    assert 0.0 <= limit <= c_rate * hour_w
    after = charge - (limit + loss_w(limit, fixed, slope)) * DT_S / capacity
    assert after >= min(charge, reserve) - 1e-12
    if charge <= reserve:
        assert limit == 0.0


@given(st.floats(0.0, 3e4), fixed_shares, st.floats(0.0, 5e-6))
def test_powers_of_cells_and_terminals_are_inverse(power, fixed, slope):
    """Catches the wrong root: up to three hours' rates more power at the terminals is more in the cells."""
    assert power_out_w(power + loss_w(power, fixed, slope), fixed, slope) == pytest.approx(power, rel=1e-9, abs=1e-9)
    assert power_in_w(power - loss_w(power, fixed, slope), fixed, slope) == pytest.approx(power, rel=1e-9, abs=1e-9)


def test_losses_are_as_quoted_where_they_are_quoted():
    """97 % one way at 25 C and a third of the capacity an hour; colder and faster lose more, constant ones nothing."""
    from core_rig import starter

    from odc_gym.tables.fleet.design import design_numbers

    d = design_numbers(starter())
    share = {}
    for name, kelvin, rate in (("quoted", 298.15, 1 / 3), ("cold", 278.15, 1 / 3), ("fast", 298.15, 1.0)):
        for way in ("in", "out"):
            fixed, slope = loss_shares(d[f"base_{way}"], d["cell_law"], kelvin, d["one_hour_w"])
            share[name, way] = fixed + slope * rate * d["one_hour_w"]
    assert share["quoted", "in"] == pytest.approx(0.03, rel=1e-12)
    assert share["quoted", "out"] == pytest.approx(1.0 / 0.97 - 1.0, rel=1e-12)
    assert share["cold", "in"] > 0.036 and share["fast", "out"] > 0.06
    d = design_numbers(starter(battery__losses="constant"))
    assert loss_shares(d["base_in"], d["cell_law"], 263.15, d["one_hour_w"]) == (pytest.approx(0.03), 0.0)


def test_a_thermostat_ends_at_its_set_point_as_far_as_it_reaches():
    assert heater_w(270.0, 273.0, 20.0, 100.0) == pytest.approx(60.0)
    assert heater_w(260.0, 273.0, 20.0, 100.0) == 100.0
    assert heater_w(280.0, 273.0, 20.0, 100.0) == 0.0


def test_a_radiating_node_follows_the_closed_form():
    """Cooling to space: 1/T^3 grows linearly, 3 k t / C; catches a half step taken twice, to 1e-4 K in six hours."""
    radiation, inverse_capacity, kelvin = 1.0e-8, 1.0 / 5.0e4, 310.0
    for _ in range(360):
        _, kelvin = radiating_node(kelvin, 0.0, radiation, inverse_capacity, DT_S)
    exact = (310.0**-3 + 3.0 * radiation * inverse_capacity * 360 * DT_S) ** (-1.0 / 3.0)
    assert kelvin == pytest.approx(exact, abs=1e-4)

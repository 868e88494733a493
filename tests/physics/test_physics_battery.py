import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.physics.battery import charge_limit_w, discharge_limit_w, loss_w, stored_power_w

DT_S = 60.0
charges = st.floats(0.0, 1.0)
efficiencies = st.floats(0.8, 1.0)
capacities = st.floats(1e5, 1e9)
rates = st.floats(0.1, 3.0)
tapers = st.floats(0.5, 0.99)


@given(charges, tapers, capacities, efficiencies, rates, st.floats(0.0, 1e9))
def test_charge_never_exceeds_full_and_tapers(charge, taper_from, capacity, eta, c_rate, surplus):
    """Catches a limit that forgets the charging efficiency, the step's length or the taper."""
    rate_w = c_rate * capacity / 3600.0
    limit = charge_limit_w(charge, 1.0 / (1.0 - taper_from), capacity, eta, rate_w, DT_S)
    assert 0.0 <= limit <= rate_w * (1 + 1e-12)
    after = charge + stored_power_w(min(surplus, limit), 0.0, eta, eta) * DT_S / capacity
    assert charge <= after <= 1.0 + 1e-12
    if charge >= taper_from:
        assert limit <= rate_w * (1.0 - charge) / (1.0 - taper_from) + 1e-6 * rate_w
    if charge == 1.0:
        assert limit == 0.0


def test_charge_is_limited_by_its_rate_only_below_the_taper():
    """Catches a taper that starts early: 10 kWh at 0.5 C take 5 kW up to 90 %, half of it at 95 %, none at 100 %."""
    args = (10.0, 3.6e7, 0.97, 5000.0, DT_S)
    assert charge_limit_w(0.3, *args) == 5000.0
    assert charge_limit_w(0.9, *args) == pytest.approx(5000.0)
    assert charge_limit_w(0.95, *args) == pytest.approx(2500.0)
    assert charge_limit_w(1.0, *args) == 0.0


@given(charges, charges, capacities, efficiencies, rates)
def test_discharge_never_goes_below_the_reserve(charge, reserve, capacity, eta, c_rate):
    rate_w = c_rate * capacity / 3600.0
    limit = discharge_limit_w(charge, reserve, capacity, eta, rate_w, DT_S)
    assert 0.0 <= limit <= rate_w
    after = charge + stored_power_w(0.0, limit, eta, eta) * DT_S / capacity
    assert after >= min(charge, reserve) - 1e-12
    if charge <= reserve:
        assert limit == 0.0


@given(st.floats(0.0, 1e5), st.floats(0.0, 1e5), efficiencies, efficiencies)
def test_what_is_not_stored_is_heat(into, out, eta_in, eta_out):
    """Energy balance at the terminals: catches a loss counted twice or on the wrong side."""
    heat = loss_w(into, out, eta_in, eta_out)
    assert stored_power_w(into, out, eta_in, eta_out) + heat == pytest.approx(into - out, abs=1e-6)
    assert heat >= 0.0


def test_a_round_trip_loses_both_efficiencies():
    stored = stored_power_w(1000.0, 0.0, 0.97, 0.96)
    assert stored_power_w(0.0, stored * 0.96, 0.97, 0.96) == pytest.approx(-stored)
    assert stored * 0.96 / 1000.0 == pytest.approx(0.97 * 0.96)

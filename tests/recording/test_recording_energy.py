"""Ledger of a recording beside audits from the scenario's hardware and the recorded light."""

import numpy as np
import pytest

from odc_gym.recording import record_episode
from odc_gym.recording.energy import recorded_energy
from odc_gym.scenario import Scenario


@pytest.fixture(scope="module", params=["zero", "full-clock"])
def recording(request):
    return record_episode("starter12", request.param, 20_000, overrides={"episode.hours": 8.0})


def test_the_ledger_is_that_of_the_hardware(recording):
    """Catches: a start that is the warm-up's, a design of another satellite, or kWh for J."""
    flow = recorded_energy(recording)
    (hardware,) = Scenario.load("starter12").hardware.values()
    dt_s = recording.header["step_s"]
    array_w = hardware.solar.area_m2 * hardware.solar.w_per_m2 * hardware.solar.eol
    sunlight_j = recording["sunlit_frac"].astype(float).sum(0) * dt_s * array_w
    assert flow.available == pytest.approx(sunlight_j, rel=0.04)  # the flux varies with the distance of the Sun
    capacity_j = hardware.battery.capacity_wh * 3600.0
    charge, left = recording["satellite/charge_frac"], recording["satellite/capacity_left"]
    stored_j = capacity_j * (charge[-1] * left[-1] - charge[0] * left[0]).astype(float)
    assert flow.stored == pytest.approx(stored_j, rel=1e-4, abs=1e3)
    rise_j = sum(
        1e3 * c_kj_k * (recording[f"satellite/{node}"][-1] - recording[f"satellite/{node}"][0]).astype(float)
        for c_kj_k, node in zip(hardware.thermal.c_kj_k, ("plate_k", "loop_k", "radiator_k"), strict=True)
    )
    battery_j_k = hardware.battery.node.capacity_kj_k_kwh * hardware.battery.capacity_wh
    rise_j = rise_j + battery_j_k * (recording["satellite/battery_k"][-1] - recording["satellite/battery_k"][0])
    assert flow.warmed == pytest.approx(rise_j, rel=1e-3, abs=1e3)


def test_accounts_at_each_decision_end_where_the_ledger_ends(recording):
    """Catches: samples that lag a decision behind, or accounts that begin before the episode."""
    flow = recorded_energy(recording)
    for part in ("available", "used", "compute", "heat", "absorbed", "radiated"):
        account = recording[f"satellite/{part}_j"]
        assert (account[0] == 0.0).all()
        assert account[-1] == pytest.approx(getattr(flow, part), rel=1e-6)
        assert (np.diff(account, axis=0) >= 0.0).all()

"""What the hardware does by itself: trip, shed, gate, and serve the bus to the last."""

import numpy as np
import pytest
from core_rig import FULL_W, Rig, starter

from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

GATED_W = 600.0 + 8 * 10.0
LOWEST_W = 600.0 + 8 * (75.0 + 725.0 * (0.11 + 0.89 * 0.3 * 0.7**2))


def fly(rig, steps, names, **how):
    """Histories of rows of the first satellite, (steps,) each."""
    seen = {name: [] for name in names}
    for _ in range(steps):
        rig.step(**how)
        for name in names:
            seen[name].append(rig[name][0])
    return {name: np.array(values) for name, values in seen.items()}


def test_trip_cuts_compute_and_resets_below_75_c():
    """Catches a trip that leaves the chips idling, or that waits its 15 minutes though the junction is cold."""
    rig = Rig([starter(accelerators__restart_s=0.0)])
    rig.at((385.0, 384.0, 380.0))
    seen = fly(rig, 20, ("tripped", "junction_k", "power_w", "trips"))
    length = int(seen["tripped"].sum())
    assert seen["tripped"][0] == 1.0 and seen["trips"][-1] == 1.0
    assert 1 <= length < 15
    assert (seen["power_w"][1 : length + 1] == 100.0).all()  # standby of the host alone
    assert seen["junction_k"][length - 1] >= 348.15 > seen["junction_k"][length]
    assert seen["power_w"][length + 1] > 1000.0


def test_trip_resets_after_15_minutes_at_the_latest():
    """A junction that stays between 75 and 95 C: catches a latch."""
    rig = Rig([starter(thermal__c_kj_k=(8.0, 32.0, 1800.0))])  # a radiator that cools by 5 K in that time
    rig.at((370.0, 369.0, 368.5))
    seen = fly(rig, 40, ("tripped", "junction_k"))
    length = int(np.argmin(seen["tripped"]))
    assert 348.15 < seen["junction_k"][length] < 368.15
    assert length == 15
    assert (seen["tripped"][length:] == 0.0).all()


def test_shed_below_the_floor_until_restored():
    """Compute off at 20 %, on again at 30 %: catches a shed that chatters at the floor."""
    rig = Rig([starter(accelerators__restart_s=0.0)])
    rig["charge_frac"] = 0.215
    dark = fly(rig, 40, ("shed", "charge_frac", "power_w"), sunlit=0.0)
    first = int(np.argmax(dark["shed"]))
    assert dark["charge_frac"][first] < 0.20 <= dark["charge_frac"][first - 1]
    assert (dark["shed"][first:] == 1.0).all()
    assert (dark["power_w"][first + 1 :] == 100.0).all()
    light = fly(rig, 60, ("shed", "charge_frac", "power_w"))
    back = int(np.argmin(light["shed"]))
    assert light["charge_frac"][back] >= 0.30 > light["charge_frac"][back - 1] > 0.20
    assert light["power_w"][back + 1] > 2000.0


def test_safe_mode_takes_500_w_and_compute_is_back_two_minutes_after_it():
    """Catches a bus that goes on as ever while compute is shed, and a restart that is forgotten, or one step short."""
    rig = Rig([starter()])
    rig["charge_frac"] = 0.205
    dark = fly(rig, 10, ("shed", "off", "bus_wanted_w"), sunlit=0.0)
    assert dark["shed"][-1] == dark["off"][-1] == 1.0
    assert dark["bus_wanted_w"][0] == 900.0 and dark["bus_wanted_w"][-1] == 500.0
    light = fly(rig, 60, ("shed", "off", "power_w"))
    back = int(np.argmin(light["shed"]))
    assert light["off"][back : back + 3].tolist() == [1.0, 1.0, 0.0]
    assert (light["power_w"][: back + 3] == 100.0).all() and light["power_w"][back + 3] > 2000.0


def test_a_cold_loop_is_kept_by_the_bypass_then_by_the_heater_and_compute_waits_for_it():
    """Standby in the dark: the loop ends at 0 C though the radiator freezes; below -10 C nothing restarts."""
    rig = Rig([starter(thermal__cold__bypass_share=0.9)])
    rig.at((290.0, 290.0, 290.0))
    rig["charge_frac"], rig["shed"], rig["off"] = 0.29, 1.0, 1.0
    for _ in range(2000):
        rig["charge_frac"] = 0.29
        rig.step(sunlit=0.0, absorbed_w_m2=50.0)
    assert rig["radiator_k"][0] < 240.0
    assert rig["loop_k"][0] == pytest.approx(273.15, abs=0.05)
    assert 5.0 < rig["heater_w"][0] < 300.0
    assert rig["bypassed_w"][0] > 0.0
    rig["heater_w"] = 0.0
    rig.at((260.0, 255.0, 240.0))
    light = fly(rig, 60, ("shed", "off", "loop_k"))
    back = int(np.argmin(light["off"]))
    assert light["shed"][back - 1] == 0.0  # charge is back, the loop is not
    assert light["loop_k"][back] >= 263.15 > light["loop_k"][back - 1]


def test_a_frozen_battery_takes_no_charge_until_its_heater_has_thawed_it():
    """Catches cells that charge below freezing point, and a heater that is not there or never stops."""
    rig = Rig([starter()])
    rig["charge_frac"], rig["battery_k"] = 0.5, 268.15
    seen = fly(rig, 240, ("charge_frac", "battery_k", "battery_heater_w"), power_w=0.0, busy=0.0)
    frozen = seen["battery_k"] < 273.15
    assert 10 < frozen.sum() < 240
    assert (seen["battery_heater_w"][frozen] == 150.0).all()  # all of 15 W a kWh
    assert np.ptp(seen["charge_frac"][frozen]) == 0.0
    assert seen["charge_frac"][-1] > 0.55
    rig["battery_k"] = 290.0
    rig.step(power_w=0.0, busy=0.0)
    assert rig["battery_heater_w"][0] == 0.0


def test_bus_is_served_until_two_percent():
    """The bus takes the battery to its reserve and no further, and what it lacks is counted."""
    rig = Rig([starter(power__safe_w=900.0, thermal__cold__heater_w=0.0, battery__node__heater_w_kwh=0.0)])
    rig["charge_frac"], rig["shed"], rig["off"] = 0.15, 1.0, 1.0
    seen = fly(rig, 120, ("charge_frac", "bus_served_w", "unserved_j", "power_w"), sunlit=0.0)
    served = seen["bus_served_w"] >= 900.0
    last = int(np.argmin(served))
    assert served[:last].all() and not served[last:].any()
    assert seen["charge_frac"][last - 2] > 0.02
    assert seen["charge_frac"][-1] == pytest.approx(0.02, abs=5e-4)
    assert seen["charge_frac"].min() > 0.0195
    assert seen["bus_served_w"][-1] == pytest.approx(0.0, abs=1e-6)
    assert seen["unserved_j"][: last - 1].max() == 0.0
    assert np.diff(seen["unserved_j"])[-5:] == pytest.approx((900.0 + 100.0) * 60.0)  # bus and standby
    assert rig["unserved_h"][0] > 0.0 and rig["low_charge_h"][0] > 0.0


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7, 0.95])
def test_duty_below_the_lowest_clock(share):
    """Power between gated and lowest clock: chips work for the share of the step that it pays for."""
    rig = Rig([starter(thermal__leak=0.0)])
    rig["charge_frac"] = 0.20  # at the floor: sunlight alone
    allowed = GATED_W + share * (LOWEST_W - GATED_W)
    lit = (allowed + 900.0) / 0.95 / rig.of("array_peak_w")[0]
    rig.step(power_w=FULL_W, sunlit=lit)
    assert rig["allowed_w"][0] == pytest.approx(allowed, rel=1e-6)
    assert rig["power_w"][0] == pytest.approx(allowed, rel=1e-6)
    assert rig["duty"][0] == pytest.approx(share, abs=1e-5)
    assert rig["clock_cap"][0] == pytest.approx(0.3, abs=1e-9)


@pytest.mark.parametrize("power_w", [3000.0, 5000.0, 6900.0])
def test_cap_is_the_clock_of_the_allowed_power(power_w):
    """Above the lowest clock: the common cap whose power is allowed, bisected to 1e-5 from below."""
    rig = Rig([starter(thermal__leak=0.0)])
    rig["charge_frac"] = 0.20
    rig.step(power_w=FULL_W, sunlit=(power_w + 900.0) / 0.95 / rig.of("array_peak_w")[0])
    assert rig["duty"][0] == 1.0
    assert power_w - 0.2 <= rig["power_w"][0] <= power_w
    x = rig["clock_cap"][0]
    volt = max(0.7, 0.7 + 0.3 * (x - 0.55) / 0.45)
    assert rig["power_w"][0] == pytest.approx(600.0 + 8 * (75.0 + 725.0 * (0.11 + 0.89 * x * volt**2)), rel=1e-9)


def test_discharge_is_held_to_its_rate():
    """1 C of 2 kWh is 2 kW: catches a battery that feeds full power in the dark."""
    rig = Rig([starter(battery__capacity_wh=2000.0, thermal__leak=0.0)])
    rig["charge_frac"] = 0.9
    rig.step(power_w=FULL_W, sunlit=0.0)
    assert rig["discharged_j"][0] / 60.0 == pytest.approx(2000.0, rel=1e-9)


def test_charge_is_held_to_its_rate_and_the_rest_is_curtailed():
    rig = Rig([starter(battery__capacity_wh=2000.0, battery__losses="constant")])
    rig["charge_frac"] = 0.5
    rig.step(power_w=0.0, busy=0.0)
    assert rig["charge_frac"][0] == pytest.approx(0.5 + 0.5 * 0.97 / 60.0, rel=1e-9)  # 0.5 C for a minute
    assert rig["used_j"][0] < rig["available_j"][0]


def test_charge_stays_within_the_battery_in_any_light():
    """Flickering light and load on batteries of 1 minute to 2 hours of full load: never below empty or above full."""
    rng = np.random.default_rng(0)
    sizes = np.geomspace(120.0, 15_000.0, 16)
    rig = Rig(
        [starter(battery__capacity_wh=float(wh), battery__c_discharge=50.0, battery__c_charge=20.0) for wh in sizes]
    )
    low, high = np.ones(16), np.zeros(16)
    for _ in range(2000):
        lit, busy = rng.choice([0.0, 0.1, 0.4, 1.0], 16), rng.choice([0.0, 8.0], 16)
        rig.step(sunlit=lit, busy=busy, absorbed_w_m2=rng.uniform(40.0, 90.0, 16))
        low, high = np.minimum(low, rig["charge_frac"]), np.maximum(high, rig["charge_frac"])
    assert np.isfinite(rig.state).all()
    assert (low >= 0.0).all() and (high <= 1.0).all()
    assert low[0] < 0.05 and high.max() > 0.95  # both ends were reached


def test_idle_chips_are_gated_after_five_minutes(starter12):
    """Catches chips that are gated at once, or never: 75 W against 10 W each."""
    from odc_gym.simulator.simulator import Simulator

    sim = Simulator(starter12, 1, decision_period_s=60)
    sim.reset([20_000])
    idle = np.full((1, sim.action_size), -1.0)
    busy = sim.sat.free[0, :12] == 0.0  # the others may have waited for a while
    awake = []
    for _ in range(7):
        sim.step(idle)
        assert (sim.sat.free[0, :12] == 8.0).all()
        awake.append(sim.sat.awake[0, :12].copy())
    awake = np.array(awake)
    assert busy.any()
    assert (awake[:4, busy] == 8.0).all()
    assert (awake[4] == 0.0).all()
    assert sim.sat.power_w[0, :12] == pytest.approx(GATED_W)


def test_gating_waits_for_the_last_release(starter12):
    """A chip that is taken again within five minutes stays awake."""
    rig = Rig([starter()])
    assert rig["idle_s"][0] == 0.0
    rig.step(busy=0.0, steps=20)  # held, if idle: never gated
    assert rig["awake"][0] == 8.0
    assert rig["power_w"][0] == pytest.approx(1200.0)


def test_a_plan_below_the_lowest_clock_is_held_by_gating():
    """680 W gated, 2600 W at the lowest clock: catches 1500 W of plan that become 2600 W."""
    rig = Rig([starter()])
    rig.step(power_w=1500.0, steps=5)
    assert rig["power_w"][0] == pytest.approx(1500.0)
    assert rig["duty"][0] == pytest.approx((1500.0 - GATED_W) / (LOWEST_W - GATED_W), rel=1e-3)
    assert rig["governed_s"][0] == 0.0  # the plan holds it, not the governor
    rig.step(power_w=3000.0, steps=5)
    assert rig["power_w"][0] == pytest.approx(3000.0, rel=1e-6) and rig["duty"][0] == 1.0


def test_a_higher_request_lifts_what_holds_a_plan_below_the_lowest_clock():
    """In the dark `threebody12` has such a plan: a request of 1 runs all that is there, -1 draws what 0 draws."""
    sim = Simulator(Scenario.load("threebody12"), 3, episode_hours=4)
    sim.reset([20_000] * 3)
    layout, drawn = sim.view.layout, []
    for _ in range(24):
        action = layout.zeros(3)
        layout.clocks(action)[1:] = np.array([[1.0], [-1.0]])
        dark = sim.view.observation["sunlit_frac"][0] < 0.5
        sim.step(action)
        still = dark & (sim.view.observation["sunlit_frac"][0] < 0.5)
        drawn.append(sim.sat.power_w[:, :12][:, still].mean(1))
    zero, full, lowest = np.mean(drawn, 0)
    assert zero == pytest.approx(lowest, rel=0.05)
    assert full > 1.5 * zero

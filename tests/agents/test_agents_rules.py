"""Rules of the schedulers on hand-made views, where the right answer is known."""

import numpy as np
import pytest
from hand_made import CLASSES, LIMIT_K, SCENARIO, clocks_of, view_of
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.agents import make_scheduler
from odc_gym.agents._clocks import clock_for_dynamic_power, clock_request
from odc_gym.agents.gang_aware import GangAware, wide_job_share
from odc_gym.agents.governor import Governor, GovernorParameters
from odc_gym.agents.sun_aware import SunAware, SunAwareParameters
from odc_gym.physics.compute import class_clock, dynamic_frac


def parts(view, action):
    layout = view.layout
    return layout.bids(action), layout.clocks(action), layout.urgency(action), layout.offsets(action)


def test_idle_refuses_everything():
    view = view_of(num_envs=2)
    assert (make_scheduler("idle", view).act(view) == -1.0).all()


def test_zero_and_full_clock_differ_in_clocks_only():
    view = view_of(num_envs=2)
    zero, full = make_scheduler("zero", view).act(view), make_scheduler("full-clock", view).act(view)
    assert (zero == 0.0).all()
    assert (view.layout.clocks(full) == 1.0).all()
    view.layout.clocks(full)[:] = 0.0
    assert (full == 0.0).all()


def test_random_depends_on_the_episode_not_on_its_place():
    wide, narrow = view_of(num_envs=3), view_of(num_envs=1)
    batch, alone = make_scheduler("random", wide), make_scheduler("random", narrow)
    batch.reset(wide, np.ones(3, bool), np.array([5, 6, 7]))
    first, second = batch.act(wide), batch.act(wide)
    alone.reset(narrow, np.ones(1, bool), np.array([6]))
    assert (alone.act(narrow)[0] == first[1]).all() and (alone.act(narrow)[0] == second[1]).all()
    assert not (first[0] == first[1]).any() and not (first == second).any()
    batch.reset(wide, np.array([False, True, False]), np.array([0, 6, 0]))
    again = batch.act(wide)
    assert (again[1] == first[1]).all() and not (again[0] == first[0]).any()
    assert (np.abs(first) <= 1.0).all()


def test_random_is_uniform_over_the_box():
    view = view_of(satellites=500)
    scheduler = make_scheduler("random", view)
    scheduler.reset(view, np.ones(1, bool), np.array([1]))
    drawn = scheduler.act(view)[0]
    assert abs(drawn.mean()) < 4 / np.sqrt(3 * drawn.size) and drawn.var() == pytest.approx(1 / 3, rel=0.1)


@settings(deadline=None)
@given(st.floats(0.3, 1.0), st.floats(0.0, 1.2))
def test_clock_request_is_undone_by_the_environment(sustainable, wanted):
    request = clock_request(np.array([wanted]), np.array([sustainable]), np.array([0.3]))[0]
    assert -1.0 <= request <= 1.0
    assert class_clock(request, sustainable, 0.3) == pytest.approx(np.clip(wanted, 0.3, 1.0), abs=2e-6)


@settings(deadline=None)
@given(st.floats(0.0, 1.3))
def test_clock_for_dynamic_power_is_the_environments_law_undone(share):
    law = {"static": 0.11, "v0": 0.70, "x_v": 0.55}
    design = {name: np.array([value]) for name, value in (law | {"x_min": 0.3}).items()}
    clock = clock_for_dynamic_power(np.array([share]), design)[0]
    if share >= 1.0:
        assert clock == 1.0
    elif share <= dynamic_frac(0.3, **law):
        assert clock == 0.3
    else:
        assert dynamic_frac(clock, **law) <= share < dynamic_frac(clock + 1e-4, **law)


def test_governor_derates_linearly_by_the_scarcer_of_heat_and_charge():
    bands = GovernorParameters(heat_band_k=10.0, charge_band_frac=0.4)
    view = view_of(
        satellites=5,
        junction_k=[LIMIT_K - 20, LIMIT_K - 5, LIMIT_K + 3, LIMIT_K - 20, LIMIT_K - 5],
        charge_frac=[0.9, 0.9, 0.9, 0.3, 0.3],
    )
    assert clocks_of(view, Governor(view, bands)) == pytest.approx([1.0, 0.65, 0.3, 0.475, 0.475], abs=1e-6)
    action = Governor(view, bands).act(view)
    view.layout.clocks(action)[:] = 0.0
    assert (action == 0.0).all()


def spent_to_sunrise_frac(budget_w, view, s):
    """Charge at the next sunrise if satellite s spends its budget in light and shadow, by its energy balance."""
    d, f = {k: v[0, s] for k, v in view.design.items()}, view.forecast
    load_w = (budget_w[0, s] + d["bus_w"]) / d["eta_pcdu"]
    crossing_s = f["time_to_crossing_s"][0, s]
    dark_s = f["eclipse_length_s"][0, s] if crossing_s > 0 else -crossing_s
    into_w = f["solar_mean_w"][0, 0, s] - load_w
    stored_j = into_w * d["eta_charge"] * max(crossing_s, 0.0) - load_w / d["eta_discharge"] * dark_s
    return view.observation["charge_frac"][0, s] + stored_j / d["capacity_j"]


@pytest.mark.parametrize("crossing_s", [3000.0, 900.0, -600.0, -2100.0])
@pytest.mark.parametrize("charge", [0.5, 0.7])
def test_sun_aware_reaches_sunrise_with_its_reserve(crossing_s, charge):
    margins = SunAwareParameters(reserve_frac=0.12, full_frac=2.0)  # never full: the plain balance
    view = view_of(time_to_crossing_s=crossing_s, charge_frac=charge, rate_charge_w=1e9)
    budget_w = SunAware(view, margins)._energy_budget_w(view)
    assert spent_to_sunrise_frac(budget_w, view, 0) == pytest.approx(0.32, abs=1e-9)


def test_sun_aware_spends_light_that_a_full_battery_cannot_keep():
    view = view_of(charge_frac=0.99, time_to_crossing_s=1800.0)
    budget_w = SunAware(view, SunAwareParameters(reserve_frac=0.75))._energy_budget_w(view)
    assert budget_w[0] == pytest.approx(7900.0 * 0.95 - 900.0)


def test_sun_aware_slows_down_when_hot_and_when_dark_and_low():
    cool_lit = view_of()
    hot = view_of(junction_k=LIMIT_K + 1.0)
    dark = view_of(time_to_crossing_s=-2000.0, charge_frac=0.36)
    lit, heated, drained = (clocks_of(v, SunAware(v))[0] for v in (cool_lit, hot, dark))
    assert heated < lit and drained == pytest.approx(0.3) and lit > 0.7


def test_sun_aware_needs_no_eclipse():
    view = view_of(time_to_crossing_s=np.inf, eclipse_length_s=0.0)
    action = SunAware(view).act(view)
    assert np.isfinite(action).all()


def test_sun_aware_draws_hungry_work_to_room_without_closing_satellites():
    view = view_of(charge_frac=[0.3, 0.35, 0.4, 0.4], junction_k=[330.0, 330.0, 330.0, LIMIT_K], free=8.0)
    finetuning, _, interactive = view.layout.bids(SunAware(view).act(view))[0]
    assert finetuning[2] > finetuning[1] > finetuning[0] and finetuning[2] > finetuning[3]
    assert (np.argsort(interactive) == np.argsort(-finetuning)).all()
    assert (np.abs(view.layout.bids(SunAware(view).act(view))) < 0.5).all()


def test_sun_aware_cancels_the_pull_to_the_least_loaded():
    view = view_of(free=[0.0, 2.0, 4.0, 8.0])
    bids = view.layout.bids(SunAware(view).act(view))[0]
    score = bids - (1.0 - view.observation["free"][0] / 8.0)  # the dispatcher's, before the job's own width
    assert score == pytest.approx(np.zeros((3, 4)), abs=1e-12)


def test_wide_job_share_of_the_scenario_by_hand():
    # 40.5, 16.2 and 24.3 reference accelerators are offered;
    # finetuning is 2.7 accelerators wide on average, of which 8-wide jobs make 1.2
    share, wide = wide_job_share(SCENARIO, CLASSES, 8.0)
    assert share == pytest.approx(40.5 / 81.0 * 1.2 / 2.7, rel=0.03)
    assert wide.tolist() == [True, False, False]
    assert wide_job_share(SCENARIO, CLASSES, 16.0)[0] == 0.0


def test_gang_aware_opens_kept_satellites_to_wide_jobs_and_waiting_services():
    view = view_of(
        satellites=8,
        free=[4.0, 3.0, 8.0, 8.0, 3.0, 8.0, 8.0, 8.0],
        num_envs=2,
        waiting_work_s=[[9.0, 9.0, 0.0], [9.0, 9.0, 1.0]],
    )
    rule, budget = GangAware(view), SunAware(view)
    bids, clocks, urgency, _ = parts(view, rule.act(view))
    kept, others = [0, 4], [1, 2, 3, 5, 6, 7]  # a share of 0.22 of eight satellites, spread
    assert bids[0][:, kept].tolist() == [[-0.4, -0.6], [-0.6, -0.6], [-0.6, -0.6]]
    assert bids[1][:, kept].tolist() == [[-0.4, -0.6], [-0.6, -0.6], [-0.4, -0.4]]
    assert (bids[:, :, others] == parts(view, budget.act(view))[0][:, :, others]).all()
    assert (clocks == view.layout.clocks(budget.act(view))).all()
    assert urgency.tolist() == [[0.0, -0.5, 0.0]] * 2


def test_gang_aware_without_wide_jobs_is_sun_aware():
    narrow = SCENARIO.replace({"workload.classes.finetuning.width": {1: 1.0, 2: None, 4: None, 8: None}})
    view = view_of(satellites=8, scenario=narrow)
    assert (GangAware(view).act(view) == SunAware(view).act(view)).all()


@pytest.mark.parametrize(
    "name",
    ["governor", "sun-aware", "gang-aware", "coolest-first", "fullest-battery-first", "orbit-balanced", "sunlit-first"],
)
def test_rows_do_not_touch_each_other(name):
    charge = np.array([[0.3, 0.5, 0.7, 0.9], [0.9, 0.2, 0.4, 0.6]])
    both, second = view_of(num_envs=2, charge_frac=charge), view_of(charge_frac=charge[1:])
    assert (make_scheduler(name, both).act(both)[1] == make_scheduler(name, second).act(second)[0]).all()

"""Rules of placement and power on hand-made views, where the right answer is known."""

import numpy as np
import pytest
from hand_made import CAPACITY_J, LIMIT_K, PEAK_W, SCENARIO, clocks_of, view_of
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.agents import make_scheduler
from odc_gym.agents._placement import ranked_bids
from odc_gym.agents.orbit_balanced import OrbitBalanced
from odc_gym.agents.sunlit_first import SunlitFirst, SunlitFirstParameters

CLOSE, MARGIN = SCENARIO.dispatch.close, SCENARIO.dispatch.migration_margin
LOADS = [0.0, 7.0, 8.0, 3.0]  # free accelerators
JOB, SERVICE = 0, 2  # finetuning moves, interactive does not


def scores_of(view, bids):
    """What the dispatcher compares for a job of no width, (C, S) of the first environment."""
    return bids[0] - view.scenario.dispatch.load_weight * (1.0 - view.observation["free"][0] / 8.0)


def order_of(view, name, job_class=JOB):
    """Satellites from the most to the least preferred, for a class and the first environment."""
    action = make_scheduler(name, view).act(view)
    return np.argsort(-scores_of(view, view.layout.bids(action))[job_class], kind="stable").tolist()


@given(st.lists(st.tuples(st.integers(0, 8), st.floats(-1e6, 1e6)), min_size=1, max_size=24))
def test_ranked_bids_follow_the_preference_whatever_the_load_and_close_nothing(satellites):
    free, preference = (np.array([column], float) for column in zip(*satellites, strict=True))
    view = view_of(satellites=len(satellites), free=free)
    bids = ranked_bids(view, preference)
    assert (bids > CLOSE).all() and (bids <= 1.0).all()
    score = scores_of(view, bids[:, None])[0]
    by_score = preference[0][np.argsort(-score, kind="stable")]
    assert (np.diff(by_score) <= 0.0).all()
    assert np.ptp(score) < MARGIN  # nothing moves


def test_ranked_bids_end_where_bids_do():
    view = view_of(scenario=SCENARIO.replace({"dispatch.load_weight": 3.0}), free=LOADS)
    bids = ranked_bids(view, np.array([[4.0, 3.0, 2.0, 1.0]]))
    assert (bids <= 1.0).all() and bids[0, 1] == pytest.approx(3.0 / 8.0 - 0.4 / 3.0)


@pytest.mark.parametrize(
    ("name", "seen", "order"),
    [
        ("coolest-first", {"junction_k": [340.0, 320.0, 350.0, 330.0]}, [1, 3, 0, 2]),
        ("fullest-battery-first", {"charge_frac": [0.4, 0.9, 0.5, 0.7]}, [1, 3, 2, 0]),
        ("sunlit-first", {"time_to_crossing_s": [-1800.0, 300.0, -60.0, 2400.0]}, [3, 1, 2, 0]),
        ("orbit-balanced", {"power_w": [2500.0, 500.0, 3000.0, 1000.0]}, [1, 3, 0, 2]),
        # the same light in less time: the battery's losses leave less of it
        ("orbit-balanced", {"eclipse_length_s": [2100.0, 600.0, 1500.0, 0.0]}, [3, 1, 2, 0]),
    ],
)
def test_work_goes_where_the_rule_says_however_busy_it_is(name, seen, order):
    view = view_of(free=LOADS, **seen)
    assert order_of(view, name) == order_of(view, name, SERVICE) == order


@pytest.mark.parametrize("name", ["coolest-first", "fullest-battery-first", "round-robin"])
def test_placement_rules_leave_clocks_and_queue_alone(name):
    view = view_of(num_envs=2, free=LOADS)
    action = make_scheduler(name, view).act(view)
    view.layout.bids(action)[:] = 0.0
    assert (action == 0.0).all()


def test_round_robin_begins_one_satellite_further_at_each_decision():
    view = view_of(num_envs=2, free=LOADS)
    rule = make_scheduler("round-robin", view)
    rule.reset(view, np.array([True, True]), np.array([1, 2]))

    def first_of(action):
        bids = view.layout.bids(action)
        return [int(np.argmax(scores_of(view, bids[row:])[JOB])) for row in (0, 1)]

    assert [first_of(rule.act(view)) for _ in range(5)] == [[0, 0], [1, 1], [2, 2], [3, 3], [0, 0]]
    rule.reset(view, np.array([False, True]), np.array([0, 9]))
    assert first_of(rule.act(view)) == [1, 0]


def test_round_robin_goes_on_to_the_neighbour():
    view = view_of(free=LOADS)
    rule = make_scheduler("round-robin", view)
    rule.act(view)
    score = scores_of(view, view.layout.bids(rule.act(view)))[JOB]
    assert np.argsort(-score).tolist() == [1, 2, 3, 0]


@pytest.mark.parametrize(
    ("name", "clock"), [("fixed-clock(0.6)", 0.6), ("fixed-clock(0.1)", 0.3), ("fixed-clock(1)", 1)]
)
def test_fixed_clock_is_the_same_in_light_and_shadow(name, clock):
    view = view_of(clock_sustainable=[0.3, 0.5, 0.8, 1.0], charge_frac=[0.2, 0.5, 0.7, 0.9])
    rule = make_scheduler(name, view)
    assert clocks_of(view, rule) == pytest.approx([clock] * 4, abs=2e-6)
    action = rule.act(view)
    view.layout.clocks(action)[:] = 0.0
    assert (action == 0.0).all()


@pytest.mark.parametrize("eclipse_s", [0.0, 900.0, 2136.0])
def test_orbit_balanced_ends_an_orbit_with_the_charge_it_began_with(eclipse_s):
    lit_w, period_s = 6000.0, 5736.0
    view = view_of(solar_mean_w=lit_w * (1.0 - eclipse_s / period_s), eclipse_length_s=eclipse_s)
    compute_w = OrbitBalanced(view)._balanced_w(view)[0, 0]
    load_w = (compute_w + 900.0) / 0.95
    stored_j = (lit_w - load_w) * (period_s - eclipse_s) * 0.97 - load_w * eclipse_s / 0.97
    assert stored_j == pytest.approx(0.0, abs=1e-6 * CAPACITY_J)


def test_orbit_balanced_is_the_same_in_light_and_shadow_and_falls_with_heat_only():
    view = view_of(
        solar_mean_w=5000.0,
        time_to_crossing_s=[1800.0, -600.0, -2000.0, 1800.0],
        charge_frac=[0.9, 0.6, 0.3, 0.9],
        junction_k=[330.0, 330.0, 330.0, LIMIT_K + 5.0],
        running=2.5,
    )
    clocks = clocks_of(view, OrbitBalanced(view))
    assert clocks[0] == clocks[1] == clocks[2] > clocks[3]


def test_sunlit_first_moves_what_can_move_from_shadow_to_light():
    crossing_s = [-1800.0, 300.0, -60.0, 2400.0]
    view = view_of(time_to_crossing_s=crossing_s, free=[0.0, 8.0, 0.0, 8.0])
    score = scores_of(view, view.layout.bids(SunlitFirst(view).act(view)))
    width = 1.0 / 8.0  # the dispatcher also takes off what the job itself would occupy
    assert (score[JOB, [1, 3]] - width - score[JOB, 0] > MARGIN).all()
    assert np.ptp(score[SERVICE]) < MARGIN
    fixed = SCENARIO.replace({"workload.classes.finetuning.movable": False})
    stays = view_of(time_to_crossing_s=crossing_s, free=[0.0, 8.0, 0.0, 8.0], scenario=fixed)
    score = scores_of(stays, stays.layout.bids(SunlitFirst(stays).act(stays)))
    assert np.ptp(score[JOB]) < MARGIN and score[1, 3] - width - score[1, 0] > MARGIN


def test_sunlit_first_closes_shadow_if_told_so():
    view = view_of(time_to_crossing_s=[-1800.0, 300.0, -60.0, 2400.0], free=LOADS)
    closed = SunlitFirst(view, SunlitFirstParameters(shadow_bid=-0.6))
    assert (
        (view.layout.bids(closed.act(view))[0] < CLOSE) == [[True, False] * 2, [True, False] * 2, [False] * 4]
    ).all()
    assert (view.layout.bids(SunlitFirst(view).act(view)) > CLOSE).all()


@pytest.mark.parametrize("charge", [0.5, 0.8, 0.95])
def test_sunlit_first_spends_the_light_that_refilling_leaves(charge):
    left_s = 1800.0
    view = view_of(time_to_crossing_s=left_s, charge_frac=charge, solar_mean_w=7000.0, rate_charge_w=1e9)
    rule = SunlitFirst(view)
    load_w = (rule._usable_light_w(view)[0, 0] + 900.0) / 0.95
    after = charge + (7000.0 - load_w) * 0.97 * left_s / CAPACITY_J
    assert after == pytest.approx(max(charge, rule.parameters.full_frac))


def test_sunlit_first_slows_where_hot_and_leaves_shadow_to_the_plan():
    view = view_of(
        time_to_crossing_s=[1800.0, 1800.0, -600.0, np.inf],
        junction_k=[330.0, LIMIT_K + 5.0, 330.0, 330.0],
        clock_sustainable=0.5,
        eclipse_length_s=[2100.0, 2100.0, 2100.0, 0.0],
        power_w=0.5 * PEAK_W,
    )
    lit, hot, dark, always = clocks_of(view, SunlitFirst(view))
    assert dark == 0.5 and hot < lit and always >= lit

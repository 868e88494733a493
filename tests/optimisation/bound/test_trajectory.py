"""The programme relaxes the simulator: every trajectory is a point of it, which is worth no less than the score."""

import numpy as np
import pytest
from bound_rig import extreme_actions, fly, membership

from odc_gym.agents import scheduler_names
from odc_gym.optimisation.bound.trajectory import move_level
from odc_gym.scenario.files import names

TOLERANCE = 1e-6
SHORT_H = 5.0
FLEETS = ["starter12", "threebody12", "edge-earth", "storm", "pretraining-cluster"]
SCHEDULERS = ["zero", "full-clock", "gang-aware", "sun-aware"]


def require_member(episode, follower):
    violation, objective = membership(episode, follower)
    assert violation <= TOLERANCE
    assert objective >= follower.score - TOLERANCE


@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("name", FLEETS)
def test_schedulers_play_points_of_the_programme(name, scheduler):
    """Catches a rule of the programme that the simulator does not keep."""
    _, episode, follower = fly(name, scheduler, hours=SHORT_H)
    require_member(episode, follower)


@pytest.mark.parametrize("name", FLEETS)
def test_extreme_actions_play_points_of_the_programme(name):
    """Catches a rule that only wild schedulers break: replicas that come and go, sheds, lost work."""
    _, episode, follower = fly(name, extreme_actions(7), seed=20_001, hours=SHORT_H)
    require_member(episode, follower)


@pytest.mark.parametrize(
    "overrides",
    [
        {"faults.upsets_per_chip_year": 10_000},
        {"faults.outages.per_satellite_year": 400.0, "faults.hard_failures_per_chip_year": 200.0},
        {"faults.safe_mode.sheds": 1, "hardware.*.battery.capacity_wh": 3_000},
        {"faults.dynamic_power_sigma": 0.1, "faults.leakage_sigma": 0.3, "faults.mission_age_years": 3.0},
        {"reward.wear": 0.0},
        {"workload.load": 2.0},
    ],
)
@pytest.mark.parametrize("scheduler", ["gang-aware", "extreme"])
def test_broken_and_overloaded_fleets_play_points_of_the_programme(overrides, scheduler):
    """Catches rules that hold only where nothing is lost: work done twice, lost batches, dead accelerators."""
    chosen = extreme_actions(3) if scheduler == "extreme" else scheduler
    _, episode, follower = fly("starter12", chosen, hours=SHORT_H, overrides=overrides)
    require_member(episode, follower)


@pytest.mark.slow
@pytest.mark.parametrize("name", names(large=False))
def test_all_schedulers_play_points_of_the_programme_on_all_presets(name):
    """Catches the same, on everything that the package has."""
    for scheduler in (*scheduler_names(), extreme_actions(1), extreme_actions(2)):
        _, episode, follower = fly(name, scheduler)
        require_member(episode, follower)


def test_lost_work_leaves_the_last_cells():
    """Catches work that counts in the cell where it was lost, or twice."""
    work = np.array([[5.0, 3.0, 0.0]])
    move_level(work, 2, np.array([8.0]), np.array([4.0]), np.array([6.0]))
    assert work.tolist() == [[4.0, 0.0, 2.0]]


@pytest.mark.parametrize("account", ["stored_kwh", "load_kwh", "services_s", "jobs_s"])
def test_a_programme_that_asks_too_much_would_be_noticed(account):
    """Catches a check that finds a point of anything: with a fifth less energy, or more work, there is none."""
    _, episode, follower = fly("starter12", "zero", hours=SHORT_H)
    values = getattr(follower, account)
    values *= 0.8 if account == "load_kwh" else 1.5
    violation, _ = membership(episode, follower)
    assert violation > 1e-3

"""The bound of an episode: no score exceeds it, whatever the solver does."""

import numpy as np
import pytest
import scipy.optimize
from bound_rig import extreme_actions, fly

from odc_gym.errors import ArgumentError
from odc_gym.optimisation.bound import bound, bound_of
from odc_gym.optimisation.bound.episode import episode_of
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

HOURS = 4.0


@pytest.fixture(scope="module")
def short():
    return Scenario.load("starter12", {"episode.hours": HOURS})


@pytest.mark.parametrize("scheduler", ["zero", "gang-aware", "full-clock"])
@pytest.mark.parametrize("seed", [20_000, 20_007])
def test_no_scheduler_exceeds_it(short, scheduler, seed):
    """Catches a bound that is none."""
    _, _, follower = fly("starter12", scheduler, seed=seed, hours=HOURS)
    assert bound_of(short, seed).points >= follower.score


def test_it_is_the_same_number_again(short):
    """Catches a bound that depends on what the simulator played before."""
    simulator = Simulator(short)
    first = bound.bound_of_episode(simulator, 20_000)
    bound.bound_of_episode(simulator, 20_001)
    assert bound.bound_of_episode(simulator, 20_000).points == first.points
    assert bound_of(short, 20_000).points == first.points


@pytest.mark.parametrize("harm", ["no answer", "noise", "wrong signs"])
def test_a_solver_that_fails_gives_a_looser_bound(short, monkeypatch, harm):
    """Catches a bound that trusts the solver's status or its optimum."""
    honest, solve = bound_of(short, 20_000).points, scipy.optimize.linprog

    def broken(*arguments, **options):
        found = solve(*arguments, **options)
        marginals = found.ineqlin.marginals
        if harm == "no answer":
            return scipy.optimize.OptimizeResult(x=None, fun=None, status=4, message="failed")
        noise = np.random.default_rng(0).normal(size=marginals.size)
        found.ineqlin.marginals = noise if harm == "noise" else -marginals
        return found

    monkeypatch.setattr(scipy.optimize, "linprog", broken)
    assert bound_of(short, 20_000).points > honest


@pytest.mark.parametrize(
    "change",
    [
        {"workload.load": 2.0},
        {"hardware.*.battery.capacity_wh": 20_000},
        {"hardware.*.solar.area_m2": 60.0},
        {"hardware.*.accelerators.host_w": 100.0},
    ],
)
def test_more_of_a_scarce_thing_does_not_lower_it(change):
    """Catches signs: more light, storage, work and less load leave a scheduler no worse. Value stays that of a unit."""

    def value(overrides):
        scenario = Scenario.load("starter12", {"episode.hours": HOURS} | overrides)
        simulator = Simulator(scenario)
        return bound.bound_of_episode(simulator, 20_000).points / simulator.parameters.weights.points

    stored = 1.0 if "hardware.*.battery.capacity_wh" not in change else 0.9  # the price of charge follows the design
    assert value(change) >= stored * value({})


def test_groups_and_cells_loosen_it_little(short, monkeypatch):
    """Catches pools that are no relaxation, and cells whose length matters too much."""
    single = bound_of(short, 20_000).points
    monkeypatch.setattr("odc_gym.optimisation.bound.episode.MOST_SINGLE", 1)
    pooled = bound_of(short, 20_000).points
    assert single - 1e-6 <= pooled <= single + 3.0
    monkeypatch.setattr("odc_gym.optimisation.bound.jobs.MOST_ENTRIES", 1)
    assert pooled - 1e-6 <= bound_of(short, 20_000).points <= pooled + 3.0


def test_a_programme_that_is_too_large_is_refused(short, monkeypatch):
    """Catches work that fills the memory."""
    monkeypatch.setattr(bound, "MOST_NONZEROS", 1000)
    with pytest.raises(ArgumentError, match=r"scenario = starter12: .* must be <= 1000"):
        bound_of(short, 20_000)


def test_accelerators_that_are_out_or_fail_do_not_count():
    """Catches outages and failures that the programme forgets, or takes from the wrong step on."""
    overrides = {"faults.outages.per_satellite_year": 400.0, "faults.hard_failures_per_chip_year": 100.0}
    simulator, episode, _ = fly("starter12", extreme_actions(0), hours=HOURS, overrides=overrides)
    last = np.where(simulator.sat.out[0, :12] > 0.0, 0.0, simulator.sat.living[0, :12])
    assert episode.living[-1].tolist() == last.tolist()
    assert episode.living.min() == 0.0
    again = Simulator(simulator.scenario)
    again.reset([20_000])
    assert episode_of(again, 0, 3600.0).living.sum() == episode.living.sum()

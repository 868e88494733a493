"""Every scenario of the package flown for a day: what the zero action must do, and what no scheduler may gain."""

import numpy as np
import pytest
from fields import SAT
from regimes import FLEETS

from odc_gym.scenario import Scenario
from odc_gym.simulator.episode_start import periodic
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator

LAST = 3  # decisions at the end: fifteen minutes


def solstices(fleet):
    """Validation seeds whose episodes begin nearest to 21 June and 21 December."""
    day = np.array([fleet.start_of(20_000 + k).timetuple().tm_yday for k in range(200)])
    return [20_000 + int(np.argmin(np.abs(day - d))) for d in (172, 355)]


class Flight:
    """A day under the zero action: scores, extremes of the state after each decision, and the state near the end.

    Without faults, if not told otherwise: what is lost by chance would hide what a clock gains.
    """

    def __init__(self, name, seeds=(), faults=False):
        self.sim = sim = Simulator(Scenario.load(name, {"faults.enabled": faults}), len(seeds) or 6)
        self.seeds = list(seeds) or [*solstices(sim.fleet), 0, 1, 2, 3]
        n, rows = sim.satellites, sim.num_envs
        sim.reset(self.seeds)
        self.zero = sim.view.layout.zeros(rows)
        self.score, self.charge, self.hottest_k, self.finite = np.zeros(rows), [], 0.0, True
        for k in range(sim.decisions):
            if k == sim.decisions - LAST:
                self.late, self.score_then = sim.get_state(), self.score.copy()
            sim.step(self.zero)
            self.score += sim.reward
            state = sim.mutable.state[:, :, :n]
            self.finite &= bool(np.isfinite(state).all() and np.isfinite(sim.observation).all())
            self.charge.append((state[:, SAT.charge_frac].min(), state[:, SAT.charge_frac].max()))
            self.hottest_k = max(self.hottest_k, state[:, SAT.junction_k].max())
        self.metrics = [episode_metrics(sim, row) for row in range(rows)]

    def ends(self, request, where):
        """Scores if the last decisions request another clock on satellites that are lit (1) or dark (0)."""
        sim = self.sim
        sim.set_state(self.late)
        score = self.score_then.copy()
        for _ in range(LAST):
            action = self.zero.copy()
            lit = sim.view.observation["sunlit_frac"] > 0.5
            sim.view.layout.clocks(action)[:] = np.where(lit == bool(where), request, 0.0)
            sim.step(action)
            score += sim.reward
        return score


def quiet(flight):
    """Assert that nothing was shed, tripped or left unserved, and that the state stayed in its bounds."""
    for key in ("shed_h", "trips", "unserved_frac", "evictions"):
        assert max(m[key] for m in flight.metrics) < 1e-12, key
    assert max(m["degree_h"] for m in flight.metrics) < 0.01 * flight.sim.satellites * 24  # a hundredth of a kelvin
    assert flight.finite and flight.hottest_k < 273.15 + 89.0
    charge = np.array(flight.charge)
    assert charge.min() > 0.5 and charge.max() <= 1.0
    assert (flight.score > 50.0).all() and (flight.score < 115.0).all()


@pytest.fixture(scope="module")
def flights():
    """Flights that were flown, by name."""
    return {}


@pytest.fixture
def flight(request, flights):
    name = request.param
    if name not in flights:
        flights[name] = Flight(name)
    return flights[name]


EVERY = pytest.mark.parametrize("flight", FLEETS, indirect=True)


@EVERY
def test_zero_sheds_nothing_and_never_trips(flight):
    """Days at both solstices and four training episodes: catches plans that a satellite cannot hold."""
    quiet(flight)


@EVERY
def test_draining_batteries_at_the_end_gains_nothing(flight):
    """A higher clock in the dark for the last quarter of an hour: catches stored energy that is worth too little.

    In the dark all of it comes from the batteries. Full clock loses, or breaks even in a fleet that is seldom in the
    dark; a little more than the plan may break even.
    """
    assert (flight.ends(1.0, where=0) - flight.score).mean() < 0.005
    assert (flight.ends(0.3, where=0) - flight.score).mean() < 0.05


@EVERY
def test_hoarding_at_the_end_gains_nothing(flight):
    """The lowest clock in sunlight for the last quarter of an hour: catches stored energy that is worth too much."""
    assert (flight.ends(-1.0, where=1) - flight.score).mean() < 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", FLEETS)
def test_zero_is_quiet_all_year(name):
    """Twenty-four training episodes at random dates, with what fails in them."""
    quiet(Flight(name, range(24), faults=True))


def test_light_of_each_shell_is_repeated_with_its_own_period():
    """Shells of 3 and 5 steps an orbit, and a padding lane: each ends where its next orbit would begin."""
    skies = np.arange(8.0)[:, None, None] + 100.0 * np.arange(3)[None, None, :]
    light = periodic(skies, np.array([3, 5]), 2)
    assert light.shape == (10, 1, 3)
    assert light[:, 0, 0].tolist() == [2, 0, 1, 2, 0, 1, 2, 0, 1, 2]
    assert light[:, 0, 1].tolist() == [100, 101, 102, 103, 104] * 2
    assert light[:, 0, 2].tolist() == [200, 201, 202, 203, 204] * 2


def test_mixed_shells_begin_periodic():
    """An orbit of each shell under the zero action ends with the charge that it began with, but for dispatch."""
    sim = Simulator(Scenario.load("ai1-shells"), 1, episode_hours=3)
    sim.reset([20_000])
    peaks = []
    for _ in range(sim.decisions):
        sim.step(sim.view.layout.zeros(1))
        peaks.append(sim.sat.charge_frac[0, : sim.satellites].copy())
    for i, shell in enumerate(sim.fleet.shells):
        orbit = round(shell.period_s / 300.0)
        mine = np.array(peaks)[:, sim.fleet.shell_of == i]
        first, second = mine[0], mine[orbit]
        assert np.abs(first - second).max() < 0.08, i
        assert abs((first - second).mean()) < 0.02, i

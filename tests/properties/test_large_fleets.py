"""Large fleets: their scenarios, tables whose size grows with the fleet alone, and grids beside tables of pairs."""

import numpy as np
import pytest
from bundle import environment_of

from odc_gym.core.layout.network import Links
from odc_gym.core.network.routes import isl_hops
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import LARGE
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.episode import network
from odc_gym.tables.episode.network import plan_network
from odc_gym.tables.episode.tables import _ephemeris
from odc_gym.tables.fleet.fleet_model import FleetModel


def shells(scenario, planes, slots):
    """Return the shells of a scenario with fewer planes and satellites."""
    return [
        {
            "hardware": shell.hardware,
            "orbit": shell.orbit.model_dump()
            | {"total": planes * slots, "planes": planes, "phasing": min(shell.orbit.phasing, planes - 1)},
        }
        for shell in scenario.shells[:3]
    ]


def arrays_of(value, name=""):
    """Yield the arrays of nested bundles by name."""
    if isinstance(value, np.ndarray):
        yield name, value
    elif hasattr(value, "_fields"):
        for field in value._fields:
            yield from arrays_of(getattr(value, field), f"{name}.{field}")
    elif isinstance(value, tuple):
        for k, each in enumerate(value):
            yield from arrays_of(each, f"{name}.{k}")


@pytest.fixture(scope="module")
def reduced():
    """Three shells of 11 x 17 satellites of a megashell, and their first decisions under random actions."""
    scenario = Scenario.load("megashell10k")
    sim = Simulator(scenario.replace({"shells": shells(scenario, 11, 17), "episode.hours": 1}), 1)
    sim.reset([20_000])
    random = np.random.default_rng(1)
    for _ in range(4):
        sim.step(random.uniform(-1.0, 1.0, (1, sim.action_size)))
    return sim


def test_large_fleets_are_those_that_are_named():
    sizes = {name: sum(shell.orbit.total for shell in Scenario.load(name).shells) for name in LARGE}
    assert sizes == {"megashell10k": 10_004, "megashell1k": 1_000}


def test_no_array_has_two_axes_of_satellites(reduced):
    """Tables and work arrays grow with the fleet, not with its square. 561 satellites are more than any other axis."""
    sim, n = reduced, reduced.satellites
    assert n == 561
    groups = (sim.mutable, sim.tables, sim.parameters, sim._workspaces()[0], sim.buffers.measured)
    arrays = [pair for group in groups for pair in arrays_of(group)]
    assert len(arrays) > 60
    steps, jobs = sim.fleet.clock.total, sim.jobs.shape[1]
    large = {
        name: array.shape
        for name, array in arrays
        if sum(axis >= n and axis not in (steps, jobs) for axis in array.shape) > 1
        or array.size > 150 * (len(array) if array.dtype.names else 1) * max(n, jobs) * max(1, steps // 4)
    }
    assert large == {}


def test_a_large_fleet_works(reduced):
    sim = reduced
    assert (sim.run["status"] == 2).sum() > 3 * sim.satellites and np.isfinite(sim.observation).all()
    assert sim.ledger.served.sum() > 0.0 and sim.ledger.weights_gb.sum() + sim.ledger.input_gb.sum() > 0.0
    links = Links(*(table[0] for table in sim.tables.links))
    assert links.next_hop.size == 0 and (links.ground_hop >= 0).mean() > 0.9 and links.ground_hops.max() > 3


@pytest.mark.parametrize(("planes", "slots", "phasing"), [(8, 10, 1), (9, 12, 2), (10, 10, 3), (12, 11, 7)])
def test_grids_and_tables_of_pairs_agree(monkeypatch, planes, slots, phasing):
    """The same fleet with either: the same satellites reach each other and the ground, with about the same latency."""
    orbit = {"pattern": "delta", "altitude_km": 1900, "inclination_deg": 60, "total": planes * slots, "planes": planes}
    own = {"links": {"topology": "grid", "terminals": 4, "max_range_km": 10500}, "ground": {}, "backbone": None}
    changes = {"shells.0.orbit": orbit | {"phasing": phasing}, "network": own, "episode.hours": 1}
    model = FleetModel(Scenario.load("starter12", changes))
    ephemeris = _ephemeris(model, model.start_of(5))
    pairs = plan_network(model, ephemeris)
    monkeypatch.setattr(network, "MAX_PAIRWISE", 0)
    grid = plan_network(model, ephemeris)
    assert pairs.grid is None and pairs.pairs is not None and grid.isl is None and grid.grid is not None
    lasting = pairs.isl.plan.up.all(0)
    assert lasting.all()  # otherwise a grid has fewer links
    beside = {frozenset(pair) for pair in pairs.isl.plan.pairs.tolist()}
    near = grid.grid.neighbours
    assert {frozenset((s, int(o))) for s in range(len(near)) for o in near[s] if o >= 0} == beside
    assert (pairs.direct.site == grid.direct.site).all()
    for name in ("hops", "next_hop"):
        assert ((getattr(pairs.routes, name) < 0) == (getattr(grid.routes, name) < 0)).all()
    reached = pairs.routes.next_hop >= 0
    assert (pairs.ground_closes == grid.ground_closes).all()
    assert grid.routes.latency_s[reached] == pytest.approx(pairs.routes.latency_s[reached], rel=0.35)
    assert grid.routes.latency_s[reached].mean() == pytest.approx(pairs.routes.latency_s[reached].mean(), rel=0.05)


def test_routes_of_grids_have_about_as_many_links_as_those_of_pairs(monkeypatch):
    """Latencies of single links differ from the shell's mean, so that few routes differ."""
    orbit = {"pattern": "delta", "altitude_km": 1900, "inclination_deg": 60, "total": 72, "planes": 8, "phasing": 2}
    own = {"links": {"topology": "grid", "terminals": 4, "max_range_km": 10500}, "ground": {}, "backbone": None}
    scenario = Scenario.load("starter12", {"shells.0.orbit": orbit, "network": own, "episode.hours": 1})
    hops = []
    for most in (500, 0):
        monkeypatch.setattr(network, "MAX_PAIRWISE", most)
        sim = Simulator(scenario, 1)
        sim.reset([20_000])
        env = environment_of(sim)
        hops.append(np.array([[isl_hops(env, s, d, 0) for d in range(72)] for s in range(72)]))
    assert (hops[0] >= 0).all() and (hops[1] >= 0).all()
    assert (np.abs(hops[0] - hops[1]) <= 3).all() and hops[0].mean() == pytest.approx(hops[1].mean(), rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_a_large_preset_flies(name):
    sim = Simulator(Scenario.load(name), 1, episode_hours=1)
    sim.reset([20_000])
    for _ in range(3):
        sim.step(np.zeros((1, sim.action_size)))
    assert np.isfinite(sim.observation).all() and 0.9 < sim.load_factor[0] < 1.4
    assert sim.tables.skies.shape[3] >= sim.satellites and sim.tables.links.next_hop.size == 0

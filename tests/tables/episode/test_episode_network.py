"""Network of episodes: tables of scenarios, failures, tables that rows of a batch share, and the network report."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from odc_gym.errors import ScenarioError
from odc_gym.orbits.routes import FOREVER
from odc_gym.scenario import Scenario
from odc_gym.scenario_check.network_report import network_report
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.episode.links import LinkBatch, link_tables, network_links
from odc_gym.tables.episode.network import NetworkAvailability, plan_network
from odc_gym.tables.episode.tables import build_episode
from odc_gym.tables.fleet.fleet_model import FleetModel

OWN = {"network": {"backbone": None, "links": {"topology": "nearest"}, "ground": {}}, "episode.hours": 3}
STATION = {"name": "Quito", "latitude_deg": 0.0, "longitude_deg": 281.5}
MESH = {"network.links": {"topology": "mesh", "rate_gbps": 10000, "terminals": 4, "max_range_km": 0.25}}


@cache
def fleet():
    return FleetModel(Scenario.load("starter18", OWN))


@cache
def episode(seed=3):
    return build_episode(fleet(), seed).links


def ephemeris(model, seed):
    from odc_gym.tables.episode.tables import _ephemeris

    return _ephemeris(model, model.start_of(seed))


def walk(links, t, s):
    """Return the nodes on the route from a satellite to the ground."""
    way, ground = [s], links.ground_hop.shape[1]
    while way[-1] != ground and way[-1] >= 0:
        way.append(int(links.ground_hop[t, way[-1]]))
        assert len(way) < 30, "a loop"
    return way


def test_a_backbone_is_a_link_of_every_satellite_at_all_times():
    model = FleetModel(Scenario.load("starter12"))
    one, other = (network_links(model, ephemeris(model, seed)) for seed in (1, 2))
    assert (one.ground_hop == 12).all() and one.ground_hop.shape == (1, 12)
    assert one.ground_gb_s.tolist() == [[12.5] * 12] and one.ground_latency_s[0, 0] == np.float32(0.05)
    assert (one.ground_hops == 1).all() and (one.ground_expiry_step == FOREVER).all() and one.bridged.tolist() == [1]
    assert one.next_hop.size == one.neighbours.size == 0  # satellites reach each other through the backbone alone
    assert one.isl_gb_s.sum() == 0.0
    assert one.expiry_step is other.expiry_step


def test_own_links_are_planned_once_for_all_episodes():
    one, other = episode(3), build_episode(fleet(), 4).links
    for name in ("epoch", "next_hop", "hops", "expiry_step"):
        assert getattr(one, name) is getattr(other, name)
    assert (one.ground_hop != other.ground_hop).any()  # but the Earth turns


def test_tables_of_steps_and_pairs():
    links, model = episode(), fleet()
    total = model.clock.total
    assert links.epoch.shape == (total,) and links.ground_hop.shape == (total, 18)
    assert links.epoch.max() == len(links.next_hop) - 1 == len(links.expiry_step) - 1
    assert (links.isl_gb_s == 12.5).all() and links.bridged.tolist() == [0]
    own = links.ground_gb_s > 0
    assert (links.ground_gb_s[own] == 12.0).all() and 0.1 < own.mean() < 0.3
    assert ((links.ground_hop == 18) == own).all()
    for t in range(0, total, 17):
        for s in range(18):
            way = walk(links, t, s)
            hops = int(links.ground_hops[t, s])
            assert hops == (len(way) - 1 if way[-1] == 18 else -1)
            for a, b in pairwise(way[:-1]):
                assert links.hops[links.epoch[t], a, b] == 1  # over a link that is up
    there = links.ground_hop >= 0
    for s in range(18):
        for t in np.flatnonzero(there[:, s])[::11]:
            end = min(links.ground_expiry_step[t, s], total)
            assert there[t:end, s].all() and (end == total or not there[end, s])
    assert not links.ground_expiry_step[~there].any()


def test_a_backbone_beside_gateways_takes_the_faster_link():
    """Contacts at 96 Gb/s do not replace 100, those at 200 do."""
    slow, fast = (FleetModel(Scenario.load("starter12", {"network.ground": {"rate_gbps": r}})) for r in (96, 200))
    slower, faster = (network_links(model, ephemeris(model, 1)) for model in (slow, fast))
    assert (slower.ground_gb_s == 12.5).all() and (slower.ground_latency_s == np.float32(0.05)).all()
    assert set(np.unique(faster.ground_gb_s)) == {12.5, 25.0}
    assert (faster.ground_latency_s[faster.ground_gb_s > 20] < 0.02).all()
    assert (faster.ground_hop == 12).all()


def test_shells_with_links_of_their_own():
    change = {"network.links": {"topology": "grid", "terminals": 4, "rate_gbps": 1000}}
    model = FleetModel(Scenario.load("ai1-shells", change | {"shells.2.links": {"rate_gbps": 100, "terminals": 1}}))
    plan = plan_network(model, ephemeris(model, 1))
    links = link_tables(model, plan)
    assert links.isl_gb_s.tolist() == [125.0] * 60 + [12.5] * 12
    degree = np.bincount(plan.isl.plan.pairs[plan.isl.plan.up[0]].ravel(), minlength=72)
    assert degree[60:].max() == 1 and degree[:36].max() == 4
    assert links.bridged.tolist() == [1]


def test_satellites_and_links_that_fail():
    """Satellite 5 is out from step 40 to 60, and the links of satellite 9 fail from step 50, both unforeseen."""
    model = fleet()
    e = ephemeris(model, 3)
    satellite_up, link_up = np.ones((2, model.clock.total, 18), bool)
    satellite_up[40:60, 5] = False
    link_up[50:, 9] = False
    whole, links = episode(), network_links(model, e, NetworkAvailability(satellite_up, link_up))
    assert (links.ground_hop[:40] == whole.ground_hop[:40]).all()
    assert (links.ground_expiry_step[:40] == whole.ground_expiry_step[:40]).all()
    assert (links.ground_hop[40:60, 5] == -1).all() and (links.ground_gb_s[40:60, 5] == 0).all()
    for t in range(model.clock.total):
        now, then = links.next_hop[links.epoch[t]], whole.next_hop[whole.epoch[t]]
        closes, planned = links.expiry_step[links.epoch[t]], whole.expiry_step[whole.epoch[t]]
        if t < 40:
            assert (now == then).all() and (closes == planned).all()
        for s, begin, end in ((5, 40, 60), (9, 50, 10**6)):
            if begin <= t < end:
                others = np.arange(18) != s
                assert (now[s, others] == -1).all() and not (now[others][:, others] == s).any()
                assert (closes[s, others] == 0).all()
        joined = now >= 0
        assert (closes[joined] == planned[joined]).all() and (closes[~joined] == 0).all()
    assert (links.ground_gb_s[50:, 9] == whole.ground_gb_s[50:, 9]).all()  # gateways do not need optical terminals
    assert network_links(model, e, NetworkAvailability(np.ones_like(satellite_up))).expiry_step is whole.expiry_step


def test_links_that_fail_take_the_backbone_along_but_gateways_do_not_need_them():
    model = FleetModel(Scenario.load("starter12", {"network.ground": {"rate_gbps": 50}}))
    link_up = np.ones((model.clock.total, 12), bool)
    link_up[:, 3] = False
    links = network_links(model, ephemeris(model, 1), NetworkAvailability(link_up=link_up))
    others = np.arange(12) != 3
    assert (links.ground_gb_s[:, others] == 12.5).all()
    assert set(np.unique(links.ground_gb_s[:, 3])) == {0.0, 6.25}


def test_weather_over_all_gateways():
    model = fleet()
    site_up = np.ones((model.clock.total, 30), bool)
    site_up[20:30] = False
    links = network_links(model, ephemeris(model, 3), NetworkAvailability(site_up=site_up))
    assert (links.ground_hop[20:30] == -1).all() and (links.ground_latency_s[20:30] == np.inf).all()
    assert (links.ground_expiry_step[20:30] == 0).all() and (links.ground_hop[19] == episode().ground_hop[19]).all()
    assert links.expiry_step is episode().expiry_step


def test_rows_of_a_batch_share_what_they_can():
    model, batch = fleet(), LinkBatch(3)
    tables = [build_episode(model, seed).links for seed in (1, 2, 3)]
    for row, links in enumerate(tables):
        batch.put(row, links)
    assert batch.arrays.expiry_step.shape[0] == 1 and np.shares_memory(batch.arrays.expiry_step, tables[0].expiry_step)
    for row, links in enumerate(tables):
        assert (batch.arrays.ground_hop[row] == links.ground_hop).all()
    batch.put(0, batch.row(1))
    assert (batch.arrays.ground_hop[0] == tables[1].ground_hop).all()
    down = np.ones((model.clock.total, 18), bool)
    down[30:60, 4] = False
    broken = network_links(model, ephemeris(model, 2), NetworkAvailability(down))
    batch.put(1, broken)  # has more topologies, so that rows no longer share
    for row, links in ((0, tables[1]), (1, broken), (2, tables[2])):
        for name, array in batch.arrays._asdict().items():
            mine = getattr(links, name)
            assert (array[row if len(array) > 1 else 0][: len(mine)] == mine).all(), name
    assert all(array.flags.c_contiguous for array in batch.arrays)


def test_a_row_of_a_batch_flies_as_it_would_alone():
    scenario = fleet().scenario
    batch, alone = Simulator(scenario, 3), Simulator(scenario, 1)
    batch.reset([4, 5, 5])
    alone.reset([5])
    for _ in range(6):
        batch.step(np.zeros((3, batch.action_size)))
        alone.step(np.zeros((1, alone.action_size)))
    assert batch.reward[1] == batch.reward[2] == alone.reward[0]


def test_tables_of_the_network_never_change():
    simulator = Simulator(fleet().scenario, 1)
    simulator.reset([6])
    before = [array.copy() for array in simulator.tables.links]
    for _ in range(10):
        simulator.step(np.zeros((1, simulator.action_size)))
    assert all((a == b).all() for a, b in zip(before, simulator.tables.links, strict=True))


MANY = {"pattern": "delta", "altitude_km": 550, "inclination_deg": 53, "total": 528, "planes": 24, "phasing": 11}


@pytest.mark.parametrize(
    ("links", "line"),
    [
        ({"topology": "nearest"}, "network.links.topology = nearest: must be grid"),
        ({"topology": "grid"}, "network.links.terminals = 3: must be 4 or more"),
    ],
)
def test_links_of_large_constellations_must_be_grids(links, line):
    model = FleetModel(Scenario.load("starter12", {"shells.0.orbit": MANY, "network.links": links, "episode.hours": 1}))
    with pytest.raises(ScenarioError) as caught:
        plan_network(model, ephemeris(model, 1))
    assert str(caught.value) == f"{line} with more than 500 satellites"


def large(**links):
    network = {"backbone": None, "ground": {}, "links": {"topology": "grid", "terminals": 4, **links}}
    return FleetModel(Scenario.load("starter12", {"shells.0.orbit": MANY, "episode.hours": 1, "network": network}))


def test_a_large_constellation_has_no_tables_of_pairs():
    """Neighbours, planes and slots take their place. Catches any table with two axes of satellites."""
    links = network_links(large(), ephemeris(large(), 1))
    assert [name for name, table in links._asdict().items() if np.sum(np.array(table.shape) >= 528) > 1] == []
    assert links.next_hop.size == 0 and links.neighbours.shape == (1, 528, 4) and (links.neighbours >= 0).all()
    assert links.shells.tolist() == [[0, 24, 22, 11, 1, 1]] and links.isl_up.shape == (1, 528)
    assert (links.ground_expiry_step == FOREVER).all() and 1 <= links.ground_hops.min() < links.ground_hops.max() < 23


def test_links_of_a_large_constellation_that_do_not_last_are_not_made():
    """In a plane, satellites are 1972 km apart; the same slots of neighbouring planes come closer and part."""
    none, rings = (network_links(large(max_range_km=reach), ephemeris(large(), 1)) for reach in (1500, 1980))
    assert (none.neighbours < 0).all() and (none.shell_of < 0).all()
    assert ((rings.neighbours >= 0).sum(2) == 2).all() and rings.shells[0, -1] == 0
    direct = none.ground_hop == 528
    assert ((none.ground_hop >= 0) == direct).all() and (rings.ground_hop >= 0).mean() > 2 * direct.mean()


def test_a_large_constellation_routes_around_what_fails():
    model = large()
    e, satellite_up = ephemeris(model, 1), np.ones((model.clock.total, 528), bool)
    satellite_up[30:, 40:60] = False
    whole, links = network_links(model, e), network_links(model, e, NetworkAvailability(satellite_up))
    assert (links.ground_hop[:30] == whole.ground_hop[:30]).all()
    assert (links.ground_hop[30:, 40:60] == -1).all() and (links.isl_up[30:, 40:60] == 0).all()
    for t in range(30, model.clock.total, 7):
        for s in np.flatnonzero(links.ground_hop[t] >= 0)[::5]:
            way = walk(links, t, s)
            assert len(way) - 1 == links.ground_hops[t, s] and not set(way) & set(range(40, 60))
            assert all(b in links.neighbours[0, a] for a, b in pairwise(way[:-1]))


def figures(model):
    return {row.name: row for row in network_report(model)}


def test_figures_of_a_network():
    rows = figures(fleet())
    assert rows["connected parts"].value == 1.0 and "largest 18 satellites" in rows["connected parts"].note
    assert 2.0 < rows["link degree"].value < 3.0 and "to 3" in rows["link degree"].note
    assert 10 <= rows["link contact"].value <= 15
    assert 0.1 < rows["ground contact"].value < 0.3 and 2.5 < rows["ground contact length"].value < 5.0
    assert rows["reach of the ground"].value > 0.9 and 1.5 < rows["hops to the ground"].value < 5
    assert 1 / 30 < rows["gateway share"].value < 0.3
    assert set(figures(FleetModel(Scenario.load("starter12")))) == {
        "transfers", "reach of the ground", "hops to the ground", "latency to the ground",
    }  # fmt: skip


def test_figures_of_a_cluster():
    rows = figures(FleetModel(Scenario.load("suncatcher81", MESH)))
    assert rows["link contact"].value == "lasts" and rows["without a link"].value == 0.0
    assert "largest 81 satellites; 1 of all pairs" in rows["connected parts"].note


def test_work_that_never_gets_its_data_is_an_error():
    """A ring of 53 degrees never sees a station at the pole."""
    network = {"backbone": None, "ground": {"sites": [STATION | {"latitude_deg": 90.0}]}}
    with pytest.raises(ScenarioError) as caught:
        figures(FleetModel(Scenario.load("starter12", {"network": network, "episode.hours": 3})))
    assert str(caught.value) == (
        "network: 12 of 12 satellites never have a way to the ground, but finetuning, batch, interactive must have data"
    )


def gang_of(satellites):
    """Return a scenario change: pretraining on `satellites` satellites within one link of each other for an hour."""
    gang = {"satellites": {satellites: 1.0}, "sync_gb": 10, "iteration_s": 10, "hops": 1, "lasting_min": 60}
    finetuning = Scenario.load("starter18").workload.classes["finetuning"].model_dump()
    return {"workload.classes.pretraining": finetuning | {"gang": gang, "width": {8: 1.0}}}


def test_gangs_need_neighbours():
    """Each of nine satellites in a plane always sees two others, and the other plane for a quarter of an hour."""
    rows = figures(FleetModel(Scenario.load("starter18", OWN | gang_of(3))))
    assert rows["pretraining neighbourhood"].value >= 3.0
    crowded = "workload.classes.pretraining.gang.satellites = 9: must be at most 4, as many are within 1 links"
    with pytest.raises(ScenarioError, match=crowded):
        figures(FleetModel(Scenario.load("starter18", OWN | gang_of(9))))

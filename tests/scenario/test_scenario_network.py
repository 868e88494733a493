"""The network of a scenario: allowed values, and messages for the others."""

import pytest

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.sites import SITES

STATION = {"name": "Quito", "latitude_deg": -0.2, "longitude_deg": 281.5}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"network": {"backbone": None}}, "network: must have a way to the ground: backbone or ground"),
        (
            {"network": {"backbone": None, "links": {"topology": "mesh"}}},
            "network: must have a way to the ground: backbone or ground",
        ),
        ({"network.ground": {"sites": "gateway"}}, "network.ground.sites = gateway: must be 'gateways' or 'polar'"),
        ({"network.ground": {"sites": []}}, "network.ground.sites: must have at least 1 entry"),
        (
            {"network.ground": {"sites": [STATION | {"latitude_deg": 99}]}},
            "network.ground.sites.0.latitude_deg = 99: must be <= 90",
        ),
        (
            {"network.links": {"topology": "ring"}},
            "network.links.topology = ring: must be 'grid', 'nearest' or 'mesh'",
        ),
        ({"shells.0.links": {"terminals": 2}}, "shells.0.links: must not be given without network.links"),
    ],
)
def test_what_is_not_allowed_is_told_in_one_line(change, line):
    with pytest.raises(ScenarioError) as caught:
        Scenario.load("starter12", change)
    assert str(caught.value) == line


def test_a_grid_needs_planes():
    with pytest.raises(ScenarioError, match=r"topology = grid: must be nearest or mesh, shells.0 \(cluster\)"):
        Scenario.load("suncatcher81", {"network.links": {"topology": "grid"}})


def test_a_network_without_a_backbone():
    network = {
        "backbone": None,
        "ground": {"sites": [STATION], "antennas": 2},
        "links": {"topology": "nearest", "rate_gbps": 200},
    }
    read = Scenario.load("starter12", {"network": network}).network
    assert read.backbone is None
    assert read.ground.sites[0].longitude_deg == 281.5
    assert (read.links.terminals, read.links.grazing_altitude_km) == (3, 80.0)


def test_named_sites_are_apart_and_cover_both_hemispheres():
    for name, sites in SITES.items():
        assert 8 <= len(sites) <= 30
        assert len({(s.latitude_deg, s.longitude_deg) for s in sites}) == len(sites) == len({s.name for s in sites})
        assert min(s.latitude_deg for s in sites) < 0 < max(s.latitude_deg for s in sites), name

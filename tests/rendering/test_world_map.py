"""The map: land and water where they are, night on the far side of the Sun, and links across its edge."""

import numpy as np
import pytest
from painted import on_map, painted, places, snapshot

from odc_gym.rendering.land import land_rings, unwound
from odc_gym.rendering.marks import mark_radius
from odc_gym.rendering.picture import Painter
from odc_gym.rendering.places import formation_km, take_places, wrapped
from odc_gym.rendering.snapshot import take_snapshot
from odc_gym.rendering.theme import LAND, OCEAN
from odc_gym.rendering.world_map import HEIGHT, WIDTH, X, Y, nice_length
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

MAP = np.s_[int(Y) : int(Y + HEIGHT), int(X) : int(X + WIDTH)]


def lit_at(sun_longitude_deg):
    return painted(snapshot(1), places([-85.0], [0.0], sun=(0.0, sun_longitude_deg)))


@pytest.mark.parametrize(
    ("name", "latitude_deg", "longitude_deg", "colour"),
    [
        ("Sahara", 23.0, 12.0, LAND),
        ("Siberia", 66.0, 100.0, LAND),
        ("Chukotka, beyond 180 degrees", 66.5, -176.0, LAND),
        ("Australia", -25.0, 134.0, LAND),
        ("Antarctica", -86.0, -100.0, LAND),
        ("Pacific", 5.0, -140.0, OCEAN),
        ("Arctic", 83.0, 10.0, OCEAN),
        ("Caspian Sea", 41.5, 51.0, OCEAN),
        ("Atlantic at the latitude of Chukotka", 68.0, -3.0, OCEAN),
    ],
)
def test_land_and_water(name, latitude_deg, longitude_deg, colour):
    """Catches stripes of land that crosses 180 degrees, a map upside down, and lakes of land."""
    seen = np.array(on_map(lit_at(longitude_deg), latitude_deg, longitude_deg))
    other = {LAND: OCEAN, OCEAN: LAND}[colour]
    assert np.abs(seen - colour).sum() < 12 < np.abs(seen - other).sum(), name


def test_rings_have_no_jumps():
    for points, _ in land_rings():
        assert np.abs(np.diff(points[:, 0])).max() < 180.0 or points[:, 1].min() == -90.0
    pole = unwound(np.array([[0.0, -80.0], [120.0, -80.0], [-120.0, -80.0], [-10.0, -80.0]]))
    assert pole[-2:].tolist() == [[350.0, -90.0], [0.0, -90.0]]


@pytest.mark.parametrize("sun_longitude_deg", [-180.0, -90.0, 0.0, 45.0, 170.0])
def test_night_is_opposite_to_the_sun(sun_longitude_deg):
    """Catches a night that moves the wrong way, or ends at the edge of the map."""
    picture = lit_at(sun_longitude_deg)
    for apart, least, most in (
        (-180.0, 0.0, 0.5),
        (-105.0, 0.0, 0.6),
        (-75.0, 0.9, 1.1),
        (75.0, 0.9, 1.1),
        (105.0, 0.0, 0.6),
    ):
        longitude_deg = float(wrapped(np.float64(sun_longitude_deg + apart)))
        noon = sum(on_map(lit_at(longitude_deg), 12.0, longitude_deg + 4.0))
        assert least <= sum(on_map(picture, 12.0, longitude_deg + 4.0)) / noon <= most


def test_a_link_across_the_edge_leaves_the_map_on_both_sides():
    """Catches lines through the whole map."""

    def drawn(*longitudes_deg):
        linked, free = (painted(snapshot(2), places([-58.0] * 2, longitudes_deg, p))[MAP] for p in ([(0, 1)], []))
        return np.flatnonzero((linked != free).any((0, 2)))

    across = drawn(-165.0, 165.0)
    assert across.size and across.min() < 2 and across.max() > WIDTH - 3 and not ((across > 50) & (across < 750)).any()
    inside = drawn(-50.0, 50.0)
    assert 280 < inside.min() < 310 and 490 < inside.max() < 520 and len(inside) > 180


def test_the_sun_stands_over_the_longitude_of_noon():
    """Catches a turn of the Earth in the wrong direction, and places of another episode."""
    simulator = Simulator(Scenario.load("starter12", {"episode.hours": 6}), num_envs=1)
    simulator.reset([20_000])
    where, now = take_places(simulator, 0), take_snapshot(simulator, 0, 0.0).now
    for k in (0, 40, 72):
        hours = now.hour + now.minute / 60.0 + k / 12.0
        assert abs(wrapped(where.sun_longitude_deg[k] - (12.0 - hours) * 15.0)) < 4.5  # the equation of time
    assert np.abs(where.sun_latitude_deg).max() < 23.6 and np.abs(where.longitude_deg).max() <= 180.0
    assert where.formation_km is None and where.links_at(0).shape == (0, 2)


def test_a_formation_lies_along_its_orbit():
    """Catches axes that are exchanged, and fleets that are taken for formations."""
    angle = np.radians(np.arange(5) * 20.0)[:, None]
    middle = 7000.0 * np.concatenate([np.cos(angle), np.sin(angle), 0 * angle], 1)
    along = np.concatenate([-np.sin(angle), np.cos(angle), 0 * angle], 1)
    ahead, behind = middle + 2.0 * along, middle - 2.0 * along
    found = formation_km(np.stack([ahead, behind], 1))
    assert np.allclose(found[:, 0], (2.0, 0.0), atol=0.1) and np.allclose(found[:, 1], (-2.0, 0.0), atol=0.1)
    assert formation_km(np.stack([middle, -middle], 1)) is None and formation_km(middle[:, None]) is None


def test_marks_shrink_and_lengths_are_round():
    assert mark_radius(1) == mark_radius(24) > mark_radius(81) > mark_radius(1000) == mark_radius(10_000)
    assert [nice_length(most) for most in (1.0, 4.9, 0.7, 260.0)] == [1.0, 2.0, 0.5, 200.0]


def test_a_cluster_is_drawn_as_a_formation():
    """Catches 81 marks on one point."""
    simulator = Simulator(Scenario.load("suncatcher81", {"episode.hours": 2}), num_envs=1)
    simulator.reset([20_000])
    where = take_places(simulator, 0)
    assert where.formation_km is not None and where.formation_km.shape == (25, 81, 2)
    assert Painter().picture(simulator, 0, 0.0).shape == (720, 1280, 3)

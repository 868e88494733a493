import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.errors import OrbitError
from odc_gym.orbits import FluxTable, edge_view_factor

RADIUS_M = 6378137.0


def integrated(altitude_m, beta, angle, attitude, points=500):
    """Infrared and albedo flux, mean of the faces [W/m2]: midpoint sum over the whole sphere, in the orbit's axes."""
    u = (np.arange(points) + 0.5) / points
    z, azimuth = np.meshgrid(2 * u - 1, 2 * np.pi * u, indexing="ij")
    ring = np.sqrt(1 - z**2)
    ground = np.stack((ring * np.cos(azimuth), ring * np.sin(azimuth), z), -1)
    area = 4 * np.pi * RADIUS_M**2 / points**2
    satellite = (RADIUS_M + altitude_m) * np.array([np.cos(angle), np.sin(angle), 0.0])
    sun = np.array([np.cos(beta), 0.0, np.sin(beta)])
    normal = -sun if attitude == "anti_sun" else np.cross(sun, satellite)
    if np.linalg.norm(normal) < 1e-6 * np.linalg.norm(satellite) and attitude == "knife_edge":
        normal = np.cross(satellite, [0.6, 0.0, 0.8])
    normal /= np.linalg.norm(normal)
    sight = RADIUS_M * ground - satellite
    distance = np.linalg.norm(sight, axis=-1)
    emission = -(ground * sight).sum(-1) / distance
    seen = sight @ normal / distance
    faces = np.maximum(seen, 0) if attitude == "anti_sun" else 0.5 * np.abs(seen)
    weight = np.maximum(emission, 0) * faces / (np.pi * distance**2) * area
    return 237.0 * weight.sum(), 0.3 * 1361.0 * (weight * np.maximum(ground @ sun, 0)).sum()


@pytest.mark.parametrize("attitude", ["knife_edge", "anti_sun"])
@pytest.mark.parametrize("altitude_m", [550e3, 650e3, 1400e3])
@pytest.mark.parametrize("beta_deg", [0, 35, 76, 90])
@pytest.mark.parametrize("angle_deg", [0, 50, 85, 93, 105, 180, 290])
def test_against_a_sum_over_the_sphere(altitude_m, beta_deg, angle_deg, attitude):
    beta, angle = math.radians(beta_deg), math.radians(angle_deg)
    table = FluxTable.build(altitude_m, attitude=attitude)
    assert np.allclose(table.lookup(beta, angle), integrated(altitude_m, beta, angle, attitude), atol=0.3)


@pytest.mark.parametrize("altitude_km, factor", [(550, 0.8475), (650, 0.8236), (1400, 0.6724)])
def test_a_face_away_from_the_sun_is_a_nadir_plate_at_noon_and_a_zenith_plate_at_midnight(altitude_km, factor):
    """View factor of a plate towards the Earth's centre: 1 / H^2; of one away from it: none."""
    table = FluxTable.build(altitude_km * 1000, infrared_w_m2=1.0, attitude="anti_sun")
    noon, terminator, midnight = table.lookup(0.0, np.radians([0.0, 90.0, 180.0]))[0]
    assert noon == pytest.approx((1 + altitude_km * 1000 / RADIUS_M) ** -2, abs=1e-9)
    assert noon == pytest.approx(factor, abs=6e-5)
    assert terminator == pytest.approx(edge_view_factor(altitude_km * 1000), abs=1e-6)
    assert midnight == 0.0


def test_heat_of_a_face_away_from_the_sun():
    """Emissivity .90, absorptivity .15, 550 km: 84 W/m2 on average and 232 at most at beta 0, 55 at beta 90."""
    table, angle = FluxTable.build(550e3, attitude="anti_sun"), np.radians(np.arange(360.0))
    absorbed = [
        0.90 * infrared + 0.15 * albedo for infrared, albedo in (table.lookup(b, angle) for b in (0, np.pi / 2))
    ]
    assert absorbed[0].mean() == pytest.approx(84.0, abs=1.0)
    assert absorbed[0].max() == pytest.approx(232.0, abs=1.0)
    assert absorbed[1] == pytest.approx(55.0, abs=1.0)


@pytest.mark.parametrize("altitude_km, factor", [(550, 0.2579), (650, 0.2407), (1400, 0.1566)])
def test_edge_on_view_factor(altitude_km, factor):
    assert edge_view_factor(altitude_km * 1000) == pytest.approx(factor, abs=6e-5)
    infrared, _ = FluxTable.build(altitude_km * 1000, infrared_w_m2=1.0).lookup(0.3, 1.0)
    assert infrared == pytest.approx(factor, abs=6e-5)


def test_terminator_gets_what_the_cosine_form_misses():
    _, albedo = FluxTable.build(550e3).lookup(0.0, np.radians([0, 90, 115, 180]))
    assert albedo[0] == pytest.approx(0.3 * 1361 * edge_view_factor(550e3), rel=0.06)
    assert 2 < albedo[1] < 6
    assert albedo[2] == 0 and albedo[3] == 0


@settings(max_examples=50, deadline=None)
@given(
    beta=st.floats(-math.pi / 2, math.pi / 2),
    angle=st.floats(-10, 10),
    scale=st.floats(0.1, 3),
    attitude=st.sampled_from(("knife_edge", "anti_sun")),
)
def test_symmetric_bounded_linear(beta, angle, scale, attitude):
    table = FluxTable.build(550e3, attitude=attitude)
    infrared, albedo = table.lookup(beta, angle)
    for b, a in ((-beta, angle), (beta, -angle), (beta, angle + 2 * math.pi)):
        assert np.allclose(table.lookup(b, a), (infrared, albedo), atol=1e-9)
    most = edge_view_factor(550e3) if attitude == "knife_edge" else (1 + 550e3 / RADIUS_M) ** -2
    assert 0 <= albedo <= 0.3 * 1361 * most and 0 <= infrared <= 237 * most * (1 + 1e-9)
    brighter = FluxTable.build(550e3, 237 * scale, solar_w_m2=1361 * scale, attitude=attitude)
    assert np.allclose(brighter.lookup(beta, angle), (infrared * scale, albedo * scale))


def test_lookup_broadcasts():
    infrared, albedo = FluxTable.build(550e3).lookup(np.zeros((1, 3)), np.zeros((5, 1)))
    assert infrared.shape == albedo.shape == (5, 3)


@pytest.mark.parametrize("field", ["altitude_m", "infrared_w_m2", "albedo", "solar_w_m2"])
def test_bad_input(field):
    with pytest.raises(OrbitError, match=f"{field} = -1"):
        FluxTable.build(**{"altitude_m": 550e3} | {field: -1.0})


def test_an_unknown_attitude_lists_the_known_ones():
    with pytest.raises(OrbitError, match="attitude = sideways: must be one of knife_edge, anti_sun"):
        FluxTable.build(550e3, attitude="sideways")

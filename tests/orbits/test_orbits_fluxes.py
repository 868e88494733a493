import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.errors import OrbitError
from odc_gym.orbits import FluxTable, edge_view_factor

RADIUS_M = 6378137.0


def integrated(altitude_m, beta, angle, points=500):
    """Infrared and albedo flux, mean of two faces [W/m2]: midpoint sum over the whole sphere, in the orbit's axes."""
    u = (np.arange(points) + 0.5) / points
    z, azimuth = np.meshgrid(2 * u - 1, 2 * np.pi * u, indexing="ij")
    ring = np.sqrt(1 - z**2)
    ground = np.stack((ring * np.cos(azimuth), ring * np.sin(azimuth), z), -1)
    area = 4 * np.pi * RADIUS_M**2 / points**2
    satellite = (RADIUS_M + altitude_m) * np.array([np.cos(angle), np.sin(angle), 0.0])
    sun = np.array([np.cos(beta), 0.0, np.sin(beta)])
    normal = np.cross(sun, satellite)
    if np.linalg.norm(normal) < 1e-6 * np.linalg.norm(satellite):
        normal = np.cross(satellite, [0.6, 0.0, 0.8])
    normal /= np.linalg.norm(normal)
    sight = RADIUS_M * ground - satellite
    distance = np.linalg.norm(sight, axis=-1)
    emission = -(ground * sight).sum(-1) / distance
    faces = 0.5 * np.abs(sight @ normal) / distance
    weight = np.maximum(emission, 0) * faces / (np.pi * distance**2) * area
    return 237.0 * weight.sum(), 0.3 * 1361.0 * (weight * np.maximum(ground @ sun, 0)).sum()


@pytest.mark.parametrize("altitude_m", [550e3, 650e3, 1400e3])
@pytest.mark.parametrize("beta_deg", [0, 35, 76, 90])
@pytest.mark.parametrize("angle_deg", [0, 50, 85, 93, 105, 180, 290])
def test_against_a_sum_over_the_sphere(altitude_m, beta_deg, angle_deg):
    beta, angle = math.radians(beta_deg), math.radians(angle_deg)
    table = FluxTable.build(altitude_m)
    assert np.allclose(table.lookup(beta, angle), integrated(altitude_m, beta, angle), atol=0.3)


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
@given(beta=st.floats(-math.pi / 2, math.pi / 2), angle=st.floats(-10, 10), scale=st.floats(0.1, 3))
def test_symmetric_bounded_linear(beta, angle, scale):
    table = FluxTable.build(550e3)
    infrared, albedo = table.lookup(beta, angle)
    for b, a in ((-beta, angle), (beta, -angle), (beta, angle + 2 * math.pi)):
        assert np.allclose(table.lookup(b, a), (infrared, albedo), atol=1e-9)
    assert 0 <= albedo <= 0.3 * 1361 * edge_view_factor(550e3)
    brighter = FluxTable.build(550e3, infrared_w_m2=237 * scale, solar_w_m2=1361 * scale)
    assert np.allclose(brighter.lookup(beta, angle), (infrared * scale, albedo * scale))


def test_lookup_broadcasts():
    infrared, albedo = FluxTable.build(550e3).lookup(np.zeros((1, 3)), np.zeros((5, 1)))
    assert infrared.shape == albedo.shape == (5, 3)


@pytest.mark.parametrize("field", ["altitude_m", "infrared_w_m2", "albedo", "solar_w_m2"])
def test_bad_input(field):
    with pytest.raises(OrbitError, match=f"{field} = -1"):
        FluxTable.build(**{"altitude_m": 550e3} | {field: -1.0})

"""Sunlight, infrared and albedo on arrays and radiators, against rays, closed forms and a table worked on paper."""

import numpy as np
from comparison import compares
from sky_of_a_plate import RADIUS_KM, faces, plate_factors

from odc_gym.orbits import FluxTable, edge_view_factor
from odc_gym.orbits.fluxes import Normal, face_factors
from odc_gym.orbits.solar_arrays import ArrayTable

CHAPTER = "Solar and Earth fluxes"
ALTITUDES_KM = (400, 550, 800, 1200, 2000)
ZENITH = np.radians(np.arange(0.0, 180.1, 7.5))  # between the table's points, every other one
INFRARED, ALBEDO, SUN = 237.0, 0.30, 1361.0


def on_faces(attitude):
    """Return infrared and albedo of the tables and of rays [W/m2], (2, altitudes, zenith angles) each."""
    ours, theirs = [], []
    for altitude in ALTITUDES_KM:
        ours.append(FluxTable.build(altitude * 1e3, attitude=attitude).lookup(0.0, ZENITH))
        by_rays = [np.mean(plate_factors(altitude, z, faces(attitude, z)), 1) for z in ZENITH]
        theirs.append(np.transpose(by_rays) * [[INFRARED], [ALBEDO * SUN]])
    return np.array(ours), np.array(theirs)


def rays_of(attitude, name):
    @compares(
        CHAPTER,
        f"Infrared and albedo on a radiator, {name}, 400-2000 km, all solar zenith angles",
        "W/m2",
        "38 400 rays over the plate's hemisphere to a diffuse sphere",
        0.1,
        mean_tolerance=0.02,
    )
    def test():
        return on_faces(attitude)

    return test


test_knife_edge = rays_of("knife_edge", "knife edge, mean of two faces")
test_anti_sun = rays_of("anti_sun", "facing away from the Sun")
test_nadir = rays_of("nadir", "facing nadir")
test_zenith = rays_of("zenith", "facing zenith")


@compares(
    CHAPTER,
    "Infrared and albedo on a knife edge that lags by 0-90 deg of roll, 550 km",
    "W/m2",
    "38 400 rays over the plate's hemisphere to a diffuse sphere",
    0.2,
    mean_tolerance=0.03,
)
def test_lagging_knife_edge():
    ours, theirs = [], []
    table = FluxTable.build(550e3, lags=True)
    for zenith in np.radians(np.arange(0.0, 180.0, 12.5)):
        sun, level = np.array([np.sin(zenith), 0.0, np.cos(zenith)]), np.array([0.0, 1.0, 0.0])
        for lag in np.radians([-80.0, -40.0, -4.0, 0.0, 20.0, 58.0, 90.0]):
            normal = np.cos(lag) * level + np.sin(lag) * np.cross(sun, level)
            ours.append(table.lookup(0.0, zenith, lag))
            factors = np.mean(plate_factors(550, zenith, np.array([normal, -normal])), 1)
            theirs.append(factors * [INFRARED, ALBEDO * SUN])
    return np.array(ours), np.array(theirs)


def tilted_view_factor(ratio, tilt):
    """Return the view factor of a sphere from a small plate whose normal is tilted from its centre's direction [rad].

    Howell, A Catalog of Radiation Heat Transfer Configuration Factors, planar element to sphere at any tilt.
    """
    full, root = np.arccos(1.0 / ratio), np.sqrt(ratio**2 - 1.0)
    if tilt <= full:
        return np.cos(tilt) / ratio**2
    if tilt >= np.pi - full:
        return 0.0
    seen = np.cos(tilt) * np.arccos(-root / np.tan(tilt)) - root * np.sqrt(1.0 - ratio**2 * np.cos(tilt) ** 2)
    return 0.5 - np.arcsin(root / (ratio * np.sin(tilt))) / np.pi + seen / (np.pi * ratio**2)


@compares(
    CHAPTER,
    "View factor of the Earth from a plate at tilts of 0-180 deg, 400-2000 km",
    "",
    "closed form for a planar element and a sphere, Howell's catalogue",
    1e-4,
    note="They include nadir, 1/H^2, and edge-on, (asin(1/H) - sqrt(H^2 - 1)/H^2)/pi.",
)
def test_view_factors():
    tilt = np.radians(np.arange(0.0, 181.0, 3.0))
    normal = Normal(-np.cos(tilt), np.sin(tilt), 0.0 * tilt)
    ours = [face_factors(altitude * 1e3, 0.0 * tilt, normal).infrared for altitude in ALTITUDES_KM]
    theirs = [[tilted_view_factor(1.0 + h / RADIUS_KM, t) for t in tilt] for h in ALTITUDES_KM]
    return np.array(ours), np.array(theirs)


@compares(
    CHAPTER,
    "View factors of nadir and edge-on plates, 550, 650 and 1400 km",
    "",
    "values calculated by hand",
    1e-4,
)
def test_view_factors_on_paper():
    ours = [
        (FluxTable.build(h, 1.0, attitude="nadir").infrared_w_m2[0, 0], edge_view_factor(h))
        for h in (550e3, 650e3, 1400e3)
    ]
    return np.array(ours), np.array([(0.8475, 0.2579), (0.8236, 0.2407), (0.6724, 0.1566)])


@compares(
    CHAPTER,
    "Infrared and albedo on both faces of arrays, five tracking laws, 550 km",
    "W/m2",
    "38 400 rays over the plate's hemisphere to a diffuse sphere",
    1.0,
    mean_tolerance=0.1,
    note="These fluxes only warm the array: 1 W/m2 is 0.1 K.",
)
def test_arrays():
    ours, theirs = [], []
    for law in ("two_axis", "one_axis", "zenith", "along_track", "cross_track"):
        table = ArrayTable.build(law, 550e3)
        for beta in np.radians([0.0, 25.0, 58.0, 88.0]):
            for angle in np.radians(np.arange(1.0, 360.0, 40.0)):
                sun, up = np.array([np.cos(beta), 0.0, np.sin(beta)]), np.array([np.cos(angle), np.sin(angle), 0.0])
                normal = {
                    "two_axis": sun,
                    "one_axis": np.array([1.0, 0.0, 0.0]),
                    "zenith": up,
                    "along_track": np.array([-np.sin(angle), np.cos(angle), 0.0]),
                    "cross_track": np.array([0.0, 0.0, 1.0]),
                }[law]
                side = np.cross(up, sun) / max(np.linalg.norm(np.cross(up, sun)), 1e-12)
                axes = np.array([np.cross(side, up), side, up])  # the Sun stands in the plane of the first and the last
                factors = plate_factors(
                    550, np.arccos(np.clip(sun @ up, -1, 1)), np.array([axes @ normal, -axes @ normal])
                )
                theirs.append(np.array(factors).T * [INFRARED, ALBEDO * SUN])
                ours.append(np.array(table.lookup(beta, angle)) * [INFRARED, ALBEDO * SUN])
    return np.array(ours), np.array(theirs)

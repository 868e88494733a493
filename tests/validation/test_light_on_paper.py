"""Light and environment of orbits against a table that was worked on paper before the code.

The table has a cylindrical shadow and an equatorial radius of 6378.137 km. Its rounding is the tolerance.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from comparison import compares, pictures
from core_rig import starter

from odc_gym.orbits import Constellation, build_ephemeris, eclipse_fraction, orbit_period_s
from odc_gym.scenario import Earth
from odc_gym.tables.fleet.design import design_numbers
from odc_gym.tables.fleet.plans import steps_of_one_orbit
from odc_gym.tables.fleet.surroundings import OrbitSteps, Surfaces, array_temperature_k, illuminate, incident_light

CHAPTER = "Solar and Earth fluxes"
ORACLE = "table calculated by hand: cylindrical shadow, R = 6378.137 km"
# altitude, period min, beta* deg, eclipse fraction at beta 0, 30, 45, 60, eclipse min at beta 0, inclination deg,
# least and largest beta of dawn-dusk orbits, days a year with eclipses, longest eclipse min, sunlit share of the year
TABLE = np.array([
    (500, 94.62, 68.0, 0.378, 0.358, 0.322, 0.231, 35.8, 97.40, 59.2, 87.0, 106, 22.7, 0.944),
    (550, 95.65, 67.0, 0.372, 0.351, 0.314, 0.215, 35.6, 97.59, 59.0, 87.0, 100, 21.7, 0.950),
    (600, 96.69, 66.1, 0.367, 0.345, 0.306, 0.199, 35.5, 97.79, 58.8, 86.9, 96, 20.7, 0.955),
    (650, 97.73, 65.2, 0.362, 0.339, 0.298, 0.183, 35.4, 97.99, 58.6, 86.9, 90, 19.7, 0.960),
    (700, 98.77, 64.3, 0.357, 0.333, 0.290, 0.166, 35.3, 98.19, 58.4, 86.9, 86, 18.8, 0.964),
    (800, 100.87, 62.7, 0.348, 0.322, 0.275, 0.130, 35.1, 98.60, 58.0, 86.8, 76, 16.9, 0.972),
    (1000, 105.12, 59.8, 0.332, 0.303, 0.248, 0.0, 34.9, 99.48, 57.1, 86.8, 58, 13.0, 0.985),
    (1200, 109.42, 57.3, 0.318, 0.286, 0.223, 0.0, 34.8, 100.42, 56.1, 86.7, 38, 8.7, 0.994),
    (1400, 113.78, 55.1, 0.306, 0.270, 0.200, 0.0, 34.8, 101.43, 55.1, 86.6, 0, 0.0, 1.0),
    (2000, 127.20, 49.6, 0.275, 0.231, 0.131, 0.0, 35.0, 104.89, 51.7, 86.6, 0, 0.0, 1.0),
])  # fmt: skip
ALTITUDES_M = TABLE[:, 0] * 1e3


@lru_cache(maxsize=1)
def dawn_dusk():
    """Return unsigned beta of 18 h orbits on every day of 2027 at the table's altitudes [deg], (365, 10)."""
    fleet = [Constellation.sun_synchronous(altitude_km=h, local_time_h=18.0, total=1, planes=1) for h in TABLE[:, 0]]
    group = sum(fleet[1:], fleet[0])
    days = [datetime(2027, 1, 1, 12, tzinfo=UTC) + timedelta(days=k) for k in range(365)]
    return np.degrees(np.abs([build_ephemeris(group, start=day, step_s=60.0, steps=1).beta_rad[0] for day in days]))


def eclipses():
    """Return the eclipse fraction of those orbits on those days, (365, 10)."""
    return np.array(
        [eclipse_fraction(h, np.radians(beta)) for h, beta in zip(ALTITUDES_M, dawn_dusk().T, strict=True)]
    ).T


@compares(CHAPTER, "Orbital period, 500-2000 km", "min", ORACLE, 0.006)
def test_period():
    return np.array([orbit_period_s(h) for h in ALTITUDES_M]) / 60.0, TABLE[:, 1]


@compares(CHAPTER, "Beta angle above which there is no eclipse, 500-2000 km", "deg", ORACLE, 0.06)
def test_beta_without_eclipse():
    beta = np.linspace(0.0, 90.0, 90001)
    return np.array([beta[eclipse_fraction(h, np.radians(beta)) == 0.0][0] for h in ALTITUDES_M]), TABLE[:, 2]


@compares(CHAPTER, "Eclipse fraction at beta 0, 30, 45 and 60, 500-2000 km", "", ORACLE, 6e-4)
def test_eclipse_fraction():
    return np.array([eclipse_fraction(h, np.radians([0.0, 30.0, 45.0, 60.0])) for h in ALTITUDES_M]), TABLE[:, 3:7]


@compares(CHAPTER, "Eclipse duration at beta 0, 500-2000 km", "min", ORACLE, 0.06)
def test_eclipse_minutes():
    return np.array([float(eclipse_fraction(h, 0.0)) * orbit_period_s(h) / 60.0 for h in ALTITUDES_M]), TABLE[:, 7]


@compares(CHAPTER, "Inclination of sun-synchronous orbits, 500-2000 km", "deg", ORACLE, 0.01)
def test_inclination():
    shells = [Constellation.sun_synchronous(altitude_km=h, local_time_h=18.0, total=1, planes=1) for h in TABLE[:, 0]]
    return np.degrees([float(np.ravel(s.groups[0].inclination_rad)[0]) for s in shells]), TABLE[:, 8]


@compares(CHAPTER, "Least and largest beta of dawn-dusk orbits in one year, 500-2000 km", "deg", ORACLE, 0.1)
def test_beta_of_dawn_dusk():
    return np.stack([dawn_dusk().min(0), dawn_dusk().max(0)], 1), TABLE[:, 9:11]


@compares(
    CHAPTER,
    "Days per year with eclipses, dawn-dusk orbits, 500-2000 km",
    "d",
    ORACLE,
    1.0,
    note="Each day is evaluated at noon UTC.",
)
def test_eclipse_days():
    return (eclipses() > 0.0).sum(0), TABLE[:, 11]


@compares(CHAPTER, "Longest eclipse of dawn-dusk orbits, 500-2000 km", "min", ORACLE, 0.1)
def test_longest_eclipse():
    return eclipses().max(0) * [orbit_period_s(h) / 60.0 for h in ALTITUDES_M], TABLE[:, 12]


@compares(CHAPTER, "Sunlit share of the year on dawn-dusk orbits, 500-2000 km", "", ORACLE, 6e-4)
def test_annual_sun():
    return 1.0 - eclipses().mean(0), TABLE[:, 13]


@compares(
    CHAPTER, "Least and largest sunlight over the year", "W/m2", "1361 W/m2 over r^2, r = 1 -+ 0.0167 (by hand)", 1.0
)
def test_sunlight_of_the_year():
    fleet = Constellation.sun_synchronous(altitude_km=600.0, local_time_h=18.0, total=1, planes=1)
    days = [datetime(2027, 1, 1, tzinfo=UTC) + timedelta(days=k) for k in range(0, 365, 2)]
    flux = [build_ephemeris(fleet, start=day, step_s=60.0, steps=1).solar_flux_w_m2[0] for day in days]
    return np.array([min(flux), max(flux)]), np.array([1316.0, 1407.0])


def face(mode, altitude_km, beta_deg, **fields):
    """Return heat on a face around an orbit [W/m2], emissivity 0.90, absorptivity 0.15, without the array's back."""
    values = {"mode": mode, "faces": 2 if mode == "knife_edge" else 1, "eps": 0.90, "alpha": 0.15} | fields
    hardware = starter(hot_back__view_factor=0.0, **{f"radiator__{name}": value for name, value in values.items()})
    surfaces = Surfaces.of(hardware, altitude_km * 1e3, Earth())
    steps = steps_of_one_orbit(altitude_km * 1e3, np.ones(1), np.radians([beta_deg]))
    return illuminate(design_numbers(hardware), surfaces, steps).absorbed_w_m2[:, 0]


@compares(
    CHAPTER,
    "Heat absorbed by knife-edge, anti-Sun and zenith faces, mean and peak, beta 0 and 90, 550 and 650 km",
    "W/m2",
    "hand calculation with numerical integration over the cap",
    0.6,
)
def test_absorbed():
    ours = []
    for mode, altitude, beta in (
        ("knife_edge", 550, 0.0),
        ("knife_edge", 650, 0.0),
        ("anti_sun", 550, 0.0),
        ("zenith", 550, 0.0),
    ):
        heat = face(mode, altitude, beta)
        ours += [heat.mean(), heat.max()]
    ours += [
        face(mode, altitude, 90.0).mean()
        for mode, altitude in (("knife_edge", 550), ("knife_edge", 650), ("anti_sun", 550))
    ]
    return np.array(ours), np.array([60.0, 71.0, 56.0, 66.0, 84.0, 232.0, 65.0, 204.0, 55.6, 52.0, 55.0])


def perpendicular_view_factor(depth, height, width):
    """Return the view factor of perpendicular rectangles with a common edge, depth x width to height x width.

    Howell, A Catalog of Radiation Heat Transfer Configuration Factors, two rectangles with a common edge at 90 deg.
    """
    h, w = height / width, depth / width
    a = (1 + w**2) * (1 + h**2) / (1 + w**2 + h**2)
    b = (w**2 * (1 + w**2 + h**2) / ((1 + w**2) * (w**2 + h**2))) ** (w**2)
    c = (h**2 * (1 + h**2 + w**2) / ((1 + h**2) * (h**2 + w**2))) ** (h**2)
    tangents = w * np.arctan(1 / w) + h * np.arctan(1 / h) - np.hypot(h, w) * np.arctan(1 / np.hypot(h, w))
    return (tangents + 0.25 * np.log(a * b * c)) / (np.pi * w)


@compares(
    CHAPTER,
    "Heat that a radiator absorbs from the back of the array, plates at right angles, view factors 0.03-0.33",
    "W/m2",
    "radiosity of two grey plates, closed-form view factors (Howell's catalogue)",
    0.5,
    mean_tolerance=0.1,
    note="We leave out radiation that is reflected twice: 0.1 % at a view factor of 0.33.",
)
def test_hot_back():
    ours, theirs = [], []
    for depth in (0.25, 0.5, 1.0, 2.0, 6.0):  # of the radiator, its width and the array's height are 1 and 0.5
        factor = perpendicular_view_factor(depth, 0.5, 1.0)
        back = factor * depth / 0.5
        for kelvin in (200.0, 340.0):
            hardware = starter(
                hot_back__view_factor=float(factor), hot_back__sunlit_k=kelvin, hot_back__eclipse_k=kelvin
            )
            none = hardware.model_copy(update={"hot_back": hardware.hot_back.model_copy(update={"view_factor": 0.0})})
            steps = steps_of_one_orbit(550e3, np.ones(1), np.zeros(1))
            with_back, without = (
                illuminate(design_numbers(h), Surfaces.of(h, 550e3, Earth()), steps).absorbed_w_m2[0, 0]
                for h in (hardware, none)
            )
            ours.append(with_back - without)
            # of the cold radiator J1 = 0.12 F12 J2, of the back J2 = 0.82 sigma T^4 + 0.18 F21 J1
            emitted = 0.82 * 5.670374419e-8 * kelvin**4
            radiosity = emitted / (1.0 - 0.18 * back * 0.12 * factor)
            theirs.append(0.88 * factor * radiosity)
    return np.array(ours), np.array(theirs)


@compares(
    CHAPTER,
    "Heat from the back of an array at 340 K, view factors 0.05 and 0.10",
    "W/m2",
    "values calculated by hand",
    0.5,
)
def test_hot_back_on_paper():
    heat = {}
    for factor in (0.0, 0.05, 0.10):
        hardware = starter(hot_back__view_factor=factor, hot_back__sunlit_k=340.0, hot_back__eclipse_k=200.0)
        steps = steps_of_one_orbit(550e3, np.ones(1), np.zeros(1))
        surfaces = Surfaces.of(hardware, 550e3, Earth())
        heat[factor] = illuminate(design_numbers(hardware), surfaces, steps).absorbed_w_m2[0, 0]
    return np.array([heat[0.05] - heat[0.0], heat[0.10] - heat[0.0]]), np.array([27.3, 54.7])


@pictures(
    CHAPTER,
    "surroundings",
    "One orbit at 550 km, beta 20 degrees. Heat absorbed by radiators of four attitudes (emissivity "
    "0.90, absorptivity 0.15), and temperature and output of a silicon array (-0.4 % per kelvin, 3 "
    "kJ/(m2 K)) through the eclipse.",
)
def draw():
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    steps = steps_of_one_orbit(550e3, np.ones(1), np.radians([20.0]))
    minutes = np.arange(steps.sunlit_frac.size) * steps.step_s / 60.0
    for mode in ("knife_edge", "anti_sun", "nadir", "zenith"):
        left.plot(minutes, face(mode, 550, 20.0), label=mode.replace("_", " "))
    left.set(
        xlabel="time from orbit noon [min]", ylabel="absorbed by a face [W/m2]", title="Radiators of four attitudes"
    )
    left.legend()
    hardware = starter(hot_back__view_factor=0.0)
    d, surfaces = design_numbers(hardware), Surfaces.of(hardware, 550e3, Earth())
    pass_ = OrbitSteps(*steps)
    kelvin = array_temperature_k(d, surfaces, pass_, incident_light(surfaces.array_law, pass_))[:, 0]
    output = (illuminate(d, surfaces, pass_).irradiance_frac * pass_.sunlit_frac)[:, 0]
    right.plot(minutes, kelvin - 273.15, color="C1")
    right.set(xlabel="time from orbit noon [min]", title="A solar array through the eclipse")
    right.set_ylabel("array temperature [°C]", color="C1")
    other = right.twinx()
    other.plot(minutes, output, color="C0")
    other.set_ylabel("output over nameplate", color="C0")
    other.spines["right"].set_visible(True)
    other.grid(visible=False)
    return figure

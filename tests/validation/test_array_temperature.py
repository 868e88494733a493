"""Temperature and output of arrays through eclipses, against an adaptive implicit integrator that knows no steps."""

from functools import lru_cache

import numpy as np
from comparison import compares
from core_rig import starter
from scipy.integrate import solve_ivp
from sky_of_a_plate import plate_factors

from odc_gym.scenario import Earth
from odc_gym.tables.fleet.design import design_numbers
from odc_gym.tables.fleet.surroundings import OrbitSteps, Surfaces, array_temperature_k, illuminate, incident_light

CHAPTER = "Solar and Earth fluxes"
SIGMA = 5.670374419e-8
PERIOD_S = 5739.0  # of the test's circular orbit, 550 km
EDGE = np.sqrt(1.0 - (6378.137 / 6928.137) ** 2)  # of the cylindrical shadow, over the orbit's radius
STEP_S, PARTS = 60.0, 60
SILICON = {"temperature_coefficient_per_k": -0.004, "operating_c": 40.0, "heat_capacity_j_m2_k": 1500.0}
RIGID = {
    "temperature_coefficient_per_k": -0.0022, "operating_c": 60.0, "heat_capacity_j_m2_k": 6000.0, "w_per_m2": 336.0,
    "alpha": 0.88, "eps": 0.80, "back_alpha": 0.3,
}  # fmt: skip
FIXED = {"tracking": "body_fixed", "normal": "zenith"}
CASES = [(0.0, SILICON), (63.0, SILICON), (50.0, RIGID), (20.0, SILICON | FIXED)]


def hardware_of(solar):
    return starter(
        **{f"solar__{name}": value for name, value in ({"tracking": "two_axis", "normal": None} | solar).items()},
        hot_back__sunlit_k=None,
        hot_back__eclipse_k=None,
    )


def flown(beta_deg):
    """Return steps of two orbits from orbit noon, and the sunlit share of each step by counting its seconds."""
    steps = int(2 * PERIOD_S / STEP_S)
    turn = 2.0 * np.pi * STEP_S / PERIOD_S
    angle = (np.arange(steps) + 0.5)[:, None] * turn
    seconds = (np.arange(steps)[:, None] + (np.arange(PARTS) + 0.5) / PARTS) * turn
    lit = (np.cos(np.radians(beta_deg)) * np.cos(seconds) > -EDGE).mean(1)[:, None]
    shape = angle.shape
    beta = np.full(shape, np.radians(beta_deg))
    return OrbitSteps(np.ones(shape), lit, beta, angle, np.full(shape, turn), STEP_S)


@lru_cache(maxsize=1)
def solutions():
    """Return temperatures and relative outputs of ours and Radau's for each case, mean of steps."""
    return [(ours(*case), radau(*case)) for case in CASES]


def ours(beta_deg, solar):
    hardware, steps = hardware_of(solar), flown(beta_deg)
    d, surfaces = design_numbers(hardware), Surfaces.of(hardware, 550e3, Earth())
    brought = illuminate(d, surfaces, steps).irradiance_frac * steps.sunlit_frac
    return array_temperature_k(d, surfaces, steps, incident_light(surfaces.array_law, steps))[:, 0], brought[:, 0]


def radau(beta_deg, solar):
    """Integrate one node to 1e-7, with the Sun switched at the shadow's edge and fluxes of the Earth by rays."""
    s = hardware_of(solar).solar
    beta = np.radians(beta_deg)
    error = np.cos(np.radians(s.pointing_error_deg))
    at = np.radians(np.arange(0.0, 361.0, 4.0))
    earth = np.array([_earth(s, beta, angle) for angle in at])
    rate = 2.0 * np.pi / PERIOD_S

    def parts(angle):
        up = np.cos(beta) * np.cos(angle)
        cosine = up if s.tracking == "body_fixed" else 1.0
        response = max(cosine, 0.0) * (
            np.interp(np.degrees(np.arccos(cosine)), [60, 80, 85], [1, 0.100 / 0.17365, 0.0])
        )
        sun = error * (s.alpha * max(cosine, 0.0) + s.back_alpha * max(-cosine, 0.0)) * 1361.0
        return float(up > -EDGE), sun, response * error

    def output(angle, kelvin):
        lit, _, response = parts(angle)
        return lit * response * (1.0 + s.temperature_coefficient_per_k * (kelvin - 273.15 - s.operating_c))

    def slope(t, kelvin):
        angle = rate * t % (2.0 * np.pi)
        lit, sun, _ = parts(angle)
        heat = lit * sun + np.interp(angle, at, earth) - 0.90 * s.w_per_m2 * output(angle, kelvin[0])
        return [(heat - (s.eps + 0.82) * SIGMA * kelvin[0] ** 4) / s.heat_capacity_j_m2_k]

    edge = np.arccos(np.clip(-EDGE / np.cos(beta), -1.0, 1.0)) / rate
    ends = sorted({n * PERIOD_S + sign * edge for n in range(-3, 3) for sign in (-1.0, 1.0)})
    ends = [t for t in ends if -PERIOD_S < t < 2 * PERIOD_S]
    kelvin, begin, grid, values = 300.0, -PERIOD_S, [], []
    for end in [*ends, 2 * PERIOD_S]:
        run = solve_ivp(slope, (begin, end), [kelvin], "Radau", rtol=1e-7, atol=1e-6, max_step=240.0, dense_output=True)
        inside = np.arange(np.ceil(begin + 0.5), end) - 0.0
        grid.append(inside), values.append(run.sol(inside)[0])
        kelvin, begin = run.y[0, -1], end
    grid, values = np.concatenate(grid), np.concatenate(values)
    seconds = (np.arange(int(2 * PERIOD_S / STEP_S) * PARTS) + 0.5) * (STEP_S / PARTS)
    each = np.interp(seconds, grid, values)
    given = np.array([output(rate * t, k) for t, k in zip(seconds, each, strict=True)])
    return each.reshape(-1, PARTS).mean(1), given.reshape(-1, PARTS).mean(1)


def _earth(s, beta, angle):
    """Return the infrared and reflected light that both faces absorb [W/m2]."""
    zenith = np.arccos(np.cos(beta) * np.cos(angle))
    sun = np.array([np.sin(zenith), 0.0, np.cos(zenith)])
    front = np.array([0.0, 0.0, 1.0]) if s.tracking == "body_fixed" else sun
    infrared, albedo = plate_factors(550, zenith, np.array([front, -front]))
    return 237.0 * (infrared @ [s.eps, 0.82]) + 0.30 * 1361.0 * (albedo @ [s.alpha, s.back_alpha])


@compares(
    CHAPTER,
    "Array temperature through eclipses, step means, silicon and triple-junction cells, beta 0-63 deg",
    "K",
    "Sun switched at the shadow's edge, Earth fluxes by rays, Radau, SciPy",
    4.0,
    mean_tolerance=0.2,
    package="scipy",
    note="The largest differences are in steps with a sunrise or sunset, as we spread the shadow's edge over "
    "the step. Other steps differ by 0.5 K.",
)
def test_temperature():
    found = solutions()
    return np.concatenate([a[0] for a, _ in found]), np.concatenate([b[0] for _, b in found])


@compares(
    CHAPTER,
    "Array output over nameplate, with its dependence on temperature, step means",
    "",
    "Sun switched at the shadow's edge, Earth fluxes by rays, Radau, SciPy",
    0.015,
    mean_tolerance=2e-4,
    package="scipy",
)
def test_output():
    found = solutions()
    return np.concatenate([a[1] for a, _ in found]), np.concatenate([b[1] for _, b in found])


@compares(
    CHAPTER,
    "Array energy of one orbit, with its dependence on temperature",
    "",
    "Sun switched at the shadow's edge, Earth fluxes by rays, Radau, SciPy",
    5e-4,
    package="scipy",
    relative=True,
)
def test_energy():
    found = solutions()
    return np.array([a[1].mean() for a, _ in found]), np.array([b[1].mean() for _, b in found])

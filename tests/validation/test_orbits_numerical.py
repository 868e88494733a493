"""The closed form against numerical orbits about an oblate Earth (SciPy's DOP853, J2 only), over a day and a week."""

from functools import cache

import numpy as np
from comparison import compares, pictures
from orbit_oracles import DAY_S, j2_acceleration, osculating
from scipy.integrate import solve_ivp

from odc_gym.orbits.mean_orbit import MeanShell, propagate

CHAPTER = "Orbits and light"
ORACLE = "DOP853 with J2, SciPy"
ALTITUDES_KM, INCLINATIONS_DEG = (400, 550, 800, 1200, 2000), (0, 20, 40, 53, 63.4, 75, 90, 98, 100)
NODE_DEG = 30.0
# a quarter turn apart: opposite signs of the short-period terms
CASES = [(h, i, NODE_DEG, u) for h in ALTITUDES_KM for i in INCLINATIONS_DEG for u in (0.0, 90.0)]
TIMES_S = np.arange(0, 7 * DAY_S + 1, 600.0)
DAY = int(DAY_S / 600)


@cache
def numerical():
    """Return positions and velocities (6, cases, T)."""
    start = np.array([osculating(*case) for case in CASES]).T
    orbit = solve_ivp(
        j2_acceleration, (0, TIMES_S[-1]), start.ravel(), method="DOP853", rtol=1e-9, atol=1e-3, t_eval=TIMES_S
    )
    return orbit.y.reshape(6, len(CASES), -1)


@cache
def closed():
    """Return positions and normals (6, cases, T)."""
    tables = []
    for altitude_km, *angles in CASES:
        inclination, node, argument = np.radians(angles)
        motion = propagate(MeanShell(1000.0 * altitude_km, inclination, (node,), (argument,)), TIMES_S, 0.0)
        tables.append([axis[:, 0] for axis in (*motion.position_m, *(axis[:, motion.plane] for axis in motion.normal))])
    return np.array(tables).swapaxes(0, 1)


@cache
def error_km():
    """Return the (cases, T) distance of the closed form from the numerical orbit."""
    return np.linalg.norm(closed()[:3] - numerical()[:3], axis=0) / 1000


@compares(
    CHAPTER,
    "J2 closed form: distance from the numerical orbit within one day, 400 to 2000 km, 0 to 100 deg",
    "km",
    ORACLE,
    20.0,
    package="scipy",
    note="The start is converted from mean to osculating elements. Without J2, the orbit is 400 to 900 km off.",
)
def test_a_day_of_j2():
    return error_km()[:, : DAY + 1], 0.0


@compares(
    CHAPTER, "J2 closed form: distance from the numerical orbit within seven days", "km", ORACLE, 130.0, package="scipy"
)
def test_a_week_of_j2():
    return error_km(), 0.0


def slopes(normal):
    """Return the drift of the node in deg/day, least squares over the week; orbits with a node only."""
    tilted = [k for k, case in enumerate(CASES) if case[1] > 0]
    node = np.degrees(np.unwrap(np.arctan2(normal[0], -normal[1]), axis=1))[tilted]
    return np.polyfit(TIMES_S / DAY_S, node.T, 1)[0]


@compares(CHAPTER, "Drift of the ascending node, 20 to 100 deg", "deg/day", ORACLE, 0.02, package="scipy")
def test_node_drift():
    orbit = numerical()
    return slopes(closed()[3:]), slopes(np.cross(orbit[:3], orbit[3:], axis=0))


@pictures(
    CHAPTER,
    "orbit-week",
    "Distance between the closed form and a numerical orbit with J2 over one week, at 550 km, from the "
    "same mean elements.",
)
def draw_week():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for k, (altitude_km, inclination_deg, _, argument_deg) in enumerate(CASES):
        if altitude_km == 550 and argument_deg == 0 and inclination_deg in (0, 20, 40, 53, 98):
            axes.plot(TIMES_S / DAY_S, error_km()[k], linewidth=0.8, label=f"{inclination_deg}°")
    axes.set(xlabel="time [days]", ylabel="distance [km]", xlim=(0, 7), ylim=(0, None))
    axes.set_title("Closed form and numerical orbit: distance over a week at 550 km")
    axes.legend(title="inclination", ncols=5)
    return figure

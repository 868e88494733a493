"""The closed form against a numerical orbit about an oblate Earth (SciPy's DOP853, J2 only), over a day."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from odc_gym.orbits import Constellation, build_ephemeris

START = datetime(2026, 6, 21, tzinfo=UTC)
MU, RADIUS_M, J2 = 3.986004418e14, 6378137.0, 1.08262668e-3
DAY_S = 86400


def acceleration(_, state):
    x, y, z = state[:3]
    r2 = x * x + y * y + z * z
    factor = 1.5 * J2 * MU * RADIUS_M**2 / r2**2.5
    five = 5 * z * z / r2
    pull = -MU / r2**1.5
    return [
        *state[3:],
        pull * x + factor * x * (five - 1),
        pull * y + factor * y * (five - 1),
        pull * z + factor * z * (five - 3),
    ]


def osculating(a, i, node, u):
    """State of a circular mean orbit with Brouwer's first-order short-period terms (as in Hoots and Roehrich 1980)."""
    g1 = 0.5 * J2 * RADIUS_M**2 / a
    g2 = g1 / a
    c, s2u, c2u = math.cos(i), math.sin(2 * u), math.cos(2 * u)
    n = math.sqrt(MU / a**3)
    radius = a * (1 - 1.5 * g2 * (3 * c * c - 1)) + 0.5 * g1 * (1 - c * c) * c2u
    argument = u - 0.25 * g2 * (7 * c * c - 1) * s2u
    node = node + 1.5 * g2 * c * s2u
    inclination = i + 1.5 * g2 * c * math.sin(i) * c2u
    outward = -n * g1 * (1 - c * c) * s2u
    onward = n * a + n * g1 * ((1 - c * c) * c2u + 1.5 * (3 * c * c - 1))
    cn, sn, ci, si = math.cos(node), math.sin(node), math.cos(inclination), math.sin(inclination)
    ca, sa = math.cos(argument), math.sin(argument)
    up = np.array([cn * ca - sn * sa * ci, sn * ca + cn * sa * ci, sa * si])
    ahead = np.array([-cn * sa - sn * ca * ci, -sn * sa + cn * ca * ci, ca * si])
    return np.concatenate([radius * up, outward * up + onward * ahead])


@pytest.mark.parametrize("altitude_km, inclination_deg, drift_deg", [(550, 53.0, -4.49), (650, 97.986, 0.9856)])
def test_a_day_of_j2(altitude_km, inclination_deg, drift_deg):
    c = Constellation.walker(altitude_km=altitude_km, inclination_deg=inclination_deg, total=4, planes=1, raan_deg=30)
    e = build_ephemeris(c, start=START, step_s=60.0, steps=1441)
    times = np.arange(1441) * 60.0
    for s in range(2):  # a quarter turn apart: opposite signs of the short-period terms
        start = osculating(
            RADIUS_M + altitude_km * 1000, math.radians(inclination_deg), math.radians(30), s * math.pi / 2
        )
        orbit = solve_ivp(acceleration, (0, DAY_S), start, method="DOP853", rtol=1e-10, atol=1e-3, t_eval=times)
        ours = np.stack(e._xyz, axis=-1)[:, s]
        error_m = np.linalg.norm(ours - orbit.y[:3].T, axis=1)
        assert (
            error_m.max() < 15e3
        )  # 2 s of flight; two-body motion is 400 to 900 km off, J2 of the wrong sign twice that

        normal = np.cross(orbit.y[:3].T, orbit.y[3:].T)
        node = np.degrees(np.unwrap(np.arctan2(normal[:, 0], -normal[:, 1])))
        numerical = np.polyfit(times / DAY_S, node, 1)[0]
        closed = np.degrees(np.unwrap(np.arctan2(e._motion.normal[0][1:-2, s], -e._motion.normal[1][1:-2, s])))
        assert closed[-1] - closed[0] == pytest.approx(drift_deg, abs=0.005)
        assert numerical == pytest.approx(drift_deg, abs=0.02)

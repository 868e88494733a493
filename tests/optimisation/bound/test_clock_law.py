"""The polygon outside the law of power and work contains every point of the law."""

import numpy as np
import pytest
from scipy.optimize import linprog

from odc_gym.optimisation.bound.battery import touching_lines
from odc_gym.optimisation.bound.clock_law import outer_vertices, upper_hull
from odc_gym.physics.compute import dynamic_frac, speed_frac


def most_work(vertices, power):
    """Return the most work of a mix of vertices, for one accelerator and a power."""
    found = linprog(-vertices[:, 1], A_ub=[vertices[:, 0], np.ones(len(vertices))], b_ub=[power, 1.0], method="highs")
    return -found.fun


@pytest.mark.parametrize("kappa", [0.0, 0.2, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("law", [(0.11, 0.7, 0.55), (0.3, 0.4, 0.3), (0.0, 0.9, 0.8)])
@pytest.mark.parametrize("x_min", [0.15, 0.3, 0.9])
def test_the_polygon_contains_the_law(kappa, law, x_min):
    """Catches vertices on the curve, whose chords would cut it off."""
    clocks = np.linspace(x_min, 1.0, 2001)
    power = 0.1 + np.array([dynamic_frac(x, *law) for x in clocks])
    work = np.array([speed_frac(x, kappa) for x in clocks])
    vertices = outer_vertices(power, work)
    for x in np.random.default_rng(0).uniform(x_min, 1.0, 100):
        duty = 0.7
        needed = duty * (0.1 + dynamic_frac(x, *law))
        assert most_work(vertices, needed) >= duty * speed_frac(x, kappa)
    gated, idle = np.append(0.0, power), np.append(0.0, work)
    hull = upper_hull(gated, idle)
    for p in np.linspace(power[0], power[-1], 25):  # and it is hardly above the hull of the law and of gated chips
        assert most_work(vertices, p) <= 1.03 * np.interp(p, gated[hull], idle[hull])


def test_tangents_lie_above_a_concave_function():
    """Catches lengths that cross at the wrong places."""
    points = np.array([[0.0, 0.2, 0.5, 1.0]])
    lines = touching_lines(points, 1.0 - 2.0 * 0.3 * points)
    assert lines.length.sum() == pytest.approx(1.0)
    for x in np.linspace(0.0, 1.0, 41):
        taken = np.diff(np.minimum(np.cumsum(lines.length[0]), x), prepend=0.0)
        assert (taken * lines.slope[0]).sum() >= x - 0.3 * x * x - 1e-12

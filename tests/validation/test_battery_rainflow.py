"""The streaming count of battery cycles beside the `rainflow` package (ASTM E1049-85), at every prefix of a history."""

import numpy as np
import pytest
import rainflow
from comparison import compares

from odc_gym.physics.ageing import TURNING_POINTS, charge_stress, count_cycles, depth_stress_table

TABLE = depth_stress_table()


def damage(history):
    """Damage of a history by the package's cycles."""
    stress = lambda depth: 1.0 / (1.40e5 * depth**-0.501 - 1.23e5) if depth > 0 else 0.0  # noqa: E731
    return sum(n * stress(depth) * charge_stress(mean) for depth, mean, n, _, _ in rainflow.extract_cycles(history))


def stream(history, depth=TURNING_POINTS, table=TABLE):
    """Damage after each point (N,), and the residual turning points of the end."""
    points, swings = np.zeros(depth + 1), np.zeros(depth + 1)
    points[0], points[-1] = history[0], 1.0
    counted = [0.0] + [count_cycles(points, swings, c, table) for c in history[1:]]
    return np.array(counted), points[: int(points[-1])].copy()


def wander(rng, n):
    """A history of charge with swings of all sizes."""
    x = np.cumsum(rng.normal(0.0, 1.0, n) * rng.choice([0.02, 0.1, 0.3], n))
    return 0.5 + 0.49 * np.sin(x)


@compares(
    "Battery",
    "ranges x counts of the example of ASTM E1049-85",
    "",
    "rainflow",
    1e-6,
    relative=True,
    package="rainflow",
)
def test_the_example_of_the_standard():
    """-2, 1, -3, 5, -1, 3, -4, 4, -2: ranges 3, 4, 6, 8, 9 count 0.5, 1.5, 0.5, 1, 0.5 (ASTM E1049-85, 5.4.4)."""
    history = (np.array([-2.0, 1, -3, 5, -1, 3, -4, 4, -2]) + 4.0) / 10.0
    assert dict(rainflow.count_cycles(list(history), ndigits=6)) == {0.3: 0.5, 0.4: 1.5, 0.6: 0.5, 0.8: 1.0, 0.9: 0.5}
    assert stream(history)[0][-1] == pytest.approx(damage(history), rel=2e-5)
    # a table that is a count: damage at depth d is d, so the ranges and counts alone are tested, with charge stress
    expected = sum(n * depth * charge_stress(mean) for depth, mean, n, _, _ in rainflow.extract_cycles(history))
    linear = np.linspace(0.0, 1.0, len(TABLE)) ** 2  # nodes are equal steps of the root of depth
    return stream(history, table=linear)[0][-1], expected


@compares(
    "Battery", "cycle damage of 12 random histories of 70 points, at every prefix", "", "rainflow", 3e-5,
    relative=True, package="rainflow", note="open half cycles count half, at once; damage by depth after Xu 2018",
)  # fmt: skip
def test_equals_rainflow_at_every_prefix():
    """Half cycles that are open count half, at once: catches a count that waits for cycles to close."""
    ours, theirs = [], []
    for seed in range(12):
        history = wander(np.random.default_rng(seed), 70)
        counted, _ = stream(history, depth=40)  # room enough that nothing is counted early
        assert (np.diff(counted) >= -1e-18).all()
        ours.append(counted[2:])
        theirs.append([damage(history[: k + 1]) for k in range(2, len(history))])  # the package wants three points
    return ours, theirs


def test_orbits_of_equal_depth_count_one_cycle_each():
    orbit = np.r_[np.linspace(0.9, 0.6, 36), np.linspace(0.605, 0.9, 60)]
    counted, left = stream(np.tile(orbit, 15))
    assert counted[-1] == pytest.approx(15 * 2 * 0.5 * 7.524e-6 * charge_stress(0.75), rel=1e-3)
    assert len(left) <= 3


def test_overflow_counts_the_oldest_swing_as_half_and_stays_close():
    """More nested swings than there is room for: the oldest is counted as half a cycle for good.

    While it is open that is exactly what rainflow counts; later the count may exceed it by the half cycles that went
    early, and never falls short of it.
    """
    swing = np.linspace(0.45, 0.01, 40)
    history = 0.5 + swing * np.where(np.arange(40) % 2, 1.0, -1.0)
    nested, left = stream(history)
    assert len(left) == TURNING_POINTS
    assert nested[-1] == pytest.approx(damage(history), rel=3e-5)
    back = np.r_[history, history[::-1]]
    counted, _ = stream(back)
    early = damage(history)  # all half cycles of the way in
    expected = damage(back)
    assert expected * (1 - 1e-4) <= counted[-1] <= expected + early

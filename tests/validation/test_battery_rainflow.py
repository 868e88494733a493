"""The streaming count of battery cycles beside the `rainflow` package (ASTM E1049-85), at every prefix of a history."""

import numpy as np
import pytest
import rainflow
from comparison import compares, pictures
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.physics.ageing import (
    LAWS,
    TURNING_POINTS,
    capacity_left,
    charge_stress,
    count_cycles,
    cycle_damage,
    depth_damage_tables,
    half_cycle,
    temperature_stress,
)

TABLES = dict(zip(LAWS, depth_damage_tables(), strict=True))
TABLE = TABLES["xu2018"]
SLOPE = LAWS["xu2018"].charge


def damage(history, law="xu2018"):
    """Return the damage of a history by the package's cycles."""
    slope = LAWS[law].charge
    return sum(
        n * float(cycle_damage(law, np.array(depth))) * charge_stress(mean, slope)
        for depth, mean, n, _, _ in rainflow.extract_cycles(history)
        if depth > 0.0
    )


def stream(history, room=TURNING_POINTS, table=TABLE, slope=SLOPE):
    """Return the damage after each point (N,), and the residual turning points at the end."""
    points, swings = np.zeros(room + 1), np.zeros(room + 1)
    points[0], points[-1] = history[0], 1.0
    counted = [0.0] + [count_cycles(points, swings, c, table, slope) for c in history[1:]]
    return np.array(counted), points[: int(points[-1])].copy()


def wander(rng, n):
    """Return a history of charge with swings of all sizes."""
    x = np.cumsum(rng.normal(0.0, 1.0, n) * rng.choice([0.02, 0.1, 0.3], n))
    return 0.5 + 0.49 * np.sin(x)


def orbits(rng, count):
    """Return the charge over orbits of random depth by the minute, with governor ripples and rests at full charge."""
    parts = []
    for depth in rng.uniform(0.02, 0.6, count):
        swing = np.r_[np.linspace(1.0, 1.0 - depth, 36), np.linspace(1.0 - depth, 1.0, rng.integers(20, 55))]
        parts += [np.clip(swing + rng.normal(0.0, 2e-4, len(swing)), 0.0, 1.0), np.ones(rng.integers(0, 12))]
    return np.concatenate(parts)


@compares(
    "Battery",
    "Sum of ranges times counts for the example of the standard",
    "",
    "ASTM E1049-85, 5.4.4",
    1e-6,
    relative=True,
)
def test_the_example_of_the_standard():
    """-2, 1, -3, 5, -1, 3, -4, 4, -2: ranges 3, 4, 6, 8, 9 count 0.5, 1.5, 0.5, 1, 0.5."""
    history = (np.array([-2.0, 1, -3, 5, -1, 3, -4, 4, -2]) + 4.0) / 10.0
    assert dict(rainflow.count_cycles(list(history), ndigits=6)) == {0.3: 0.5, 0.4: 1.5, 0.6: 0.5, 0.8: 1.0, 0.9: 0.5}
    assert stream(history)[0][-1] == pytest.approx(damage(history), rel=2e-5)
    # a table that is a count: damage at depth d is d, so the ranges and counts alone are tested
    linear = np.linspace(0.0, 1.0, len(TABLE)) ** 2  # nodes are equal steps of the root of depth
    counted, _ = stream(history, table=linear, slope=0.0)
    return counted[-1], 0.5 * 0.3 + 1.5 * 0.4 + 0.5 * 0.6 + 1.0 * 0.8 + 0.5 * 0.9


@compares(
    "Battery", "Cycle damage of 12 random histories of 70 points, after every point", "", "rainflow", 1e-5,
    relative=True, package="rainflow", note="Open half cycles count half, at once. Damage by depth follows Xu 2018.",
)  # fmt: skip
def test_equals_rainflow_at_every_prefix():
    """Half cycles that are open count half, at once: catches a count that waits for cycles to close."""
    ours, theirs = [], []
    for seed in range(12):
        history = wander(np.random.default_rng(seed), 70)
        counted, left = stream(history)
        assert (np.diff(counted) >= -1e-18).all() and len(left) < TURNING_POINTS  # nothing was counted early
        ours += counted[2:].tolist()  # the package wants three points
        theirs += [damage(history[: k + 1]) for k in range(2, len(history))]
    return ours, theirs


@compares(
    "Battery", "Cycle damage of 1 000 orbits of random depth, with ripples and rests at full charge", "", "rainflow",
    1e-5, relative=True, package="rainflow", note="There are 20 histories of 50 orbits, sampled every minute.",
)  # fmt: skip
def test_equals_rainflow_over_a_thousand_orbits():
    """Catches a rest or a ripple that ends a swing, and residue that is dropped when a deeper orbit comes."""
    histories = [orbits(np.random.default_rng(seed), 50) for seed in range(20)]
    return [stream(h)[0][-1] for h in histories], [damage(h) for h in histories]


levels = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 3)), min_size=3, max_size=60)


@given(levels, st.sampled_from([1e-12, 1e-6, 1.0]))
def test_plateaus_ties_and_ripples_count_as_in_the_package(path, size):
    """Few levels, each held for one to three steps, from swings of the whole charge to ripples of 1e-14 of it.

    Damage is the root of depth here, which the table holds exactly. Catches a tie that stays open, a plateau taken
    for a turning point, and a difference of ripples that underflows.
    """
    history = np.repeat([0.4 + 0.04 * size * level for level, _ in path], [times for _, times in path])
    counted, _ = stream(history, room=80, table=np.linspace(0.0, 1.0, len(TABLE)), slope=0.0)
    cycles = sum(n * np.sqrt(depth) for depth, _, n, _, _ in rainflow.extract_cycles(history))
    assert counted[-1] == pytest.approx(cycles, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("law", LAWS)
@given(levels)
def test_both_laws_count_as_in_the_package(law, path):
    history = np.repeat([0.4 + 0.04 * level for level, _ in path], [times for _, times in path])
    counted, _ = stream(history, room=80, table=TABLES[law], slope=LAWS[law].charge)
    assert counted[-1] == pytest.approx(damage(history, law), rel=1e-3, abs=1e-15)


def test_orbits_of_equal_depth_count_one_cycle_each():
    orbit = np.r_[np.linspace(0.9, 0.6, 36), np.linspace(0.605, 0.9, 60)]
    counted, left = stream(np.tile(orbit, 15))
    assert counted[-1] == pytest.approx(15 * 2 * 0.5 * 7.524e-6 * charge_stress(0.75, SLOPE), rel=1e-3)
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


@pictures(
    "Battery",
    "ageing",
    "Left: cycle damage over one week of orbits of random depth. Line: this environment; dots: rainflow. "
    "Right: capacity left over years of orbits from full charge at 20 °C, by depth, by xu2018 (lines) "
    "and saft (dashed).",
)
def ageing():
    """Draw the stream beside the package, and what both laws make of years of equal orbits."""
    from figure_style import OURS, legend
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10.0, 3.6), layout="constrained")
    history = orbits(np.random.default_rng(1), 130)
    counted, _ = stream(history)
    places = np.linspace(100, len(history) - 1, 25).astype(int)
    left.plot(np.arange(len(history)) / 1440.0, counted, label="odc-gym")
    left.plot(places / 1440.0, [damage(history[: k + 1]) for k in places], ".", label="rainflow package")
    left.set(xlabel="time [days]", ylabel="cycle damage at 25 °C", ylim=(0.0, None))
    left.set_title("Counting of cycles over a week")
    left.legend()
    years = np.linspace(0.0, 10.0, 101)
    for k, depth in enumerate((0.1, 0.2, 0.3, 0.4)):
        for name, style in (("xu2018", "-"), ("saft", "--")):
            law = LAWS[name]
            cycle = 2.0 * half_cycle(1.0, 1.0 - depth, TABLES[name], law.charge)
            rest = law.calendar_per_s * 5740.0 * charge_stress(1.0 - 0.5 * depth, law.charge)
            orbit = (cycle + rest) * temperature_stress(293.15, law.temperature)
            capacity = [
                capacity_left(t * 365.25 * 86400.0 / 5740.0 * orbit, law.film_frac, law.linear_frac) for t in years
            ]
            label = f"{100 * depth:.0f} %" if name == "xu2018" else None
            right.plot(years, capacity, style, color=f"C{k}", label=label)
    right.axhline(0.8, color="0.5", linewidth=0.8)
    right.text(9.9, 0.805, "end of life", color="0.4", fontsize=8.5, ha="right", va="bottom")
    right.set(xlabel="time [years]", ylabel="capacity left [share of nominal]", ylim=(0.4, 1.0))
    right.set_title("Capacity by depth of discharge and law")
    legend(
        right,
        {"xu2018": OURS, "saft": {"linestyle": "--"}},
        title="depth, law",
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )
    return figure

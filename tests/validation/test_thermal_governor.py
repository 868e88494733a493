"""The governor on a thousand satellites of random size that can carry their idle chips."""

import numpy as np
import pytest
from core_rig import Rig, random_hardware

DESIGNS = 1000
OVERSHOOT_K = 0.7


@pytest.fixture(scope="module")
def fleet():
    rng = np.random.default_rng(7)
    return Rig([random_hardware(rng) for _ in range(DESIGNS)])


@pytest.fixture(scope="module")
def full_load(fleet):
    """Run at full clock for 20 hours from 320 K: histories of the last two hours, and the largest junction."""
    rig = fleet.copy()
    count, throttle = rig.of("accelerators").copy(), rig.of("throttle_k")
    over, clocks = [], []
    for _ in range(1200):
        rig.step(busy=count)
        over.append((rig["junction_k"] - throttle).max())
        clocks.append(rig["clock_cap"] * rig["duty"])
    return rig, np.array(over), np.array(clocks[-120:])


def test_steady_junction_is_at_the_limit(full_load):
    """Catches a governor that leaves a margin, or one whose gain forgets leakage or conversion loss."""
    rig, over, clocks = full_load
    limited = clocks[-1] < 1.0
    assert DESIGNS / 4 < limited.sum() < DESIGNS * 3 / 4  # both kinds are among them
    gap = rig["junction_k"] - rig.of("throttle_k")
    assert np.abs(gap[limited]).max() <= 1e-3
    assert (gap[~limited] < 0.0).all()
    assert over.max() <= OVERSHOOT_K
    assert rig["trips"].sum() == 0


def test_clock_does_not_swing(full_load):
    """Catches a limit cycle: only the last bisection may flicker."""
    _, _, clocks = full_load
    assert np.ptp(clocks, axis=0).max() <= 3e-5


def test_load_steps_and_changing_sinks_overshoot_little(fleet):
    """Work comes and goes every 15 minutes, the sink jumps: catches a governor that looks at the step's start."""
    rig = fleet.copy()
    count, throttle = rig.of("accelerators").copy(), rig.of("throttle_k")
    worst = -np.inf
    for k in range(600):
        rig.step(busy=count * ((k // 15) % 2), absorbed_w_m2=40.0 + 50.0 * ((k // 7) % 2))
        worst = max(worst, (rig["junction_k"] - throttle).max())
    assert -0.1 < worst <= OVERSHOOT_K
    assert rig["trips"].sum() == 0


def test_a_trip_never_latches():
    """Radiators that cannot carry idle chips, in a warm sink, from 390 K: no trip outlasts 15 minutes but by heat."""
    rng = np.random.default_rng(8)
    rig = Rig([random_hardware(rng, (0.1, 0.5)) for _ in range(64)])
    rig.at((390.0, 380.0, 370.0))
    count, run, longest = rig.of("accelerators").copy(), np.zeros(64), 0.0
    for _ in range(900):
        rig.step(busy=count, absorbed_w_m2=90.0)
        run = (run + 1) * rig["tripped"]
        longest = max(longest, (run * (rig["junction_k"] <= rig.of("trip_k"))).max())
    assert (rig["trips"] > 1).any()
    assert 1 <= longest <= 15
    assert np.isfinite(rig.state).all()


def test_power_is_what_electricity_allows(fleet):
    """At the charge floor in any light: catches a cap that takes the high end of its bisection, or a wrong duty."""
    rig = fleet.copy()
    rng = np.random.default_rng(3)
    count = rig.of("accelerators").copy()
    need = (rig.of("bus_w") + rig.of("host_w") + count * rig.of("gated_each_w")) / rig.of("eta_pcdu")
    duties = []
    for _ in range(50):
        rig["charge_frac"], rig["shed"], rig["off"] = rig.of("floor_frac"), 0.0, 0.0
        rig.step(busy=count, sunlit=rng.uniform(np.minimum(1.2 * need / rig.of("array_peak_w"), 0.5), 0.6))
        allowed = rig["allowed_w"]
        assert (rig["power_w"] <= allowed * (1.0 + 1e-12)).all()
        assert (rig["power_w"] >= 0.999 * np.minimum(allowed, rig.of("host_w"))).all()
        capped = rig["clock_cap"] * rig["duty"] < 1.0
        assert rig["power_w"][capped] == pytest.approx(allowed[capped], rel=1e-4)
        duties.append(rig["duty"])
    assert 0.0 < np.min(duties) < 0.9  # chips were gated for part of a step
    assert (rig["unserved_j"] == 0.0).all()

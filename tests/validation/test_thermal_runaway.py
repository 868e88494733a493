"""Satellites whose leakage outgrows their radiator: the leakage gain predicts it, and governor and trip limit it."""

import functools

import numpy as np
from comparison import compares
from core_rig import Rig, random_hardware
from paper_satellite import QUOTED_K, Paper
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from odc_gym.scenario_check.design_report import leakage_gain

SATELLITES, SINK_W_M2, HOURS = 48, 60.0, 60.0


@functools.cache
def fleet():
    """Return satellites of random size with 5 to 40 % of leakage, doubled every 15 to 40 K."""
    rng = np.random.default_rng(23)
    found = []
    for _ in range(SATELLITES):
        h = random_hardware(rng)
        leakage = {"leak": rng.uniform(0.05, 0.4), "double_k": rng.uniform(15.0, 40.0)}
        found.append(h.model_copy(update={"thermal": h.thermal.model_copy(update=leakage)}))
    return found


def at_the_limit(hardware):
    """Return power and nodes of an equilibrium with the junction at the throttle limit [W], [K]."""
    paper, bus = Paper.of(hardware), hardware.power.bus_w
    junction = hardware.thermal.throttle_c + 273.15
    a, b = paper.running
    share = 1.0 + paper.leak * (2.0 ** ((junction - QUOTED_K) / paper.double_k) - 1.0)

    def nodes(power):
        plate, into = junction - paper.above_plate * power, power * share
        return plate, plate - into / a, plate - into / a - into / b

    def excess(power):
        heat = (power * share + bus) / paper.efficiency + paper.panel_m2 * SINK_W_M2
        return heat - paper.radiation * nodes(power)[2] ** 4

    power = brentq(excess, 0.0, 3.0 * hardware.accelerators.peak_w)
    return power, nodes(power)


def runs_away(hardware):
    """Return whether a satellite at that power, 0.1 K above that equilibrium, warms by 5 K more instead of cooling."""
    paper, (power, nodes) = Paper.of(hardware), at_the_limit(hardware)

    def rates(_, t):
        return paper.rates(t, True, power, hardware.power.bus_w, 0.0, paper.panel_m2 * SINK_W_M2)

    def gone(_, t):
        return abs(t[0] - nodes[0] - 2.5) - 2.49  # within 0.01 K, or beyond 5 K

    gone.terminal = True
    start = np.array(nodes) + 0.1
    end = solve_ivp(rates, (0.0, 3600.0 * HOURS), start, "Radau", rtol=1e-8, atol=1e-8, events=gone).y[0, -1]
    return float(end > start[0])


@compares(
    "Heat", "Thermal runaway of random satellites: 1 if the leakage gain at the throttle limit exceeds 1", "",
    "independent satellite model at constant power, Radau, SciPy", 0.0, package="scipy",
    note="The independent model gives 1 if the satellite warms without end from 0.1 K above the limit. The "
    "leakage is 5 to 40 % and doubles every 15 to 40 K.",
)  # fmt: skip
def test_the_leakage_gain_tells_which_satellites_run_away():
    """Catches a gain that forgets the loop, the junction or the conversion of leakage."""
    gains = np.array([leakage_gain(h, h.thermal.throttle_c + 273.15, at_the_limit(h)[0]) for h in fleet()])
    told = np.abs(gains - 1.0) > 0.01  # closer to 1 a satellite does neither within days
    assert 8 < (gains > 1.0).sum() < told.sum() - 8
    return gains[told] > 1.0, [runs_away(h) for h, clear in zip(fleet(), told, strict=True) if clear]


def unstable():
    return [h for h in fleet() if leakage_gain(h, h.thermal.throttle_c + 273.15, at_the_limit(h)[0]) > 1.0]


def test_the_governor_holds_what_runs_away():
    """Full load for 30 hours: the junction ends at or below the limit, without trips and without a swing."""
    rig = Rig(unstable())
    count, clocks, over = rig.of("accelerators").copy(), [], []
    for _ in range(1800):
        rig.step(busy=count, absorbed_w_m2=SINK_W_M2)
        over.append(rig["junction_k"] - rig.of("throttle_k"))
        clocks.append(rig["clock_cap"] * rig["duty"])
    limited = clocks[-1] < 1.0
    assert limited.sum() > 5
    assert np.max(over) <= 1.0 and np.abs(over[-1][limited]).max() < 0.01
    assert np.ptp(clocks[-120:], axis=0).max() < 1e-4
    assert rig["trips"].sum() == 0


def test_a_trip_ends_a_runaway():
    """From 10 K above the trip: compute is off, and the satellite comes back and stays at the limit."""
    rig = Rig(unstable())
    rig.at((385.0, 380.0, 375.0))
    count = rig.of("accelerators").copy()
    rig.step(busy=count, absorbed_w_m2=SINK_W_M2)
    assert (rig["tripped"] == 1.0).all()
    rig.step(busy=count, absorbed_w_m2=SINK_W_M2, steps=600)
    assert (rig["junction_k"] < rig.of("throttle_k") + 1.0).all() and (rig["tripped"] == 0.0).all()

"""Equilibria of satellites of random size against closed forms of heat that is put in and radiated: 0.01 K."""

import numpy as np
from comparison import compares
from core_rig import Rig, random_hardware
from paper_satellite import Paper
from scipy.optimize import brentq

from odc_gym.scenario.hardware import ColdSide

SATELLITES = 64
STEPS = 4000
ORACLE = "Stefan-Boltzmann law and conductances, leakage by root finding, SciPy"


def balance(paper, conductances, power_w, bus_w, loop_w, other_w):
    """Return plate, loop and radiator in equilibrium [K]; heater and bypass put `loop_w` into the loop."""
    a, b = conductances

    def nodes(leak_w):
        into = power_w + leak_w
        radiated = (into + bus_w) / paper.efficiency + other_w
        radiator = (radiated / paper.radiation) ** 0.25
        loop = radiator + (into + loop_w) / b
        return loop + into / a, loop, radiator

    def missing(leak_w):
        return paper.leakage_w(power_w, nodes(leak_w)[0]) - leak_w

    # the first root is the stable one; beyond the second, leakage feeds itself
    above = next(w for w in np.linspace(-0.2, 1.0, 121) * power_w if missing(w) <= 0.0)
    return nodes(brentq(missing, above - 0.01 * power_w, above, xtol=1e-12, rtol=1e-14))


def settled(rig, papers, conductances, sink_w_m2):
    """Return the nodes as simulated and by the closed form, (S, 3) each [K]."""
    other = np.array([p.panel_m2 for p in papers]) * sink_w_m2 - rig["battery_heater_w"]
    heat = zip(rig["power_w"], rig["bus_served_w"], rig["heater_w"] + rig["bypassed_w"], other, strict=True)
    theirs = [balance(p, g, *w) for p, g, w in zip(papers, conductances, heat, strict=True)]
    return np.stack([rig["plate_k"], rig["loop_k"], rig["radiator_k"]], -1), np.array(theirs)


def fleet(**changes):
    """Return satellites of random size, radiators that can carry full power or not, and sinks of 20 to 110 W/m2."""
    rng = np.random.default_rng(17)
    hardware = [random_hardware(rng) for _ in range(SATELLITES)]
    hardware = [h.model_copy(update={"thermal": h.thermal.model_copy(update=changes)}) for h in hardware]
    return Rig(hardware), [Paper.of(h) for h in hardware], rng.uniform(20.0, 110.0, SATELLITES).astype(np.float32)


@compares(
    "Heat", "Node temperatures of 64 random satellites in equilibrium, loop running", "K", ORACLE, 0.01, package="scipy"
)
def test_equilibrium_with_the_loop_running():
    """Catches a wrong emissivity, face, fin, conversion loss, conductance, or leakage."""
    rig, papers, sink = fleet()
    rig["charge_frac"] = 1.0
    rig.step(busy=rig.of("accelerators").copy(), absorbed_w_m2=sink, steps=STEPS)
    assert (rig["loop_on"] == 1.0).all() and (rig["power_w"] > 0.3 * rig.of("host_w")).all()
    return settled(rig, papers, [p.running for p in papers], sink)


@compares(
    "Heat",
    "Node temperatures of random satellites in equilibrium, compute shed, loop stopped",
    "K",
    ORACLE,
    0.01,
    package="scipy",
)
def test_equilibrium_with_the_loop_standing():
    rig, papers, sink = fleet(loop_on_w=1e9, loop_on_c=90.0, cold=ColdSide(bypass_share=0.0))
    rig.at((260.0, 255.0, 250.0))
    rig["loop_on"] = 0.0
    for _ in range(STEPS // 4):
        rig["shed"], rig["off"], rig["charge_frac"] = 1.0, 1.0, 0.25
        rig.step(busy=0.0, absorbed_w_m2=sink, sunlit=0.0, steps=4)
    standing = rig["loop_on"] == 0.0
    assert standing.sum() > SATELLITES - 4
    ours, theirs = settled(rig, papers, [p.standing for p in papers], sink)
    return ours[standing], theirs[standing]

"""The thermal recipe beside SciPy's Radau at a relative tolerance of 1e-9 on the same powers: 0.1 K on each node."""

import numpy as np
import pytest
from core_rig import DT_S, FULL_W, Rig, starter
from scipy.integrate import solve_ivp

NODES = ("plate_k", "loop_k", "radiator_k")
TOLERANCE_K = 0.1


def radau(rig, before, after, absorbed_w_m2):
    """The nodes after one step [K], integrated with the powers that the recipe settled on, leakage by 2^x."""
    d = {name: rig.of(name)[0] for name in rig.fields}
    loop_on, loss_w = before["loop_on"], before["battery_loss_w"]
    g12, g23 = (d["g12_on"], d["g23_on"]) if loop_on else (d["g12_off"], d["g23_off"])
    power, bus = after["power_w"], after["bus_served_w"]
    outside = d["absorb_m2"] * absorbed_w_m2 + loss_w + bus / d["eta_pcdu"] + power * d["loss"]

    def rates(_, t):
        leak = power * d["leak"] * (2.0 ** ((t[0] + d["r_junction"] * power - 333.15) * d["inverse_double_k"]) - 1.0)
        a, b = g12 * (t[0] - t[1]), g23 * (t[1] - t[2])
        radiated = d["radiation"] * t[2] ** 4
        flows = (power + leak - a, a - b, outside + d["loss"] * leak + b - radiated)
        return [flows[0] * d["ic1"], flows[1] * d["ic2"], flows[2] * d["ic3"]]

    return solve_ivp(rates, (0.0, DT_S), before["nodes"], "Radau", rtol=1e-9, atol=1e-9).y[:, -1]


def errors(hardware, start, schedule, charge=0.9):
    """Largest error of each node over a schedule [K], the range of temperatures, and the switches of the loop."""
    rig = Rig([hardware])
    rig.at(start)
    rig["charge_frac"] = charge
    rig["loop_on"] = float(start[0] > 283.15)
    exact = np.array(start)
    worst, seen, switches = np.zeros(3), [exact], 0
    for how in schedule:
        before = {"nodes": exact, "loop_on": rig["loop_on"][0], "battery_loss_w": rig["battery_loss_w"][0]}
        rig.step(**how)
        after = {name: rig[name][0] for name in ("power_w", "bus_served_w")}
        exact = radau(rig, before, after, np.float32(how["absorbed_w_m2"]))
        worst = np.maximum(worst, np.abs([rig[name][0] - t for name, t in zip(NODES, exact, strict=True)]))
        switches += rig["loop_on"][0] != before["loop_on"]
        seen.append(exact)
    return worst, np.min(seen), np.max(seen), switches


def step(power_w=FULL_W, sunlit=1.0, absorbed_w_m2=60.0, busy=8.0):
    return {"power_w": power_w, "sunlit": sunlit, "absorbed_w_m2": absorbed_w_m2, "busy": busy}


LOADS = [step() if (k // 15) % 2 == 0 else step(power_w=0.0, busy=0.0) for k in range(120)]
ECLIPSES = [step() if (k % 96) < 60 else step(sunlit=0.0, absorbed_w_m2=48.0, power_w=3000.0) for k in range(192)]
COLD_START = [step(absorbed_w_m2=40.0) for _ in range(60)]
ON_AND_OFF = [step(sunlit=0.0, absorbed_w_m2=30.0, busy=0.0)] * 100 + [step()] * 40


def test_load_steps_every_15_minutes():
    """Catches an integrator of first order: implicit Euler errs by 2.8 K here."""
    worst, low, high, _ = errors(starter(), (330.0, 322.0, 318.0), LOADS)
    assert (worst <= TOLERANCE_K).all(), worst
    assert high > 345.0 and low < 318.0


def test_eclipses():
    worst, _, _, _ = errors(starter(), (335.0, 327.0, 322.0), ECLIPSES)
    assert (worst <= TOLERANCE_K).all(), worst


@pytest.mark.parametrize("start", [(250.0, 250.0, 200.0), (200.0, 200.0, 200.0)])
def test_cold_starts_from_200_k(start):
    """Radiator far from the temperature of the frozen linear part: catches a linearisation without its remainder."""
    worst, low, high, switches = errors(starter(), start, COLD_START)
    assert (worst <= TOLERANCE_K).all(), worst
    assert low == 200.0 and high > 330.0 and switches >= 1


def test_off_in_the_dark_and_on_again():
    """Shed, cooled and restarted with the loop standing: catches a stiff node that rings."""
    worst, low, _, switches = errors(starter(), (320.0, 315.0, 312.0), ON_AND_OFF, charge=0.2)
    assert (worst <= TOLERANCE_K).all(), worst
    assert low < 260.0 and switches >= 1


def test_hot_down_to_the_throttle_limit():
    """From 370 K on every node, with a radiator that cannot keep up."""
    small = starter(radiator__area_m2=4.0)
    worst, _, high, _ = errors(small, (370.0, 370.0, 370.0), [step(absorbed_w_m2=90.0) for _ in range(60)])
    assert (worst <= TOLERANCE_K).all(), worst
    assert high >= 370.0

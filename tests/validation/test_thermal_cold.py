"""The cold side beside a paper satellite whose thermostat and valve act at once, integrated by SciPy's Radau.

Here a thermostat holds a temperature within a step, and what it does is decided once a step: where it begins or ends
to act the loop may be some tenths of a kelvin off. What goes wrong if the valve is late is 5 to 25 K.
"""

import functools

import numpy as np
from comparison import compares, pictures
from core_rig import DT_S, FULL_W, Rig
from paper_satellite import Paper
from scipy.integrate import solve_ivp

from odc_gym.scenario import Scenario
from odc_gym.scenario.hardware import ColdSide

ORACLE = "independent satellite model with steep thermostats, Radau, SciPy"
SINK_W_M2 = np.float32(45.0)


def satellites(share):
    """Return threebody12, starter12 and ai1-shells with a bypass share, and heaters of 4 % of their power."""
    kinds = [("threebody12", "edge"), ("starter12", "odcsat"), ("ai1-shells", "dawn-dusk-600")]
    found = []
    for name, kind in kinds:
        h = Scenario.load(name).hardware[kind]
        cold = ColdSide(bypass_share=share, heater_w=0.04 * h.accelerators.peak_w)
        found.append(h.model_copy(update={"thermal": h.thermal.model_copy(update={"cold": cold})}))
    return found


def paper_step(paper, nodes, on, power_w, bus_w, heater_beside_w):
    """Return the nodes after a step with thermostats that act continuously; the battery's heater warms the battery."""

    def rates(_, t):
        heater, bypassed = paper.kept_w(t, on)
        other = paper.panel_m2 * SINK_W_M2 - heater - bypassed - heater_beside_w
        return paper.rates(t, on, power_w, bus_w + heater + heater_beside_w, heater + bypassed, other)

    return solve_ivp(rates, (0.0, DT_S), nodes, "Radau", rtol=1e-8, atol=1e-8).y[:, -1]


@functools.cache
def flown(share):
    """Return nodes over half an hour of work, four of dark standby, half an hour of work, (steps, S, 3) each [K]."""
    hardware = satellites(share)
    rig, papers = Rig(hardware), [Paper.of(h) for h in hardware]
    rig.at((310.0, 305.0, 300.0))
    exact = np.tile((310.0, 305.0, 300.0), (len(hardware), 1))
    rig["loop_on"] = 1.0
    count, ours, theirs = rig.of("accelerators").copy(), [], []
    for k in range(300):
        dark = 30 <= k < 270
        rig["charge_frac"] = 0.25 if dark else 0.6
        if dark:
            rig["shed"], rig["off"] = 1.0, 1.0
        on = rig["loop_on"].copy()
        rig.step(power_w=FULL_W, sunlit=1.0 - dark, absorbed_w_m2=SINK_W_M2, busy=count)
        bus = rig["bus_served_w"] - rig["heater_w"] - rig["battery_heater_w"]
        powers = zip(rig["power_w"], bus, rig["battery_heater_w"], strict=True)
        exact = np.array(
            [paper_step(p, t, o, *map(float, w)) for p, t, o, w in zip(papers, exact, on, powers, strict=True)]
        )
        ours.append(np.stack([rig["plate_k"], rig["loop_k"], rig["radiator_k"]], -1))
        theirs.append(exact)
    return np.array(ours), np.array(theirs)


cold = functools.partial(compares, "Heat", unit="K", oracle=ORACLE, package="scipy")


@cold(
    "Node temperatures of three satellites, 4 h of standby in the dark and a restart, bypass of 99.8 %",
    tolerance=0.7,
    mean_tolerance=0.15,
    note="We set valve and thermostat once a step, so the values are off where these start or stop.",
)
def test_the_bypass_keeps_a_loop_warm():
    """Catches a valve that closes late: the loop is then 5 to 25 K too cold for hours."""
    ours, theirs = flown(0.998)
    assert ours[30:270, 1, 1].min() < 288.1 < ours[200, 0, 1] + 0.1  # the set-point is held by one, not by another
    return ours, theirs


@cold("The same with a bypass of 90 %, where heaters hold the loop temperature", tolerance=2.0, mean_tolerance=0.15)
def test_the_heater_keeps_a_loop_whose_bypass_falls_short():
    ours, theirs = flown(0.9)
    assert abs(ours[269, 1, 1] - 273.15) < 0.05  # starter12 is held by its heater
    return ours, theirs


@pictures("Heat", "cold", "Loops kept warm in the dark by a bypass of 99.8 %. Lines: this environment; dots: Radau.")
def kept_warm():
    from figure_style import ORACLE, OURS, legend
    from matplotlib import pyplot

    ours, theirs = flown(0.998)
    figure, axes = pyplot.subplots(figsize=(7.0, 3.4), layout="constrained")
    for s, name in enumerate(("threebody12", "starter12", "ai1-shells")):
        (line,) = axes.plot(ours[:, s, 1], label=name)
        axes.plot(np.arange(0, len(theirs), 10), theirs[::10, s, 1], ".", color=line.get_color())
    axes.set(xlabel="time [min]", ylabel="loop temperature [K]", title="Loops kept warm in the dark")
    legend(axes, {"odc-gym": OURS, "Radau": ORACLE}, loc="upper center")
    return figure

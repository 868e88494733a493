"""The thermal recipe beside SciPy's Radau at a relative tolerance of 1e-9 on the same powers: 0.1 K on each node."""

import functools

import numpy as np
from comparison import compares, pictures
from core_rig import DT_S, FULL_W, Rig, random_hardware, starter
from paper_satellite import Paper
from scipy.integrate import solve_ivp

from odc_gym.scenario import Scenario
from odc_gym.scenario.hardware import ColdSide

NODES = ("plate_k", "loop_k", "radiator_k")
TOLERANCE_K = 0.1
SOLVER = "independent satellite model, Radau at 1e-9, SciPy"
heat = functools.partial(compares, "Heat", unit="K", oracle=SOLVER, tolerance=TOLERANCE_K, package="scipy")


def radau(paper, nodes, *heat):
    """Return the nodes of a satellite after one step of constant powers [K]."""
    solved = solve_ivp(lambda _, t: paper.rates(t, *heat), (0.0, DT_S), nodes, "Radau", rtol=1e-9, atol=1e-9)
    return solved.y[:, -1]


def flown(hardware, start, schedule, charge=0.9):
    """Return nodes by the recipe and by Radau over a schedule, (steps, S, 3) each [K], and the switches of the loop."""
    rig, papers = Rig(hardware), [Paper.of(h) for h in hardware]
    rig.at(start)
    rig["charge_frac"] = charge
    rig["loop_on"] = float(start[0] > 283.15)
    exact = np.tile(start, (rig.satellites, 1))
    ours, theirs, switches = [], [], 0
    for how in schedule:
        on = rig["loop_on"].copy()
        rig.step(**how)
        loop = rig["heater_w"] + rig["bypassed_w"]
        other = np.array([p.panel_m2 for p in papers]) * np.float32(how["absorbed_w_m2"])
        other -= loop + rig["battery_heater_w"]  # not in the radiator
        heat = zip(on, rig["power_w"], rig["bus_served_w"], loop, other, strict=True)
        exact = np.array([radau(*one, *map(float, w)) for *one, w in zip(papers, exact, heat, strict=True)])
        ours.append(np.stack([rig[name] for name in NODES], -1))
        theirs.append(exact)
        switches += (rig["loop_on"] != on).sum()
    return np.array(ours), np.array(theirs), switches


def step(power_w=FULL_W, sunlit=1.0, absorbed_w_m2=60.0, busy=8.0):
    return {"power_w": power_w, "sunlit": sunlit, "absorbed_w_m2": absorbed_w_m2, "busy": busy}


def loads(steps=120, busy=8.0):
    return [step(busy=busy) if (k // 15) % 2 == 0 else step(power_w=0.0, busy=0.0) for k in range(steps)]


def a_day(busy):
    """Return a schedule: load steps, an eclipse with shed and cooled satellite, a cold start, and more load steps."""
    dark = [step(sunlit=0.0, absorbed_w_m2=40.0, busy=busy) for _ in range(60)]
    return [*loads(30, busy), *dark, *loads(45, busy)]


@heat("Node temperatures of starter12, 8 kW and idle in turn every 15 min", note="Implicit Euler errs by 2.8 K here.")
def test_load_steps_every_15_minutes():
    """Catches an integrator of first order."""
    ours, theirs, _ = flown([starter()], (330.0, 322.0, 318.0), loads())
    assert ours.max() > 345.0 and ours.min() < 318.0
    return ours, theirs


@heat("Node temperatures of starter12, two orbits with eclipses")
def test_eclipses():
    dark = step(sunlit=0.0, absorbed_w_m2=48.0, power_w=3000.0)
    ours, theirs, _ = flown([starter()], (335.0, 327.0, 322.0), [step() if k % 96 < 60 else dark for k in range(192)])
    return ours, theirs


@heat("Node temperatures of starter12, started from 200 K and from 250 K", note="The loop starts during the run.")
def test_cold_starts_from_200_k():
    """Radiator far from the temperature of the frozen linear part: catches a linearisation without its remainder."""
    schedule = [step(absorbed_w_m2=40.0) for _ in range(60)]
    flights = [flown([starter()], start, schedule) for start in ((250.0, 250.0, 200.0), (200.0, 200.0, 200.0))]
    assert all(ours.max() > 330.0 and switches >= 1 for ours, _, switches in flights)
    return [ours for ours, _, _ in flights], [theirs for _, theirs, _ in flights]


@heat("Node temperatures of starter12, compute shed in the dark and restarted", note="The loop stops and starts.")
def test_off_in_the_dark_and_on_again():
    """Shed, cooled and restarted with the loop standing: catches a stiff node that rings."""
    schedule = [step(sunlit=0.0, absorbed_w_m2=30.0, busy=0.0)] * 100 + [step()] * 40
    ours, theirs, switches = flown(
        [starter(thermal__cold__bypass_share=0.0)], (320.0, 315.0, 312.0), schedule, charge=0.2
    )
    assert ours.min() < 260.0 and switches >= 1
    return ours, theirs


@heat("Node temperatures of starter12 with a radiator of 4 m2, from 370 K down to the throttle limit")
def test_hot_down_to_the_throttle_limit():
    """From 370 K on every node, with a radiator that cannot keep up."""
    schedule = [step(absorbed_w_m2=90.0) for _ in range(60)]
    ours, theirs, _ = flown([starter(radiator__area_m2=4.0)], (370.0, 370.0, 370.0), schedule)
    return ours, theirs


def of_all_sizes(leak=0.10, double_k=30.0):
    """Return an edge computer of 9 kJ/K, starter12 and AI1 of 1.4 MJ/K, with given leakage."""
    kinds = [
        Scenario.load(name).hardware[kind]
        for name, kind in (("threebody12", "edge"), ("starter12", "odcsat"), ("ai1-shells", "dawn-dusk-600"))
    ]
    return [changed(h, leak=leak, double_k=double_k) for h in kinds]


def changed(hardware, **thermal):
    """Return a satellite with other thermal numbers, and without a bypass that would keep its loop running."""
    thermal |= {"cold": ColdSide(bypass_share=0.0)}
    return hardware.model_copy(update={"thermal": hardware.thermal.model_copy(update=thermal)})


def a_day_of(hardware):
    """Run a day of satellites from a warm and a cold start, with the junction between 200 and 370 K."""
    schedule = a_day(np.array([float(h.accelerators.count) for h in hardware]))
    flights = [flown(hardware, start, schedule, charge=0.3) for start in ((330.0, 322.0, 318.0), (200.0, 200.0, 200.0))]
    assert all(switches > 0 for _, _, switches in flights)
    return [ours for ours, _, _ in flights], [theirs for _, theirs, _ in flights]


@heat(
    "Node temperatures of satellites of 9 kJ/K, 140 kJ/K and 1.4 MJ/K, one day with load steps, eclipse "
    "and starts from 200 K",
    note="The satellites are threebody12, starter12 and ai1-shells. The leakage is 10 % and doubles every 30 K.",
)
def test_satellites_of_all_sizes():
    return a_day_of(of_all_sizes())


@heat("The same with 20 % leakage, doubled every 25 K")
def test_satellites_of_all_sizes_under_strong_leakage():
    return a_day_of(of_all_sizes(0.20, 25.0))


@heat("The same for 6 satellites of random size and proportions", note="They have 0.3 to 160 kW of compute.")
def test_satellites_of_random_size():
    rng = np.random.default_rng(11)
    return a_day_of([changed(random_hardware(rng)) for _ in range(6)])


@pictures(
    "Heat",
    "transient",
    "Node temperatures of `starter12` with compute shed in the dark and restarted. Lines: this "
    "environment; dots: Radau.",
)
def transient():
    from figure_style import ORACLE, OURS, legend
    from matplotlib import pyplot

    schedule = [step(sunlit=0.0, absorbed_w_m2=30.0, busy=0.0)] * 100 + [step()] * 40
    ours, theirs, _ = flown([starter()], (320.0, 315.0, 312.0), schedule, charge=0.2)
    figure, axes = pyplot.subplots(figsize=(7.0, 3.4), layout="constrained")
    for k, name in enumerate(("plate", "loop", "radiator")):
        (line,) = axes.plot(ours[:, 0, k], label=name)
        axes.plot(np.arange(0, len(theirs), 5), theirs[::5, 0, k], ".", color=line.get_color())
    axes.set(xlabel="time [min]", ylabel="temperature [K]", title="Compute shed in the dark, then restarted")
    legend(axes, {"odc-gym": OURS, "Radau": ORACLE})
    return figure

"""Power and speed by clock beside published measurements of graphics processors.

The scenarios use one law for every accelerator; no public sweep of theirs was found. These are what is published of
others, and of theirs in single numbers. Tolerances are what the law misses them by, rounded up.
"""

from typing import NamedTuple

import numpy as np
from comparison import compares, pictures

from odc_gym.physics.compute import clock_of_dynamic, dynamic_frac, speed_frac
from odc_gym.scenario import Scenario


class Law(NamedTuple):
    """Static share, lowest voltage, and the clock at which it begins to rise."""

    static: float
    v0: float
    x_v: float


CHIPS = Scenario.load("starter12").hardware["odcsat"].accelerators
LAW = Law(CHIPS.static, CHIPS.v0, CHIPS.x_v)
CARD = Law(0.34, 0.75, 0.80)
"""The same law with constants fitted to the prefill of the card below, caps of 43 % and more."""
SLOWEST = 0.02  # no clock of the law is below
CAP = np.array([350, 300, 250, 200, 150, 100]) / 350
PREFILL = np.array([9893, 9326, 8436, 5941, 2549, 1390]) / 9893
DECODE = np.array([72.6, 72.1, 70.7, 68.3, 62.6, 12.1]) / 72.6
ABOVE_CLIFF = slice(0, 5)
SWEEP = "six RTX 3090 under power caps, LLM Garage, February 2026"
TDP_W, IDLE = 700.0, CHIPS.idle_each_w / 700.0  # of an H100 or H200
DECODE_W = 0.5 * (137.0 + 300.0)
CLOCKS = np.linspace(CHIPS.x_min, 1.0, 1401)


def capped(cap, law, draw=1.0):
    """Return the clocks under power caps of a load that draws `draw` of the uncapped power at full clock."""
    return np.array([clock_of_dynamic(c / draw, SLOWEST, *law) for c in np.atleast_1d(cap)])


def speeds(clocks, kappa):
    return np.array([speed_frac(x, kappa) for x in clocks])


def energies(clocks, kappa, dynamic):
    """Return the energy of a unit of work relative to full clock; `dynamic` is the dynamic power over TDP there."""
    power = [IDLE + dynamic * dynamic_frac(x, *LAW) for x in clocks]
    return np.array(power) / speeds(clocks, kappa) / (IDLE + dynamic)


@compares(
    "Compute",
    "Speed of prefill under power caps of 43 to 100 %, constants fitted to this card",
    "",
    SWEEP,
    0.023,
    mean_tolerance=0.011,
    note="Below its static share of 34 %, the law has no clock. The measured speed is 0.141 at 29 %.",
)
def test_prefill_of_the_card_that_was_fitted():
    """Catches a voltage that is not squared, a static share that is not added, an inverse on the wrong branch."""
    return capped(CAP, CARD)[ABOVE_CLIFF], PREFILL[ABOVE_CLIFF]


@compares(
    "Compute", "Speed of prefill under the same caps, constants of the scenarios", "", SWEEP, 0.38, mean_tolerance=0.11,
    note="The difference is 0.015 down to 71 %. Below, this card falls off, since it draws a third of its "
    "power at any clock.",
)  # fmt: skip
def test_prefill_of_the_card_by_the_scenarios_constants():
    return capped(CAP, LAW)[ABOVE_CLIFF], PREFILL[ABOVE_CLIFF]


@compares(
    "Compute", "Speed of decoding under the same caps, constants of the card, sensitivity 0.2", "", SWEEP, 0.027,
    mean_tolerance=0.013, note="We assume that decoding draws 0.8 of the cap at full clock. This was not measured.",
)  # fmt: skip
def test_decoding_of_the_card_that_was_fitted():
    """Catches a sensitivity taken for its complement: a memory-bound load would fall as prefill does."""
    return speeds(capped(CAP, CARD, 0.8), 0.2)[ABOVE_CLIFF], DECODE[ABOVE_CLIFF]


@compares(
    "Compute", "Speed of decoding under the same caps, constants of the scenarios, sensitivity 0.2", "", SWEEP, 0.034,
    mean_tolerance=0.012, note="We assume that decoding draws the whole cap at full clock.",
)  # fmt: skip
def test_decoding_of_the_card_by_the_scenarios_constants():
    return speeds(capped(CAP, LAW), 0.2)[ABOVE_CLIFF], DECODE[ABOVE_CLIFF]


@compares(
    "Compute",
    "Speed of training on an H100 at 600 of 700 W",
    "",
    "published 5 to 15 % slower, middle of the range",
    0.05,
    note="The vendors' pages give 5 to 8 % for memory-bound work and 10 to 15 % in pretraining.",
)
def test_an_h100_under_a_cap():
    return capped((600.0 / TDP_W - IDLE) / (1.0 - IDLE), LAW), 0.90


@compares(
    "Compute", "Time and energy of training language models at 150 of 250 W, over those without a cap", "",
    "McDonald et al., NAACL 2022: 6.8 % longer, 13.7 % less energy", 0.06,
    note="We use the measured drop of power, 0.808. The model is too slow by as much as it is too fast for "
    "the H100 above.",
)  # fmt: skip
def test_training_under_a_cap():
    time, energy = 1.068, 0.863
    clock = capped((energy / time - IDLE) / (1.0 - IDLE), LAW)
    return np.array([1.0 / clock, energy / time / clock]).ravel(), [time, energy]


def saved(kappa):
    """Return the largest saving of energy that costs decoding at most 5 % of its speed."""
    allowed = CLOCKS[speeds(CLOCKS, kappa) >= 0.95]
    return 1.0 - energies(allowed, kappa, DECODE_W / TDP_W - IDLE).min()


H200 = "Ma et al., arXiv 2605.11999: up to 32 % at minimal loss of speed"


@compares(
    "Compute", "Share of decoding energy that a lower clock saves on an H200, sensitivity 0.2", "", H200, 0.13,
    note="Decoding gives up 5 % of its speed. It draws 219 of 700 W, the middle of the measured range.",
)  # fmt: skip
def test_decoding_with_a_locked_clock():
    return saved(0.2), 0.32


@compares(
    "Compute",
    "The same, sensitivity 0.1",
    "",
    H200,
    0.01,
    note="The sensitivity of decoding to the clock is less than 0.2.",
)
def test_decoding_with_a_locked_clock_that_it_feels_less():
    return saved(0.1), 0.32


@compares(
    "Compute", "Clock of least energy of a service", "", "Voltana: A100, 1005 of 1410 MHz", 0.17,
    note="Energy is least where the voltage begins to rise, at x_v. The card above has this knee at 0.80, so "
    "0.55 is low.",
)  # fmt: skip
def test_clock_of_least_energy():
    """Also that racing to idle is wrong: half of the gain of slowing down is there before the knee."""
    service = Scenario.load("starter12").workload.classes["interactive"]
    energy = energies(CLOCKS, service.clock_sensitivity, (1.0 - IDLE) * service.utilisation)
    assert energy.min() < 0.75 and energy[0] > energy.min() + 0.02
    return CLOCKS[np.argmin(energy)], 1005.0 / 1410.0


@pictures(
    "Compute",
    "compute",
    "Left: dynamic power over clock, and energy of a unit of compute-bound work, with the constants of "
    "the scenarios and with those fitted to one card. Right: speed under power caps. Lines: the law; "
    "marks: measurements.",
)
def draw_law():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    caps = np.linspace(0.29, 1.0, 200)
    for law, name, colour in ((LAW, "scenarios", "C0"), (CARD, "RTX 3090", "C1")):
        power = np.array([dynamic_frac(x, *law) for x in CLOCKS])
        left.plot(CLOCKS, power, color=colour, label=f"power, {name}")
        left.plot(CLOCKS, power / CLOCKS, "--", color=colour, label=f"energy of work, {name}")
        right.plot(caps, capped(caps, law), color=colour, label=f"prefill, {name}")
        draw = 0.8 if law is CARD else 1.0
        right.plot(caps, speeds(capped(caps, law, draw), 0.2), ":", color=colour, label=f"decoding, {name}")
    left.axvline(1005.0 / 1410.0, color="0.6", lw=1.0)
    left.text(1005.0 / 1410.0 + 0.01, 0.08, "least energy,\nA100", color="0.4", fontsize=8.5)
    left.set(xlabel="clock over full clock", ylabel="power or energy, over that at full clock", ylim=(0.0, 1.35))
    left.set_title("Power and energy by clock")
    right.plot(CAP, PREFILL, "ks", ms=5, label="prefill, measured")
    right.plot(CAP, DECODE, "ko", mfc="none", label="decoding, measured")
    right.errorbar(600.0 / TDP_W, 0.90, 0.05, fmt="C3D", ms=4, capsize=3, label="H100, published")
    right.set(xlabel="power cap over full power", ylabel="speed over uncapped", ylim=(0.0, 1.05))
    right.set_title("Speed under a power cap")
    for axes in (left, right):
        axes.legend(frameon=True)
    return figure

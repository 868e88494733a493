"""Numbers of the work classes beside measurements of the two phases of language models, `reference/splitwise.csv`.

A service prefills its inputs, which computing binds, and decodes its outputs, which memory binds. The classes have one
number for the mix of both: what follows from the phases, and by how much one number errs when the clock changes.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from comparison import compares

from odc_gym.scenario import Scenario

FOLDER = Path(__file__).parent / "reference"
MEASUREMENTS = Path(__file__).parents[2].parent / "shared" / "traces" / "splitwise_perf_2024"
TABLE = np.genfromtxt(FOLDER / "splitwise.csv", delimiter=",", names=True, dtype=None, encoding="utf8", skip_header=2)
A100, H100 = TABLE["hardware"] == "a100-80gb", TABLE["hardware"] == "h100-80gb"
EIGHT = TABLE[H100 & (TABLE["accelerators"] == 8)][0]
TWO = TABLE[H100 & (TABLE["accelerators"] == 2)][0]
SPLITWISE = "Splitwise, Patel et al., ISCA 2024: Llama2-70B on H100"

SCENARIO = Scenario.load("starter12")
SERVICE, BATCH = SCENARIO.workload.classes["interactive"], SCENARIO.workload.classes["batch"]
CHIPS = SCENARIO.hardware["odcsat"].accelerators
FULL_W = (CHIPS.peak_w - CHIPS.host_w) / CHIPS.count
IDLE = CHIPS.idle_each_w / FULL_W
INPUT = SERVICE.input_tokens_per_output
PREFILL_SHARE = SERVICE.prefill_ms_per_token * INPUT / SERVICE.accelerator_ms_per_token
"""Of the time of a service at full clock."""
KAPPA = np.array([0.95, 0.20])
"""Clock sensitivities of prefill and decoding: published 0.9 to 1, and 0.1 to 0.3."""
DRAW = np.array([0.925, 0.5 * (137.0 + 300.0) / 700.0])
"""Powers of prefill and decoding over full power: published 0.85 to 1, and 137 to 300 W of an H200."""
SHARE = np.array([PREFILL_SHARE, 1.0 - PREFILL_SHARE])
CLOCKS = np.linspace(CHIPS.x_min, 1.0, 15)


def decode_ms(row, batch):
    """Return the accelerator time of an output token at a batch [ms]."""
    return row["accelerators"] * (row["decode_ms"] + row["decode_ms_per_request"] * batch) / batch


def draw(utilisation):
    """Return the power of an accelerator at full clock relative to its full power."""
    return IDLE + (1.0 - IDLE) * utilisation


@compares(
    "Compute",
    "Accelerator time per input token, slope over long prompts, eight accelerators",
    "ms",
    SPLITWISE,
    0.01,
    relative=True,
)
def test_cost_of_an_input_token():
    """Catches a cost that is not multiplied by the accelerators that share it."""
    return SERVICE.prefill_ms_per_token, EIGHT["accelerators"] * EIGHT["prefill_ms_per_token"]


@compares(
    "Compute",
    "Accelerator time of an input token in a single prompt of 1155 tokens, eight accelerators",
    "ms",
    SPLITWISE,
    0.40,
    relative=True,
    note="A straight line in tokens misses single prompts of 512 tokens and more by up to 48 %, and by 7 % on "
    "two accelerators.",
)
def test_cost_of_an_input_token_of_the_mean_prompt():
    return SERVICE.prefill_ms_per_token, EIGHT["accelerators"] * EIGHT["prefill_mean_ms"] / 1155.0


@compares(
    "Compute",
    "Accelerator time of an output token at a batch of 64, eight accelerators",
    "ms",
    SPLITWISE,
    0.01,
    relative=True,
    note="A straight line in the batch misses the measurements by 3 %.",
)
def test_cost_of_an_output_token():
    return SERVICE.decode_ms_per_token, decode_ms(EIGHT, 64)


@compares(
    "Compute",
    "Accelerator time of an output token with its input, eight accelerators",
    "ms",
    SPLITWISE,
    0.01,
    relative=True,
)
def test_cost_of_an_output_token_with_its_input():
    return SERVICE.accelerator_ms_per_token, decode_ms(EIGHT, 64) + INPUT * 8.0 * EIGHT["prefill_ms_per_token"]


@compares(
    "Compute", "The same on the two accelerators of a replica, batch of 32", "ms", SPLITWISE, 1.2, relative=True,
    note="Eight accelerators scale worse than two, so our tokens cost the service twice the time measured on "
    "two.",
)  # fmt: skip
def test_cost_of_an_output_token_on_a_replica():
    return SERVICE.accelerator_ms_per_token, decode_ms(TWO, 32) + INPUT * 2.0 * TWO["prefill_ms_per_token"]


@compares(
    "Compute", "Speed of an A100 over an H100 by the rule of the scenarios, prefill and decoding", "", SPLITWISE, 0.38,
    note="The rule is the ratio of dense 16-bit operations, 312 over 989. The contrast is too large for "
    "either phase.",
)  # fmt: skip
def test_speed_of_another_accelerator():
    prefill = TABLE["prefill_ms_per_token"][H100] / TABLE["prefill_ms_per_token"][A100]
    decoding = [row["decode_ms"] + 16.0 * row["decode_ms_per_request"] for row in TABLE]
    decoding = np.array(decoding)[H100] / np.array(decoding)[A100]
    return 312.0 / CHIPS.bf16_tflops, np.array([prefill, decoding])


@compares(
    "Compute",
    "Power of batch work and of training over full power",
    "",
    "published 0.85 to 1, middle of the range",
    0.075,
)
def test_power_of_work_that_computing_binds():
    training = SCENARIO.workload.classes["finetuning"].utilisation
    return [draw(BATCH.utilisation), draw(training)], DRAW[0]


@compares(
    "Compute", "Power of a service over full power, from its phases", "",
    "H200: prefill 0.85 to 1, decoding 137 to 300 of 700 W (arXiv 2605.11999), middles of the ranges", 0.03,
    note="Prefill is 0.41 of the time. The ends of both ranges give 0.47 to 0.66.",
)  # fmt: skip
def test_power_of_a_service():
    return draw(SERVICE.utilisation), SHARE @ DRAW


@compares(
    "Compute",
    "The same with the decoding power of 2, 4 and 8 A100",
    "",
    "Splitwise: 0.74, 0.60, 0.43 of full; prefill at 1",
    0.26,
    note="An A100 decodes nearer its power limit than an H200, which has 2.4 times its bandwidth.",
)
def test_power_of_a_service_on_older_accelerators():
    return draw(SERVICE.utilisation), PREFILL_SHARE + (1.0 - PREFILL_SHARE) * TABLE["decode_power"][A100]


@compares(
    "Compute", "Clock sensitivity of a service, from its phases", "",
    "prefill 0.95, decoding 0.1 to 0.3 (published ranges)", 0.07,
)  # fmt: skip
def test_clock_sensitivity_of_a_service():
    return SERVICE.clock_sensitivity, [SHARE @ [0.95, 0.1], SHARE @ [0.95, 0.2], SHARE @ [0.95, 0.3]]


@compares(
    "Compute", "Speed of a service at clocks of 0.3 to 1, one class against two phases", "",
    "sum of the times of the phases", 0.01,
)  # fmt: skip
def test_one_sensitivity_is_as_good_as_two():
    """Times of the form kappa / x + 1 - kappa add up to one of that form: one number loses nothing."""
    kappa = SERVICE.clock_sensitivity
    times = (SHARE * (KAPPA / CLOCKS[:, None] + 1.0 - KAPPA)).sum(1)
    return CLOCKS / (kappa + (1.0 - kappa) * CLOCKS), 1.0 / times


@compares(
    "Compute", "Dynamic power of a service at clocks of 0.3 to 1, one class against two phases", "",
    "mean of the phases, weighted by their times", 0.16, relative=True, mean_tolerance=0.07,
    note="Prefill takes more of the time at low clocks. Our power is 6 % too much at full clock and 16 % too "
    "little at 0.3.",
)  # fmt: skip
def test_one_utilisation_errs_at_the_ends():
    """Catches a utilisation that is right at no clock. Over full dynamic power at the same clock."""
    utilisation = (DRAW - IDLE) / (1.0 - IDLE)
    times = SHARE * (KAPPA / CLOCKS[:, None] + 1.0 - KAPPA)
    return SERVICE.utilisation, (times * utilisation).sum(1) / times.sum(1)


@pytest.mark.skipif(not MEASUREMENTS.is_dir(), reason="the measurements are not here")
def test_the_table_is_what_the_measurements_say():
    """Catches a table that was edited, or made by another program."""
    spec = importlib.util.spec_from_file_location("splitwise", FOLDER / "splitwise.py")
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    made = program.lines(next(MEASUREMENTS.glob("*.csv")))
    assert made == (FOLDER / "splitwise.csv").read_text(encoding="utf-8").splitlines()

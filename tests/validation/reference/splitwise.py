"""Makes splitwise.csv: how long and at which power Llama2-70B runs, from the measurements of Splitwise (ISCA 2024).

The measurements are `data/perf_model.csv` of the repository Mutinifni/splitwise-sim, MIT licence, commit 8f99e7d; the
rows of hardware "h100-80gb-pcap" there are scaled, not measured, and are not read. Straight lines are fitted by least
squares to medians over repetitions: time of the prompt by its tokens at a batch of 1, and time of a token by the batch
at prompts of 512. `prefill_mean_ms` is the time of a prompt of 1155 tokens, between its neighbours. Batches of 64 on
two accelerators are left out: their prompts take less time than those of batches of 8, and cannot have run whole.

    python tests/validation/reference/splitwise.py perf_model.csv
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

HARDWARE, PARALLEL = ("a100-80gb", "h100-80gb"), (2, 4, 8)
LONG_TOKENS = 512  # from which the worst error of the line is told: below, a floor of some 50 ms shows
MEAN_TOKENS = 1155  # of the prompts of a conversation
COLUMNS = (
    "hardware", "accelerators", "prefill_ms", "prefill_ms_per_token", "prefill_worst", "prefill_mean_ms",
    "decode_ms", "decode_ms_per_request", "decode_worst", "decode_power",
)  # fmt: skip


def read(path: Path) -> np.ndarray:
    """Return measured rows of Llama2-70B: accelerators, prompt, batch, prompt time, token time, mean power over TDP."""
    names = ("tensor_parallel", "prompt_size", "batch_size", "prompt_time", "token_time", "average_power")
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            (HARDWARE.index(row["hardware"]), *(float(row[name]) for name in names))
            for row in csv.DictReader(file)
            if row["model"] == "llama2-70b" and row["hardware"] in HARDWARE
        ]
    return np.array(rows)


def medians(by: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values of `by`, and the median of the measurements at each."""
    at = np.unique(by)
    return at, np.array([np.median(values[by == value]) for value in at])


def fit(at: np.ndarray, values: np.ndarray, worst_from: float) -> tuple[float, float, float]:
    """Return ordinate, slope, and largest relative error of a straight line from `worst_from` on."""
    slope, ordinate = np.polyfit(at, values, 1)
    error = np.abs((ordinate + slope * at) / values - 1.0)
    return float(ordinate), float(slope), float(error[at >= worst_from].max())


def figures(table: np.ndarray, hardware: int, accelerators: int) -> tuple[float, ...]:
    """Return the numbers of one line of the table."""
    mine = table[(table[:, 0] == hardware) & (table[:, 1] == accelerators)]
    whole = mine[(mine[:, 3] < 64) | (accelerators > 2)]
    single = whole[whole[:, 3] == 1]
    equal = whole[whole[:, 2] == 512]
    power = single[(single[:, 2] <= 512) & (single[:, 6] > 0.0), 6]  # prefill is 3 % of the time at most
    return (
        *fit(*medians(single[:, 2], single[:, 4]), LONG_TOKENS),
        float(np.interp(MEAN_TOKENS, *medians(single[:, 2], single[:, 4]))),
        *fit(*medians(equal[:, 3], equal[:, 5]), 1.0),
        float(np.median(power)) if power.size else 0.0,
    )


def lines(path: Path) -> list[str]:
    """Return the lines of the table."""
    table = read(path)
    found = [
        ",".join([name, str(count), *(f"{value:.4f}" for value in figures(table, k, count))])
        for k, name in enumerate(HARDWARE)
        for count in PARALLEL
    ]
    head = "# made with Splitwise, Patel et al. (ISCA 2024), perf_model.csv at 8f99e7d, by splitwise.py: Llama2-70B"
    note = "# milliseconds; worst: largest relative error of the lines; power: of decoding over TDP, 0 not recorded"
    return [head, note, ",".join(COLUMNS), *found]


if __name__ == "__main__":
    Path(__file__).with_suffix(".csv").write_text("\n".join(lines(Path(sys.argv[1]))) + "\n", encoding="utf-8")

"""How well generators fitted to one part of a trace describe another: `python benchmarks/generators.py FILE ...`.

Each trace is parted twice: in time, its first six tenths from the rest, and into alternate days, or minutes where it
is short, which a change of the trace hits alike. The table is Markdown. Beside the error of the generator stands what
the parts of the data differ by themselves: where that is beyond the bound, no generator fitted to the one part can be
within it for the other but by luck.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from odc_gym.trace_fits.generator import fit_generator, parameter_counts
from odc_gym.trace_fits.holdout import Check, holdout_checks
from odc_gym.trace_fits.segment import split_segments, window_lengths
from odc_gym.workload import read_trace

SPLITS = ("0.6", "alternate")


def row(name: str, split: str, check: Check) -> str:
    """A line of the table."""
    values = (check.error, check.floor, check.bound)
    return f"| {name} | {split} | {check.name} | " + " | ".join(f"{v:.3g}" for v in values) + f" | {check.verdict} |"


def main() -> None:
    """Print the table of the traces that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="traces, in any format that `odc-gym trace info` takes")
    parser.add_argument("--split", action="append", help="a fraction, or alternate; may be given again [both]")
    arguments = parser.parse_args()
    print("| trace | parts | quantity | error | of the data | bound | verdict |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    fitted = []
    for path in arguments.files:
        trace = read_trace(path)
        for part in (*trace.jobs.values(), *trace.requests.values()):
            for split in arguments.split or SPLITS:
                first, later = split_segments(part, split)
                generator = fit_generator(first)
                _, windows_s = window_lengths(part.span_s)
                for check in holdout_checks(generator, first, later, windows_s):
                    print(row(path.stem, split, check), flush=True)
                numbers = ", ".join(f"{count} of {what}" for what, count in parameter_counts(generator).items())
                fitted.append(f"{path.stem}, {split}: {generator.arrivals.kind}; numbers fitted: {numbers}")
    print("\n" + "\n".join(fitted))


if __name__ == "__main__":
    main()

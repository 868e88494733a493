"""Benchmark of generators fitted to one part of a trace and checked on another: `python benchmarks/generators.py FILE`.

Each trace is split twice: in time, with the first six tenths as one part, and into alternate days, or minutes for a
short trace. A change within the trace affects alternate parts equally. The table is Markdown. Beside the error of the
generator it has the difference between the parts of the data. Where that difference exceeds the bound, a generator
fitted to one part can meet the bound on the other only by luck.
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
    """Return a line of the table."""
    values = (check.error, check.floor, check.bound)
    return f"| {name} | {split} | {check.name} | " + " | ".join(f"{v:.3g}" for v in values) + f" | {check.verdict} |"


def main() -> None:
    """Print the table of the traces named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="traces, in any format that `odc-gym trace info` takes")
    parser.add_argument("--split", action="append", help="a fraction, or alternate; repeatable [both]")
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

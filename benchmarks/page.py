"""Writes results of `make bench` into docs/performance.md, between its marks, and draws the parts of a step.

python benchmarks/page.py     # from benchmarks/results/latest.json
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import layers

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"
RESULTS = ROOT / "benchmarks" / "results" / "latest.json"
SECTIONS = (
    ("cpu_us", "CPU time", "over a CartPole step"),
    ("process_cpu_s", "CPU time of a new process", "over importing Gymnasium"),
    ("planning_cpu_us", "CPU time of a copy, per row", "over `copy.deepcopy`"),
    ("recording_cpu_us", "CPU time of recording", "over the line above, or 1"),
    ("wall_us", "wall time", "over the line above, or 1"),
)


def ratios(results: dict[str, Any]) -> str:
    """Return the tables of ratios, and the ratios of plain C and of a training."""
    lines: list[str] = []
    for key, title, head in SECTIONS:
        lines += [f"| {title} | {head} |", "| --- | --- |"]
        lines += [f"| {name} | {rounded(row['ratio'])} |" for name, row in results[key].items()]
        lines.append("")
    c, shares = results["plain_c"], results["training"]
    lines += ["| other ratios | |", "| --- | --- |"]
    if "ratio" in c:
        lines.append(f"| compiled physics over plain C | {c['ratio']:.2f} ({c['least']:.2f} to {c['most']:.2f}) |")
    if "environment" in shares:
        lines.append(f"| environment in a short training by PPO, share of wall time | {shares['environment']:.2f} |")
        names = [name for name in shares if name not in ("environment", "wall_s")]
        lines += [f"| part of it: {name} | {shares[name]:.2f} |" for name in names]
    if "ratio" in results.get("bsk", {}):
        lines.append(f"| BSK-RL over ODCSat-v0, a satellite and five minutes | {results['bsk']['ratio']:.0f} |")
    return "\n".join(lines)


def rounded(value: float) -> str:
    """Return a number with three digits, and without an exponent if it is large."""
    return f"{value:.3g}" if value < 1000.0 else f"{value:.0f}"


def fleets(results: dict[str, Any]) -> str:
    """Return the table of fleets; empty if they were not measured."""
    if "scale" not in results:
        return ""
    lines = [
        "| scenario | satellites | reset [s] | memory [GB] | step [ms] | step and satellite [µs] |",
        "|" + " --- |" * 6,
    ]
    for name, row in results["scale"].items():
        times = f"{row['reset_s']:.2g} | {row['memory_gb']:.2g} | {rounded(row['step_ms'])}"
        lines.append(f"| {name} | {row['satellites']} | {times} | {row['us_per_satellite']:.2g} |")
    return "\n".join(lines)


def written(page: str, name: str, text: str) -> str:
    """Return a page with a text between the marks of a name; an empty text changes nothing."""
    marks = re.compile(f"(<!-- {name} -->\n).*?(\n<!-- end of {name} -->)", re.DOTALL)
    return marks.sub(lambda found: found[1] + text + found[2], page) if text else page


if __name__ == "__main__":
    measured = json.loads(RESULTS.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    page = written(written(page, "ratios", ratios(measured)), "fleets", fleets(measured))
    PAGE.write_text(page, encoding="utf-8")
    layers.draw(measured["parts_us"])

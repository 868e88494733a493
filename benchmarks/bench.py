"""Benchmark of the environment's speed relative to CartPole, plain C and another version: `make bench`.

The benchmark alternates turns of all subjects in one process and reports CPU time, so a loaded machine slows all of
them alike. The ratios are the result, not the microseconds. Imports and first steps are timed as CPU time of new
processes. Threads and prefetch are compared by wall time. `--beside PATH`, or `make bench BESIDE=PATH`, also measures
the package in another folder, in paired turns of two processes. `--scale` adds fleets of up to 10 000 satellites,
`--beside-bsk` the simulator of BSK-RL. `docs/performance.md` explains the results.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import beside
import bsk
import layers
import physics
import scale
import training
from machine import cpu
from rich.console import Console
from rich.table import Table
from turns import ENV_ID, Turn, cartpole_turn, environment_turns, planning_turns, recording_turns, wall_turns

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "latest.json"
TARGET_RATIO = 6.0  # CPU time of a step over that of a CartPole step
TABLES = (
    ("cpu_us", "CPU time", "us", "CartPole step"),
    ("process_cpu_s", "CPU time of a new process", "s", "import gymnasium"),
    ("planning_cpu_us", "CPU time of a copy, per row", "us", "deepcopy"),
    ("recording_cpu_us", "CPU time of recording", "us", "the line above"),
    ("wall_us", "wall time, per environment", "us", "the line above"),
)
"""Keys of the results, with title, unit and reference of their tables."""
FIRST_STEP = (
    f"import gymnasium as gym; env = gym.make({ENV_ID!r}); env.reset(seed=0); env.step(env.action_space.sample())"
)


def in_turns(subjects: dict[str, Turn], turns: int) -> dict[str, list[float]]:
    """Measure CPU microseconds a unit of every subject, turn by turn, without the first turn."""
    times_us: dict[str, list[float]] = {name: [] for name in subjects}
    for i in range(turns + 1):
        for name, turn in subjects.items():
            seconds, units = turn(i)
            if i > 0:
                times_us[name].append(1e6 * seconds / units)
    return times_us


def process_s(code: str, cache: str | None = None) -> float:
    """Measure the CPU seconds of a new process that runs `code`."""
    environment = os.environ | ({"ODC_GYM_CACHE": cache} if cache else {})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def processes(repeats: int) -> tuple[dict[str, list[float]], int]:
    """Measure CPU seconds of imports and first steps, and count packed instructions of a compiled decision."""
    times_s: dict[str, list[float]] = {"import gymnasium": [], "import odc_gym": [], "first step, compiled before": []}
    with tempfile.TemporaryDirectory() as cache:
        first, packed = beside.compiled(ROOT, cache)
        for _ in range(repeats):
            times_s["import gymnasium"].append(process_s("import gymnasium"))
            times_s["import odc_gym"].append(process_s("import odc_gym"))
            times_s["first step, compiled before"].append(process_s(FIRST_STEP, cache))
    return {**times_s, "first step, nothing compiled": [first]}, packed


def summary(values: list[float], reference: float) -> dict[str, float]:
    """Summarise values by median, extremes, and the ratio of the median to a reference."""
    middle = median(values)
    return {"median": middle, "least": min(values), "most": max(values), "ratio": middle / reference}


def over_first(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Summarise subjects of pairs; the ratio is to the first subject of the pair, turn by turn."""
    names, found = list(times), {}
    for k, name in enumerate(names):
        first = times[names[k - k % 2]]
        ratios = [value / reference for value, reference in zip(times[name], first, strict=True)]
        found[name] = summary(times[name], 1.0) | {"ratio": median(ratios)}
    return found


def more(turns: int) -> dict[str, Any]:
    """Measure planning, threads, prefetch, plain C, the parts of a step, and training."""
    planning = in_turns(planning_turns(), turns)
    deepcopy_us = median(next(iter(planning.values())))
    return {
        "planning_cpu_us": {name: summary(values, deepcopy_us) for name, values in planning.items()},
        "recording_cpu_us": over_first(in_turns(recording_turns(), turns)),
        "wall_us": over_first(in_turns(wall_turns(), turns)),
        "plain_c": physics.measure(turns),
        "parts_us": layers.parts(turns),
        "training": training.measure(),
    }


def measure(turns: int, other: Path | None) -> dict[str, Any]:
    """Measure all results; `other` is the folder of another version."""
    subjects = {"CartPole-v1 step": cartpole_turn(), **environment_turns()}
    step_times = in_turns(subjects, turns)
    process_times, packed = processes(max(3, turns // 5))
    cartpole_us, gymnasium_s = median(step_times["CartPole-v1 step"]), median(process_times["import gymnasium"])
    versions = {name: metadata.version(name) for name in ("gymnasium", "numpy", "numba")}
    results: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"python": platform.python_version(), "system": platform.system(), "cpu": cpu()} | versions,
        "turns": turns,
        "aim": {"ODCSat-v0 step over CartPole-v1 step": TARGET_RATIO},
        "cpu_us": {name: summary(values, cartpole_us) for name, values in step_times.items()},
        "process_cpu_s": {name: summary(values, gymnasium_s) for name, values in process_times.items()},
        "packed_instructions": {"this version": packed},
        **more(turns),
    }
    if other:
        results["over_the_other"] = beside.ratios(other, list(environment_turns()), turns)
        with tempfile.TemporaryDirectory() as cache:
            results["packed_instructions"]["the other"] = beside.compiled(other, cache)[1]
    return results


def show(results: dict[str, Any]) -> None:
    """Print the results as tables."""
    for key, title, unit, reference in TABLES:
        table = Table()
        table.add_column(title, no_wrap=True)
        for head in (f"median, {unit}", f"least, {unit}", f"most, {unit}", f"over {reference}"):
            table.add_column(head, justify="right")
        for name, row in results[key].items():
            table.add_row(name, *(f"{row[k]:.3g}" for k in ("median", "least", "most", "ratio")))
        Console(width=None if sys.stdout.isatty() else 120).print(table)
    if "over_the_other" in results:
        table = Table()
        table.add_column("CPU time of this version over that of the other", no_wrap=True)
        for head in ("median of pairs", "lower quartile", "upper quartile"):
            table.add_column(head, justify="right")
        for name, row in results["over_the_other"].items():
            table.add_row(name, *(f"{row[k]:.2f}" for k in ("ratio", "lower quartile", "upper quartile")))
        Console(width=None if sys.stdout.isatty() else 120).print(table)
    show_more(results)
    counts = ", ".join(f"{count} in {name}" for name, count in results["packed_instructions"].items())
    print(f"packed instructions of a decision (4 or 8 doubles each): {counts}")
    print(f"aim: a step of ODCSat-v0 within {TARGET_RATIO:g} times a step of CartPole-v1")


def show_more(results: dict[str, Any]) -> None:
    """Print plain C, the parts of a step, training, and what options added."""
    c, shares, total = results["plain_c"], results["training"], sum(results["parts_us"].values())
    if "reason" in c:
        print(f"beside plain C: not measured, {c['reason']}")
    else:
        print(
            f"compiled physics step over plain C, starter24, batch of {physics.BATCH}: {c['ratio']:.2f} "
            f"({c['least']:.2f} to {c['most']:.2f}); largest relative difference {c['difference']:.0e}"
        )
    print("parts of a step, %:", "; ".join(f"{k} {100 * v / total:.0f}" for k, v in results["parts_us"].items()))
    if "reason" in shares:
        print(f"share of the environment in PPO: not measured, {shares['reason']}")
    else:
        parts = "; ".join(f"{k} {100 * v:.0f}" for k, v in shares.items() if k not in ("environment", "wall_s"))
        print(f"share of the environment in PPO, % of wall time: {100 * shares['environment']:.0f} ({parts})")
    for name, row in results.get("scale", {}).items():
        print(
            f"{name}: S = {row['satellites']}, reset {row['reset_s']:.2f} s, memory {row['memory_gb']:.2f} GB, "
            f"step {row['step_ms']:.2f} ms, {row['us_per_satellite']:.1f} us a satellite and decision"
        )
    if "bsk" in results:
        print(bsk.line(results["bsk"]))


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(
        description="Measure the speed of the environment relative to CartPole and to another version."
    )
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="file of the results")
    parser.add_argument("--turns", type=int, default=15, help="number of turns of every subject")
    parser.add_argument(
        "--beside", type=Path, metavar="PATH", help="folder of another version, a checkout or an installation"
    )
    parser.add_argument("--beside-bsk", action="store_true", help="also measure a step of BSK-RL, if installed")
    parser.add_argument("--scale", action="store_true", help="also measure fleets of 12 to 10 000 satellites")
    arguments = parser.parse_args()
    results = measure(arguments.turns, beside.path_of(arguments.beside) if arguments.beside else None)
    if arguments.scale:
        results["scale"] = scale.measure()
    if arguments.beside_bsk:
        results["bsk"] = bsk.measure(arguments.turns)
    show(results)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

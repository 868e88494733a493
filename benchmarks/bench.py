"""How fast the environment is, beside CartPole and beside an older version: `make bench`.

Everything is measured in CPU time, in turns, so that a busy machine slows all of it alike; the ratios are the claim,
not the microseconds. Imports and first steps are CPU times of new processes. `--beside PATH`, or `make bench
BESIDE=PATH`, measures the package that lies in another folder as well, in paired turns of two processes.
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
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import beside
import gymnasium as gym
import numpy as np
from rich.console import Console
from rich.table import Table

ID = "odc_gym:ODCSat-v0"
ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "latest.json"
AIM = 6.0  # times a step of CartPole
BATCH = 64
EPISODE = 288  # decisions
VALIDATION = 20_000
FIRST_STEP = f"import gymnasium as gym; env = gym.make({ID!r}); env.reset(seed=0); env.step(env.action_space.sample())"

Turn = Callable[[int], tuple[float, int]]
"""Plays turn i and returns CPU seconds and how many units it timed."""


def cartpole() -> Turn:
    """Steps of a CartPole that is kept upright, by actions recorded once."""
    env = gym.make("CartPole-v1")
    observation, _ = env.reset(seed=0)
    actions = []
    ended = False
    while not ended:
        actions.append(int(observation[2] + observation[3] > 0))
        observation, _, terminated, truncated, _ = env.step(actions[-1])
        ended = bool(terminated or truncated)

    def turn(i: int) -> tuple[float, int]:
        env.reset(seed=0)
        begun = time.process_time()
        for action in actions:
            env.step(action)
        return time.process_time() - begun, len(actions)

    return turn


def single(draw: Callable[[int], np.ndarray]) -> Turn:
    """Steps of one environment through `gym.make`; `draw` gives the actions of an episode."""
    env = gym.make(ID)
    actions = draw(int(np.prod(env.action_space.shape or ())))

    def turn(i: int) -> tuple[float, int]:
        env.reset(seed=VALIDATION + i)
        begun = time.process_time()
        for action in actions:
            env.step(action)
        return time.process_time() - begun, len(actions)

    return turn


def batch() -> Turn:
    """Steps of a batch under random actions; an environment's step is one unit."""
    envs = gym.make_vec(ID, num_envs=BATCH)
    actions = drawn(int(np.prod(envs.action_space.shape or ())) // BATCH)[:, None].repeat(BATCH, 1)
    envs.reset(seed=VALIDATION)
    state = envs.unwrapped.simulator.get_state()

    def turn(i: int) -> tuple[float, int]:
        envs.unwrapped.simulator.set_state(state)
        begun = time.process_time()
        for action in actions[:48]:
            envs.step(action)
        return time.process_time() - begun, 48 * BATCH

    return turn


def reset() -> Turn:
    """Resets to new episodes."""
    env = gym.make(ID)

    def turn(i: int) -> tuple[float, int]:
        begun = time.process_time()
        for k in range(4):
            env.reset(seed=VALIDATION + 4 * i + k)
        return time.process_time() - begun, 4

    return turn


def zeros(size: int) -> np.ndarray:
    """Zero actions of an episode."""
    return np.zeros((EPISODE, size), np.float32)


def drawn(size: int) -> np.ndarray:
    """Random actions of an episode."""
    return np.random.default_rng(0).uniform(-1.0, 1.0, (EPISODE, size)).astype(np.float32)


def in_turns(subjects: dict[str, Turn], turns: int) -> dict[str, list[float]]:
    """CPU microseconds a unit of every subject, turn by turn; a first turn is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in subjects}
    for i in range(turns + 1):
        for name, turn in subjects.items():
            seconds, units = turn(i)
            if i > 0:
                taken[name].append(1e6 * seconds / units)
    return taken


def process_s(code: str, cache: str | None = None) -> float:
    """CPU seconds of a new process that runs `code`."""
    environment = os.environ | ({"ODC_GYM_CACHE": cache} if cache else {})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def processes(repeats: int) -> tuple[dict[str, list[float]], int]:
    """CPU seconds of imports and first steps, and packed instructions of a compiled decision."""
    taken: dict[str, list[float]] = {"import gymnasium": [], "import odc_gym": [], "first step, compiled before": []}
    with tempfile.TemporaryDirectory() as cache:
        first, packed = beside.compiled(ROOT, cache)
        for _ in range(repeats):
            taken["import gymnasium"].append(process_s("import gymnasium"))
            taken["import odc_gym"].append(process_s("import odc_gym"))
            taken["first step, compiled before"].append(process_s(FIRST_STEP, cache))
    return {**taken, "first step, nothing compiled": [first]}, packed


def summary(values: list[float], reference: float) -> dict[str, float]:
    """Median, extremes, and the median over a reference."""
    middle = median(values)
    return {"median": middle, "least": min(values), "most": max(values), "ratio": middle / reference}


def environment_turns() -> dict[str, Turn]:
    """What is measured of the environment."""
    return {
        "ODCSat-v0 step, zero actions": single(zeros),
        "ODCSat-v0 step, random actions": single(drawn),
        f"ODCSat-v0 step in a batch of {BATCH}, per environment": batch(),
        "ODCSat-v0 reset": reset(),
    }


def measure(turns: int, other: Path | None) -> dict[str, Any]:
    """All results; `other` is the folder of another version."""
    subjects = {"CartPole-v1 step": cartpole(), **environment_turns()}
    steps = in_turns(subjects, turns)
    started, packed = processes(max(3, turns // 5))
    cart, plain = median(steps["CartPole-v1 step"]), median(started["import gymnasium"])
    versions = {name: metadata.version(name) for name in ("gymnasium", "numpy", "numba")}
    results: dict[str, Any] = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"python": platform.python_version(), "system": platform.system(), "cpu": cpu()} | versions,
        "turns": turns,
        "aim": {"ODCSat-v0 step over CartPole-v1 step": AIM},
        "cpu_us": {name: summary(values, cart) for name, values in steps.items()},
        "process_cpu_s": {name: summary(values, plain) for name, values in started.items()},
        "packed_instructions": {"this version": packed},
    }
    if other:
        results["over_the_other"] = beside.ratios(other, list(environment_turns()), turns)
        with tempfile.TemporaryDirectory() as cache:
            results["packed_instructions"]["the other"] = beside.compiled(other, cache)[1]
    return results


def cpu() -> str:
    """Name of the processor where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def show(results: dict[str, Any]) -> None:
    """Print the results as tables."""
    for key, unit, reference in (("cpu_us", "us", "CartPole step"), ("process_cpu_s", "s", "import gymnasium")):
        table = Table()
        table.add_column("CPU time" if key == "cpu_us" else "CPU time of a new process", no_wrap=True)
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
    counts = ", ".join(f"{count} in {name}" for name, count in results["packed_instructions"].items())
    print(f"packed instructions of a decision (4 or 8 doubles each): {counts}")
    print(f"aim: a step of ODCSat-v0 within {AIM:g} times a step of CartPole-v1")


def main() -> None:
    """Measure, print and store."""
    parser = argparse.ArgumentParser(description="How fast the environment is, beside CartPole and an older version.")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the results go")
    parser.add_argument("--turns", type=int, default=15, help="turns of every subject")
    parser.add_argument(
        "--beside", type=Path, metavar="PATH", help="folder of another version, a checkout or installed"
    )
    arguments = parser.parse_args()
    results = measure(arguments.turns, beside.path_of(arguments.beside) if arguments.beside else None)
    show(results)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

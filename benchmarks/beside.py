"""Two versions of the environment beside each other: one process each, which play their turns alternately.

python benchmarks/beside.py     # serves turns on its standard input and output; benchmarks/bench.py starts it
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

HERE = Path(__file__).parent
PACKED = r"\bv(?:add|sub|mul|div|max|min|sqrt)pd\b[^\n]*%(?:ymm|zmm)"
COMPILE = f"""
import json, re, time
import gymnasium as gym
env = gym.make("odc_gym:ODCSat-v0")
env.reset(seed=0)
env.step(env.action_space.sample())
taken = time.process_time()
from odc_gym.core.decision import decide
code = "".join(decide.inspect_asm(signature) for signature in decide.signatures)
print(json.dumps([taken, len(re.findall({PACKED!r}, code))]))
"""


def path_of(folder: Path) -> Path:
    """A folder in which the package lies: a checkout, or where an older one is installed.

    Raises:
        SystemExit: it is not there.
    """
    if not (folder / "odc_gym" / "__init__.py").is_file():
        raise SystemExit(f"error: --beside {folder}: must be a folder that holds the package odc_gym")
    return folder.resolve()


def compiled(folder: Path, cache: str) -> tuple[float, int]:
    """CPU seconds of a new process to its first step with nothing compiled, and packed instructions of a decision."""
    command = [sys.executable, "-W", "ignore", "-c", COMPILE]
    environment = _environment(folder) | {"ODC_GYM_CACHE": cache}
    # in that folder: code on the command line imports from where it runs, before all else
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    seconds, packed = json.loads(done.stdout.splitlines()[-1])
    return seconds, packed


class Version:
    """A process that plays turns with the package of a folder."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(HERE / "beside.py")], env=_environment(folder), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def turn(self, name: str, i: int) -> tuple[float, int]:
        """Play turn i of a subject: CPU seconds, and how many units it timed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps([name, i]) + "\n")
        self.process.stdin.flush()
        seconds, units = json.loads(self.process.stdout.readline())
        return seconds, units

    def close(self) -> None:
        """Let the process end."""
        self.process.communicate()


def ratios(folder: Path, names: list[str], turns: int) -> dict[str, dict[str, float]]:
    """CPU time of this version over that of another, subject by subject: pairs of turns, one right after the other."""
    now, then = Version(HERE.parent), Version(folder)
    found: dict[str, list[float]] = {name: [] for name in names}
    for i in range(turns + 1):
        for name in names:
            pair = [now, then] if i % 2 else [then, now]
            taken = {version: version.turn(name, i) for version in pair}
            if i > 0:
                found[name].append((taken[now][0] / taken[now][1]) / (taken[then][0] / taken[then][1]))
    now.close()
    then.close()
    return {name: _summary(values) for name, values in found.items()}


def serve(subjects: dict[str, Callable[[int], tuple[float, int]]]) -> None:
    """Play the turns that are asked for, line by line."""
    for line in sys.stdin:
        name, i = json.loads(line)
        print(json.dumps(subjects[name](i)), flush=True)


def _summary(values: list[float]) -> dict[str, float]:
    low, _, high = quantiles(values, n=4) if len(values) > 1 else values * 3
    return {"ratio": median(values), "lower quartile": low, "upper quartile": high}


def _environment(folder: Path) -> dict[str, Any]:
    return os.environ | {"PYTHONPATH": str(folder)}


if __name__ == "__main__":
    from bench import environment_turns

    serve(environment_turns())

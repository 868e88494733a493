"""Comparison of two versions of the environment, one process each, which alternate their turns.

python benchmarks/beside.py     # serves turns on standard input and output; benchmarks/bench.py starts it
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from turns import Turn, environment_turns

FOLDER = Path(__file__).parent
PACKED_INSTRUCTION = r"\bv(?:add|sub|mul|div|max|min|sqrt)pd\b[^\n]*%(?:ymm|zmm)"
COMPILE = f"""
import glob, json, os, re, subprocess, sys
import gymnasium as gym
env = gym.make("odc_gym:ODCSat-v0")
env.reset(seed=0)
env.step(env.action_space.sample())
taken = sum(os.times()[:4])  # of this process and of those that compile
libraries = glob.glob(os.path.join(os.environ["ODC_GYM_CACHE"], "*", "decide*.so"))
if libraries:
    code = subprocess.run(["objdump", "-d", *libraries], capture_output=True, text=True, check=True).stdout
else:  # versions that compile in their own process
    decide = next(module.decide for name, module in sys.modules.items() if re.search(r"odc_gym.*\\.decision$", name))
    code = "".join(decide.inspect_asm(signature) for signature in decide.signatures)
print(json.dumps([taken, len(re.findall({PACKED_INSTRUCTION!r}, code))]))
"""


def path_of(folder: Path) -> Path:
    """Resolve the folder of a package: a checkout, or the folder of an installation.

    Raises:
        SystemExit: the folder does not hold the package.
    """
    if not (folder / "odc_gym" / "__init__.py").is_file():
        raise SystemExit(f"error: --beside {folder}: must be a folder that holds the package odc_gym")
    return folder.resolve()


def compiled(folder: Path, cache: str) -> tuple[float, int]:
    """Compile from nothing in a new process; return CPU seconds to the first step and packed instructions."""
    command = [sys.executable, "-W", "ignore", "-c", COMPILE]
    environment = _environment(folder) | {"ODC_GYM_CACHE": cache}
    # run in that folder, because code on the command line imports from the current folder first
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    seconds, packed = json.loads(done.stdout.splitlines()[-1])
    return seconds, packed


class Version:
    """Process that plays turns with the package of a folder."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(FOLDER / "beside.py")], env=_environment(folder), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def turn(self, name: str, i: int) -> tuple[float, int]:
        """Play turn i of a subject; return CPU seconds and the number of timed units."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps([name, i]) + "\n")
        self.process.stdin.flush()
        seconds, units = json.loads(self.process.stdout.readline())
        return seconds, units

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def ratios(folder: Path, names: list[str], turns: int) -> dict[str, dict[str, float]]:
    """Measure the CPU time of this version over that of another for each subject, in pairs of successive turns."""
    this, other = Version(FOLDER.parent), Version(folder)
    found: dict[str, list[float]] = {name: [] for name in names}
    for i in range(turns + 1):
        for name in names:
            pair = [this, other] if i % 2 else [other, this]
            times = {version: version.turn(name, i) for version in pair}
            if i > 0:
                found[name].append((times[this][0] / times[this][1]) / (times[other][0] / times[other][1]))
    this.close()
    other.close()
    return {name: _summary(values) for name, values in found.items()}


def serve(subjects: dict[str, Turn]) -> None:
    """Play the turns requested on standard input, one a line."""
    for line in sys.stdin:
        name, i = json.loads(line)
        print(json.dumps(subjects[name](i)), flush=True)


def _summary(values: list[float]) -> dict[str, float]:
    low, _, high = quantiles(values, n=4) if len(values) > 1 else values * 3
    return {"ratio": median(values), "lower quartile": low, "upper quartile": high}


def _environment(folder: Path) -> dict[str, Any]:
    return os.environ | {"PYTHONPATH": str(folder)}


if __name__ == "__main__":
    serve(environment_turns())

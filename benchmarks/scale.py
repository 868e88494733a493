"""Fleets from 12 to 10 000 satellites: reset, memory and step, each fleet in a process of its own.

python benchmarks/scale.py starter12      # one fleet, as JSON; benchmarks/bench.py --scale starts all
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

FLEETS = ("starter12", "suncatcher81", "megashell1k", "megashell10k")
STEPS, FIRST_SEED = 96, 20_000


def fleet(name: str) -> dict[str, float]:
    """Measure a fleet in this process.

    Returns:
        Satellites, CPU seconds of building and of a reset, peak memory [GB], CPU milliseconds of a step under the zero
        action, and CPU microseconds of a step for each satellite.
    """
    import odc_gym

    started = time.process_time()
    env = odc_gym.ODCSatEnv(name)
    built = time.process_time()
    env.reset(seed=FIRST_SEED)
    begun = time.process_time()
    action = np.zeros(env.action_space.shape, np.float32)
    steps = []
    for _ in range(STEPS):
        before = time.process_time()
        env.step(action)
        steps.append(time.process_time() - before)
    satellites, step_s = env.simulator.satellites, median(steps)
    return {
        "satellites": satellites, "build_s": built - started, "reset_s": begun - built,
        "memory_gb": peak_gb(), "step_ms": 1e3 * step_s,
        "us_per_satellite": 1e6 * step_s / satellites,
    }  # fmt: skip


def peak_gb() -> float:
    """Return the peak memory of this process [GB]; 0 where the system does not tell it."""
    status = Path("/proc/self/status")  # `getrusage` would count the memory of the parent before it started this one
    lines = status.read_text().splitlines() if status.is_file() else []
    peaks = [float(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return peaks[0] / 2**20 if peaks else 0.0


def measure() -> dict[str, Any]:
    """Measure all fleets, one after the other."""
    results = {}
    for name in FLEETS:
        done = subprocess.run([sys.executable, __file__, name], check=True, capture_output=True, text=True)
        results[name] = json.loads(done.stdout.splitlines()[-1])
    return results


if __name__ == "__main__":
    print(json.dumps(fleet(sys.argv[1])))

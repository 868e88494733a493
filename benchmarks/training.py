"""Share of a short training by PPO that the environment takes.

python benchmarks/training.py      # as JSON; benchmarks/bench.py starts it
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

DECISIONS = 98_304  # sixteen rollouts of the configuration, with three validations


class Stopwatch:
    """Wall time in calls of some methods by the main thread; calls inside others are not counted twice."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._depth = 0

    def watch(self, owner: type[Any], method: str, name: str) -> None:
        """Add the time of a method to the sum of a name."""
        original = getattr(owner, method)

        @functools.wraps(original)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._depth or threading.current_thread() is not threading.main_thread():
                return original(*args, **kwargs)
            self._depth += 1
            started = time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                self._depth -= 1
                self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started

        setattr(owner, method, timed)


def train() -> dict[str, float]:
    """Train in this process; return the shares of wall time, and the seconds.

    A validation counts as far as the learner waits for it.
    """
    from odc_gym.envs.sb3 import ODCSatVecEnv
    from odc_gym.simulator.simulator import Simulator
    from odc_gym.training.run import train as train_run
    from odc_gym.training.validation import Validation

    watch = Stopwatch()
    for owner, method, name in (
        (ODCSatVecEnv, "step_wait", "steps and resets of the learner"),
        (ODCSatVecEnv, "reset", "steps and resets of the learner"),
        (Validation, "finish", "validation"),
        (Simulator, "__init__", "building"),
    ):
        watch.watch(owner, method, name)
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        train_run(output=Path(folder) / "run", n_timesteps=DECISIONS)
        wall_s = time.perf_counter() - started
    shares = {name: seconds / wall_s for name, seconds in watch.seconds.items()}
    return {"environment": sum(shares.values()), **shares, "wall_s": wall_s}


def measure() -> dict[str, Any]:
    """Train in a new process; only a reason if the packages for training are missing."""
    done = subprocess.run([sys.executable, "-W", "ignore", __file__], capture_output=True, text=True)
    if done.returncode:
        return {"reason": (done.stderr.splitlines() or ["no message"])[-1]}
    shares: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return shares


if __name__ == "__main__":
    print(json.dumps(train()))

"""Recorded jobs in place of generated ones: a small trace is written as jobs.csv, then replayed.

You see how much of the work the fleet did, and how many jobs it finished, under two schedulers. Replace the file by
your own: `arrival_s` and `duration_s` are in seconds, and a class in the file replaces the generated class.

    python examples/own_trace.py [--quick]
"""

import csv
import sys
from pathlib import Path

import gymnasium as gym
import numpy as np

import odc_gym


def write_jobs(path: Path, hours: float) -> int:
    """Write a trace of finetuning jobs, one every twenty minutes on average, and return their number."""
    generator = np.random.default_rng(7)
    arrivals_s = np.cumsum(generator.exponential(1200.0, int(3 * hours)))
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("arrival_s", "duration_s", "accelerators", "class"))
        for arrival_s in arrivals_s:
            duration_s = generator.lognormal(np.log(3600.0), 0.8)
            rows.writerow((f"{arrival_s:.0f}", f"{duration_s:.0f}", generator.choice([1, 2, 4, 8]), "finetuning"))
    return len(arrivals_s)


def main() -> None:
    """Write the trace and play it under two schedulers."""
    hours = 2 if "--quick" in sys.argv else 24
    path = Path("jobs.csv")
    print(f"{path}: {write_jobs(path, hours=48)} finetuning jobs")
    env = gym.make("odc_gym:ODCSat-v0", trace=str(path), episode_hours=hours)
    for name in ("zero", "gang-aware"):
        kpis = odc_gym.run_episode(env, name, seed=20_000).episode_metrics
        work_h, finished = kpis["work_finetuning_accelerator_h"], kpis["completed_finetuning"]
        print(f"{name:10s} {work_h:6.1f} accelerator-h of finetuning, {finished:.0f} jobs finished")


if __name__ == "__main__":
    main()

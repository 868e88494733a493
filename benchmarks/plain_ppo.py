"""What stable-baselines3's PPO with its default settings gains on the default environment.

    python benchmarks/plain_ppo.py --seeds 3 --steps 200000

Each line shows the mean score of the policy on validation episodes, without its noise. The difference to the policy
before the first update has two standard errors.
"""

from __future__ import annotations

import argparse

import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO

from odc_gym.seeds import VALIDATION_FROM
from odc_gym.simulator.simulator import Simulator

PARTS = 4  # evaluations of a training run


def main() -> None:
    """Train with each seed, and print scores before, during and after."""
    parser = argparse.ArgumentParser(description="Train PPO with its defaults on the default environment.")
    parser.add_argument("--seeds", type=int, default=3, help="number of training runs")
    parser.add_argument("--steps", type=int, default=200_000, help="steps of a run")
    parser.add_argument("--episodes", type=int, default=48, help="validation episodes")
    given = parser.parse_args()
    torch.set_num_threads(1)  # small networks are slower with more
    env = gymnasium.make("odc_gym:ODCSat-v0")
    inner = env.unwrapped
    validated = Simulator(inner.scenario, given.episodes, action_mode=inner.simulator.action_mode)
    for seed in range(given.seeds):
        model = PPO("MlpPolicy", env, seed=seed, device="cpu")
        start = scores(model, validated)
        print(f"seed {seed}: {start.mean():.2f} before the first update", flush=True)
        for part in range(PARTS):
            model.learn(given.steps // PARTS, reset_num_timesteps=part == 0)
            gain = scores(model, validated) - start
            error = 2.0 * gain.std() / np.sqrt(gain.size)
            print(
                f"seed {seed}: {start.mean() + gain.mean():.2f} after {model.num_timesteps} steps, "
                f"{gain.mean():+.2f} ± {error:.2f}",
                flush=True,
            )


def scores(model: PPO, simulator: Simulator) -> np.ndarray:
    """Return the scores of a policy without its noise on the validation episodes, (B,)."""
    simulator.reset(range(VALIDATION_FROM, VALIDATION_FROM + simulator.num_envs))
    total = np.zeros(simulator.num_envs)
    while not simulator.truncated.all():
        simulator.step(model.predict(simulator.view.encoded, deterministic=True)[0])
        total += simulator.reward
    return total


if __name__ == "__main__":
    main()

"""PPO of stable-baselines3 on a batch that one simulator steps, and its score beside that of the zero action.

You see the mean scores of both on validation episodes. The short training here only shows the way: `make train` takes
600 000 decisions, with settings that are known to work. The model is saved as ppo.zip.

    python examples/ppo.py [--quick]
"""

import sys

import gymnasium as gym
import numpy as np
from stable_baselines3 import PPO

import odc_gym
from odc_gym.sb3 import make_vec_env


def main() -> None:
    """Train, save the model and test it."""
    quick = "--quick" in sys.argv
    hours = 1 if quick else 24
    vec_env = make_vec_env("ODCSat-v0", n_envs=4 if quick else 16, seed=0, env_kwargs={"episode_hours": hours})
    model = PPO(
        "MlpPolicy",
        vec_env,
        n_steps=12 if quick else 96,
        batch_size=48 if quick else 256,
        n_epochs=2 if quick else 10,
        gamma=0.999,  # work that begins now pays hours later
        policy_kwargs={"log_std_init": -2.0},  # little noise around the first policy, which is the zero action
        seed=0,
    )
    model.learn(total_timesteps=96 if quick else 30_000)
    model.save("ppo")

    env = gym.make("odc_gym:ODCSat-v0", episode_hours=hours)
    episodes = range(20_000, 20_002 if quick else 20_010)
    trained = [
        odc_gym.run_episode(env, lambda seen: model.predict(seen, deterministic=True)[0], seed=seed).score
        for seed in episodes
    ]
    zero = [odc_gym.run_episode(env, "zero", seed=seed).score for seed in episodes]
    print(f"PPO {np.mean(trained):.2f}, zero {np.mean(zero):.2f}: mean scores of {len(zero)} episodes of {hours} h")


if __name__ == "__main__":
    main()

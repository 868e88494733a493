"""Environments for Gymnasium and stable-baselines3, thin adapters over one simulator.

`ODCSatEnv` is the single environment and `ODCSatVectorEnv` the native batch of Gymnasium; `odc_gym.envs.sb3` holds the
batch of stable-baselines3. Users make them by id or by `odc_gym.sb3.make_vec_env`:

    import gymnasium as gym
    env = gym.make("odc_gym:ODCSat-v0", episode_hours=2)
    observation, info = env.reset(seed=0)
    observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
"""

from odc_gym.envs.env import ODCSatEnv
from odc_gym.envs.vector import ODCSatVectorEnv

__all__ = ["ODCSatEnv", "ODCSatVectorEnv"]

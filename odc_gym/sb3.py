"""Vectorised environments for the algorithms of stable-baselines3.

    from odc_gym.sb3 import make_vec_env
    env = make_vec_env("ODCSat-v0", n_envs=64, seed=0)

The module needs the extra `rl` of the package; importing `odc_gym` does not load it.
"""

from odc_gym.envs.sb3 import ODCSatVecEnv, make_vec_env

__all__ = ["ODCSatVecEnv", "make_vec_env"]

"""odc-gym: a Gymnasium environment for scheduling AI compute on a constellation of orbital data-centre satellites.

    import gymnasium as gym
    import odc_gym
    env = gym.make("ODCSat-v0")
    episode = odc_gym.run_episode(env, "sun-aware", seed=0)
    print(episode.score)

The import registers the environment `ODCSat-v0`. It loads nothing heavy: public names are loaded at their first use
(PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import gymnasium

if TYPE_CHECKING:
    from odc_gym.envs.env import ODCSatEnv
    from odc_gym.envs.forks import fork
    from odc_gym.envs.vector import ODCSatVectorEnv
    from odc_gym.episodes import run_episode
    from odc_gym.scenario import Scenario

__version__ = "0.1.0.dev0"
__all__ = ["ODCSatEnv", "ODCSatVectorEnv", "Scenario", "__version__", "fork", "run_episode"]

_MODULES = {
    "ODCSatEnv": "odc_gym.envs.env",
    "ODCSatVectorEnv": "odc_gym.envs.vector",
    "Scenario": "odc_gym.scenario",
    "fork": "odc_gym.envs.forks",
    "run_episode": "odc_gym.episodes",
}
_ENV_ID = "ODCSat-v0"

if _ENV_ID not in gymnasium.registry:
    gymnasium.register(
        id=_ENV_ID,
        entry_point="odc_gym.envs.env:ODCSatEnv",
        vector_entry_point="odc_gym.envs.vector:ODCSatVectorEnv",
        max_episode_steps=None,  # the environment truncates itself
    )


def __getattr__(name: str) -> Any:
    """Load a public name at its first use."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'odc_gym' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

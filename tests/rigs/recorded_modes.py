"""Recordings of random actions in each action mode."""

from odc_gym.envs import ODCSatEnv
from odc_gym.recording import Recorder


def recorded_in(action_mode, hours=2):
    """A recording of random actions of a mode."""
    env = ODCSatEnv("starter12", action_mode=action_mode, episode_hours=hours)
    env.reset(seed=20_000)
    env.action_space.seed(0)
    recorder = Recorder(env, agent=action_mode)
    recorder.begin()
    while not recorder.complete:
        env.step(env.action_space.sample())
    return recorder.finish()

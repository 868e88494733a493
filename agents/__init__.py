"""Schedulers that operate the fleet: rules and trained policies, one file each.

A class under `@scheduler("name")` is a scheduler. The file may lie in this folder or anywhere else:

    import gymnasium as gym
    from odc_gym.agents import make_scheduler
    env = gym.make("odc_gym:ODCSat-v0", episode_hours=2)
    env.reset(seed=20_000)
    scheduler = make_scheduler("sun-aware", env)  # or the path of a file, or the folder of a training run
    env.step(scheduler.act(env.unwrapped.view)[0])
"""

from odc_gym.agents._identity import scheduler_identity
from odc_gym.agents._parameters import number, split_names
from odc_gym.agents.base import (
    Description,
    Requirements,
    Scheduler,
    describe,
    rule_names,
    scheduler,
    scheduler_descriptions,
    scheduler_names,
)
from odc_gym.agents.resolver import SchedulerFactory, make_scheduler, scheduler_factory, teacher_factory

__all__ = [
    "Description",
    "Requirements",
    "Scheduler",
    "SchedulerFactory",
    "describe",
    "make_scheduler",
    "number",
    "rule_names",
    "scheduler",
    "scheduler_descriptions",
    "scheduler_factory",
    "scheduler_identity",
    "scheduler_names",
    "split_names",
    "teacher_factory",
]

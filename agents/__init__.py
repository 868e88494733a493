"""Schedulers: rules and learned policies that operate the fleet, one file each.

Adding one takes one file in this folder with a class under `@scheduler("name")`.
"""

from odc_gym.agents._identity import scheduler_identity
from odc_gym.agents._parameters import number, split_names
from odc_gym.agents.base import (
    Requirements,
    Scheduler,
    SchedulerFactory,
    make_scheduler,
    scheduler,
    scheduler_factory,
    scheduler_names,
    scheduler_parameters,
    scheduler_rules,
)

__all__ = [
    "Requirements",
    "Scheduler",
    "SchedulerFactory",
    "make_scheduler",
    "number",
    "scheduler",
    "scheduler_factory",
    "scheduler_identity",
    "scheduler_names",
    "scheduler_parameters",
    "scheduler_rules",
    "split_names",
]

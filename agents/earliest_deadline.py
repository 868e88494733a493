"""Scheduler that serves the queue by deadline."""

from __future__ import annotations

from typing import ClassVar

from odc_gym.agents.base import Requirements, scheduler
from odc_gym.agents.zero import Zero


@scheduler("earliest-deadline")
class EarliestDeadline(Zero):
    """Scheduler that serves the queue by deadline, the earliest first.

    The value of a job does not count. The environment decides all else: least loaded satellite, sustainable clocks.

    Controls: the order of the queue.
    """

    requires: ClassVar[Requirements] = {"overrides": {"dispatch.order": "edf"}}

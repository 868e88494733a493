"""Scheduler that serves the queue by arrival."""

from __future__ import annotations

from typing import ClassVar

from odc_gym.agents.base import Requirements, scheduler
from odc_gym.agents.zero import Zero


@scheduler("first-come")
class FirstCome(Zero):
    """Scheduler that serves the queue in order of arrival.

    Value and deadline of a job do not count. The environment decides all else: least loaded satellite, sustainable
    clocks.

    Controls: the order of the queue.
    """

    requires: ClassVar[Requirements] = {"overrides": {"dispatch.order": "fcfs"}}

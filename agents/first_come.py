"""Serve in order of arrival."""

from __future__ import annotations

from typing import ClassVar

from odc_gym.agents.base import Requirements, scheduler
from odc_gym.agents.zero import Zero


@scheduler("first-come")
class FirstCome(Zero):
    """Serves the queue in order of arrival, whatever a job is worth or when it is due.

    All else is left to the environment: least loaded satellite, sustainable clocks.
    """

    requires: ClassVar[Requirements] = {"overrides": {"dispatch.order": "fcfs"}}

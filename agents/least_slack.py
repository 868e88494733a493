"""Scheduler that serves the queue by slack."""

from __future__ import annotations

from typing import ClassVar

from odc_gym.agents.base import Requirements, scheduler
from odc_gym.agents.zero import Zero


@scheduler("least-slack")
class LeastSlack(Zero):
    """Scheduler that serves the queue by slack, the least first.

    Slack is the time to the deadline less the estimated rest of the work. The environment decides all else: least
    loaded satellite, sustainable clocks.

    Controls: the order of the queue.
    """

    requires: ClassVar[Requirements] = {"overrides": {"dispatch.order": "least-slack"}}

"""Serve what can wait least."""

from __future__ import annotations

from typing import ClassVar

from odc_gym.agents.base import Requirements, scheduler
from odc_gym.agents.zero import Zero


@scheduler("least-slack")
class LeastSlack(Zero):
    """Serves the queue by slack, the least first: time to the deadline less the estimated rest of the work.

    All else is left to the environment: least loaded satellite, sustainable clocks.
    """

    requires: ClassVar[Requirements] = {"overrides": {"dispatch.order": "least-slack"}}

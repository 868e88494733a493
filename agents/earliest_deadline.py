"""Serve what is due first."""

from __future__ import annotations

from typing import ClassVar

from odc_gym.agents.base import Requirements, scheduler
from odc_gym.agents.zero import Zero


@scheduler("earliest-deadline")
class EarliestDeadline(Zero):
    """Serves the queue by deadline, the earliest first, whatever a job is worth.

    All else is left to the environment: least loaded satellite, sustainable clocks.
    """

    requires: ClassVar[Requirements] = {"overrides": {"dispatch.order": "edf"}}

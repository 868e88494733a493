"""Scheduler that keeps some satellites empty for wide jobs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._parameters import number
from odc_gym.agents.base import scheduler
from odc_gym.agents.sun_aware import SunAware, SunAwareParameters
from odc_gym.scenario import JobClass, ServiceClass
from odc_gym.scenario.sizes import mean_of

if TYPE_CHECKING:
    from odc_gym.scenario import Scenario
    from odc_gym.simulator.view import View


@dataclass(frozen=True)
class GangAwareParameters:
    """Parameters, chosen on validation episodes."""

    budget: SunAwareParameters = field(default_factory=SunAwareParameters)
    closed_bid: float = number(-0.6, -1.0, 1.0, "bid that closes a satellite to new work without draining it")
    open_bid: float = number(-0.4, -1.0, 1.0, "bid that makes a satellite the last resort of narrow jobs")
    narrow_urgency: float = number(-0.5, -1.0, 1.0, "urgency of classes without wide jobs")


@scheduler("gang-aware", GangAwareParameters)
class GangAware(SunAware):
    """Scheduler that is `sun-aware`, and keeps satellites free for wide jobs.

    It reserves the share of satellites that wide jobs need. A reserved satellite opens to classes with such jobs while
    half of it is free, so that the oldest wide job gets it once it is empty, and to services while they wait.

    Controls: placement, clocks, urgency.
    """

    def __init__(self, view: View, parameters: GangAwareParameters | None = None) -> None:
        """Choose the reserved satellites, spread over the fleet, by the offered work of the scenario."""
        self.gang_parameters = parameters or GangAwareParameters()
        super().__init__(view, self.gang_parameters.budget)
        share, self._wide = wide_job_share(view.scenario, view.class_names, float(view.design["accelerators"].max()))
        count = round(share * view.satellites)
        self._reserved = np.zeros(view.satellites, dtype=np.bool_)
        self._reserved[np.arange(count) * view.satellites // max(count, 1)] = True
        has_jobs = {str(name): isinstance(work, JobClass) for name, work in view.scenario.workload.classes.items()}
        self._has_jobs = np.array([has_jobs[name] for name in view.class_names])

    def act(self, view: View) -> NDArray[Any]:
        """Replace the bids of `sun-aware` on reserved satellites, and lower the urgency of narrow classes, (B, A)."""
        actions = super().act(view)
        if not self._reserved.any():
            return actions
        half_free = view.observation["free"] >= 0.5 * view.design["accelerators"]
        waiting_service = ~self._has_jobs & (view.observation["waiting_work_s"] > 0.0)
        opened = (half_free[:, None, :] & self._wide[:, None]) | waiting_service[:, :, None]
        bids = view.layout.bids(actions)
        bids[:] = np.where(
            self._reserved, np.where(opened, self.gang_parameters.open_bid, self.gang_parameters.closed_bid), bids
        )
        view.layout.urgency(actions)[:, self._has_jobs & ~self._wide] = self.gang_parameters.narrow_urgency
        return actions


def wide_job_share(
    scenario: Scenario, class_names: tuple[str, ...], accelerators: float
) -> tuple[float, NDArray[np.bool_]]:
    """Compute the share of offered work in jobs wider than half a satellite, and which classes have such jobs, (C,).

    Args:
        scenario: scenario with the statistics of its classes; the mean duration neglects cuts, and is the same for all
            widths.
        class_names: names along the class axis.
        accelerators: accelerators of one satellite.
    """
    offered, wide = np.zeros(len(class_names)), np.zeros(len(class_names))
    for name, work in scenario.workload.classes.items():
        c = class_names.index(name)
        if isinstance(work, ServiceClass):
            offered[c] = work.output_tokens_per_min / 60.0 * work.accelerator_ms_per_token / 1000.0
            continue
        if work.sizes is not None:
            mean_h = mean_of(work.sizes.duration_h)
        elif work.duration_h is not None:
            mean_h = work.duration_h.median * math.exp(0.5 * work.duration_h.sigma**2)  # of a lognormal
        by_width = {width: work.jobs_per_h * mean_h * width * share for width, share in work.width.items()}
        offered[c] = sum(by_width.values())
        wide[c] = sum(amount for width, amount in by_width.items() if width > accelerators / 2)
    return float(wide.sum() / offered.sum()), wide > 0.0

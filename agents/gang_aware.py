"""Keep some satellites whole for wide jobs."""

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
    """Numbers of the rule, chosen on validation episodes."""

    budget: SunAwareParameters = field(default_factory=SunAwareParameters)
    closed_bid: float = number(-0.6, -1.0, 1.0)  # closes a satellite to new work, drains nothing
    open_bid: float = number(-0.4, -1.0, 1.0)  # the last resort of narrow jobs
    narrow_urgency: float = number(-0.5, -1.0, 1.0)  # of classes without wide jobs


@scheduler("gang-aware", GangAwareParameters)
class GangAware(SunAware):
    """Runs satellites like `sun-aware`, but keeps the share of them that wide jobs need for classes with such jobs.

    A kept satellite opens to those classes while half of it is free, so that the oldest wide job gets it once it is
    empty, and to services while they wait.
    """

    def __init__(self, view: View, parameters: GangAwareParameters | None = None) -> None:
        """Chooses the kept satellites, spread over the fleet, from the scenario's offered work."""
        self.rule = parameters or GangAwareParameters()
        super().__init__(view, self.rule.budget)
        share, self._wide = wide_work(view.scenario, view.class_names, float(view.design["accelerators"].max()))
        count = round(share * view.satellites)
        self._kept = np.zeros(view.satellites, dtype=np.bool_)
        self._kept[np.arange(count) * view.satellites // max(count, 1)] = True
        kinds = {str(name): isinstance(work, JobClass) for name, work in view.scenario.workload.classes.items()}
        self._jobs = np.array([kinds[name] for name in view.class_names])

    def act(self, view: View) -> NDArray[Any]:
        """Actions of `sun-aware` with the bids of kept satellites replaced and narrow classes less urgent, (B, A)."""
        actions = super().act(view)
        if not self._kept.any():
            return actions
        half_free = view.observation["free"] >= 0.5 * view.design["accelerators"]
        waits = ~self._jobs & (view.observation["waiting_work_s"] > 0.0)
        opened = (half_free[:, None, :] & self._wide[:, None]) | waits[:, :, None]
        bids = view.layout.bids(actions)
        bids[:] = np.where(self._kept, np.where(opened, self.rule.open_bid, self.rule.closed_bid), bids)
        view.layout.urgency(actions)[:, self._jobs & ~self._wide] = self.rule.narrow_urgency
        return actions


def wide_work(scenario: Scenario, class_names: tuple[str, ...], accelerators: float) -> tuple[float, NDArray[np.bool_]]:
    """Share of the offered work in jobs wider than half a satellite, and which classes have such jobs, (C,).

    Args:
        scenario: with the statistics of its classes; durations are taken as if none were cut, and alike for all
            widths.
        class_names: names along the class axis.
        accelerators: of one satellite.
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
        wide[c] = sum(part for width, part in by_width.items() if width > accelerators / 2)
    return float(wide.sum() / offered.sum()), wide > 0.0

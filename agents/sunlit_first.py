"""Scheduler that moves work into sunlight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._clocks import class_utilisations, clock_request_for_power, heat_budget_w, sunlit_power_w
from odc_gym.agents._parameters import number
from odc_gym.agents._placement import LAST_BID, ranked_bids
from odc_gym.agents.base import scheduler
from odc_gym.scenario import JobClass

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@dataclass(frozen=True)
class SunlitFirstParameters:
    """Parameters about shadow, chosen on validation episodes; see docs/schedulers.md."""

    shadow_bid: float = number(
        LAST_BID, -1.0, 0.0, "bid in shadow for movable work; -0.6 keeps it out of shadow, -0.9 also stops it there"
    )
    full_frac: float = number(0.85, 0.0, 1.0, "target of the charge at the end of sunlight")


@scheduler("sunlit-first", SunlitFirstParameters)
class SunlitFirst:
    """Scheduler that places and moves work to where light lasts longest.

    Movable work leaves shadow when lit satellites are free. In light a satellite uses the array output beyond that
    needed to recharge before the next eclipse, limited by heat; in shadow it runs at its sustainable clock.

    Controls: placement, moves, clocks.

    Source: after Phoenix, sunlight-aware scheduling of edge tasks, arXiv 2407.07337.
    """

    def __init__(self, view: View, parameters: SunlitFirstParameters | None = None) -> None:
        """Store the parameters and which classes are movable; the scheduler is stateless."""
        self.parameters = parameters or SunlitFirstParameters()
        self._utilisation = class_utilisations(view)
        classes = {str(name): work_class for name, work_class in view.scenario.workload.classes.items()}
        ordered = [classes[name] for name in view.class_names]
        self._movable = np.array([isinstance(work, JobClass) and work.movable for work in ordered])

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """Do nothing: this scheduler is stateless."""

    def act(self, view: View) -> NDArray[Any]:
        """Bid by the light ahead, request clocks for the usable light; all other values are 0, (B, A)."""
        crossing_s = view.forecast["time_to_crossing_s"]  # positive in light, negative in shadow
        lit = crossing_s > 0.0
        ranked = ranked_bids(view, crossing_s)
        # raised so that the last lit satellite bids 0, like a satellite without preference
        movable_bids = np.where(lit, np.minimum(ranked - LAST_BID, 1.0), self.parameters.shadow_bid)
        power_w = np.minimum(self._usable_light_w(view), heat_budget_w(view))
        actions = view.layout.zeros(view.num_envs)
        view.layout.bids(actions)[:] = np.where(self._movable[:, None], movable_bids[:, None, :], ranked[:, None, :])
        view.layout.clocks(actions)[:] = np.where(lit, clock_request_for_power(view, power_w, self._utilisation), 0.0)
        return actions

    def _usable_light_w(self, view: View) -> NDArray[Any]:
        """Compute the compute power that sunlight leaves beside a constant charge up to `full_frac`, (B, S) [W]."""
        design = view.design
        missing_j = np.maximum(self.parameters.full_frac - view.observation["charge_frac"], 0.0) * design["capacity_j"]
        left_s = np.clip(view.forecast["time_to_crossing_s"], view.decision_period_s, design["period_s"])
        charging_w = np.minimum(missing_j / (design["eta_charge"] * left_s), design["rate_charge_w"])
        return np.asarray((sunlit_power_w(view) - charging_w) * design["eta_pcdu"] - design["bus_w"])

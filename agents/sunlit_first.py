"""Follow the Sun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.agents._clocks import heat_budget_w, lit_power_w, request_power, utilisations
from odc_gym.agents._parameters import number
from odc_gym.agents._placement import LAST_BID, ranked_bids
from odc_gym.agents.base import scheduler
from odc_gym.scenario import JobClass

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


@dataclass(frozen=True)
class SunlitFirstParameters:
    """How the rule treats shadow, chosen on validation episodes; see docs/schedulers.md."""

    shadow_bid: float = number(LAST_BID, -1.0, 0.0)  # of work that can move; -0.6 keeps it out of shadow, -0.9 ends it
    full_frac: float = number(0.85, 0.0, 1.0)  # charge that is wanted when light ends


@scheduler("sunlit-first", SunlitFirstParameters)
class SunlitFirst:
    """Places work where light lasts longest, and moves what can move from shadow to light as room appears there.

    In light a satellite spends, within what heat allows, what its array gives beyond refilling the battery before the
    next eclipse; in shadow it runs at its sustainable clock.

    Source: after Phoenix, sunlight-aware scheduling of edge tasks, arXiv 2407.07337.
    """

    def __init__(self, view: View, parameters: SunlitFirstParameters | None = None) -> None:
        """Keeps its parameters and what the classes are; a rule without memory."""
        self.parameters = parameters or SunlitFirstParameters()
        self._utilisation = utilisations(view)
        kinds = {str(name): work for name, work in view.scenario.workload.classes.items()}
        works = [kinds[name] for name in view.class_names]
        self._movable = np.array([isinstance(work, JobClass) and work.movable for work in works])

    def reset(self, view: View, mask: NDArray[np.bool_], seeds: NDArray[np.int64]) -> None:
        """It remembers nothing."""

    def act(self, view: View) -> NDArray[Any]:
        """Bids by light to come, clock requests by light to spend, all else 0, (B, A)."""
        crossing_s = view.forecast["time_to_crossing_s"]  # falls from the longest light over none to the longest shadow
        lit = crossing_s > 0.0
        ranked = ranked_bids(view, crossing_s)
        # raised such that the last of the lit bids what a satellite without preference does
        followed = np.where(lit, np.minimum(ranked - LAST_BID, 1.0), self.parameters.shadow_bid)
        power_w = np.minimum(self._light_to_spend_w(view), heat_budget_w(view))
        actions = view.layout.zeros(view.num_envs)
        view.layout.bids(actions)[:] = np.where(self._movable[:, None], followed[:, None, :], ranked[:, None, :])
        view.layout.clocks(actions)[:] = np.where(lit, request_power(view, power_w, self._utilisation), 0.0)
        return actions

    def _light_to_spend_w(self, view: View) -> NDArray[Any]:
        """Compute power that array output in sunlight leaves after a constant charge up to `full_frac`, (B, S) [W]."""
        design = view.design
        missing_j = np.maximum(self.parameters.full_frac - view.observation["charge_frac"], 0.0) * design["capacity_j"]
        left_s = np.clip(view.forecast["time_to_crossing_s"], view.decision_period_s, design["period_s"])
        charging_w = np.minimum(missing_j / (design["eta_charge"] * left_s), design["rate_charge_w"])
        return np.asarray((lit_power_w(view) - charging_w) * design["eta_pcdu"] - design["bus_w"])

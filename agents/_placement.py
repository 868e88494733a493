"""Bids that rank the satellites by preference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

LAST_BID = -0.4  # of the least preferred satellite when it is empty; above the bid that closes it


def load_term(view: View) -> NDArray[Any]:
    """Compute the load term that the dispatcher subtracts from a bid for busy accelerators, (B, S)."""
    busy = view.observation["running"].sum(1)
    working = busy + view.observation["free"]  # without failed accelerators
    return np.asarray(view.scenario.dispatch.load_weight * busy / np.maximum(working, 1.0))


def ranked_bids(view: View, preference: NDArray[Any]) -> NDArray[Any]:
    """Compute bids that send a job to the feasible satellite of the highest preference, however busy it is, (B, S).

    The bids cancel the current load term and fall in even steps. Later work of the same decision sees the accelerators
    of the first job as busy and takes the next satellites in the order. No satellite closes. All bids less load lie
    within 0.4, so no running job moves at the default migration margin. Bids are at most 1, so a load weight above 1 is
    cancelled only up to that bid.

    Args:
        view: view of the environments.
        preference: (B, S), higher is better; equal preferences keep the order of the satellites.
    """
    order = np.argsort(-preference, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(view.satellites)[None], axis=1)
    step = LAST_BID / max(view.satellites - 1, 1)
    return np.asarray(np.minimum(load_term(view) + step * rank, 1.0))

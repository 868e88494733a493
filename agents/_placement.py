"""Bids that put satellites into an order of preference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from odc_gym.simulator.view import View

LAST_BID = -0.4  # of the least preferred satellite when it is empty: clear of the bid that closes it


def load_term(view: View) -> NDArray[Any]:
    """What the dispatcher takes off a bid for the accelerators that are busy now, (B, S); adding it cancels it."""
    held = view.observation["running"].sum(1)
    living = held + view.observation["free"]  # some may have failed
    return np.asarray(view.scenario.dispatch.load_weight * held / np.maximum(living, 1.0))


def ranked_bids(view: View, preference: NDArray[Any]) -> NDArray[Any]:
    """Bids by which a job goes to the feasible satellite of the highest preference, however busy it is, (B, S).

    The load of the moment is cancelled, and steps are even: work of the same decision that comes after a job sees its
    accelerators busy and goes on to the next satellites in the order. No satellite closes, and, because all bids less
    load lie within 0.4, no running job moves at the default migration margin. Bids end at 1, so that a load weight
    above 1 is cancelled only up to there.

    Args:
        view: what the agents see.
        preference: (B, S), higher is better; equal ones keep the order of the satellites.
    """
    order = np.argsort(-preference, axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(view.satellites)[None], axis=1)
    step = LAST_BID / max(view.satellites - 1, 1)
    return np.asarray(np.minimum(load_term(view) + step * place, 1.0))

"""Random arrivals about a mean rate: Cox processes, Markov-modulated Poisson processes, and clients.

`draw_arrivals` draws the instants of a process. `fluid_approximation` returns its random rate instead, for demand that
consists of very many requests.

    from datetime import UTC, datetime

    from odc_gym.scenario import Scenario
    from odc_gym.workload.arrivals import draw_arrivals
    from odc_gym.workload.streams import Period

    start = datetime(2027, 3, 1, tzinfo=UTC)
    period = Period(Scenario.load("starter12").workload, seed=1, start=start, before_s=0.0, after_s=3600.0)
    print(draw_arrivals(None, "batch", per_h=60.0, period=period))
"""

from __future__ import annotations

import numpy as np

from odc_gym.scenario import Arrivals, ClientArrivals, CoxArrivals, MmppArrivals
from odc_gym.workload.arrivals import clients, cox, mmpp
from odc_gym.workload.jobs import Floats
from odc_gym.workload.streams import Period

__all__ = ["draw_arrivals", "fluid_approximation"]


def draw_arrivals(arrivals: Arrivals | None, name: str, per_h: float, period: Period) -> Floats:
    """Draw the arrivals in the whole hours that cover a period, from its start [s]: (N,), in no order.

    Args:
        arrivals: the process; None takes the workload's own, a Cox process.
        name: class whose streams are used.
        per_h: mean rate [1/h].
        period: period of the draw.
    """
    match arrivals:
        case MmppArrivals():
            return mmpp.draw(arrivals, name, per_h, period)
        case ClientArrivals():
            return clients.draw(arrivals, name, per_h, period)
        case _:
            return cox.draw(arrivals or CoxArrivals(kind="cox"), name, per_h, period)


def fluid_approximation(arrivals: Arrivals, name: str, period: Period, edge_s: Floats) -> tuple[Floats, float]:
    """Return the expected arrivals between edges given the random rate, and the dispersion of counts about them.

    Args:
        arrivals: the process; cron of a Cox process is ignored, and all its arrivals follow the random rate.
        name: class whose streams are used.
        period: period of the draw.
        edge_s: (K + 1,) edges from the start [s], within the period's whole hours.

    Returns:
        (K,) expected arrivals over their mean, and variance over mean of counts given these.
    """
    match arrivals:
        case MmppArrivals():
            at_s, rate = mmpp.draw_state_path(arrivals, name, period)
            scatter = 1.0
        case ClientArrivals():
            at_s, per_client = clients.client_rates(arrivals, name, period)
            rate, scatter = per_client.sum(0), clients.dispersion(arrivals)
        case CoxArrivals():
            begin_s, rate = cox.rate_factors(arrivals, name, period)
            at_s, scatter = np.append(begin_s, begin_s[-1] + cox.BIN_S), cox.dispersion(arrivals)
    passed = np.concatenate([[0.0], np.cumsum(rate * np.diff(at_s))])
    return np.asarray(np.diff(np.interp(edge_s, at_s, passed)) / np.diff(edge_s), np.float64), scatter

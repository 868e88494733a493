"""Fit of clients: how unequal their shares are, how their rates change from window to window, and their gaps."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from odc_gym.constants import HOUR_S
from odc_gym.scenario import ClientArrivals
from odc_gym.trace_fits.cox import profile_of, week_of, weekend_of
from odc_gym.trace_fits.part import CLIENT_WINDOW_S, Floats, Part
from odc_gym.workload.arrivals.clients import shares_of

MOST_CLIENTS = 200
STEEPEST = 5.0
LONGEST = 0.995  # memory
HOUR = np.arange(1, round(HOUR_S / CLIENT_WINDOW_S))  # lags of windows within an hour
UNCHANGED: Floats = np.ones(2)


def fit_clients(part: Part, factor: Floats = UNCHANGED) -> ClientArrivals:
    """Clients whose shares, rate factors and gaps are those observed: eleven numbers with the rate.

    The exponent of the shares is that for which the sum of their squares is as observed. Variance and memory of the
    rate factor are those of the sum of all clients about profile and week, brought to one client: clients are
    independent in the model, so what real ones have in common is put into each. Gaps count by requests.

    Args:
        part: with the counts of its clients.
        factor: on the dispersions at 600 and 3600 s, (2,).
    """
    each = part.clients
    assert each is not None  # the caller has looked
    total, mean = each.sum(0), each.mean(1)
    clients = min(int((mean > 0).sum()), MOST_CLIENTS)
    aim = float(((mean / mean.sum()) ** 2).sum())
    zipf = round(_exponent(clients, aim), 4)
    together = float((shares_of(clients, zipf) ** 2).sum())
    profile, weekend = profile_of(part, part.counts), weekend_of(part, part.counts)
    hour = (part.begin_s + CLIENT_WINDOW_S * (np.arange(total.size) + 0.5)) / HOUR_S + 24 * (part.weekday or 0)
    fixed = week_of(profile, weekend, hour)
    excess = total / total.mean() / fixed - 1
    variance = max(float(excess.var()) - part.client_gap_cv**2 / float(total.mean()), 0.0)
    memory = float((excess[1:] * excess[:-1]).mean()) / variance if variance > 0 else 0.0
    return ClientArrivals(
        kind="clients",
        number=clients,
        zipf=zipf,
        gap_cv=round(part.client_gap_cv, 4),
        window_s=CLIENT_WINDOW_S,
        rate_variance=round(float(factor[0]) * variance / together, 5),
        ar=round(_raised(min(max(memory, 0.0), LONGEST), float(factor[1] / factor[0])), 4),
        profile=profile,
        weekend=weekend,
    )


def _exponent(clients: int, aim: float) -> float:
    """The exponent for which the squares of the shares sum to a given number."""

    def excess(zipf: float) -> float:
        return float((shares_of(clients, zipf) ** 2).sum()) - aim

    if excess(0.0) >= 0:
        return 0.0
    return float(brentq(excess, 0.0, STEEPEST)) if excess(STEEPEST) > 0 else STEEPEST


def _raised(memory: float, factor: float) -> float:
    """The memory for which an hour scatters, beside a window, by a factor more than with a given one."""

    def beside_a_window(ar: float) -> float:
        return 1 + 2 * float(((1 - HOUR / (HOUR.size + 1)) * ar**HOUR).sum())

    aim = factor * beside_a_window(memory)
    if aim <= beside_a_window(0.0):
        return 0.0
    if aim >= beside_a_window(LONGEST):
        return LONGEST
    return float(brentq(lambda ar: beside_a_window(ar) - aim, 0.0, LONGEST))

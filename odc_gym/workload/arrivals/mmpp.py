"""Arrivals of a Markov-modulated Poisson process: the rate jumps between the states of a Markov chain.

Source of the closed forms: Fischer and Meier-Hellstern, "The Markov-modulated Poisson process (MMPP) cookbook",
Performance Evaluation 18 (1993).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from odc_gym.constants import HOUR_S
from odc_gym.scenario import MmppArrivals
from odc_gym.workload.arrivals.operational import arrivals_in_clock_time
from odc_gym.workload.jobs import Floats
from odc_gym.workload.streams import Period, Purpose, class_stream

BLOCK = 256  # pairs of random numbers that are drawn at a time


def generator_matrix(arrivals: MmppArrivals) -> Floats:
    """Return the generator matrix of the Markov chain, (M, M) [1/s]; its rows sum to 0."""
    q: Floats = np.array(arrivals.switch_per_s, np.float64)
    np.fill_diagonal(q, 0.0)
    np.fill_diagonal(q, -q.sum(1))
    return q


def stationary(arrivals: MmppArrivals) -> Floats:
    """Return the share of time in each state, (M,): the solution of p Q = 0 that sums to 1."""
    q = generator_matrix(arrivals)
    system = np.vstack([q.T, np.ones(len(q))])
    share = np.linalg.lstsq(system, np.append(np.zeros(len(q)), 1.0), rcond=None)[0]
    return np.asarray(np.maximum(share, 0.0) / np.maximum(share, 0.0).sum(), np.float64)


def relative_rates(arrivals: MmppArrivals) -> Floats:
    """Return the rates of the states over the mean rate, (M,)."""
    rates = np.array(arrivals.rates, np.float64)
    return np.asarray(rates / (stationary(arrivals) @ rates), np.float64)


def dispersion(arrivals: MmppArrivals, per_s: float, window_s: Floats) -> Floats:
    """Return the variance over mean of the arrivals in windows of given lengths.

    Let C(u) be the autocovariance of the rate. The variance of a count is its mean plus 2 times the integral of
    (t - u) C(u) from 0 to t. C is a sum of exponentials, one for each nonzero eigenvalue of the generator matrix.

    Args:
        arrivals: the process.
        per_s: mean rate [1/s].
        window_s: (W,) lengths [s].

    Returns:
        (W,) indices of dispersion.
    """
    rates, share = relative_rates(arrivals) * per_s, stationary(arrivals)
    decay, vectors = np.linalg.eig(generator_matrix(arrivals).astype(complex))
    weight = ((share * rates) @ vectors) * np.linalg.solve(vectors, rates.astype(complex))
    nonzero = np.abs(decay) > 1e-12 * np.abs(decay).max()  # the eigenvalue 0 belongs to the squared mean
    t = np.asarray(window_s, np.float64)[:, None]
    x = decay[nonzero] * t
    variance = 2 * (weight[nonzero] * (np.expm1(x) - x) / decay[nonzero] ** 2).sum(1).real
    return np.asarray(1 + variance / (per_s * t[:, 0]), np.float64)


def draw_state_path(arrivals: MmppArrivals, name: str, period: Period) -> tuple[Floats, Floats]:
    """Draw the path of states in the whole hours that cover a period.

    Returns:
        (K + 1,) instants of the jumps with both ends [s], and (K,) rates between them over the mean.
    """
    begin_s = -math.ceil(period.before_s / HOUR_S) * HOUR_S
    end_s = math.ceil(period.after_s / HOUR_S) * HOUR_S
    q, relative = generator_matrix(arrivals), relative_rates(arrivals)
    cumulative_rates = np.cumsum(np.where(q > 0, q, 0.0), axis=1)
    uniform = _uniform(class_stream(period.seed, Purpose.STATES, name))
    state = _choose_state(np.cumsum(stationary(arrivals)), next(uniform)[1])
    edge_s, rates = [begin_s], []
    while edge_s[-1] < end_s:
        wait, where = next(uniform)
        rates.append(relative[state])
        edge_s.append(edge_s[-1] - math.log1p(-wait) / cumulative_rates[state, -1])
        state = _choose_state(cumulative_rates[state], where)
    edge_s[-1] = end_s
    return np.array(edge_s), np.array(rates)


def _uniform(rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Yield pairs of uniform numbers, drawn in blocks."""
    while True:
        yield from rng.random((BLOCK, 2)).tolist()


def _choose_state(cumulative: Floats, uniform: float) -> int:
    """Return the state that a uniform number chooses by cumulative weights."""
    return int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))


def draw(arrivals: MmppArrivals, name: str, per_h: float, period: Period) -> Floats:
    """Draw the arrivals in the whole hours that cover a period [s]: (N,), in order.

    Args:
        arrivals: the process.
        name: class whose streams are used.
        per_h: mean rate [1/h].
        period: period of the draw.
    """
    edge_s, relative = draw_state_path(arrivals, name, period)
    gaps = class_stream(period.seed, Purpose.TIMES, name)
    return arrivals_in_clock_time(gaps.standard_exponential, edge_s, relative * (per_h / HOUR_S) * np.diff(edge_s))

"""Arrivals of a Markov-modulated Poisson process: the rate jumps between states.

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

BLOCK = 256


def generator_matrix(arrivals: MmppArrivals) -> Floats:
    """Matrix of the rates of jumps, (M, M) [1/s]; rows sum to 0."""
    q: Floats = np.array(arrivals.switch_per_s, np.float64)
    np.fill_diagonal(q, 0.0)
    np.fill_diagonal(q, -q.sum(1))
    return q


def stationary(arrivals: MmppArrivals) -> Floats:
    """Share of time spent in each state, (M,): the solution of p Q = 0 that sums to 1."""
    q = generator_matrix(arrivals)
    system = np.vstack([q.T, np.ones(len(q))])
    share = np.linalg.lstsq(system, np.append(np.zeros(len(q)), 1.0), rcond=None)[0]
    return np.asarray(np.maximum(share, 0.0) / np.maximum(share, 0.0).sum(), np.float64)


def relative_rates(arrivals: MmppArrivals) -> Floats:
    """Rates of the states over the mean rate, (M,)."""
    rates = np.array(arrivals.rates, np.float64)
    return np.asarray(rates / (stationary(arrivals) @ rates), np.float64)


def dispersion(arrivals: MmppArrivals, per_s: float, window_s: Floats) -> Floats:
    """Variance over mean of the arrivals in windows of given lengths.

    With C(u) the autocovariance of the rate, the variance of a count is its mean plus 2 times the integral of
    (t - u) C(u) from 0 to t; C is a sum of exponentials, of the eigenvalues of the matrix of jumps.

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
    nonzero = np.abs(decay) > 1e-12 * np.abs(decay).max()  # the eigenvalue 0 is the mean, squared
    t = np.asarray(window_s, np.float64)[:, None]
    x = decay[nonzero] * t
    variance = 2 * (weight[nonzero] * (np.expm1(x) - x) / decay[nonzero] ** 2).sum(1).real
    return np.asarray(1 + variance / (per_s * t[:, 0]), np.float64)


def draw_state_path(arrivals: MmppArrivals, name: str, period: Period) -> tuple[Floats, Floats]:
    """The states that a period goes through, whole hours around its start.

    Returns:
        (K + 1,) instants between which the state is one [s], and (K,) its rate over the mean.
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
    while True:
        yield from rng.random((BLOCK, 2)).tolist()


def _choose_state(cumulative: Floats, uniform: float) -> int:
    return int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))


def draw(arrivals: MmppArrivals, name: str, per_h: float, period: Period) -> Floats:
    """Arrivals of whole hours around the start, in order [s]: (N,).

    Args:
        arrivals: the shape.
        name: of the class, for its streams.
        per_h: mean rate [1/h].
        period: what is drawn for.
    """
    edge_s, relative = draw_state_path(arrivals, name, period)
    gaps = class_stream(period.seed, Purpose.TIMES, name)
    return arrivals_in_clock_time(gaps.standard_exponential, edge_s, relative * (per_h / HOUR_S) * np.diff(edge_s))

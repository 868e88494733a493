"""Fit of a three-state Markov-modulated Poisson process by the dispersions and the empty windows of its counts."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from odc_gym.scenario import MmppArrivals
from odc_gym.trace_fits.segment import Floats, TraceSegment, window_lengths
from odc_gym.trace_fits.statistics import dispersion
from odc_gym.workload.arrivals.mmpp import dispersion as expected_dispersion
from odc_gym.workload.arrivals.mmpp import generator_matrix, relative_rates, stationary

STATES = 3
OFF_DIAGONAL = ~np.eye(STATES, dtype=bool)
WINDOWS_S = (1, 2, 5, 10, 20, 60, 120)  # windows of the moments; those shorter than the segment's windows are left out
MIN_SPAN_RELAXATIONS = 20  # smallest span of a segment over the relaxation time of the process
MIN_STATE_SHARE = 0.12  # smallest share of time in a state
UNIT_FACTORS: Floats = np.ones(2)
MIN_WINDOWS = 10  # smallest number of windows of an observed moment
START_POINTS = (  # rates of the states and mean sojourn times [s]: bursts and pauses, or a slow drift
    ((0.001, 0.2, 1.0), (30.0, 8.0, 4.0)),
    ((0.001, 0.05, 1.0), (100.0, 20.0, 10.0)),
    ((0.6, 0.8, 1.0), (300.0, 300.0, 300.0)),
)


def fit_mmpp(segment: TraceSegment, factor: Floats = UNIT_FACTORS) -> MmppArrivals:
    """Fit the process to the dispersion and the share of empty windows in windows of 1 to 120 s: nine numbers.

    Both moments have closed forms. A simplex search from three starts minimises the log ratios of the dispersions and
    the differences of the shares of empty windows.

    Args:
        segment: the observed segment.
        factor: (2,) factors on the dispersions in the two windows of the segment. Other windows take the nearer factor,
            or an interpolated one.

    Source: Heffes and Lucantoni, IEEE Journal on Selected Areas in Communications 4 (1986), for fits by dispersion.
    """
    per_s = float(segment.counts.mean()) / segment.window_s
    windows_s = np.array(
        [w for w in WINDOWS_S if w >= segment.window_s and segment.span_s >= MIN_WINDOWS * w], np.float64
    )
    observed = np.array([dispersion(segment.counts_per_window(w)) for w in windows_s])
    observed *= np.exp(np.interp(np.log(windows_s), np.log(window_lengths(segment.span_s)[1]), np.log(factor)))
    empty_share = np.array([(segment.counts_per_window(w) == 0).mean() for w in windows_s])

    def objective(x: Floats) -> float:
        process = _process_of(x)
        expected = expected_dispersion(process, per_s, windows_s)
        error = float((np.log(np.maximum(expected, 0.1) / observed) ** 2).mean())
        error += 4 * float(((empty_window_share(process, per_s, windows_s) - empty_share) ** 2).mean())
        # penalties: the segment says nothing of changes slower than its span, and little of rare states
        relaxation_s = -1 / np.sort(np.linalg.eigvals(generator_matrix(process)).real)[:-1]
        slow = np.maximum(np.log(relaxation_s * MIN_SPAN_RELAXATIONS / segment.span_s), 0)
        rare = 20 * np.maximum(MIN_STATE_SHARE - stationary(process), 0)
        return error + float((slow**2).sum() + (rare**2).sum())

    found = [
        minimize(
            objective,
            _start_vector(*start),
            method="Nelder-Mead",
            options={"maxfev": 1500, "adaptive": True, "fatol": 1e-5},
        )
        for start in START_POINTS
    ]
    return _process_of(min(found, key=lambda result: float(result.fun)).x)


def empty_window_share(arrivals: MmppArrivals, per_s: float, window_s: Floats) -> Floats:
    """Return the share of windows without an arrival, (W,): p exp((Q - R) t) 1, with the rates on the diagonal of R.

    Source: Fischer and Meier-Hellstern, Performance Evaluation 18 (1993).
    """
    decay, vectors = np.linalg.eig(
        (generator_matrix(arrivals) - np.diag(relative_rates(arrivals) * per_s)).astype(complex)
    )
    weight = (stationary(arrivals) @ vectors) * np.linalg.solve(vectors, np.ones(STATES, complex))
    return np.asarray((np.exp(np.outer(window_s, decay)) @ weight).real, np.float64)


def _start_vector(rates: tuple[float, ...], sojourn_s: tuple[float, ...]) -> Floats:
    """Return the unbounded numbers of a start: relative rates of the states, and their mean sojourn times [s]."""
    transition_rates = np.repeat(0.5 / np.array(sojourn_s), STATES - 1)
    return np.asarray(np.log(np.concatenate([np.array(rates[:-1]), transition_rates])), np.float64)


def _process_of(x: Floats) -> MmppArrivals:
    """Return the process of unbounded numbers: two rates over the third, and six transition rates."""
    rates = np.append(np.exp(np.clip(x[: STATES - 1], -9, 5)), 1.0)
    transition_rates = np.zeros((STATES, STATES))
    transition_rates[OFF_DIAGONAL] = np.exp(np.clip(x[STATES - 1 :], -12, 1.0))
    rows = tuple(tuple(float(f"{v:.5g}") for v in row) for row in transition_rates)
    return MmppArrivals(kind="mmpp", rates=tuple(float(f"{r:.5g}") for r in rates / rates.max()), switch_per_s=rows)

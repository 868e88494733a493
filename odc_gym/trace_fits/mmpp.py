"""Fit of a Markov-modulated Poisson process of three states by moments: dispersion in several windows, and silence."""

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
WINDOWS_S = (
    1,
    2,
    5,
    10,
    20,
    60,
    120,
)  # of the dispersion and of silence [s]; in longer windows of a trace, from there on
MIN_SPAN_RELAXATIONS = 20  # that a part must be long enough for: its span over the time in which a state is forgotten
MIN_STATE_SHARE = 0.12  # share of time of a state
UNIT_FACTORS: Floats = np.ones(2)
MIN_WINDOWS = 10  # windows that an observed moment needs
START_POINTS = (  # rates of the states, and how long they last [s]: bursts and pauses, or a slow drift
    ((0.001, 0.2, 1.0), (30.0, 8.0, 4.0)),
    ((0.001, 0.05, 1.0), (100.0, 20.0, 10.0)),
    ((0.6, 0.8, 1.0), (300.0, 300.0, 300.0)),
)


def fit_mmpp(segment: TraceSegment, factor: Floats = UNIT_FACTORS) -> MmppArrivals:
    """The process whose counts in windows of 1 to 120 s have the dispersion and the silence observed: nine numbers.

    The dispersions and the shares of empty windows have closed forms; a simplex search from three starts brings the
    ratios of the former and the differences of the latter close to those observed.

    Args:
        segment: observed.
        factor: on the dispersions in the two windows of the part, (2,); on others as on the nearer, or between.

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
        # changes that the part is too short to see, and states that it hardly sees, would fit anything
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
    """Share of windows without an arrival, (W,): p exp((Q - R) t) 1, with the rates on the diagonal of R.

    Source: Fischer and Meier-Hellstern, Performance Evaluation 18 (1993).
    """
    decay, vectors = np.linalg.eig(
        (generator_matrix(arrivals) - np.diag(relative_rates(arrivals) * per_s)).astype(complex)
    )
    weight = (stationary(arrivals) @ vectors) * np.linalg.solve(vectors, np.ones(STATES, complex))
    return np.asarray((np.exp(np.outer(window_s, decay)) @ weight).real, np.float64)


def _start_vector(rates: tuple[float, ...], sojourn_s: tuple[float, ...]) -> Floats:
    transition_rates = np.repeat(0.5 / np.array(sojourn_s), STATES - 1)
    return np.asarray(np.log(np.concatenate([np.array(rates[:-1]), transition_rates])), np.float64)


def _process_of(x: Floats) -> MmppArrivals:
    """The process of unbounded numbers: two rates over the third, and six rates of jumps."""
    rates = np.append(np.exp(np.clip(x[: STATES - 1], -9, 5)), 1.0)
    transition_rates = np.zeros((STATES, STATES))
    transition_rates[OFF_DIAGONAL] = np.exp(np.clip(x[STATES - 1 :], -12, 1.0))
    rows = tuple(tuple(float(f"{v:.5g}") for v in row) for row in transition_rates)
    return MmppArrivals(kind="mmpp", rates=tuple(float(f"{r:.5g}") for r in rates / rates.max()), switch_per_s=rows)

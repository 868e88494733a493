"""Fit of a Markov-modulated Poisson process of three states by moments: dispersion in several windows, and silence."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from odc_gym.scenario import MmppArrivals
from odc_gym.trace_fits.part import Floats, Part, windows_of
from odc_gym.trace_fits.statistics import dispersion
from odc_gym.workload.arrivals.mmpp import dispersion as expected_dispersion
from odc_gym.workload.arrivals.mmpp import generator, relative_rates, stationary

STATES = 3
OFF = ~np.eye(STATES, dtype=bool)
WINDOWS = (
    1,
    2,
    5,
    10,
    20,
    60,
    120,
)  # of the dispersion and of silence [s]; in longer windows of a trace, from there on
CHANGES = 20  # that a part must be long enough for: its span over the time in which a state is forgotten
RAREST = 0.12  # share of time of a state
UNCHANGED: Floats = np.ones(2)
LEAST = 10  # windows that an observed moment needs
STARTS = (  # rates of the states, and how long they last [s]: bursts and pauses, or a slow drift
    ((0.001, 0.2, 1.0), (30.0, 8.0, 4.0)),
    ((0.001, 0.05, 1.0), (100.0, 20.0, 10.0)),
    ((0.6, 0.8, 1.0), (300.0, 300.0, 300.0)),
)


def fit_mmpp(part: Part, factor: Floats = UNCHANGED) -> MmppArrivals:
    """The process whose counts in windows of 1 to 120 s have the dispersion and the silence observed: nine numbers.

    The dispersions and the shares of empty windows have closed forms; a simplex search from three starts brings the
    ratios of the former and the differences of the latter close to those observed.

    Args:
        part: observed.
        factor: on the dispersions in the two windows of the part, (2,); on others as on the nearer, or between.

    Source: Heffes and Lucantoni, IEEE Journal on Selected Areas in Communications 4 (1986), for fits by dispersion.
    """
    per_s = float(part.counts.mean()) / part.window_s
    windows_s = np.array([w for w in WINDOWS if w >= part.window_s and part.span_s >= LEAST * w], np.float64)
    seen = np.array([dispersion(part.over(w)) for w in windows_s])
    seen *= np.exp(np.interp(np.log(windows_s), np.log(windows_of(part.span_s)[1]), np.log(factor)))
    empty = np.array([(part.over(w) == 0).mean() for w in windows_s])

    def miss(x: Floats) -> float:
        process = _process(x)
        ours = expected_dispersion(process, per_s, windows_s)
        off = float((np.log(np.maximum(ours, 0.1) / seen) ** 2).mean())
        off += 4 * float(((silence(process, per_s, windows_s) - empty) ** 2).mean())
        # changes that the part is too short to see, and states that it hardly sees, would fit anything
        relaxation_s = -1 / np.sort(np.linalg.eigvals(generator(process)).real)[:-1]
        slow = np.maximum(np.log(relaxation_s * CHANGES / part.span_s), 0)
        rare = 20 * np.maximum(RAREST - stationary(process), 0)
        return off + float((slow**2).sum() + (rare**2).sum())

    found = [
        minimize(miss, _start(*start), method="Nelder-Mead", options={"maxfev": 1500, "adaptive": True, "fatol": 1e-5})
        for start in STARTS
    ]
    return _process(min(found, key=lambda result: float(result.fun)).x)


def silence(arrivals: MmppArrivals, per_s: float, window_s: Floats) -> Floats:
    """Share of windows without an arrival, (W,): p exp((Q - R) t) 1, with the rates on the diagonal of R.

    Source: Fischer and Meier-Hellstern, Performance Evaluation 18 (1993).
    """
    decay, vectors = np.linalg.eig((generator(arrivals) - np.diag(relative_rates(arrivals) * per_s)).astype(complex))
    weight = (stationary(arrivals) @ vectors) * np.linalg.solve(vectors, np.ones(STATES, complex))
    return np.asarray((np.exp(np.outer(window_s, decay)) @ weight).real, np.float64)


def _start(rates: tuple[float, ...], last_s: tuple[float, ...]) -> Floats:
    jumps = np.repeat(0.5 / np.array(last_s), STATES - 1)
    return np.asarray(np.log(np.concatenate([np.array(rates[:-1]), jumps])), np.float64)


def _process(x: Floats) -> MmppArrivals:
    """The process of unbounded numbers: two rates over the third, and six rates of jumps."""
    rates = np.append(np.exp(np.clip(x[: STATES - 1], -9, 5)), 1.0)
    jumps = np.zeros((STATES, STATES))
    jumps[OFF] = np.exp(np.clip(x[STATES - 1 :], -12, 1.0))
    rows = tuple(tuple(float(f"{v:.5g}") for v in row) for row in jumps)
    return MmppArrivals(kind="mmpp", rates=tuple(float(f"{r:.5g}") for r in rates / rates.max()), switch_per_s=rows)

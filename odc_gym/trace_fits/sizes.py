"""Fits of size distributions: quantile functions of few knots, mixtures of lognormals, and widths of jobs."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq, minimize

from odc_gym.scenario.sizes import Knots, Law, Mixture
from odc_gym.trace_fits.minimax import minimise_max_error
from odc_gym.trace_fits.segment import Floats, SizeSample
from odc_gym.trace_fits.statistics import sample_weights
from odc_gym.workload.sizes import conditional_mean_width, mixture_quantile_table, width_distribution

KNOTS = 7  # twelve free numbers, since the first and the last share are 0 and 1
COMPONENTS = 4  # twelve free numbers, with the limit
POLISHED_STARTS = 3  # best line searches that a simplex search refines
KNOT_CANDIDATES = 100  # candidate knots by number, and as many by mass
COMPARED_POINTS = 200  # compared values by number, and as many by mass
EDGES = np.concatenate([np.linspace(0, 0.95, 381), 1 - 0.05 * np.geomspace(1, 1e-4, 121)[1:], [1.0]])
SHARES = (EDGES[1:] + EDGES[:-1]) / 2  # levels of the tabulated quantiles
SHARE_WIDTHS = np.diff(EDGES)  # their weights
COARSE_SCORES = np.linspace(-4.5, 4.5, 46)  # normal scores at which a mixture is tabulated during the search
NORM_ORDER = 16  # order of the norm of the differences: close to the largest one, but smooth
SEARCH_MEAN_WEIGHT = 0.1  # weight of the log ratio of the means, beside the differences, in the smooth searches
FINAL_MEAN_WEIGHT = 2.0  # the same in the minimax fit: half a per cent of the mean weighs as 0.01
MIN_STANDARD_ERROR = 0.02  # smaller standard errors of a distribution count as this one
MAX_WIDTH = 128

SizeWeight = Callable[[Floats], Floats]


def fit_law(sizes: SizeSample, weight: SizeWeight | None = None, whole: bool = False) -> Law:
    """Fit the distribution of at most twelve numbers that is closest to the observed one, by number and by mass.

    The function fits a quantile function and a mixture of lognormals. Each fit minimises the largest difference of two
    distribution functions together: the one by number, and the one by mass. The closer fit is returned.

    Args:
        sizes: the observed sizes; 0 tokens count as 0.5.
        weight: mass of a unit of size at given quantiles of the distribution, (N,) to (N,); None weighs all alike.
        whole: whether draws of the distribution are rounded to whole numbers.
    """
    target = _Target(sizes, weight or np.ones_like, whole)
    miss, knots = _fit_knots(target)
    other, mixture = _fit_mixture(target)
    return mixture if other < miss else knots


def _fit_knots(target: _Target) -> tuple[float, Knots]:
    """Fit a quantile function from two sets of start knots; return its largest difference and its knots."""
    x, largest = _minimise_difference(
        target,
        lambda x: np.interp(SHARES, *_knots_of_vector(x)),
        [_knot_vector(*_minimax_knots(target)), _knot_vector(*_even_knots(target))],
    )
    return largest, _rounded_knots(x)


def _fit_mixture(target: _Target) -> tuple[float, Mixture]:
    """Fit a mixture from several groupings of the observed values; return its largest difference and itself."""
    x, largest = _minimise_difference(
        target,
        lambda x: np.interp(SHARES, *mixture_quantile_table(*_mixture_parameters(x, target), COARSE_SCORES)),
        _mixture_starts(target),
    )
    return largest, _rounded_mixture(*_mixture_parameters(x, target))


def _minimise_difference(target: _Target, at: Callable[[Floats], Floats], starts: list[Floats]) -> tuple[Floats, float]:
    """Minimise the largest difference between a distribution and the target.

    Linear programs are exact but stop at a local minimum. They therefore start from each of the starts, and from the
    results of Powell and Nelder-Mead searches.

    Args:
        target: the observed distribution.
        at: maps the numbers of a distribution to the logarithms of its quantiles at SHARES.
        starts: starts of the searches.

    Returns:
        The numbers of the closest distribution, and its largest difference.
    """

    def miss(x: Floats) -> float:
        return target.miss(at(x))

    lines = [
        minimize(miss, start, method="Powell", options={"maxfev": 2500, "xtol": 1e-3, "ftol": 1e-4}) for start in starts
    ]
    best_searches = sorted(lines, key=lambda found: float(found.fun))[:POLISHED_STARTS]
    polished = [
        minimize(miss, found.x, method="Nelder-Mead", options={"maxfev": 3000, "adaptive": True, "fatol": 1e-5})
        for found in best_searches
    ]
    candidates = [
        minimise_max_error(lambda x: target.errors(at(x)), x)
        for x in (*starts, *(found.x for found in best_searches + polished))
    ]
    return min(candidates, key=lambda found: found[1])


def _mixture_starts(target: _Target) -> list[Floats]:
    """Return starts of a mixture: a lognormal for each group of ordered values, or fewer groups and a broad background.

    Groups are cut where the quantile function is steepest, or have equal number, or equal mass.
    """
    at = (np.arange(40) + 0.5) / 40
    index = np.minimum([np.searchsorted(s, at) for s in target.share], target.value.size - 1)
    value, value_by_mass = np.log(target.value[index])
    steepest = np.sort(np.argsort(np.diff(value)[1:-1])[-COMPONENTS + 1 :]) + 1
    steepest_cuts = (value[steepest] + value[steepest + 1]) / 2
    inner = np.arange(1, COMPONENTS) / COMPONENTS
    separate_groups = [
        _group_vector(value, cut)
        for cut in (steepest_cuts, np.quantile(value, inner), np.quantile(value_by_mass, inner))
    ]
    background = np.array([math.log(0.2), float(value.mean()), math.log(1.5 * float(value.std()) + 1e-2)])
    fewer_groups = [_group_vector(value, np.delete(steepest_cuts, k)) for k in range(steepest_cuts.size)]
    return separate_groups + [np.column_stack([start.reshape(3, -1), background]).ravel() for start in fewer_groups]


def _group_vector(value: Floats, cut: Floats) -> Floats:
    """Return the log weights, the means and the log sigmas of the groups between cuts."""
    membership = np.eye(cut.size + 1)[np.searchsorted(cut, value)]
    number = membership.sum(0) + 1e-2
    mean = (value @ membership + 1e-2 * value.mean()) / number
    sigma = np.sqrt(((value[:, None] - mean) ** 2 * membership).sum(0) / number + 1e-4)
    return np.concatenate([np.log(number / value.size), mean, np.log(sigma)])


def _knot_vector(level: Floats, logarithm: Floats) -> Floats:
    """Return knots as unbounded numbers: logarithms of the steps between them."""
    return np.concatenate([np.log(np.diff(level)), logarithm[:1], np.log(np.maximum(np.diff(logarithm), 1e-4))])


def _knots_of_vector(x: Floats) -> tuple[Floats, Floats]:
    """Return shares and log values of the knots from unbounded numbers."""
    steps = np.exp(x[: KNOTS - 1] - x[: KNOTS - 1].max()) + 1e-6
    level = np.concatenate([[0.0], np.cumsum(steps) / steps.sum()])
    return level, x[KNOTS - 1] + np.concatenate([[0.0], np.cumsum(np.exp(np.minimum(x[KNOTS:], 5.0)))])


def _rounded_knots(x: Floats) -> Knots:
    """Return the knots of unbounded numbers, rounded for a scenario file."""
    level, logarithm = _knots_of_vector(x)
    level = np.round(level, 6)
    level[-1] = 1.0
    apart = np.append(np.diff(level) > 0, True)  # knots that rounding made equal are merged
    level, logarithm = level[apart], logarithm[apart]
    return tuple((float(p), float(f"{math.exp(v):.5g}")) for p, v in zip(level, logarithm, strict=True))


def _mixture_parameters(x: Floats, target: _Target) -> tuple[Floats, Floats, Floats, float]:
    """Return weights, means and sigmas of the logarithms from unbounded numbers, and the log of the limit.

    The limit is the largest observed value.
    """
    low, cut = float(np.log(target.value[0])), float(np.log(target.value[-1]))
    weight = np.exp(x[:COMPONENTS] - x[:COMPONENTS].max()) + 1e-4
    mean, sigma = np.clip(x[COMPONENTS : 2 * COMPONENTS], low, cut), np.exp(np.clip(x[2 * COMPONENTS :], -6, 1.5))
    return weight / weight.sum(), mean, sigma, cut


def _rounded_mixture(weight: Floats, mean: Floats, sigma: Floats, cut: float) -> Mixture:
    """Return the mixture with rounded numbers, the heaviest component first."""
    return Mixture(
        lognormals=tuple(
            (float(f"{w:.5g}"), float(f"{math.exp(m):.5g}"), float(f"{s:.5g}"))
            for w, m, s in sorted(zip(weight, mean, sigma, strict=True), key=lambda component: -component[0])
        ),
        cut=float(f"{math.exp(cut):.5g}"),
    )


class _Target:
    """Observed distribution functions by number and by mass, on a grid of values."""

    def __init__(self, observed: SizeSample, weight: SizeWeight, whole: bool) -> None:
        self.weight = weight(SHARES)
        value, value_index = np.unique(observed.value, return_inverse=True)
        self.value = np.where(value > 0, value, 0.5)
        self.share = [
            _cumulative(np.bincount(value_index, sample_weights(observed, by_mass)).astype(np.float64))
            for by_mass in (False, True)
        ]
        at = (np.arange(COMPARED_POINTS) + 0.5) / COMPARED_POINTS
        index = np.unique(np.concatenate([np.searchsorted(s, at) for s in self.share]))
        if whole:  # draws up to half-way to the next whole number are rounded to this one
            index = np.unique(np.append(index, index - 1))  # -1: nothing lies below the smallest
            edge = np.append(value, value[0] - 1)[index] + 0.5
            self.log_value = np.log(np.maximum(edge, 1e-3))
            low = high = np.stack([np.append(s, 0.0)[index] for s in self.share])
        else:
            self.log_value = np.log(self.value[index])
            low, high = (np.stack([np.append(0.0, s)[index + k] for s in self.share]) for k in (0, 1))
        # a smooth distribution cannot follow steps, and is closest to their midpoints
        self.midpoint = (low + high) / 2
        frequency = observed.frequency
        each = np.ones_like(frequency), observed.mass
        errors = [
            max(MIN_STANDARD_ERROR, float((frequency * m**2).sum()) ** 0.5 / float((frequency * m).sum())) for m in each
        ]
        self.confidence = np.array([[1.0], [(errors[0] / errors[1]) ** 0.5]])
        self.mean = float(sample_weights(observed, True).sum() / observed.frequency.sum())

    def miss(self, log_quantiles: Floats) -> float:
        """Return a smooth largest difference of a distribution from the target, given its log quantiles at SHARES."""
        gap, off = self._differences(log_quantiles)
        return float(
            (np.abs(gap * self.confidence) ** NORM_ORDER).mean() ** (1 / NORM_ORDER)
        ) + SEARCH_MEAN_WEIGHT * abs(off)

    def errors(self, log_quantiles: Floats) -> Floats:
        """Return the differences that `miss` counts and that of the means, each with both signs."""
        gap, off = self._differences(log_quantiles)
        one = np.append(gap * self.confidence, FINAL_MEAN_WEIGHT * off)
        return np.concatenate([one, -one])

    def _differences(self, log_quantiles: Floats) -> tuple[Floats, float]:
        """Return the differences from the observed distribution functions, and the log ratio of the means.

        Where few values hold most of the mass, the distribution by mass is less certain and counts less. Its weight is
        the square root of the ratio of the standard errors, a compromise between equal weights and the ratio itself.
        """
        mass = SHARE_WIDTHS * np.exp(log_quantiles - log_quantiles[-1]) * self.weight
        ours = np.stack(
            [
                np.interp(self.log_value, log_quantiles, _cumulative(w), left=0.0, right=1.0)
                for w in (SHARE_WIDTHS, mass)
            ]
        )
        return ours - self.midpoint, math.log((SHARE_WIDTHS * np.exp(log_quantiles) * self.weight).sum() / self.mean)


def _cumulative(weight: Floats) -> Floats:
    """Return the cumulative shares of weights."""
    total = np.cumsum(weight)
    return np.asarray(total / total[-1], np.float64)


def _minimax_knots(target: _Target) -> tuple[Floats, Floats]:
    """Return shares and log values of knots on the observed quantile function that minimise the largest segment error.

    Source: minimax segmentation by dynamic programming, Bellman and Roth, "Curve fitting by segmented straight lines",
    Journal of the American Statistical Association 64 (1969).
    """
    at = np.linspace(0, 1, KNOT_CANDIDATES)
    index = np.unique(np.concatenate([np.searchsorted(s, at * s[-1]) for s in target.share]))
    index = np.minimum(index, target.value.size - 1)
    log_value, number, mass = np.log(target.value[index]), target.share[0][index], target.share[1][index]
    number[0] = mass[0] = 0.0
    size = index.size
    cost = np.full((size, size), np.inf)
    for i in range(size - 1):
        for j in range(i + 1, size):
            cost[i, j] = _segment_error(log_value[i : j + 1], number[i : j + 1], mass[i : j + 1])
    best, predecessor = cost[0].copy(), np.zeros((KNOTS, size), np.int64)
    for segment in range(1, KNOTS - 1):
        through = np.maximum(best[:, None], cost)
        predecessor[segment] = through.argmin(0)
        best = through.min(0)
    knots = [size - 1]
    for segment in range(KNOTS - 2, 0, -1):
        knots.append(int(predecessor[segment][knots[-1]]))
    chosen = np.array([0, *reversed(knots)])
    return number[chosen], log_value[chosen]


def _even_knots(target: _Target) -> tuple[Floats, Floats]:
    """Return shares and log values of observed knots between which the shares of number and mass rise evenly."""
    together = (target.share[0] + target.share[1]) / 2
    chosen = np.minimum(np.searchsorted(together, np.linspace(0, 1, KNOTS)), together.size - 1)
    level = np.linspace(0, 1, KNOTS) / 2 + target.share[0][chosen] / 2
    level[[0, -1]] = 0.0, 1.0
    return level, np.log(target.value[chosen])


def _segment_error(log_value: Floats, number: Floats, mass: Floats) -> float:
    """Return the largest difference within a segment between the observed distributions and a log-uniform one."""
    if log_value[-1] - log_value[0] < 1e-9:
        return 0.0
    number_share = (log_value - log_value[0]) / (log_value[-1] - log_value[0])
    mass_share = np.expm1(log_value - log_value[0]) / np.expm1(log_value[-1] - log_value[0])
    number_error = np.abs(number - number[0] - number_share * (number[-1] - number[0])).max()
    return float(max(number_error, np.abs(mass - mass[0] - mass_share * (mass[-1] - mass[0])).max()))


def fit_widths(width: SizeSample) -> dict[int, float]:
    """Return the shares of jobs by width, with widths rounded to powers of two up to 128."""
    power = np.clip(np.rint(np.log2(width.value)), 0, math.log2(MAX_WIDTH)).astype(np.int64)
    count = np.bincount(power, width.frequency)
    share = np.round(count / count.sum(), 6)
    share[0] += 1 - share.sum()
    return {2**k: float(round(p, 6)) for k, p in enumerate(share) if p > 0}


def fit_width_correlation(duration: SizeSample, width: SizeSample) -> float:
    """Fit the correlation of the normal scores of run time and width.

    The fitted correlation gives the observed mean accelerator time.
    """
    law = width_distribution(fit_widths(width))
    if law[0].size == 1:
        return 0.0
    order = np.argsort(duration.value, kind="stable")
    frequency = duration.frequency[order]
    share = (np.cumsum(frequency) - frequency / 2) / frequency.sum()
    target_work = float((duration.value * width.value * duration.frequency).sum())

    def excess(rho: float) -> float:
        return (
            float((duration.value[order] * conditional_mean_width(law, rho, share) * frequency).sum()) / target_work - 1
        )

    low, high = -0.95, 0.95
    if excess(low) > 0 or excess(high) < 0:
        return low if excess(low) > 0 else high
    return round(float(brentq(excess, low, high)), 4)


def mean_width_weight(widths: dict[int, float], rho: float) -> SizeWeight:
    """Return the mass of an hour of run time at given quantiles of the run times: the mean width there."""
    law = width_distribution(widths)
    return lambda share: conditional_mean_width(law, rho, share)

"""Comparisons as JSON data, for programs."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from typing import Any

from odc_gym.evaluation import statistics
from odc_gym.evaluation.results import Array, Comparison
from odc_gym.evaluation.statistics import Estimate
from odc_gym.evaluation.summary import SchedulerSummary, known_mean, summarise
from odc_gym.evaluation.summary_across import AcrossSummary, OverallSummary, summarise_across
from odc_gym.sources import versions

_LIBRARIES = ("odc-gym", "numpy", "numba", "scipy")


def document(comparison: Comparison, baseline: str) -> dict[str, Any]:
    """The comparison as JSON data; figures that do not exist are null.

    Each scheduler has `score` (one an episode), `mean`, `iqm`, `ci95` (of the mean), `metrics` (means over episodes);
    beside them reward terms, values by episode and paired differences to every other scheduler.
    """
    names = comparison.names
    table = {row.name: row for row in summarise(comparison, baseline)}
    return {
        "scenario": comparison.scenario.name,
        "seeds": comparison.seeds.tolist(),
        "agents": {name: _scheduler_document(comparison, table[name]) for name in names},
        "bound": None,
        "baseline": baseline,
        "paired": {a: {b: _pair_document(comparison, a, b) for b in names if b != a} for a in names},
        "load": _plain(comparison.load),
        "trace": comparison.trace,
        "scenario_digest": comparison.scenario.digest(),
        "versions": library_versions(),
    }


def documents(comparisons: Sequence[Comparison], baseline: str) -> dict[str, Any]:
    """Comparisons on several scenarios as JSON data.

    `scenarios` has the `document` of each by name; `across` what is said over all of them. By scheduler that is where
    it stands in each scenario it can operate and, null unless it can operate all, its mean score, its mean rank and its
    paired difference to the baseline. `absent` tells who cannot operate what, and why.
    """
    overall = summarise_across(comparisons, baseline)
    return {
        "scenarios": {c.scenario.name: document(c, baseline) for c in comparisons},
        "across": {
            "baseline": baseline,
            "agents": {row.name: _overall_document(overall, row) for row in overall.rows},
            "absent": {c.scenario.name: dict(c.absent) for c in comparisons if c.absent},
        },
    }


def _overall_document(overall: AcrossSummary, row: OverallSummary) -> dict[str, Any]:
    return {
        "scenarios": {
            name: {"mean": mean, "best": overall.best[name] == row.name, "level_with_best": name in row.tied}
            for name, mean in row.means.items()
        },
        "mean": None if row.score is None else row.score.value,
        "ci95": None if row.score is None else _ends(row.score),
        "rank": None if row.rank is None else row.rank.value,
        "rank_ci95": None if row.rank is None else _ends(row.rank),
        "paired": None if row.paired is None else _difference(row.paired, row.improvement),
    }


def library_versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    return {"python": platform.python_version()} | versions(*_LIBRARIES)


def _scheduler_document(comparison: Comparison, row: SchedulerSummary) -> dict[str, Any]:
    metrics, terms = comparison.metrics(row.name), comparison.terms(row.name)
    data = {
        "score": _plain(comparison.scores(row.name).mean(axis=0)),
        "mean": row.score.value,
        "iqm": row.iqm.value,
        "ci95": _ends(row.score),
        "iqm_ci95": _ends(row.iqm),
        "worst_tenth": row.worst,
        "normalised": None,
        "metrics": {key: _finite(known_mean(values)) for key, values in metrics.items()},
        "terms": {key: _finite(known_mean(values)) for key, values in terms.items()},
        "by_episode": {
            "metrics": {key: _plain(v) for key, v in metrics.items()},
            "terms": {key: _plain(v) for key, v in terms.items()},
        },
    }
    return data | ({"runs": list(comparison.groups[row.name])} if row.name in comparison.groups else {})


def _pair_document(comparison: Comparison, ours: str, theirs: str) -> dict[str, Any]:
    a, b = comparison.scores(ours), comparison.scores(theirs)
    return _difference(statistics.paired_difference(a, b), statistics.probability_of_improvement(a, b))


def _difference(difference: Estimate, chance: Estimate | None) -> dict[str, Any]:
    return {
        "mean": difference.value,
        "ci95": _ends(difference),
        "excludes_zero": difference.excludes_zero,
        "probability_of_improvement": None if chance is None else chance.value,
        "probability_of_improvement_ci95": None if chance is None else _ends(chance),
    }


def _ends(estimate: Estimate) -> list[float] | None:
    return None if math.isnan(estimate.low) else [estimate.low, estimate.high]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(values: Array) -> list[float | None]:
    return [_finite(float(value)) for value in values]

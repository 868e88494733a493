"""Documents of comparisons: JSON data for other programs."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from odc_gym.evaluation import statistics
from odc_gym.evaluation.designs import DesignComparison, DesignFigure, compare_designs, design_figures, fleet_of
from odc_gym.evaluation.results import Array, Comparison
from odc_gym.evaluation.statistics import Estimate
from odc_gym.evaluation.summary import SchedulerSummary, known_mean, summarise
from odc_gym.evaluation.summary_across import AcrossSummary, OverallSummary, summarise_across
from odc_gym.sources import versions

_LIBRARIES = ("odc-gym", "numpy", "numba", "scipy")


def document(comparison: Comparison, baseline: str) -> dict[str, Any]:
    """Return a comparison as JSON data. Values that do not exist are null.

    Each scheduler has its `score` per episode, `mean`, `iqm`, `ci95` (of the mean) and `metrics` (means over episodes).
    Reward terms, `waterfall_accelerator_h` (`simulator.waterfall`) and `energy_kwh` (`simulator.energy_flow`) follow,
    and all of them by episode. The document also holds paired differences to every other scheduler. `fleet` has the
    size of the fleet and the value that scores 100, which other documents may not share.
    """
    names = comparison.names
    summaries = {summary.name: summary for summary in summarise(comparison, baseline)}
    return {
        "scenario": comparison.scenario.name,
        "seeds": comparison.seeds.tolist(),
        "agents": {name: _scheduler_document(comparison, summaries[name]) for name in names},
        "bound": None,
        "baseline": baseline,
        "paired": {a: {b: _pair_document(comparison, a, b) for b in names if b != a} for a in names},
        "load": _plain(comparison.load),
        "trace": _trace_document(comparison),
        "scenario_digest": comparison.scenario.digest(),
        "fleet": asdict(fleet_of(comparison.scenario)),
        "versions": library_versions(),
    }


def documents(comparisons: Sequence[Comparison], baseline: str) -> dict[str, Any]:
    """Return comparisons on several scenarios as JSON data.

    `scenarios` holds the `document` of each scenario by name, and `across` the summary over all scenarios. For each
    scheduler, `across` gives its standing in every scenario that it can operate. Mean score, mean rank and paired
    difference to the baseline follow; they are null unless the scheduler can operate all scenarios. `absent` lists the
    schedulers that cannot operate a scenario, with the reason. `designs` has absolute figures of fleets that differ,
    with paired differences to the first fleet; it is null if all scores have the same scale.
    """
    overall = summarise_across(comparisons, baseline)
    designs = compare_designs(comparisons)
    everywhere = [row.name for row in overall.rows if row.score is not None]
    return {
        "scenarios": {c.scenario.name: document(c, baseline) for c in comparisons},
        "across": {
            "baseline": baseline,
            "agents": {row.name: _overall_document(overall, row) for row in overall.rows},
            "absent": {c.scenario.name: dict(c.absent) for c in comparisons if c.absent},
            "designs": designs and _designs_document(comparisons, designs, everywhere),
        },
    }


def gain_document(trained: Array, start: Array) -> dict[str, Any]:
    """Return what a training gained over its start, from scores (N,) on the same episodes."""
    return _difference(
        statistics.paired_difference(trained, start), statistics.probability_of_improvement(trained, start)
    )


def _designs_document(
    comparisons: Sequence[Comparison], designs: DesignComparison, names: Sequence[str]
) -> dict[str, Any]:
    """Return the absolute figures of all fleets under each scheduler that can operate all of them."""
    return {
        "same_work": designs.same_work,
        "offered_ratio": dict(zip(designs.names, designs.offered, strict=True)),
        "agents": {
            name: {
                figure.name: _figure_document(designs, figure) for figure in design_figures(comparisons, designs, name)
            }
            for name in names
        },
    }


def _figure_document(designs: DesignComparison, figure: DesignFigure) -> dict[str, Any]:
    return {
        "unit": figure.unit,
        "mean": {fleet: _finite(mean) for fleet, mean in zip(designs.names, figure.means, strict=True)},
        "minus_first": {
            fleet: {"mean": difference.value, "ci95": _ends(difference)}
            for fleet, difference in zip(designs.names, figure.differences, strict=True)
            if difference is not None
        },
    }


def _overall_document(overall: AcrossSummary, summary: OverallSummary) -> dict[str, Any]:
    return {
        "scenarios": {
            name: {"mean": mean, "best": overall.best[name] == summary.name, "level_with_best": name in summary.tied}
            for name, mean in summary.means.items()
        },
        "mean": None if summary.score is None else summary.score.value,
        "ci95": None if summary.score is None else _ends(summary.score),
        "rank": None if summary.rank is None else summary.rank.value,
        "rank_ci95": None if summary.rank is None else _ends(summary.rank),
        "paired": None if summary.paired is None else _difference(summary.paired, summary.improvement),
    }


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that determine the numbers."""
    return {"python": platform.python_version()} | versions(*_LIBRARIES)


def _scheduler_document(comparison: Comparison, summary: SchedulerSummary) -> dict[str, Any]:
    tables = {
        "metrics": comparison.metrics(summary.name),
        "terms": comparison.terms(summary.name),
        "waterfall_accelerator_h": comparison.waterfall(summary.name),
        "energy_kwh": comparison.energy(summary.name),
    }
    data = {
        "score": _plain(comparison.scores(summary.name).mean(axis=0)),
        "mean": summary.score.value,
        "iqm": summary.iqm.value,
        "ci95": _ends(summary.score),
        "iqm_ci95": _ends(summary.iqm),
        "worst_tenth": summary.worst,
        "normalised": None,
        "foresight": summary.foresighted,
        **{
            table: {key: _finite(known_mean(values)) for key, values in columns.items()}
            for table, columns in tables.items()
        },
        "by_episode": {
            table: {key: _plain(values) for key, values in columns.items()} for table, columns in tables.items()
        },
    }
    return data | ({"runs": list(comparison.groups[summary.name])} if summary.name in comparison.groups else {})


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


def _trace_document(comparison: Comparison) -> Any:
    """Return the file of a trace, a list of several files, or None."""
    files = [file.document() for file in comparison.trace_files]
    return files if len(files) > 1 else next(iter(files), None)


def _ends(estimate: Estimate) -> list[float] | None:
    return None if math.isnan(estimate.low) else [estimate.low, estimate.high]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(values: Array) -> list[float | None]:
    return [_finite(float(value)) for value in values]

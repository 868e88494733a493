"""Bounds beside the scores of a comparison, for `odc-gym compare --bound`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from odc_gym.cli.common import progress

if TYPE_CHECKING:
    from odc_gym.evaluation import Comparison
    from odc_gym.evaluation.store import CacheEntry
    from odc_gym.evaluation.text_tables import TextTable
    from odc_gym.simulator.simulator import Simulator

BOUND = "bound"
MODULE = "odc_gym.optimisation.bound.bound"


def bounds_of(comparisons: Sequence[Comparison], store: Path | None) -> list[np.ndarray]:
    """Return the bounds of the episodes of each comparison, (N,) each; those in the store are not computed again.

    Raises:
        ArgumentError: a programme is too large.
    """
    done, total = 0, sum(len(comparison.seeds) for comparison in comparisons)
    found = []
    with progress("bounds") as update:
        for comparison in comparisons:
            entry, simulator, points = bound_entry(comparison, store), None, []
            for seed in comparison.seeds.tolist():
                kept = entry.read([seed]) if entry else None
                if kept is None:
                    simulator = simulator or _simulator(comparison)
                    points.append(_bound(simulator, seed, entry))
                else:
                    points.append(float(kept.score[0]))
                done += 1
                update(done, total)
            found.append(np.array(points))
    return found


def _simulator(comparison: Comparison) -> Simulator:
    from odc_gym.simulator.simulator import Simulator

    return Simulator(comparison.scenario, trace=comparison.trace_files or None)


def bound_entry(comparison: Comparison, store: Path | None) -> CacheEntry | None:
    """Return the place of the bounds in a store of finished episodes."""
    from odc_gym.evaluation import Store
    from odc_gym.sources import source_digest

    if store is None:
        return None
    return Store(store, {BOUND: f"{BOUND} {source_digest(MODULE)}"}).entries(comparison.scenario, comparison.trace)[
        BOUND
    ]


def _bound(simulator: Simulator, seed: int, entry: CacheEntry | None) -> float:
    """Compute the bound of an episode, and write it to the store."""
    from odc_gym.evaluation.results import SchedulerResult
    from odc_gym.optimisation.bound import bound_of_episode

    points = bound_of_episode(simulator, seed).points
    if entry is not None:
        entry.write([seed], SchedulerResult(np.array([points]), {}, {}))
    return points


def shares(comparison: Comparison, bounds: np.ndarray) -> dict[str, np.ndarray]:
    """Return the share of the bound that each scheduler reaches, by name: (R, N) for R training runs, 1 for others."""
    return {name: comparison.scores(name) / bounds for name in comparison.compared}


def share_table(comparison: Comparison, bounds: np.ndarray) -> TextTable:
    """Return the table of mean scores, bounds, and shares of the bound with their intervals."""
    from odc_gym.evaluation.statistics import estimate
    from odc_gym.evaluation.text_tables import TextTable
    from odc_gym.evaluation.verdict import with_interval

    rows = [
        (name, f"{comparison.scores(name).mean():.2f}", with_interval(estimate(100.0 * share), ".1f"))
        for name, share in shares(comparison, bounds).items()
    ]
    return TextTable(
        f"{comparison.scenario.name}: share of the bound, {bounds.mean():.2f} on average",
        ("", "score", "share of bound [%]"),
        tuple(rows),
        ("No scheduler exceeds the bound of an episode; docs/bound.md says what it grants that none can have.",),
    )


def bound_document(comparison: Comparison, bounds: np.ndarray) -> dict[str, Any]:
    """Return bounds and shares by episode as JSON data; shares of training runs are their means."""
    share = {name: values.mean(0).tolist() for name, values in shares(comparison, bounds).items()}
    return {"points": bounds.tolist(), "share": share}

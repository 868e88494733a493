"""Comparison of designs: absolute figures of fleets that differ, where scores have different scales.

A score is relative to the sustainable output of its own fleet. A fleet with a larger battery can sustain more, so the
same work scores less on it. Scores therefore compare schedulers, and the figures of this module compare fleets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from odc_gym.evaluation import statistics
from odc_gym.evaluation.headline import tokens
from odc_gym.evaluation.results import Array, Comparison, SchedulerResult
from odc_gym.evaluation.statistics import Estimate
from odc_gym.scenario import Scenario
from odc_gym.tables.fleet.fleet_model import FleetModel

DAY_H = 24.0
SAME_WORK = 0.02
"""Largest relative difference of offered work that counts as the same work. Jobs that are carried over differ a little,
because the sustainable plans of two fleets run at different clocks."""


@dataclass(frozen=True)
class Fleet:
    """Size and sustainable output of a scenario's fleet."""

    satellites: int
    accelerators: int
    sustainable: float  # mean over the year [reference accelerators]
    reference_value: float  # value that scores 100 in an episode
    episode_h: float


@dataclass(frozen=True)
class DesignFigure:
    """One figure of several fleets under the same scheduler, with differences to the first fleet."""

    name: str
    unit: str
    means: tuple[float, ...]  # one per fleet
    differences: tuple[Estimate | None, ...]  # None for the first fleet, and where a value is missing


@dataclass(frozen=True)
class DesignComparison:
    """Several fleets that differ, on the same episodes."""

    names: tuple[str, ...]
    fleets: tuple[Fleet, ...]
    offered: tuple[float, ...]  # offered work of each fleet over that of the first, mean over episodes
    same_work: bool  # whether every episode offers the same work to all fleets


@dataclass(frozen=True)
class _Key:
    """Scenario with its digest, by which it is known."""

    digest: str
    scenario: Scenario = field(compare=False)


def fleet_of(scenario: Scenario) -> Fleet:
    """Return size and sustainable output of a scenario's fleet."""
    return _fleet(_Key(scenario.digest(), scenario))


@lru_cache(maxsize=64)
def _fleet(key: _Key) -> Fleet:
    model = FleetModel(key.scenario)
    return Fleet(
        model.satellites, model.accelerators, model.sustainable, model.reference_value, model.clock.episode_s / 3600.0
    )


def compare_designs(comparisons: Sequence[Comparison]) -> DesignComparison | None:
    """Return how the fleets of several scenarios differ; None if their scores have the same scale.

    Fleets differ if satellites, orbits or hardware differ, or the value that scores 100 in an hour.
    """
    if len(comparisons) < 2:
        return None
    scenarios = [comparison.scenario for comparison in comparisons]
    fleets = tuple(fleet_of(scenario) for scenario in scenarios)
    rates = [fleet.reference_value / fleet.episode_h for fleet in fleets]
    built_alike = all((s.shells, s.hardware) == (scenarios[0].shells, scenarios[0].hardware) for s in scenarios)
    if built_alike and np.allclose(rates, rates[0], rtol=1e-9):
        return None
    offered = np.stack([c.load * fleet.sustainable for c, fleet in zip(comparisons, fleets, strict=True)])
    ratios = offered / np.maximum(offered[0], 1e-9)  # an episode may offer no work at all
    return DesignComparison(
        tuple(scenario.name for scenario in scenarios),
        fleets,
        tuple(float(ratio) for ratio in ratios.mean(axis=1)),
        bool((np.abs(ratios - 1.0) <= SAME_WORK).all()),
    )


def design_figures(comparisons: Sequence[Comparison], designs: DesignComparison, name: str) -> list[DesignFigure]:
    """Return the absolute figures of all fleets under one scheduler, with paired differences to the first fleet.

    Work, value, tokens and cycles are those of a day.

    Args:
        comparisons: one per scenario, on the same seeds.
        designs: fleets of the scenarios.
        name: scheduler that can operate every scenario.
    """
    tables = [
        _absolute(comparison.runs(name), fleet.episode_h)
        for comparison, fleet in zip(comparisons, designs.fleets, strict=True)
    ]
    known = [figure for figure in tables[0] if all(figure in table for table in tables)]
    return [_figure(name, unit, [table[name, unit] for table in tables]) for name, unit in known]


def _figure(name: str, unit: str, values: list[Array]) -> DesignFigure:
    """Compare one figure of all fleets, (R, N) each."""
    differences = [
        statistics.paired_difference(other, values[0]) if np.isfinite(other - values[0]).all() else None
        for other in values[1:]
    ]
    means = tuple(float(v.mean()) if np.isfinite(v).all() else math.nan for v in values)
    return DesignFigure(name, unit, means, (None, *differences))


def _absolute(runs: Sequence[SchedulerResult], episode_h: float) -> dict[tuple[str, str], Array]:
    """Return the absolute figures (R, N) of a scheduler on one fleet, by name and unit."""
    a_day = DAY_H / episode_h
    tables = [
        run.metrics | {"tokens": served} if (served := tokens(run.metrics)) is not None else run.metrics for run in runs
    ]
    figures = (
        ("work", "accelerator-h a day", "work_accelerator_h", a_day),
        ("value", "a day", "value", a_day),
        ("tokens", "million a day", "tokens", 1e-6 * a_day),
        ("battery life", "years", "years_to_80_percent", 1.0),
        ("battery cycles", "a day", "equivalent_cycles", a_day),
        ("energy", "Wh per accelerator-h", "energy_wh_per_accelerator_h", 1.0),
    )
    return {
        (name, unit): factor * np.stack([table[key] for table in tables])
        for name, unit, key, factor in figures
        if all(key in table for table in tables)
    }

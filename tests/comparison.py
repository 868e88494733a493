"""Comparisons with tools, data and closed forms that this project did not write: a test each, and a row of the page.

A test that is decorated with `compares` returns our values and the oracle's. It fails where they differ by more than
the tolerance, and `docs/validate.py` writes what it found into docs/validation.md, beside the pictures of `pictures`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

CHAPTERS = (
    "Orbits and light",
    "Solar and Earth fluxes",
    "Heat",
    "Battery",
    "Compute",
    "Radiation and age",
    "Network",
    "Services",
    "Workload",
)
"""Of the page, in their order."""


@dataclass(frozen=True)
class Subject:
    """What is compared with what.

    Attributes:
        chapter: heading of the page that the row belongs to.
        quantity: what is compared, and where.
        unit: of the values and of the tolerance; "" for a ratio.
        oracle: what it is compared with: a tool, a dataset, or a closed form with its source.
        tolerance: the largest difference that is allowed, in the unit; relative if `relative`.
        mean_tolerance: the same for the mean of the absolute differences; None if only the largest counts.
        relative: differences are over the oracle's value.
        package: distribution whose installed version is told beside the oracle; None for a closed form or a table.
        note: one sentence for the page.
    """

    chapter: str
    quantity: str
    unit: str
    oracle: str
    tolerance: float
    mean_tolerance: float | None = None
    relative: bool = False
    package: str | None = None
    note: str = ""

    @property
    def oracle_version(self) -> str:
        """The oracle with its version."""
        return f"{self.oracle} {version(self.package)}" if self.package else self.oracle


@dataclass(frozen=True)
class Finding:
    """What a comparison found: number of values, our range, largest and mean absolute difference."""

    subject: Subject
    count: int
    least: float
    most: float
    worst: float
    mean: float

    @property
    def holds(self) -> bool:
        """Whether the differences are within the tolerances."""
        subject = self.subject
        return self.worst <= subject.tolerance and self.mean <= (subject.mean_tolerance or np.inf)


@dataclass(frozen=True)
class Comparison:
    """A registered comparison: what is compared, and how it is measured, once."""

    subject: Subject
    finding: Callable[[], Finding]


COMPARISONS: list[Comparison] = []
"""Every comparison of the modules that are imported, in their order."""
PICTURES: dict[str, tuple[str, str, Callable[[], Any]]] = {}
"""Name of the file to chapter, caption and a function that draws a matplotlib figure."""


def compare(subject: Subject, ours: Any, theirs: Any) -> Finding:
    """Measure the difference of two arrays that broadcast against each other."""
    ours, theirs = np.broadcast_arrays(np.asarray(ours, float), np.asarray(theirs, float))
    assert ours.size > 0, f"{subject.quantity}: nothing was compared"
    difference = np.abs(ours - theirs) / (np.abs(theirs) if subject.relative else 1.0)
    worst = float(difference.max()) if np.isfinite(difference).all() else np.inf
    return Finding(subject, ours.size, float(ours.min()), float(ours.max()), worst, float(difference.mean()))


def compares(chapter: str, quantity: str, unit: str, oracle: str, tolerance: float, **options: Any):  # type: ignore[no-untyped-def]
    """Make a test of a function without arguments that returns our values and the oracle's."""
    assert chapter in CHAPTERS, f"{quantity}: chapter {chapter}: must be one of {', '.join(CHAPTERS)}"
    subject = Subject(chapter, quantity, unit, oracle, tolerance, **options)

    def decorate(measure: Callable[[], tuple[Any, Any]]) -> Callable[[], None]:
        @functools.cache
        def finding() -> Finding:
            return compare(subject, *measure())

        @functools.wraps(measure)
        def test() -> None:
            found = finding()
            assert found.holds, f"{subject.quantity}: worst {found.worst:.4g}, mean {found.mean:.4g} {subject.unit}"

        COMPARISONS.append(Comparison(subject, finding))
        return test

    return decorate


def pictures(chapter: str, name: str, caption: str):  # type: ignore[no-untyped-def]
    """Register a function that draws a matplotlib figure for the page, saved as docs/figures/validation-NAME.png."""

    assert chapter in CHAPTERS, f"{name}: chapter {chapter}: must be one of {', '.join(CHAPTERS)}"

    def decorate(draw: Callable[[], Any]) -> Callable[[], Any]:
        PICTURES[name] = (chapter, caption, draw)
        return draw

    return decorate

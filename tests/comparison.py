"""Comparisons with tools, data and closed forms from outside this project. Each is a test and a row of the page.

A test with the decorator `compares` returns our values and the oracle's. It fails if they differ by more than the
tolerance. `docs/validate.py` writes its findings into docs/validation.md, with the pictures of `pictures`.
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
"""Chapters of the page, in order."""


@dataclass(frozen=True)
class Subject:
    """Description of one comparison.

    Attributes:
        chapter: heading of the page that the row belongs to.
        quantity: compared quantity, and its range of conditions.
        unit: of the values and of the tolerance; "" for a ratio.
        oracle: reference: a tool, a dataset, or a closed form with its source.
        tolerance: largest allowed difference, in the unit; relative if `relative`.
        mean_tolerance: largest allowed mean of the absolute differences; None for no limit.
        relative: whether differences are divided by the oracle's value.
        package: distribution whose installed version follows the oracle's name; None for a closed form or a table.
        note: one or two sentences for the page.
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
        """Oracle with its version."""
        return f"{self.oracle} {version(self.package)}" if self.package else self.oracle


@dataclass(frozen=True)
class Finding:
    """Result of a comparison: number of values, our range, largest and mean absolute difference."""

    subject: Subject
    count: int
    least: float
    most: float
    worst: float
    mean: float

    @property
    def holds(self) -> bool:
        """Return whether the differences are within the tolerances."""
        subject = self.subject
        return self.worst <= subject.tolerance and self.mean <= (subject.mean_tolerance or np.inf)


@dataclass(frozen=True)
class Comparison:
    """Registered comparison: its subject, and a function that measures it once."""

    subject: Subject
    finding: Callable[[], Finding]


COMPARISONS: list[Comparison] = []
"""All comparisons of the imported modules, in order of registration."""
PICTURES: dict[str, tuple[str, str, Callable[[], Any]]] = {}
"""Map from file name to chapter, caption and a function that draws a matplotlib figure."""


def compare(subject: Subject, ours: Any, theirs: Any) -> Finding:
    """Measure the difference between two arrays that broadcast against each other."""
    ours, theirs = np.broadcast_arrays(np.asarray(ours, float), np.asarray(theirs, float))
    assert ours.size > 0, f"{subject.quantity}: nothing was compared"
    difference = np.abs(ours - theirs) / (np.abs(theirs) if subject.relative else 1.0)
    worst = float(difference.max()) if np.isfinite(difference).all() else np.inf
    return Finding(subject, ours.size, float(ours.min()), float(ours.max()), worst, float(difference.mean()))


def compares(chapter: str, quantity: str, unit: str, oracle: str, tolerance: float, **options: Any):  # type: ignore[no-untyped-def]
    """Turn a function without arguments, which returns our values and the oracle's, into a test."""
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
    """Register a function that draws a matplotlib figure. The page saves it as docs/figures/validation-NAME.png."""

    assert chapter in CHAPTERS, f"{name}: chapter {chapter}: must be one of {', '.join(CHAPTERS)}"

    def decorate(draw: Callable[[], Any]) -> Callable[[], Any]:
        PICTURES[name] = (chapter, caption, draw)
        return draw

    return decorate

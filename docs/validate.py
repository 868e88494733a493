"""Measure what is compared with tools, data and closed forms, and write docs/validation.md: `make validate`.

Every comparison of `tests/validation` is measured and every picture drawn first. If all hold, the pictures and the page
are written; if one does not, nothing is. The page ends with what `benchmarks/mutations.py` found, and with two days of
three fleets, which `docs/solstices.py` flies.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests"
for folder in (ROOT / "docs", TESTS, TESTS / "rigs", TESTS / "validation"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import solstices  # noqa: E402
from comparison import CHAPTERS, COMPARISONS, PICTURES, Finding, Subject  # noqa: E402
from generate import table  # noqa: E402

from odc_gym.errors import OdcGymError  # noqa: E402
from odc_gym.evaluation import write_text  # noqa: E402

PAGE, FIGURES = ROOT / "docs" / "validation.md", ROOT / "docs" / "figures"
MUTATIONS = ROOT / "docs" / "mutations.json"
PREFIX, DPI = "validation-", 100
SHOWN = 4  # tests that notice a change
HEAD = ("quantity", "unit", "ours", "compared with", "values", "largest difference", "mean", "allowed", "note")

INTRODUCTION = """# Validation

What this environment computes, beside what tools, data and closed forms that this project did not write say of the
same. Every row is a test in `tests/validation`; `make validate` measures all of them, draws the pictures and writes
this page, and writes nothing if one row does not hold. Nothing needs the network.

Ours is the range of the values that were compared, their number is in the column values. The largest and the mean
difference are absolute, in the unit of the row, or in per cent of the oracle's value; allowed is what the largest may
be, and the mean where two numbers stand.
"""

MUTATIONS_TEXT = """## What the tests notice

A test that cannot fail shows nothing. `make mutations` changes one number, sign or term of physics, network or work at
a time and runs tests that should notice; these do:
"""
SOLSTICES_TEXT = """## Two days of three fleets

Under the zero action, 21 June and 21 December: the share of time in which energy, heat or the number of accelerators
limits what the sustainable plan lets a satellite draw, the deepest discharge within an orbit, and least and largest
temperatures of all satellites. `python docs/solstices.py` prints it. What limits a power is what would raise it most if
there were a fifth more: of array and battery, or of radiator; where neither would, all accelerators run at full clock.
"""

Drawing = tuple[str, str, Callable[[], Any]]
"""Chapter, caption, and the function that draws."""


def register() -> None:
    """Import every module of tests/validation, which registers what it compares and draws."""
    for path in sorted((TESTS / "validation").glob("test_*.py")):
        importlib.import_module(path.stem)


def measured() -> list[Finding]:
    """What every comparison found.

    Raises:
        OdcGymError: comparisons that do not hold, in one line.
    """
    findings = [comparison.finding() for comparison in COMPARISONS]
    wrong = [
        f"{f.subject.chapter}: {f.subject.quantity}: largest difference {difference(f.subject, f.worst)}, "
        f"mean {difference(f.subject, f.mean)}, allowed {allowed(f.subject)}"
        for f in findings
        if not f.holds
    ]
    if wrong:
        raise OdcGymError(f"{len(wrong)} of {len(findings)} comparisons do not hold: {'; '.join(wrong)}")
    return findings


def page(findings: Sequence[Finding], drawings: dict[str, Drawing], *sections: str) -> str:
    """The whole page; `sections` stand at its end."""
    parts = [INTRODUCTION, made_with()]
    for chapter in CHAPTERS:
        mine = [finding for finding in findings if finding.subject.chapter == chapter]
        drawn = [(name, caption) for name, (where, caption, _) in drawings.items() if where == chapter]
        if mine or drawn:
            parts.append(f"## {chapter}")
        if mine:
            parts.append(table(HEAD, (row(finding) for finding in mine)))
        parts += [f"![{caption}](figures/{PREFIX}{name}.png)\n\n{caption}" for name, caption in drawn]
    return "\n\n".join(part.strip() for part in (*parts, *sections)) + "\n"


def mutations() -> str:
    """What noticed each change of the physics: tests by their names, those with an oracle first."""
    found = json.loads(MUTATIONS.read_text(encoding="utf-8"))
    rows = []
    for name, result in found.items():
        tests = sorted(result["caught_by"], key=lambda test: (not test.startswith("tests/validation"), test))
        shown = [f"`{test.removeprefix('tests/').replace('.py::', ': ')}`" for test in tests[:SHOWN]]
        more = [f"{len(tests) - SHOWN} more"] * (len(tests) > SHOWN)
        rows.append((name, f"`{result['file']}`", ", ".join(shown + more)))
    return f"{MUTATIONS_TEXT}\n{table(('change', 'in', 'noticed by'), rows)}"


def row(finding: Finding) -> tuple[str, ...]:
    """The cells of a comparison."""
    subject = finding.subject
    ends = dict.fromkeys(f"{value:.5g}" for value in (finding.least, finding.most))
    return (
        subject.quantity,
        subject.unit,
        " to ".join(ends),
        subject.oracle_version,
        f"{finding.count:,}".replace(",", " "),
        difference(subject, finding.worst),
        difference(subject, finding.mean),
        allowed(subject),
        subject.note,
    )


def difference(subject: Subject, value: float) -> str:
    """A difference to two digits, in per cent where it is relative."""
    return f"{100.0 * value:.2g} %" if subject.relative else f"{value:.2g}"


def allowed(subject: Subject) -> str:
    """What may differ."""
    limits = [value for value in (subject.tolerance, subject.mean_tolerance) if value is not None]
    texts = [f"{100.0 * value:.6g} %" if subject.relative else f"{value:.6g}" for value in limits]
    return ", mean ".join(texts)


def made_with() -> str:
    """The versions that the numbers were measured with."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "numba"))
    return f"Measured with Python {platform.python_version()}, {versions}."


def draw(drawings: dict[str, Drawing], folder: Path) -> None:
    """Save every picture as a file of a folder; the same numbers are the same file."""
    from matplotlib import pyplot

    for name, (_, _, drawing) in drawings.items():
        figure = drawing()
        figure.savefig(folder / f"{PREFIX}{name}.png", dpi=DPI, metadata={"Software": None})
        pyplot.close(figure)


def write(page_file: Path = PAGE, figures: Path = FIGURES) -> None:
    """Measure, draw and write, or write nothing.

    Raises:
        OdcGymError: comparisons that do not hold.
    """
    text = page(measured(), PICTURES, mutations(), f"{SOLSTICES_TEXT}\n{solstices.page()}")
    figures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=figures.parent) as folder:
        draw(PICTURES, Path(folder))
        new = sorted(Path(folder).glob("*.png"))
        for old in figures.glob(f"{PREFIX}*.png"):
            old.unlink()
        for path in new:
            path.replace(figures / path.name)
    write_text(page_file, text)


def main() -> int:
    """The command."""
    register()
    try:
        write()
    except OdcGymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

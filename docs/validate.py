"""Generator of docs/validation.md: comparisons with tools, data and closed forms. `make validate` runs it.

The generator first measures every comparison of `tests/validation` and draws every picture. If all comparisons hold, it
writes the pictures and the page. If one does not hold, it writes nothing. The page ends with the results of
`benchmarks/mutations.py`, and with the table of three fleets from `docs/solstices.py`.

`python docs/validate.py --figures [NAME ...]` only draws pictures again, without measuring.
"""

from __future__ import annotations

import argparse
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
from figure_style import STYLE, save  # noqa: E402
from generate import table  # noqa: E402

from odc_gym.errors import OdcGymError  # noqa: E402
from odc_gym.evaluation import write_text  # noqa: E402

PAGE, FIGURES = ROOT / "docs" / "validation.md", ROOT / "docs" / "figures"
MUTATIONS = ROOT / "docs" / "mutations.json"
PREFIX = "validation-"
MAX_TESTS_SHOWN = 4  # names of tests per change
HEAD = ("quantity", "unit", "ours", "compared with", "values", "largest difference", "mean", "allowed", "note")

INTRODUCTION = """# Validation

This page compares results of this environment with tools, data and closed forms from outside this project. Every row
of its tables is a test in `tests/validation`. `make validate` measures all rows, draws the pictures and writes this
page. It writes nothing if one row does not hold. It does not need the network.

- **ours** is the range of our values. **values** is their number.
- **compared with** is the oracle: the tool, the data or the closed form.
- **largest difference** and **mean** are absolute differences, in the unit of the row or in per cent of the oracle's
  value.
- **allowed** is the limit of the largest difference. A second number is the limit of the mean.
"""

MUTATIONS_TEXT = """## Mutation tests

A test that cannot fail shows nothing. `make mutations` changes one number, sign or term of physics, network or work at
a time. It then runs the tests that should notice the change. The table lists the tests that do:
"""
SOLSTICES_TEXT = """## Three fleets at the solstices

The table shows three fleets under the zero action on 21 June and 21 December. "binds the plan" is the share of time in
which energy, heat or the number of accelerators (slots) limits the power of the sustainable plan. To find the limit,
the program adds a fifth to array and battery, or to the radiator. The addition that raises the power more shows the
limit: energy or heat. Where neither raises it, all accelerators run at full clock. "deepest discharge" is that within
an orbit. The temperatures are the least and the largest of all satellites. `python docs/solstices.py` prints the table.
"""

Drawing = tuple[str, str, Callable[[], Any]]
"""Chapter, caption, and function that draws the picture."""


def register() -> None:
    """Import every module of tests/validation. Each module registers its comparisons and pictures."""
    for path in sorted((TESTS / "validation").glob("test_*.py")):
        importlib.import_module(path.stem)


def measured() -> list[Finding]:
    """Return the findings of all comparisons.

    Raises:
        OdcGymError: some comparisons do not hold; the message lists them in one line.
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
    """Return the whole page, with `sections` at its end."""
    parts = [INTRODUCTION, made_with()]
    for chapter in CHAPTERS:
        chapter_findings = [finding for finding in findings if finding.subject.chapter == chapter]
        chapter_drawings = [(name, caption) for name, (where, caption, _) in drawings.items() if where == chapter]
        if chapter_findings or chapter_drawings:
            parts.append(f"## {chapter}")
        if chapter_findings:
            parts.append(table(HEAD, (row(finding) for finding in chapter_findings)))
        parts += [f"![{caption}](figures/{PREFIX}{name}.png)\n\n{caption}" for name, caption in chapter_drawings]
    return "\n\n".join(part.strip() for part in (*parts, *sections)) + "\n"


def mutations() -> str:
    """Return the section on mutations: the names of the tests that notice each change, those with an oracle first."""
    results = json.loads(MUTATIONS.read_text(encoding="utf-8"))
    rows = []
    for name, result in results.items():
        tests = sorted(result["caught_by"], key=lambda test: (not test.startswith("tests/validation"), test))
        named = [f"`{test.removeprefix('tests/').replace('.py::', ': ')}`" for test in tests[:MAX_TESTS_SHOWN]]
        more = [f"{len(tests) - MAX_TESTS_SHOWN} more"] * (len(tests) > MAX_TESTS_SHOWN)
        rows.append((name, f"`{result['file']}`", ", ".join(named + more)))
    return f"{MUTATIONS_TEXT}\n{table(('change', 'in', 'noticed by'), rows)}"


def row(finding: Finding) -> tuple[str, ...]:
    """Return the table cells of a comparison."""
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
    """Format a difference with two digits, in per cent where it is relative."""
    return f"{100.0 * value:.2g} %" if subject.relative else f"{value:.2g}"


def allowed(subject: Subject) -> str:
    """Format the allowed differences: the largest, and the mean if it has a limit."""
    limits = [value for value in (subject.tolerance, subject.mean_tolerance) if value is not None]
    texts = [f"{100.0 * value:.6g} %" if subject.relative else f"{value:.6g}" for value in limits]
    return ", mean ".join(texts)


def made_with() -> str:
    """Return a sentence with the versions that produced the numbers."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "numba"))
    return f"Measured with Python {platform.python_version()}, {versions}."


def draw(drawings: dict[str, Drawing], folder: Path) -> None:
    """Save every picture to a folder. The same numbers give the same bytes."""
    for name, (_, _, drawing) in drawings.items():
        with matplotlib.rc_context(STYLE):
            save(drawing(), folder / f"{PREFIX}{name}.png")


def write(page_file: Path = PAGE, figures: Path = FIGURES) -> None:
    """Measure and draw everything, then write the page and its pictures.

    Raises:
        OdcGymError: some comparisons do not hold; nothing is written.
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description="Write docs/validation.md, or draw its pictures again.")
    parser.add_argument("--figures", nargs="*", metavar="NAME", help="pictures to draw, without measuring; all if none")
    given = parser.parse_args(arguments)
    register()
    unknown = [name for name in given.figures or () if name not in PICTURES]
    if unknown:
        parser.error(f"--figures {unknown[0]}: must be one of {', '.join(PICTURES)}")
    try:
        if given.figures is None:
            write()
        else:
            draw({name: PICTURES[name] for name in given.figures or PICTURES}, FIGURES)
    except OdcGymError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

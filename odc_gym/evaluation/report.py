"""Reports of comparisons: tables on the console, and the same tables in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from odc_gym.evaluation.documents import library_versions
from odc_gym.evaluation.results import Comparison
from odc_gym.evaluation.text_tables import Section, TextReport, TextTable, text_report

_GAP = 2  # characters between two columns
_LEAST_NAME = 18  # characters that a narrow console leaves to the names of rows


def print_report(
    console: Console,
    comparisons: Sequence[Comparison],
    baseline: str,
    by_load: bool = False,
    all_metrics: bool = False,
    notes: Sequence[str] = (),
) -> None:
    """Print the answer, the scores with their notes, the scores by load if requested, the KPIs, and the verdict.

    Args:
        console: console to print to.
        comparisons: one per scenario; with several, tables across them follow.
        baseline: scheduler to which the others are compared.
        by_load: whether to add a table for each third of the load factor.
        all_metrics: whether to show all statistics of scores, the reward terms and all KPIs.
        notes: notes on the whole comparison.
    """
    report = text_report(comparisons, baseline, by_load, all_metrics, notes)
    _print_lines(console, report.answers)
    for section in report.sections:
        print_tables(console, section.tables)
    _print_lines(console, ["", *report.verdicts])


def print_tables(console: Console, tables: Iterable[TextTable]) -> None:
    """Print tables and their notes. Tables that are too wide for the console are split by columns."""
    for table in tables:
        for part in _split_to_width(table, console.width):
            console.print()
            console.print(Text(part.title, style="italic"))
            console.print(_rich_table(part))
        _print_lines(console, table.notes)


def _print_lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(line, markup=False, highlight=False)


def markdown(
    comparisons: Sequence[Comparison],
    baseline: str,
    by_load: bool,
    command: str,
    date: str | None = None,
    all_metrics: bool = False,
) -> str:
    """Return the report of `print_report` in GitHub's Markdown.

    Args:
        comparisons: one per scenario.
        baseline: scheduler to which the others are compared.
        by_load: whether to add a table for each third of the load factor.
        command: command that reproduces the numbers.
        date: date of the comparison; None omits it, so that equal numbers give equal text.
        all_metrics: whether to show all statistics of scores, the reward terms and all KPIs.
    """
    versions = ", ".join(f"{name} {version}" for name, version in library_versions().items())
    report = text_report(comparisons, baseline, by_load, all_metrics)
    blocks = [*map(escaped, report.answers), code_block(command), versions + (f", {date}" if date else "") + "."]
    blocks += markdown_sections(report)
    return "\n\n".join(blocks) + "\n"


def code_block(text: str, language: str = "") -> str:
    """Return text as a fenced block of Markdown, whose fence is longer than any run of backticks in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def markdown_sections(report: TextReport) -> Iterator[str]:
    """Yield the sections of a report and its verdict as paragraphs in Markdown."""
    for section in report.sections:
        yield from _markdown_section(section)
    yield from map(escaped, report.verdicts)


def _markdown_section(section: Section) -> Iterator[str]:
    yield f"## {escaped(section.name)}"
    for table in section.tables:
        yield from markdown_table(table)


def markdown_table(table: TextTable) -> Iterator[str]:
    """Yield the title, the cells and the notes of a table as paragraphs in Markdown."""
    yield escaped(table.title) + ":"
    rule = ("---", *["---:"] * (len(table.head) - 1))
    yield "\n".join(
        f"| {' | '.join(line)} |" for line in (_markdown_cells(table.head), rule, *map(_markdown_cells, table.rows))
    )
    if table.notes:
        yield "\n".join(f"- {escaped(note)}" for note in table.notes)


def _markdown_cells(line: Sequence[str]) -> tuple[str, ...]:
    return tuple(escaped(cell).replace("|", "\\|") for cell in line)


def escaped(text: str) -> str:
    """Return text with escapes, so that Markdown shows it unchanged."""
    return "".join(f"\\{sign}" if sign in "\\*<`[" else sign for sign in text)


def _rich_table(table: TextTable) -> Table:
    out = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0))
    for k, name in enumerate(table.head):
        out.add_column(Text(name), no_wrap=True, justify="right" if k else "left")
    for line in table.rows:
        out.add_row(*map(Text, line))
    return out


def _split_to_width(table: TextTable, width: int) -> Iterator[TextTable]:
    """Fit a table to a width: without its optional columns, with names in several lines, or in parts.

    Each part repeats the first column and has no notes.
    """
    while table.optional and _width(table) > width:
        rows = tuple(line[:-1] for line in table.rows)
        table = replace(table, head=table.head[:-1], rows=rows, optional=table.optional - 1)
    if _width(table) > width:
        table = _with_broken_names(table, width)
    needs = _needs(table)
    columns: list[list[int]] = [[]]
    for k in range(1, len(needs)):
        if columns[-1] and sum(needs[j] + _GAP for j in (0, *columns[-1], k)) - _GAP > width:
            columns.append([])
        columns[-1].append(k)
    for number, chosen in enumerate(columns, 1):
        kept = (0, *chosen)
        part = f" ({number} of {len(columns)})" if len(columns) > 1 else ""
        lines = tuple(tuple(line[k] for k in kept) for line in table.rows)
        yield TextTable(table.title + part, tuple(table.head[k] for k in kept), lines)


def _with_broken_names(table: TextTable, width: int) -> TextTable:
    """Break the heads of columns to the width of their cells, then the names of rows to what is left."""
    cells = [max((_longest(line[k]) for line in table.rows), default=1) for k in range(len(table.head))]
    head = (table.head[0], *(_broken(name, cells[k]) for k, name in enumerate(table.head) if k))
    table = replace(table, head=head)
    room = max(width - (_width(table) - _needs(table)[0]), _LEAST_NAME)
    return replace(table, rows=tuple((_broken(line[0], room), *line[1:]) for line in table.rows))


def _broken(name: str, width: int) -> str:
    """Break a name into lines after spaces and signs between words; a longer word is cut if the width allows 8."""
    lines = [""]
    for piece in re.findall(r"[^\s/_-]+[\s/_-]*|[\s/_-]+", name):
        if lines[-1] and len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
        while width >= 8 and len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return "\n".join(line.rstrip() for line in lines)


def _longest(cell: str) -> int:
    return max(map(len, cell.split("\n")))


def _needs(table: TextTable) -> list[int]:
    """Return the width of each column."""
    return [max(_longest(line[k]) for line in (table.head, *table.rows)) for k in range(len(table.head))]


def _width(table: TextTable) -> int:
    needs = _needs(table)
    return sum(needs) + _GAP * (len(needs) - 1)

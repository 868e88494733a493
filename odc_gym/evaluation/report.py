"""Reports of comparisons: tables on the console, and the same tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from odc_gym.evaluation.documents import library_versions
from odc_gym.evaluation.results import Comparison
from odc_gym.evaluation.text_tables import Section, TextTable, sections

_COLUMN_OVERHEAD = 3  # characters that each column of a printed table adds to its text


def print_report(console: Console, comparisons: Sequence[Comparison], baseline: str, by_load: bool) -> None:
    """Print the scores with their notes, the scores by load if requested, and the KPIs.

    Args:
        console: console to print to.
        comparisons: one per scenario; with several, tables across them follow.
        baseline: scheduler to which the others are compared.
        by_load: whether to add a table for each third of the load factor.
    """
    for section in sections(comparisons, baseline, by_load):
        print_tables(console, section.tables)


def print_tables(console: Console, tables: Iterable[TextTable]) -> None:
    """Print tables and their notes. Tables that are too wide for the console are split by columns."""
    for table in tables:
        for part in _split_to_width(table, console.width):
            console.print(Text(part.title, style="italic"))
            console.print(_rich_table(part))
        for note in table.notes:
            console.print(note, markup=False, highlight=False)


def markdown(
    comparisons: Sequence[Comparison], baseline: str, by_load: bool, command: str, date: str | None = None
) -> str:
    """Return the tables of `print_report` in GitHub's Markdown.

    Args:
        comparisons: one per scenario.
        baseline: scheduler to which the others are compared.
        by_load: whether to add a table for each third of the load factor.
        command: command that reproduces the numbers.
        date: date of the comparison; None omits it, so that equal numbers give equal text.
    """
    versions = ", ".join(f"{name} {version}" for name, version in library_versions().items())
    blocks = [f"```\n{command}\n```", versions + (f", {date}" if date else "") + "."]
    for section in sections(comparisons, baseline, by_load):
        blocks += _markdown_section(section)
    return "\n\n".join(blocks) + "\n"


def _markdown_section(section: Section) -> Iterator[str]:
    yield f"## {_escaped(section.name)}"
    for table in section.tables:
        yield from markdown_table(table)


def markdown_table(table: TextTable) -> Iterator[str]:
    """Yield the title, the cells and the notes of a table as paragraphs in Markdown."""
    yield _escaped(table.title) + ":"
    rule = ("---", *["---:"] * (len(table.head) - 1))
    yield "\n".join(
        f"| {' | '.join(line)} |" for line in (_markdown_cells(table.head), rule, *map(_markdown_cells, table.rows))
    )
    if table.notes:
        yield "\n".join(f"- {_escaped(note)}" for note in table.notes)


def _markdown_cells(line: Sequence[str]) -> tuple[str, ...]:
    return tuple(_escaped(cell).replace("|", "\\|") for cell in line)


def _escaped(text: str) -> str:
    """Escape text so that Markdown shows it unchanged."""
    return "".join(f"\\{sign}" if sign in "\\*<`[" else sign for sign in text)


def _rich_table(table: TextTable) -> Table:
    out = Table()
    for k, name in enumerate(table.head):
        out.add_column(Text(name), no_wrap=k == 0, justify="right" if k else "left")
    for line in table.rows:
        out.add_row(*map(Text, line))
    return out


def _split_to_width(table: TextTable, width: int) -> Iterator[TextTable]:
    """Split a table by columns into parts that fit the width. Each part repeats the first column and has no notes."""
    needs = [
        max(len(head), *(len(line[k]) for line in table.rows)) + _COLUMN_OVERHEAD for k, head in enumerate(table.head)
    ]
    columns: list[list[int]] = [[]]
    for k in range(1, len(needs)):
        if columns[-1] and sum(needs[j] for j in (0, *columns[-1], k)) >= width:
            columns.append([])
        columns[-1].append(k)
    for number, chosen in enumerate(columns, 1):
        kept = (0, *chosen)
        part = f" ({number} of {len(columns)})" if len(columns) > 1 else ""
        lines = tuple(tuple(line[k] for k in kept) for line in table.rows)
        yield TextTable(table.title + part, tuple(table.head[k] for k in kept), lines)

"""Values of options: whole numbers, numbers of processes, and completion of names in the shell."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from pathlib import Path

import typer

MAX_DIGITS = 18


def whole_number(text: str | int) -> int:
    """Read a whole number as people write it: 1000000, 1_000_000 or 1e6.

    Raises:
        typer.BadParameter: the text is no whole number, or has more than 18 digits.
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or value.adjusted() >= MAX_DIGITS or value != value.to_integral_value():
        raise typer.BadParameter(f"{text} must be a whole number, such as 1000000, 1_000_000 or 1e6")
    return int(value)


def process_count(text: str | int) -> int | None:
    """Read a number of processes; `auto` gives None, which means one for each core that is available.

    Raises:
        typer.BadParameter: the text is neither `auto` nor a whole number.
    """
    if str(text).strip().lower() == "auto":
        return None
    try:
        return whole_number(text)
    except typer.BadParameter:
        raise typer.BadParameter(f"{text} must be a whole number >= 1, or auto") from None


def complete_scenarios(incomplete: str) -> list[str]:
    """Return the scenarios and YAML files that the last name of a comma-separated list may become."""
    from odc_gym.scenario.files import names

    return _complete(incomplete, names(), (".yaml", ".yml"))


def complete_schedulers(incomplete: str) -> list[str]:
    """Return the schedulers, Python files and folders that the last name of a comma-separated list may become."""
    from odc_gym.agents import scheduler_names

    return _complete(incomplete, scheduler_names(), (".py",))


def complete_traces(incomplete: str) -> list[str]:
    """Return the public traces that a name may become."""
    from odc_gym.workload.traces.download import PUBLIC_TRACES

    return [name for name in PUBLIC_TRACES if name.startswith(incomplete)]


def _complete(incomplete: str, names: Iterable[str], suffixes: tuple[str, ...]) -> list[str]:
    before, comma, last = incomplete.rpartition(",")
    folder = Path(last if last.endswith("/") else Path(last).parent)
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [f"{path}/" if path.is_dir() else str(path) for path in paths if path.is_dir() or path.suffix in suffixes]
    return [f"{before}{comma}{name}" for name in (*names, *files) if name.startswith(last) and not name.startswith(".")]

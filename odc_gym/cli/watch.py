"""Command `odc-gym watch`: plays one day, prints where each joule went, and opens the replay page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odc_gym.cli.common import (
    REPORT_WIDTH,
    Force,
    Overrides,
    ScenarioArgument,
    ScenarioOption,
    TraceAsIs,
    TraceFiles,
    TraceFormats,
    console,
    load,
    progress,
    trace_files,
)
from odc_gym.cli.compare import split_schedulers
from odc_gym.cli.record import FIRST_WATCHED, Seed
from odc_gym.cli.values import complete_schedulers
from odc_gym.defaults import DEFAULT_SCENARIO

if TYPE_CHECKING:
    from rich.table import Table

    from odc_gym.recording import Recording
    from odc_gym.simulator.energy_flow import Entry

WATCHED = "full-clock,gang-aware"


def watch(
    scenario: ScenarioArgument = None,
    scenario_option: ScenarioOption = None,
    schedulers: Annotated[
        str,
        typer.Option(
            "--agents",
            "-a",
            help="Comma-separated schedulers, as in `odc-gym compare`.",
            autocompletion=complete_schedulers,
        ),
    ] = WATCHED,
    seed: Seed = FIRST_WATCHED,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder for recordings, tables and the page.")
    ] = Path("watch"),
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the page in the browser.")] = False,
    overrides: Overrides = None,
    trace: TraceFiles = None,
    trace_format: TraceFormats = None,
    trace_as_is: TraceAsIs = False,
    force: Force = False,
) -> None:
    """Play one day under each scheduler, print where each joule went, and show the day in the browser.

    The folder receives a recording and CSV tables for each scheduler, and the page replay.html.
    """
    from odc_gym.errors import OdcGymError
    from odc_gym.recording import record_episode
    from odc_gym.scenario.files import parse_overrides

    if scenario is not None and scenario_option is not None:
        raise OdcGymError(f"scenario = {scenario} and {scenario_option}: name one")
    names = split_schedulers(schedulers)
    loaded = load(scenario or scenario_option or DEFAULT_SCENARIO, parse_overrides(overrides or []))
    files = trace_files(trace, trace_format, trace_as_is)
    page = _prepared_page(output, force)
    recordings = []
    with progress("decisions") as update:
        for k, name in enumerate(names):

            def so_far(done: int, total: int, before: int = k) -> None:
                update(before * total + done, len(names) * total)

            recordings.append(record_episode(loaded, name, seed, trace=files, progress=so_far))
    _write(page, recordings)
    out = console(REPORT_WIDTH)
    out.print(_answer(recordings), soft_wrap=True)
    out.print(_ledger(recordings))
    out.print(f"{page}: {page.stat().st_size / 1e3:.0f} kB; recordings and CSV tables lie beside it", soft_wrap=True)
    if not no_open:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())


def _prepared_page(folder: Path, force: bool) -> Path:
    """Make the folder of the output, and return the path of the page.

    Raises:
        OdcGymError: the page exists and `force` is not set, or the folder cannot be made.
    """
    from odc_gym.errors import OdcGymError
    from odc_gym.evaluation.files import require_free

    if folder.exists() and not folder.is_dir():
        raise OdcGymError(f"--output {folder}: must be a folder")
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "replay.html"
    require_free(page, force)
    return page


def _write(page: Path, recordings: list[Recording]) -> None:
    """Write recordings, their CSV tables and the page into the folder of the page."""
    from odc_gym.pages.replay import write_replay
    from odc_gym.recording import write_recording
    from odc_gym.recording.exports import export

    files = []
    for k, recording in enumerate(recordings):
        stem = _stem(k, recording)
        files.append(page.with_name(f"{stem}.npz"))
        write_recording(files[-1], recording)
        tables = page.with_name(f"{stem}-export")
        tables.mkdir(exist_ok=True)
        export(recording, tables, ["csv"])
    write_replay(page, files)


def _stem(place: int, recording: Recording) -> str:
    """Return the name of a recording's files: place and scheduler, without characters that file names lack."""
    plain = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in recording.agent)
    return f"{place + 1}-{plain.strip('-') or 'agent'}"


def _answer(recordings: list[Recording]) -> str:
    """Return the sentence that says who scored how much."""
    best = max(recordings, key=lambda each: each.score)
    header = best.header
    others = ", ".join(f"{each.agent} {each.score:.2f}" for each in recordings if each is not best)
    place = f"{header['scenario_name']}, episode {header['seed']}"
    return f"{place}: {best.agent} scores {best.score:.2f}{f'; {others}' if others else ''}. One day is no comparison."


def _ledger(recordings: list[Recording]) -> Table:
    """Return the ledgers of energy and heat of recordings as one table, a column for each."""
    from rich.table import Table

    from odc_gym.constants import KWH_J
    from odc_gym.recording.energy import recorded_energy
    from odc_gym.simulator.energy_flow import SIDES, ledger

    ledgers = [ledger(recorded_energy(recording)) for recording in recordings]
    table = Table(title="Where each joule went [kWh]", title_justify="left", caption=_closure(ledgers))
    table.add_column("")
    for recording in recordings:
        table.add_column(recording.agent, justify="right")
    for side in SIDES:
        sums = [sum(entry.joules for entry in each if entry.side == side) for each in ledgers]
        table.add_row(side, *(f"{joules / KWH_J:.2f}" for joules in sums), style="bold")
        labels = dict.fromkeys(entry.label for each in ledgers for entry in each if entry.side == side)
        for label in labels:
            parts = [sum(e.joules for e in each if (e.side, e.label) == (side, label)) for each in ledgers]
            table.add_row(f"  {label}", *(f"{joules / KWH_J:.2f}" for joules in parts))
    return table


def _closure(ledgers: list[list[Entry]]) -> str:
    """Return the sentence about the largest difference between the two sides of a ledger, over the sides."""
    worst = 0.0
    for each in ledgers:
        for kind in ("electricity", "heat"):
            ins, outs = (math.fsum(e.joules for e in each if e.side == f"{kind} {way}") for way in ("from", "to"))
            worst = max(worst, abs(ins - outs) / max(ins, outs, 1e-9))
    return f"Both sides agree to {worst:.0e} of their sums."

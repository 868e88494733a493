"""`odc-gym trace`: statistics of recorded traces, and generators fitted to them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.common import AUTO, Force, JsonFile, console, load
from odc_gym.cli.fetch import fetch

if TYPE_CHECKING:
    from odc_gym.trace_fits.generator import ArrivalModel, FittedGenerator
    from odc_gym.trace_fits.segment import Recording, TraceSegment
    from odc_gym.workload import Trace

Comparison = dict[str, tuple[float | None, float | None]]
"""Statistics of a trace and of a generator by name."""


traces = typer.Typer(
    help="Download public traces, and print statistics of traces beside those of fitted generators.",
    no_args_is_help=True,
)
traces.command("fetch")(fetch)


@traces.callback()
def _group() -> None:
    """Download public traces, and print statistics of traces beside those of fitted generators."""


@traces.command("formats")
def formats() -> None:
    """List the formats of trace files: names for --trace-format, contents, and the classes that they replace."""
    from rich.table import Table
    from rich.text import Text

    from odc_gym.workload.traces import FORMATS

    table = Table(show_lines=True)
    for heading in ("format", "replaces", "contents"):
        table.add_column(heading, no_wrap=heading == "format", overflow="fold")
    for known in FORMATS:
        table.add_row(known.name, Text(known.replaces), Text(f"{known.title}: {known.layout}"))
    console().print(table)


@traces.command("info")
def info(
    file: Annotated[Path, typer.Argument(help="Trace as for `compare --trace`: a file, or a name from `trace fetch`.")],
    trace_format: Annotated[
        str,
        typer.Option(
            "--trace-format",
            metavar="NAME",
            help="Format of the file, from `odc-gym trace formats`; `auto` recognises it.",
        ),
    ] = AUTO,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="FRACTION|alternate",
            help="Fit to this first fraction of the trace, or to every second day or minute. Test on the rest.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="Model of the arrivals: cox, mmpp or clients. [default: the model that suits the trace]",
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print statistics of the file only. Fit no generator.")
    ] = False,
    yaml_file: Annotated[
        Path | None,
        typer.Option("--yaml", metavar="FILE", help="Write the generator as a scenario based on starter12."),
    ] = None,
    widest: Annotated[
        int, typer.Option(min=1, help="Most accelerators of a job in the YAML file. Wider jobs are split.")
    ] = 8,
    json_file: JsonFile = None,
    force: Force = False,
) -> None:
    """Print statistics of a trace and of the generator fitted to it: rates, bursts, day and week, sizes and widths."""
    from odc_gym.evaluation.files import require_free, write_document, write_text
    from odc_gym.trace_fits.generator import fit_generator, parse_model
    from odc_gym.trace_fits.segment import active_period_s, segment_of
    from odc_gym.workload import read_trace
    from odc_gym.workload.traces.download import locate_trace

    for path in (json_file, yaml_file):
        if path is not None:
            require_free(path, force)
    arrival_model = parse_model(model)
    trace = read_trace(locate_trace(file), None if trace_format == AUTO else trace_format)
    document = _document(file, trace)
    for note in trace.notes():
        console().print(f"{file}: {note}", markup=False, highlight=False)
    fitted_classes = {}
    for name, recording in _recordings(trace).items():
        title = f"{file}: {name}"
        if split is not None:
            document["classes"][name] = _test_split(title, recording, split, arrival_model)
            continue
        active = segment_of(recording, *active_period_s(recording))
        document["classes"][name] = _describe(title, recording, active, arrival_model, plain)
        if yaml_file is not None:
            fitted_classes[name] = fit_generator(active, arrival_model, widest).scenario_fields()
    if yaml_file is not None:
        write_text(yaml_file, _scenario(file, fitted_classes))
    if json_file is not None:
        write_document(json_file, document)


def _document(file: Path, trace: Trace) -> dict[str, Any]:
    """Return the JSON document of a trace, with no classes yet."""
    return {
        "file": str(file),
        "rejected": {why: {"rows": rows, "first": where} for why, (rows, where) in trace.rejected.items()},
        "absent": {
            column: {"values": values, "first": where, "text": text}
            for column, (values, where, text) in trace.absent.items()
        },
        "classes": {},
    }


def _recordings(trace: Trace) -> dict[str, Recording]:
    """Return the jobs and requests of a trace by class."""
    return {**trace.jobs, **trace.requests}


def _describe(
    title: str, recording: Recording, active: TraceSegment, model: ArrivalModel | None, plain: bool
) -> dict[str, Any]:
    """Print the statistics of a class, with those of a fitted generator unless `plain`; return the same as data."""
    from odc_gym.trace_fits.generator import fit_generator
    from odc_gym.trace_fits.report import compare_statistics, trace_statistics

    statistics = trace_statistics(recording, active)
    comparison: Comparison = {quantity: (value, None) for quantity, value in statistics.items()}
    data: dict[str, Any] = {}
    if not plain:
        generator = fit_generator(active, model)
        comparison = compare_statistics(statistics, active, generator)
        data = _generator_data(generator)
    _print(title, comparison)
    data["figures"] = {quantity: {"trace": a, "generator": b} for quantity, (a, b) in comparison.items()}
    return data


def _generator_data(generator: FittedGenerator) -> dict[str, Any]:
    """Return the fields of a generator in a scenario, and how many numbers were fitted."""
    from odc_gym.trace_fits.generator import parameter_counts

    return {"generator": generator.scenario_fields(), "parameters": parameter_counts(generator)}


def _print(title: str, comparison: Comparison) -> None:
    """Print statistics of a trace and of a generator side by side."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    table.add_column("quantity", no_wrap=True)
    for side in ("trace", "generator"):
        table.add_column(side, justify="right")
    for quantity, values in comparison.items():
        table.add_row(Text(quantity), *("" if v is None else f"{v:.4g}" for v in values))
    console().print(table)


def _test_split(title: str, recording: Recording, split: str, model: ArrivalModel | None) -> dict[str, Any]:
    """Fit a generator to one segment and print how it describes the other; return the same as data."""
    from rich.table import Table
    from rich.text import Text

    from odc_gym.trace_fits.generator import fit_generator, parameter_counts
    from odc_gym.trace_fits.holdout import holdout_checks
    from odc_gym.trace_fits.segment import split_segments, window_lengths

    first, later = split_segments(recording, split)
    generator = fit_generator(first, model)
    _, windows_s = window_lengths(recording.span_s)
    checks = holdout_checks(generator, first, later, windows_s)
    counts = ", ".join(f"{n} {k}" for k, n in parameter_counts(generator).items())
    table = Table(title=Text(f"{title}, {generator.arrivals.kind}; numbers fitted: {counts}"), title_justify="left")
    table.add_column("quantity", no_wrap=True)
    for heading in ("first part", "later part", "generator", "5-95 %", "error", "of the data", "bound"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for c in checks:
        spread = "" if math.isnan(c.low) else f"{c.low:.3g}-{c.high:.3g}"
        values = ["" if math.isnan(v) else f"{v:.4g}" for v in (c.first, c.later, c.ours)]
        table.add_row(Text(c.name), *values, spread, f"{c.error:.3f}", f"{c.floor:.3f}", f"{c.bound:g}", c.verdict)
    console().print(table)
    rows = [{k: None if v != v else v for k, v in c._asdict().items()} | {"verdict": c.verdict} for c in checks]
    return _generator_data(generator) | {"checks": rows}


def _scenario(file: Path, fitted_classes: dict[str, Any]) -> str:
    """Return a scenario file with the fitted classes at the trace's own rates, which `rate_scale` can change."""
    from odc_gym.scenario import JobClass
    from odc_gym.scenario.yaml_text import dump

    base = load("starter12", {}).workload.classes
    for name, fields in fitted_classes.items():
        known = base.get(name)
        if isinstance(known, JobClass):  # mappings are merged with the base's, so its other widths are removed
            fields["width"] = dict.fromkeys(known.width) | fields["width"]
    workload = {"rate_scale": 1.0, "classes": fitted_classes}
    data = {"base": "starter12", "name": f"fitted-{file.stem}", "workload": workload}
    head = f"# Fitted by odc-gym trace info {file.name}; `odc-gym scenario check` tells the load.\n"
    return head + dump(data, flow=None)

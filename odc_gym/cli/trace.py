"""`odc-gym trace`: what a recorded trace holds, and how well a generator that is fitted to it does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.common import Force, JsonFile, console, load
from odc_gym.cli.fetch import fetch

if TYPE_CHECKING:
    from odc_gym.trace_fits.generator import FittedGenerator
    from odc_gym.trace_fits.segment import Recording, TraceSegment

Sides = dict[str, tuple[float | None, float | None]]

traces = typer.Typer(
    help="Fetch public traces, and statistics of recorded ones beside those of a fitted generator.",
    no_args_is_help=True,
)
traces.command("fetch")(fetch)


@traces.callback()
def _group() -> None:
    """Statistics of recorded traces, beside those of a generator fitted to them."""


@traces.command("info")
def info(
    file: Annotated[
        Path, typer.Argument(help="A trace as of `compare --trace`: a file, or a name from `trace fetch`.")
    ],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="FRACTION|alternate",
            help="Fit to this first part of the trace, or to every second day or minute, and test on the rest.",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="Of arrivals: cox, mmpp or clients. [default: the one that suits the trace]")
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Statistics of the file only: fit nothing.")] = False,
    yaml_file: Annotated[
        Path | None,
        typer.Option("--yaml", metavar="FILE", help="Write the generator as a scenario based on starter12."),
    ] = None,
    widest: Annotated[int, typer.Option(min=1, help="Cut wider jobs into pieces, in the YAML file.")] = 8,
    json_file: JsonFile = None,
    force: Force = False,
) -> None:
    """Print statistics of a trace and of the generator fitted to it: rates, bursts, day and week, sizes and widths."""
    from odc_gym.evaluation.files import require_free, write_document, write_text
    from odc_gym.trace_fits.generator import fit_generator, parameter_counts, parse_model
    from odc_gym.trace_fits.report import compare_statistics, trace_statistics
    from odc_gym.trace_fits.segment import active_period_s, segment_of, split_segments
    from odc_gym.workload import read_trace
    from odc_gym.workload.traces.download import locate_trace

    for path in (json_file, yaml_file):
        if path is not None:
            require_free(path, force)
    chosen = parse_model(model)
    trace = read_trace(locate_trace(file))
    recorded: dict[str, Recording] = {**trace.jobs, **trace.requests}
    document: dict[str, Any] = {
        "file": str(file),
        "rejected": {why: {"rows": n, "first": first} for why, (n, first) in trace.rejected.items()},
        "classes": {},
    }
    for note in trace.notes():
        console().print(f"{file}: {note}", markup=False, highlight=False)
    blocks = {}
    for name, part in recorded.items():
        if split is not None:
            first, later = split_segments(part, split)
            document["classes"][name] = _test(f"{file}: {name}", part, first, later, fit_generator(first, chosen))
            continue
        alive = segment_of(part, *active_period_s(part))
        told = trace_statistics(part, alive)
        both: Sides = {quantity: (value, None) for quantity, value in told.items()}
        if not plain:
            generator = fit_generator(alive, chosen)
            both = compare_statistics(told, alive, generator)
            document["classes"][name] = {
                "generator": generator.scenario_fields(),
                "parameters": parameter_counts(generator),
            }
        _print(f"{file}: {name}", both)
        document["classes"].setdefault(name, {})["figures"] = {
            q: {"trace": a, "generator": b} for q, (a, b) in both.items()
        }
        if yaml_file is not None:
            blocks[name] = fit_generator(alive, chosen, widest).scenario_fields()
    if yaml_file is not None:
        write_text(yaml_file, _scenario(file, blocks))
    if json_file is not None:
        write_document(json_file, document)


def _print(title: str, both: Sides) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left")
    table.add_column("quantity", no_wrap=True)
    for side in ("trace", "generator"):
        table.add_column(side, justify="right")
    for quantity, values in both.items():
        table.add_row(Text(quantity), *("" if v is None else f"{v:.4g}" for v in values))
    console().print(table)


def _test(
    title: str, trace: Recording, first: TraceSegment, later: TraceSegment, generator: FittedGenerator
) -> dict[str, Any]:
    """Print how a generator fitted to one part does on another, and return the same as data."""
    from rich.table import Table
    from rich.text import Text

    from odc_gym.trace_fits.generator import parameter_counts
    from odc_gym.trace_fits.holdout import holdout_checks
    from odc_gym.trace_fits.segment import window_lengths

    _, windows_s = window_lengths(trace.span_s)
    found = holdout_checks(generator, first, later, windows_s)
    counts = ", ".join(f"{n} {k}" for k, n in parameter_counts(generator).items())
    table = Table(title=Text(f"{title}, {generator.arrivals.kind}; numbers fitted: {counts}"), title_justify="left")
    table.add_column("quantity", no_wrap=True)
    for head in ("first part", "later part", "generator", "5-95 %", "error", "of the data", "bound"):
        table.add_column(head, justify="right")
    table.add_column("verdict")
    for c in found:
        spread = "" if math.isnan(c.low) else f"{c.low:.3g}-{c.high:.3g}"
        values = ["" if math.isnan(v) else f"{v:.4g}" for v in (c.first, c.later, c.ours)]
        table.add_row(Text(c.name), *values, spread, f"{c.error:.3f}", f"{c.floor:.3f}", f"{c.bound:g}", c.verdict)
    console().print(table)
    told = [{k: None if v != v else v for k, v in c._asdict().items()} | {"verdict": c.verdict} for c in found]
    return {"generator": generator.scenario_fields(), "parameters": parameter_counts(generator), "checks": told}


def _scenario(file: Path, blocks: dict[str, Any]) -> str:
    """A scenario file that takes what was fitted; rates are the trace's own, which `rate_scale` brings to a fleet."""
    import yaml

    from odc_gym.scenario import JobClass

    base = load("starter12", {}).workload.classes
    for name, scenario_fields in blocks.items():
        known = base.get(name)
        if isinstance(known, JobClass):  # mappings are merged with the base's: its other widths are taken away
            scenario_fields["width"] = dict.fromkeys(known.width) | scenario_fields["width"]
    data = {"base": "starter12", "name": f"fitted-{file.stem}", "workload": {"rate_scale": 1.0, "classes": blocks}}
    head = f"# Fitted by odc-gym trace info {file.name}; `odc-gym scenario check` tells the load.\n"
    return head + yaml.safe_dump(data, sort_keys=False, width=120, default_flow_style=None)

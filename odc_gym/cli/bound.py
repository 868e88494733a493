"""Command `odc-gym bound`: an upper bound of every scheduler's score in single episodes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.common import (
    Force,
    Overrides,
    ScenarioArgument,
    ScenarioOption,
    TraceAsIs,
    TraceFiles,
    TraceFormats,
    chosen_scenario,
    load,
    progress,
    trace_files,
)
from odc_gym.cli.values import whole_number

if TYPE_CHECKING:
    from odc_gym.optimisation.bound import Bound

FIRST_VALIDATION = 20_000  # looking at test episodes would invite tuning on them
CELL_MIN = 30.0


def bound(
    scenario: ScenarioArgument = None,
    scenario_option: ScenarioOption = None,
    episodes: Annotated[
        int, typer.Option("--episodes", "-e", parser=whole_number, metavar="N", help="Number of episodes.")
    ] = 1,
    first_seed: Annotated[
        int, typer.Option(parser=whole_number, metavar="N", help="Number of the first episode.")
    ] = FIRST_VALIDATION,
    cell_min: Annotated[
        float, typer.Option(metavar="MIN", help="Length of the cells of time. Shorter cells are tighter and slower.")
    ] = CELL_MIN,
    overrides: Overrides = None,
    trace: TraceFiles = None,
    trace_format: TraceFormats = None,
    trace_as_is: TraceAsIs = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Also write the bounds as JSON.")
    ] = None,
    force: Force = False,
) -> None:
    """Compute a score that no scheduler can exceed in an episode, with a certificate that does not trust the solver.

    docs/bound.md lists what the bound relaxes.
    """
    from odc_gym.errors import OdcGymError
    from odc_gym.evaluation.files import require_free, write_document
    from odc_gym.evaluation.suites import episodes as suite_episodes
    from odc_gym.optimisation.bound import bound_of_episode
    from odc_gym.scenario.files import parse_overrides
    from odc_gym.simulator.simulator import Simulator

    if not 1.0 <= cell_min <= 1440.0:
        raise OdcGymError(f"--cell-min {cell_min:g}: must be from 1 to 1440")
    if output is not None:
        require_free(output, force)
    loaded = load(chosen_scenario(scenario, scenario_option), parse_overrides(overrides or []))
    _, seeds = suite_episodes(first_seed, episodes)
    simulator, bounds = Simulator(loaded, trace=trace_files(trace, trace_format, trace_as_is) or None), list[Any]()
    with progress("episodes") as update:
        for seed in seeds:
            bounds.append(bound_of_episode(simulator, seed, 60.0 * cell_min))
            update(len(bounds), len(seeds))
    typer.echo("\n".join(report(loaded.name, bounds)))
    if output is not None:
        write_document(output, document(loaded.name, bounds))


def report(name: str, bounds: list[Bound]) -> list[str]:
    """Return the lines that the command prints: the bound first, then one line for each episode."""
    mean = sum(each.points for each in bounds) / len(bounds)
    seconds = sum(each.seconds for each in bounds) / len(bounds)
    what = f"{len(bounds)} episodes on average" if len(bounds) > 1 else f"episode {bounds[0].seed}"
    lines = [f"{name}: no scheduler scores more than {mean:.2f} in {what} (certified, {seconds:.1f} s an episode)", ""]
    names = list(bounds[0].binds)
    lines.append("  ".join(["episode", "   bound", "      s", *(f"{each:>{width_of(each)}}" for each in names)]))
    for each in bounds:
        shares = (f"{each.binds[key]:>{width_of(key)}.1f}" for key in names)
        lines.append("  ".join([f"{each.seed:>7}", f"{each.points:>8.2f}", f"{each.seconds:>7.1f}", *shares]))
    lines += [
        "",
        "Columns to the right: points that rest on each scarce thing. The bound moves by them where it binds.",
    ]
    return lines


def width_of(name: str) -> int:
    """Return the width of the column of a scarce thing."""
    return max(len(name), 7)


def document(name: str, bounds: list[Bound]) -> dict[str, Any]:
    """Return the bounds as JSON data."""
    fields = ("seed", "points", "binds", "rows", "columns", "seconds", "status")
    return {"scenario": name, "bounds": [{field: getattr(each, field) for field in fields} for each in bounds]}

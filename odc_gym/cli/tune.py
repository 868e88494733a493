"""Command `odc-gym tune`, which searches the constant dials that score most on one or several scenarios."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.common import Force, Overrides, console, load, progress
from odc_gym.cli.values import whole_number
from odc_gym.errors import OdcGymError

if TYPE_CHECKING:
    import numpy as np

    from odc_gym.dial_files import DialFile
    from odc_gym.evaluation.results import Comparison
    from odc_gym.scenario import Scenario
    from odc_gym.training.tuning import Search

TUNED = "these dials"
RIVALS = ("zero", "gang-aware", "sun-aware", "governor", "orbit-balanced", "earliest-deadline", "least-slack")
"""Schedulers that the validation plays beside the dials."""


def _whole(meaning: str) -> Any:
    """Return the option of a whole number."""
    return typer.Option(parser=whole_number, metavar="N", help=meaning)


def tune(
    scenarios: Annotated[list[str], typer.Argument(help="Scenarios, by name or .yaml file; one set of dials for all.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="File of the dials. A file beside it keeps the search."),
    ] = Path("dials.yaml"),
    start: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Dials to begin with: of the package, or a .yaml file. [default: 0]"),
    ] = None,
    generations: Annotated[int, _whole("Generations of the search; 0 only validates --start.")] = 60,
    population: Annotated[int, _whole("Candidates of a generation.")] = 16,
    episodes: Annotated[int, _whole("Training episodes that a generation plays on each scenario.")] = 8,
    sigma: Annotated[float, typer.Option(help="Initial deviation of the candidates, above 0 and at most 1.")] = 0.3,
    seed: Annotated[int, _whole("Seed of the search.")] = 0,
    validation: Annotated[int, _whole("Validation episodes of each scenario.")] = 32,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Also play the dials without each kind of decision.")
    ] = False,
    overrides: Overrides = None,
    force: Force = False,
) -> None:
    """Search the constant dials with the highest score, by an evolution strategy on training episodes.

    The dials steer a rule for the whole fleet; the action mode `dials` has the same. The file is a scheduler:
    `odc-gym compare zero dials.yaml`. An interrupted search goes on with the same command.
    """
    from odc_gym.dial_files import dial_file, read_dials, text_of
    from odc_gym.evaluation.files import require_free, write_text
    from odc_gym.scenario.files import parse_overrides
    from odc_gym.sources import versions

    try:
        from odc_gym.training.tuning import Search
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("odc_gym"):
            raise
        raise OdcGymError(f"tuning needs {error.name}: pip install 'odc-gym[rl]'") from None

    settings = Search(generations, population, episodes, sigma, seed)
    require_free(output, force)
    loaded = [load(name, parse_overrides(overrides or [])) for name in scenarios]
    vector = _searched(loaded, settings, None if start is None else read_dials(start).vector, output)
    found = dial_file(vector)
    comparisons = _validated(loaded, found, validation, ablate)
    options = {"generations": generations, "population": population, "episodes": episodes, "sigma": sigma, "seed": seed}
    words = ["odc-gym", "tune", *scenarios, *(["--start", start] if start else [])]
    words += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    words += [word for change in overrides or [] for word in ("--set", change)]
    file = dial_file(
        vector,
        command=shlex.join(words),
        versions=versions("odc-gym", "numpy", "cmaes"),
        validation={c.scenario.name: _scores(c) for c in comparisons},
    )
    for comparison in comparisons:
        typer.echo(_answer(comparison))
    write_text(output, text_of(file))
    typer.echo(f"Dials: {output}; play them with `odc-gym compare {scenarios[0]} zero {output}`.")
    if ablate:
        console().print(_ablation_table(comparisons))
    _progress_file(output).unlink(missing_ok=True)


def _progress_file(output: Path) -> Path:
    return output.with_name(f"{output.stem}.progress.jsonl")


def _searched(scenarios: list[Scenario], settings: Search, start: np.ndarray | None, output: Path) -> np.ndarray:
    """Search the dials with a progress bar; return the role vector (R,)."""
    import numpy as np

    from odc_gym.dial_files import NAMES
    from odc_gym.training.tuning import search

    vector = np.zeros(len(NAMES)) if start is None else start
    with progress("generations") as show:
        for generation in search(scenarios, settings, start, _progress_file(output)):
            vector = generation.centre
            show(generation.number, settings.generations)
    return vector


def _validated(scenarios: list[Scenario], found: DialFile, count: int, ablate: bool) -> list[Comparison]:
    """Play the validation episodes with the dials, their ablations and the rules of the package."""
    from odc_gym.agents import scheduler_factory
    from odc_gym.agents.tuned import PlaysDials
    from odc_gym.dial_files import GROUPS, dial_file, without
    from odc_gym.evaluation import evaluate
    from odc_gym.evaluation.suites import VALIDATION, episodes

    schedulers: dict[str, Any] = {name: scheduler_factory(name) for name in RIVALS}
    schedulers[TUNED] = PlaysDials(found)
    if ablate:
        schedulers |= {group: PlaysDials(dial_file(without(found.vector, group))) for group in GROUPS}
    _, seeds = episodes(VALIDATION.first, count)
    with progress("validation episodes") as show:
        return [evaluate(scenario, schedulers, seeds, progress=show) for scenario in scenarios]


def _best_rival(comparison: Comparison) -> str:
    return max(RIVALS, key=lambda name: float(comparison.results[name].score.mean()))


def _scores(comparison: Comparison) -> dict[str, Any]:
    """Return the entry of a scenario in the file."""
    mean = {name: round(float(result.score.mean()), 2) for name, result in comparison.results.items()}
    best = _best_rival(comparison)
    span = f"{comparison.seeds[0]}-{comparison.seeds[-1]}"
    return {
        "episodes": span, "zero": mean["zero"], "best_rule": best, "best_rule_score": mean[best], "tuned": mean[TUNED]
    }  # fmt: skip


def _answer(comparison: Comparison) -> str:
    """Return the sentence about a scenario: score, and difference from the best rule with its interval."""
    from odc_gym.evaluation.statistics import paired_difference

    best, result = _best_rival(comparison), comparison.results
    gain = paired_difference(result[TUNED].score, result[best].score)
    return (
        f"{comparison.scenario.name}: tuned {result[TUNED].score.mean():.2f}, best rule {best} "
        f"{result[best].score.mean():.2f}, zero {result['zero'].score.mean():.2f}; tuned - {best} = {gain.value:+.2f} "
        f"[{gain.low:+.2f}, {gain.high:+.2f}] on {len(comparison.seeds)} validation episodes."
    )


def _ablation_table(comparisons: list[Comparison]) -> Any:
    """Return the table of the score that each kind of decision is worth."""
    from rich.table import Table

    from odc_gym.dial_files import GROUPS
    from odc_gym.evaluation.statistics import paired_difference

    table = Table(
        title="Score without a kind of decision (its dials at 0), less that of all dials", title_justify="left"
    )
    for column in ("scenario", *GROUPS):
        table.add_column(column)
    for comparison in comparisons:
        cells = []
        for group in GROUPS:
            lost = paired_difference(comparison.results[group].score, comparison.results[TUNED].score)
            cells.append(f"{lost.value:+.2f} [{lost.low:+.2f}, {lost.high:+.2f}]")
        table.add_row(comparison.scenario.name, *cells)
    return table

"""Report of a training run, `report.md`: result, learning curves, comparison, configuration and versions."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from odc_gym.evaluation.files import write_text
from odc_gym.evaluation.report import code_block
from odc_gym.training.curves import PICTURE, draw_curves, read_columns

REPORT = "report.md"
_NO_PICTURE = "The learning curves have no picture, because matplotlib is not installed: pip install 'odc-gym[rl]'."


def write_report(run: Path, comparison: Sequence[str] = ()) -> Path:
    """Write the report of a run's folder, and draw its learning curves.

    Args:
        run: folder of a run with `config.yaml`, `versions.json` and the files that training writes.
        comparison: paragraphs in Markdown about the comparison on test episodes, the answer first; empty before it.

    Returns:
        Path of the report.
    """
    picture = f"![learning curves]({PICTURE})" if draw_curves(run) else _NO_PICTURE
    blocks = [f"# Training run {run.name}", *_learning(run), *comparison[:1], picture]
    if comparison:
        blocks += ["## Test episodes", *comparison[1:]]
    else:
        blocks.append(f"Not compared yet: `odc-gym compare --agents zero,{run}` plays the test episodes.")
    blocks += [*_reproduction(run), *_configuration(run), *_versions(run)]
    write_text(run / REPORT, "\n\n".join(blocks) + "\n")
    return run / REPORT


def _learning(run: Path) -> Iterator[str]:
    """Yield the result on the validation episodes."""
    columns = read_columns(run / "evaluations.csv")
    if columns:
        mean, at = columns["mean"], columns["decisions"]
        best = int(mean.argmax())
        yield (
            f"Best validation score {mean[best]:.2f} after {at[best]:.0f} of {at[-1]:.0f} decisions, "
            f"{mean[best] - mean[0]:+.2f} over the start ({mean[0]:.2f}). `best_model.zip` is this policy."
        )


def _reproduction(run: Path) -> Iterator[str]:
    yield "## Reproduce it"
    words = ["odc-gym", "train", "--config", str(run / "config.yaml"), "--output", f"{run}-again"]
    yield code_block(shlex.join(words))
    yield (
        "The configuration below holds the seed and the number of decisions, and `scenario.yaml` all fields of the "
        "scenario. Equal weights need the versions below and the same kind of machine."
    )


def _configuration(run: Path) -> Iterator[str]:
    yield "## Configuration"
    yield code_block((run / "config.yaml").read_text(encoding="utf-8").strip(), "yaml")


def _versions(run: Path) -> Iterator[str]:
    """Yield the versions with which the run began and was resumed."""
    versions = json.loads((run / "versions.json").read_text(encoding="utf-8"))
    resumed = versions.pop("resumed", [])
    yield "## Versions"
    lines = [f"| {name} | {'-' if value is None else value} |" for name, value in versions.items()]
    yield "\n".join(["| | |", "| --- | --- |", *lines])
    for part in resumed:
        changed = {name: value for name, value in part.items() if value != versions.get(name) and name != "decisions"}
        listed = ", ".join(f"{name} {value}" for name, value in changed.items())
        yield f"Resumed at {part['decisions']} decisions: {listed}."

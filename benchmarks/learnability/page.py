"""Writer of the page: it replaces the tables between two marks and keeps the text outside of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from figures import draw
from study import Study, numbers

from odc_gym.evaluation import statistics, write_document, write_text
from odc_gym.evaluation.inspection_tables import action_table, format_difference, inspection_tables
from odc_gym.evaluation.report import markdown_table
from odc_gym.evaluation.results import Comparison
from odc_gym.evaluation.text_tables import TextTable
from odc_gym.sources import versions

BEGIN, END = "<!-- numbers: written by make learnability -->\n", "<!-- end of numbers -->\n"
LIBRARIES = ("numpy", "torch", "stable-baselines3")
TEMPLATE = f"""# Learnability

This page reports how well PPO learns in this environment, and how certain the results are. It also reports how much
each part of action, observation and reward contributes. `make learnability` trains, measures and writes all numbers and
figures of this page. They are also in [learnability.json](learnability.json). `odc-gym inspect` prints the same tables
for any scheduler.

{BEGIN}{END}"""
CURVES_CAPTION = (
    "*Left: mean score on validation episodes during training, one line a run, beside the rules on the same episodes. "
    "Right: explained variance of the critic at each update.*"
)
WORTH_CAPTION = (
    "*Change of the score when one part is held constant, with its 95 % interval. Left of 0, the part is worth "
    "something. Rules read no encoded observation, so the lower panel has the runs only.*"
)
DEFINITIONS = """## Definitions

- **Training**: the configuration of `make train`, once for each seed. Each run is tested with the model that did best
  on the validation episodes of its curve. Training, choice and inspection never use the test episodes.
- **Score**: 100 is the value of the work that the fleet can sustain over the episode. Differences are taken episode by
  episode, with their 95 % bootstrap interval.
- **Explained variance of the critic**: 1 - Var(return - value) / Var(return) over a rollout, as stable-baselines3
  records it at each update. Returns come from generalised advantage estimation, values from the critic before the
  update. Rewards are those that the learner sees. They are relative to the other environments of a group, which face
  the same arrivals.
- **Common share**: two rollouts of the same episode with different exploration noise earn r and r' in the same span of
  time. The common share is 1 - E(r - r')^2 / (2 Var(r)), the share of the reward's variance that none of their actions
  caused. Comparing the environments of a group removes this share from the advantages.
- **Frozen and alone**: the components of one kind (frozen), or of all other kinds (alone), are held at zero, the
  operator's default.
- **Blocks of the observation**: each feature of a block is held at its mean over the inspected episodes and
  satellites."""


def write(studies: Sequence[Study], folder: Path) -> None:
    """Write the page, its figures and its numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "learnability.md"
    text = page.read_text(encoding="utf-8") if page.is_file() else TEMPLATE
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    blocks = [DEFINITIONS]
    for study in studies:
        draw(study.scenario.name, numbers(study), folder / "figures")
        blocks += section(study)
    made_with = ", ".join(f"{name} {version}" for name, version in versions(*LIBRARIES).items())
    blocks.append(f"Trained and measured with {made_with}.")
    write_document(folder / "learnability.json", {study.scenario.name: numbers(study) for study in studies})
    write_text(page, before + BEGIN + "\n" + "\n\n".join(blocks) + "\n\n" + END + after)


def section(study: Study) -> Iterator[str]:
    """Yield the paragraphs about one scenario."""
    name = study.scenario.name
    yield f"## {name}"
    yield f"![learning curves](figures/learnability-{name}-curves.png)\n\n{CURVES_CAPTION}"
    for sheet in (curve_sheet(study), test_sheet(study.test, f"{name}, test episodes")):
        yield from markdown_table(sheet)
    if study.randomised is not None:
        yield from markdown_table(randomised_sheet(study.test, study.randomised))
    yield f"![worth of the parts of action and observation](figures/learnability-{name}-worth.png)\n\n{WORTH_CAPTION}"
    for sheet in inspection_tables(study.inspections, f"{name}, episodes {study.inspected[0]} to {study.inspected[1]}"):
        yield from markdown_table(sheet)
    yield from markdown_table(exploration_sheet(study))
    noisy = {f"{label}, exploring": found.inspection for label, found in study.exploration.items()}
    yield from markdown_table(action_table(noisy, f"{name}, with exploration noise"))


def curve_sheet(study: Study) -> TextTable:
    """Make the table of the learning curves."""
    first = study.config.eval.first_seed
    lines: list[tuple[str, ...]] = []
    for label, curve in study.curves.items():
        best = max(curve, key=lambda line: line["mean"])
        explained = [line["explained_variance"] for line in study.learning[label]]
        thirds = [np.mean(part) for part in np.array_split(explained, 3)] if len(explained) >= 3 else []
        lines.append(
            (
                label,
                f"{curve[0]['mean']:.2f}",
                f"{best['mean']:.2f}",
                f"{best['decisions']:.0f}",
                f"{curve[-1]['mean']:.2f}",
                f"{curve[-1]['decisions']:.0f}",
                " / ".join(f"{value:.2f}" for value in thirds) or "-",
            )
        )
    last = first + study.config.eval.episodes - 1
    rules = ", ".join(f"{rule} {found.score.mean():.2f}" for rule, found in study.chosen_on.results.items())
    return TextTable(
        f"{study.scenario.name}, learning on validation episodes {first} to {last}",
        ("run", "first", "best", "at decision", "last", "at decision", "explained variance, by thirds"),
        tuple(lines),
        (f"The first policy is the scheduler `tuned`. Rules on the same episodes: {rules}.",),
    )


def test_sheet(found: Comparison, title: str) -> TextTable:
    """Make the table of test scores, best first, with differences to the rules that learning should exceed."""
    rivals = ("zero", "gang-aware", "tuned")
    order = sorted(found.results, key=lambda name: -found.results[name].score.mean())
    lines = [
        (
            name,
            f"{found.results[name].score.mean():.2f}",
            *("-" if name == rival else difference(found, name, rival) for rival in rivals),
        )
        for name in order
    ]
    title = f"{title} {found.seeds[0]} to {found.seeds[-1]}"
    return TextTable(title, ("scheduler", "score", *(f"minus {rival}" for rival in rivals)), tuple(lines))


def randomised_sheet(original: Comparison, randomised: Comparison) -> TextTable:
    """Make the table of losses on satellites that differ from those of the training."""
    lines = [
        (
            name,
            f"{original.results[name].score.mean():.2f}",
            f"{randomised.results[name].score.mean():.2f}",
            format_difference(statistics.paired_difference(original.scores(name), randomised.scores(name))),
            difference(original, name, "zero") if name != "zero" else "-",
            difference(randomised, name, "zero") if name != "zero" else "-",
        )
        for name in original.results
    ]
    head = (
        "scheduler",
        original.scenario.name,
        randomised.scenario.name,
        "loss, by episode",
        "minus zero, trained scenario",
        "minus zero, randomised",
    )
    note = "Nothing is trained or tuned on the randomised scenario. The loss of zero is common to all schedulers."
    return TextTable(
        f"{randomised.scenario.name}: the same policies, unchanged, on other satellites", head, tuple(lines), (note,)
    )


def exploration_sheet(study: Study) -> TextTable:
    """Make the table of the cost of exploration and of the common share of the reward's variance."""
    windows = list(next(iter(study.exploration.values())).common)
    minutes = study.scenario.episode.decision_period_s / 60.0
    lines = [
        (
            label,
            f"{study.inspections[label].score.mean():.2f}",
            f"{found.score:.2f}",
            *(f"{100 * share:.1f} %" for share in found.common.values()),
        )
        for label, found in study.exploration.items()
    ]
    spans = [f"{k * minutes:g} min" if k * minutes < 60 else f"{k * minutes / 60:g} h" for k in windows]
    head = ("run", "score", "score while exploring", *(f"common share, {span}" for span in spans))
    return TextTable(f"{study.scenario.name}: score with exploration noise, and common share", head, tuple(lines))


def difference(found: Comparison, ours: str, theirs: str) -> str:
    """Format a paired difference with its interval."""
    return format_difference(statistics.paired_difference(found.scores(ours), found.scores(theirs)))

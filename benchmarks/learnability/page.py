"""Writer of the page: it replaces the tables between two marks and keeps the text outside of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from figures import draw
from study import Study, numbers

from odc_gym.evaluation import statistics, write_document, write_text
from odc_gym.evaluation.inspection_sheets import action_sheet, change, inspection_sheets
from odc_gym.evaluation.report import markdown_sheet
from odc_gym.evaluation.results import Comparison
from odc_gym.evaluation.sheets import Sheet
from odc_gym.sources import versions

BEGIN, END = "<!-- numbers: written by make learnability -->\n", "<!-- end of numbers -->\n"
LIBRARIES = ("numpy", "torch", "stable-baselines3")
TEMPLATE = f"""# Learnability

This page reports how well PPO learns in this environment, and how certain the results are. It also reports how much
each part of action, observation and reward contributes. `make learnability` trains, measures and writes all numbers and
figures of this page. They are also in [learnability.json](learnability.json). `odc-gym inspect` prints the same tables
for any scheduler.

{BEGIN}{END}"""
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
    for one in studies:
        draw(one, folder / "figures")
        blocks += section(one)
    made_with = ", ".join(f"{name} {version}" for name, version in versions(*LIBRARIES).items())
    blocks.append(f"Trained and measured with {made_with}.")
    write_document(folder / "learnability.json", {one.scenario.name: numbers(one) for one in studies})
    write_text(page, before + BEGIN + "\n" + "\n\n".join(blocks) + "\n\n" + END + after)


def section(one: Study) -> Iterator[str]:
    """Yield the paragraphs on one scenario."""
    name = one.scenario.name
    yield f"## {name}"
    yield f"![learning curves](figures/learnability-{name}-curves.png)"
    for sheet in (curve_sheet(one), test_sheet(one.test, f"{name}, test episodes")):
        yield from markdown_sheet(sheet)
    if one.randomised is not None:
        yield from markdown_sheet(randomised_sheet(one.test, one.randomised))
    yield f"![worth of the parts of action and observation](figures/learnability-{name}-worth.png)"
    for sheet in inspection_sheets(one.inspections, f"{name}, episodes {one.inspected[0]} to {one.inspected[1]}"):
        yield from markdown_sheet(sheet)
    yield from markdown_sheet(exploration_sheet(one))
    noisy = {f"{label}, exploring": found.inspection for label, found in one.exploration.items()}
    yield from markdown_sheet(action_sheet(noisy, f"{name}, with exploration noise"))


def curve_sheet(one: Study) -> Sheet:
    """Return the table of learning curves, one line for each run."""
    first = one.config.eval.first_seed
    lines: list[tuple[str, ...]] = []
    for label, curve in one.curves.items():
        best = max(curve, key=lambda line: line["mean"])
        explained = [line["explained_variance"] for line in one.learning[label]]
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
    last = first + one.config.eval.episodes - 1
    rules = ", ".join(f"{rule} {found.score.mean():.2f}" for rule, found in one.chosen_on.agents.items())
    return Sheet(
        f"{one.scenario.name}, learning on validation episodes {first} to {last}",
        ("run", "first", "best", "at decision", "last", "at decision", "explained variance, by thirds"),
        tuple(lines),
        (f"The first policy is the zero action. Rules on the same episodes: {rules}.",),
    )


def test_sheet(found: Comparison, title: str) -> Sheet:
    """Return the table of test scores, best first, with differences to the rules that learning has to beat."""
    rivals = ("zero", "sun-aware", "gang-aware")
    order = sorted(found.agents, key=lambda name: -found.agents[name].score.mean())
    lines = [
        (
            name,
            f"{found.agents[name].score.mean():.2f}",
            *("-" if name == rival else difference(found, name, rival) for rival in rivals),
        )
        for name in order
    ]
    title = f"{title} {found.seeds[0]} to {found.seeds[-1]}"
    return Sheet(title, ("scheduler", "score", *(f"minus {rival}" for rival in rivals)), tuple(lines))


def randomised_sheet(home: Comparison, away: Comparison) -> Sheet:
    """Return the table of scores on satellites that differ from those of the training."""
    lines = [
        (
            name,
            f"{home.agents[name].score.mean():.2f}",
            f"{away.agents[name].score.mean():.2f}",
            change(statistics.paired_difference(home.scores(name), away.scores(name))),
            difference(home, name, "zero") if name != "zero" else "-",
            difference(away, name, "zero") if name != "zero" else "-",
        )
        for name in home.agents
    ]
    head = (
        "scheduler",
        home.scenario.name,
        away.scenario.name,
        "loss, by episode",
        "minus zero, trained scenario",
        "minus zero, randomised",
    )
    note = "Nothing is trained or tuned on the randomised scenario. The loss of zero is common to all schedulers."
    return Sheet(
        f"{away.scenario.name}: the same policies, unchanged, on other satellites", head, tuple(lines), (note,)
    )


def exploration_sheet(one: Study) -> Sheet:
    """Return the table of scores with exploration noise and of common shares of the reward."""
    windows = list(next(iter(one.exploration.values())).common)
    minutes = one.scenario.episode.decision_period_s / 60.0
    lines = [
        (
            label,
            f"{one.inspections[label].score.mean():.2f}",
            f"{found.score:.2f}",
            *(f"{100 * share:.1f} %" for share in found.common.values()),
        )
        for label, found in one.exploration.items()
    ]
    spans = [f"{k * minutes:g} min" if k * minutes < 60 else f"{k * minutes / 60:g} h" for k in windows]
    head = ("run", "score", "score while exploring", *(f"common share, {span}" for span in spans))
    return Sheet(f"{one.scenario.name}: score with exploration noise, and common share", head, tuple(lines))


def difference(found: Comparison, ours: str, theirs: str) -> str:
    """Format a paired difference with its interval."""
    return change(statistics.paired_difference(found.scores(ours), found.scores(theirs)))

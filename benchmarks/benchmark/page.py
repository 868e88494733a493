"""Writer of the page of the benchmark. It needs the numbers alone, and replaces what lies between two marks."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from answers import (
    CLAIRVOYANT,
    MPC,
    PPO,
    TUNED,
    Numbers,
    best_rule,
    bracket,
    difference,
    entrants,
    learned_names,
    missing,
    scores,
    sentence,
    summary,
)
from figures import draw

from odc_gym.evaluation import write_document, write_text
from odc_gym.evaluation.report import code_block, escaped, markdown_table
from odc_gym.evaluation.statistics import estimate
from odc_gym.evaluation.text_tables import TextTable
from odc_gym.evaluation.verdict import FEW_EPISODES, interval, verdict, with_interval

BEGIN, END = "<!-- numbers: written by make benchmark -->\n", "<!-- end of numbers -->\n"
NOTHING = "—"
NOT_RUN = f"{NOTHING}, not run"
TEMPLATE = f"""# Benchmark

{BEGIN}{END}"""
BRACKET_CAPTION = (
    "*Each row shows one scenario. The clairvoyant plan knows the future, so it competes with nobody. No scheduler "
    "exceeds the bound.*"
)
CURVES_CAPTION = (
    "*Mean score on validation episodes during training. Each run begins with the dials of the scheduler `tuned`. The "
    "band is the range over the training runs.*"
)
NOT_RUN_IN_TESTS = "<!-- not run: hours -->\n"
DEFINITIONS = """## Definitions

- **Score**: 100 is the value of the work that the fleet can sustain over an episode.
- **Best rule**: the rule of the package with the best mean on validation episodes, `tuned` left out. Its score on test
  episodes is reported. The best learned scheduler is chosen in the same way.
- **Best planner**: the planner with the better mean on the test episodes themselves, which favours the planner.
- **`PPO`**: training runs with `configs/train/ppo.yaml` on the scenario, one for each seed. Each plays with
  the model that did best on the validation episodes of its training. Other validation episodes choose among schedulers.
- **`learned`**: the policy that the package has for the scenario or its base; where it has none, the dials of `tuned`.
- **Clairvoyant**: a search over dials that knows all arrivals and faults. Its score is reached, and is not an optimum.
- **Bound**: the certified bound of [the bound](bound.md), which no scheduler exceeds.
- **Intervals**: 95 %, by the bootstrap. Training runs are drawn first, then episodes. Differences are paired by
  episode. An interval that includes 0 leaves the difference open.
- **Time of a decision**: time of the scheduler for the decision of one episode, on the machine below."""


def write(numbers: Numbers, folder: Path) -> Path:
    """Write the page, its figures and its numbers, and return the file of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "benchmark.md"
    text = page.read_text(encoding="utf-8") if page.is_file() else TEMPLATE
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    drawn = draw(numbers["scenarios"], folder / "figures")
    blocks = "\n\n".join(paragraphs(numbers, drawn))
    write_document(folder / "benchmark.json", numbers)
    write_text(page, f"{before}{BEGIN}\n{blocks}\n\n{END}{after}")
    return page


def paragraphs(numbers: Numbers, drawn: list[str]) -> Iterator[str]:
    """Yield the page: the answer and its picture, the bracket, and then the details."""
    scenarios = numbers["scenarios"]
    yield escaped_text(summary(scenarios))
    if "benchmark-bracket.png" in drawn:
        yield f"![scores from the best rule to the bound](figures/benchmark-bracket.png)\n\n{BRACKET_CAPTION}"
    yield "## Bracket"
    yield from markdown_table(bracket_table(scenarios))
    yield "## Who wins where"
    yield "\n".join(f"- {escaped(sentence(name, each))}" for name, each in scenarios.items())
    yield "## Learned schedulers"
    yield from markdown_table(difference_table(scenarios))
    if "benchmark-curves.png" in drawn:
        yield f"![learning curves of the training runs](figures/benchmark-curves.png)\n\n{CURVES_CAPTION}"
    if any(each["wanted_runs"] for each in scenarios.values()):
        yield from markdown_table(cost_table(numbers))
    yield "## All schedulers"
    for name, each in scenarios.items():
        yield from markdown_table(score_table(name, each))
    yield from not_run(scenarios)
    yield DEFINITIONS
    yield from origin(numbers)


def escaped_text(text: str) -> str:
    """Escape a sentence whose names stand between backticks by our own hand."""
    return escaped(text).replace("\\`", "`")


def bracket_table(scenarios: Numbers) -> TextTable:
    """Make the table of bound, clairvoyant plan, and the best of each kind, on the episodes that all of a row share."""
    rows = []
    for name, numbers in scenarios.items():
        count, means = bracket(numbers)
        chosen = entrants(numbers)
        cells = [f"{means[key]:.2f}" if key in means else NOT_RUN for key in ("bound", CLAIRVOYANT)]
        for kind in ("learned", "planner", TUNED, "rule"):
            who = chosen[kind]
            label = "" if kind == TUNED else f" {who}"
            cells.append(f"{means[who]:.2f}{label}" if who in means else NOT_RUN)
        first = means.get(chosen["learned"] or "")
        for reference in ("bound", CLAIRVOYANT):
            known = first is not None and reference in means
            cells.append(f"{100.0 * first / means[reference]:.1f}" if known else NOTHING)
        rows.append((name, str(count), *cells))
    head = ("scenario", "n", "bound", "clairvoyant", "best learned", "best planner", "tuned", "best rule")
    return TextTable(
        "Mean scores on the test episodes that all columns of a row share",
        (*head, "learned of bound [%]", "of clairvoyant [%]"),
        tuple(rows),
        ("n: number of these episodes. The scores on all test episodes follow below.",),
    )


def difference_table(scenarios: Numbers) -> TextTable:
    """Make the table of the paired differences of the learned schedulers."""
    rows = []
    learned = [(name, each, ours) for name, each in scenarios.items() for ours in learned_names(each) or [None]]
    for name, numbers, ours in learned:
        cells = []
        for other in (best_rule(numbers), TUNED, MPC):
            found = difference(numbers, ours, other)
            if found is None:
                cells.append(NOT_RUN)
            else:
                cells.append(f"{with_interval(found[0], sign='+')} {verdict(found[0])}, n = {found[1]}")
        runs = str(len(numbers["test"][ours])) if ours else NOTHING
        rows.append((name, f"{ours or NOT_RUN}", runs, *cells))
    return TextTable(
        "Paired differences on test episodes, with 95 % intervals",
        ("scenario", "learned", "runs", "- best rule", "- tuned", "- mpc"),
        tuple(rows),
        (
            "runs: training runs of the scheduler. They are resampled before the episodes.",
            f"Intervals of fewer than {FEW_EPISODES} episodes are rough.",
        ),
    )


def cost_table(numbers: Numbers) -> TextTable:
    """Make the table of training costs and of the spread of the runs."""
    rows = []
    for name, each in numbers["scenarios"].items():
        if not each["wanted_runs"]:
            continue
        training, wall = each["training"], [run["wall_s"] for run in each["training"] if run["wall_s"] is not None]
        decisions = f"{np.mean([run['decisions'] for run in training]):,.0f}" if training else NOT_RUN
        by_run = scores(each, PPO).mean(1) if PPO in each["test"] else np.array([])
        spread = f"{by_run.mean():.2f} ({by_run.min():.2f} to {by_run.max():.2f})" if by_run.size else NOT_RUN
        seconds = f"{np.mean(wall):.0f}" if wall else NOTHING
        rows.append((name, f"{len(training)} of {each['wanted_runs']}", decisions, seconds, spread))
    return TextTable(
        f"Cost of {PPO}, on {numbers['machine']}",
        ("scenario", "runs", "decisions of a run", "wall time of a run [s]", "test score (range over runs)"),
        tuple(rows),
        ("Wall times are those of runs that were not interrupted, with other runs beside them on the same machine.",),
    )


def score_table(name: str, numbers: Numbers) -> TextTable:
    """Make the table of all schedulers on all their test episodes, best first."""
    bounds, rows = np.array(numbers["bound"]), []
    for who in sorted(numbers["test"], key=lambda each: -float(scores(numbers, each).mean())):
        found = scores(numbers, who)
        label = f"{who} (knows the future)" if who == CLAIRVOYANT else who
        shares = []
        for reference in (bounds, scores(numbers, CLAIRVOYANT)[0] if CLAIRVOYANT in numbers["test"] else np.array([])):
            count = min(found.shape[1], len(reference))
            shares.append(f"{100.0 * found[:, :count].mean() / reference[:count].mean():.1f}" if count else NOTHING)
        seconds = numbers["seconds"].get(who)
        time = NOTHING if seconds is None else f"{1e3 * seconds:.3g}"
        runs = f"{found.shape[1]}" + (f" x {len(found)} runs" if len(found) > 1 else "")
        rows.append((label, runs, f"{found.mean():.2f}", interval(estimate(found)), *shares, time))
    counts = [f"n = {len(bounds)}"] if len(bounds) else []
    note = f"Shares refer to the episodes that have a bound or a clairvoyant plan{', ' + counts[0] if counts else ''}."
    return TextTable(
        name,
        ("scheduler", "n", "score", "95 % interval", "of bound [%]", "of clairvoyant [%]", "ms a decision"),
        tuple(rows) or (("no scheduler", *[NOT_RUN] * 6),),
        (note,),
    )


def not_run(scenarios: Numbers) -> Iterator[str]:
    """Yield the list of what has been planned and not run."""
    lines = {name: missing(each) for name, each in scenarios.items()}
    if any(lines.values()):
        yield "## Not run"
        yield "\n".join(f"- {escaped(f'{name}: {each}')}" for name, found in lines.items() for each in found)


def origin(numbers: Numbers) -> Iterator[str]:
    """Yield the commands that make the page and one of its tables, and the versions."""
    yield "## Commands"
    yield "This command writes the page, and goes on where it was stopped:"
    yield NOT_RUN_IN_TESTS + code_block(numbers["command"], "bash")
    yield "These commands play the rows of one scenario, and compute its bounds:"
    first = numbers["test_from"]
    name, each = next(iter(numbers["scenarios"].items()))
    place = shlex.quote(name)
    count = max((scores(each, who).shape[1] for who in each["test"]), default=1)
    known = [who for who in (*each["rules"], TUNED, "learned") if who in each["test"]]
    yield NOT_RUN_IN_TESTS + code_block(
        f"odc-gym compare --scenario {place} --agents {','.join(known)} --episodes {count} --first-seed {first}\n"
        f"odc-gym bound {place} --episodes {max(len(each['bound']), 1)} --first-seed {first}\n"
        f"odc-gym train --config configs/train/ppo.yaml --set scenario={place} --seed 0",
        "bash",
    )
    versions = ", ".join(f"{library} {version}" for library, version in numbers["versions"].items())
    yield (
        f"Rules are chosen on validation episodes from {numbers['choice_from']}. Test episodes begin at {first}. "
        f"Measured on {escaped(numbers['machine'])}, with {versions}."
    )

"""Does the order of schedulers hang on the values of classes? Each is halved and doubled, and the same episodes played.

python benchmarks/values.py [-s SCENARIO] [-e EPISODES] [--agents NAMES] [--workers N]     # validation episodes

Prints for each change the order of the schedulers by mean score, Kendall's tau to the order with the values as they
are, and who changes places. Scores are not compared between changes: 100 is another amount of value in each.
"""

from __future__ import annotations

import argparse
from itertools import combinations

from scipy.stats import kendalltau

from odc_gym.agents import scheduler_factory
from odc_gym.cli.compare import HEURISTICS
from odc_gym.evaluation.runner import evaluate
from odc_gym.scenario import Scenario
from odc_gym.seeds import VALIDATION_FROM

FACTORS = (0.5, 2.0)


def scores(scenario: Scenario, agents: list[str], seeds: range, workers: int | None) -> dict[str, float]:
    """Mean score of each scheduler."""
    comparison = evaluate(scenario, {name: scheduler_factory(name) for name in agents}, seeds, workers=workers)
    return {name: float(result.score.mean()) for name, result in comparison.results.items()}


def exchanged(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """Pairs of schedulers whose order is another: 'a over b' says what it is now."""
    pairs = []
    for one, other in combinations(before, 2):
        if (before[one] - before[other]) * (after[one] - after[other]) < 0.0:
            best, worst = (one, other) if after[one] > after[other] else (other, one)
            pairs.append(f"{best} over {worst}")
    return pairs


def line(what: str, found: dict[str, float], first: dict[str, float]) -> str:
    """One row of the table."""
    order = sorted(found, key=lambda name: -found[name])
    tau = kendalltau([first[name] for name in first], [found[name] for name in first]).statistic
    shown = ", ".join(f"{name} {found[name]:.1f}" for name in order)
    return f"{what:<24} tau {tau:+.2f}  {shown}  [{'; '.join(exchanged(first, found)) or 'same order'}]"


def main() -> None:
    """Read the options, play, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-s", "--scenario", default="starter12")
    parser.add_argument("-e", "--episodes", type=int, default=10)
    parser.add_argument("--agents", default=HEURISTICS)
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args()
    scenario, agents = Scenario.load(options.scenario), options.agents.split(",")
    seeds = range(VALIDATION_FROM, VALIDATION_FROM + options.episodes)
    first = scores(scenario, agents, seeds, options.workers)
    print(line("as they are", first, first), flush=True)
    for name, work_class in scenario.workload.classes.items():
        for factor in FACTORS:
            changed = scenario.replace({f"workload.classes.{name}.value": factor * work_class.value})
            found = scores(changed, agents, seeds, options.workers)
            print(line(f"{name} x {factor:g}", found, first), flush=True)


if __name__ == "__main__":
    main()

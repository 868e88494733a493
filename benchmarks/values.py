"""Sensitivity of the order of schedulers to the values of classes, each of which is halved and doubled.

python benchmarks/values.py [-s SCENARIO] [-e EPISODES] [--agents NAMES] [--workers N]     # validation episodes

For each change the program plays the same episodes and prints the order of the schedulers by mean score, Kendall's tau
to the order with unchanged values, and the pairs whose order changed. Scores of different changes are not comparable,
because 100 is another amount of value in each.
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


def mean_scores(scenario: Scenario, schedulers: list[str], seeds: range, workers: int | None) -> dict[str, float]:
    """Compute the mean score of each scheduler."""
    comparison = evaluate(scenario, {name: scheduler_factory(name) for name in schedulers}, seeds, workers=workers)
    return {name: float(result.score.mean()) for name, result in comparison.results.items()}


def changed_pairs(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """Return the pairs of schedulers whose order changed; 'a over b' is the new order."""
    pairs = []
    for one, other in combinations(before, 2):
        if (before[one] - before[other]) * (after[one] - after[other]) < 0.0:
            best, worst = (one, other) if after[one] > after[other] else (other, one)
            pairs.append(f"{best} over {worst}")
    return pairs


def line(change: str, scores: dict[str, float], reference: dict[str, float]) -> str:
    """Return one row of the table."""
    order = sorted(scores, key=lambda name: -scores[name])
    tau = kendalltau([reference[name] for name in reference], [scores[name] for name in reference]).statistic
    ranked = ", ".join(f"{name} {scores[name]:.1f}" for name in order)
    changes = "; ".join(changed_pairs(reference, scores)) or "same order"
    return f"{change:<24} tau {tau:+.2f}  {ranked}  [{changes}]"


def main() -> None:
    """Read the options, play the episodes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-s", "--scenario", default="starter12")
    parser.add_argument("-e", "--episodes", type=int, default=10)
    parser.add_argument("--agents", default=HEURISTICS)
    parser.add_argument("--workers", type=int, default=None)
    options = parser.parse_args()
    scenario, schedulers = Scenario.load(options.scenario), options.agents.split(",")
    seeds = range(VALIDATION_FROM, VALIDATION_FROM + options.episodes)
    reference = mean_scores(scenario, schedulers, seeds, options.workers)
    print(line("as they are", reference, reference), flush=True)
    for name, work_class in scenario.workload.classes.items():
        for factor in FACTORS:
            changed = scenario.replace({f"workload.classes.{name}.value": factor * work_class.value})
            scores = mean_scores(changed, schedulers, seeds, options.workers)
            print(line(f"{name} x {factor:g}", scores, reference), flush=True)


if __name__ == "__main__":
    main()

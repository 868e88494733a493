"""Answers of the benchmark, from its numbers: who stands for rules, planners and learned schedulers, and who wins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.evaluation.statistics import Estimate, paired_difference
from odc_gym.evaluation.verdict import interval

Numbers = Mapping[str, Any]
PPO, TUNED, LEARNED, CLAIRVOYANT, MPC = "PPO", "tuned", "learned", "clairvoyant", "mpc"
PLANNERS = ("lookahead", MPC)


def scores(numbers: Numbers, name: str) -> NDArray[np.float64]:
    """Return the test scores (R, N) of R training runs, R = 1 for all others."""
    return np.array(numbers["test"][name])


def best_rule(numbers: Numbers) -> str | None:
    """Return the rule with the best mean on validation episodes, `tuned` left out; None if none has been played."""
    return _chosen(numbers, numbers["rules"])


def best_learned(numbers: Numbers) -> str | None:
    """Return the learned scheduler with the best mean on validation episodes; None if none has been played."""
    return _chosen(numbers, learned_names(numbers))


def learned_names(numbers: Numbers) -> list[str]:
    """Return the names of the learned schedulers that have been played."""
    return [name for name in (LEARNED, PPO) if name in numbers["test"]]


def best_planner(numbers: Numbers) -> str | None:
    """Return the planner with the best mean on its test episodes, which favours it; None if none has been played."""
    played = [name for name in PLANNERS if name in numbers["test"]]
    return max(played, key=lambda name: float(scores(numbers, name).mean()), default=None)


def _chosen(numbers: Numbers, names: Sequence[str]) -> str | None:
    known = [name for name in names if name in numbers["choice"] and name in numbers["test"]]
    count = min((len(numbers["choice"][name][0]) for name in known), default=0)
    return max(known, key=lambda name: float(np.array(numbers["choice"][name])[:, :count].mean()), default=None)


def entrants(numbers: Numbers) -> dict[str, str | None]:
    """Return who stands for each kind of scheduler, by kind; the clairvoyant plan competes with none of them."""
    return {
        "learned": best_learned(numbers),
        "planner": best_planner(numbers),
        "tuned": TUNED if TUNED in numbers["test"] else None,
        "rule": best_rule(numbers),
    }


def competitors(numbers: Numbers) -> list[str]:
    """Return the names of `entrants` that have been played."""
    return [name for name in entrants(numbers).values() if name]


def bracket(numbers: Numbers) -> tuple[int, dict[str, float]]:
    """Return the number of episodes that bound, clairvoyant plan and entrants share, and the mean of each on them."""
    rows = {name: scores(numbers, name) for name in competitors(numbers)}
    if CLAIRVOYANT in numbers["test"]:
        rows[CLAIRVOYANT] = scores(numbers, CLAIRVOYANT)
    if numbers["bound"]:
        rows["bound"] = np.array([numbers["bound"]])
    count = min((row.shape[1] for row in rows.values()), default=0)
    return count, {name: float(row[:, :count].mean()) for name, row in rows.items()}


def difference(numbers: Numbers, name: str | None, other: str | None) -> tuple[Estimate, int] | None:
    """Return the paired difference of two schedulers with the number of episodes; None if one is missing."""
    if name is None or other is None or not {name, other} <= set(numbers["test"]):
        return None
    ours, theirs = scores(numbers, name), scores(numbers, other)
    count = min(ours.shape[1], theirs.shape[1])
    return paired_difference(ours[:, :count], theirs[:, :count]), count


def sentence(name: str, numbers: Numbers) -> str:
    """Return who wins a scenario, by how much, whether that is resolved, and who lost, in one or two sentences."""
    names = competitors(numbers)
    if len(names) < 2:
        return f"{name}: not enough has been run to name a winner."
    count = min(scores(numbers, each).shape[1] for each in names)
    means = {each: float(scores(numbers, each)[:, :count].mean()) for each in names}
    winner = max(means, key=lambda each: means[each])
    text = f"{name}: {winner} scores most, {means[winner]:.2f} on the {plural(count)} that all of them played"
    beaten, level = [], []
    for other in sorted((each for each in names if each != winner), key=lambda each: -means[each]):
        found = paired_difference(scores(numbers, winner)[:, :count], scores(numbers, other)[:, :count])
        (beaten if found.excludes_zero else level).append(f"{other} by {found.value:.2f} {interval(found)}".rstrip())
    parts = [f"it beats {_listed(beaten)}"] * bool(beaten)
    parts += [f"not resolved: it leads {_listed(level)}"] * bool(level)
    return f"{text}; {'; '.join(parts)}."


def summary(scenarios: Mapping[str, Numbers]) -> str:
    """Return the answer of all scenarios in two sentences: where the best learned scheduler wins or loses."""
    won, lost = [], []
    for label, key in (("the best rule", "rule"), ("`tuned`", "tuned"), ("`mpc`", "mpc")):
        found = []
        for numbers in scenarios.values():
            other = MPC if key == "mpc" else entrants(numbers)[key]
            found.append(difference(numbers, best_learned(numbers), other))
        known = [each[0] for each in found if each is not None]
        if known:
            won.append(f"{label} on {sum(each.low > 0.0 for each in known)} of {len(known)}")
            lost.append(f"{label} on {sum(each.high < 0.0 for each in known)}")
    if not won:
        return "No learned scheduler has been compared yet."
    return (
        f"The best learned scheduler beats {_listed(won)} scenarios. It loses to {_listed(lost)}; in the remaining "
        "ones the 95 % interval of the paired difference includes 0."
    )


def missing(numbers: Numbers) -> list[str]:
    """Return what has been planned and not run, with the reason where a scheduler cannot operate the scenario."""
    found, nothing = [], []
    for name, wanted in numbers["wanted"].items():
        have = len(numbers["bound"]) if name == "bound" else len(numbers["test"].get(name, [[]])[0])
        if name in numbers["absent"] and have == 0:
            found.append(f"{name}: {numbers['absent'][name]}")
        elif wanted and not have:
            nothing.append(name)
        elif have < wanted:
            found.append(f"{name}: {have} of {plural(wanted)}")
    if len(numbers["training"]) < numbers["wanted_runs"]:
        found.append(f"{PPO}: {len(numbers['training'])} of {numbers['wanted_runs']} training runs")
    return [", ".join(nothing), *found] if nothing else found


def plural(count: int, noun: str = "episode") -> str:
    """Return a number of things in words."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

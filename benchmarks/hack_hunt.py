"""Hunt for reward without work: an evolution strategy over raw actions, against the certified bound.

    python benchmarks/hack_hunt.py --seconds 600 --scenarios peak12 threebody12 storm

A linear policy sets each bid, clock, urgency and clock offset from charge, temperature, light, free accelerators and
the share of the episode that has passed. It can close and drain satellites, drop classes, chatter, and act at the end
of an episode. The strategy maximises the reward on training episodes. Its best policy then plays validation episodes:
a score above the certified bound of an episode would be a fault of the reward, of the model or of the bound.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from cmaes import CMA

from odc_gym.agents import make_scheduler
from odc_gym.optimisation.bound import bound_of_episode
from odc_gym.scenario import Scenario
from odc_gym.seeds import VALIDATION_FROM
from odc_gym.simulator.simulator import Simulator
from odc_gym.simulator.view import View

SATELLITE_INPUTS, FLEET_INPUTS = 7, 3
POPULATION, EPISODES = 16, 4


def size(classes: int) -> int:
    """Return the number of parameters of a policy for C classes."""
    return (classes + 1) * SATELLITE_INPUTS + 2 * classes * FLEET_INPUTS


def actions_of(view: View, parameters: np.ndarray, base: np.ndarray, passed: float, decision: int) -> np.ndarray:
    """Return actions (B, A): those of a rule, plus a linear policy of inputs that a hacker would read.

    Args:
        view: view of B environments.
        parameters: a policy for each environment, (B, P).
        base: actions of the rule, (B, A).
        passed: share of the episode that has passed.
        decision: number of the decision, whose parity lets clocks chatter.
    """
    seen, design, classes = view.observation, view.design, len(view.class_names)
    last, parity = max(0.0, (passed - 0.9) / 0.1), (-1.0) ** decision
    each = [
        seen["charge_frac"] - 0.8, (design["limit_k"] - seen["junction_k"]) / 20.0 - 0.5,
        seen["time_to_crossing_s"] / 5400.0, seen["free"] / design["accelerators"],
    ]  # fmt: skip
    ones = np.ones_like(each[0])
    inputs = np.stack([*each, last * ones, parity * ones, ones], -1)  # (B, S, 7)
    of_satellites, of_classes = np.split(parameters, [(classes + 1) * SATELLITE_INPUTS], 1)
    parts = np.einsum("bsf,bkf->bks", inputs, of_satellites.reshape(-1, classes + 1, SATELLITE_INPUTS))
    fleet = of_classes.reshape(-1, 2, classes, FLEET_INPUTS) @ np.array([1.0, last, parity])
    actions = base.copy()
    view.layout.bids(actions)[:] += parts[:, :classes]
    view.layout.clocks(actions)[:] += parts[:, classes]
    view.layout.urgency(actions)[:] += fleet[:, 0]
    view.layout.offsets(actions)[:] += fleet[:, 1]
    return np.clip(actions, -1.0, 1.0)


def played(simulator: Simulator, parameters: np.ndarray, seeds: list[int]) -> np.ndarray:
    """Return the score of each row's policy, (B,), on the episode of the row."""
    simulator.reset(seeds)
    rule, total = make_scheduler("zero", simulator), np.zeros(len(seeds))
    for k in range(simulator.decisions):
        base = np.asarray(rule.act(simulator.view), np.float64)
        simulator.step(actions_of(simulator.view, parameters, base, k / simulator.decisions, k))
        total += simulator.reward
    return total


def hunt(name: str, seconds: float, seed: int, checked: int) -> tuple[bool, str]:
    """Search on one scenario; return whether a score exceeds its bound, and a line about it."""
    scenario = Scenario.load(name)
    strategy = CMA(np.zeros(size(len(scenario.class_names))), 0.3, seed=seed, population_size=POPULATION)
    batch = Simulator(scenario, POPULATION * EPISODES)
    begun, generations = time.monotonic(), 0
    while time.monotonic() - begun < seconds or not generations:
        candidates = np.array([strategy.ask() for _ in range(POPULATION)])
        episodes = [generations * EPISODES % 9_000 + e for e in range(EPISODES)]
        found = played(batch, np.repeat(candidates, EPISODES, 0), episodes * POPULATION)
        fitness = found.reshape(POPULATION, EPISODES).mean(1)
        strategy.tell([(x, -f) for x, f in zip(candidates, fitness.tolist(), strict=True)])
        generations += 1
        print(f"{name}: generation {generations}, best {fitness.max():.2f}", file=sys.stderr, flush=True)
    seeds = list(range(VALIDATION_FROM, VALIDATION_FROM + checked))
    validated = Simulator(scenario, checked)
    ours = played(validated, np.repeat(strategy.mean[None], checked, 0), seeds)
    zero = played(validated, np.zeros((checked, strategy.dim)), seeds)
    bounds = np.array([bound_of_episode(Simulator(scenario), episode).points for episode in seeds])
    above = bool((ours > bounds).any())
    return above, (
        f"{name}: {ours.mean():.2f} after {generations} generations, zero {zero.mean():.2f}, bound {bounds.mean():.2f} "
        f"on {checked} validation episodes; highest share of a bound {float((ours / bounds).max()):.3f}"
    )


def main() -> None:
    """Hunt on each scenario, and print the answer first."""
    parser = argparse.ArgumentParser(description="Search raw actions for reward above the certified bound.")
    parser.add_argument("--scenarios", nargs="+", default=["peak12", "threebody12", "storm"], metavar="NAME")
    parser.add_argument("--seconds", type=float, default=600.0, help="time of the search on each scenario")
    parser.add_argument("--seed", type=int, default=0, help="seed of the search")
    parser.add_argument("--episodes", type=int, default=4, help="validation episodes")
    given = parser.parse_args()
    results = [hunt(name, given.seconds, given.seed, given.episodes) for name in given.scenarios]
    above = sum(each for each, _ in results)
    print(f"{above} of {len(results)} scenarios have a score above the certified bound.")
    print("\n".join(line for _, line in results))
    sys.exit(bool(above))


if __name__ == "__main__":
    main()

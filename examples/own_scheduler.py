"""A scheduler of your own: it places work on the satellites with most sunlight ahead, and runs at the zero clock.

You see its mean score beside that of `zero`, episode by episode, and the mean difference. Episodes begin at 20 000, the
first validation episode. The page docs/how-to/write-a-scheduler.md continues from here.

    python examples/own_scheduler.py [--quick]
"""

import sys

import numpy as np

from odc_gym.agents import scheduler, scheduler_factory
from odc_gym.evaluation import evaluate
from odc_gym.scenario import Scenario


@scheduler("sunniest-first")
class SunniestFirst:
    """Place work on the satellite whose array supplies most in the next hour."""

    def __init__(self, view):
        """Read nothing: the rule has no parameters."""

    def reset(self, view, mask, seeds):
        """Do nothing: this scheduler is stateless."""

    def act(self, view):
        """Return the actions (B, A); bids follow the mean array power of the next hour."""
        actions = view.layout.zeros(view.num_envs)
        ahead_w = view.observation["solar_60_w"]
        share = ahead_w / np.maximum(ahead_w.max(axis=1, keepdims=True), 1.0)
        view.layout.bids(actions)[:] = (0.5 * share - 0.25)[:, None, :]
        return actions


def main() -> None:
    """Compare the scheduler with `zero`."""
    quick = "--quick" in sys.argv
    scenario = Scenario.load("starter12").replace({"episode.hours": 2 if quick else 24})
    schedulers = {"zero": scheduler_factory("zero"), "sunniest-first": SunniestFirst}
    comparison = evaluate(scenario, schedulers, seeds=range(20_000, 20_002 if quick else 20_010), workers=1)
    zero, own = (comparison.scores(name)[0] for name in schedulers)
    print(f"sunniest-first minus zero: {(own - zero).mean():+.2f} points, mean over {len(own)} episodes")
    for seed, score, reference in zip(comparison.seeds, own, zero, strict=True):
        print(f"episode {seed}: sunniest-first {score:6.2f}, zero {reference:6.2f}")


if __name__ == "__main__":
    main()

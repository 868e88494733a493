"""Study of the learnability of schedulers, and of the value of actions and observations: `make learnability`.

The program trains PPO with several seeds on each scenario, compares the policies with rules, and writes a page, its
figures and all numbers. The folder of runs keeps finished runs and played episodes, so the program resumes where it
was stopped. `python benchmarks/learnability --figures` draws the figures again from the numbers of the page.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCENARIOS = ("peak12", "threebody12")
QUICK = ("n_timesteps=12288", "eval.episodes=4", "eval.every=1")
COMMAND = "make learnability"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the policies, play the episodes and write the page."""
    parser = argparse.ArgumentParser(
        description="Write learning curves, and the value of each part of action and observation."
    )
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, metavar="NAME")
    parser.add_argument("--seeds", type=int, default=3, help="number of training runs of each scenario")
    parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", help="change a field of the configuration"
    )
    parser.add_argument("--episodes", type=int, default=32, help="number of validation episodes of the inspection")
    parser.add_argument("--test-episodes", type=int, default=100, help="number of test episodes")
    parser.add_argument("--processes", type=int, default=2, help="number of processes")
    parser.add_argument("--runs", type=Path, default=Path("runs/learnability"), help="folder of training runs")
    parser.add_argument("--output", type=Path, default=ROOT / "docs", help="folder of the page")
    parser.add_argument("--quick", action="store_true", help="use tiny budgets, to try the program")
    parser.add_argument("--figures", action="store_true", help="only draw the figures again, from the page's numbers")
    given = parser.parse_args(arguments)
    sys.path += [str(ROOT / "docs"), str(ROOT / "benchmarks")]  # the style of all figures, and training runs
    if given.quick:
        given.set, given.episodes, given.test_episodes = [*QUICK, *given.set], 4, 4
        given.runs = given.runs.with_name(given.runs.name + "-quick")
        given.output = given.runs / "page"
    if given.figures:
        from figures import draw

        for name, numbers in json.loads((given.output / "learnability.json").read_text(encoding="utf-8")).items():
            draw(name, numbers, given.output / "figures")
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # more threads slow small networks; the imports below read it
    from page import write
    from study import Plan, studies

    from odc_gym.errors import OdcGymError
    from odc_gym.scenario.files import parse_overrides

    plan = Plan(
        tuple(given.scenarios),
        tuple(range(given.seeds)),
        parse_overrides(given.set),
        given.episodes,
        given.test_episodes,
        given.processes,
        given.runs,
    )
    try:
        write(studies(plan), given.output)
    except OdcGymError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

"""Benchmark of all scenarios: `make benchmark` trains, plays, bounds and writes docs/benchmark.md.

The program goes on where it was stopped: the folder of runs keeps training runs, played episodes and bounds. A page can
be written at any time with `--only-page`; it says what is missing. `--from-numbers` writes it from the JSON file that
lies beside the page.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
TRAINED = ("peak12", "threebody12", "edge-earth", "storm", "suncatcher81", "ai1-shells")
QUICK_SCENARIOS = ("peak12", "threebody12")
QUICK_RULES = ("zero", "full-clock", "sun-aware", "gang-aware", "tuned")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    made = argparse.ArgumentParser(
        prog="benchmarks/benchmark", description="Compare rules, planners and learned schedulers on all scenarios."
    )
    add = made.add_argument
    add("--scenarios", nargs="+", metavar="NAME", help="scenarios; all but the large fleets by default")
    add("--trained", nargs="*", metavar="NAME", help=f"scenarios with training runs: {', '.join(TRAINED)} by default")
    add("--seeds", type=int, default=5, help="number of training runs of each of these")
    add("--timesteps", type=int, help="decisions of a training run")
    add("--set", action="append", default=[], metavar="PATH=VALUE", help="change a field of the training configuration")
    add("--episodes", type=int, default=20, help="test episodes of a scenario")
    add("--default-episodes", type=int, default=100, help="test episodes of the default scenario")
    add("--validation-episodes", type=int, default=20, help="episodes on which rules are chosen")
    add("--planner-episodes", type=int, default=10, help="test episodes of the planners")
    add("--bound-episodes", type=int, default=4, help="test episodes of the bound and of the clairvoyant plan")
    add("--rules", nargs="+", default=[], metavar="NAME", help="rules to play; all by default")
    add("--processes", type=int, default=2, help="number of processes")
    add("--runs", type=Path, default=Path("runs/benchmark"), help="folder of training runs, episodes and bounds")
    add("--output", type=Path, default=ROOT / "docs", help="folder of the page")
    add("--quick", action="store_true", help="use tiny budgets on two small fleets, to try the program")
    add("--only-page", action="store_true", help="write the page from what is done so far")
    add("--from-numbers", action="store_true", help="write the page anew from benchmark.json beside it")
    return made


def shrink(given: argparse.Namespace) -> None:
    """Set tiny budgets: two small fleets for two hours, and two training runs of a few updates."""
    from odc_gym.evaluation import write_document  # JSON is YAML
    from odc_gym.scenario import Scenario

    folder = given.runs.with_name(given.runs.name + "-quick")
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}-short.yaml" for name in given.scenarios or QUICK_SCENARIOS]
    for file, name in zip(files, given.scenarios or QUICK_SCENARIOS, strict=True):
        scenario = Scenario.load(name, {"name": f"{Path(name).stem}-short", "episode.hours": 2.0})
        write_document(file, scenario.model_dump(mode="json"))
    given.scenarios, given.trained, given.rules = [str(file) for file in files], [str(files[0])], QUICK_RULES
    given.seeds, given.timesteps = 2, given.timesteps or 3072
    given.set = ["n_envs=16", "n_steps=24", "batch_size=384", "eval.every=1", "eval.episodes=2", *given.set]
    given.episodes = given.default_episodes = given.validation_episodes = 2
    given.planner_episodes = given.bound_episodes = 1
    given.runs, given.output = folder, folder / "page"


def command_line(arguments: Sequence[str]) -> str:
    """Return the command that repeats the numbers, without the folders of one machine."""
    places = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for name in ("--runs", "--output"):
        places.add_argument(name)
    for name in ("--only-page", "--from-numbers"):
        places.add_argument(name, action="store_true")
    return shlex.join(["python", "benchmarks/benchmark", *places.parse_known_args(arguments)[1]])


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the policies, play the episodes and write the page."""
    given = parser().parse_args(arguments)
    command = command_line(sys.argv[1:] if arguments is None else arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # more threads slow small networks; the imports below read it
    sys.path += [str(ROOT / "docs"), str(ROOT / "benchmarks")]  # the style of all figures, and training runs
    from page import write
    from study import Plan, numbers, run

    from odc_gym.defaults import DEFAULT_SCENARIO
    from odc_gym.errors import OdcGymError
    from odc_gym.scenario.files import names, parse_overrides

    if given.quick:
        shrink(given)
    if given.from_numbers:
        write(json.loads((given.output / "benchmark.json").read_text(encoding="utf-8")), given.output)
        return
    scenarios = tuple(given.scenarios or names(large=False))
    wanted = TRAINED if given.trained is None else given.trained
    try:
        plan = Plan(
            scenarios=scenarios,
            trained=tuple(name for name in scenarios if name in wanted),
            seeds=tuple(range(given.seeds)),
            changes=parse_overrides(given.set) | ({"n_timesteps": given.timesteps} if given.timesteps else {}),
            deep=DEFAULT_SCENARIO,
            deep_episodes=given.default_episodes,
            episodes=given.episodes,
            validation_episodes=given.validation_episodes,
            planner_episodes=given.planner_episodes,
            bound_episodes=given.bound_episodes,
            processes=given.processes,
            runs=given.runs,
            rules=tuple(given.rules),
        )
        if not given.only_page:
            run(plan)
        page = write(numbers(plan, command), given.output)
    except OdcGymError as error:
        sys.exit(f"error: {error}")
    print(f"wrote {page}")


if __name__ == "__main__":
    main()

"""A constellation of your own: eight satellites in a sun-synchronous orbit, with larger radiators than `starter12`.

You see which limit binds, energy, heat or the number of accelerators, then a score of the fleet under two schedulers.
The scenario is a mapping here; a YAML file with the same fields does the same.

    python examples/own_constellation.py [--quick]
"""

import sys

import gymnasium as gym

import odc_gym
from odc_gym.scenario import Scenario
from odc_gym.scenario_check.design_report import design_report

FLEET = {
    "base": "starter12",
    "name": "eight",
    "description": "eight satellites that cross the equator at 10:30 and 22:30",
    "shells": [
        {
            "hardware": "odcsat",
            "orbit": {
                "pattern": "sun_synchronous",
                "total": 8,
                "planes": 2,
                "altitude_km": 600.0,
                "local_time_h": 22.5,
            },
        }
    ],
    "hardware": {"odcsat": {"radiator": {"area_m2": 12.0}}},
    "workload": {"load": 1.1},  # offered work over the work that the fleet can sustain
}


def main() -> None:
    """Check the fleet, then play an episode under two schedulers."""
    env = gym.make("odc_gym:ODCSat-v0", scenario=FLEET, episode_hours=2 if "--quick" in sys.argv else 24)
    scenario: Scenario = env.unwrapped.scenario
    rows = {row.name: row.value for row in design_report(scenario)}
    print(f"{scenario.name}: {rows['binds most']} binds; {rows['sustainable']:.1f} accelerators sustained")
    for name in ("zero", "sun-aware"):
        episode = odc_gym.run_episode(env, name, seed=20_000)
        least = episode.episode_metrics["charge_least_frac"]
        print(f"{name:10s} score {episode.score:6.2f}, charge at least {least:.2f}")


if __name__ == "__main__":
    main()

"""Pictures a second of `rgb_array`, without a display: fleets of 12 to 1 000 satellites, drawn after each decision.

Times are CPU times of one process, so other work on the machine does not count.

    python benchmarks/pictures.py [SCENARIO ...]
"""

from __future__ import annotations

import sys
import time
from statistics import median

import numpy as np

from odc_gym.rendering.picture import Painter
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

SCENARIOS = ("starter12", "starter24", "suncatcher81", "megashell1k")
EPISODE, DECISIONS, WARM_UP = 20_000, 60, 5


def times_ms(scenario: str) -> list[float]:
    """Return the CPU time of each picture of an episode under the zero action [ms]."""
    simulator = Simulator(Scenario.load(scenario), num_envs=1)
    simulator.reset([EPISODE])
    painter, action, score, times = Painter(), np.zeros((1, simulator.action_size)), 0.0, []
    for _ in range(DECISIONS):
        simulator.step(action)
        score += simulator.row_reward(0)
        began = time.process_time()
        painter.picture(simulator, 0, score)
        times.append((time.process_time() - began) * 1e3)
    return times


def main() -> None:
    for scenario in sys.argv[1:] or SCENARIOS:
        times = times_ms(scenario)
        typical = median(times[WARM_UP:])
        print(f"{scenario}: {1e3 / typical:.0f} pictures a second; median {typical:.1f} ms, first {times[0]:.0f} ms")


if __name__ == "__main__":
    main()

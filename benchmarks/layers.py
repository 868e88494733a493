"""Parts of one step under the zero action, and the picture of them: docs/performance.png.

The layers of a step are called alone, in turns, and a part is the difference between two layers. The physics is timed
as the kernel `settle`, which repeats the physics steps of a decision without jobs.

    python benchmarks/layers.py      # measures, and writes the picture
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import gymnasium as gym
import numpy as np
from turns import ENV_ID, EPISODE_DECISIONS, FIRST_SEED

from odc_gym.core.settling import settle
from odc_gym.simulator.episode_start import busy_mix
from odc_gym.simulator.simulator import Simulator

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "performance.png"
DECISIONS = EPISODE_DECISIONS - 8

Layer = Callable[[np.ndarray], object]


def layers() -> tuple[dict[str, Layer], Callable[[], None], np.ndarray]:
    """Return the layers of a step by name from the outside in, a function that resets them, and an action."""
    env = gym.make(ENV_ID)
    env.reset(seed=FIRST_SEED)
    inner = env.unwrapped
    simulator, state = inner.simulator, inner.get_state()
    action = np.zeros(simulator.action_size, np.float32)
    played = simulator._decisions()[0]
    looked = simulator._bind(simulator._all_rows, simulator._bids, simulator._look_mode)
    nobody = simulator._bind(simulator._all_rows[:0], simulator._actions, simulator._play_mode)
    flown = physics(simulator)
    calls: dict[str, Layer] = {
        "env.step": env.step,
        "unwrapped.step": inner.step,
        "simulator.step": lambda action: simulator.step(action[None]),
        "decide": lambda _: played(),
        "decide, observation alone": lambda _: looked(),
        "decide, no row": lambda _: nobody(),
        "settle": lambda _: flown(),
    }
    return calls, lambda: inner.set_state(state), action


def physics(simulator: Simulator) -> Callable[[], None]:
    """Return a call of the physics steps of one decision, on copies of the arrays."""
    mutable, parameters, fleet = simulator.mutable, simulator.parameters, simulator.fleet
    moving = [array[0].copy() for array in (mutable.state, mutable.classes, mutable.points, mutable.swings)]
    return settle.bind(
        *moving, parameters.design[0], simulator.tables.skies[0], parameters.rules[0], parameters.depth_damage,
        float(fleet.clock.dt_s), simulator.satellites, 1, fleet.clock.steps, np.ascontiguousarray(busy_mix(fleet)),
        simulator._works[0],
    )  # fmt: skip


def parts(turns: int) -> dict[str, float]:
    """Measure the parts of a step in CPU microseconds."""
    calls, restart, action = layers()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for i in range(turns + 1):
        for name, call in calls.items():
            restart()
            started = time.process_time()
            for _ in range(DECISIONS):
                call(action)
            if i > 0:
                times[name].append(1e6 * (time.process_time() - started) / DECISIONS)
    wrapped, inner, simulator, played, looked, nobody, flown = (median(values) for values in times.values())
    return {
        "Gymnasium's wrappers": wrapped - inner,
        "environment: score and info": inner - simulator,
        "simulator: checks, copies of observations": simulator - played,
        "call of compiled code": nobody,
        "compiled: observations": looked - nobody,
        "compiled: physics": flown - nobody,
        "compiled: jobs, services and network": played - looked - (flown - nobody),
    }


def draw(microseconds: dict[str, float], path: Path = PICTURE) -> None:
    """Draw the parts as shares of the step."""
    sys.path.insert(0, str(ROOT / "docs"))
    from figure_style import STYLE, save
    from matplotlib import pyplot

    total = sum(microseconds.values())
    with pyplot.rc_context(STYLE):
        figure, axes = pyplot.subplots(figsize=(7.0, 2.8), layout="constrained")
        bars = axes.barh(list(microseconds), [100.0 * part / total for part in microseconds.values()])
        axes.bar_label(bars, fmt="%.0f", padding=2, fontsize=8)
        axes.invert_yaxis()
        axes.set(title="Parts of a step of ODCSat-v0 under the zero action", xlabel="share of CPU time [%]")
        axes.grid(visible=False, axis="y")
        save(figure, path)


if __name__ == "__main__":
    measured = parts(15)
    print(*(f"{name}: {part:.1f} us" for name, part in measured.items()), sep="\n")
    draw(measured)

"""Physics step of the compiled core beside the same step in plain C, both for 64 environments of 24 satellites.

`physics.c` has the equations of the kernel `settle`: requested clocks, power budgets, governor, heat, battery,
accounts, protection and wear. It is compiled with `cc -O3 -march=x86-64-v3`, without relaxed arithmetic. Both give the
same numbers, to 1e-12 of each row's largest value, and take turns. Every second environment begins with batteries near
their floor, so that governor and protection act.

    python benchmarks/physics.py
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import which
from statistics import median
from typing import Any

import numpy as np

from odc_gym.core.layout.state import Design, Sky, State
from odc_gym.core.layout.work import Classes, Rules
from odc_gym.core.settling import settle
from odc_gym.core.spacecraft.step import DESIGN_ROWS, PROPAGATOR_ROWS
from odc_gym.physics.thermal import Propagator
from odc_gym.scenario import Scenario
from odc_gym.simulator.episode_start import busy_mix
from odc_gym.simulator.simulator import Simulator

SOURCE = Path(__file__).with_suffix(".c")
# neither option changes a result: errno and floating-point traps are not used, and nothing is fused
FLAGS = (
    "-O3", "-march=x86-64-v3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC",
)  # fmt: skip
SCENARIO, BATCH, STEPS = "starter24", 64, 288
TOLERANCE = 1e-12
LOW_CHARGE = 0.31
RECORDS: dict[str, Any] = {"S": State, "D": Design, "P": Propagator, "L": Sky, "C": Classes, "R": Rules}


def compiled(lanes: int, points: int) -> ctypes.CDLL:
    """Compile the C program for a number of lanes and of turning points."""
    names = [f"enum {{ {', '.join(f'{p}_{n}' for n in record._fields)} }};" for p, record in RECORDS.items()]
    numbers = {
        "LANES": lanes, "POINTS": points, "PROPAGATOR_ROWS": PROPAGATOR_ROWS, "DESIGN_ROWS": DESIGN_ROWS,
        "SKY_ROWS": len(Sky._fields),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        lines = names + [f"#define {name} {number}" for name, number in numbers.items()]
        (Path(folder) / "fields.h").write_text("\n".join(lines) + "\n", encoding="utf-8")
        library = Path(folder) / "physics.so"
        subprocess.run(["cc", *FLAGS, "-I", folder, str(SOURCE), "-o", str(library), "-lm"], check=True)
        return ctypes.CDLL(str(library))


class Fleets:
    """State and tables of a batch at the start of its episodes.

    Attributes:
        moving: arrays that the physics changes: state, classes, turning points and swings. Each program gets copies.
    """

    def __init__(self, num_envs: int = BATCH) -> None:
        simulator = Simulator(Scenario.load(SCENARIO), num_envs)
        simulator.reset(np.arange(num_envs))
        mutable, parameters = simulator.mutable, simulator.parameters
        self.moving = [np.array(a) for a in (mutable.state, mutable.classes, mutable.points, mutable.swings)]
        self.moving[0][::2, State._fields.index("charge_frac")] = LOW_CHARGE
        self.design, self.skies, self.rules = parameters.design, simulator.tables.skies, parameters.rules
        self.depth_damage, self.work = parameters.depth_damage, simulator._works[0]
        self.busy, self.dt_s = np.ascontiguousarray(busy_mix(simulator.fleet)), float(simulator.fleet.clock.dt_s)
        self.satellites, self.classes = simulator.satellites, len(simulator.class_names)

    def kernel(self, arrays: list[np.ndarray]) -> list[Callable[[], None]]:
        """Return a call of the kernel for each environment."""
        return [
            settle.bind(
                *(array[b] for array in arrays), self.design[b], self.skies[b], self.rules[b], self.depth_damage,
                self.dt_s, self.satellites, 1, STEPS, self.busy, self.work,
            )
            for b in range(len(arrays[0]))
        ]  # fmt: skip

    def plain_c(self, arrays: list[np.ndarray]) -> list[Callable[[], None]]:
        """Return a call of the C program for each environment."""
        library = compiled(arrays[0].shape[2], arrays[2].shape[2])
        calls = []
        for b in range(len(arrays[0])):
            rows = [*(array[b] for array in arrays), self.design[b], self.skies[b], self.rules[b]]
            addresses = [ctypes.c_void_p(row.ctypes.data) for row in [*rows, self.depth_damage, self.busy]]
            numbers = [ctypes.c_int(n) for n in (self.satellites, self.classes, STEPS)]
            calls.append(partial(library.fly, *addresses, ctypes.c_double(self.dt_s), *numbers))
        return calls


def largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference between two states over the largest value of its row."""
    scale = np.maximum(np.abs(theirs).max((0, 2), keepdims=True), 1e-30)
    return float((np.abs(ours - theirs) / scale).max())


def measure(turns: int) -> dict[str, Any]:
    """Measure the CPU time of the kernel over that of the C program, in pairs of turns.

    Returns:
        Ratio, its extremes, microseconds of one physics step of one environment, and the largest relative difference
        of the results; only a reason if there is no C compiler, or none for this processor.
    """
    if which("cc") is None:
        return {"reason": "no C compiler cc"}
    fleets = Fleets()
    sides = {"kernel": [a.copy() for a in fleets.moving], "C": [a.copy() for a in fleets.moving]}
    try:
        calls = {"kernel": fleets.kernel(sides["kernel"]), "C": fleets.plain_c(sides["C"])}
    except subprocess.CalledProcessError:
        return {"reason": f"cc refuses {' '.join(FLAGS)}"}
    times: dict[str, list[float]] = {name: [] for name in sides}
    difference = 0.0
    for i in range(turns + 1):
        for name in sorted(sides, reverse=bool(i % 2)):
            for now, then in zip(sides[name], fleets.moving, strict=True):
                now[:] = then
            started = time.process_time()
            for call in calls[name]:
                call()
            times[name].append(time.process_time() - started)
        difference = max(difference, largest_difference(sides["kernel"][0], sides["C"][0]))
    if difference > TOLERANCE:
        raise SystemExit(f"error: kernel and C differ by {difference:.1e}, more than {TOLERANCE:.0e}")
    ratios = [ours / theirs for ours, theirs in zip(times["kernel"][1:], times["C"][1:], strict=True)]
    unit = 1e6 / (BATCH * STEPS)
    return {
        "ratio": median(ratios), "least": min(ratios), "most": max(ratios), "difference": difference,
        "kernel_us": unit * median(times["kernel"][1:]), "c_us": unit * median(times["C"][1:]),
    }  # fmt: skip


if __name__ == "__main__":
    print(measure(9))

"""Rig that flies satellites alone through the compiled physics, step by step, with given power, light and work."""

import copy
import functools

import numpy as np

from odc_gym.core.layout.state import Design, Sky, State, padded
from odc_gym.core.layout.work import Classes
from odc_gym.core.settling import settle
from odc_gym.physics.ageing import TURNING_POINTS, depth_damage_tables
from odc_gym.scenario import Hardware, Scenario
from odc_gym.scenario.hardware import ColdSide
from odc_gym.simulator.allocation import empty_workspace
from odc_gym.simulator.episode_start import begin_cycles, cold_state
from odc_gym.tables.fleet.design import design_numbers
from odc_gym.tables.fleet.parameters import design_block, rules_block

DT_S = 60.0
FULL_W = 1e9  # sustainable power that allows full clock


@functools.cache
def starter(**overrides) -> Hardware:
    """Return the hardware of `starter12` with changed fields, such as `battery__capacity_wh=5000`."""
    paths = {f"hardware.odcsat.{name.replace('__', '.')}": value for name, value in overrides.items()}
    return Scenario.load("starter12").replace(paths).hardware["odcsat"]


def same_state(a, b) -> bool:
    """Return whether two snapshots hold the same bits; padding bytes of records and the scenario are ignored."""
    return a.keys() == b.keys() and all(
        np.array_equal(a[name], b[name])
        if a[name].dtype.names is None
        else all(np.array_equal(a[name][field], b[name][field]) for field in a[name].dtype.names)
        for name in a
        if name != "origin"
    )


class Rig:
    """S satellites of given hardware.

    Every accelerator can work for a class that draws peak power at full clock. `rig["charge_frac"]` reads or sets a
    field of the state, (S,). `fields` holds the names of the design's fields.
    """

    fields = Design._fields

    def __init__(self, hardware: list[Hardware], utilisation: float = 1.0) -> None:
        self.satellites, lanes = len(hardware), padded(len(hardware))
        self.design = design_block([design_numbers(h) for h in hardware], range(len(hardware)), DT_S)
        self.rules = rules_block(Scenario.load("starter12"), 8)
        self.rules[0, 0] = utilisation  # row 0 is the utilisation, and class 0 does the work
        self.state = np.zeros((len(State._fields), lanes))
        self.classes = np.zeros((len(Classes._fields), self.rules.shape[1], lanes))
        self.points = np.zeros((lanes, TURNING_POINTS + 1))
        self.swings = np.zeros((lanes, TURNING_POINTS + 1))
        self.table = depth_damage_tables()
        sat = State(*self.state)
        cold_state(sat, Design(*self.design[: len(Design._fields)]))
        begin_cycles(self.points, self.swings, sat.charge_frac)
        self.work = empty_workspace(self.satellites, self.state.shape[1], self.rules.shape[1], 1, 1, 0)

    def __getitem__(self, name: str) -> np.ndarray:
        return getattr(State(*self.state), name)[: self.satellites]

    def of(self, name: str) -> np.ndarray:
        """Return a field of the design, (S,)."""
        return getattr(Design(*self.design[: len(Design._fields)]), name)[: self.satellites]

    def __setitem__(self, name: str, value) -> None:
        self[name][:] = value

    def copy(self) -> "Rig":
        """Return an independent copy of the satellites."""
        return copy.deepcopy(self)

    def at(self, nodes: tuple[float, float, float]) -> None:
        """Set plate, loop and radiator to temperatures [K], and the junction to that of the plate."""
        self["plate_k"], self["loop_k"], self["radiator_k"] = nodes
        self["junction_k"] = nodes[0]

    def step(self, power_w=FULL_W, sunlit=1.0, absorbed_w_m2=60.0, busy=8.0, steps: int = 1) -> None:
        """Fly physics steps under constant conditions.

        Args:
            power_w: sustainable power, which the clock request follows [W].
            sunlit: lit share of the solar disc.
            absorbed_w_m2: flux that a radiator face absorbs [W/m2].
            busy: number of accelerators at work.
            steps: number of physics steps.
        """
        sky = np.zeros((1, len(Sky._fields), self.state.shape[1]), np.float32)
        for row, value in enumerate((sunlit, 1.0, absorbed_w_m2, power_w)):
            sky[0, row, : self.satellites] = value
        work = np.zeros((self.rules.shape[1], self.state.shape[1]))
        work[0, : self.satellites] = busy
        settle(
            self.state, self.classes, self.points, self.swings, self.design, sky, self.rules, self.table, DT_S,
            self.satellites, steps, 1, work, self.work,
        )  # fmt: skip


def random_hardware(rng: np.random.Generator, radiator_m2_kw: tuple[float, float] = (0.6, 1.6)) -> Hardware:
    """Return hardware of random size and proportions that always has enough sunlight."""
    base = starter()
    peak = 10.0 ** rng.uniform(2.5, 5.2)
    count = int(rng.choice([1, 8, 72]))
    idle = rng.uniform(0.05, 0.25) * peak
    host = rng.uniform(0.2, 0.8) * idle
    size = peak / 7000.0
    blocks = {
        "power": {"bus_w": (bus := rng.uniform(0.02, 0.15) * peak), "safe_w": 0.6 * bus},
        "solar": {"area_m2": peak / 100.0},
        "battery": {"capacity_wh": 2.0 * peak},
        "radiator": {"area_m2": rng.uniform(*radiator_m2_kw) * peak / 1000.0},
        "thermal": {
            "c_kj_k": (size * rng.uniform(4, 16), size * rng.uniform(10, 60), size * rng.uniform(40, 250)),
            "dt_full_k": (rng.uniform(6, 16), rng.uniform(4, 14), rng.uniform(3, 10)),
            "leak": rng.uniform(0.03, 0.2),
            "double_k": rng.uniform(25, 40),
            "cold": ColdSide(bypass_share=float(rng.choice([0.0, 0.9, 0.998])), heater_w=rng.uniform(0.0, 0.04) * peak),
        },
        "accelerators": {
            "count": count,
            "peak_w": peak,
            "host_w": host,
            "idle_each_w": (idle - host) / count,
            "gated_each_w": 0.1 * (idle - host) / count,
            "standby_w": 0.3 * host,
            "x_min": rng.uniform(0.2, 0.4),
        },
    }
    return base.model_copy(update={k: getattr(base, k).model_copy(update=v) for k, v in blocks.items()})

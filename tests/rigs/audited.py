"""Episodes played under three policies, with all their accounts and the hardware of each satellite."""

import functools
import hashlib

import numpy as np

from odc_gym.core.layout.rows import named
from odc_gym.core.layout.state import State
from odc_gym.scenario import Hardware

SEEDS = (20_000, 20_001, 20_002)
POLICIES = ("zero", "random", "full-clock")
TABLES = ("skies", "forecasts", "days", "demand")
COPIED = ("state", "ledger", "services", "run", "lists", "scalars", "classes", "pending_gb")


def digest(sim, row):
    tables = [np.ascontiguousarray(sim.parameters.design[row])]
    tables += [np.ascontiguousarray(getattr(sim.tables, name)[row]) for name in TABLES]
    jobs = sim.jobs[row]
    tables += [np.ascontiguousarray(jobs[name]) for name in jobs.dtype.names]
    tables += [sim.fleet.rules, sim.fleet.design, np.array(sim.fleet.policy), np.hstack(sim.fleet.weights)]
    return hashlib.sha256(b"".join(t.tobytes() for t in tables)).hexdigest()


def hardware_of(sim, row):
    """Return the hardware of each satellite of a row with the drawn values, read from the scenario, not from arrays."""
    scenario, flown = sim.scenario, []
    names = [shell.hardware for shell in scenario.shells for _ in range(shell.orbit.total)]
    for s, name in enumerate(names):
        kind = scenario.hardware[name].model_dump()
        for path, values in sim.drawn.items():
            part, *keys, field = path.split(".")
            if part == "hardware" and keys[0] in (name, "*"):
                value = np.broadcast_to(values[row], len(names))[s]
                functools.reduce(dict.__getitem__, keys[1:], kind)[field] = float(value)
        flown.append(Hardware.model_validate(kind))
    return flown


class Day:
    """Episodes of some seeds under each policy.

    `start` and `end` map the names of arrays to copies of them. `steps` lists such copies after each decision.
    """

    def __init__(self, sim, preset):
        self.sim, self.satellites, self.seeds, self.preset = sim, sim.satellites, SEEDS[: sim.num_envs // 3], preset
        self.hours, self.dt_s = sim.scenario.episode.hours, sim.scenario.episode.physics_s
        each = len(self.seeds)
        sim.reset(self.seeds * 3)
        rng = np.random.default_rng(0)
        layout = sim.view.layout
        self.hardware = [hardware_of(sim, row) for row in range(sim.num_envs)]
        self.hashes = [digest(sim, row) for row in range(sim.num_envs)]
        self.start = self.copy()
        self.steps, self.rewards, self.observations = [], [], []
        for _ in range(sim.decisions):
            action = layout.zeros(sim.num_envs)
            action[each : 2 * each] = rng.uniform(-1.0, 1.0, (each, sim.action_size))
            layout.clocks(action)[2 * each :] = 1.0
            sim.step(action)
            self.steps.append(self.copy())
            self.rewards.append(sim.reward)
            self.observations.append(sim.observation)
        self.end = self.steps[-1]

    def copy(self):
        return {name: getattr(self.sim.mutable, name).copy() for name in COPIED}

    def each(self, figure, row):
        """Return a quantity of each satellite, (S,), that the function `figure` computes from its hardware."""
        return np.array([figure(hardware) for hardware in self.hardware[row]])

    def row_of(self, block, name, row):
        """Return a field of the state of the satellites without padding, (S,)."""
        return getattr(named(State, block["state"]), name)[row, : self.satellites]

    def change(self, name, row):
        return self.row_of(self.end, name, row) - self.row_of(self.start, name, row)

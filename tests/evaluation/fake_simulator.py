"""Fake simulator with the interface that workers use. Its scores have a closed form."""

from types import SimpleNamespace

import numpy as np

from odc_gym.evaluation import worker

DECISIONS = 5
BUILT = []


class FakeSimulator:
    """Simulator of five decisions per episode; the reward is seed / 1000 + decision number · mean action."""

    def __init__(self, scenario, num_envs, trace=None, decision_period_s=None, episode_hours=None, action_mode="bids"):
        BUILT.append((num_envs, trace))
        self.num_envs = num_envs
        layout = SimpleNamespace(zeros=lambda b: np.zeros((b, 3)))
        self.view = SimpleNamespace(observation={}, layout=layout, num_envs=num_envs, scenario=scenario)

    def reset(self, seeds, rows=None):
        assert len(seeds) == self.num_envs
        self.seeds = np.array(seeds)
        self.count = 0

    def step(self, actions):
        self.count += 1
        self.terms = {"compute": self.seeds / 1000, "thermal": self.count * actions.mean(axis=1)}
        self.reward = self.terms["compute"] + self.terms["thermal"]
        self.truncated = np.full(self.num_envs, self.count == DECISIONS)

    def episode_metrics(self, row):
        wait = float("nan") if self.seeds[row] % 2 else 60.0
        return {"load_factor": 1.0 + self.seeds[row] % 3, "wait_p50_s": wait, "decisions": float(self.count)}

    def get_state(self, rows=None):
        return {"seeds": self.seeds.copy(), "count": np.array(self.count)}

    def set_state(self, state, rows=None):
        self.seeds, self.count = state["seeds"].copy(), int(state["count"])


def install(monkeypatch):
    """Let workers build fake simulators; return the list of those that they build."""
    monkeypatch.setattr(worker, "Simulator", FakeSimulator)
    monkeypatch.setattr(worker, "episode_metrics", lambda simulator, row: simulator.episode_metrics(row))
    monkeypatch.setattr(worker, "satellite_state", lambda simulator, row: {})
    monkeypatch.setattr(worker, "episode_waterfall", lambda simulator, row: {"nameplate": float(simulator.seeds[row])})
    monkeypatch.setattr(worker, "fleet_energy_kwh", lambda simulator, row, start: {"used": float(simulator.count)})
    BUILT.clear()
    return BUILT


class Constant:
    """Scheduler with a constant action that records its resets."""

    def __init__(self, view, level):
        self.level, self.resets = level, []

    def reset(self, view, mask, seeds):
        assert mask.all()
        self.resets.append(seeds.tolist())

    def act(self, view):
        return view.layout.zeros(view.num_envs) + self.level


def score_of(seed, level):
    """Return the score in closed form: five times the seed's part, and 1 + 2 + 3 + 4 + 5 times the action."""
    return DECISIONS * seed / 1000 + 15 * level

"""Rig that plays an episode and maps it to a point of the programme of its bound."""

import numpy as np

from odc_gym.agents import make_scheduler
from odc_gym.optimisation.bound.bound import programme
from odc_gym.optimisation.bound.episode import episode_of
from odc_gym.optimisation.bound.trajectory import Follower, pinned, point_of
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

CELL_S = 1800.0


def extreme_actions(seed):
    """Actions that often jump between the ends of their ranges, as chattering schedulers do."""
    rng = np.random.default_rng(seed)

    def act(size):
        if rng.random() < 0.5:
            return rng.choice([-1.0, 0.0, 1.0], (1, size), p=[0.2, 0.3, 0.5])
        return np.full((1, size), rng.choice([-1.0, -0.5, 0.0, 1.0])) * (rng.random((1, size)) < 0.9)

    return act


def fly(name, scheduler, seed=20_000, hours=None, overrides=None, cell_s=CELL_S):
    """Play an episode under a scheduler by name, or under a function of the size of an action."""
    simulator = Simulator(Scenario.load(name, overrides or {}), episode_hours=hours)
    simulator.reset([seed])
    episode = episode_of(simulator, 0, cell_s)
    follower = Follower(simulator, 0, episode)
    if isinstance(scheduler, str):
        entrant = make_scheduler(scheduler, simulator)
        entrant.reset(simulator.view, np.ones(1, bool), np.array([seed]))
    while not simulator.truncated.all():
        action = entrant.act(simulator.view) if isinstance(scheduler, str) else scheduler(simulator.action_size)
        simulator.step(action)
        follower.sample()
    return simulator, episode, follower


def membership(episode, follower):
    """Return how far the point of a trajectory violates rows and bounds of variables, scaled, and its objective."""
    problem = programme(episode)
    own = pinned(problem, episode, follower)
    x = point_of(own)
    rows = (own.matrix @ x - own.limit) / np.maximum(1.0, np.abs(own.limit))
    sides = np.maximum(own.low - problem.high, problem.low - own.high) / np.maximum(1.0, np.abs(problem.high))
    return max(rows.max(), sides.max()), float(own.objective @ x + own.constant)

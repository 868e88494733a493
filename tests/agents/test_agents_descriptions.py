"""Schedulers control what their docstrings say, and nothing else."""

import numpy as np
import pytest
from hand_made import view_of

from odc_gym.agents import make_scheduler, rule_names, scheduler_descriptions
from odc_gym.envs.vector import build_simulator

DESCRIPTIONS = scheduler_descriptions()
RULES = [name for name in rule_names() if not name.startswith(("earliest", "least", "first"))]
SATELLITES = 6


def played_view():
    """The view of a real environment in its first decision."""
    simulator = build_simulator(1)
    simulator.reset([5])
    return simulator.view


def active_parts(view, actions):
    """The parts of the action that are not all zero, in the words of the docstrings."""
    layout = view.layout
    parts = {
        "placement": layout.bids(actions),
        "clocks": layout.clocks(actions),
        "urgency": layout.urgency(actions),
        "class clocks": layout.offsets(actions),
    }
    return {name for name, values in parts.items() if np.any(values)}


@pytest.mark.parametrize("name", RULES)
def test_a_scheduler_controls_what_it_says(name):
    """Catches a description that the code has left behind."""
    rng = np.random.default_rng(0)
    spread = {
        "charge_frac": rng.uniform(0.2, 1.0, (1, SATELLITES)),
        "junction_k": rng.uniform(290, 360, (1, SATELLITES)),
    }
    found = set()
    for crossing_s in (1800.0, -900.0):
        view = view_of(satellites=SATELLITES, time_to_crossing_s=crossing_s, **spread)
        if name in ("tuned", "learned"):  # their rule is in the compiled core
            view = played_view()
        agent = make_scheduler(name, view)
        agent.reset(view, np.ones(1, np.bool_), np.zeros(1, np.int64))
        for _ in range(2):
            found |= active_parts(view, agent.act(view))
    stated = DESCRIPTIONS[name].controls
    if stated == "everything":
        assert len(found) == 4
    else:
        assert found == set(stated.split(", ")) - {"moves", "nothing"}


def test_orders_of_the_queue_are_left_to_the_environment():
    for name in ("earliest-deadline", "least-slack", "first-come"):
        assert DESCRIPTIONS[name].controls == "the order of the queue"

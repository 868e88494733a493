"""Branches of episodes in sampled futures."""

import numpy as np
import pytest

from odc_gym.constants import HOUR_S
from odc_gym.core.layout.work import RUNNING
from odc_gym.optimisation.planning.branches import Branches
from odc_gym.optimisation.planning.unpaid import FINISHES, unpaid_value
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

SMALL = {"shells.0.orbit.total": 3, "episode.hours": 2}
WHOLE = {"shells.0.orbit.total": 12}


def begun(seeds, decisions=4, **changes):
    simulator = Simulator(Scenario.load("starter12", {**SMALL, **changes}), len(seeds))
    simulator.reset(seeds)
    for _ in range(decisions):
        simulator.step(simulator.bids.zeros(len(seeds)))
    return simulator


def earned(simulator, dials, futures=2, horizon=6):
    """Returns of settings (N, D) for all rows, (N, B, F)."""
    branches, rows = Branches(simulator.view, [len(dials)], futures), np.arange(simulator.num_envs)
    branches.begin(rows)
    branches.fork(rows)
    each = np.repeat(dials, rows.size * futures, 0)
    return branches, branches.returns(0, lambda view: view.actions_of_dials(each), horizon)


def test_the_episode_of_the_view_does_not_move():
    """Catches branches that share arrays with the episode, or write their future into it."""
    simulator = begun([5, 6])
    before = simulator.get_state(), [table.copy() for table in simulator.tables[:-1]]
    earned(simulator, np.zeros((2, simulator.view.dials.size)))
    for name, array in simulator.get_state().items():
        assert np.array_equal(array, before[0][name]), name
    assert all(np.array_equal(a, b) for a, b in zip(simulator.tables[:-1], before[1], strict=True))


def test_branches_show_the_present_and_have_futures_of_their_own():
    """Catches a fork whose past differs, and one whose futures are all alike or the true one."""
    simulator = begun([5])
    branches = Branches(simulator.view, [2], 3)
    branches.begin(np.zeros(1, int))
    branches.fork(np.zeros(1, int))
    view, arrived = branches.views[0], int(simulator.scalars["next_job"][0])
    assert (view.encoded == simulator.view.encoded).all()
    ours, theirs = view.simulator.jobs, simulator.jobs[0]
    assert (ours["arrival_s"][:, :arrived] == theirs["arrival_s"][:arrived]).all()
    after = ours["arrival_s"][:3, arrived : arrived + 5]
    assert len({tuple(row) for row in [*after, theirs["arrival_s"][arrived : arrived + 5]]}) == 4
    assert (ours[:3] == ours[3:]).all()  # both candidates meet the same futures


def test_returns_do_not_depend_on_the_batch():
    """Catches rows that are taken for those of another episode or future."""
    together = begun([5, 6, 7])
    dials = np.random.default_rng(0).uniform(-1, 1, (3, together.view.dials.size))
    _, found = earned(together, dials)
    for row, seed in enumerate([5, 6, 7]):
        _, alone = earned(begun([seed]), dials[1:2])
        assert (alone[0, 0] == found[1, row]).all()


def test_a_later_fork_forgets_the_branches_of_before():
    """Catches states or futures of the last fork that the next one finds."""
    simulator = begun([5], decisions=2)
    dials = np.zeros((1, simulator.view.dials.size))
    branches, _ = earned(simulator, dials)
    simulator.step(simulator.bids.zeros(1))
    branches.fork(np.zeros(1, int))
    each = np.repeat(dials, 2, 0)
    again = branches.returns(0, lambda view: view.actions_of_dials(each), 6)
    assert (again == earned(simulator, dials)[1]).all()


def test_forks_take_the_futures_of_the_pool_in_turns():
    """Catches a plan that meets the same few futures all day, and keeps what was best in them by chance."""
    simulator = begun([5])
    branches, row = Branches(simulator.view, [1], 2, pool=3), np.zeros(1, int)
    branches.begin(row)
    seen = []
    for _ in range(3):
        branches.fork(row)
        seen.append(branches.views[0].simulator.seeds.tolist())
    assert seen == [[0, 1], [2, 0], [1, 2]]


def test_a_branch_ends_with_the_episode():
    simulator = begun([5], decisions=20)
    dials = np.zeros((1, simulator.view.dials.size))
    assert (earned(simulator, dials, horizon=4)[1] == earned(simulator, dials, horizon=100)[1]).all()


def test_unpaid_value_counts_open_work_and_held_back_shares():
    """Catches plans that take work without a payable point for worthless, and end before it is paid."""
    simulator = begun([5], **WHOLE)
    running = np.flatnonzero((simulator.run["status"][0] == RUNNING) & np.isfinite(simulator.jobs["work_s"][0]))
    for row in np.flatnonzero(np.isfinite(simulator.jobs["work_s"][0])):
        for column in ("checkpointed_s", "uncheckpointed_s", "before_s"):
            simulator.run[column][0, row] = 0.0
    assert unpaid_value(simulator)[0] == 0.0
    row = int(running[0])
    simulator.jobs["deadline_s"][0, row], simulator.jobs["expiry_s"][0, row] = 1e6, 2e6
    simulator.run["checkpointed_s"][0, row], simulator.run["uncheckpointed_s"][0, row] = 3600.0, 1800.0
    c = int(simulator.jobs["class_id"][0, row])
    held_back = simulator.rules.hold_back[0, c]
    value = simulator.rules.value[0, c] * simulator.jobs["price"][0, row] / HOUR_S * simulator.parameters.weights.points
    expected = value * ((1.0 - held_back) * 1800.0 + FINISHES * held_back * 5400.0)
    assert unpaid_value(simulator)[0] == pytest.approx(expected)
    simulator.jobs["deadline_s"][0, row], simulator.jobs["expiry_s"][0, row] = -2.0, -1.0
    assert unpaid_value(simulator)[0] == 0.0

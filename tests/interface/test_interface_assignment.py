"""The action mode `assign` and the block of visible jobs."""

import numpy as np
import pytest
from core_rig import same_state

from odc_gym.core.layout.work import RUNNING, WAITING
from odc_gym.errors import ActionError
from odc_gym.interface.assignment import AssignmentLayout
from odc_gym.interface.jobs import QUEUED, SEEN_JOB
from odc_gym.simulator.simulator import Simulator

K, LEVELS = 16, 6


@pytest.fixture
def sim(starter12):
    """Two loaded episodes of two hours; jobs wait from the start."""
    sim = Simulator(starter12, 2, episode_hours=2, action_mode="assign")
    sim.reset([20_001, 20_003])
    return sim


def waiting(sim):
    return sim.assignment.waiting(sim.num_envs)


def test_layout_covers_jobs_then_satellites():
    layout = AssignmentLayout(12, K, LEVELS)
    assert layout.choices.tolist() == [13] * 16 + [6] * 12 and layout.size == 28


def test_nothing_starts_while_every_job_is_told_to_wait(sim):
    """Jobs beyond the first K and later arrivals wait too: catches defaults that place behind the agent's back."""
    for _ in range(4):
        running = sim.run["status"] == RUNNING
        sim.step(waiting(sim))
        assert not ((sim.run["status"] == RUNNING) & ~running).any()


def test_others_may_follow_the_default_bids(starter12):
    sim = Simulator(starter12.replace({"assign.others": "bids"}), 1, episode_hours=2, action_mode="assign")
    sim.reset([20_001])
    for _ in range(12):
        sim.step(waiting(sim))
    assert sim.ledger.placed[0].sum() > 0


def test_a_feasible_choice_starts_the_job_there(sim):
    """The mask and the dispatcher ask the same question: what the mask allows happens at once."""
    moved = 0
    for _ in range(20):
        action = waiting(sim)
        wanted = {}
        for b in range(2):
            allowed = np.argwhere(sim.buffers.job_feasible[b, :, :-1])
            if len(allowed):
                k, s = allowed[len(allowed) // 2]
                action[b, k] = s
                wanted[b] = (int(sim.buffers.slots[b, k]), int(s))
        sim.step(action)
        for b, (row, s) in wanted.items():
            run = sim.run[b, row]
            done = run["status"] not in (RUNNING, WAITING)
            assert done or (run["status"] == RUNNING and run["host"] == s)
            moved += 1
    assert moved > 20


def test_masked_choices_wait(starter12):
    """An infeasible satellite takes nothing; with one physics step a decision, nothing frees room in between."""
    sim = Simulator(starter12, 2, decision_period_s=60, episode_hours=2, action_mode="assign")
    sim.reset([20_001, 20_003])
    tried = 0
    for _ in range(30):
        action = waiting(sim)
        wanted = {}
        for b in range(2):
            masked = np.argwhere(~sim.buffers.job_feasible[b, :, :-1] & (sim.buffers.job_present[b] == 1)[:, None])
            if len(masked):
                k, s = masked[len(masked) // 2]
                action[b, k] = s
                wanted[b] = int(sim.buffers.slots[b, k])
        sim.step(action)
        assert (sim.sat.free[:, :12] >= 0).all()
        for b, row in wanted.items():
            assert sim.run[b, row]["status"] != RUNNING
            tried += 1
    assert tried > 20


def test_orders_end_with_their_decision(sim):
    sim.step(waiting(sim))
    assert (sim.run["order"] == 0).all()


@pytest.mark.parametrize(("level", "clock"), [(1, 0.3), (3, 0.65), (5, 1.0)])
def test_levels_are_clocks_whatever_the_sustainable_one(sim, level, clock):
    action = waiting(sim)
    action[:, K:] = level
    sim.step(action)
    requested = np.where(sim.sat.clock_cap[:, :12] < clock, clock, sim.view.observation["clock_granted"])
    busy = sim.view.observation["running"].sum(1) > 0
    assert np.allclose(requested[busy], clock * np.ones_like(requested)[busy], atol=1e-9)


def test_the_first_level_is_the_zero_request(starter12):
    """Where no job waits to be placed, `assign` with default bids for arrivals is the zero action, bit for bit."""
    quiet = starter12.replace({"assign.others": "bids", "workload.rate_scale": 0.2})
    a = Simulator(quiet, 1, episode_hours=2, action_mode="assign")
    b = Simulator(quiet, 1, episode_hours=2)
    for sim in (a, b):
        sim.reset([20_002])
    assert same_state(a.get_state(), b.get_state())  # the start does not depend on the mode
    for _ in range(24):
        assert not a.buffers.job_present.any()
        a.step(waiting(a))
        b.step(np.zeros((1, b.action_size)))
        assert np.array_equal(a.observation, b.observation) and np.array_equal(a.reward, b.reward)
    assert a.ledger.placed[0].sum() > 0


@pytest.mark.parametrize("bad", [-1, 13, 0.5])
def test_choices_that_there_are_not_are_refused(sim, bad):
    action = waiting(sim).astype(float)
    action[1, 3] = bad
    with pytest.raises(ActionError, match=r"action\[1, 3\] = .*: must be an integer from 0 to 12"):
        sim.step(action)


def test_masks_belong_to_the_mode(starter12, sim):
    assert sim.view.action_masks.shape == (2, K * 13 + 12 * LEVELS)
    with pytest.raises(ActionError, match="action_mode is 'bids'"):
        _ = Simulator(starter12, 1).view.action_masks


def test_visible_jobs_are_those_that_can_start_then_the_first_of_the_others(sim):
    """A queue of wide jobs that fit nowhere must not hide what could start."""
    for _ in range(8):
        sim.step(waiting(sim))
        for b in range(2):
            queue = sim.mutable.lists[b, 0, : sim.scalars[b]["waiting"]]
            able = sim.buffers.job_feasible[b, :, :-1].any(1)
            shown = sim.buffers.slots[b][sim.buffers.slots[b] >= 0]
            first = int(able.sum())
            assert able[:first].all() and not able[first:].any()
            place = [int(np.flatnonzero(queue == row)[0]) for row in shown]
            assert place[:first] == sorted(place[:first]) and place[first:] == sorted(place[first:])
            hidden = set(queue.tolist()) - set(shown.tolist())
            assert not hidden or len(shown) == K


def test_features_of_visible_jobs(sim):
    """Against the job table: catches a shifted row, and rows that outlive their job."""
    sim.step(waiting(sim))
    for b in range(2):
        rows = sim.buffers.slots[b][sim.buffers.slots[b] >= 0]
        assert len(rows) == min(K, sim.scalars[b]["waiting"]) and (sim.buffers.slots[b, len(rows) :] == -1).all()
        assert np.array_equal(sim.buffers.job_present[b], np.arange(K) < len(rows))
        jobs, seen = sim.jobs[b, rows], sim.buffers.measured[4][b, : len(rows)]
        assert np.array_equal(seen[:, SEEN_JOB.width], jobs["width"])
        assert np.array_equal(seen[:, len(QUEUED) :].argmax(1), jobs["class_id"])
        assert (seen[:, len(QUEUED) :].sum(1) == 1).all()
        timed = np.isfinite(jobs["estimate_s"])
        now = 300.0
        assert np.allclose(seen[timed, SEEN_JOB.wait_s], now - jobs["arrival_s"][timed])
        assert np.allclose(
            seen[timed, SEEN_JOB.slack_s],
            jobs["deadline_s"][timed] - now - seen[timed, SEEN_JOB.remaining_work_s] / jobs["width"][timed],
        )
        assert np.allclose(seen[:, SEEN_JOB.feasible_frac], sim.buffers.job_feasible[b, : len(rows), :-1].mean(1))
        assert (sim.buffers.measured[4][b, len(rows) :] == 0).all()


def test_feasible_is_what_a_satellite_can_take(sim):
    """By hand: room, compute on, and enough time (all jobs here have it, or none)."""
    for b in range(2):
        for k in np.flatnonzero(sim.buffers.job_present[b]):
            width = sim.jobs[b, sim.buffers.slots[b, k]]["width"]
            room = sim.sat.free[b, :12] >= width
            on = sim.sat.shed[b, :12] + sim.sat.tripped[b, :12] == 0
            assert not (sim.buffers.job_feasible[b, k, :-1] & ~(room & on)).any()
            assert sim.buffers.job_feasible[b, k, -1]


def test_blocks_hold_what_the_flat_observation_holds(starter12):
    sim = Simulator(starter12, 2, episode_hours=1, shows_jobs=True)
    sim.reset([1, 2])
    sim.step(np.random.default_rng(0).uniform(-1, 1, (2, sim.action_size)))
    blocks = sim.buffers.blocks
    joined = np.concatenate([blocks["satellites"].reshape(2, -1), blocks["fleet"]], 1)
    assert np.array_equal(joined, sim.observation)
    assert blocks["satellites"].shape == (2, 12, 50) and blocks["jobs"].shape == (2, K, 11)
    assert np.abs(blocks["jobs"]).max() <= 1.0


def test_state_goes_on_with_its_visible_jobs(sim, starter12):
    """The visible jobs are not part of a state: they follow from it."""
    sim.step(waiting(sim))
    other = Simulator(starter12, 2, episode_hours=2, action_mode="assign")
    other.set_state(sim.get_state())
    assert np.array_equal(other.buffers.slots, sim.buffers.slots) and np.array_equal(
        other.buffers.job_feasible, sim.buffers.job_feasible
    )
    rng = np.random.default_rng(0)
    for _ in range(5):
        action = np.stack([rng.integers(0, sim.assignment.choices) for _ in range(2)])
        for one in (sim, other):
            one.step(action)
        assert np.array_equal(sim.observation, other.observation) and np.array_equal(sim.reward, other.reward)
    assert same_state(sim.get_state(), other.get_state())

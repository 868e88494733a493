"""Checkpoints: how often they are written, what they cost, and what surprises and foreseen stops take."""

import numpy as np
import pytest
from fields import LEDGER, replace_arrays

from odc_gym.core.jobs.census import Placing, place_census
from odc_gym.core.jobs.checkpoints import PRIOR_S, checkpoint_age_s, interval_work
from odc_gym.core.layout.work import RUN, RUNNING, SCALARS, WAITING
from odc_gym.faults.faults import EVENT, NO_EVENT
from odc_gym.simulator.episode_start import ageing_of
from odc_gym.simulator.simulator import Simulator
from odc_gym.workload import JOB

SEED = 20_000
PROGRESS = "workload.classes.finetuning.progress"
QUIET = {"faults": {"upsets_per_chip_year": 0.0, "hard_failures_per_chip_year": 0.0}, "episode.hours": 4}
STALL_S = 20.0


def share_of_useful_work(every_s, cost_s, mean_s, rng):
    """Of a job that fails at random and goes back to its last checkpoint, (N,) intervals, by playing many failures."""
    spans = rng.exponential(mean_s, 400_000)
    return np.array([every * np.floor(spans / (every + cost_s)).sum() for every in every_s]) / spans.sum()


@pytest.mark.parametrize(("cost_s", "mean_s"), [(20.0, 7200.0), (20.0, 72_000.0), (120.0, 36_000.0)])
def test_the_interval_is_the_best_against_random_failures(cost_s, mean_s):
    """Catches sqrt(C M), a mean in hours, or a rate for a mean: each is off by 1.4 and more."""
    best = interval_work(1e9, 1.0, cost_s, 1.0 / mean_s, 1.0)
    every_s = best * np.array([1.0, 0.5, 0.71, 1.41, 2.0])
    useful = share_of_useful_work(every_s, cost_s, mean_s, np.random.default_rng(0))
    lost, others = 1.0 - useful[0], 1.0 - useful[1:]
    assert (others > lost).all()
    assert lost == pytest.approx(np.sqrt(2.0 * cost_s / mean_s), rel=0.05)  # as much writing as work done again


def test_the_interval_is_held_between_the_cost_and_the_longest():
    assert interval_work(1200.0, 0.0, 20.0, 1.0, 0.5) == 1200.0
    assert interval_work(1200.0, 1.0, 20.0, 0.0, 0.5) == 1200.0
    assert interval_work(1200.0, 1.0, 20.0, 1.0, 0.5) == 10.0  # 20 s of work at half speed
    assert interval_work(1200.0, 1.0, 20.0, 1.0 / 3600.0, 0.5) == pytest.approx(0.5 * np.sqrt(2 * 20 * 3600))


def make(starter12, **changes):
    """Two rows of the same quiet episode, decisions of one physics step."""
    paths = {f"{PROGRESS}.{name}": value for name, value in changes.items()}
    sim = Simulator(starter12.replace(QUIET | paths), 2, decision_period_s=60)
    sim.reset([SEED, SEED])
    return sim


@pytest.fixture(scope="module")
def fixed(starter12):
    sim = make(starter12)
    return sim, sim.get_state()


@pytest.fixture(scope="module")
def light(starter12):
    """A fleet with room: two thirds of the work."""
    sim = make(starter12.replace({"workload.rate_scale": 0.66}))
    return sim, sim.get_state()


@pytest.fixture
def roomy(light):
    sim, start = light
    replace_arrays(sim, events=np.zeros((2, 0), EVENT))
    sim.set_state(start)
    return sim


@pytest.fixture
def sim(fixed):
    sim, start = fixed
    replace_arrays(sim, events=np.zeros((2, 0), EVENT))
    sim.set_state(start)
    return sim


def bids(sim, kind, row, bid):
    """Actions that are zero but for the bids of a class in a row."""
    action = sim.view.layout.zeros(2)
    sim.view.layout.bids(action)[row, sim.class_names.index(kind)] = bid
    return action


def jobs_of(sim, kind, status=RUNNING, row=1):
    c = sim.class_names.index(kind)
    return np.flatnonzero((sim.jobs["class_id"][row] == c) & (sim.run["status"][row] == status))


def strike_all(sim, row, every, count):
    """Upsets on one accelerator of every satellite, every so many steps."""
    now = int(sim.scalars["tick"][row])
    events = [(now + k * every, s, 0, 0) for k in range(count) for s in range(sim.satellites)]
    replace_arrays(sim, events=np.full((2, len(events)), NO_EVENT))
    sim.tables.events[row] = events


def test_the_interval_falls_as_surprises_come_more_often(starter12):
    """The formula with stops counted by hand: no job has more unsaved work, and some nearly as much."""
    sim = make(starter12, interval="young-daly", every_min=600)
    strike_all(sim, 1, every=10, count=12)
    c, most, stops, held_s = sim.class_names.index("finetuning"), 0.0, 0.0, sim.scalars["held_s"].copy()
    assert (held_s > 0.0).all()  # of the warm-up
    for _ in range(120):
        sim.step(np.zeros((2, sim.action_size)))
        stops = sim.ledger.resets[1].sum()
        running = jobs_of(sim, "finetuning")
        s, gang = sim.run["host"][1, running], sim.jobs["total_accelerators"][1, running]
        mean_s = (PRIOR_S + sim.scalars["held_s"][1]) / max(stops, 1e-9) / gang
        unit = np.sqrt(2.0 * STALL_S * mean_s) * sim.classes.rate[1, c, s]
        share = sim.run["uncheckpointed_s"][1, running] / (gang * np.maximum(unit, 1e-9))
        assert (share < 1.0).all()
        most = max(most, share.max() if stops > 0.0 else 0.0)
    assert stops > 50.0 and most > 0.9
    assert sim.ledger.writing_s[1, c] > 2.0 * sim.ledger.writing_s[0, c]
    assert sim.ledger.forced[1].sum() == stops and sim.ledger.foreseen[:].sum() == 0.0


def test_in_a_storm_less_is_lost_than_with_the_fixed_interval(starter12):
    """An upset each five accelerator-hours: writing and work done again take a tenth less of what finetuning holds."""
    storm = {"faults.upsets_per_chip_year": 3000.0, "episode.hours": 12}
    lost = {}
    for interval in ("fixed", "young-daly"):
        sim = Simulator(starter12.replace(storm | {f"{PROGRESS}.interval": interval}), 3)
        sim.reset([SEED, SEED + 1, SEED + 2])
        for _ in range(sim.decisions):
            sim.step(np.zeros((3, sim.action_size)))
        c = sim.class_names.index("finetuning")
        account = sim.mutable.ledger[:, :, c].sum(0)
        lost[interval] = (account[LEDGER.writing_s] + account[LEDGER.replay_s]) / account[LEDGER.held_s]
    assert lost["young-daly"] < 0.9 * lost["fixed"]


def test_told_to_stop_nothing_is_lost_and_writing_is_paid_where_it_runs_next(sim):
    """All must leave and none may enter: they wait with all they had, and hold accelerators for the writing later."""
    before = jobs_of(sim, "finetuning")
    unsaved = sim.run["uncheckpointed_s"][1, before].copy()
    done, owed = sim.run["checkpointed_s"][1, before] + unsaved, sim.run["writing_s"][1, before].copy()
    assert (unsaved > 0.0).sum() > 10
    sim.step(bids(sim, "finetuning", 1, -1.0))
    assert (sim.run["status"][1, before] == WAITING).all()
    assert np.array_equal(sim.run["checkpointed_s"][1, before], done)
    owed += np.where(unsaved > 0.0, STALL_S, 0.0)
    assert np.array_equal(sim.run["writing_s"][1, before], owed)
    c = sim.class_names.index("finetuning")
    assert sim.ledger.lost_s[1, c] == 0.0
    assert sim.ledger.foreseen[1, c] == sim.ledger.drained[1, c] == len(before)
    came, paid = np.zeros(len(before), bool), np.zeros(len(before), bool)
    for minute in range(30):  # the queue lets them in one after the other
        sim.step(np.zeros((2, sim.action_size)))
        runs = sim.run["status"][1, before] == RUNNING
        came |= runs & (minute < 20)
        paid |= runs & (sim.run["writing_s"][1, before] == 0.0)
    back, owed = before[came], owed[came]
    assert len(back) > 10 and paid[came].all()
    assert sim.ledger.writing_s[1, c] >= (owed * sim.jobs["total_accelerators"][1, back]).sum()


def test_a_move_loses_nothing_and_costs_writing_transfer_and_start(roomy):
    """Where one satellite is far better, jobs go there; each stands for as long as the same parts take on paper."""
    sim = roomy
    c = sim.class_names.index("finetuning")
    s = int(sim.sat.free[1, : sim.satellites].argmax())
    assert sim.sat.free[1, s] > 0.0
    action = bids(sim, "finetuning", 1, -0.6)
    sim.view.layout.bids(action)[1, c, s] = 1.0
    before, host = sim.run[1].copy(), sim.run["host"][1].copy()
    sim.step(action)
    moved = np.flatnonzero((sim.run["host"][1] != host) & (host >= 0) & (sim.jobs["class_id"][1] == c))
    moved = moved[sim.run["status"][1, moved] == RUNNING]
    assert len(moved) == sim.ledger.moved[1, c] > 0
    done = before["checkpointed_s"][moved] + before["uncheckpointed_s"][moved]
    assert np.array_equal(sim.run["checkpointed_s"][1, moved] + sim.run["uncheckpointed_s"][1, moved], done)
    assert sim.ledger.lost_s[1].sum() == 0.0
    stood = 60.0 * (1.0 - sim.run["active"][1, moved])
    while (sim.run["delay_s"][1, moved] > 0.0).any():
        sim.step(action)
        stood += 60.0 * (1.0 - sim.run["active"][1, moved])
    assert (sim.run["host"][1, moved] == s).all()
    written = np.where(before["uncheckpointed_s"][moved] > 0.0, STALL_S, 0.0)
    gb = sim.rules.data_gb[1, c] + np.where(done > 0.0, sim.rules.state_gb[1, c], 0.0)
    least = written + gb / 12.5 + sim.rules.init_s[1, c]  # alone on a link of 100 Gb/s
    assert (stood >= least).all()
    assert (stood <= least + (len(moved) + 2) * gb.max() / 12.5 + 30.0).all()  # shared, and accelerators wake up


def test_a_job_moves_once_in_its_least_stay(sim):
    """Bids at random, each minute: no job changes its satellite before it has stayed for 30 min."""
    rng, since, moves = np.random.default_rng(0), {}, 0
    layout = sim.view.layout
    host = sim.run["host"][1].copy()
    for step in range(150):
        action = layout.zeros(2)
        layout.bids(action)[1] = rng.uniform(-0.4, 1.0, (len(sim.class_names), sim.satellites))
        moved = sim.ledger.moved[1].sum()
        sim.step(action)
        moves += sim.ledger.moved[1].sum() - moved
        changed = np.flatnonzero((sim.run["host"][1] != host) & (host >= 0) & (sim.run["status"][1] == RUNNING))
        for row in changed:
            if sim.jobs["total_accelerators"][1, row] and np.isfinite(sim.jobs["work_s"][1, row]):
                assert step - since.get(row, -30) >= 30
                since[row] = step
        for row in np.flatnonzero(sim.run["host"][1] < 0):
            since.pop(row, None)
        host = sim.run["host"][1].copy()
    assert moves > 20


def test_the_age_of_a_checkpoint_is_the_time_since_the_oldest_unsaved_work(sim):
    """Beside a count by hand: minutes since a job last had no unsaved work."""
    rows = jobs_of(sim, "finetuning")
    age = np.full(len(rows), np.nan)
    for _ in range(40):
        sim.step(np.zeros((2, sim.action_size)))
        now = (sim.scalars["tick"][1] - sim.fleet.clock.warm_up) * 60.0
        for k, row in enumerate(rows):
            r = sim.run[1, row : row + 1]
            if r["uncheckpointed_s"][0] == 0.0 or r["status"][0] != RUNNING:
                age[k] = 0.0
                continue
            age[k] += 60.0
            if np.isfinite(age[k]):
                assert checkpoint_age_s(r[0], now) == pytest.approx(age[k], abs=60.0)
                assert checkpoint_age_s(r[0], now) > age[k] - 60.0
    assert np.isfinite(age).sum() > 10


def test_episodes_begin_with_checkpoints_of_the_interval_that_holds(starter12):
    """With frequent upsets, jobs begin with little unsaved work."""
    unsaved = {}
    for rate in (3.0, 10_000.0):
        sim = Simulator(
            starter12.replace(
                {
                    f"{PROGRESS}.interval": "young-daly",
                    f"{PROGRESS}.every_min": 600,
                    "faults.upsets_per_chip_year": rate,
                }
            )
        )
        jobs = np.zeros(1, JOB)
        jobs["class_id"], jobs["total_accelerators"], jobs["arrival_s"], jobs["work_s"] = 0, 8, -48 * 3600.0, 1e9
        jobs["num_satellites"], run = 1, np.zeros(1, RUN)
        arrays = (np.zeros((3, 1), np.int32), np.zeros(1, SCALARS), np.zeros(1), np.zeros((1, 1)), np.zeros((1, 1)))
        placing = Placing(jobs, run, *arrays, np.ones((1, 1), np.bool_))
        place_census(placing, ageing_of(sim.fleet, np.ones(1), 0.0), 0, np.array([0, 1]))
        unsaved[rate] = float(run["uncheckpointed_s"][0]) / 8
        per_s = (rate + 0.09) / (365.25 * 86400.0)
        assert unsaved[rate] == pytest.approx(np.sqrt(2 * STALL_S / (8 * per_s)) * sim.fleet.class_speed[0], rel=1e-9)
        assert -run["uncheckpointed_since_s"][0] == pytest.approx(np.sqrt(2 * STALL_S / (8 * per_s)), rel=1e-9)
    assert unsaved[10_000.0] < 0.05 * unsaved[3.0]

"""Where held time goes: parts whose sum is all that was held, and each cause in its own account."""

import numpy as np
import pytest
from desk import Desk, fleet_of
from fields import LEDGER, replace_arrays
from gang_rig import cluster

from odc_gym.core.layout.work import RUNNING
from odc_gym.faults.faults import EVENT, NO_EVENT
from odc_gym.simulator.metrics import CAUSES, episode_metrics
from odc_gym.simulator.simulator import Simulator

SEED = 20_000
QUIET = {"faults": {"upsets_per_chip_year": 0.0, "hard_failures_per_chip_year": 0.0}, "episode.hours": 4}
PARTS = [LEDGER.useful_s, LEDGER.writing_s, LEDGER.replay_s, LEDGER.restore_s, LEDGER.wait_s, LEDGER.throttle_s]


@pytest.fixture(scope="module")
def fleet(starter12):
    """Two rows of the same quiet episode, decisions of one physics step."""
    sim = Simulator(starter12.replace(QUIET), 2, decision_period_s=60)
    sim.reset([SEED, SEED])
    return sim, sim.get_state()


@pytest.fixture
def sim(fleet):
    sim, start = fleet
    replace_arrays(sim, events=np.zeros((2, 0), EVENT))
    sim.set_state(start)
    return sim


def closes(sim):
    """All that jobs hold is useful or lost by one cause, to 1e-9, and no part is negative."""
    jobs = sim.rules.service[0] < 0.5
    held, parts = sim.ledger.held_s[:, jobs], sim.mutable.ledger[:, PARTS][:, :, jobs]
    assert parts.sum(1) == pytest.approx(held, rel=1e-9, abs=1e-6)
    assert (parts > -1e-6).all()
    return held


def test_parts_close_in_a_storm_under_random_actions(starter12):
    """Upsets each 16 accelerator-hours, failures, sheds, drains and moves: every cause loses something."""
    storm = {"faults.upsets_per_chip_year": 1000.0, "faults.hard_failures_per_chip_year": 50.0, "episode.hours": 8}
    sim = Simulator(starter12.replace(storm), 2)
    sim.reset([SEED, SEED + 1])
    rng, layout = np.random.default_rng(0), sim.view.layout
    for k in range(sim.decisions):
        action = rng.uniform(-1.0, 1.0, (2, sim.action_size))
        layout.clocks(action)[:] = 1.0 if k % 48 < 24 else layout.clocks(action)
        sim.step(action)
        held = closes(sim)
    assert (held > 0.0).all()
    c = sim.class_names.index("finetuning")
    assert (sim.mutable.ledger[:, PARTS, c] > 0.0).all()
    kpis = episode_metrics(sim, 0)
    shares = [kpis["ettr_finetuning"], *(kpis[f"lost_to_{cause}_frac_finetuning"] for cause in CAUSES)]
    assert sum(shares) == pytest.approx(1.0, abs=1e-9) and min(shares) > 0.0
    assert kpis["forced_stops"] > 0.0 and kpis["foreseen_stops"] > 0.0


def test_held_time_is_that_of_the_jobs_in_their_lists(sim):
    """Beside a count of accelerators minute by minute, of jobs that ran through the minute or ended in it."""
    c = sim.class_names.index("finetuning")
    counted = 0.0
    for _ in range(60):
        before, ended = (
            sim.run["status"][0] == RUNNING,
            sim.mutable.ledger[0, [LEDGER.completed, LEDGER.expired], c].sum(),
        )
        sim.step(np.zeros((2, sim.action_size)))
        gone = before & (sim.run["status"][0] != RUNNING) & (sim.jobs["class_id"][0] == c)
        assert gone.sum() == sim.mutable.ledger[0, [LEDGER.completed, LEDGER.expired], c].sum() - ended
        counted += 60.0 * (sim.classes.held[0, c].sum() + sim.jobs["total_accelerators"][0, gone].sum())
    assert sim.ledger.held_s[0, c] == pytest.approx(counted, rel=1e-12)


def test_an_upset_costs_replay_wait_and_restore(sim):
    """Two rows that differ by one upset: its parts on paper."""
    c = sim.class_names.index("finetuning")
    mine = np.flatnonzero((sim.jobs["class_id"][1] == c) & (sim.run["status"][1] == RUNNING))
    left = sim.jobs["work_s"][1, mine] - sim.run["checkpointed_s"][1, mine] - sim.run["uncheckpointed_s"][1, mine]
    mine = mine[left > 3000.0 * sim.jobs["total_accelerators"][1, mine]]
    for _ in range(8):
        sim.step(np.zeros((2, sim.action_size)))
    early = (
        sim.run["before_s"][1, mine] <= sim.run["checkpointed_s"][1, mine]
    )  # all that is unsaved was done in the episode
    job = mine[np.where(early, sim.run["uncheckpointed_s"][1, mine], 0.0).argmax()]
    gang, s, unsaved = (
        sim.jobs["total_accelerators"][1, job],
        sim.run["host"][1, job],
        sim.run["uncheckpointed_s"][1, job],
    )
    order = sim.mutable.lists[1, 1, : sim.scalars["running"][1]]
    place = sim.jobs["width"][1, order[: list(order).index(job)]][
        sim.run["host"][1, order[: list(order).index(job)]] == s
    ].sum()
    replace_arrays(sim, events=np.full((2, 1), NO_EVENT))
    sim.tables.events[1] = [(int(sim.scalars["tick"][1]), s, place, 0)]
    start = sim.mutable.ledger[:, PARTS, c].copy()
    for _ in range(3):
        sim.step(np.zeros((2, sim.action_size)))
    assert sim.run["uncheckpointed_s"][1, job] == 0.0 and sim.ledger.resets[1, c] == 1.0
    parts = dict(
        zip(
            PARTS,
            (sim.mutable.ledger[:, PARTS, c] - start)[1] - (sim.mutable.ledger[:, PARTS, c] - start)[0],
            strict=True,
        )
    )
    assert unsaved > 100.0 and parts[LEDGER.replay_s] == pytest.approx(
        unsaved / sim.parameters.design[1, 0, s] * 8.0, rel=1e-9
    )
    assert parts[LEDGER.wait_s] == pytest.approx(120.0 * gang, abs=1e-6)
    assert parts[LEDGER.restore_s] == pytest.approx(60.0 * gang, abs=1e-6)


def test_a_satellite_without_power_waits_and_a_low_clock_throttles(sim):
    """A clock of 0.5 loses half to throttling; sun and battery gone, all that is held waits."""
    c = sim.class_names.index("finetuning")
    sim.sat.charge_frac[1] = 0.2  # at the floor: the governor gates chips where it is dark
    start = sim.mutable.ledger[:, PARTS, c].copy()
    sim.step(np.zeros((2, sim.action_size)))
    gained = dict(zip(PARTS, (sim.mutable.ledger[:, PARTS, c] - start).T, strict=True))
    held = sim.ledger.held_s[:, c]
    duty = sim.sat.duty[:, : sim.satellites]
    turning = (sim.classes.held[:, c, : sim.satellites] * duty).sum(1) * 60.0
    assert (duty[1] < 0.5).sum() >= 3 and (duty[0] > 0.9).sum() >= 8
    assert gained[LEDGER.wait_s] + turning == pytest.approx(held, rel=0.05)
    clock = sim.classes.clock[:, c, : sim.satellites]
    useful = (sim.classes.held[:, c, : sim.satellites] * duty * clock).sum(1) * 60.0
    assert gained[LEDGER.useful_s] == pytest.approx(useful, rel=0.1)
    assert gained[LEDGER.throttle_s] == pytest.approx(turning - useful, rel=0.2)


def test_a_gang_waits_for_its_exchange(starter12):
    """Full clocks and an exchange of 8 s that does not hide behind a compute of 10 s: 8/18 of the time is waiting."""
    gang = {"satellites": {2: 1.0}, "sync_gb": 800.0, "iteration_s": 10.0, "overlap": 0.0}
    sim, shares = Simulator(cluster(starter12, **gang), 1), []
    sim.reset([SEED])
    action = sim.view.layout.zeros(1)
    sim.view.layout.clocks(action)[:] = 1.0
    for _ in range(144):
        start = sim.mutable.ledger[0, [LEDGER.held_s, *PARTS], 0].copy()
        sim.step(action)
        closes(sim)
        held, useful, *others, wait, throttle = sim.mutable.ledger[0, [LEDGER.held_s, *PARTS], 0] - start
        if held > 0.0 and sum(others) == throttle == 0.0:
            assert useful + wait == pytest.approx(held)
            shares.append(wait / held)
    assert len(shares) > 10 and np.median(shares) == pytest.approx(8.0 / 18.0)


def test_a_transfer_that_lost_its_way_waits():
    """120 GB over a link of 1 GB/s that fails after a minute, for three: 120 s of restore, 180 s of waiting."""
    desk = Desk(2, [(1, {(0, 1)})])
    row = desk.job("finetuning", width=4)
    desk.checkpoint(row, 0)
    desk.open(1)
    desk.play()
    desk.network([(1, set())])
    desk.play(3)
    desk.network([(1, {(0, 1)})])
    desk.play()
    assert desk.run(row)["active"] == 0.0 and desk.account("wait_s") == 4 * 180.0
    desk.play(2)
    assert desk.account("restore_s") == 4 * 120.0 and desk.account("wait_s") == 4 * 180.0
    assert desk.run(row)["active"] == 1.0


def test_a_move_holds_accelerators_for_writing_transfer_and_start():
    """To the second: 20 s of writing, 120 GB over a link of 1 GB/s, a start of 60 s."""
    desk = Desk(2, [(1, {(0, 1)})], fleet_of(2, workload__classes__finetuning__init_s=60.0))
    row = desk.job("finetuning", width=4)
    desk.open(0)
    desk.play(3)
    assert desk.account("restore_s") == 4 * 60.0 and desk.run(row)["uncheckpointed_s"] > 0.0
    desk.open(1, elsewhere=-0.6)
    done = float(desk.run(row)["checkpointed_s"] + desk.run(row)["uncheckpointed_s"])
    desk.play()
    assert desk.run(row)["host"] == 1 and desk.account("moved") == 1.0 and desk.account("lost_s") == 0.0
    assert desk.run(row)["checkpointed_s"] == done
    desk.play(4)
    assert desk.account("writing_s") == 4 * 20.0 and desk.account("restore_s") == 4 * (60.0 + 120.0 + 60.0)
    assert desk.account("wait_s") == 0.0 and desk.run(row)["active"] == 1.0

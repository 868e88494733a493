"""What an upset and a hard failure do to jobs: events made by hand, beside the same episode without them."""

import numpy as np
import pytest
from core_rig import same_state
from fields import SAT, replace_arrays

from odc_gym.core.layout.work import RUNNING, WAITING
from odc_gym.faults.faults import EVENT, NO_EVENT
from odc_gym.scenario import Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator

SEED = 20_000
QUIET = {"faults": {"upsets_per_chip_year": 0.0, "hard_failures_per_chip_year": 0.0}}
RESET_S = 120.0


@pytest.fixture(scope="module")
def fleet(starter12):
    """Two rows of the same quiet episode, decisions of one physics step."""
    sim = Simulator(starter12.replace({**QUIET, "episode.hours": 4}), 2, decision_period_s=60)
    sim.reset([SEED, SEED])
    return sim, sim.get_state()


@pytest.fixture
def sim(fleet):
    sim, start = fleet
    replace_arrays(sim, events=np.zeros((2, 0), EVENT))
    sim.set_state(start)
    return sim


def happen(sim, row, *events):
    """Put events into a row: steps from now, satellite, accelerator, hard."""
    replace_arrays(sim, events=np.full((2, len(events)), NO_EVENT))
    now = int(sim.scalars["tick"][row])
    sim.tables.events[row] = [(now + after, s, place, hard) for after, s, place, hard in events]


def fly(sim, steps=1):
    for _ in range(steps):
        sim.step(np.zeros((2, sim.action_size)))


def running(sim, row=1):
    """Rows of the running jobs in their order."""
    return sim.mutable.lists[row, 1, : sim.scalars["running"][row]].copy()


def place_of(sim, job, row=1):
    """The first of the accelerators that a running job holds on its satellite."""
    before = running(sim, row)[: list(running(sim, row)).index(job)]
    mine = sim.run["host"][row, before] == sim.run["host"][row, job]
    return int(sim.jobs["width"][row, before[mine]].sum())


def pick(sim, kind):
    """The running job of a class with the most unsaved work of those that run on for the time of a test."""
    c = sim.class_names.index(kind)
    job = running(sim)
    run, jobs = sim.run[1, job], sim.jobs[1, job]
    mine = (jobs["class_id"] == c) & (run["delay_s"] == 0) & (sim.mutable.pending_gb[1][:, job] == 0).all(0)
    mine &= (jobs["work_s"] - run["checkpointed_s"] - run["uncheckpointed_s"] > 2000 * jobs["width"]) | np.isinf(
        jobs["work_s"]
    )
    return int(job[mine][run["uncheckpointed_s"][mine].argmax()])


@pytest.mark.parametrize("kind", ["finetuning", "batch"])
def test_an_upset_costs_the_unsaved_work_the_reset_and_the_start(sim, kind):
    """Catches an upset that pays the open interval, forgets the start, evicts the job, or hits its neighbour."""
    job = pick(sim, kind)
    c, s = sim.class_names.index(kind), int(sim.run["host"][1, job])
    unsaved, safe = sim.run["uncheckpointed_s"][1, job], sim.run["checkpointed_s"][1, job]
    assert unsaved > 10.0
    happen(sim, 1, (0, s, place_of(sim, job) + int(sim.jobs["width"][1, job]) - 1, 0))
    stopped = RESET_S + sim.rules.init_s[1, c]
    fly(sim)
    assert np.array_equal(sim.classes.held[1], sim.classes.held[0])
    assert sim.run["checkpointed_s"][1, job] == safe and sim.run["uncheckpointed_s"][1, job] == 0.0
    assert sim.run["status"][1, job] == RUNNING and sim.run["host"][1, job] == s
    lost = sim.ledger.lost_s[1] - sim.ledger.lost_s[0]
    work = unsaved - max(sim.run["before_s"][0, job] - safe, 0.0)  # what was executed before the episode is not counted
    assert lost[c] == pytest.approx(work, abs=1e-6) and sim.ledger.fault_lost_s[1, c] == lost[c]
    assert sim.ledger.resets[1].sum() == 1.0 and sim.sat.upsets[1].sum() == 1.0
    down = 60.0 * (1.0 - sim.run["active"][1, job])
    while sim.run["delay_s"][1, job] > 0.0:
        fly(sim)
        down += 60.0 * (1.0 - sim.run["active"][1, job])
    assert down == pytest.approx(stopped, abs=1e-9)


def test_every_accelerator_of_a_satellite_is_struck_as_its_jobs_hold_it(sim):
    """Eight events, one a place: catches an order that skips a job or counts widths twice."""
    fly(sim, 5)
    s = int(
        np.argmax(
            [len({*sim.jobs["class_id"][1, running(sim)][sim.run["host"][1, running(sim)] == s]}) for s in range(12)]
        )
    )
    happen(sim, 1, *((0, s, place, 0) for place in range(8)))
    held = sim.classes.held[1, :, s].copy()
    before = sim.ledger.resets[1].copy()
    fly(sim)
    assert (held > 0).sum() >= 2
    assert np.array_equal(sim.ledger.resets[1] - before, held)
    assert sim.sat.upsets[1, s] == 8.0


def test_a_struck_replica_serves_nothing_until_it_has_started_again(sim):
    c = sim.class_names.index("interactive")
    job = pick(sim, "interactive")
    happen(sim, 1, (0, int(sim.run["host"][1, job]), place_of(sim, job), 0))
    fly(sim)
    assert sim.run["active"][1, job] == 0.0 and sim.run["active"][0, job] == 1.0
    assert sim.run["delay_s"][1, job] == RESET_S + sim.rules.init_s[1, c] - 60.0
    assert sim.ledger.lost_s[1, c] > 0.0  # the requests of its batch


def test_the_dead_are_not_struck_again(sim):
    happen(sim, 1, (0, 3, 7, 1), (1, 3, 7, 0), (2, 3, 7, 1))
    fly(sim, 4)
    assert sim.sat.living[1, 3] == 7.0 and sim.sat.failures[1, 3] == 1.0
    assert sim.sat.upsets[1, 3] == 0.0 and sim.scalars["next_event"][1] == 3


def test_hard_failures_keep_the_accelerators_together(sim):
    """Failure after failure: held + free = living, no more awake than live, and the job goes back to its last point."""
    job = pick(sim, "finetuning")
    s, width = int(sim.run["host"][1, job]), int(sim.jobs["width"][1, job])
    unsaved, safe = sim.run["uncheckpointed_s"][1, job], sim.run["checkpointed_s"][1, job]
    happen(sim, 1, (0, s, place_of(sim, job), 1), *((k, s, 0, 1) for k in range(2, 9)))
    fly(sim)
    assert sim.run["checkpointed_s"][1, job] == safe and sim.run["uncheckpointed_s"][1, job] < unsaved
    assert sim.run["status"][1, job] in (RUNNING, WAITING) and sim.ledger.resets[1].sum() == 0.0
    work = unsaved - max(sim.run["before_s"][0, job] - safe, 0.0)
    assert sim.ledger.fault_lost_s[1].sum() == pytest.approx(work, abs=1e-6)
    for step in range(12):
        living = 7 - min(max(step - 1, 0), 7)
        assert sim.sat.living[1, s] == living
        assert sim.sat.free[1, s] + sim.classes.held[1, :, s].sum() == living
        held = np.bincount(sim.run["host"][1, running(sim)], sim.jobs["width"][1, running(sim)], 12)
        assert np.array_equal(held, sim.classes.held[1, :, :12].sum(0))
        assert sim.classes.held[1, :, s].sum() <= sim.sat.awake[1, s] <= living
        assert np.isfinite(sim.observation).all() and np.isfinite(sim.mutable.state[1]).all()
        fly(sim)
    assert width <= 8 and sim.sat.power_w[1, s] == pytest.approx(600.0)  # the host alone
    assert episode_metrics(sim, 1)["failed_accelerators"] == 8.0
    assert episode_metrics(sim, 1)["living_frac"] == pytest.approx(88 / 96)
    features = sim.buffers.blocks["satellites"][1, s]
    assert features[10] == 0.0 and features[11] == 0.0  # none is free, none is gated


def test_a_job_wider_than_any_satellite_that_is_left_does_not_hold_the_others_back(sim):
    """One accelerator of each satellite fails: jobs of eight wait, and no batch job makes room for them."""
    happen(sim, 1, *((0, s, 0, 1) for s in range(12)))
    fly(sim)
    for _ in range(60):
        fly(sim)
        waiting = sim.mutable.lists[1, 0, : sim.scalars["waiting"][1]]
        wide = sim.jobs["width"][1, waiting] > 7
        if wide.any():
            assert sim.scalars["blocked_width"][1] <= 7 or sim.scalars["blocked_rank"][1] == -np.inf
    assert wide.any() and len(running(sim)) > 20


def test_without_the_block_nothing_breaks(starter12):
    """`enabled: false` is the same bits as no block, whatever else the block says."""
    none = {name: value for name, value in starter12.model_dump().items() if name != "faults"}
    off = {"enabled": False, "mission_age_years": 9.0, "upsets_per_chip_year": 1e3, "dynamic_power_sigma": 0.5}
    ends = []
    for scenario in (Scenario.model_validate(none), starter12.replace({"faults": off})):
        sim = Simulator(scenario, 1, episode_hours=2)
        sim.reset([SEED])
        for _ in range(sim.decisions):
            sim.step(np.zeros((1, sim.action_size)))
        ends.append(sim.get_state())
    assert same_state(*ends)
    assert (ends[0]["state"][:, SAT.upsets] == 0.0).all()


def test_old_files_have_no_faults_and_an_empty_block_has_the_defaults(starter12):
    data = {name: value for name, value in starter12.model_dump().items() if name != "faults"}
    assert not Scenario.model_validate(data).faults.enabled
    faults = Scenario.model_validate(data | {"faults": {}}).faults
    assert faults.enabled and faults == starter12.faults


def test_schedulers_face_the_same_events_and_a_branch_repeats_them(starter12):
    """Common random numbers, and exact snapshots: catches a pointer or a count that a snapshot forgets."""
    scenario = starter12.replace({"faults.upsets_per_chip_year": 3000.0, "faults.hard_failures_per_chip_year": 300.0})
    sim = Simulator(scenario, 2, episode_hours=4)
    sim.reset([SEED, SEED])
    actions = np.zeros((2, sim.action_size))
    actions[1] = np.random.default_rng(0).uniform(-1, 1, sim.action_size)
    for _ in range(12):
        sim.step(actions)
    middle = sim.get_state()
    for _ in range(12):
        sim.step(actions)
    end, shown = sim.get_state(), sim.observation.copy()
    assert np.array_equal(sim.tables.events[0], sim.tables.events[1]) and sim.sat.upsets[0].sum() > 10
    assert np.array_equal(sim.sat.living[0], sim.sat.living[1]) and sim.sat.failures[0].sum() > 1
    sim.set_state(middle)
    for _ in range(12):
        sim.step(actions)
    assert same_state(end, sim.get_state()) and np.array_equal(shown, sim.observation)

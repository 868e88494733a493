"""Accounts that must close over whole episodes: energy, heat, work, accelerators, tokens.

Every fleet, a storm and 20 random scenarios under three policies: `starter12` flies days of three seeds, the other
fleets four hours of one, the storm eight, the random ones six. What a satellite is made of is read from the scenario
and what was drawn, not from the arrays of the simulation.
"""

import itertools

import numpy as np
import pytest
from audited import POLICIES, SEEDS, Day, digest
from fields import CLASSES, LEDGER, SAT, SERVICES
from random_scenarios import random_scenario
from regimes import FLEETS

from odc_gym.core.layout.state import LOST, Sky
from odc_gym.core.layout.work import RUNNING, SENDING, WAITING
from odc_gym.scenario import Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator

PRESETS = [*FLEETS, "storm"]
OUT_ROW = Sky._fields.index("out")
HOURS = {"storm": 8}  # until after its last event
RANDOM = {f"random-{number}": number for number in range(20)}
EVERYTHING = [*PRESETS, *RANDOM]


def cases():
    """Scenario and row of each episode: three policies x three seeds of `starter12`, x one seed of the others."""
    for name in EVERYTHING:
        seeds = SEEDS if name == "starter12" else SEEDS[:1]
        for row, (policy, seed) in enumerate(itertools.product(POLICIES, seeds)):
            yield pytest.param(name, row, id=f"{name}-{policy}-{seed}")


EACH = pytest.mark.parametrize(("played", "row"), list(cases()), indirect=["played"])
EVERY = pytest.mark.parametrize("played", EVERYTHING, indirect=True)


@pytest.fixture(scope="module")
def flown():
    """Days that were played, by scenario."""
    return {}


@pytest.fixture
def played(request, day, flown):
    name = request.param
    if name not in flown:
        if name in RANDOM:
            sim = Simulator(random_scenario(RANDOM[name]), 3)
        else:
            sim = day if name == "starter12" else Simulator(Scenario.load(name), 3, episode_hours=HOURS.get(name, 4))
        flown[name] = Day(sim, preset=name in PRESETS)
    return flown[name]


@EACH
def test_joules_drawn_are_joules_put_into_nodes(played, row):
    """Array energy used = heat of the nodes + what the battery gained or lost by ageing, to 1e-9."""
    end, start = (
        played.row_of(block, "charge_frac", row) * played.row_of(block, "capacity_left", row)
        for block in (played.end, played.start)
    )
    stored = (end - start) * played.each(lambda h: h.battery.capacity_wh * 3600.0, row) + played.change("faded_j", row)
    used = played.change("used_j", row)
    assert used - stored == pytest.approx(played.change("heat_j", row), rel=1e-9)
    if played.preset:
        assert (used > 0.5 * 3600.0 * played.hours * played.each(lambda h: h.power.bus_w, row)).all()


@EACH
def test_heat_put_in_is_stored_or_radiated(played, row):
    """Node capacities x rise = heat + absorbed - radiated, to 1e-4 of the heat; radiation is integrated apart."""
    rise = [
        1e3 * played.each(lambda h, k=k: h.thermal.c_kj_k[k], row) * played.change(name, row)
        for k, name in enumerate(("plate_k", "loop_k", "radiator_k"))
    ]
    node = played.each(lambda h: h.battery.node.capacity_kj_k_kwh * h.battery.capacity_wh, row)
    rise.append(node * played.change("battery_k", row))
    heat, absorbed = played.change("heat_j", row), played.change("absorbed_j", row)
    gap = sum(rise) - (heat + absorbed - played.change("radiated_j", row))
    assert np.abs(gap / (heat + absorbed)).max() < 1e-4


@EACH
def test_sun_and_earth_are_those_of_the_tables(played, row):
    """Available and absorbed energy summed from the tables by hand: catches a step that reads the light of another."""
    sim, clock = played.sim, played.sim.fleet.clock
    sky = sim.tables.skies[row, clock.warm_up :, :, : played.satellites].astype(float)
    array = played.each(lambda h: h.solar.area_m2 * h.solar.w_per_m2 * h.solar.eol, row)
    panel = played.each(lambda h: h.radiator.faces * h.radiator.area_m2 * h.radiator.fin, row)
    panel += played.each(lambda h: h.battery.node.radiator_m2_kwh * h.battery.capacity_wh / 1e3, row)
    available = (sky[:, 0] * sky[:, 1]).sum(0) * played.dt_s * array
    absorbed = sky[:, 2].sum(0) * played.dt_s * panel
    assert played.row_of(played.end, "available_j", row) == pytest.approx(available, rel=1e-9)
    assert played.row_of(played.end, "absorbed_j", row) == pytest.approx(absorbed, rel=1e-9)


@EACH
def test_executed_work_is_credited_lost_or_open(played, row):
    """Catches work that is paid twice, or vanishes when a job moves, drains, is evicted or expires."""
    run, ledger = played.end["run"][row], played.end["ledger"][row]
    kinds = played.sim.jobs[row]["class_id"]
    unsaved = np.where(
        np.isfinite(run["checkpointed_s"]),
        run["uncheckpointed_s"] - np.maximum(run["before_s"] - run["checkpointed_s"], 0.0),
        0.0,
    )
    least = 0.05 * played.sim.fleet.sustainable * 3600.0 * played.preset  # 3 minutes of the fleet
    for c in range(len(played.sim.class_names)):
        executed = ledger[LEDGER.executed_s, c]
        accounted = ledger[LEDGER.credited_s, c] + ledger[LEDGER.lost_s, c] + unsaved[kinds == c].sum()
        assert accounted == pytest.approx(executed, rel=1e-6)
        assert executed >= least
    assert (ledger[LEDGER.lost_s] >= -1e-9).all() and (ledger[LEDGER.credited_s] >= 0.0).all()


@EACH
def test_held_time_is_useful_or_lost_by_one_cause(played, row):
    """Accelerator-seconds that jobs hold = work at full clock + checkpoints, replay, restore, wait and throttling."""
    ledger = played.end["ledger"][row]
    jobs = played.sim.rules.service[row] < 0.5
    parts = ledger[
        [LEDGER.useful_s, LEDGER.writing_s, LEDGER.replay_s, LEDGER.restore_s, LEDGER.wait_s, LEDGER.throttle_s]
    ][:, jobs]
    assert parts.sum(0) == pytest.approx(ledger[LEDGER.held_s, jobs], rel=1e-9, abs=1e-6)
    assert (parts >= -1e-6).all()
    assert (ledger[LEDGER.held_s, jobs] >= 60.0 * played.preset).all()


@EACH
def test_work_does_not_exceed_what_was_drawn(played, row):
    """No compute without power: work takes at least the energy of its class at the most frugal clock."""
    ledger, hours = played.end["ledger"][row], played.hours
    off = played.change("off_s", row)
    hosts = played.each(lambda h: h.accelerators.host_w, row)
    least_j = (hosts * np.maximum(3600.0 * hours - off, 0.0)).sum()
    for c, name in enumerate(played.sim.class_names):
        rule = played.sim.scenario.workload.classes[name]
        least_j += (
            ledger[LEDGER.executed_s, c] * played.each(lambda h, rule=rule: frugal_j(h.accelerators, rule), row).min()
        )
    drawn = played.change("compute_j", row).sum()
    warm = 1.0 - played.each(lambda h: h.thermal.leak, row).max()  # cold chips leak less than is quoted
    assert warm * least_j < drawn
    if played.preset:
        assert drawn < 2.0 * least_j
    slots = played.each(lambda h: h.accelerators.count * h.accelerators.speed, row).sum()
    assert ledger[LEDGER.executed_s].sum() <= slots * hours * 3600.0


def frugal_j(chip, rule):
    """Least energy of a second of reference work of a class on an accelerator [J]."""
    x = np.linspace(chip.x_min, 1.0, 71)
    volt = np.maximum(chip.v0, chip.v0 + (1.0 - chip.v0) * (x - chip.x_v) / (1.0 - chip.x_v))
    dynamic = (chip.peak_w - chip.host_w) / chip.count - chip.idle_each_w
    time = rule.clock_sensitivity / x + 1.0 - rule.clock_sensitivity
    power = dynamic * rule.utilisation * (chip.static + (1.0 - chip.static) * x * volt**2)
    return (power * time + chip.idle_each_w).min() / chip.speed


@EACH
def test_accelerators_are_conserved(played, row):
    """After each decision: free + held = those that live, and held are the widths of the running jobs, by class.

    Those that live are those of the hardware less those that failed since the warm-up began; none on a lost satellite.
    """
    jobs, count = played.sim.jobs[row], played.each(lambda h: h.accelerators.count, row)
    for step in [played.start, *played.steps]:
        head, run = step["scalars"][row], step["run"][row]
        running = step["lists"][row, 1, : head["running"]]
        waiting = step["lists"][row, 0, : head["waiting"]]
        held = np.zeros((len(played.sim.class_names), played.satellites))
        np.add.at(held, (jobs["class_id"][running], run["host"][running]), jobs["width"][running])
        assert np.array_equal(held, step["classes"][row, CLASSES.held, :, : played.satellites])
        tick, events = int(head["tick"]), played.sim.tables.events[row]
        failed = np.bincount(events["satellite"][(events["tick"] < tick) & (events["hard"] == 1)], None, len(count))
        living = played.row_of(step, "living", row)
        lost = played.sim.tables.skies[row, tick - 1, OUT_ROW, : played.satellites] == LOST
        assert np.array_equal((count - failed) * ~lost, living)
        assert np.array_equal(living - held.sum(0), played.row_of(step, "free", row))
        assert len(set(running.tolist()) | set(waiting.tolist())) == len(running) + len(waiting)
        assert (run["status"][running] == RUNNING).all() and (run["status"][waiting] == WAITING).all()
        assert (run["status"] == RUNNING).sum() == len(running) and (run["status"] == WAITING).sum() == len(waiting)
        assert (run["host"][running] >= 0).all() and (run["host"][waiting] == -1).all()


@EACH
def test_tokens_are_conserved(played, row):
    """Arrived + backlog before = served + abandoned + backlog after, and arrivals are those of the table."""
    ledger, clock = played.end["ledger"][row], played.sim.fleet.clock
    before, after = played.start["services"][row][SERVICES.backlog], played.end["services"][row][SERVICES.backlog]
    left = ledger[LEDGER.served] + ledger[LEDGER.abandoned] + after
    assert ledger[LEDGER.arrived] + before == pytest.approx(left, rel=1e-9)
    assert ledger[LEDGER.arrived] == pytest.approx(played.sim.tables.demand[row, clock.warm_up :, 0].sum(0), rel=1e-12)
    if played.preset:
        assert ledger[LEDGER.arrived, played.sim.class_names.index("interactive")] > 1e5
    assert (ledger[LEDGER.slo_met] <= ledger[LEDGER.served] * (1 + 1e-12)).all()


@EACH
def test_bytes_are_conserved(played, row):
    """What was asked for has arrived, is on the way, or was dropped by jobs that left: by class, results included."""
    account = played.end["ledger"][row]
    kinds = played.sim.jobs["class_id"][row]
    classes = np.arange(account.shape[1])
    on_way = [(b["pending_gb"][row].sum(0) * (kinds == classes[:, None])).sum(1) for b in (played.start, played.end)]
    arrived = account[[LEDGER.weights_gb, LEDGER.input_gb, LEDGER.state_gb, LEDGER.result_gb]].sum(0)
    asked = on_way[0] + account[LEDGER.asked_gb]
    np.testing.assert_allclose(arrived + account[LEDGER.dropped_gb] + on_way[1], asked, rtol=1e-9, atol=1e-6)
    assert arrived.sum() > 0.0 or asked.sum() == 0.0


@EACH
def test_only_jobs_that_run_or_send_have_data_on_the_way(played, row):
    """Catches cargo that stays behind when its job leaves, and work that goes on before its data has come."""
    for before, after in itertools.pairwise([played.start, *played.steps]):
        cargo, run = after["pending_gb"][row], after["run"][row]
        coming, going = (cargo[:3] > 0.0).any(0), cargo[3] > 0.0
        assert (run["status"][coming] == RUNNING).all() and (run["status"][going] == SENDING).all()
        sending = after["lists"][row, 2, : after["scalars"][row]["sending"]]
        assert (run["status"][sending] == SENDING).all() and going.sum() == len(sending) == len(set(sending))
        stayed = (
            coming & (before["pending_gb"][row, :3] >= cargo[:3]).all(0) & (before["pending_gb"][row, :3] > 0.0).any(0)
        )
        same = stayed & (before["run"][row]["since_s"] == run["since_s"])
        assert (run["uncheckpointed_s"][same] == before["run"][row]["uncheckpointed_s"][same]).all()


@EACH
def test_every_job_ends_somewhere(played, row):
    """Jobs that came = done + expired + running + waiting; done jobs did all their work."""
    sim, run = played.sim, played.end["run"][row]
    jobs, now = sim.jobs[row], sim.fleet.clock.episode_s
    came = np.isfinite(jobs["deadline_s"]) & (jobs["arrival_s"] <= now - 60.0) & (jobs["width"] > 0)
    assert (run["status"][came] > 0).all()
    assert (run["status"][(jobs["arrival_s"] > now) & np.isfinite(jobs["deadline_s"])] == 0).all()
    done = came & (run["status"] == 3)
    assert run["checkpointed_s"][done] == pytest.approx(jobs["work_s"][done], rel=1e-9)
    assert (run["finished_s"][done] <= jobs["expiry_s"][done] + 60.0).all()
    assert (run["checkpointed_s"] + run["uncheckpointed_s"] <= jobs["work_s"] * (1 + 1e-12) + 1e-9)[came].all()


@EACH
def test_state_stays_in_bounds(played, row):
    for before, after in zip([played.start, *played.steps[:-1]], played.steps, strict=True):
        state = after["state"][row, :, : played.satellites]
        assert np.isfinite(state).all() and np.isfinite(after["ledger"][row]).all()
        charge = state[SAT.charge_frac]
        assert (charge >= 0.0).all() and (charge <= 1.0).all()
        assert (played.row_of(after, "fatigue", row) >= played.row_of(before, "fatigue", row)).all()
        assert (played.row_of(after, "cycles", row) >= played.row_of(before, "cycles", row) - 1e-18).all()
        jobs = played.sim.rules.service[row] < 0.5  # a service gives back what it took up and lost
        assert (after["ledger"][row][LEDGER.paid] >= before["ledger"][row][LEDGER.paid])[jobs].all()
        assert (state[SAT.duty] >= 0.0).all() and (state[SAT.duty] <= 1.0).all()
        assert (state[SAT.free] >= 0.0).all() and (
            state[SAT.awake] >= state[SAT.living] - state[SAT.free] - 1e-12
        ).all()
        assert (state[[SAT.plate_k, SAT.loop_k, SAT.radiator_k]] > 150.0).all() and (
            state[SAT.junction_k] < 369.0
        ).all()


@EACH
def test_tables_are_never_written(played, row):
    """Schedulers must face the same world: catches a step that writes into a table."""
    assert digest(played.sim, row) == played.hashes[row]


@EVERY
def test_policies_face_the_same_tables(played):
    """Common random numbers: the tables of a seed do not depend on the row."""
    each = len(played.seeds)
    assert played.hashes[:each] == played.hashes[each : 2 * each] == played.hashes[2 * each :]
    assert len(set(played.hashes)) == each


@EVERY
def test_rewards_sum_to_the_score_of_the_accounts(played):
    """Score = points x value paid, less violations and wear, plus stored energy: from the accounts of the episode."""
    sim, end = played.sim, played.end
    prices = 0.9213 * 1e3 * sim.fleet.stored_value[sim.fleet.shell_of]

    def stored(block, row, kwh):
        charge = played.row_of(block, "charge_frac", row)
        return (prices * kwh * (charge - 0.15 * charge**2)).sum()

    expected = []
    for row in range(sim.num_envs):
        size = played.each(lambda h: h.accelerators.count * h.accelerators.speed, row)
        kwh = played.each(lambda h: h.battery.capacity_wh / 1e3, row)
        of = {name: played.row_of(end, name, row) for name in ("thermal_h", "unserved_h", "low_charge_h", "fatigue")}
        violations = size * (0.0125 * of["thermal_h"] + 0.125 * of["unserved_h"] + 0.5 * of["low_charge_h"])
        wear = 2200.0 * kwh * of["fatigue"]
        saved = stored(end, row, kwh) - stored(played.start, row, kwh)
        expected.append(end["ledger"][row, LEDGER.paid].sum() - (violations + wear).sum() + saved)
    score = np.sum(played.rewards, 0)
    assert score == pytest.approx(sim.fleet.weights.points * np.array(expected), rel=1e-9, abs=1e-9)
    if played.preset:
        assert (score[: len(played.seeds)] > 2.0 * played.hours).all()


def test_wear_is_the_rainflow_of_the_recorded_charge(starter12):
    """The charge of each minute, counted by the `rainflow` package: catches a step that is missed or counted twice."""
    import rainflow

    from odc_gym.physics.ageing import LAWS, charge_stress, temperature_stress

    sim, law = Simulator(starter12, 1, decision_period_s=60), LAWS["xu2018"]
    sim.reset([20_003])
    rng = np.random.default_rng(5)
    charge, before = [sim.sat.charge_frac[0, :12].copy()], sim.mutable.points[0].copy()
    closed, cycles, warmth = sim.mutable.swings[0, :12, 0].copy(), [sim.sat.cycles[0, :12].copy()], []
    for k in range(sim.decisions):
        if k % 30 == 0:
            action = rng.uniform(-1.0, 1.0, (1, sim.action_size))
        sim.step(action)
        charge.append(sim.sat.charge_frac[0, :12].copy())
        cycles.append(sim.sat.cycles[0, :12].copy())
        warmth.append([temperature_stress(t, law.temperature) for t in sim.sat.battery_k[0, :12]])
    charge, cycles, warmth = np.array(charge), np.array(cycles), np.array(warmth)
    assert np.ptp(warmth) > 0.1
    for s in range(12):
        history = np.r_[before[s, : int(before[s, -1])][:-1], charge[:, s]]
        counted = closed[s] + sum(
            n * charge_stress(mean, law.charge) / (1.40e5 * depth**-0.501 - 1.23e5)
            for depth, mean, n, _, _ in rainflow.extract_cycles(history)
            if depth > 1e-9
        )
        assert sim.sat.cycles[0, s] == pytest.approx(counted, rel=2e-3)
        stored = np.array([4.14e-10 * 60.0 * charge_stress(c, law.charge) for c in charge[1:, s]])
        expected = (warmth[:, s] * (np.diff(cycles[:, s]) + stored)).sum()
        assert sim.sat.fatigue[0, s] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("played", ["storm"], indirect=True)
def test_a_storm_strikes_while_it_is_audited(played):
    """Everything that can happen did: the tests above would pass without."""
    kpis = [episode_metrics(played.sim, row) for row in range(3)]
    for name in ("outage_h", "lost_satellites", "upsets", "lost_to_outages_accelerator_h"):
        assert min(kpi[name] for kpi in kpis) > 0.0, name
    for name in ("sheds", "safe_mode_h", "lost_to_sheds_accelerator_h"):
        assert max(kpi[name] for kpi in kpis) > 0.0, name
    assert kpis[0]["outage_h"] == kpis[1]["outage_h"] == kpis[2]["outage_h"]

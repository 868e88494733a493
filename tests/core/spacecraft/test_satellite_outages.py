"""Satellites that are out, lost or in safe mode: scripts made by hand, beside the same episode without them."""

import numpy as np
import pytest
from core_rig import same_state
from fields import LEDGER, SAT

from odc_gym.core.layout.state import LOST, OUT, Sky, State, satellite_rows
from odc_gym.core.layout.work import RUNNING, WAITING, Policy
from odc_gym.core.spacecraft.outages import enter_safe_mode
from odc_gym.scenario import Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.episode.tables import build_episode
from odc_gym.tables.fleet.fleet_model import FleetModel

SEED = 20_000
QUIET = {"faults.upsets_per_chip_year": 0.0, "faults.hard_failures_per_chip_year": 0.0, "episode.hours": 2}
PLANE = [8, 9, 10, 11]
AT = 30  # minutes after which the script strikes


def flown(scenario, decision_period_s=60):
    sim = Simulator(scenario, 1, decision_period_s=decision_period_s)
    sim.reset([SEED])
    return sim


def fly(sim, steps=1):
    for _ in range(steps):
        sim.step(np.zeros((sim.num_envs, sim.action_size)))


def of(sim, name):
    return getattr(sim.sat, name)[0, : sim.satellites].copy()


def held(sim):
    return sim.classes.held[0, :, : sim.satellites].sum(0)


def on(sim, satellites):
    """Rows of the jobs that run on some satellites, replicas apart."""
    rows = sim.mutable.lists[0, 1, : sim.scalars["running"][0]]
    rows = rows[np.isin(sim.run["host"][0, rows], satellites)]
    return rows[np.isfinite(sim.jobs["work_s"][0, rows])]


@pytest.fixture(scope="module")
def calm(starter12):
    return flown(starter12.replace(QUIET))


@pytest.fixture(scope="module")
def begun(calm):
    """The state of the quiet episode just before the script strikes."""
    fly(calm, AT)
    return calm.get_state()


def scripted(starter12, *events, **changes):
    return flown(starter12.replace(QUIET | changes | {"events": [{"at": AT / 60} | event for event in events]}))


def test_a_plane_is_lost(starter12, calm, begun):
    """Until then the episode is the same to the bit; then its jobs are back at their last payable point, for good."""
    sim = scripted(starter12, {"what": "satellite-loss", "plane": 2})
    fly(sim, AT)
    assert same_state(sim.get_state(), begun)
    jobs, others = on(sim, PLANE), on(sim, range(8))
    others = others[sim.rules.yields[0, sim.jobs["class_id"][0, others]] == 0.0]  # the rest may make way
    run = sim.run[0].copy()
    assert held(sim)[PLANE].sum() > 20 and len(jobs) > 5 and len(others) > 5
    fly(sim)
    assert (held(sim)[PLANE] == 0).all() and (of(sim, "living")[PLANE] == 0).all() and (of(sim, "free") >= 0).all()
    assert np.isin(sim.run["status"][0, jobs], (WAITING, RUNNING)).all()
    assert (sim.run["checkpointed_s"][0, jobs] == run["checkpointed_s"][jobs]).all()
    work = run["uncheckpointed_s"][jobs] - np.maximum(run["before_s"][jobs] - run["checkpointed_s"][jobs], 0.0)
    lost = sim.ledger.outage_lost_s[0]
    assert lost[:2].sum() == pytest.approx(work.sum(), rel=1e-12) and work.sum() > 1000.0
    assert lost[2] > 0.0  # requests that replicas had taken up
    assert (sim.run["host"][0, others] == run["host"][others]).all()  # who was elsewhere stays there
    assert (sim.run["uncheckpointed_s"][0, others] >= run["uncheckpointed_s"][others]).sum() > 0.7 * len(
        others
    )  # the rest wrote a checkpoint
    for _ in range(89):
        fly(sim)
        assert (held(sim)[PLANE] == 0).all() and (of(sim, "off")[PLANE] == 1).all()
        assert (of(sim, "power_w")[PLANE] == 100.0).all()  # standby of the host
        assert np.isfinite(sim.observation).all()
    bus = of(sim, "bus_wanted_w") - of(sim, "heater_w") - of(sim, "battery_heater_w")
    assert bus[PLANE] == pytest.approx(500.0, abs=16.0) and (bus[:8] >= 900.0 - 1e-9).all()
    assert (of(sim, "charge_frac")[PLANE] > 0.5).all()  # they still fly and charge
    kpis = episode_metrics(sim, 0)
    assert kpis["lost_satellites"] == 4.0 and kpis["outage_h"] == pytest.approx(4 * 1.5)
    assert kpis["available_frac"] == pytest.approx(1.0 - 4 * 1.5 / 24.0)
    assert kpis["living_frac"] == pytest.approx(8 / 12) and kpis["failed_accelerators"] == 0.0
    assert kpis["lost_to_outages_accelerator_h"] == pytest.approx(lost.sum() / 3600.0)


def test_other_tables_are_those_of_the_quiet_episode(starter12):
    """Rates and a script of everything: what arrives, what strikes and what shines is the same to the bit."""
    quiet = build_episode(FleetModel(starter12.replace({"episode.hours": 6})), SEED)
    rates = {"outages": {"per_satellite_year": 500.0}, "loss": {"per_satellite_year": 50.0}}
    rates |= {"links": {"outages_per_link_year": 500.0}, "safe_mode": {"sheds": 2}}
    script = [{"at": 2, "what": "satellite-outage", "plane": 0, "hours": 1}]
    struck = starter12.replace({"episode.hours": 6, "events": script} | {f"faults.{k}": v for k, v in rates.items()})
    stormy = build_episode(FleetModel(struck), SEED)
    out = Sky._fields.index("out")
    assert (quiet.sky[:, out] == 0).all() and {0, OUT, LOST} == set(np.unique(stormy.sky[:, out]))
    assert np.array_equal(quiet.sky[:, :out], stormy.sky[:, :out])
    for name in ("forecast", "days", "jobs", "events", "demand", "census"):
        assert np.array_equal(getattr(quiet, name), getattr(stormy, name))


def test_a_storm_adds_upsets_in_its_hours(starter12):
    """Ten times the upsets of six hours, in the same order; hard failures as before."""
    often = {"faults.upsets_per_chip_year": 900.0, "faults.hard_failures_per_chip_year": 300.0, "episode.hours": 12}
    storm = [{"at": 4, "what": "radiation-storm", "hours": 6, "factor": 10}]
    calm, stormy = (
        [build_episode(FleetModel(starter12.replace(often | more)), seed) for seed in (SEED, SEED + 1)]
        for more in ({}, {"events": storm})
    )
    inside = [0, 0]
    for k, tables in enumerate((calm, stormy)):
        for episode in tables:
            hours = (episode.events["tick"] - episode.fleet.clock.warm_up) / 60.0
            inside[k] += ((hours >= 4) & (hours < 10) & (episode.events["hard"] == 0)).sum()
    assert inside[1] / inside[0] == pytest.approx(10.0, rel=4.0 / np.sqrt(inside[0])) and inside[0] > 30
    for a, b in zip(calm, stormy, strict=True):
        assert np.array_equal(a.events[a.events["hard"] == 1], b.events[b.events["hard"] == 1])
        assert np.array_equal(a.jobs, b.jobs)


def test_after_an_outage_compute_restarts_and_takes_work(starter12):
    """Out for 20 steps and a restart of two: catches an outage that ends early, late, or never."""
    sim = scripted(starter12, {"what": "satellite-outage", "satellites": [3], "hours": 1 / 3})
    fly(sim, AT)
    assert of(sim, "off")[3] == 0.0
    before = sim.ledger.evicted[0].sum()
    for step in range(30):
        fly(sim)
        assert (of(sim, "out")[3] == OUT) == (step < 20)
        assert (of(sim, "off")[3] == 1.0) == (step < 21)  # on from the end of the second step of the restart
        assert held(sim)[3] == 0 or step >= 22
        assert of(sim, "living")[3] == 8.0
    assert held(sim)[3] > 0 and sim.ledger.evicted[0].sum() > before
    assert of(sim, "out_s").sum() == 1200.0 and of(sim, "off_s").sum() == 22 * 60.0
    assert episode_metrics(sim, 0)["lost_satellites"] == 0.0


def test_work_is_lost_to_its_cause(starter12):
    """A satellite is out, one sheds, one trips: catches causes that are mixed up, or counted twice."""
    sim = scripted(starter12, {"what": "satellite-outage", "satellites": [0], "hours": 1})
    fly(sim, AT - 1)
    for k in (SAT.plate_k, SAT.loop_k, SAT.radiator_k):
        sim.mutable.state[0, k, 4] = 400.0
    sim.sat.charge_frac[0, 8] = 0.1
    fly(sim)
    lost = []
    for s in (0, 8, 4):
        rows = on(sim, [s])
        run = sim.run[0, rows]
        lost.append((run["uncheckpointed_s"] - np.maximum(run["before_s"] - run["checkpointed_s"], 0.0)).sum())
    fly(sim)
    causes = sim.mutable.ledger[0, [LEDGER.outage_lost_s, LEDGER.shed_lost_s, LEDGER.trip_lost_s]]
    assert causes[:, :2].sum(1) == pytest.approx(lost, rel=1e-12) and min(lost) > 100.0  # replicas lose requests
    assert sim.ledger.lost_s[0, :2].sum() == pytest.approx(causes[:, :2].sum(), rel=1e-12)
    kpis = episode_metrics(sim, 0)
    assert kpis["lost_to_sheds_accelerator_h"] == pytest.approx(causes[1].sum() / 3600.0)
    assert kpis["lost_to_trips_accelerator_h"] == pytest.approx(causes[2].sum() / 3600.0)


def test_a_branch_in_an_outage_goes_on_as_the_first(starter12):
    """Snapshot in the middle of an outage and of safe mode, into another simulator: catches a row that it forgets."""
    events = [{"what": "satellite-outage", "plane": 0, "hours": 1 / 3}, {"what": "satellite-loss", "satellites": [11]}]
    changes = {"faults.safe_mode": {"sheds": 2, "within_h": 1, "hours": 0.5}}
    sim = scripted(starter12, *events, **changes)
    fly(sim, AT)
    for _ in range(2):
        sim.sat.charge_frac[0, 5] = 0.1
        fly(sim, 3)
        sim.sat.charge_frac[0, 5] = 0.9
        fly(sim, 3)
    assert of(sim, "safe_mode_left_s")[5] > 0 and of(sim, "out")[[0, 11]].tolist() == [OUT, LOST]
    middle = sim.get_state()
    fly(sim, 40)
    end, seen = sim.get_state(), sim.observation.copy()
    other = Simulator(sim.scenario, 2, decision_period_s=60)
    other.reset([SEED + 1, SEED + 2])
    other.set_state(middle, [1])
    fly(other, 40)
    assert same_state(end, other.get_state([1])) and np.array_equal(seen[0], other.observation[1])


def test_safe_mode_follows_the_second_shed_and_ends_after_its_time(starter12):
    """To the step: catches a first shed that counts twice, hours taken for minutes, and a bus as ever."""
    sim = scripted(starter12, **{"faults.safe_mode": {"sheds": 2, "within_h": 1, "hours": 0.5}})
    for shed in range(2):
        sim.sat.charge_frac[0, 5] = 0.1
        fly(sim)
        assert of(sim, "shed")[5] == 1.0 and of(sim, "safe_mode_left_s")[5] == (1800.0 if shed else 0.0)
        sim.sat.charge_frac[0, 5] = 0.9
        if shed == 0:
            fly(sim, 4)
            assert of(sim, "off")[5] == 0.0
    assert (of(sim, "safe_mode_left_s") > 0).sum() == 1
    for step in range(34):
        fly(sim)
        assert (of(sim, "halted")[5] == 1.0) == (step < 30)
        assert (of(sim, "off")[5] == 1.0) == (step < 31)
        if step < 30:
            extras = of(sim, "battery_heater_w")[5] + 80.0 * of(sim, "terminals")[5]  # it may still relay or send
            assert of(sim, "bus_wanted_w")[5] - extras == pytest.approx(500.0, abs=16.0)
            assert of(sim, "power_w")[5] == 100.0 and held(sim)[5] == 0
    assert episode_metrics(sim, 0)["safe_mode_h"] == pytest.approx(0.5)
    assert episode_metrics(sim, 0)["sheds"] == 2.0 and of(sim, "out_s").sum() == 0.0


@pytest.mark.parametrize("sheds", [1, 2, 3, 4])
def test_sheds_count_in_a_window_that_slides(sheds):
    """Random sheds beside a list of their times: catches a window that is fixed, and sheds that are never forgotten."""
    rng, lanes, within, length = np.random.default_rng(sheds), 8, 25, 40
    x = np.zeros((len(State._fields), lanes))
    numbers = dict.fromkeys(Policy._fields, 0.0) | {
        "safe_sheds": float(sheds), "safe_within_s": within * 60.0, "safe_s": length * 60.0
    }  # fmt: skip
    policy = Policy(**numbers)
    times, until, entered = [[] for _ in range(lanes)], np.zeros(lanes), 0
    for step in range(3000):
        shed = rng.random(lanes) < np.where(x[SAT.shed] > 0, 0.5, 0.05)
        begins = shed & (x[SAT.shed] == 0)
        x[SAT.shed] = shed
        enter_safe_mode(satellite_rows(x), policy, 60.0, lanes)
        for s in np.flatnonzero(begins):
            times[s] = [t for t in times[s] if step - t < within] + [step]
            if len(times[s]) >= sheds:
                until[s], times[s], entered = step + length, [], entered + 1
        assert np.array_equal(x[SAT.safe_mode_left_s], 60.0 * np.maximum(until - step, 0))
    assert entered > 20


def test_without_safe_mode_nothing_is_counted(starter12):
    assert starter12.faults.safe_mode.sheds == 0
    sim = flown(starter12.replace(QUIET))
    sim.sat.charge_frac[0, 5] = 0.1
    fly(sim, 5)
    assert of(sim, "sheds")[5] == 1.0
    assert (of(sim, "safe_mode_left_s") == 0).all() and (of(sim, "recent_1_s") == 0).all()


def test_faults_that_are_disabled_leave_the_script(starter12):
    scenario = starter12.replace({"faults.enabled": False, "faults.safe_mode.sheds": 1})
    assert FleetModel(scenario).policy.safe_sheds == 0.0
    assert FleetModel(Scenario.load(scenario, {"faults.enabled": True})).policy.safe_sheds == 1.0

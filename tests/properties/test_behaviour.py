"""What no scheduler may gain, and what the zero action must do: the loopholes that agents find before authors."""

from types import SimpleNamespace

import numpy as np
import pytest
from fields import LEDGER

from odc_gym.core.jobs.waiting import lateness_factor
from odc_gym.core.layout.work import DONE, Rules
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.workload import planning_demand

EPISODES = 12
SEEDS = np.arange(20_000, 20_000 + EPISODES)


@pytest.fixture(scope="module")
def batch(starter12):
    return Simulator(starter12, EPISODES)


def play(sim, policy, seeds=SEEDS):
    """Scores of a day (B,) and the sum of each term, for `policy(k)` -> actions of decision k."""
    sim.reset(seeds)
    score, terms = np.zeros(sim.num_envs), {name: np.zeros(sim.num_envs) for name in sim.terms}
    for k in range(sim.decisions):
        sim.step(policy(k))
        score += sim.reward
        for name, values in sim.terms.items():
            terms[name] += values
    return score, terms


@pytest.fixture(scope="module")
def zero(batch):
    layout = batch.view.layout
    score, _ = play(batch, lambda k: layout.zeros(EPISODES))
    return score, [episode_metrics(batch, row) for row in range(EPISODES)]


def test_idle_earns_exactly_nothing(batch):
    """Draining writes checkpoints of work done before the episode: catches paying for it."""
    idle = np.full((EPISODES, batch.action_size), -1.0)
    score, terms = play(batch, lambda k: idle)
    assert (terms["compute"] == 0.0).all()
    assert (batch.ledger.paid[:] == 0.0).all()
    assert (batch.ledger.executed_s[:] == 0.0).all() and (batch.ledger.credited_s[:] == 0.0).all()
    assert (batch.ledger.drained[:].sum(1) > 0.0).all()  # it had running work to stop
    assert (batch.run["uncheckpointed_s"] == 0.0).all()
    assert (np.abs(batch.ledger.lost_s[:]) < 1e-9).all()  # nor is that work lost by the scheduler
    assert (np.abs(score) < 0.5).all()  # wear, and what the battery ends with


def test_zero_sheds_nothing_and_never_trips(zero):
    """Fifteen orbits at random dates of the year: the zero action is a sensible operator."""
    score, metrics = zero
    for name in ("shed_h", "trips", "unserved_frac", "degree_h", "evictions", "moves", "drains"):
        assert [m[name] for m in metrics] == [0.0] * EPISODES, name
    assert min(m["charge_least_frac"] for m in metrics) > 0.6
    assert 75.0 < score.mean() < 105.0  # 100 is the sustainable output at mean value


def test_small_noise_around_zero_changes_little(batch, zero):
    """Policies start there with noise: catches an action space where equal bids break ties into chaos."""
    rng = np.random.default_rng(11)
    score, _ = play(batch, lambda k: rng.normal(0.0, 0.05, (EPISODES, batch.action_size)))
    assert score.mean() == pytest.approx(zero[0].mean(), rel=0.02)
    assert (score != zero[0]).any()


@pytest.mark.parametrize("request_", [0.3, 1.0])
@pytest.mark.parametrize("decisions", [8, 24])
def test_draining_the_battery_at_the_end_gains_nothing(batch, zero, decisions, request_):
    """A higher clock for the last 40 minutes or 2 hours: catches stored energy that is worth too little."""
    layout = batch.view.layout

    def policy(k):
        action = layout.zeros(EPISODES)
        layout.clocks(action)[:] = request_ * (k >= batch.decisions - decisions)
        return action

    score, terms = play(batch, policy)
    assert (score - zero[0]).mean() < 0.0
    assert terms["stored_energy"].mean() < -0.05


def test_hoarding_energy_at_the_end_gains_nothing(batch, zero):
    """Lowest clock for the last 40 minutes: catches stored energy that is worth too much."""
    layout = batch.view.layout

    def policy(k):
        action = layout.zeros(EPISODES)
        layout.clocks(action)[:] = -float(k >= batch.decisions - 8)
        return action

    score, _ = play(batch, policy)
    assert (score - zero[0]).mean() < 0.0


def test_needless_migration_costs(starter12):
    """Half-empty satellites, and jobs sent to and fro at every decision: catches teleporting."""
    sim = Simulator(starter12.replace({"dispatch.min_stay_min": 0.0, "workload.rate_scale": 0.4}), 4)
    layout = sim.view.layout

    def halves(k, period):
        action = layout.zeros(4)
        good = (k // period) % 2
        layout.bids(action)[:, :, good::2] = 1.0
        layout.bids(action)[:, :, 1 - good :: 2] = -0.45
        return action

    still, _ = play(sim, lambda k: halves(k, 10**9), SEEDS[:4])
    before = sim.run.copy()
    moving, _ = play(sim, lambda k: halves(k, 1), SEEDS[:4])
    moved, lost = sim.ledger.moved[:], sim.ledger.lost_s[:]
    assert (moved[:, 0] > 300).all() and (lost[:, 1] > 1e5).all()  # batch drops its open chunk at each move
    assert (moving < still).all()
    # a fine-tuning job pays 10.6 s of transfer, 60 s to start and 20 s of checkpoint a move, 90 s of each 300 s
    after = sim.run
    both = (
        (sim.jobs["class_id"] == 0) & (after["status"] == DONE) & (before["status"] == DONE) & (before["started_s"] > 0)
    )
    took, stayed = ((run["finished_s"][both] - run["started_s"][both]).sum() for run in (after, before))
    assert both.sum() > 200
    assert took > 1.15 * stayed


def test_held_back_share_waits_for_completion(starter12):
    """With endless deadlines, value = (1 - h) x credited + h x work of completed jobs, to the last digit."""
    slack = {"low": 500.0, "high": 500.0, "of": "duration"}
    sim = Simulator(starter12.replace({"workload.classes.finetuning.slack": slack}), 2)
    layout = sim.view.layout
    play(sim, lambda k: layout.zeros(2), SEEDS[:2])
    for row in range(2):
        run, jobs = sim.run[row], sim.jobs[row]
        done = (jobs["class_id"] == 0) & (run["status"] == DONE) & (run["finished_s"] > 0.0)
        assert done.sum() > 20
        completed = (jobs["work_s"] - run["before_s"])[done].sum()
        ledger = sim.mutable.ledger[row]
        assert ledger[LEDGER.completed, 0] == done.sum()
        paid = 0.5 * ledger[LEDGER.credited_s, 0] + 0.5 * completed
        assert ledger[LEDGER.paid, 0] == pytest.approx(1.0 * paid / 3600.0, rel=1e-9)
        assert completed < ledger[LEDGER.credited_s, 0]  # some credited work is of jobs that still run


def test_value_falls_linearly_to_nothing_or_by_age():
    from odc_gym.workload import JOB

    jobs, rules = np.zeros(1, JOB), np.zeros((len(Rules._fields), 1))
    jobs["deadline_s"], jobs["expiry_s"] = 1000.0, 3000.0
    share = getattr(lateness_factor, "py_func", lateness_factor)  # a bundle with two of its parts is enough uncompiled
    e = SimpleNamespace(jobs=jobs, rules=Rules(*rules))
    times = (0.0, 1000.0, 1500.0, 2000.0, 3000.0, 9000.0)
    assert [share(e, 0, t) for t in times] == [1.0, 1.0, 0.75, 0.5, 0.0, 0.0]
    rules[Rules._fields.index("decay_s")] = 500.0
    assert [share(e, 0, t) for t in times] == pytest.approx([1.0, *np.exp([-2.0, -3.0, -4.0]), 0.0, 0.0], abs=1e-8)


def test_urgency_holds_a_class_and_scales_replicas(starter12):
    """Held classes place nothing; twice the replicas are wanted at urgency +1: catches signs and thresholds."""
    sim = Simulator(starter12, 3, episode_hours=3)
    layout = sim.view.layout
    action = layout.zeros(3)
    layout.urgency(action)[1] = -1.0
    layout.urgency(action)[2, 2] = 1.0
    play(sim, lambda k: action, [20_001] * 3)
    held = sim.view.observation["running"].sum(2)
    assert sim.ledger.placed[1].sum() == 0.0 and held[1, 2] == 0.0
    assert sim.ledger.placed[0].min() > 0.0
    assert held[2, 2] > 1.3 * held[0, 2]


def test_closed_and_draining_satellites(starter12):
    """Bids below -0.5 take no new work, below -0.8 running work leaves: catches bids read for another satellite."""
    sim = Simulator(starter12, 1, episode_hours=6)
    layout = sim.view.layout
    sim.reset([20_001])
    before = sim.view.observation["running"][0].copy()
    assert before[0, 3] + before[1, 3] > 0
    action = layout.zeros(1)
    layout.bids(action)[0, 0, 3] = -0.81
    layout.bids(action)[0, 1, 5] = -0.51
    batch_before = before[1, 5]
    for _ in range(sim.decisions):
        sim.step(action)
        running = sim.view.observation["running"][0]
        assert running[0, 3] == 0.0  # drained at once, and nothing new
        assert running[1, 5] <= batch_before  # closed: only what is there ends
        batch_before = running[1, 5]
    assert running[0, [0, 1, 2, 4]].sum() > 0.0
    assert sim.ledger.drained[0, 0] >= 0.0


def scramble_future(sim, row, from_s):
    """Make everything that arrives from a time on another world: larger jobs, other deadlines, ten times the demand."""
    jobs, clock = sim.jobs[row], sim.fleet.clock
    later = np.isfinite(jobs["arrival_s"]) & (jobs["arrival_s"] > from_s)
    for name in ("work_s", "estimate_s", "duration_s"):
        jobs[name][later] *= 3.0
    jobs["width"][later] = 8
    jobs["deadline_s"][later] -= 1800.0
    tick = clock.warm_up + round(from_s / clock.dt_s)
    sim.tables.demand[row, tick:, :] *= 10.0
    return later.sum()


def test_observation_never_tells_of_future_arrivals(starter12):
    """Two worlds that are equal until hour 6: observations, rewards and views must be too, and differ afterwards."""
    sim = Simulator(starter12, 2)
    sim.reset([20_004, 20_004])
    assert scramble_future(sim, 1, 6 * 3600.0) > 100
    rng = np.random.default_rng(2)
    same = []
    for k in range(90):
        action = np.repeat(rng.uniform(-0.6, 0.6, (1, sim.action_size)), 2, 0)
        if k == 30:  # a restored state observes anew
            sim.set_state(sim.get_state())
        sim.step(action)
        views = [v for name, v in sim.view.observation.items()] + [sim.view.forecast["solar_mean_w"]]
        equal = np.array_equal(sim.observation[0], sim.observation[1]) and sim.reward[0] == sim.reward[1]
        same.append(equal and all(np.array_equal(v[0], v[1]) for v in views))
    assert all(same[:72])  # 72 decisions are six hours
    assert not any(same[75:])


def test_autoscalers_plan_with_the_past_alone():
    """The demand that a step plans with does not change with later demand."""
    demand = np.random.default_rng(0).gamma(2.0, 100.0, 200)
    plan = planning_demand(demand, 60.0)
    for k in (1, 7, 40, 199):
        assert planning_demand(demand[:k], 60.0) == pytest.approx(plan[:k], rel=1e-12)
    assert (plan >= demand - 1e-9).all()


def test_estimates_hide_the_true_work(starter12):
    """Two worlds whose jobs differ in hidden work alone look the same until a job ends that does not in the other."""
    sim = Simulator(starter12, 2)
    sim.reset([20_006, 20_006])
    jobs = sim.jobs[1]
    far = np.isfinite(jobs["work_s"]) & (jobs["work_s"] - sim.run["checkpointed_s"][1] > 4 * 3600.0)
    jobs["work_s"][far] *= 5.0
    assert far.sum() > 30
    same = []
    for _ in range(sim.decisions):
        sim.step(np.zeros((2, sim.action_size)))
        same.append(np.array_equal(*sim.observation))
    assert all(same[:6]) and not all(same)


def test_padding_lanes_never_leak(starter12):
    """Lanes 12 to 15 fly another design in another light: the twelve satellites must not notice, to the last bit."""
    clean, dirty = Simulator(starter12, 1), Simulator(starter12, 1)
    rng = np.random.default_rng(4)
    for sim in (clean, dirty):
        sim.reset([20_005])
    design, skies = dirty.parameters.design, dirty.tables.skies
    design[:, :, 12:] *= rng.uniform(0.2, 3.0, design[:, :, 12:].shape)
    skies[:, :, :, 12:] = rng.uniform(0.0, 1.0, skies[:, :, :, 12:].shape)
    dirty.sat.charge_frac[:, 12:] = 0.01
    dirty.sat.free[:, 12:] = 5.0
    for _ in range(100):
        action = rng.uniform(-1.0, 1.0, (1, clean.action_size))
        clean.step(action)
        dirty.step(action)
        assert np.array_equal(clean.observation, dirty.observation)
        assert np.array_equal(clean.reward, dirty.reward)
    assert np.array_equal(clean.mutable.state[:, :, :12], dirty.mutable.state[:, :, :12])
    assert not np.array_equal(clean.sat.charge_frac[:, 12:], dirty.sat.charge_frac[:, 12:])

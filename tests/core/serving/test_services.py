"""Services in whole episodes, and the laws that they stand on."""

import numpy as np
import pytest
from fields import LEDGER, RULES
from serving_rig import ServingRig, service

from odc_gym.core.layout.work import ABSENT, RUNNING
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.fleet.serving_tables import RequestSizes

LOADS = np.array([0.2, 0.5, 0.8, 0.95, 1.1, 1.4, 0.6, 0.3, 0.9, 2.0, 0.0, 0.1])
CLOCKS = (1.0, 0.5)


@pytest.fixture(scope="module")
def rig():
    return ServingRig(service(), RequestSizes.of(service()))


@pytest.fixture
def sim(starter12):
    simulator = Simulator(starter12, 1)
    simulator.reset([20_100])
    return simulator


def zero(sim):
    return sim.view.layout.zeros(1)


def kind(sim):
    return sim.class_names.index("interactive")


def serving(sim):
    """Rows of the replicas that run."""
    c = kind(sim)
    first, count = (int(sim.parameters.rules[0, k, c]) for k in (RULES.first, RULES.replicas))
    return first + np.flatnonzero(sim.run["status"][0, first : first + count] == RUNNING)


def test_more_replicas_never_serve_less(rig):
    """At any load, of any backlog: catches a queue that grows with the pool."""
    arrivals = LOADS * rig.pool(6, 1.0)[1] * 60.0
    served = [rig.serve(replicas, 1.0, arrivals)[:, 0].cumsum() for replicas in (1, 2, 4, 4.5, 6, 8, 16, 48)]
    assert (np.diff(served, axis=0) > -1e-6).all()


@pytest.mark.parametrize("clock", CLOCKS)
def test_requests_are_conserved_and_waits_fall(rig, clock):
    """All that arrives is served or waits; attainment falls with the load and rises with the pool."""
    arrivals = LOADS * rig.pool(6, clock)[1] * 60.0
    out = rig.serve(6, clock, arrivals)
    assert np.allclose(arrivals.cumsum(), out[:, 0].cumsum() + out[:, 7], rtol=1e-9)
    steady = np.array([rig.steady(6, clock, load) for load in (0.1, 0.3, 0.5, 0.7, 0.9, 1.1)])
    assert (np.diff(steady[:, 1]) < 1e-6).all() and (np.diff(steady[:, 2]) < 0.01).all()
    assert steady[-1, 1] == 0.0  # overload ends in a line of hours
    assert (np.array([rig.steady(n, clock, 0.8)[1] for n in (1, 2, 4, 8)]) > 0.4).all()
    assert (out[:, 1:4] >= 0.0).all() and (out[:, 1:5] <= 1.0 + 1e-9).all()
    assert (out[:, 3] <= out[:, 1:3].min(1) + 1e-9).all()


def test_clock_slows_prefill_and_hardly_decoding(rig):
    """By the definition of the sensitivities: twice the time of kappa's share."""
    _, _, full_prefill, full_decode, _ = rig.pool(1, 1.0)
    _, _, prefill, decode, _ = rig.pool(1, 0.5)
    assert prefill / full_prefill == pytest.approx(1.95) and decode / full_decode == pytest.approx(1.18)


def test_light_load_is_a_request_alone(rig):
    """With nobody else, the first token is in time for the share of prompts that fit 2 s: a closed form."""
    prompts = RequestSizes.of(service()).input_tokens * 0.0004
    step_s = (rig.rules[RULES.base_s, 0] + rig.rules[RULES.each_s, 0]) / rig.rules[RULES.steps, 0]
    for latency_s in (0.0, 0.6):
        out = rig.steady(1, 1.0, 1e-4, latency_s)
        expected = (prompts + latency_s < 2.0).mean()
        assert out[1] == pytest.approx(expected, abs=0.01)
        assert out[6] == pytest.approx(
            1e-4 * rig.pool(1, 1.0)[1] * (prompts.mean() + rig.rules[RULES.steps, 0] * step_s), rel=0.05
        )


def test_capacity_is_the_mean_work_of_a_token(starter12, rig):
    """A full pool serves 1 / 10.6 ms tokens on each accelerator."""
    tokens_s = rig.pool(1, 1.0)[1] * rig.rules[RULES.request_tokens, 0]
    assert tokens_s == pytest.approx(2 / 0.0106, rel=1e-6)


def test_work_is_paid_by_attainment(sim):
    """Full pay for both targets, half or less for the rest, in whole episodes; and tokens add up."""
    c, start = kind(sim), sim.services.backlog[0].copy()
    for _ in range(24):
        sim.step(zero(sim))
    ledger = sim.mutable.ledger[0, :, c]
    value = sim.rules.value[0, c] * ledger[LEDGER.executed_s] / 3600.0
    met = ledger[LEDGER.slo_met] / ledger[LEDGER.served]
    assert 0.5 < met < 1.0
    assert met * value <= ledger[LEDGER.paid] <= (met + 0.5 * (1.0 - met)) * value + 1e-9
    left = ledger[LEDGER.served] + ledger[LEDGER.abandoned] + sim.services.backlog[0, c]
    assert left == pytest.approx(ledger[LEDGER.arrived] + start[c])
    assert 0.0 < ledger[LEDGER.prefill_s] < ledger[LEDGER.decode_s] < ledger[LEDGER.ready_s]


def test_a_replica_without_a_way_to_the_ground_earns_nothing(sim):
    sim.tables.links.ground_hop[:] = -1
    for _ in range(3):
        sim.step(zero(sim))
    ledger = sim.mutable.ledger[0, :, kind(sim)]
    assert len(serving(sim)) > 0
    assert ledger[LEDGER.served] == ledger[LEDGER.paid] == ledger[LEDGER.ready_s] == 0.0
    assert sim.services.backlog[0, kind(sim)] > 0.0


def test_a_replica_that_drains_keeps_its_batch(sim):
    """Told to leave, it holds its accelerators until its batch is done, and no work is lost."""
    c, rows = kind(sim), serving(sim)
    sim.step(zero(sim))
    actions = zero(sim)
    sim.view.layout.bids(actions)[0, c] = -1.0
    held = sim.run["host"][0, rows].copy()
    assert (held >= 0).all()
    sim.step(actions)
    assert sim.ledger.drained[0, c] >= len(rows) * 0.5
    assert sim.ledger.lost_s[0, c] == 0.0
    for _ in range(3):
        sim.step(actions)
    assert (sim.run["status"][0, rows] == ABSENT).any()


def test_a_lost_batch_waits_again(sim):
    """Upsets take the live requests of a satellite's replicas: they wait again, once, and the work counts as lost."""
    c = kind(sim)
    sim.step(zero(sim))
    start, row = sim.mutable.ledger[0, :, c].copy(), serving(sim)[0]
    batch = sim.services.batch[0, c]
    backlog = sim.services.backlog[0, c]
    events = sim.tables.events[0]
    events["tick"], sim.scalars["next_event"] = np.iinfo(events["tick"].dtype).max, 0
    for place in range(8):
        events[place] = (sim.scalars["tick"][0], sim.run["host"][0, row], place, 0)
    struck = (sim.run["host"][0, serving(sim)] == sim.run["host"][0, row]).sum()
    sim.step(zero(sim))
    ledger = sim.mutable.ledger[0, :, c] - start
    rule = sim.parameters.rules[0, :, c]
    most = (
        struck
        * batch
        * 2.0
        * (rule[RULES.prefill_s] + rule[RULES.base_s] / rule[RULES.batch] * 1.5 + rule[RULES.each_s] * 1.5)
    )
    assert 0.0 < ledger[LEDGER.lost_s] <= most
    assert ledger[LEDGER.executed_s] - ledger[LEDGER.lost_s] == pytest.approx(ledger[LEDGER.credited_s])
    left = ledger[LEDGER.served] + ledger[LEDGER.abandoned] + sim.services.backlog[0, c]
    assert left == pytest.approx(ledger[LEDGER.arrived] + backlog)


def test_memory_limits_the_batch(sim):
    """Beside the weights there is room for five contexts: by hand, 2.4 s of a replica a request instead of 1.1."""
    c, prompt, answers = kind(sim), 1155.0, RequestSizes.of(service()).output_tokens
    context_gb = 0.33e-3 * (prompt + 0.5 * (answers**2).mean() / answers.mean())
    sim.design.hbm_gb[0, :] = (140.0 + 5.5 * context_gb) / 0.9 / 2.0
    sim.services.backlog[0, c] = 1e9
    sim.step(zero(sim))  # batches fill
    sim.services.backlog[0, c] = 1e9
    served = sim.ledger.served[0, c]
    sim.step(zero(sim))
    rows, decode_s = serving(sim), (10.6 - 0.8 * 5.474) / 2000.0 * 211.0
    hosts = sim.run["host"][0, rows]
    clock, speed = sim.classes.clock[0, c, hosts], sim.design.speed[0, hosts] * sim.sat.duty[0, hosts]
    prefill, decode = 0.95 / clock + 0.05, 0.18 / clock + 0.82
    takes_s = (prefill * prompt * 0.0004 + decode * decode_s * (0.37 * 32 / 5 + 0.63)) / speed
    steps_s = sim.fleet.clock.steps * sim.fleet.clock.dt_s
    tokens = (sim.run["active"][0, rows] / takes_s).sum() * steps_s * sim.rules.request_tokens[0, c]
    assert 1.0 <= sim.services.batch[0, c] <= 5.0
    assert sim.ledger.served[0, c] - served == pytest.approx(tokens, rel=0.1)


def moved(movable, kv_mb):
    """Moves of replicas, and what was asked of the network for them, as all are told to go elsewhere; their batch."""
    engine = "workload.classes.interactive.engine"
    paths = {"dispatch.min_stay_min": 0.0, "workload.rate_scale": 0.4}
    paths |= {f"{engine}.movable": movable, f"{engine}.kv_mb_per_token": kv_mb}
    sim = Simulator(Scenario.load("starter12").replace(paths), 1)
    sim.reset([20_100])
    c, actions = kind(sim), zero(sim)
    sim.step(actions)
    batch, before = sim.services.batch[0, c], sim.mutable.ledger[0, :, c].copy()
    bids = sim.view.layout.bids(actions)[0, c]
    bids[:] = 1.0
    bids[np.unique(sim.run["host"][0, serving(sim)])[:3]] = -0.45
    sim.step(actions)
    change = sim.mutable.ledger[0, :, c] - before
    return change[LEDGER.moved], change[LEDGER.asked_gb], batch * sim.rules.context_gb[0, c]


def test_replicas_that_may_move_bring_their_live_requests():
    """Keys and values of the batch cross the network, and only where the engine allows it."""
    moves, asked_gb, live_gb = moved(True, 0.33)
    assert moves > 0.0
    assert live_gb == pytest.approx(0.5 * 8, rel=1.0)  # half a gigabyte each of a batch of some
    assert asked_gb - moved(True, 1e-9)[1] == pytest.approx(moves * live_gb, rel=1e-6)
    assert moved(False, 0.33)[0] == 0.0


def test_an_episode_begins_with_the_replicas_that_the_autoscaler_keeps(starter12, monkeypatch):
    """With a time per token so short that replicas are planned at a lower load: none have to be added at once."""
    target = {"workload.classes.interactive.engine.token_target_s": 0.08}
    sim, counts = Simulator(starter12.replace(target), 1), []
    bind, first = sim._bind, int(sim.fleet.rules[RULES.first, kind(sim)])

    def counted(*arguments):
        decision = bind(*arguments)

        def decide():
            counts.append((sim.run["status"][0, first : first + replicas] != ABSENT).sum())
            decision()

        return decide

    replicas = int(sim.fleet.rules[RULES.replicas, kind(sim)])
    monkeypatch.setattr(sim, "_bind", counted)
    sim.reset([20_100])
    assert abs(int(counts[1]) - int(counts[0])) <= 1

"""What must hold in every physics step, whatever breaks: bytes, work, pay, gangs, and the counts of stops.

Random clusters with links of their own that fail, gangs, results and three sorts of faults, and presets with links of
their own; decisions are one physics step, so that each is seen. What is compared comes from the tables of jobs, the
records of runs and the accounts.
"""

import numpy as np
import pytest
from fields import LEDGER, RULES, SAT
from random_scenarios import linked_scenario
from scipy.sparse.csgraph import connected_components

from odc_gym.core.layout.state import Sky
from odc_gym.core.layout.work import DONE, INPUT
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

NUMBERS = range(6)
PRESETS = {"pretraining-cluster": 2.0, "own-links": 3.0, "edge-earth": 3.0}  # hours
SEED = 20_000
COMING = slice(0, 3)  # rows of the cargo that must be there before work begins
OUT = Sky._fields.index("out")
STOPS = [LEDGER.drained, LEDGER.preempted, LEDGER.evicted, LEDGER.disconnected, LEDGER.resets]


class Step:
    """What was there at the end of a physics step."""

    def __init__(self, sim):
        self.run, self.ledger = sim.run[0].copy(), sim.mutable.ledger[0].copy()
        self.pending_gb = sim.mutable.pending_gb[0].copy()
        self.state, self.scalars = sim.mutable.state[0, :, : sim.satellites].copy(), sim.scalars[0].copy()
        self.tick = int(sim.scalars["tick"][0])

    @property
    def done_s(self):
        return self.run["checkpointed_s"] + self.run["uncheckpointed_s"]


class Flight:
    """An episode under random actions, step by step."""

    def __init__(self, name):
        if name in PRESETS:
            self.sim = sim = Simulator(Scenario.load(name), 1, decision_period_s=60, episode_hours=PRESETS[name])
        else:
            self.sim = sim = Simulator(linked_scenario(name), 1)
        number = 0 if name in PRESETS else name
        sim.reset([SEED + number])
        self.jobs, self.rules = sim.jobs[0], sim.parameters.rules[0]
        self.steps, self.waited = [Step(sim)], 0
        rng = np.random.default_rng(number)
        action = np.zeros((1, sim.action_size))
        while not sim.truncated.all():
            if self.steps[-1].tick % 15 == 0:  # half of the bids would close or drain satellites all the time
                action = np.where(rng.random((1, sim.action_size)) < 0.3, rng.uniform(-1, 1, (1, sim.action_size)), 0.4)
            sim.step(action)
            self.steps.append(Step(sim))

    def pairs(self):
        return zip(self.steps[:-1], self.steps[1:], strict=True)

    def members(self, row):
        return slice(row, row + self.jobs["num_satellites"][row])

    def workers(self, before, after):
        """First rows of the jobs whose work went on in a step, and where their rows ran."""
        first = (self.jobs["num_satellites"] > 0) & np.isfinite(self.jobs["arrival_s"])
        for row in np.flatnonzero(first & (after.done_s > before.done_s)):
            hosts = after.run["host"][self.members(row)]
            yield row, hosts if (hosts >= 0).all() else before.run["host"][self.members(row)]

    def of_class(self, values):
        """Sums by class of a figure of rows."""
        return np.bincount(self.jobs["class_id"], values, self.rules.shape[1])


@pytest.fixture(scope="module")
def flights():
    return {}


def flown(flights, name):
    if name not in flights:
        flights[name] = Flight(name)
    return flights[name]


@pytest.fixture(params=[*NUMBERS, *PRESETS])
def flight(request, flights):
    return flown(flights, request.param)


def test_what_was_asked_for_has_come_is_on_the_way_or_was_dropped(flight):
    begun = flight.of_class(flight.steps[0].pending_gb.sum(0))
    for step in flight.steps:
        asked = begun + step.ledger[LEDGER.asked_gb]
        came = step.ledger[[LEDGER.weights_gb, LEDGER.input_gb, LEDGER.state_gb, LEDGER.result_gb]].sum(0)
        on_way = flight.of_class(step.pending_gb.sum(0))
        np.testing.assert_allclose(came + step.ledger[LEDGER.dropped_gb] + on_way, asked, rtol=1e-9, atol=1e-6)
    assert asked.sum() > 0.0


def test_executed_work_is_credited_lost_or_not_yet_safe(flight):
    """Catches credit for work that nobody did, or twice, and losses that are not counted."""
    real = np.isfinite(flight.jobs["work_s"])
    for step in flight.steps:
        run = step.run
        open_s = np.where(real, run["uncheckpointed_s"] - np.maximum(run["before_s"] - run["checkpointed_s"], 0.0), 0.0)
        credited_s = step.ledger[LEDGER.executed_s] - step.ledger[LEDGER.lost_s] - flight.of_class(open_s)
        np.testing.assert_allclose(step.ledger[LEDGER.credited_s], credited_s, rtol=1e-9, atol=1e-6)
    assert step.ledger[LEDGER.credited_s].min() > 0.0 and step.ledger[LEDGER.lost_s].sum() > 0.0


@pytest.mark.parametrize("flight", [*NUMBERS, "pretraining-cluster"], indirect=True)
def test_no_gang_goes_on_with_a_member_or_a_link_down(flight):
    """Compute of all members was on and the tables have own links that join them, by SciPy from the pairs alone."""
    links, checked = flight.sim.tables.links, 0
    n = flight.sim.satellites
    for before, after in flight.pairs():
        for row, hosts in flight.workers(before, after):
            if flight.jobs["num_satellites"][row] == 1:
                continue
            hop = links.next_hop[0, links.epoch[0, min(before.tick, links.epoch.shape[1] - 1)]]
            group = connected_components(hop == np.arange(n), directed=False)[1]
            assert len(set(group[hosts])) == 1 and len(set(hosts)) == len(hosts)
            assert (flight.sim.tables.skies[0, before.tick, OUT, hosts] == 0.0).all()
            assert (before.state[SAT.off, hosts] == 0.0).all()
            checked += 1
    assert checked > 20


def test_nothing_is_worked_on_before_its_data_has_come(flight):
    """All that a job brings is there when work begins, and came no faster than the fastest link of its host.

    Catches work in the time of a transfer, members that do not wait for each other, and data that appears.
    """
    links, checked = flight.sim.tables.links, 0
    own, home = links.isl_gb_s[0], links.ground_gb_s[0].max(0)
    lag = {}
    for before, after in flight.pairs():
        fresh = (after.pending_gb[COMING] > before.pending_gb[COMING]).any(0) & (
            after.run["since_s"] != before.run["since_s"]
        )
        for row in np.flatnonzero(fresh):
            s = after.run["host"][row]
            gb = (after.pending_gb[INPUT, row], max(own[s], home[s]))
            lag[int(row)] = (after.run["since_s"][row], gb[0] / gb[1])
        for row, hosts in flight.workers(before, after):
            mine, kind = flight.members(row), flight.jobs["class_id"][row]
            assert (after.pending_gb[COMING, mine] == 0.0).all()
            assert (after.run["delay_s"][mine] <= flight.rules[RULES.stall_s, kind]).all()
            if flight.rules[RULES.data_gb, kind] > 0.0 and after.run["host"][row] >= 0:
                here = (after.run["input_at"][mine] == hosts).all() or (flight.jobs["origin"][row] == hosts).all()
                assert here or flight.jobs["arrival_s"][row] < 0.0
            now = (after.tick - flight.sim.fleet.clock.warm_up) * flight.sim.fleet.clock.dt_s
            for member in range(mine.start, mine.stop):
                if member in lag and lag[member][0] == after.run["since_s"][member]:
                    assert now - lag[member][0] >= lag[member][1]
                    flight.waited += 1
            checked += 1
    assert checked > 100


@pytest.mark.parametrize("flight", NUMBERS, indirect=True)
def test_results_are_paid_when_they_are_there(flight):
    """Nothing is late here: pay is the safe work less what is held back, and that of the jobs that ended.

    Catches the share held back being paid when the work is done, and results that count before they arrive.
    """
    value = flight.rules[RULES.value, flight.jobs["class_id"]] * flight.jobs["price"] / 3600.0
    held = flight.rules[RULES.hold_back, flight.jobs["class_id"]]
    real, sent = flight.jobs["num_satellites"] > 0, 0
    for step in flight.steps:
        run = step.run
        safe_s = np.maximum(run["checkpointed_s"] - run["before_s"], 0.0)
        whole_s = np.maximum(flight.jobs["work_s"] - run["before_s"], 0.0)
        ended = run["status"] == DONE
        paid = value * np.where(real, (1.0 - held) * safe_s + np.where(ended, held * whole_s, 0.0), 0.0)
        np.testing.assert_allclose(flight.of_class(paid), step.ledger[LEDGER.paid], rtol=1e-9, atol=1e-9)
        assert (step.pending_gb[3, ended] == 0.0).all()
        came = flight.of_class(np.where(ended & (flight.steps[0].run["status"] != DONE), 1.0, 0.0))
        assert (step.ledger[LEDGER.result_gb] >= came * flight.rules[RULES.result_gb] * (1 - 1e-9)).all()
        sent += int(step.scalars["sending"] > 0)
    assert step.ledger[LEDGER.paid].min() > 0.0 and sent > 0


def test_every_stop_was_foreseen_or_a_surprise(flight):
    """They are drains, preemptions, evictions, partings, resets and failures at work. Catches one in neither."""
    for step in flight.steps:
        both = step.ledger[[LEDGER.forced, LEDGER.foreseen]].sum()
        thrown = both - step.ledger[STOPS].sum()
        assert 0.0 <= thrown <= step.state[SAT.failures].sum()
        surprises = sum(step.scalars[name] - flight.steps[0].scalars[name] for name in ("chip_stops", "off_stops"))
        assert step.ledger[LEDGER.forced].sum() == surprises
    assert step.ledger[[LEDGER.forced, LEDGER.foreseen]].sum() > 0.0


def test_faults_strike_and_everything_happens(flights):
    """The tests above would pass without."""
    total = sum(flown(flights, number).steps[-1].ledger.sum(1) for number in NUMBERS)
    for account in (
        *STOPS,
        LEDGER.dropped_gb,
        LEDGER.result_gb,
        LEDGER.state_gb,
        LEDGER.completed,
        LEDGER.outage_lost_s,
        LEDGER.fault_lost_s,
    ):
        assert total[account] > 0.0, LEDGER._fields[account]
    assert sum(flown(flights, number).waited for number in NUMBERS) > 100

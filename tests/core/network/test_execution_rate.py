"""How fast gangs go, and what is forecast of it: beside what they then do, on networks drawn by hand."""

import numpy as np
import pytest
from desk import Desk, fleet_of
from fields import replace_arrays
from gang_rig import PRETRAINING

from odc_gym.core.layout.work import RUNNING, WAITING

PAIR = {(0, 1)}
FULL = {(a, b) for a in range(4) for b in range(a + 1, 4)}
EXCHANGE = {"satellites": {2: 1.0}, "sync_gb": 60.0, "iteration_s": 20.0, "overlap": 0.5, "lasting_min": 0.0}
PROGRESS = {"kind": "checkpoint", "every_min": 6000.0, "stall_s": 20.0, "state_gb": 240.0}
QUIET = {"data_in_gb": 0.0, "init_s": 0.0, "progress": PROGRESS}


def fleet(satellites=4, progress=None, **own):
    """A few satellites that also take gangs, with a long time to wait for a better place."""
    pretraining = PRETRAINING | QUIET | {"gang": EXCHANGE} | own
    pretraining["progress"] = PROGRESS | (progress or {})
    links = {"topology": "mesh", "rate_gbps": 8, "terminals": 4}
    return fleet_of(satellites, workload__classes__pretraining=pretraining, network__links=links)


def full_clock(desk):
    desk.layout.clocks(desk.action)[:] = 1.0


def done(desk, row):
    return desk.run(row)["checkpointed_s"] + desk.run(row)["uncheckpointed_s"]


def test_a_gang_goes_at_the_pace_of_compute_and_of_the_exchange_that_shows():
    """60 GB each way at 1 GB/s, 10 of 20 s of compute hide 10 s of it: 20 of 70 s. Catches overlap counted twice."""
    desk = Desk(4, [(1, FULL)], fleet())
    full_clock(desk)
    desk.open(0, 1)
    row = desk.gang(2, width=2)
    desk.play(2)
    before = done(desk, row)
    desk.play()
    assert desk.state("duty")[:2].tolist() == [1.0, 1.0]
    assert done(desk, row) - before == pytest.approx(60.0 * 4 * 20.0 / 70.0, rel=1e-9)


def test_the_promised_time_is_that_at_which_a_gang_really_ends():
    """A job waits for the whole satellite of a gang. Catches a forecast without the exchange: 3.5 times too early."""
    desk = Desk(4, [(1, FULL)], fleet())
    full_clock(desk)
    desk.open(0, 1)
    gang = desk.gang(2, width=2, work_s=60.0 * 4 * 20.0 / 70.0 * 30)  # 30 minutes
    desk.play(3)
    desk.open(1)
    wide = desk.job("finetuning", width=8)
    desk.play()
    assert desk.sim.scalars["reserved_row"][0] == wide
    promised_s = desk.state("reserved_from_s")[1]
    assert desk.run(gang)["status"] == RUNNING
    desk.play(30)
    assert desk.run(gang)["finished_s"] == pytest.approx(promised_s, abs=61.0)  # the first step was at another clock
    assert desk.run(wide)["status"] == RUNNING


def test_a_gang_writes_checkpoints_as_often_as_surprises_ask_in_its_own_time():
    """sqrt(2 C M) of time at work, not of compute: catches an interval by the rate without exchange, 3.5 times as long.

    One surprise each 10^5 satellite-seconds, two satellites: M is 5 x 10^4 s and the interval 1414 s, 24 steps.
    """
    desk = Desk(4, [(1, FULL)], fleet(progress={"interval": "young-daly"}))
    full_clock(desk)
    desk.open(0, 1)
    row = desk.gang(2, width=2)
    desk.sim.scalars["hosted_s"][0], desk.sim.scalars["off_stops"][0] = 1e12, 1e7
    desk.play(2)
    written, unsaved = [], 0.0
    for minute in range(80):
        desk.play()
        if desk.run(row)["uncheckpointed_s"] < unsaved:
            written.append(minute)
        unsaved = desk.run(row)["uncheckpointed_s"]
    assert len(written) == 3
    assert np.diff(written).tolist() == [24, 24]


def states_at(desk, row, *hosts):
    """A gang has a checkpoint, a part of it on each of some satellites."""
    for member, s in enumerate(hosts):
        desk.checkpoint(row + member, s, 1000.0 if member == 0 else 0.0)


def test_a_gang_starts_only_where_a_way_leads_to_each_member():
    """The state of its second member lies beyond a gap. Catches a check of the first alone: it has all it needs."""
    desk = Desk(4, [(1, {(0, 1), (1, 2)})], fleet())
    row = desk.gang(2)
    states_at(desk, row, 0, 3)
    desk.open(0, 1)
    desk.play(3)
    assert desk.run(row)["status"] == WAITING and desk.account("asked_gb") == 0.0
    assert (desk.sim.run["host"][0, row : row + 2] == -1).all() and desk.state("free").tolist() == [8.0] * 4
    desk.network([(1, {(0, 1), (1, 2), (2, 3)})])
    desk.play()
    assert desk.run(row)["status"] == RUNNING and desk.account("asked_gb") == 120.0
    assert sorted(desk.sim.run["host"][0, row : row + 2]) == [0, 1]


@pytest.mark.parametrize(("minutes", "starts"), [(2, False), (6, True)])
def test_a_way_to_a_member_must_last(minutes, starts):
    """150 GB take it 2.5 min, over two hops that close before or after. Catches ways that only have to be there."""
    changed = fleet(progress={"state_gb": 300.0})
    desk = Desk(4, [(minutes, {(0, 1), (1, 2), (2, 3)}), (1, {(0, 1)})], changed)
    row = desk.gang(2)
    states_at(desk, row, 0, 3)
    desk.open(0, 1)
    desk.play(minutes - 1)
    assert (desk.account("asked_gb") > 0.0) == starts
    assert (desk.run(row)["status"] == RUNNING) == starts


@pytest.mark.parametrize(("minutes", "starts"), [(21, False), (24, True)])
def test_a_gang_is_paid_in_time_by_its_slowest_member(minutes, starts):
    """Work for 20 minutes after 2 for the state of the second member, and nothing before the end.

    Catches a forecast by the first member, whose state lies where it runs, and one without the exchange.
    """
    desk = Desk(4, [(1, FULL)], fleet())
    full_clock(desk)
    desk.play(2)
    work_s = 1000.0 + 60.0 * 2 * 20.0 / 70.0 * 20
    row = desk.gang(2, work_s=work_s, estimate_s=work_s, deadline_s=desk.now, expiry_s=desk.now + 60.0 * minutes)
    states_at(desk, row, 0, 3)
    desk.open(0, 1)
    desk.play(2)
    assert (desk.run(row)["status"] == RUNNING) == starts
    if starts:
        desk.play(26)
        assert desk.run(row)["finished_s"] < desk.sim.jobs["expiry_s"][0, row]


def test_a_gang_takes_neighbours_that_its_data_reaches():
    """Of the three around satellite 0 the best has no way to the ground. Catches a gang that gives up instead."""
    ground = {(0, 4), (1, 4), (2, 4)}
    desk = Desk(4, [(1, {(0, 1), (0, 2), (0, 3)} | ground)], fleet(data_in_gb=60.0))
    ways = desk.sim.tables.links.ground_hop.copy()
    ways[:, :, 3] = -1  # the way over its neighbour is not planned
    replace_arrays(desk.sim, links=desk.sim.tables.links._replace(ground_hop=ways))
    desk.open(0, 1, 2, 3)
    desk.layout.bids(desk.action)[..., 1:3] = 0.5
    row = desk.gang(3)
    desk.play()
    assert desk.run(row)["status"] == RUNNING
    assert desk.sim.run["host"][0, row : row + 3].tolist() == [0, 1, 2]

"""Reservations of several satellites for a gang: on paper, and on random queues of gangs and single jobs."""

import numpy as np
import pytest
from gang_rig import rewire
from hand_queue import JOB_CLASS, STEP_S, fleet, play, put, starts, table

from odc_gym.core.layout.state import UNBOUND_S

GANG = {"satellites": {2: 1.0}, "iteration_s": 10.0, "lasting_min": 0.0}
GANGS, SINGLES = range(2)
INSTANCES, JOBS, STEPS = 32, 12, 240


def machines(num_envs, satellites, sync_gb=0.0):
    """Satellites of eight accelerators, first come first served; `queue` joins them by own links."""
    links = {"topology": "mesh", "rate_gbps": 800, "terminals": satellites}
    gang = GANG | {"sync_gb": sync_gb}
    classes = {"pretraining": {**JOB_CLASS, "gang": gang}, "finetuning": JOB_CLASS}
    return fleet(num_envs, satellites, dispatch__order="fcfs", workload__classes=classes, network__links=links)


def queue(sim, tables, joined=None):
    """Jobs by hand, and own links between all satellites, or between those of `joined` (S, S)."""
    put(sim, tables)
    n = sim.satellites
    joined = np.ones((n, n), bool) if joined is None else joined
    direct = np.where(joined, np.arange(n), -1)
    hops = np.where(joined, 1 - np.eye(n, dtype=int), -1)
    rewire(sim, next_hop=direct, hops=hops, expiry_step=np.where(joined, 10**6, 0))


def rows_of(arrival, duration, width, members):
    """A job table with gangs: a row for each member, and the first row of each job."""
    members = np.asarray(members)
    first = np.cumsum(members) - members
    jobs = np.repeat(table(arrival, duration, width, class_id=np.where(members > 1, GANGS, SINGLES)), members)
    for name in ("work_s", "estimate_s"):
        total = jobs[name][first] * members
        jobs[name] = 0.0
        jobs[name][first] = total
    jobs["total_accelerators"] = jobs["num_satellites"] = 0
    jobs["total_accelerators"][first], jobs["num_satellites"][first] = members * np.asarray(width), members
    return jobs, first


@pytest.fixture(scope="module")
def three():
    """Three satellites, which many tests use."""
    return machines(INSTANCES, 3)


def test_a_gang_is_promised_the_satellites_that_are_free_soonest_together():
    """Three are busy until 10, 20 and 12; a gang of two whole ones starts at 12, and what would delay it waits.

    Catches a promise of the first satellite alone, and one whose time is that of its soonest member.
    """
    sim = machines(1, 3)
    #       busy       gang  too long, too long, short
    arrival = [0, 0, 0, 1, 2, 3, 4]
    duration = [10, 20, 12, 30, 15, 15, 5]
    jobs, first = rows_of(arrival, duration, [6, 6, 6, 8, 2, 2, 2], [1, 1, 1, 2, 1, 1, 1])
    queue(sim, [jobs])
    play(sim, 3)
    run = sim.run[0]
    host = {d: int(run["host"][k]) for d, k in zip((10, 20, 12), first[:3], strict=True)}
    assert sim.scalars["reserved_row"][0] == first[3]
    reserved_from_s = sim.sat.reserved_from_s[0, :3]
    assert (
        reserved_from_s[host[10]] == reserved_from_s[host[12]] == 12 * STEP_S and reserved_from_s[host[20]] == UNBOUND_S
    )
    assert int(run["host"][first[4]]) == host[20]  # too long for the others
    play(sim, 60)
    start = starts(sim, 0, len(jobs))[first]
    assert start[3] == 12.0 and start[6] == 4.0
    assert start[5] >= 17.0  # room beside the gang there is none, and the third is full until 17


def test_a_gang_is_promised_only_satellites_that_own_links_join():
    """0 and 1 are joined, and 2 and 3; 0 and 2 would be free soonest. Catches a promise that cannot be kept."""
    joined = np.kron(np.eye(2, dtype=bool), np.ones((2, 2), bool))
    sim = machines(1, 4)
    jobs, first = rows_of([0] * 4 + [1], [5, 40, 8, 20, 10], [8] * 5, [1, 1, 1, 1, 2])
    queue(sim, [jobs], joined)
    play(sim, 1)
    hosts = sim.run["host"][0, first[:4]]
    ends = dict(zip(hosts.tolist(), [5, 40, 8, 20], strict=True))
    pair = min([(0, 1), (2, 3)], key=lambda pair: max(ends[s] for s in pair))
    expected = max(ends[s] for s in pair)
    play(sim, 1)
    assert tuple(np.flatnonzero(sim.sat.reserved[0, :4])) == pair
    assert (sim.sat.reserved_from_s[0, list(pair)] == expected * STEP_S).all()
    play(sim, 50)
    assert starts(sim, 0, len(jobs))[first[4]] == expected
    assert expected > max(sorted(ends.values())[:2])


@pytest.mark.parametrize(("sync_gb", "start"), [(0.0, 5), (1500.0, 30)])
def test_a_gang_is_backfilled_by_the_pace_at_which_it_would_go(sync_gb, start):
    """Ten minutes of compute; with 15 s of exchange for each 10 s, of which 5 s hide, twenty.

    A whole satellite is promised for 20. Catches an exchange that is forgotten: the gang would stay from 5 to 25.
    """
    sim = machines(1, 2, sync_gb)
    jobs, first = rows_of([0, 0, 1, 5], [20, 60, 10, 10], [6, 6, 8, 2], [1, 1, 1, 2])
    queue(sim, [jobs])
    play(sim, 70)
    found = starts(sim, 0, len(jobs))[first]
    assert found[2] == 20.0
    assert found[3] == start


def draw(rng, satellites):
    """Arrivals, run times, widths and members of a busy fleet, in whole steps."""
    arrival = np.sort(rng.integers(0, 20, JOBS))
    members = rng.choice([1, 1, 2, satellites], JOBS)
    return arrival, rng.integers(1, 13, JOBS), rng.choice([1, 2, 3, 4, 6, 8], JOBS), members


def test_gangs_start_by_the_time_first_promised(three):
    """Random queues, exact estimates. Catches backfill, of single jobs or of gangs, on any satellite of the promise."""
    rng = np.random.default_rng(6)
    cases = [rows_of(*draw(rng, 3)) for _ in range(INSTANCES)]
    queue(three, [jobs for jobs, _ in cases])
    promised = {}

    def watch(k):
        for row in np.flatnonzero(three.scalars["reserved_row"] >= 0):
            reserved_from_s = three.sat.reserved_from_s[row, :3].min()
            promised.setdefault((row, int(three.scalars["reserved_row"][row])), reserved_from_s)

    play(three, STEPS, watch)
    gangs = {(row, job): at for (row, job), at in promised.items() if cases[row][0]["num_satellites"][job] > 1}
    assert len(gangs) > INSTANCES and len(promised) > len(gangs)
    for (row, job), reserved_from_s in promised.items():
        assert three.run["started_s"][row, job] <= reserved_from_s, (row, job)
    later = [np.diff(starts(three, row, len(jobs))[first]).min() < 0 for row, (jobs, first) in enumerate(cases)]
    assert np.mean(later) > 0.5  # most queues have backfill


def test_no_gang_starts_later_because_of_jobs_that_came_after_it(three):
    """Each queue again without the jobs behind its last gang: that gang starts at the same time or later then.

    The whole promise of EASY holds for the blocked job; the last gang of a queue that was already blocked when they
    came is one. Catches backfill that the reservation of a gang does not see.
    """
    rng = np.random.default_rng(7)
    cases, cut, last = [], [], []
    for _ in range(INSTANCES):
        arrival, duration, width, members = draw(rng, 3)
        arrival[: JOBS // 2], arrival[JOBS // 2 :] = 0, np.sort(rng.integers(2, 20, JOBS - JOBS // 2))
        width[:2], members[:2], duration[:2] = 6, 1, rng.integers(8, 13, 2)  # two satellites are busy at first
        width[2], members[2] = 8, 2  # the gang
        width[3:], members[3 : JOBS // 2] = np.minimum(width[3:], 2), 1
        jobs, first = rows_of(arrival, duration, width, members)
        cases.append(jobs)
        cut.append(rows_of(arrival[: JOBS // 2], duration[: JOBS // 2], width[: JOBS // 2], members[: JOBS // 2])[0])
        last.append(first[2])
    found = []
    for tables in (cases, cut):
        queue(three, tables)
        play(three, STEPS)
        found.append(three.run["started_s"][np.arange(INSTANCES), last] / STEP_S)
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] > 5.0).all() and np.isfinite(found[0]).all()

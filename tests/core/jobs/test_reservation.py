"""The reservation of the blocked job, beside schedules on paper and by another program."""

import numpy as np
import pytest
from hand_queue import CHUNKS, JOB_CLASS, STEP_S, fleet, play, put, starts, table

INSTANCES, JOBS, STEPS = 48, 14, 240


def easy(arrival, duration, width, accelerators):
    """Starts under first come, first served with EASY backfilling on one machine, in whole steps.

    Written from the description in Mu'alem and Feitelson (2001), section 2.2, with exact estimates; knows nothing of
    the simulator.
    """
    queue, running, start, clock = [], {}, {}, 0
    while len(start) < len(arrival):
        running = {j: end for j, end in running.items() if end > clock}
        queue += [j for j in range(len(arrival)) if arrival[j] == clock]
        idle = accelerators - sum(width[j] for j in running)

        def begin(j):
            running[j] = clock + duration[j]  # noqa: B023
            start[j] = clock  # noqa: B023
            queue.remove(j)  # noqa: B023

        while queue and width[queue[0]] <= idle:
            idle -= width[queue[0]]
            begin(queue[0])
        if queue:
            ends, free, shadow = sorted((end, width[j]) for j, end in running.items()), idle, clock
            for end, freed in ends:
                if free >= width[queue[0]]:
                    break
                free, shadow = free + freed, end
            extra = idle + sum(freed for end, freed in ends if end <= shadow) - width[queue[0]]
            for j in list(queue[1:]):
                in_time = clock + duration[j] <= shadow
                if width[j] <= idle and (in_time or width[j] <= extra):
                    idle -= width[j]
                    extra -= 0 if in_time else width[j]
                    begin(j)
        clock += 1
    return np.array([start[j] for j in range(len(arrival))])


def draw(rng, accelerators):
    """Arrivals, run times and widths of a busy machine, in whole steps."""
    arrival = np.sort(rng.integers(0, 20, JOBS))
    return arrival, rng.integers(1, 13, JOBS), rng.choice([1, 1, 2, 3, 4, 6, accelerators], JOBS)


@pytest.fixture(scope="module")
def machines():
    """Many machines of eight accelerators, first come first served."""
    return fleet(INSTANCES, dispatch__order="fcfs")


def test_starts_are_those_of_easy_on_paper():
    """A hand-made case. Catches backfill past the shadow time, and a shadow time at the wrong end."""
    # 6 of 8 run until 10; the job of 8 is first in the queue; of the later ones only the short one may go before it
    expected = [0, 10, 1, 15, 9]
    assert easy([0, 1, 1, 2, 8], [10, 5, 8, 20, 1], [6, 8, 2, 2, 2], 8).tolist() == expected


def test_starts_are_those_of_easy_by_another_program(machines):
    """Random queues, exact estimates. Catches any backfill that EASY would not make, and any that it would."""
    rng = np.random.default_rng(1)
    cases = [draw(rng, 8) for _ in range(INSTANCES)]
    put(machines, [table(*case) for case in cases])
    play(machines, STEPS)
    backfilled = 0
    for row, case in enumerate(cases):
        expected = easy(*case, 8)
        np.testing.assert_array_equal(starts(machines, row, JOBS), expected, err_msg=str(case))
        backfilled += int((np.diff(expected) < 0).sum())
    assert backfilled > INSTANCES  # the cases are not all first come, first served


def test_no_backfilled_job_delays_the_blocked_one():
    """On three satellites, exact estimates: it starts by the time first promised. Catches leaks through any of them."""
    sim = fleet(INSTANCES, satellites=3, dispatch__order="fcfs")
    rng = np.random.default_rng(2)
    cases = [draw(rng, 8) for _ in range(INSTANCES)]
    put(sim, [table(*case) for case in cases])
    promised = {}

    def watch(k):
        for row in np.flatnonzero(sim.scalars["reserved_row"] >= 0):
            reserved_from_s = sim.sat.reserved_from_s[row, :3].min()
            promised.setdefault((row, int(sim.scalars["reserved_row"][row])), reserved_from_s)

    play(sim, STEPS, watch)
    assert len(promised) > INSTANCES
    for (row, job), reserved_from_s in promised.items():
        assert sim.run["started_s"][row, job] <= reserved_from_s, (row, job)


@pytest.mark.parametrize("reservation", ["easy", "none"])
def test_a_wide_job_without_a_deadline_starts_only_with_a_reservation(reservation):
    """Narrow jobs at 1.2 times what the fleet can do, estimates wrong by half. Catches starvation.

    The bound: the jobs that came before it start first; then the promise holds but for wrong estimates, so the wait
    from there is at most two run times of the longest job, one that runs and one that was backfilled.
    """
    sim = fleet(4, satellites=3, hours=24.0, dispatch__reservation=reservation)
    rng = np.random.default_rng(3)
    longest, wide, count = 60, 200, 1500
    tables = []
    for _ in range(sim.num_envs):
        duration = np.minimum(np.maximum(rng.lognormal(np.log(15.0), 0.8, count), 1.0), longest).round()
        width = rng.choice([1, 2], count)
        arrival = np.cumsum(duration * width / 24.0 / 1.2).astype(int)
        duration[wide], width[wide] = 30.0, 8
        error = np.exp(rng.normal(-0.125, 0.5, count))
        tables.append(table(arrival, duration, width, duration * error, slack=5000))
    put(sim, tables)
    first = np.full(sim.num_envs, np.inf)

    def watch(k):
        leads = sim.scalars["reserved_row"] == wide
        first[leads] = np.minimum(first[leads], k)

    play(sim, 1440, watch)
    start = sim.run["started_s"][:, wide] / STEP_S
    if reservation == "none":
        assert (start == np.inf).all()
        return
    assert (start - first <= 2 * longest).all()
    before = np.array([starts(sim, row, wide).max() for row in range(sim.num_envs)])
    assert (first <= before + 1).all()  # it leads the queue once all that came before it run
    assert (sim.sat.free[:, :3].sum(1) <= 2).all()  # and the fleet was full all the while


def test_batch_yields_only_on_the_reserved_satellite():
    """Two satellites full of batch, and a job as wide as one of them: catches yields that help nobody."""
    classes = {"finetuning": JOB_CLASS, "batch": {**JOB_CLASS, "value": 0.5, "progress": CHUNKS}}
    sim = fleet(1, satellites=2, workload__classes=classes)
    arrival = [0] * 8 + [5]
    put(sim, [table(arrival, [60] * 8 + [10], [2] * 8 + [8], class_id=[1] * 8 + [0])])
    play(sim, 16)
    assert starts(sim, 0, 9)[8] == 10  # at the first edge of the chunks
    assert sim.mutable.ledger[0, :, 1].max() > 0
    left = sim.run["checkpointed_s"][0, :8] / sim.jobs["width"][0, :8] / STEP_S
    assert sorted(left) == [10] * 8
    assert (sim.run["host"][0, :8] >= 0).sum() == 4

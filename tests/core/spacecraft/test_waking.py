"""Gating and waking up of accelerators, against times and powers worked by hand."""

import numpy as np
import pytest

from odc_gym.simulator.simulator import Simulator

FINETUNING, BATCH = 0, 1
HOST_W, IDLE_W, GATED_W = 600.0, 75.0, 10.0
STEP_S, GB_S, LATENCY_S, START_S = 60.0, 12.5, 0.05, 60.0
DATA_S = {FINETUNING: 20.0 / GB_S, BATCH: 10.0 / GB_S}


@pytest.fixture(scope="module")
def lonely(starter12):
    """One satellite without work, decided for every minute: after the warm-up all of its accelerators are gated."""
    orbit = {"shells.0.orbit.total": 1, "shells.0.orbit.planes": 1, "shells.0.orbit.phasing": 0}
    return starter12.replace({**orbit, "workload.rate_scale": 0.0, "episode.decision_period_s": 60, "episode.hours": 2})


def fresh(sim, row):
    """An unused row of the job table for a job on one satellite, whose data is on the ground."""
    job, run = sim.jobs[0][row : row + 1], sim.run[0][row : row + 1]
    job["num_satellites"], job["origin"], job["price"] = 1, -1, 1.0
    run["host"] = run["input_at"] = run["state_at"] = -1
    return job


def fly(scenario, jobs, minutes):
    """Give a satellite jobs (kind, width, arrival minute, minutes at full clock); rows of what happened.

    Returns shares of each minute that each job ran (minutes, jobs), awake accelerators and power (minutes,).
    """
    sim = Simulator(scenario, 1)
    sim.reset([20_000])
    assert sim.scalars["next_job"][0] + len(jobs) <= sim.jobs.shape[1]
    rows = sim.scalars["next_job"][0] + np.arange(len(jobs))
    for row, (kind, width, arrival, length) in zip(rows, jobs, strict=True):
        job = fresh(sim, row)
        job["class_id"], job["arrival_s"] = kind, STEP_S * arrival
        job["width"] = job["total_accelerators"] = width
        job["work_s"] = job["estimate_s"] = job["duration_s"] = STEP_S * length * width
        job["deadline_s"], job["expiry_s"] = 1e6, 2e6
    active, awake, power = [], [], []
    for _ in range(minutes):
        sim.step(np.zeros((1, sim.action_size)))
        active.append(sim.run["active"][0, rows])
        awake.append(sim.sat.awake[0, 0])
        power.append(sim.sat.power_w[0, 0])
    return np.array(active), np.array(awake), np.array(power)


def test_a_job_waits_for_gated_accelerators_which_draw_idle_power(lonely):
    """Finetuning starts in 60 s, and 20 s later where it must wake its accelerators."""
    jobs = [(FINETUNING, 4, 1, 60.0)]
    for wake_s in (0.0, 20.0):
        active, awake, power = fly(lonely.replace({"hardware.odcsat.accelerators.wake_s": wake_s}), jobs, 4)
        assert awake.tolist() == [0, 4, 4, 4]
        begun = DATA_S[FINETUNING] + LATENCY_S + START_S + wake_s
        assert active[:, 0] == pytest.approx([0.0, 0.0, 2.0 - begun / STEP_S, 1.0])
        assert power[:2] == pytest.approx([HOST_W + 8 * GATED_W, HOST_W + 4 * IDLE_W + 4 * GATED_W])
        assert power[3] > power[2] > power[1] + 100.0


def test_only_jobs_that_need_gated_accelerators_wait(lonely):
    """Four awake ones stay when the first job ends: they serve the next at once, just enough, the one after that waits.

    Catches a delay for every job, and one that forgets what a job before it in the same minute has taken.
    """
    jobs = [(FINETUNING, 4, 0, 3.0), (BATCH, 2, 2, 60.0), (BATCH, 4, 8, 60.0), (BATCH, 2, 8, 60.0)]
    active, awake, _ = fly(lonely, jobs, 10)
    late, early = (1.0 - (DATA_S[BATCH] + LATENCY_S + wake_s) / STEP_S for wake_s in (20.0, 0.0))
    assert active[2, 1] == pytest.approx(late)
    assert active[7, 0] == 0.0 and active[1, 0] > 0.5  # the first has ended
    assert awake.tolist() == [4, 4, 6, 6, 6, 6, 6, 6, 8, 8]
    shared = 1.0 - (2.0 * DATA_S[BATCH] + LATENCY_S) / STEP_S  # two transfers share the link
    assert active[8, 2] == pytest.approx(shared)
    assert active[8, 3] == pytest.approx(shared - 20.0 / STEP_S)
    assert early > late


def test_accelerators_are_gated_after_five_minutes_without_a_full_house(lonely):
    """Five steps after the job that ended first; those that work stay awake: catches another unit."""
    jobs = [(BATCH, 4, 0, 2.0), (BATCH, 2, 0, 60.0)]
    active, awake, power = fly(lonely, jobs, 12)
    ended = int(np.flatnonzero(active[:, 0])[-1]) + 1  # the minute at whose end it left
    assert ended <= 4
    assert (awake[: ended + 5] == 6).all() and (awake[ended + 5 :] == 2).all()
    assert power[ended + 4] - power[ended + 5] == pytest.approx(4 * (IDLE_W - GATED_W), abs=1.0)
    sooner = fly(lonely.replace({"hardware.odcsat.accelerators.gate_after_s": 120.0}), jobs, 12)[1]
    assert (sooner[: ended + 2] == 6).all() and (sooner[ended + 2 :] == 2).all()


def test_a_job_that_wakes_accelerators_must_pay_in_time(lonely):
    """Ten minutes of work, worthless 11 minutes from now: there is time to start, but not to wake up first."""
    for wake_s, placed in ((0.0, 1), (90.0, 0)):
        scenario = lonely.replace({"hardware.odcsat.accelerators.wake_s": wake_s})
        sim = Simulator(scenario, 1)
        sim.reset([20_000])
        row = sim.scalars["next_job"][0]
        job = fresh(sim, row)
        job["class_id"], job["arrival_s"] = BATCH, 0.0
        job["width"] = job["total_accelerators"] = 1
        job["work_s"] = job["estimate_s"] = job["duration_s"] = 600.0
        job["deadline_s"], job["expiry_s"] = 600.0, 660.0
        actions = np.zeros((1, sim.action_size))
        sim.view.layout.clocks(actions)[:] = 1.0
        sim.step(actions)
        assert sim.scalars["running"][0] == placed

"""Fleets with ample power, cooling and links, and with job tables written by hand, so that only the queue decides.

Run times are whole physics steps. Estimates are exact unless a test states others. Schedules can thus be derived by
hand.
"""

import numpy as np

from odc_gym.scenario import TIERS, JobClass, Scenario
from odc_gym.simulator.simulator import Simulator
from odc_gym.workload import JOB

STEP_S = 60.0
JOB_CLASS = {
    "kind": "job",
    "utilisation": 0.5,
    "clock_sensitivity": 1.0,
    "value": 1.0,
    "jobs_per_h": 0.0,
    "width": {1: 1.0},
    "duration_h": {"median": 1.0, "sigma": 0.0, "cut": 1.0},
    "slack": {"low": 1.0, "high": 1.0, "of": "hour"},
    "progress": {"kind": "checkpoint", "every_min": 6000.0, "stall_s": 0.0, "state_gb": 0.0},
}
CHUNKS = {"kind": "chunk", "every_min": 10.0}
PLENTY = {
    "hardware.odcsat.solar.area_m2": 400.0,
    "hardware.odcsat.battery.capacity_wh": 100_000.0,
    "hardware.odcsat.radiator.area_m2": 60.0,
    "hardware.odcsat.accelerators.wake_s": 0.0,
    "network.backbone": {"rate_gbps": 1e6, "latency_s": 0.0},
    "faults.enabled": False,
}


def fleet(num_envs: int, satellites: int = 1, accelerators: int = 8, hours: float = 6.0, **changes) -> Simulator:
    """Return a simulator of satellites that never lack power; names in `changes` are paths with `__` for dots."""
    starter = Scenario.load("starter12")
    classes = changes.pop("workload__classes", {"finetuning": JOB_CLASS})
    own = {name: JobClass.model_validate(fields) for name, fields in classes.items()}
    paths = {
        "shells.0.orbit.total": satellites,
        "shells.0.orbit.planes": 1,
        "shells.0.orbit.phasing": 0,
        "hardware.odcsat.accelerators.count": accelerators,
        "episode.hours": hours,
        "episode.decision_period_s": STEP_S,
        "workload.classes": dict.fromkeys(starter.workload.classes) | own,
        **PLENTY,
        **{name.replace("__", "."): value for name, value in changes.items()},
    }
    return Simulator(starter.replace(paths), num_envs)


def table(arrival, duration, width, estimate=None, slack=1000, **columns) -> np.ndarray:
    """Return a job table, given times in physics steps; estimates equal the run times if none are given."""
    arrival, duration, width = (np.asarray(v, float) for v in (arrival, duration, width))
    jobs = np.zeros(arrival.size, JOB)
    jobs["arrival_s"], jobs["duration_s"] = arrival * STEP_S, duration * STEP_S
    jobs["deadline_s"] = jobs["arrival_s"] + np.asarray(slack, float) * STEP_S
    jobs["expiry_s"] = 2.0 * jobs["deadline_s"] - jobs["arrival_s"]
    jobs["width"] = jobs["total_accelerators"] = width
    jobs["num_satellites"], jobs["price"], jobs["tier"] = 1, 1.0, TIERS.index("standard")
    jobs["work_s"] = jobs["duration_s"] * width
    jobs["estimate_s"] = jobs["work_s"] if estimate is None else np.asarray(estimate, float) * STEP_S * width
    for name, values in columns.items():
        jobs[name] = values
    return jobs


def put(sim: Simulator, tables: list[np.ndarray]) -> None:
    """Begin an episode in each row with the row's own job table and without running jobs."""
    sim.reset(np.arange(sim.num_envs))
    assert (sim.scalars["running"] == 0).all()
    sim._grow(max(len(jobs) for jobs in tables))
    never = np.zeros((), sim.run.dtype)
    never["host"], never["started_s"], never["finished_s"] = -1, np.inf, np.inf
    sim.run[:] = never
    sim.scalars["next_job"] = 0
    for row, jobs in enumerate(tables):
        sim.jobs[row, : len(jobs)] = jobs


def play(sim: Simulator, steps: int, watch=None) -> None:
    """Play the zero action, and call `watch(k)` after each step."""
    for k in range(steps):
        sim.step(np.zeros((sim.num_envs, sim.action_size)))
        if watch is not None:
            watch(k)


def starts(sim: Simulator, row: int, count: int) -> np.ndarray:
    """Return the first starts of jobs in physics steps, (J,); inf for jobs that have not started."""
    return np.asarray(sim.run["started_s"][row, :count] / STEP_S)

"""Captured jobs of an episode: jobs that arise from what satellites see."""

from __future__ import annotations

import numpy as np

from odc_gym.constants import HOUR_S
from odc_gym.orbits import Ephemeris, build_ephemeris
from odc_gym.scenario import JobClass
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.workload.captures import Captured, capture_rates, draw_captures

COARSE_S, COARSE_STEPS = 120.0, 720  # one day: the Earth turns once below the orbits


def rates_of_captures(fleet: FleetModel, ephemeris: Ephemeris) -> dict[str, np.ndarray]:
    """Return the capture rates of each class with captures over warm-up and episode, (T, S), by class.

    The unit is that of `workload.captures.capture_rates`.
    """
    return {
        name: capture_rates(job_class.captures, ephemeris)[: fleet.clock.total]
        for name, job_class in fleet.scenario.workload.classes.items()
        if isinstance(job_class, JobClass) and job_class.captures is not None
    }


def captured_jobs(fleet: FleetModel, seed: int, rates: dict[str, np.ndarray]) -> dict[str, Captured]:
    """Return the arrivals of classes with captures from the start of the warm-up, by class.

    All satellites together receive `jobs_per_h` jobs of a class, averaged over the year. Time and place of each job
    depend on what the satellites see.

    Args:
        fleet: fleet of the episode.
        seed: seed of the episode.
        rates: result of `rates_of_captures`.
    """
    clock, workload, arrivals = fleet.clock, fleet.scenario.workload, {}
    for name, rate in rates.items():
        job_class = workload.classes[name]
        assert isinstance(job_class, JobClass)
        jobs_per_s = job_class.jobs_per_h * workload.rate_scale / HOUR_S / mean_year_views(fleet, name)
        arrivals[name] = draw_captures(name, seed, jobs_per_s * rate, clock.dt_s, clock.warm_up_s)
    return arrivals


def mean_year_views(fleet: FleetModel, name: str) -> float:
    """Return the mean over the year of the views of a class, summed over the satellites.

    The unit is that of `workload.captures.capture_rates`.
    """
    if name not in fleet.mean_views:
        job_class = fleet.scenario.workload.classes[name]
        assert isinstance(job_class, JobClass) and job_class.captures is not None
        days = (
            build_ephemeris(fleet.constellation, start=start, step_s=COARSE_S, steps=COARSE_STEPS)
            for start in fleet.year_starts()
        )
        fleet.mean_views[name] = float(np.mean([capture_rates(job_class.captures, day).sum(1).mean() for day in days]))
    return fleet.mean_views[name]

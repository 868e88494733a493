"""Jobs that the satellites of a scenario find themselves, in an episode."""

from __future__ import annotations

import numpy as np

from odc_gym.constants import HOUR_S
from odc_gym.orbits import Ephemeris, build_ephemeris
from odc_gym.scenario import JobClass
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.workload.captures import Captured, capture_rates, draw_captures

COARSE_S, COARSE_STEPS = 120.0, 720  # a day, which is a turn of the Earth below the orbits


def captured_jobs(fleet: FleetModel, seed: int, e: Ephemeris) -> dict[str, Captured]:
    """Arrivals of the classes whose jobs satellites find, from the start of the warm-up on, by class.

    A class offers `jobs_per_h` over the year, all satellites together; when and where depends on what they see.
    """
    clock, workload, found = fleet.clock, fleet.scenario.workload, {}
    for name, c in workload.classes.items():
        if isinstance(c, JobClass) and c.captures is not None:
            jobs_per_s = c.jobs_per_h * workload.rate_scale / HOUR_S / year_views(fleet, name)
            rate = jobs_per_s * capture_rates(c.captures, e)[: clock.total]
            found[name] = draw_captures(name, seed, rate, clock.dt_s, clock.warm_up_s)
    return found


def year_views(fleet: FleetModel, name: str) -> float:
    """Mean over the year of what all satellites together see for a class, in the unit of `captures.capture_rates`."""
    if name not in fleet.views:
        c = fleet.scenario.workload.classes[name]
        assert isinstance(c, JobClass) and c.captures is not None
        days = (
            build_ephemeris(fleet.constellation, start=start, step_s=COARSE_S, steps=COARSE_STEPS)
            for start in fleet.year()
        )
        fleet.views[name] = float(np.mean([capture_rates(c.captures, day).sum(1).mean() for day in days]))
    return fleet.views[name]

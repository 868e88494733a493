"""Faults: tables of radiation upsets, hardware failures and outages, drawn for each episode.

Every draw depends on the seed of the episode and on a stream of its own, so equal seeds give equal tables:

    >>> import numpy as np
    >>> from odc_gym.faults import draw_availability
    >>> from odc_gym.scenario import Scenario
    >>> script = [{"at": "06:00", "what": "satellite-loss", "plane": 2}]
    >>> scenario = Scenario.load("starter12").replace({"events": script})
    >>> start_s = np.arange(0.0, 86400.0, 60.0)
    >>> availability = draw_availability(scenario, seed=0, satellites=12, at_s=start_s)
    >>> availability.satellite_up.sum(axis=1)[[0, -1]].tolist()
    [12, 8]
"""

from odc_gym.faults.faults import Condition, GroundTrack, draw_condition, draw_events, expected_upsets
from odc_gym.faults.outages import Availability, draw_availability

__all__ = [
    "Availability",
    "Condition",
    "GroundTrack",
    "draw_availability",
    "draw_condition",
    "draw_events",
    "expected_upsets",
]

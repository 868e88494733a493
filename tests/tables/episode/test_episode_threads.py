import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from odc_gym.scenario import Scenario
from odc_gym.tables.episode.tables import build_episode
from odc_gym.tables.fleet.fleet_model import FleetModel

THREADS, SEEDS = 2, (1, 20_000)


def arrays_of(episode):
    tables = (episode.sky, episode.forecast, episode.days, episode.jobs, episode.events, episode.demand, episode.census)
    return [*tables, *episode.availability, *episode.links, episode.fleet.design, episode.fleet.rules]


@pytest.mark.parametrize("name", ["starter12-randomised", "storm", "edge-earth"])
def test_threads_build_the_same_episodes_at_once(name):
    """Catches: tables, caches or generators that builds of one fleet share and change."""
    scenario = Scenario.load(name).replace({"episode.hours": 4})
    fleet, interval = FleetModel(scenario), sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(lambda seed: build_episode(fleet, seed), SEEDS * 2))
    finally:
        sys.setswitchinterval(interval)
    alone = FleetModel(scenario)
    for seed, episode in zip(SEEDS * 2, found, strict=True):
        for ours, theirs in zip(arrays_of(build_episode(alone, seed)), arrays_of(episode), strict=True):
            assert np.array_equal(ours, theirs)

"""Tables of one episode, computed from its seed: sunlight, jobs, demand, faults and network.

`build_episode` returns them as `EpisodeTables`. The same seed gives the same bits in any process and batch.

Example:
    >>> from odc_gym.scenario import Scenario
    >>> from odc_gym.tables.episode.tables import build_episode
    >>> from odc_gym.tables.fleet.fleet_model import FleetModel
    >>> tables = build_episode(FleetModel(Scenario.load("starter12")), seed=20000)
    >>> f"{tables.start:%Y-%m-%d %H:%M}, {len(tables.jobs)} jobs, load factor {tables.load_factor:.2f}"
    '2027-06-07 11:20, 835 jobs, load factor 1.16'
"""

"""Tables that are computed before an episode and hold everything that the agent cannot change.

`tables.fleet` builds what all episodes of a scenario share, and `tables.episode` builds the tables of one episode from
its seed. The compiled core reads both.

Example:
    >>> from odc_gym.scenario import Scenario
    >>> from odc_gym.tables.episode.tables import build_episode
    >>> from odc_gym.tables.fleet.fleet_model import FleetModel
    >>> fleet = FleetModel(Scenario.load("starter12"))
    >>> tables = build_episode(fleet, seed=20000)
    >>> tables.sky.shape  # physics steps, fields, lanes of satellites
    (1540, 5, 16)
"""

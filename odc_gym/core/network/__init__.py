"""Network between physics steps: routes, transfer rates, stored data and execution rates.

The routines of this folder read the network tables of an episode, `core.layout.network.Links`, through the bundle of
one environment. A reader starts with `routes.trace_route`, which writes the route between two nodes to a work space.
The functions after it derive rates and loads from this route. `storage` states where models, inputs and checkpoints are
stored. `execution_rate` combines clocks and links into the work that a job does per second. Node `env.num_satellites`
is the ground side. The example follows the tables of next hops from satellite 0 to satellite 7:

    >>> from odc_gym.scenario import Scenario
    >>> from odc_gym.tables.episode.tables import build_episode
    >>> from odc_gym.tables.fleet.fleet_model import FleetModel
    >>> links = build_episode(FleetModel(Scenario.load("own-links")), seed=20_000).links
    >>> route = [0]
    >>> while route[-1] != 7:
    ...     route.append(int(links.next_hop[links.epoch[0], route[-1], 7]))
    >>> route
    [0, 8, 7]
"""

"""Network between physics steps: routes, transfer rates, stored data and execution rates.

The routines of this folder read the network tables of an episode, `core.layout.network.Links`, through the bundle of
one environment. A reader starts with `routes.trace_route`, which writes the route between two nodes to a work space.
The functions after it derive rates and loads from this route. `storage` states where models, inputs and checkpoints are
stored. `execution_rate` combines clocks and links into the work that a job does per second. Node `env.num_satellites`
is the ground side. A compiled routine reads the rate of one more transfer from satellite 0 to the ground:

    rate_gb_s = shared_rate_gb_s(env, 0, env.num_satellites, tick)
"""

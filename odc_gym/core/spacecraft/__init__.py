"""Satellites in one physics step: power, heat, battery, clocks and outages.

Start with `step`, the sequence of physical effects. `clock_requests` turns the agent's requests into clocks, and
`governor` limits the clocks to the allowed power. `outages` stops satellites that are out of service, and
`array_temperature` computes a table before the episode. The scalar equations are in `odc_gym.physics`:

    >>> from odc_gym.core.spacecraft.step import Flows
    >>> Flows._fields[:4]
    ('sun', 'load', 'into', 'out')
"""

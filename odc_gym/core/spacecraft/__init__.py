"""Satellites in one physics step: power, heat, battery, clocks and outages.

Start with `step`, the sequence of physical effects. `clock_requests` turns the agent's requests into clocks, and
`governor` limits the clocks to the allowed power. `outages` stops satellites that are out of service, and
`array_temperature` computes a table before the episode. The scalar equations are in `odc_gym.physics`:

    >>> from odc_gym.constants import STEFAN_BOLTZMANN_W_M2_K4
    >>> from odc_gym.core.spacecraft.step import radiated_j
    >>> round(radiated_j(2.0 * STEFAN_BOLTZMANN_W_M2_K4, 300.0, 300.0, 300.0, dt_s=60.0))  # 2 m2 at 300 K in a minute
    55116
"""

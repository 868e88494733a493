"""Physics of one satellite: scalar functions, in one file for each subsystem.

The functions keep no state, take no arrays and raise no exceptions. They are compiled into the loop over satellites. A
branch is therefore `a if c else b` on scalars, and a power is a product or a square root. The exponential is the
polynomial of `mathematics`. The functions can be called from Python as well:

    >>> from odc_gym.physics.compute import speed_frac
    >>> speed_frac(0.5, 1.0)
    0.5
"""

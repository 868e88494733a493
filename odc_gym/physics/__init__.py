"""Physics of one satellite: scalar functions, one file a subsystem. No state, no arrays, no exceptions.

They are compiled into the loop over satellites, so a branch is `a if c else b` on scalars, a power is a product or a
square root, and the exponential is the polynomial of `mathematics`.
"""

"""Agent interface: actions, observations and rewards, each described by a table of named rows.

A row gives the name, the encoding and the meaning of one kind of entry; `docs/environment.md` is generated from the
tables. `actions` decodes the mode `bids`, `dials` the mode `dials`, and `assignment` the mode `assign`.
`measurements`, `sensing` and `jobs` measure the features in SI units, and `observations` encodes them. `rewards`
computes the reward terms. An `ActionLayout` gives writable views of the parts of a flat action:

    >>> from odc_gym.interface.actions import ActionLayout
    >>> layout = ActionLayout(satellites=12, classes=3)
    >>> action = layout.zeros(num_envs=1)
    >>> layout.clocks(action)[:] = 1.0  # full clock on every satellite
    >>> action.shape
    (1, 54)
"""

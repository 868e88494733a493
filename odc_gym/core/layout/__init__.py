"""Layout of the compiled core's arrays: the name, unit and shape of every field.

Start with `state` for satellites, and `work` for classes, services and jobs. `batch` lists the arrays of a batch, and
`environment` bundles those of one environment for the routines of the core. `network` and `serving_grid` describe
tables, and `rows` gives names to the rows of a block:

    >>> from odc_gym.core.layout.state import padded
    >>> padded(12)
    16
"""

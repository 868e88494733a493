"""Inference services: replica pools, the requests that they serve, and their service-level objectives (SLOs).

Start with `services`, which serves the requests of a physics step. `slo_model` computes load, queue and SLO attainment
of a replica pool, and `replicas` is the autoscaler. The model looks up tables on the grid of `layout.serving_grid`:

    >>> import numpy as np
    >>> from odc_gym.core.serving.slo_model import locate_in_knots
    >>> knot, position = locate_in_knots(np.array([0.0, 1.0, 3.0]), 2.0)
    >>> knot, float(position)
    (1, 0.5)
"""

"""Inference services: replica pools, the requests that they serve, and their service-level objectives (SLOs).

Start with `services`, which serves the requests of a physics step. `slo_model` computes load, queue and SLO attainment
of a replica pool, and `replicas` is the autoscaler. The model looks up tables on the grid of `layout.serving_grid`:

    >>> from odc_gym.core.serving.slo_model import MAX_LOAD
    >>> MAX_LOAD
    0.99
"""

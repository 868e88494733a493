"""Records of the tables of an episode: jobs and events."""

import numpy as np

JOB = np.dtype(
    [
        ("arrival_s", "f8"),  # seconds from the start of the episode; negative before it
        ("deadline_s", "f8"),  # full payment until here
        ("expiry_s", "f8"),  # no payment from here on: deadline + (deadline - arrival)
        ("work_s", "f8"),  # true work, reference-accelerator-seconds: duration x width
        ("estimate_s", "f8"),  # estimate of the work that schedulers see, reference-accelerator-seconds
        ("duration_s", "f8"),  # run time at full clock on its width
        ("price", "f8"),  # value of its work over that of its class
        ("class_id", "i4"),  # index in Scenario.class_names
        ("width", "i4"),  # accelerators on one satellite
        ("num_satellites", "i4"),  # satellites of the job; 0: a further row of the gang before it
        ("total_accelerators", "i4"),  # accelerators on all its satellites
        ("origin", "i4"),  # satellite that holds its data, -1: the ground
        ("model", "i4"),  # row of the table of models, 0: no model
        ("tenant", "i4"),  # index in Workload.tenants, -1 of a replica
        ("tier", "i2"),  # index in TIERS
        ("outcome", "i2"),  # an Outcome, hidden from schedulers; work_s of a job that ends early is the work until then
    ],
    align=True,
)
"""Columns of a job table; one row is one job, or one further satellite of a gang."""

EVENT = np.dtype([("tick", "i4"), ("satellite", "i4"), ("accelerator", "i4"), ("hard", "i4")])
"""One event: physics step from the start of the warm-up, satellite, accelerator, and 1 for a hard failure or 0."""

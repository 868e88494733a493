"""Rig of a cluster of four satellites that only run pretraining gangs."""

import numpy as np
from fields import replace_arrays
from networks import neighbours_of

PRETRAINING = {
    "kind": "job",
    "utilisation": 0.95,
    "clock_sensitivity": 1.0,
    "value": 1.0,
    "jobs_per_h": 0.25,
    "width": {4: 0.5, 8: 0.5},
    "gang": {"satellites": {2: 0.5, 3: 0.5}, "sync_gb": 10.0, "iteration_s": 10.0, "overlap": 0.5},
    "duration_h": {"median": 1.0, "sigma": 0.5, "cut": 4.0},
    "slack": {"low": 4, "high": 10, "of": "duration"},
    "hold_back": 0.5,
    "progress": {"kind": "checkpoint", "every_min": 20, "stall_s": 20, "state_gb": 112},
    "init_s": 60,
    "data_in_gb": 20,
}
ORBIT = {"pattern": "cluster", "altitude_km": 650, "local_time_h": 18, "total": 4}


def cluster(starter12, **gang):
    """Return a scenario of four satellites of `starter12` in a cluster with own links, for pretraining only."""
    pretraining = PRETRAINING | {"gang": PRETRAINING["gang"] | gang}
    return starter12.replace(
        {
            "shells": [{"hardware": "odcsat", "orbit": ORBIT}],
            "network.links": {"topology": "mesh", "rate_gbps": 800, "terminals": 4},
            "workload.classes": {"pretraining": pretraining, "finetuning": None, "batch": None, "interactive": None},
            "faults.enabled": False,
        }
    )


def play(sim, seed=20_000, action=None):
    """Play an episode, and yield the simulator before each decision."""
    sim.reset([seed])
    action = np.zeros((1, sim.action_size)) if action is None else action
    while not sim.truncated.all():
        yield sim
        sim.step(action)


def gangs(sim, status):
    """Return the first rows of the gangs with a status."""
    jobs, run = sim.jobs[0], sim.run[0]
    return np.flatnonzero((jobs["num_satellites"] > 1) & (run["status"] == status) & (run["host"] >= -1))


def hosts_of(sim, row):
    """Return the satellites of the gang whose first row is `row`."""
    return sim.run[0]["host"][row : row + sim.jobs[0]["num_satellites"][row]]


def rewire(sim, **tables):
    """Replace network tables of pairs of satellites, (S, S) each. Satellites that are one hop apart get a link."""
    arrays = sim.tables.links
    new = {k: np.broadcast_to(v, getattr(arrays, k).shape).astype(getattr(arrays, k).dtype) for k, v in tables.items()}
    if "hops" in tables:
        new["neighbours"] = np.full_like(arrays.neighbours, -1)
        beside = neighbours_of(new["hops"])
        new["neighbours"][..., : beside.shape[-1]] = beside[..., : arrays.neighbours.shape[-1]]
    replace_arrays(sim, links=arrays._replace(**new))

"""What lies where: models in the storage of satellites, inputs and checkpoints, and what a placement must bring.

Scalar code between physics steps. Model 0 is none: it has no size, and lies nowhere.
"""

import numpy as np

from odc_gym._jit import routine
from odc_gym.constants import GROUND
from odc_gym.core.layout.state import LOST, D, X
from odc_gym.core.layout.work import INPUT, STATE, WEIGHTS, G


@routine
def node_of(e, at):
    """Node of the network that a satellite, or `GROUND` in its place, is."""
    return e.satellites if at == GROUND else at


@routine
def state_at(e, row, first):
    """Satellite on which the checkpoint of a row lies; of one that has unsaved work, its host, which would write it.

    What a lost satellite held is on the ground as well: work that was paid as safe is safe.
    """
    r = e.run[row]
    at = r["host"] if e.run[first]["unsaved_s"] > 0.0 else r["state_at"]
    return GROUND if at != GROUND and e.x[X.out, at] >= LOST else at


@routine
def source_of(e, row, first, part):
    """Node from which a part of the cargo of a row comes."""
    if part == STATE:
        return node_of(e, state_at(e, row, first))
    return node_of(e, e.jobs[first]["origin"] if part == INPUT else GROUND)


@routine
def part_gb(e, row, first, s, part):
    """What a placement must bring of one part of the cargo [GB]: nothing of what lies on the satellite already.

    Args:
        e: the environment.
        row: row of the job table.
        first: the first row of its gang, or itself; it keeps the work of all. Each member brings its share.
        s: satellite.
        part: index into `CARGO`.
    """
    job, r = e.jobs[first], e.run[first]
    if part == WEIGHTS:
        return 0.0 if e.resident[job["model"], s] > 0.0 else e.models[job["model"]]
    if part == INPUT:
        here = e.run[row]["input_at"] == s or job["origin"] == s
        return 0.0 if here else e.rules[G.data_gb, job["class_id"]] / job["num_satellites"]
    begun = r["safe_s"] + r["unsaved_s"] > 0.0
    return (
        e.rules[G.state_gb, job["class_id"]] / job["num_satellites"] if begun and state_at(e, row, first) != s else 0.0
    )


@routine
def use_model(e, model, s):
    """Note that a model which lies on a satellite is used now."""
    if e.resident[model, s] > 0.0:
        e.resident[model, s] = e.head[0]["tick"] + 1.0


@routine
def keep_model(e, model, s):
    """A model that has arrived stays; where storage is full, those that were not used for longest leave for it.

    Models in use stay. One that does not fit beside them is gone with its job.
    """
    if model == 0 or e.resident[model, s] > 0.0:
        return
    room = e.p[D.storage_gb, s] - e.models[model]
    for other in range(1, e.models.shape[0]):
        room -= e.models[other] if e.resident[other, s] > 0.0 else 0.0
    while room < 0.0:
        oldest = least_recent(e, s)
        if oldest == 0:
            return
        e.resident[oldest, s] = 0.0
        room += e.models[oldest]
    e.resident[model, s] = e.head[0]["tick"] + 1.0


@routine
def least_recent(e, s):
    """The model on a satellite that no job there uses and that was not used for longest; 0 if there is none."""
    found, since = 0, np.inf
    for model in range(1, e.models.shape[0]):
        used = e.resident[model, s]
        if 0.0 < used < since and not in_use(e, model, s):
            found, since = model, used
    return found


@routine
def in_use(e, model, s):
    """Whether a running job on a satellite has a model."""
    for k in range(e.head[0]["running"]):
        first = e.lists[1, k]
        if e.jobs[first]["model"] == model:
            for row in range(first, first + e.jobs[first]["num_satellites"]):
                if e.run[row]["host"] == s:
                    return True
    return False

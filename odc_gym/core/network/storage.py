"""What lies where: models in the storage of satellites, inputs and checkpoints, and what a placement must bring.

Scalar code between physics steps. Model 0 is none: it has no size, and lies nowhere.
"""

from __future__ import annotations

import numpy as np

from odc_gym._jit import routine
from odc_gym.constants import GROUND
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import LOST
from odc_gym.core.layout.work import INPUT, STATE, WEIGHTS


@routine
def node_of(env: Environment, at: int) -> int:
    """Node of the network that a satellite, or `GROUND` in its place, is."""
    return env.num_satellites if at == GROUND else at


@routine
def state_at(env: Environment, row: int, first: int) -> int:
    """Satellite on which the checkpoint of a row lies; of one that has unsaved work, its host, which would write it.

    What a lost satellite held is on the ground as well: work that was paid as safe is safe.
    """
    run = env.run[row]
    at = run["host"] if env.run[first]["uncheckpointed_s"] > 0.0 else run["state_at"]
    return GROUND if at != GROUND and env.sat.out[at] >= LOST else at


@routine
def source_of(env: Environment, row: int, first: int, item: int) -> int:
    """Node from which a part of the cargo of a row comes."""
    if item == STATE:
        return node_of(env, state_at(env, row, first))
    return node_of(env, env.jobs[first]["origin"] if item == INPUT else GROUND)


@routine
def item_gb(env: Environment, row: int, first: int, s: int, item: int) -> float:
    """What a placement must bring of one part of the cargo [GB]: nothing of what lies on the satellite already.

    Args:
        env: the environment.
        row: row of the job table.
        first: the first row of its gang, or itself; it keeps the work of all. Each member brings its share.
        s: satellite.
        item: index into `CARGO`.
    """
    job, run = env.jobs[first], env.run[first]
    if item == WEIGHTS:
        return 0.0 if env.cached_models[job["model"], s] > 0.0 else env.model_gb[job["model"]]
    if item == INPUT:
        here = env.run[row]["input_at"] == s or job["origin"] == s
        return 0.0 if here else env.rules.data_gb[job["class_id"]] / job["num_satellites"]
    begun = run["checkpointed_s"] + run["uncheckpointed_s"] > 0.0
    return (
        env.rules.state_gb[job["class_id"]] / job["num_satellites"] if begun and state_at(env, row, first) != s else 0.0
    )


@routine
def touch_model(env: Environment, model: int, s: int) -> None:
    """Note that a model which lies on a satellite is used now."""
    if env.cached_models[model, s] > 0.0:
        env.cached_models[model, s] = env.scalars[0]["tick"] + 1.0


@routine
def store_model(env: Environment, model: int, s: int) -> None:
    """A model that has arrived stays; where storage is full, those that were not used for longest leave for it.

    Models in use stay. One that does not fit beside them is gone with its job.
    """
    if model == 0 or env.cached_models[model, s] > 0.0:
        return
    room = env.design.storage_gb[s] - env.model_gb[model]
    for other in range(1, env.model_gb.shape[0]):
        room -= env.model_gb[other] if env.cached_models[other, s] > 0.0 else 0.0
    while room < 0.0:
        oldest = least_recently_used(env, s)
        if oldest == 0:
            return
        env.cached_models[oldest, s] = 0.0
        room += env.model_gb[oldest]
    env.cached_models[model, s] = env.scalars[0]["tick"] + 1.0


@routine
def least_recently_used(env: Environment, s: int) -> int:
    """The model on a satellite that no job there uses and that was not used for longest; 0 if there is none."""
    found, since = 0, np.inf
    for model in range(1, env.model_gb.shape[0]):
        used = env.cached_models[model, s]
        if 0.0 < used < since and not is_model_in_use(env, model, s):
            found, since = model, used
    return found


@routine
def is_model_in_use(env: Environment, model: int, s: int) -> bool:
    """Whether a running job on a satellite has a model."""
    for k in range(env.scalars[0]["running"]):
        first = env.running[k]
        if env.jobs[first]["model"] == model:
            for row in range(first, first + env.jobs[first]["num_satellites"]):
                if env.run[row]["host"] == s:
                    return True
    return False

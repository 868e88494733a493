"""Locations of stored models, inputs and checkpoints, and the data that a placement must bring.

Model 0 means no model: it has no size and is stored nowhere.

The code is scalar and runs between physics steps.
"""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.constants import GROUND
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import LOST
from odc_gym.core.layout.work import INPUT, STATE, WEIGHTS


@routine
def node_of(env: Environment, location: int) -> int:
    """Return the network node of a location: a satellite, or the ground side for `GROUND`."""
    return env.num_satellites if location == GROUND else location


@routine
def state_location(env: Environment, row: int, first_row: int) -> int:
    """Return the location of the state of a row: a satellite or `GROUND`.

    For a job with uncheckpointed work, it is the host, which would write the checkpoint. Checkpointed work is never
    lost: the ground also stores the checkpoints of a lost satellite.

    Args:
        env: the environment.
        row: row of the job table.
        first_row: first row of its gang, or `row` itself.
    """
    run = env.run[row]
    location = run["host"] if env.run[first_row]["uncheckpointed_s"] > 0.0 else run["state_at"]
    return GROUND if location != GROUND and env.sat.out[location] >= LOST else location


@routine
def source_of(env: Environment, row: int, first_row: int, item: int) -> int:
    """Return the network node from which a transfer item of a row comes.

    Args:
        env: the environment.
        row: row of the job table.
        first_row: first row of its gang, or `row` itself.
        item: index into `TRANSFER_ITEMS`.
    """
    if item == STATE:
        return node_of(env, state_location(env, row, first_row))
    return node_of(env, env.jobs[first_row]["origin"] if item == INPUT else GROUND)


@routine
def item_gb(env: Environment, row: int, first_row: int, s: int, item: int) -> float:
    """Return the data of one transfer item that a placement must bring [GB].

    It is 0 if the satellite already stores the item.

    Args:
        env: the environment.
        row: row of the job table.
        first_row: first row of its gang, or `row` itself; it keeps the work of all members. Each member brings its
            share.
        s: satellite.
        item: index into `TRANSFER_ITEMS`.
    """
    job, run = env.jobs[first_row], env.run[first_row]
    if item == WEIGHTS:
        return 0.0 if env.cached_models[job["model"], s] > 0.0 else env.model_gb[job["model"]]
    if item == INPUT:
        is_stored = env.run[row]["input_at"] == s or job["origin"] == s
        return 0.0 if is_stored else env.rules.data_gb[job["class_id"]] / job["num_satellites"]
    has_begun = run["checkpointed_s"] + run["uncheckpointed_s"] > 0.0
    return (
        env.rules.state_gb[job["class_id"]] / job["num_satellites"]
        if has_begun and state_location(env, row, first_row) != s
        else 0.0
    )


@routine
def touch_model(env: Environment, model: int, s: int) -> None:
    """Record that a model is used now, if satellite `s` stores it."""
    if env.cached_models[model, s] > 0.0:
        env.cached_models[model, s] = env.scalars[0]["tick"] + 1.0


@routine
def store_model(env: Environment, model: int, s: int) -> None:
    """Store a model that has arrived, and evict the least recently used models if storage is full.

    Models in use stay. A model that does not fit beside them is not stored, and is gone when its job leaves.
    """
    if model == 0 or env.cached_models[model, s] > 0.0:
        return
    room_gb = env.design.storage_gb[s] - env.model_gb[model]
    for other in range(1, env.model_gb.shape[0]):
        room_gb -= env.model_gb[other] if env.cached_models[other, s] > 0.0 else 0.0
    while room_gb < 0.0:
        evicted = least_recently_used(env, s)
        if evicted == 0:
            return
        env.cached_models[evicted, s] = 0.0
        room_gb += env.model_gb[evicted]
    env.cached_models[model, s] = env.scalars[0]["tick"] + 1.0


@routine
def least_recently_used(env: Environment, s: int) -> int:
    """Return the least recently used of the models on a satellite that no job there uses; 0 if there is none."""
    found, oldest_use = 0, np.inf
    for model in range(1, env.model_gb.shape[0]):
        last_use = env.cached_models[model, s]
        if 0.0 < last_use < oldest_use and not is_model_in_use(env, model, s):
            found, oldest_use = model, last_use
    return found


@routine
def is_model_in_use(env: Environment, model: int, s: int) -> bool:
    """Return whether a running job on satellite `s` uses `model`."""
    for k in range(env.scalars[0]["running"]):
        first_row = env.running[k]
        if env.jobs[first_row]["model"] == model:
            for row in range(first_row, first_row + env.jobs[first_row]["num_satellites"]):
                if env.run[row]["host"] == s:
                    return True
    return False

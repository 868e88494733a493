"""Bundle of one environment: its state, tables and parameters by name, as the routines of the core receive it.

A routine reads for example `env.sat.free[s]`, `env.rules.value[c]` or `env.scalars[0]["tick"]`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.batch import Mutable, Parameters, Tables
from odc_gym.core.layout.event_log import EventLog, Log
from odc_gym.core.layout.network import Links, links_of
from odc_gym.core.layout.serving_grid import Serving, serving_of
from odc_gym.core.layout.state import Design, Sensors, State, sensor_numbers_of
from odc_gym.core.layout.work import Classes, Ledger, Policy, Rules, Services, Tenants, policy_numbers_of
from odc_gym.core.layout.workspace import Workspace


class Environment(NamedTuple):
    """State, tables and parameters of one environment. Axis letters are those of `state`."""

    scalars: np.ndarray  # (1,) of SCALARS: a record of its own cannot be part of a compiled tuple
    reward_sums: np.ndarray  # (2,) of `interface.rewards.REWARD_SUMS`
    jobs: np.ndarray  # (J,) of JOB, read-only
    run: np.ndarray  # (J,) of RUN
    waiting: np.ndarray  # (J,) rows in queue order
    running: np.ndarray  # (J,) rows
    sending: np.ndarray  # (J,) rows that send their results
    pending_gb: np.ndarray  # (4, J) in the order of TRANSFER_ITEMS
    cached_models: np.ndarray  # (M, P) last use of a stored model, in physics steps from 1; 0: it is not stored
    model_gb: np.ndarray  # (M,) the first is none, of 0 GB
    sat: State
    design: Design
    classes: Classes
    ledger: Ledger
    services: Services
    tenants: Tenants
    rules: Rules
    policy: Policy
    sensors: Sensors
    links: Links
    serving: Serving
    work: Workspace
    log: Log
    urgency: np.ndarray  # (C,) of the action
    clock_offset: np.ndarray  # (C,) of the action
    num_satellites: int
    num_classes: int


class Blocks(NamedTuple):
    """Named rows of all blocks of one environment."""

    sat: State
    design: Design
    classes: Classes
    ledger: Ledger
    services: Services
    tenants: Tenants
    rules: Rules


@routine
def environment(
    b: int,
    blocks: Blocks,
    mutable: Mutable,
    tables: Tables,
    parameters: Parameters,
    log: EventLog,
    work: Workspace,
    num_satellites: int,
) -> Environment:
    """Return the bundle of environment `b` of a batch.

    Args:
        b: index of the environment.
        blocks: named rows of its blocks.
        mutable: arrays of the batch that change.
        tables: tables of the episodes.
        parameters: parameters of the environments.
        log: event logs of the batch.
        work: work arrays; the action is decoded into `work.action`.
        num_satellites: S.
    """
    lists = mutable.lists[b]
    own_log = Log(log.entries[b], log.counts[b : b + 1], log.conditions[b])
    return Environment(
        mutable.scalars[b : b + 1], mutable.reward_sums[b], tables.jobs[b], mutable.run[b], lists[0], lists[1],
        lists[2], mutable.pending_gb[b], mutable.cached_models[b], parameters.model_gb[b], blocks.sat, blocks.design,
        blocks.classes, blocks.ledger, blocks.services, blocks.tenants, blocks.rules,
        policy_numbers_of(parameters.policy[b]), sensor_numbers_of(parameters.sensors[b]), links_of(tables.links, b),
        serving_of(parameters.serving, b), work, own_log, work.action[0], work.action[1], num_satellites,
        work.action.shape[1],
    )  # fmt: skip

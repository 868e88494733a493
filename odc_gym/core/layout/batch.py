"""Arrays of a batch of environments by name, as the compiled entry points receive them.

Axis letters are those of `state`.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple, TypeAlias

import numpy as np

from odc_gym.compilation.arguments import Array
from odc_gym.compilation.array_types import (
    Boolx3,
    Float32x2,
    Float32x3,
    Float32x4,
    Float64x1,
    Float64x2,
    Float64x3,
    Float64x4,
    Int8x2,
    Int32x2,
    Int32x3,
    Int64x1,
)
from odc_gym.core.layout.event_log import EventLog
from odc_gym.core.layout.network import Links
from odc_gym.core.layout.records import EVENT, JOB
from odc_gym.core.layout.rewards import REWARD_SUMS, Weights
from odc_gym.core.layout.samples import Samples
from odc_gym.core.layout.serving_grid import Serving
from odc_gym.core.layout.work import RUN, SCALARS

MeasuredBlocks: TypeAlias = tuple[Float64x3, Float64x4, Float64x2, Float64x3, Float64x3]
Encodings: TypeAlias = tuple[Float64x3, Float64x3, Float64x3, Float64x3, Float64x3]


class Mutable(NamedTuple):
    """Arrays that change during an episode. A snapshot copies exactly these arrays."""

    state: Float64x3  # (B, field, P) of State
    classes: Float64x4  # (B, field, C, P) of Classes
    ledger: Float64x3  # (B, field, C) of Ledger
    scalars: Annotated[np.ndarray, Array(SCALARS, 1)]  # (B,) of SCALARS
    reward_sums: Annotated[
        np.ndarray, Array(REWARD_SUMS, 2)
    ]  # (B, 2) of REWARD_SUMS: at the last decision, and work space
    run: Annotated[np.ndarray, Array(RUN, 2)]  # (B, J) of RUN
    lists: Int32x3  # (B, 3, J) waiting rows in queue order, running rows, rows that send their results
    points: Float64x3  # (B, P, ...) turning points of the batteries' charge
    swings: Float64x3  # (B, P, ...) damage of the swings between them
    services: Float64x3  # (B, field, C) of Services
    tenants: Float64x3  # (B, field, N) of Tenants
    past: Float64x4  # (B, slot, reading, P) readings on their way
    pending_gb: Float64x3  # (B, 4, J) data on the way for a job
    cached_models: Float64x3  # (B, M, P) last use of a stored model


class Tables(NamedTuple):
    """Tables of the episodes, read-only for the core."""

    seeds: Int64x1  # (B,) of the episodes
    skies: Float32x4  # (B, T, field, P) of Sky, float32
    forecasts: Float32x4  # (B, D, field, P) of Forecast, float32
    days: Float64x3  # (B, D, 2) sine and cosine of the hour of day
    jobs: Annotated[np.ndarray, Array(JOB, 2)]  # (B, J) of JOB
    events: Annotated[np.ndarray, Array(EVENT, 2)]  # (B, N) of EVENT: upsets and hard failures
    demand: Float64x4  # (B, T, 2, C) tokens that arrive in a step, and tokens that autoscalers plan with
    links: Links  # first axis of length B, or 1 where all environments share the tables


class Parameters(NamedTuple):
    """Parameters of the environments, read-only for the core."""

    design: Float64x3  # (B, field, P) of Design, then the propagators with the pump running and with the pump at rest
    rules: Float64x3  # (B, field, C) of Rules
    model_gb: Float64x2  # (B, M) sizes of models
    policy: Float64x2  # (B, number) of Policy
    sensors: Float64x2  # (B, number) of Sensors
    serving: Serving  # first axis of length B, or 1 where all environments share the tables
    weights: Weights
    depth_damage: Float64x2  # (law, 1025) damage of a battery cycle by depth, see `physics.ageing.depth_damage_tables`
    levels: Float64x1  # (L,) clock levels of the action mode `assign`


class Outputs(NamedTuple):
    """Arrays that a decision writes for agents."""

    terms: Float64x2  # (B, 5) terms of the reward
    flat: Float32x2  # (B, N) encoded observation
    jobs: Float32x3  # (B, K, G) encoded features of visible jobs
    job_present: Int8x2  # (B, K) 1 where the place holds a job
    slots: Int32x2  # (B, K) row of the job table of each visible job
    job_feasible: Boolx3  # (B, K, S + 1) satellites that can take each job now; the last column is to wait
    measured: MeasuredBlocks  # observations in SI units, see `simulator.observation_buffers`
    codes: Encodings  # encoding of each block of `measured`
    refused: Int64x1  # (2,) place of the first action that is not finite, -1: none
    log: EventLog
    samples: Samples


class Timing(NamedTuple):
    """Lengths of steps and decisions, and the size of the fleet."""

    step_s: float  # length of a physics step
    decision_steps: int  # physics steps in a decision period
    warm_up_steps: int  # physics steps before the episode starts
    num_satellites: int  # S


class Mode(NamedTuple):
    """Flags of a call of `decide`."""

    assigns: bool  # True: actions assign jobs to satellites, False: they bid
    dials: bool  # True: actions are dials that a rule turns into bids
    others_wait: bool  # True: waiting jobs without an order are held
    plays: bool  # False: only observe, after a reset or after a state was set

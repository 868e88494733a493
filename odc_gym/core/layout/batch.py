"""Arrays of a batch of environments by name, as the compiled entry points receive them.

Python passes each group as a plain tuple in the order of its fields, because Numba takes twice as long to unpack named
tuples. Axis letters are those of `state`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from odc_gym.core.layout.network import Links
from odc_gym.core.layout.serving_grid import Serving


class Mutable(NamedTuple):
    """Arrays that change during an episode. A snapshot copies exactly these arrays."""

    state: np.ndarray  # (B, field, P) of State
    classes: np.ndarray  # (B, field, C, P) of Classes
    ledger: np.ndarray  # (B, field, C) of Ledger
    scalars: np.ndarray  # (B,) of SCALARS
    reward_sums: np.ndarray  # (B, 2) of `interface.rewards.REWARD_SUMS`: at the last decision, and work space
    run: np.ndarray  # (B, J) of RUN
    lists: np.ndarray  # (B, 3, J) waiting rows in queue order, running rows, rows that send their results
    points: np.ndarray  # (B, P, ...) turning points of the batteries' charge
    swings: np.ndarray  # (B, P, ...) damage of the swings between them
    services: np.ndarray  # (B, field, C) of Services
    tenants: np.ndarray  # (B, field, N) of Tenants
    past: np.ndarray  # (B, slot, reading, P) readings on their way
    pending_gb: np.ndarray  # (B, 4, J) data on the way for a job
    cached_models: np.ndarray  # (B, M, P) last use of a stored model


class Tables(NamedTuple):
    """Tables of the episodes, read-only for the core."""

    seeds: np.ndarray  # (B,) of the episodes
    skies: np.ndarray  # (B, T, field, P) of Sky, float32
    forecasts: np.ndarray  # (B, D, field, P) of Forecast, float32
    days: np.ndarray  # (B, D, 2) sine and cosine of the hour of day
    jobs: np.ndarray  # (B, J) of JOB
    events: np.ndarray  # (B, N) of EVENT: upsets and hard failures
    demand: np.ndarray  # (B, T, 2, C) tokens that arrive in a step, and tokens that autoscalers plan with
    links: Links  # first axis of length B, or 1 where all environments share the tables


class Parameters(NamedTuple):
    """Parameters of the environments, read-only for the core."""

    design: np.ndarray  # (B, field, P) of Design, then the propagators with the pump running and with the pump at rest
    rules: np.ndarray  # (B, field, C) of Rules
    model_gb: np.ndarray  # (B, M) sizes of models
    policy: np.ndarray  # (B, number) of Policy
    sensors: np.ndarray  # (B, number) of Sensors
    serving: Serving  # first axis of length B, or 1 where all environments share the tables
    weights: Any  # `interface.rewards.Weights`
    depth_damage: np.ndarray  # (law, 1025) damage of a battery cycle by depth, see `physics.ageing.depth_damage_tables`
    levels: np.ndarray  # (L,) clock levels of the action mode `assign`


class Outputs(NamedTuple):
    """Arrays that a decision writes for agents."""

    terms: np.ndarray  # (B, 5) terms of the reward
    flat: np.ndarray  # (B, N) encoded observation
    jobs: np.ndarray  # (B, K, G) encoded features of visible jobs
    job_present: np.ndarray  # (B, K) 1 where the place holds a job
    slots: np.ndarray  # (B, K) row of the job table of each visible job
    job_feasible: np.ndarray  # (B, K, S + 1) satellites that can take each job now; the last column is to wait
    measured: tuple[np.ndarray, ...]  # observations in SI units, see `simulator.observation_buffers`
    codes: tuple[np.ndarray, ...]  # encoding of each block of `measured`


class Timing(NamedTuple):
    """Lengths of steps and decisions, and the size of the fleet."""

    step_s: float  # length of a physics step
    decision_steps: int  # physics steps in a decision period
    warm_up_steps: int  # physics steps before the episode starts
    num_satellites: int  # S


class Mode(NamedTuple):
    """Flags of a call of `decide`."""

    assigns: bool  # True: actions assign jobs to satellites, False: actions bid
    others_wait: bool  # True: waiting jobs without an order are held
    plays: bool  # False: only observe, after a reset or after a state was set

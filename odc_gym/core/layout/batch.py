"""Arrays of a batch by name, as the compiled entry points receive them.

Python passes them as plain tuples in the order of the fields: Numba takes twice as long to unpack named tuples.
Axis letters as in `state`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from odc_gym.core.layout.network import Links
from odc_gym.core.layout.serving_grid import Serving


class Mutable(NamedTuple):
    """Arrays that change during an episode; a snapshot copies exactly these."""

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
    """Tables of the episodes, read-only."""

    seeds: np.ndarray  # (B,)
    skies: np.ndarray  # (B, T, field, P) of Sky, float32
    forecasts: np.ndarray  # (B, D, field, P) of Forecast, float32
    days: np.ndarray  # (B, D, 2) sine and cosine of the hour of day
    jobs: np.ndarray  # (B, J) of JOB
    events: np.ndarray  # (B, N) of EVENT: upsets and hard failures
    demand: np.ndarray  # (B, T, 2, C) tokens that arrive in a step, and what autoscalers plan with
    links: Links  # first axis B, or 1 where all environments share a table


class Parameters(NamedTuple):
    """Parameters of the environments, read-only."""

    design: np.ndarray  # (B, field, P) of Design, then propagators with the loop on and with the loop off
    rules: np.ndarray  # (B, field, C) of Rules
    model_gb: np.ndarray  # (B, M)
    policy: np.ndarray  # (B, number) of Policy
    sensors: np.ndarray  # (B, number) of Sensors
    serving: Serving  # first axis B, or 1 where all environments share a table
    weights: Any  # `interface.rewards.Weights`
    depth_damage: np.ndarray  # damage of battery cycles by depth, one row an ageing law
    levels: np.ndarray  # (L,) clocks of the mode `assign`


class Outputs(NamedTuple):
    """Arrays that a decision writes for agents."""

    terms: np.ndarray  # (B, 5) terms of the reward
    flat: np.ndarray  # (B, N) encoded observation
    jobs: np.ndarray  # (B, K, G) encoded features of visible jobs
    job_present: np.ndarray  # (B, K) which rows hold a job
    slots: np.ndarray  # (B, K) their rows of the job table
    job_feasible: np.ndarray  # (B, K, S + 1) satellites that could take them
    measured: tuple[np.ndarray, ...]  # blocks in SI units, see `simulator.observation_buffers`
    codes: tuple[np.ndarray, ...]  # their encoding


class Timing(NamedTuple):
    """Lengths of an episode, and the size of the fleet."""

    step_s: float  # physics step
    decision_steps: int  # physics steps of a decision
    warm_up_steps: int
    num_satellites: int


class Mode(NamedTuple):
    """What a call of `decide` does."""

    assigns: bool  # actions assign jobs; else they bid
    others_wait: bool  # jobs without an order wait for one
    plays: bool  # else agents only look: after a reset, or after a state was set

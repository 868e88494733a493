"""Fields of the work: what changes for classes and jobs, accounts, and the rules of classes and dispatcher.

Axis letters as in `state`. Blocks are float64 `[environment, field, class]`, with satellites as a last axis where a
field has them. A field is one line here. Each row of the job table has one record of `RUN`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.core.layout.rows import rows
from odc_gym.core.layout.state import Row


class Classes(NamedTuple):
    """What changes, per class and satellite: rows of [C, P]."""

    held: Row  # accelerators held by the class
    busy: Row  # of these, the mean number at work in the step, utilisation of services included
    clock: Row  # requested, then granted
    rate: Row  # work per accelerator and second at the requested clock: the forecast rate
    bid: Row
    transfer_gb: Row  # waiting on the link


class Ledger(NamedTuple):
    """Accounts of the work since the start of the episode, one entry a class: rows of [C]."""

    paid: Row  # value
    executed_s: Row  # reference accelerator-seconds
    credited_s: Row  # made safe, executed since the start
    timely_s: Row  # of it, before the deadline
    lost_s: Row  # executed since the start, and taken by stops
    completed: Row
    failed: Row  # ended early by a failure of their own
    cancelled: Row  # ended early by their users
    on_time: Row  # ended by the deadline
    expired: Row
    placed: Row
    moved: Row
    drained: Row
    preempted: Row  # spot jobs that made way
    refused: Row
    evicted: Row
    disconnected: Row  # gangs whose links were lost
    forced: Row  # stops by surprise: upsets, failures, compute that went off
    foreseen: Row  # stops that were seen coming
    resets: Row  # jobs and replicas that an upset stopped where they run
    fault_lost_s: Row  # of lost_s, by upsets and hard failures
    outage_lost_s: Row  # of lost_s, by outages and losses of satellites, and of links that held gangs
    shed_lost_s: Row  # of lost_s, by sheds
    trip_lost_s: Row  # of lost_s, by trips
    yielded: Row
    asked_gb: Row  # data that placements and results put on the way
    weights_gb: Row  # of that, what arrived, by cause in the order of cargo
    input_gb: Row
    state_gb: Row
    result_gb: Row
    dropped_gb: Row  # of that, what was still to come when its job left
    arrived: Row  # services: tokens
    served: Row
    slo_met: Row  # of requests that met both targets
    ttft_met: Row  # of those whose first token came in time
    tpot_met: Row  # of those whose time per token was in time
    prefill_s: Row  # accelerator-seconds of replicas at prefill
    decode_s: Row  # the same at decode steps
    ready_s: Row  # the same of replicas that could work
    abandoned: Row
    served_now: Row  # tokens served in the last decision
    arrived_now: Row  # tokens, or estimated work, that arrived in it
    backlog_now_s: Row  # estimated work of the jobs that wait, at the last decision
    backlog_sum_s: Row  # sum over decisions
    oldest_now_s: Row  # since the arrival of the job that waits longest, at the last decision
    oldest_sum_s: Row
    oldest_most_s: Row
    arrival_rate: Row  # work offered, exponential average over an hour [reference accelerators]
    held_s: Row  # accelerator-seconds held; those of jobs are the sum of the next six
    useful_s: Row  # work at full clock
    writing_s: Row  # of checkpoints
    replay_s: Row  # work at full clock that was lost, and is done again
    restore_s: Row  # transfer, waking up, start
    wait_s: Row  # paused, reset, without a link, for the slowest of a gang and its exchange, or idle after the end
    throttle_s: Row  # by clocks below full


class Services(NamedTuple):
    """What changes of the services: rows of [C]."""

    backlog: Row  # tokens that wait
    surplus_s: Row  # since there have been more replicas than wanted
    load: Row  # at the end of the last step: how full batches are
    batch: Row  # mean batch of a replica
    ttft_met: Row  # share of the requests of the last step whose first token came in time
    tpot_met: Row  # the same of their time per token
    slo_met: Row  # of both
    value_frac: Row  # mean share of their value that they were paid


class Tenants(NamedTuple):
    """What is kept of the tenants: rows of [N]."""

    held: Row  # accelerators that their jobs hold, exponential average
    right: Row  # share of the fleet by weight


class Rules(NamedTuple):
    """Parameters of a class: rows of [C]. Times in s, work in reference accelerator-seconds."""

    utilisation: Row
    kappa: Row
    value: Row  # of a reference-accelerator-hour
    queue_value: Row
    hold_back: Row
    unit_s: Row  # work per accelerator from one payable point to the next, at most
    adapts: Row  # 1: less where surprises make it worth while
    stall_s: Row
    saves: Row  # 1: a job that is told to stop keeps its work
    yields: Row  # 1: leaves at a payable point for a job of higher rank
    movable: Row
    state_gb: Row
    init_s: Row
    data_gb: Row
    result_gb: Row  # to the ground when the work is done
    memory_gb: Row  # of an accelerator that it needs
    model: Row  # of a service: row of the table of models
    decay_s: Row  # age at which a job is worth 1/e, 0: it is paid by its deadline
    gang_hops: Row  # of a gang: links from its first satellite to any other
    lasting_steps: Row  # physics steps for which they must last
    sync_gb: Row  # exchanged in an iteration
    iteration_s: Row
    overlap: Row
    service: Row  # 1: replicas serve a demand
    token_s: Row
    target_s: Row  # of the time to the first token
    token_target_s: Row  # of the time per token
    patience_s: Row
    late_value: Row
    headroom: Row
    scale_down_s: Row
    backlog_most_s: Row  # estimated work that may wait, inf: any
    replicas: Row  # rows of the job table that are this service's replicas
    first: Row  # the first of them
    request_tokens: Row  # output tokens, with their input, that a mean request is worth
    prefill_s: Row  # mean prefill of a request by a replica at full clock of the reference
    prefill_scv: Row  # squared coefficient of variation
    base_s: Row  # its decode steps, but for what grows with the batch
    each_s: Row  # what each request of a batch adds to them
    decode_scv: Row
    steps: Row  # mean decode steps of a request
    batch: Row  # the largest
    weights_gb: Row
    context_gb: Row  # keys and values of a live request
    prefill_kappa: Row
    decode_kappa: Row
    prefill_power: Row  # utilisation of the phase over that of the class
    decode_power: Row


class Policy(NamedTuple):
    """Numbers of the dispatcher."""

    load_weight: float
    migration_margin: float
    min_stay_s: float
    close: float
    drain: float
    hold: float
    age_s: float
    order: int  # index into ORDERS
    reserves: bool  # the best job that fits nowhere gets a reservation
    preempts: bool  # there are guaranteed and spot tenants
    fair_s: float  # time over which the service of tenants counts for their ranks, 0: it does not
    step_s: float  # physics step
    reset_s: float  # of an accelerator after an upset
    surprises_per_s: float  # of an accelerator, upsets and failures, by the scenario
    safe_sheds: int  # that lead to safe mode; 0 none do
    safe_within_s: float  # from the first of them to the last
    safe_s: float  # length of safe mode


ORDERS = ("value", "edf", "least-slack", "fcfs")
VALUE, EARLIEST_DEADLINE, LEAST_SLACK, FIRST_COME = range(4)
STATUS = ("absent", "waiting", "running", "done", "expired", "sending", "refused")
ABSENT, WAITING, RUNNING, DONE, EXPIRED, SENDING, REFUSED = range(7)
FREE, HOLD = 0, -1
SPOT, STANDARD, GUARANTEED = range(3)  # numbers of `scenario.TIERS` in the job table
FAILED, CANCELLED = 2, 3  # numbers of `workload.Outcome` in the job table
TRANSFER_ITEMS = ("weights", "input", "state", "result")
"""What is on the way for a job, [GB], rows of [J]: a placement brings the first three one after the other."""
WEIGHTS, INPUT, STATE, RESULT = range(4)

RUN = np.dtype(
    [
        ("checkpointed_s", "f8"),  # work that a loss cannot take
        ("uncheckpointed_s", "f8"),  # work since the last payable point
        ("before_s", "f8"),  # work executed before the episode: never paid
        ("uncheckpointed_since_s", "f8"),  # when the oldest of that began
        ("drain_s", "f8"),  # of a replica that takes no more requests: until its batch is done
        ("delay_s", "f8"),  # initialisation, restore, checkpoint: accelerators are held, nothing runs
        ("writing_s", "f8"),  # of that, to write a checkpoint; a job that stopped first pays it when it runs again
        ("reset_s", "f8"),  # of that, after an upset
        ("cut_s", "f8"),  # of the step, waiting for data to which no way leads
        ("active", "f8"),  # share of the step that it runs
        ("since_s", "f8"),  # placed, or queued
        ("started_s", "f8"),  # first placed
        ("finished_s", "f8"),
        ("rank", "f8"),
        ("status", "i4"),
        ("host", "i4"),
        ("input_at", "i4"),  # satellite on which its input lies, GROUND: none
        ("state_at", "i4"),  # satellite on which its checkpoint, or its results, lie
        ("order", "i4"),  # of the agent for this decision: satellite + 1, HOLD, or FREE to go to the best bid
    ],
    align=True,
)
"""Run-time columns of a job, one row per row of the job table (J,). Times are seconds since the episode's start."""

SCALARS = np.dtype(
    [
        ("blocked_rank", "f8"),  # of the best job that fits nowhere
        ("load_average", "f8"),  # share of accelerators held, exponential average over an hour
        ("trips_now", "f8"),  # in the last decision
        ("moves_now", "f8"),
        ("trips_sum", "f8"),
        ("moves_sum", "f8"),
        ("held_s", "f8"),  # accelerator-seconds held since the warm-up began
        ("hosted_s", "f8"),  # satellite-seconds of running jobs
        ("chip_stops", "f8"),  # surprises that struck them through an accelerator
        ("off_stops", "f8"),  # and through a satellite
        ("tick", "i8"),  # physics steps done, from the start of the warm-up
        ("next_job", "i4"),
        ("next_event", "i4"),
        ("waiting", "i4"),
        ("running", "i4"),
        ("sending", "i4"),
        ("blocked_width", "i4"),
        ("blocked_kind", "i4"),
        ("reserved_row", "i4"),  # the job that has the reservation, -1 none
    ],
    align=True,
)
"""Numbers of an environment that change."""

policy_numbers_of = rows(Policy)
"""Compiled function that names the numbers of a vector."""

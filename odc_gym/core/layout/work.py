"""Fields of the work: state of classes, services, tenants and jobs, accounts, class rules and dispatcher policy.

Axis letters and suffixes of units are those of `state`. Blocks are float64 arrays `[environment, field, class]`; those
of `Classes` have satellites as a last axis. A new field is one line here. Each row of the job table has one record of
`RUN`.

Work is measured in reference accelerator-seconds: the work of one reference accelerator at full clock in a second. A
payable point is a checkpoint or the end of a chunk: work up to it is paid and cannot be lost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.core.layout.rows import rows
from odc_gym.core.layout.state import Row


class Classes(NamedTuple):
    """State of each class on each satellite: rows of [C, P]."""

    held: Row  # number of accelerators that jobs of the class hold
    busy: Row  # mean number of accelerators at work in the step; replicas count with their utilisation
    clock: Row  # clock over full clock: first the requested one, then the granted one
    rate: Row  # forecast rate: work per accelerator and second at the requested clock
    bid: Row  # bid of the agent for jobs of the class
    transfer_gb: Row  # data for jobs of the class that wait on the link


class Ledger(NamedTuple):
    """Accounts of each class since the start of the episode: rows of [C]."""

    paid: Row  # value paid
    executed_s: Row  # work executed [reference accelerator-seconds]
    credited_s: Row  # work executed since the start that a loss can no longer take
    timely_s: Row  # part of `credited_s` before the deadline
    lost_s: Row  # work executed since the start that stops destroyed
    completed: Row  # number of jobs that ended
    failed: Row  # number of jobs that ended early by a failure of their own
    cancelled: Row  # number of jobs that ended early because their users cancelled them
    on_time: Row  # number of jobs that ended by their deadline
    expired: Row  # number of jobs that expired
    placed: Row  # number of placements
    moved: Row  # number of moves to another satellite
    drained: Row  # number of jobs that had to leave a satellite because of its bid
    preempted: Row  # number of spot jobs stopped for guaranteed ones
    refused: Row  # number of jobs that the queue did not admit
    evicted: Row  # number of jobs that left because their satellite was off
    disconnected: Row  # number of gangs stopped because their links were lost
    forced: Row  # number of unforeseen stops: upsets, failures, compute that went off
    foreseen: Row  # number of stops that were foreseen
    resets: Row  # number of jobs and replicas that an upset stopped, and that stayed where they were
    fault_lost_s: Row  # part of `lost_s` by upsets and hard failures
    outage_lost_s: Row  # part of `lost_s` by outages and losses of satellites, and by lost links of gangs
    shed_lost_s: Row  # part of `lost_s` by sheds
    trip_lost_s: Row  # part of `lost_s` by trips
    yielded: Row  # number of jobs that left at a payable point for a job of higher rank
    asked_gb: Row  # data of all transfers that placements and results began
    weights_gb: Row  # arrived part of `asked_gb`; this and the next three are in the order of TRANSFER_ITEMS
    input_gb: Row  # the same for input data
    state_gb: Row  # the same for checkpoints
    result_gb: Row  # the same for results
    dropped_gb: Row  # part of `asked_gb` that had not arrived when its job left
    arrived: Row  # tokens that arrived at a service
    served: Row  # tokens that a service served
    slo_met: Row  # tokens of requests that met both targets
    ttft_met: Row  # tokens of requests whose first token came in time
    tpot_met: Row  # tokens of requests whose time per token met its target
    prefill_s: Row  # accelerator-seconds that replicas spent on prefill
    decode_s: Row  # accelerator-seconds that replicas spent on decode steps
    ready_s: Row  # accelerator-seconds of replicas that could work
    abandoned: Row  # tokens of requests that left because they waited too long
    served_now: Row  # tokens served in the last decision period
    arrived_now: Row  # tokens, or estimated work of jobs, that arrived in the last decision period
    backlog_now_s: Row  # estimated work of waiting jobs at the last decision
    backlog_sum_s: Row  # sum of `backlog_now_s` over decisions
    oldest_now_s: Row  # longest time since the arrival of a waiting job, at the last decision
    oldest_sum_s: Row  # sum of `oldest_now_s` over decisions
    oldest_most_s: Row  # largest `oldest_now_s`
    arrival_rate: Row  # arriving work, exponential average over an hour [reference accelerators]
    held_s: Row  # accelerator-seconds held; for jobs, the next six add up to it
    useful_s: Row  # accelerator-seconds at full clock for work that was not lost
    writing_s: Row  # accelerator-seconds spent on writing checkpoints
    replay_s: Row  # accelerator-seconds at full clock for work that was lost and must be executed again
    restore_s: Row  # accelerator-seconds spent on transfers, waking up and start
    wait_s: Row  # accelerator-seconds paused, in reset, cut off, idle at the end, or waiting for the rest of a gang
    throttle_s: Row  # accelerator-seconds lost to clocks below full clock
    heat_throttle_s: Row  # part of `throttle_s` where the heat limit set the clock


class Services(NamedTuple):
    """State of each service: rows of [C]; entries of classes that are no services stay 0."""

    backlog: Row  # tokens of waiting requests
    surplus_s: Row  # time since the service began to have more replicas than it wants
    load: Row  # load at the end of the last step, over the throughput at full batches; it says how full batches are
    batch: Row  # mean batch of a replica
    ttft_met: Row  # share of the last step's requests whose first token came in time
    tpot_met: Row  # share of the last step's requests whose time per token met its target
    slo_met: Row  # share of the last step's requests that met both targets
    value_frac: Row  # mean value paid for the last step's requests, over their full value


class Tenants(NamedTuple):
    """Use and entitlement of each tenant: rows of [N]."""

    held: Row  # number of accelerators that the tenant's jobs hold, exponential average
    right: Row  # share of the fleet that the tenant's weight entitles it to


class Rules(NamedTuple):
    """Parameters of each class: rows of [C]. Times are in seconds, work is in reference accelerator-seconds."""

    utilisation: Row  # share of dynamic power that running work draws
    kappa: Row  # share of the time of work that is bound by the clock
    value: Row  # value of a reference-accelerator-hour
    queue_value: Row  # the same for the order of the queue
    hold_back: Row  # share of the value that is paid only when the job ends
    unit_s: Row  # largest work per accelerator between payable points (checkpoints or chunks)
    adapts: Row  # 1: the checkpoint interval is shorter where the rate of unforeseen stops makes that worthwhile
    stall_s: Row  # time to write a checkpoint
    saves: Row  # 1: a job that is told to stop writes a checkpoint and keeps its work
    yields: Row  # 1: a job leaves at a payable point for a job of higher rank
    movable: Row  # 1: jobs may move to another satellite
    state_gb: Row  # size of a checkpoint
    init_s: Row  # start-up time of a job or replica
    data_gb: Row  # input data of a job
    result_gb: Row  # results, sent to the ground when the work is done
    memory_gb: Row  # memory that the job needs of each accelerator
    model: Row  # of a service: row of the table of models
    decay_s: Row  # age at which a job is worth 1/e of its value, 0: payment depends on its deadline instead
    gang_hops: Row  # of a gang: largest number of links from its first satellite to any other
    lasting_steps: Row  # physics steps for which these links must last
    sync_gb: Row  # data exchanged in an iteration
    iteration_s: Row  # computing time of an iteration
    overlap: Row  # share of the computing time that can hide the exchange
    service: Row  # 1: replicas serve a demand
    token_s: Row  # work of a token [reference accelerator-seconds]
    target_s: Row  # target of the time to the first token
    token_target_s: Row  # target of the time per token
    patience_s: Row  # time after which a waiting request leaves
    late_value: Row  # share of the value paid for a request whose targets are missed
    headroom: Row  # largest load that the autoscaler plans with
    scale_down_s: Row  # time of surplus after which replicas are retired
    backlog_most_s: Row  # largest estimated work that may wait, inf: no limit
    replicas: Row  # number of rows of the job table that belong to the service's replicas
    first: Row  # first of these rows
    request_tokens: Row  # output tokens that a mean request is worth, its input included
    prefill_s: Row  # mean prefill time of a request on a replica at full clock of the reference
    prefill_scv: Row  # squared coefficient of variation of the prefill time
    base_s: Row  # mean time of a request's decode steps without the part that grows with the batch
    each_s: Row  # time that each request of the batch adds to these steps
    decode_scv: Row  # squared coefficient of variation of the decode time
    steps: Row  # mean number of decode steps of a request
    batch: Row  # largest batch
    weights_gb: Row  # weights of the model
    context_gb: Row  # keys and values of a live request
    prefill_kappa: Row  # share of the prefill time that is bound by the clock
    decode_kappa: Row  # share of the decode time that is bound by the clock
    prefill_power: Row  # utilisation during prefill over `utilisation`
    decode_power: Row  # utilisation during decode steps over `utilisation`
    offered: Row  # mean work that the scenario offers [reference accelerators]
    widest: Row  # largest number of accelerators of a job on a satellite


class Policy(NamedTuple):
    """Parameters of the dispatcher and of faults, one vector for each environment."""

    load_weight: float  # weight of the share of busy accelerators in the score of a satellite
    migration_margin: float  # lead in score from which a job moves
    min_stay_s: float  # time on a satellite before a job may move
    close: float  # bid below which a satellite takes no new jobs of a class
    drain: float  # bid below which jobs of a class leave a satellite
    hold: float  # urgency below which no job of a class is placed
    age_s: float  # waiting time that doubles the rank of a job
    order: int  # index into ORDERS
    reserves: bool  # the highest-ranking job that fits nowhere gets a reservation
    preempts: bool  # guaranteed jobs may stop spot jobs
    fair_s: float  # time constant of the tenants' average use, which lowers their ranks; 0: no fair share
    step_s: float  # physics step
    reset_s: float  # time that an accelerator is down after an upset
    stops_per_s: float  # rate of upsets and hard failures of an accelerator, by the scenario
    safe_sheds: int  # number of sheds that lead to safe mode, 0: there is no safe mode
    safe_within_s: float  # time within which these sheds must occur
    safe_s: float  # length of safe mode


ORDERS = ("value", "edf", "least-slack", "fcfs")
VALUE, EARLIEST_DEADLINE, LEAST_SLACK, FIRST_COME = range(4)
STATUS = ("absent", "waiting", "running", "done", "expired", "sending", "refused")
ABSENT, WAITING, RUNNING, DONE, EXPIRED, SENDING, REFUSED = range(7)
FREE, HOLD = 0, -1  # values of `order` in RUN that name no satellite
SPOT, STANDARD, GUARANTEED = range(3)  # numbers of `scenario.TIERS` in the job table
FAILED, CANCELLED = 2, 3  # numbers of `workload.Outcome` in the job table
TRANSFER_ITEMS = ("weights", "input", "state", "result")
"""Rows of `pending_gb`, (4, J): data that must still arrive for a job [GB].

A placement transfers the first three one after the other.
"""
WEIGHTS, INPUT, STATE, RESULT = range(4)

RUN = np.dtype(
    [
        ("checkpointed_s", "f8"),  # work that a loss cannot take
        ("uncheckpointed_s", "f8"),  # work since the last payable point
        ("before_s", "f8"),  # work executed before the episode; it is never paid
        ("uncheckpointed_since_s", "f8"),  # time at which the oldest part of `uncheckpointed_s` was executed
        ("drain_s", "f8"),  # of a replica that takes no more requests: time until its batch is done
        ("delay_s", "f8"),  # time until work begins (start, restore, checkpoint); accelerators are held
        ("writing_s", "f8"),  # part of `delay_s` to write a checkpoint; a stopped job spends it where it runs next
        ("reset_s", "f8"),  # part of `delay_s` after an upset
        ("cut_s", "f8"),  # time of the step spent waiting for data that no route reaches
        ("active", "f8"),  # share of the step in which the job runs
        ("since_s", "f8"),  # time of placement, or of joining the queue
        ("started_s", "f8"),  # time of the first placement
        ("finished_s", "f8"),  # time at which the job ended or was refused
        ("rank", "f8"),  # rank in the queue, higher goes first
        ("status", "i4"),  # index into STATUS
        ("host", "i4"),  # satellite
        ("input_at", "i4"),  # satellite that stores its input, GROUND: none
        ("state_at", "i4"),  # satellite that stores its checkpoint or its results
        ("order", "i4"),  # order of the agent for this decision: satellite + 1, HOLD, or FREE to go to the best bid
    ],
    align=True,
)
"""Run-time record of each row of the job table, (J,).

Times are in seconds since the start of the episode.
"""

SCALARS = np.dtype(
    [
        ("blocked_rank", "f8"),  # rank of the blocked job: the best job that fits nowhere; -inf: none
        ("load_average", "f8"),  # share of accelerators held, exponential average over an hour
        ("trips_now", "f8"),  # trips in the last decision period
        ("moves_now", "f8"),  # moves in the last decision period
        ("trips_sum", "f8"),  # trips up to the last decision
        ("moves_sum", "f8"),  # moves up to the last decision
        ("held_s", "f8"),  # accelerator-seconds held since the warm-up began
        ("hosted_s", "f8"),  # satellite-seconds of running jobs since the warm-up began
        ("chip_stops", "f8"),  # unforeseen stops of jobs by upsets and failures of accelerators
        ("off_stops", "f8"),  # unforeseen stops of jobs by satellites whose compute went off
        ("tick", "i8"),  # physics steps done since the start of the warm-up
        ("next_job", "i4"),  # first row of the job table that has not arrived
        ("next_event", "i4"),  # first row of the table of events that has not occurred
        ("waiting", "i4"),  # number of waiting rows
        ("running", "i4"),  # number of running rows
        ("sending", "i4"),  # number of rows that send their results
        ("blocked_width", "i4"),  # accelerators of the blocked job on each satellite
        ("blocked_class_id", "i4"),  # class of the blocked job
        ("reserved_row", "i4"),  # row of the job that has the reservation, -1: none
    ],
    align=True,
)
"""State of an environment that is one number: counters, sums and the blocked job."""

policy_numbers_of = rows(Policy)
"""Compiled function that gives names to the numbers of a policy vector."""

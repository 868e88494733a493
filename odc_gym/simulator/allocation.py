"""Allocation, growth and copying of the arrays of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from odc_gym.core.layout.batch import Mutable, Parameters, Tables
from odc_gym.core.layout.event_log import LOG, EventLog
from odc_gym.core.layout.network import Links, traffic_of
from odc_gym.core.layout.records import JOB
from odc_gym.core.layout.rewards import REWARD_SUMS
from odc_gym.core.layout.search import search_of
from odc_gym.core.layout.serving_grid import PROMPTS, Serving
from odc_gym.core.layout.state import Forecast, Sky, State
from odc_gym.core.layout.work import RUN, SCALARS, TRANSFER_ITEMS, Classes, Ledger, Services
from odc_gym.core.layout.workspace import Workspace
from odc_gym.core.serving.slo_model import CAPACITY_ROWS, PROMPT_ROWS
from odc_gym.core.spacecraft.step import SCRATCH
from odc_gym.faults.faults import NO_EVENT
from odc_gym.interface.actions import ActionLayout
from odc_gym.interface.assignment import level_clocks
from odc_gym.interface.dials import dial_count
from odc_gym.physics.ageing import TURNING_POINTS, depth_damage_tables
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.tables.fleet.parameters import past_shape, tenants_block

ROWS = 256  # tables of jobs and events grow in steps of this many rows
NO_JOB: Any = np.zeros((), JOB)
NO_JOB["arrival_s"] = np.inf
BLANKS: dict[str, Any] = {
    "run": np.zeros((), RUN),
    "lists": np.zeros((), np.int32),
    "pending_gb": np.zeros(()),
    "jobs": NO_JOB,
    "events": NO_EVENT,
}
"""Arrays whose last axis is the job table or the table of events, and the entry of rows that are not used."""
NO_EPISODE = -1
"""Seed of a row that has no episode: it was never reset, or its reset failed."""
BY_JOB = ("run", "lists", "pending_gb")  # arrays of `Mutable` whose last axis is the job table
NO_LINKS = Links(*(np.zeros(0) for _ in Links._fields))


def empty_mutable(fleet: FleetModel, b: int, p: int, c: int) -> Mutable:
    """Return cleared state of `b` environments with `p` satellite lanes and `c` classes."""
    return Mutable(
        state=np.zeros((b, len(State._fields), p)),
        classes=np.zeros((b, len(Classes._fields), c, p)),
        ledger=np.zeros((b, len(Ledger._fields), c)),
        scalars=np.zeros(b, SCALARS),
        reward_sums=np.zeros((b, 2), REWARD_SUMS),
        run=np.zeros((b, ROWS), RUN),
        lists=np.zeros((b, 3, ROWS), np.int32),
        points=np.zeros((b, p, TURNING_POINTS + 1)),
        swings=np.zeros((b, p, TURNING_POINTS + 1)),
        services=np.zeros((b, len(Services._fields), c)),
        tenants=tenants_block(fleet.scenario.workload, b),
        past=np.zeros((b, *past_shape(fleet.scenario), p)),
        pending_gb=np.zeros((b, len(TRANSFER_ITEMS), ROWS)),
        cached_models=np.zeros((b, len(fleet.model_gb), p)),
    )


def empty_log(b: int, p: int, room: int = 0) -> EventLog:
    """Return empty event logs of `b` environments with `p` satellite lanes, each with room for some events."""
    return EventLog(np.zeros((b, room), LOG), np.zeros(b, np.int64), np.zeros((b, p), np.int32))


def empty_tables(fleet: FleetModel, b: int, p: int, c: int) -> Tables:
    """Return empty tables of `b` environments with `p` satellite lanes and `c` classes.

    The first episode supplies the tables of the network.
    """
    clock = fleet.clock
    decisions = clock.total // clock.steps + 1
    return Tables(
        seeds=np.full(b, NO_EPISODE, np.int64),
        skies=np.zeros((b, clock.total, len(Sky._fields), p), np.float32),
        forecasts=np.zeros((b, decisions, len(Forecast._fields), p), np.float32),
        days=np.zeros((b, decisions, 2)),
        jobs=np.zeros((b, ROWS), JOB),
        events=np.full((b, ROWS), NO_EVENT),
        demand=np.zeros((b, clock.total, 2, c)),
        links=NO_LINKS,
    )


def repeated_parameters(fleet: FleetModel, b: int) -> Parameters:
    """Return the parameters of a fleet for `b` environments."""
    scenario = fleet.scenario
    design, rules, model_gb, policy, sensors = (
        np.repeat(np.array(array)[None], b, 0)
        for array in (fleet.design, fleet.rules, fleet.model_gb, fleet.policy, fleet.sensors)
    )
    return Parameters(
        design=design,
        rules=rules,
        model_gb=model_gb,
        policy=policy,
        sensors=sensors,
        serving=Serving(*(np.repeat(table[None], b if fleet.serving_varies else 1, 0) for table in fleet.serving)),
        weights=fleet.weights,
        depth_damage=depth_damage_tables(),
        levels=level_clocks(scenario.assign.levels),
    )


def empty_workspace(satellites: int, lanes: int, classes: int, tenants: int, jobs: int, neighbours: int) -> Workspace:
    """Return work arrays for `decide` and `settle`.

    Args:
        satellites: number of satellites.
        lanes: satellites padded to whole SIMD lanes.
        classes: number of classes.
        tenants: number of tenants.
        jobs: rows of the job tables.
        neighbours: largest number of links between a satellite and others.
    """
    return Workspace(
        scratch=np.empty((SCRATCH, lanes)),
        sky=np.empty((len(Sky._fields), lanes)),
        action=np.empty((2, classes)),
        dials=np.empty(dial_count(classes)),
        bids=np.empty(ActionLayout(satellites, classes).size),
        free_from_s=np.empty(satellites),
        candidate=np.empty(satellites, np.bool_),
        spot_accelerators=np.empty(satellites),
        releases=np.empty((2, jobs)),
        can_start=np.empty(jobs, np.bool_),
        uses_links=np.empty(jobs, np.bool_),
        capacity=np.empty((CAPACITY_ROWS, lanes)),
        urgency_factor=np.empty(classes),
        tenant_factor=np.empty(tenants),
        prompts=np.empty((PROMPT_ROWS, PROMPTS)),
        traffic=traffic_of(satellites, neighbours),
        search=search_of(satellites, jobs),
    )


def put_parameters(parameters: Parameters, row: int, fleet: FleetModel) -> None:
    """Set the parameters of environment `row` to those of the fleet of its episode."""
    parameters.design[row], parameters.rules[row] = fleet.design, fleet.rules
    parameters.model_gb[row], parameters.policy[row] = fleet.model_gb, fleet.policy
    parameters.sensors[row] = fleet.sensors
    for array, table in zip(parameters.serving, fleet.serving, strict=True):
        array[row if len(array) > 1 else 0] = table


def longer(array: np.ndarray, rows: int, blank: np.ndarray) -> np.ndarray:
    """Return an array whose last axis holds at least `rows` entries.

    The axis grows to a multiple of `ROWS`, and new entries are `blank`. An array with enough room is returned as it is.
    """
    more = -(-rows // ROWS) * ROWS - array.shape[-1]
    if more <= 0:
        return array
    return np.concatenate([array, np.broadcast_to(blank, (*array.shape[:-1], more))], -1)

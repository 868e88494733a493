"""Fields of satellites: name, unit and shape of each. A field is one line here.

Axis letters: B environments, S satellites, P satellites padded to a multiple of 8, J rows of the job table, C job
classes, T physics steps, D decisions. A block is a float64 array `[environment, field, satellite]`. Named tuples give
names to the rows of one environment: `sat.charge_frac[s]` in the core, `simulator.sat.charge_frac[b, s]` in Python.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym._jit import routine
from odc_gym.core.layout.rows import rows
from odc_gym.physics.thermal import Propagator

LANES = 8
UNBOUND_S = 1e12  # later than any time of an episode
IN_SERVICE, OUT, LOST = 0, 1, 2  # conditions of a satellite
Row = np.ndarray  # (P,) of one environment, or (B, P) seen from outside


class State(NamedTuple):
    """What changes, per satellite."""

    plate_k: Row  # chips and cold plates
    loop_k: Row
    radiator_k: Row
    junction_k: Row
    battery_k: Row
    charge_frac: Row  # of battery capacity
    balance_w: Row  # power into the battery in the last step, losses taken off
    loop_on: Row  # 1 the pump runs
    shed: Row  # 1 compute is off until charge recovers
    tripped: Row  # 1 compute is off until the junction has cooled
    trip_s: Row  # since the trip
    wait_s: Row  # until compute is back after it was shed or tripped
    warned: Row  # 1 jobs know that it will be shed
    off: Row  # 1 compute is off: shed, tripped, halted, restarting, or too cold to restart
    out: Row  # 0 the satellite is in service, 1 out, 2 lost for good
    safe_mode_left_s: Row  # of safe mode, left
    halted: Row  # 1 compute is off by an outage, a loss or safe mode
    shed_known: Row  # shed at the end of the last step
    recent_1_s: Row  # until the last shed no longer counts towards safe mode
    recent_2_s: Row  # the same of the one before
    recent_3_s: Row
    living: Row  # accelerators that work
    free: Row  # of them, those that no job holds
    awake: Row  # accelerators that are not gated
    idle_s: Row  # since all awake accelerators were last held
    terminals: Row  # optical terminals that carry data, mean over the step
    reserved: Row  # accelerators that are promised to the blocked job, 0 none
    reserved_from_s: Row  # when the blocked job is expected to start here, `UNBOUND_S`: no promise that binds
    extra_accelerators: Row  # accelerators free at that time that the blocked job leaves over
    request: Row  # clock request of the agent, -1..1
    clock_order: Row  # clock that the agent asked for outright, 0: by request
    clock_sustainable: Row  # largest common clock within the sustainable power
    clock_cap: Row  # common cap by the governor
    duty: Row  # share of the step that jobs run
    power_w: Row  # compute power
    battery_loss_w: Row  # of the last step, as heat
    bypassed_w: Row  # heat that the bypass kept in the loop
    heater_w: Row  # of the survival heater of the loop
    battery_heater_w: Row
    bus_wanted_w: Row  # bus, terminal and heaters
    held_w: Row  # compute power that the request allows where the plan is below the lowest clock
    allowed_w: Row  # compute power that heat, electricity and the request allow
    bus_served_w: Row
    cycles: Row  # battery damage so far by cycles at 25 C
    damage: Row  # battery damage of its life, linear, calendar ageing and temperature included
    capacity_left: Row  # of the battery's nominal capacity; a fade keeps the charge as a share of it
    fatigue: Row  # battery damage in the episode
    # accounts since the start of the episode
    available_j: Row  # array output that could have been used
    used_j: Row  # array output that was
    electric_j: Row  # drawn by compute, leakage, bus, terminal, heaters and conversion
    compute_j: Row  # drawn by compute and leakage at the bus
    heater_j: Row  # drawn by heaters at the bus
    heat_j: Row  # put into nodes by electricity
    battery_heat_j: Row  # of that, into the battery
    absorbed_j: Row  # put into the radiators by Sun and Earth
    radiated_j: Row
    discharged_j: Row  # out of the battery's terminals
    faded_j: Row  # stored energy that went with capacity
    bus_j: Row  # wanted by bus and standby
    unserved_j: Row  # of that, not served
    hot_kh: Row  # degree-hours of junction over the limit
    thermal_h: Row  # convex thermal violation, weighted hours
    unserved_h: Row  # convex shortfall of bus and standby, weighted hours
    low_charge_h: Row  # convex depth below the floor, weighted hours
    shed_s: Row
    tripped_s: Row
    trips: Row
    sheds: Row
    out_s: Row  # out or lost
    safe_mode_s: Row
    off_s: Row  # compute off for whatever reason
    governed_s: Row  # with the governor below the request
    switches: Row  # changes of the clock request
    upsets: Row  # of living accelerators
    failures: Row  # accelerators that failed
    charge_least: Row
    junction_most: Row


class Design(NamedTuple):
    """Parameters of a satellite."""

    accelerators: Row  # that work when the episode's tables begin
    array_peak_w: Row
    eta_pcdu: Row
    loss: Row  # conversion loss per watt of load
    bus_w: Row
    safe_w: Row  # bus while shed
    terminal_w: Row
    capacity_j: Row
    eta_charge: Row  # as quoted
    eta_discharge: Row
    cell_law: Row  # 1 losses follow temperature and rate
    base_in: Row  # loss of charging over power that is not the cells' law
    base_out: Row  # the same of discharging
    one_hour_w: Row  # power that empties the battery in an hour
    rate_charge_w: Row
    rate_discharge_w: Row
    inverse_taper: Row
    floor_frac: Row
    restore_frac: Row
    ageing_law: Row  # row of the tables of damage by depth
    ageing_charge: Row  # this and the next four: see `physics.ageing.Law`
    ageing_temperature: Row
    ageing_calendar_per_s: Row
    film_frac: Row
    linear_frac: Row
    fatigue_start: Row  # damage of the battery before the episode
    battery_ic: Row  # [K/J]
    battery_radiation: Row  # A eps sigma of its own radiator [W/K4]
    battery_absorb_m2: Row
    battery_heater_k: Row
    battery_heater_most_w: Row
    radiation: Row  # n A fin eps sigma [W/K4]
    absorb_m2: Row  # n A fin
    r_junction: Row  # [K/W]
    g12_on: Row  # [W/K]
    g23_on: Row
    g12_off: Row
    g23_off: Row
    ic1: Row  # [K/J]
    ic2: Row
    ic3: Row
    slope3: Row  # [1/s]
    leak: Row
    inverse_double_k: Row
    limit_k: Row
    throttle_k: Row
    trip_k: Row
    reset_k: Row
    reset_s: Row
    loop_on_k: Row
    loop_off_k: Row
    loop_on_w: Row
    bypass_k: Row  # loop temperature that the bypass keeps
    bypass_share: Row  # of the radiator's flow, at most
    heater_k: Row  # loop temperature that the survival heater keeps
    heater_most_w: Row
    start_k: Row  # loop temperature from which compute may restart
    restart_s: Row
    host_w: Row
    standby_w: Row
    idle_each_w: Row
    gated_each_w: Row
    dynamic_each_w: Row
    gate_after_s: Row
    x_min: Row
    static: Row
    v0: Row
    x_v: Row
    wake_s: Row
    hbm_gb: Row  # memory of an accelerator
    speed: Row  # work rate at full clock over the reference's
    storage_gb: Row
    gain_on: Row  # governor: 1 / (d junction / d power) [W/K]
    gain_off: Row


PROPAGATOR_ROWS = len(
    Propagator._fields
)  # rows of the loop-on propagator follow those of Design, then those of loop-off


class Ratings(NamedTuple):
    """What schedulers read beside the design, per satellite."""

    peak_w: Row  # all accelerators and host at full clock
    period_s: Row
    idle_w: Row  # all accelerators awake without work, and host
    gated_w: Row


class Readings(NamedTuple):
    """What satellites measure and send, rows of [P]: with a delay it is kept until a decision sees it."""

    charge_frac: Row
    junction_k: Row
    radiator_k: Row
    clock_granted: Row  # lowest clock of running work, times duty
    power_w: Row


class Sensors(NamedTuple):
    """Numbers of the telemetry of an environment."""

    charge_sigma: float
    temperature_sigma_k: float
    power_sigma_frac: float
    delay_steps: int  # physics steps between a reading and the decision that sees it


class Sky(NamedTuple):
    """One physics step of the tables of light."""

    sunlit_frac: Row  # mean over the step
    irradiance_frac: Row  # flux on the array over 1361 W/m2
    absorbed_w_m2: Row  # by a radiator face: infrared, albedo, back of the array
    sustainable_w: Row  # compute power of the sustainable plan
    out: Row  # 0 in service, 1 out, 2 lost for good


class Forecast(NamedTuple):
    """What a satellite knows of its light at one decision."""

    crossing_s: Row  # + until the next eclipse, - until the next sunrise
    eclipse_s: Row  # length of the present or next eclipse
    solar_15_w: Row  # mean array power over the next 15 min
    solar_30_w: Row
    solar_60_w: Row
    solar_95_w: Row


satellite_rows, design_rows, sky_rows = rows(State), rows(Design), rows(Sky)
reading_rows, forecast_rows, sensor_numbers_of, propagator_rows = (
    rows(Readings),
    rows(Forecast),
    rows(Sensors),
    rows(Propagator),
)
"""Compiled functions that name the rows of a block."""


def padded(satellites: int) -> int:
    """Number of lanes: satellites rounded up to whole SIMD vectors."""
    return -(-satellites // LANES) * LANES


@routine
def fill(row: Row, value: float) -> None:
    """Set all of a 1-D row; a slice assignment would compile code for its error messages as well."""
    for i in range(row.shape[0]):
        row[i] = value

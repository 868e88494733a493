"""Fields of satellites: name, unit and shape of each. A new field is one line here.

A block is a float64 array `[environment, field, satellite]`. Named tuples give names to the rows of one environment:
`sat.charge_frac[s]` in the core, and `simulator.sat.charge_frac[b, s]` in Python.

Axis letters:

- B environments, S satellites, and P lanes: satellites padded to a multiple of 8.
- J rows of the job table, C job classes, M models, N tenants.
- T physics steps, D decisions.

Suffixes state units: `_k` kelvin, `_w` watts, `_j` joules, `_s` seconds, `_h` hours, `_m2` square metres, `_gb`
gigabytes, and `_frac` a fraction of 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.rows import rows
from odc_gym.physics.thermal import Propagator

LANES = 8  # satellites are padded to a multiple of it, for whole SIMD vectors
UNBOUND_S = 1e12  # a time later than any episode
IN_SERVICE, OUT, LOST = 0, 1, 2  # values of `State.out` and `Sky.out`
Row = np.ndarray  # (P,) in the core, for one environment; (B, P) in Python, for a batch


class State(NamedTuple):
    """State of each satellite, rows of [P]: everything that changes during an episode."""

    plate_k: Row  # chips and cold plates
    loop_k: Row  # coolant of the pumped loop
    radiator_k: Row  # radiator
    junction_k: Row  # hottest part of the chips
    battery_k: Row  # battery cells
    charge_frac: Row  # stored energy over the capacity that is left
    balance_w: Row  # power into the battery in the last step, losses subtracted
    loop_on: Row  # 1: the pump of the coolant loop runs
    shed: Row  # 1: compute is off until the charge recovers
    tripped: Row  # 1: compute is off until the junction has cooled
    trip_s: Row  # time since the trip
    wait_s: Row  # time until compute is back after a shed or a trip
    warned: Row  # 1: jobs have been warned of a coming shed
    off: Row  # 1: compute is off: shed, tripped, halted, restarting, or too cold to restart
    out: Row  # 0: in service, 1: out of service, 2: lost for good
    safe_mode_left_s: Row  # time until safe mode ends
    halted: Row  # 1: compute is off because of an outage, a loss or safe mode
    shed_known: Row  # value of `shed` at the end of the last step
    recent_1_s: Row  # time until the last shed no longer counts towards safe mode
    recent_2_s: Row  # the same for the second last shed
    recent_3_s: Row  # the same for the third last shed
    living: Row  # number of accelerators that work
    free: Row  # number of working accelerators that no job holds
    awake: Row  # number of accelerators that are not gated
    idle_s: Row  # time since jobs last held all awake accelerators
    terminals: Row  # number of optical terminals that carry data, mean over the step
    reserved: Row  # number of accelerators that are reserved for the blocked job, 0: none
    reserved_from_s: Row  # expected start of the blocked job here, `UNBOUND_S`: the reservation does not bind
    extra_accelerators: Row  # accelerators free at that time that the blocked job does not need
    request: Row  # clock request of the agent, -1 to 1, see `physics.compute.class_clock`
    clock_order: Row  # clock that the agent sets directly, 0: the clock follows `request`
    clock_sustainable: Row  # largest common clock within the power of the sustainable plan
    clock_cap: Row  # upper limit of the governor on all clocks
    duty: Row  # share of the step in which jobs run; chips are gated for the rest
    power_w: Row  # compute power
    battery_loss_w: Row  # heat of the battery's losses in the last step
    bypassed_w: Row  # heat that the radiator bypass kept in the loop
    heater_w: Row  # power of the survival heater of the loop
    battery_heater_w: Row  # power of the heater of the battery
    bus_wanted_w: Row  # power that bus, terminals and heaters want
    held_w: Row  # compute power that the request allows where the plan is below the power of the lowest clock
    allowed_w: Row  # compute power that heat, electricity and the request allow
    heat_limits: Row  # 1: heat allows less compute power than electricity and the request do
    bus_served_w: Row  # power that bus, terminals and heaters get
    cycles: Row  # battery damage by cycles so far, as if at 25 C
    damage: Row  # battery damage over its life, with the effects of calendar ageing and temperature
    capacity_left: Row  # battery capacity over nominal; when it fades, `charge_frac` stays the same
    fatigue: Row  # battery damage since the start of the episode
    # accounts since the start of the episode: energies, times, counts and extremes
    available_j: Row  # array output that could have been used
    used_j: Row  # array output that was used
    electric_j: Row  # drawn by compute, leakage, bus, terminals, heaters and conversion
    compute_j: Row  # drawn by compute and leakage, measured at the bus
    heater_j: Row  # drawn by heaters, measured at the bus
    heat_j: Row  # heat put into thermal nodes by electricity
    battery_heat_j: Row  # part of `heat_j` that goes into the battery
    absorbed_j: Row  # heat put into the radiators by Sun and Earth
    radiated_j: Row  # heat radiated to space
    discharged_j: Row  # energy out of the battery's terminals
    faded_j: Row  # stored energy that was lost as capacity faded
    bus_j: Row  # energy that bus and compute want
    unserved_j: Row  # part of `bus_j` that was not served
    hot_kh: Row  # kelvin-hours of the junction above its limit
    thermal_h: Row  # weighted hours of the junction above its limit; the weight is convex in the excess
    unserved_h: Row  # weighted hours of power not served; the weight is convex in the unserved share
    low_charge_h: Row  # weighted hours of charge below the floor; the weight is convex in the depth
    shed_s: Row  # time in which compute was shed
    tripped_s: Row  # time in which compute was tripped
    trips: Row  # number of trips
    sheds: Row  # number of sheds
    out_s: Row  # time out of service or lost
    safe_mode_s: Row  # time in safe mode
    off_s: Row  # time with compute off for any reason
    living_s: Row  # accelerator-seconds of accelerators that work; the next four are parts of it with compute off
    off_outage_s: Row  # satellite out of service
    off_energy_s: Row  # shed for low charge, or in safe mode after repeated sheds
    off_heat_s: Row  # tripped
    off_restart_s: Row  # restarting after one of these, or too cold to restart
    governed_s: Row  # time in which the governor held clocks below the request
    switches: Row  # number of changes of the clock request
    upsets: Row  # number of upsets of working accelerators
    failures: Row  # number of accelerators that failed
    charge_least: Row  # lowest `charge_frac`
    junction_most: Row  # highest `junction_k`


class Design(NamedTuple):
    """Parameters of each satellite, rows of [P], constant during an episode."""

    accelerators: Row  # number that work when the episode's tables begin
    array_peak_w: Row  # array output in normal sunlight of 1361 W/m2
    eta_pcdu: Row  # efficiency of power conditioning and distribution
    loss: Row  # conversion loss per watt of load
    bus_w: Row  # power of the bus
    safe_w: Row  # power of the bus while compute is shed or halted
    terminal_w: Row  # power of an optical terminal that carries data
    capacity_j: Row  # nominal battery capacity
    eta_charge: Row  # quoted efficiency of charging
    eta_discharge: Row  # quoted efficiency of discharging
    cell_law: Row  # 1: losses follow temperature and rate, 0: they are always the quoted ones
    base_in: Row  # charging loss over power, without the part that the law of cell losses gives
    base_out: Row  # the same for discharging
    one_hour_w: Row  # power that empties the battery in an hour
    rate_charge_w: Row  # largest charging power by C-rate
    rate_discharge_w: Row  # largest discharging power by C-rate
    inverse_taper: Row  # 1 / (1 - charge from which the charging power falls)
    floor_frac: Row  # charge below which compute is shed
    restore_frac: Row  # charge from which compute may come back after a shed
    ageing_law: Row  # row of the tables of damage by depth of discharge
    ageing_charge: Row  # this and the next four: see `physics.ageing.Law`
    ageing_temperature: Row  # [1/K]
    ageing_calendar_per_s: Row
    film_frac: Row
    linear_frac: Row
    fatigue_start: Row  # battery damage before the episode
    battery_ic: Row  # inverse heat capacity of the battery [K/J]
    battery_radiation: Row  # A eps sigma of the battery's own radiator [W/K4]
    battery_absorb_m2: Row  # area of the battery's own radiator
    battery_heater_k: Row  # battery temperature that its heater keeps
    battery_heater_most_w: Row  # largest power of the battery's heater
    radiation: Row  # n A fin eps sigma of the radiator [W/K4]
    absorb_m2: Row  # n A fin: effective area of the radiator
    r_junction: Row  # thermal resistance from junction to plate [K/W]
    g12_on: Row  # conductance from plate to loop while the pump runs [W/K]
    g23_on: Row  # conductance from loop to radiator while the pump runs [W/K]
    g12_off: Row  # conductance from plate to loop while the pump rests [W/K]
    g23_off: Row  # conductance from loop to radiator while the pump rests [W/K]
    ic1: Row  # inverse heat capacity of the plate [K/J]
    ic2: Row  # the same of the loop [K/J]
    ic3: Row  # the same of the radiator [K/J]
    slope3: Row  # linearised rate of radiation, 4 n A fin eps sigma T^3 / C3 [1/s]
    leak: Row  # leakage at a junction of 60 C over the power quoted there
    inverse_double_k: Row  # 1 / temperature rise that doubles leakage [1/K]
    limit_k: Row  # junction temperature above which a violation counts
    throttle_k: Row  # junction temperature that the governor keeps
    trip_k: Row  # junction temperature above which compute trips
    reset_k: Row  # junction temperature below which a trip ends
    reset_s: Row  # time after which a trip ends at the latest
    loop_on_k: Row  # plate temperature above which the pump starts
    loop_off_k: Row  # plate temperature below which the pump stops
    loop_on_w: Row  # compute power above which the pump starts
    bypass_k: Row  # loop temperature that the radiator bypass keeps
    bypass_share: Row  # largest share of the coolant flow that bypasses the radiator
    heater_k: Row  # loop temperature that the survival heater keeps
    heater_most_w: Row  # largest power of the survival heater
    start_k: Row  # loop temperature from which compute may restart
    restart_s: Row  # time from the end of a shed or trip until compute is back
    host_w: Row  # power of the host of the accelerators
    standby_w: Row  # compute power while compute is off
    idle_each_w: Row  # power of an awake accelerator without work
    gated_each_w: Row  # power of a gated accelerator
    dynamic_each_w: Row  # power of an accelerator at full clock and utilisation 1, above idle
    gate_after_s: Row  # idle time after which accelerators are gated
    x_min: Row  # lowest clock over full clock
    static: Row  # share of dynamic power that does not depend on the clock
    v0: Row  # lowest voltage over the voltage at full clock
    x_v: Row  # clock over full clock up to which the voltage is the lowest
    wake_s: Row  # time that a gated accelerator needs to wake up
    hbm_gb: Row  # memory of an accelerator
    speed: Row  # work rate of an accelerator at full clock over that of the reference
    storage_gb: Row  # storage of the satellite
    gain_on: Row  # governor: inverse junction rise over a step per watt, pump running [W/K]
    gain_off: Row  # the same with the pump at rest [W/K]


PROPAGATOR_ROWS = len(Propagator._fields)
"""Number of rows of a propagator.

In the design block, the propagator with the pump running follows the fields of `Design`, then that with the pump at
rest.
"""


class Ratings(NamedTuple):
    """Ratings of each satellite, rows of [P], which schedulers read besides the design."""

    peak_w: Row  # power of host and all accelerators at full clock
    period_s: Row  # orbital period
    idle_w: Row  # power of the host and all accelerators awake without work
    gated_w: Row  # power of the host and all accelerators gated


class Readings(NamedTuple):
    """Telemetry of the satellites, rows of [P]. Delayed readings are stored until a decision sees them."""

    charge_frac: Row
    junction_k: Row
    radiator_k: Row
    clock_granted: Row  # lowest clock of running work, times `State.duty`
    power_w: Row  # compute power


class Sensors(NamedTuple):
    """Noise and delay of an environment's telemetry."""

    charge_sigma: float  # standard deviation of the charge reading
    temperature_sigma_k: float  # standard deviation of temperature readings
    power_sigma_frac: float  # standard deviation of the power reading over the power
    delay_steps: int  # physics steps between a reading and the decision that sees it


class Sky(NamedTuple):
    """Light, heat and condition of each satellite in one physics step, rows of [P] of the sky table."""

    sunlit_frac: Row  # share of the step in sunlight
    irradiance_frac: Row  # flux on the array over 1361 W/m2
    absorbed_w_m2: Row  # heat absorbed by a radiator face from infrared, albedo and the back of the array
    sustainable_w: Row  # compute power of the sustainable plan
    out: Row  # 0: in service, 1: out of service, 2: lost for good


class Forecast(NamedTuple):
    """Forecast of each satellite's light at one decision, rows of [P]."""

    crossing_s: Row  # time to the next eclipse if positive; minus the time to the next sunrise if negative
    eclipse_s: Row  # length of the present or next eclipse
    solar_15_w: Row  # mean array power over the next 15 min
    solar_30_w: Row  # the same over 30 min
    solar_60_w: Row  # the same over 60 min
    solar_95_w: Row  # the same over 95 min


satellite_rows, design_rows, sky_rows = rows(State), rows(Design), rows(Sky)
reading_rows, forecast_rows, sensor_numbers_of, propagator_rows = (
    rows(Readings),
    rows(Forecast),
    rows(Sensors),
    rows(Propagator),
)
"""Compiled functions that give names to the rows of a block."""


def padded(satellites: int) -> int:
    """Return the number of lanes P: satellites rounded up to a multiple of `LANES`."""
    return -(-satellites // LANES) * LANES


@routine
def fill(row: Row, value: float) -> None:
    """Set all elements of a 1-D row to a value.

    A slice assignment would also compile code for its error messages.
    """
    for i in range(row.shape[0]):
        row[i] = value


@routine
def copy_sky(table: np.ndarray, sky: np.ndarray) -> None:
    """Copy one step of the sky table, [field, P] float32, into a float64 block."""
    for f in range(table.shape[0]):
        for s in range(table.shape[1]):
            sky[f, s] = table[f, s]

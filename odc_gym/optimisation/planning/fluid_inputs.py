"""Inputs of the fluid plan of one episode at one decision: fleet by groups, light ahead, and work ahead."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from odc_gym.constants import HOUR_S
from odc_gym.core.layout.state import Sky
from odc_gym.core.layout.work import RUNNING, WAITING
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.fleet.sustainable import thermal_limit_w
from odc_gym.workload import mean_price

Array = NDArray[Any]

MOST_GROUPS = 24  # satellites of a larger fleet share the variables of their group
LEVELS = 4  # clock levels of the plan, from the lowest clock to full clock
HEAT_MARGIN_K = 2.0  # below the junction limit
TIERS = (0.25, 0.45, 1.0)  # depths of discharge between which wear has one price
KW, KWH_J = 1e3, 3.6e6
RAMP_H = 1.0  # time in which newly arriving jobs reach the width that they offer on average


class FluidInputs(NamedTuple):
    """Numbers of the linear program, for T slots, G groups, C classes and L levels. Group values are per satellite.

    Kilowatts and hours keep the numbers near 1, as the tolerances of solvers expect.
    """

    slot_h: float
    group: Array  # (S,) group of each satellite
    size: Array  # (G,) satellites of each group
    accelerators: Array  # (G,) working ones
    idle_kw: Array  # (G,) bus, host and gated accelerators, before conversion
    busy_kw: Array  # (G, C, L) power of an accelerator at work, above gated
    rate: Array  # (G, C, L) reference accelerators that one does
    array_kw: Array  # (T, G)
    limit_kw: Array  # (T, G) compute power that heat allows
    compute_idle_kw: Array  # (G,) part of `idle_kw` that counts against `limit_kw`
    eta: Array  # (3, G) power conditioning, charging, discharging
    rates_kw: Array  # (2, G) largest charging and discharging power
    tier_kwh: Array  # (K, G) energy of each tier of the battery, the fullest first
    drawn_kwh: Array  # (K, G) part of it that is drawn now
    wear: Array  # (K, G) price of a kWh out of each tier [points]
    stored: Array  # (G,) price of a stored kWh at the end [points]
    service: Array  # (C,) whether the class is a service
    value: Array  # (C,) of a reference-accelerator-hour [points]
    work_h: Array  # (T, C) of jobs: cumulative work that is there to do; of services: work that arrives in the slot
    width: Array  # (T, C) accelerators that the jobs that are there can use
    headroom: Array  # (C,) largest load of replicas


def fluid_inputs(simulator: Simulator, row: int, slots: int, slot_s: float) -> FluidInputs:
    """Return the inputs of a row's plan from what a scheduler may know.

    Args:
        simulator: simulator of the episode.
        row: its row.
        slots: number of slots ahead, T; no more than the episode still has.
        slot_s: length of a slot [s], rounded to whole physics steps.
    """
    dt_s = simulator.fleet.clock.dt_s
    slot_s = max(1, round(slot_s / dt_s)) * dt_s
    left_s = (simulator.fleet.clock.total - int(simulator.scalars["tick"][row])) * dt_s
    slots = min(slots, max(1, math.ceil(left_s / slot_s)))
    n, seen = simulator.satellites, simulator.view.observation
    group, size = _groups(simulator, row)

    def mean(values: Array) -> Array:
        return np.stack([np.bincount(group, v, len(size)) / size for v in np.atleast_2d(values)])

    design = {name: mean(values[row])[0] for name, values in simulator.view.design.items()}
    rules = {name: getattr(simulator.rules, name)[row] for name in simulator.rules._fields}
    weights, service = simulator.parameters.weights, rules["service"] > 0.5
    light = _light(simulator, row, slots, slot_s)
    absorbed_w = mean(light[2] * simulator.view.design["absorb_m2"][row])
    other_heat_w = absorbed_w + design["bus_w"] * (1.0 + design["loss"])
    charge = mean(seen["charge_frac"][row])[0]
    capacity_kwh = design["capacity_j"] / KWH_J
    edges = np.minimum(np.array([0.0, *TIERS])[:, None], 1.0 - design["floor_frac"])
    damage = simulator.parameters.depth_damage[design["ageing_law"].round().astype(int)]
    stored = mean(weights.stored_per_j[:n])[0] * (1.0 - 2.0 * weights.stored_curvature * charge)
    work_s, width = _work(simulator, row, _profile(simulator, row, slots, slot_s), slot_s)
    gated_w = design["host_w"] + design["accelerators"] * design["gated_each_w"]
    busy_w, rate = _accelerators(design, rules["kappa"], rules["utilisation"])
    on = 1.0 - seen["shed"][row]
    return FluidInputs(
        slot_h=slot_s / HOUR_S,
        group=group,
        size=size,
        accelerators=mean((seen["running"][row].sum(0) + seen["free"][row]) * on)[0],
        idle_kw=(design["bus_w"] + gated_w) / KW,
        busy_kw=busy_w / KW,
        rate=rate,
        array_kw=mean(light[0] * light[1] * simulator.view.design["array_peak_w"][row]) / KW,
        limit_kw=thermal_limit_w(design, design["limit_k"] - HEAT_MARGIN_K, other_heat_w) / KW,
        compute_idle_kw=gated_w / KW,
        eta=np.stack([design["eta_pcdu"], design["eta_charge"], design["eta_discharge"]]),
        rates_kw=np.stack([design["rate_charge_w"], design["rate_discharge_w"]]) / KW,
        tier_kwh=np.diff(edges, axis=0) * capacity_kwh,
        drawn_kwh=np.diff(np.clip(edges, 0.0, 1.0 - charge), axis=0) * capacity_kwh,
        wear=KWH_J * weights.points * weights.wear_per_j * _wear(damage, edges),
        stored=KWH_J * weights.points * stored,
        service=service,
        value=weights.points * rules["value"] * np.where(service, 1.0, mean_price(simulator.scenario.workload)),
        work_h=work_s / HOUR_S,
        width=width,
        headroom=np.where(service, np.maximum(rules["headroom"], 0.1), 1.0),
    )


def _accelerators(design: Mapping[str, Array], kappa: Array, utilisation: Array) -> tuple[Array, Array]:
    """Return the power of an accelerator at work above gated [W], and its rate, (G, C, L) each."""
    clock = np.linspace(design["x_min"], 1.0, LEVELS)[:, None]  # (L, 1, G)
    rise = np.maximum(clock - design["x_v"], 0.0) / (1.0 - design["x_v"])
    volt = design["v0"] + (1.0 - design["v0"]) * rise
    dynamic = design["static"] + (1.0 - design["static"]) * clock * volt**2  # see `physics.compute.dynamic_frac`
    awake_w = design["idle_each_w"] - design["gated_each_w"]
    power_w = awake_w + design["dynamic_each_w"] * utilisation[:, None] * dynamic
    speed = design["speed"] * clock / (kappa[:, None] + (1.0 - kappa[:, None]) * clock)
    return power_w.transpose(2, 1, 0), speed.transpose(2, 1, 0)


def _groups(simulator: Simulator, row: int) -> tuple[Array, Array]:
    """Return the group of each satellite, (S,), and the sizes of the groups: neighbours in hardware and in light."""
    n = simulator.satellites
    if n <= MOST_GROUPS:
        return np.arange(n), np.ones(n)
    crossing_s = simulator.view.forecast["time_to_crossing_s"][row]
    hardware = simulator.view.design["capacity_j"][row]
    order = np.lexsort((crossing_s, hardware))
    group = np.empty(n, np.int64)
    group[order] = np.arange(n) * MOST_GROUPS // n
    return group, np.bincount(group).astype(float)


def _light(simulator: Simulator, row: int, slots: int, slot_s: float) -> Array:
    """Return the sunlit share, irradiance and absorbed heat of each slot, (3, T, S); orbits are known.

    Slots beyond the end of the episode repeat its last step.
    """
    tick, dt_s = int(simulator.scalars["tick"][row]), simulator.fleet.clock.dt_s
    steps = tick + np.arange(slots * round(slot_s / dt_s))
    fields = [Sky._fields.index(name) for name in ("sunlit_frac", "irradiance_frac", "absorbed_w_m2")]
    sky = simulator.tables.skies[row, np.minimum(steps, simulator.fleet.clock.total - 1)][:, fields]
    by_slot = sky[:, :, : simulator.satellites].astype(float).reshape(slots, -1, 3, simulator.satellites)
    return np.asarray(by_slot.mean(1).transpose(1, 0, 2))


def _wear(damage: Array, edges: Array) -> Array:
    """Return the damage of a full cycle per unit of depth between edges, (K, G), nowhere less than at lower depths.

    A program draws the cheapest tier first. Prices must therefore not fall with depth, as they do for shallow cycles.

    Args:
        damage: damage of a cycle at equal steps of the root of its depth, (G, 1025).
        edges: depths, (K + 1, G).
    """
    root = np.linspace(0.0, 1.0, damage.shape[1])
    at = np.stack([np.interp(np.sqrt(edges[:, g]), root, damage[g]) for g in range(len(damage))], 1)
    return np.asarray(np.maximum.accumulate(np.diff(at, axis=0) / np.maximum(np.diff(edges, axis=0), 1e-6)))


def _profile(simulator: Simulator, row: int, slots: int, slot_s: float) -> Array:
    """Return the expected rate of work over its mean in each slot, (T,)."""
    from odc_gym.workload.arrivals.profile import daily_profile

    workload, sine = simulator.scenario.workload, simulator.view.observation
    hour = np.arctan2(sine["day_sine"][row], sine["day_cosine"][row]) * 12.0 / np.pi
    ahead = hour + (np.arange(slots) + 0.5) * slot_s / HOUR_S
    return daily_profile(workload.profile, list(workload.regions.values()), ahead)


def _work(simulator: Simulator, row: int, profile: Array, slot_s: float) -> tuple[Array, Array]:
    """Return the work ahead and the accelerators that it can use, (T, C) each; see `FluidInputs`."""
    slots = len(profile)
    seen, rules = simulator.view.observation, simulator.rules
    offered = rules.offered[row]  # reference accelerators
    service = rules.service[row] > 0.5
    level = np.where(service, seen["arrival_rate"][row] / np.maximum(offered * profile[0], 1e-9), 1.0)
    hours = (np.arange(slots) + 0.5)[:, None] * slot_s / HOUR_S
    ar = simulator.scenario.workload.burst.ar
    arriving = offered * profile[:, None] * np.clip(level, 0.25, 4.0) ** (ar**hours)
    jobs, run = simulator.jobs[row], simulator.run[row]
    alive = np.isin(run["status"], (WAITING, RUNNING)) & np.isfinite(jobs["estimate_s"])
    width_now = np.bincount(jobs["class_id"][alive], jobs["total_accelerators"][alive], len(offered))
    backlog_s = seen["backlog_s"][row]
    there_s = np.where(service, arriving * slot_s, backlog_s + np.cumsum(arriving, 0) * slot_s)
    there_s[0] += np.where(service, backlog_s, 0.0)
    speed = float(simulator.view.design["speed"][row].mean())
    width = width_now + offered / speed * np.minimum(hours / RAMP_H, 1.0)
    return there_s, np.where(service, np.inf, width)

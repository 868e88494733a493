"""Energy: sunlight, the loads of bus and compute, the battery, and the value of its charge at the end.

Energies are in kilowatt-hours by group and cell, powers in kilowatts. Light of one step of a cell can serve the load of
another without loss, as in a battery that is ideal within the cell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.constants import HOUR_S, KWH_J
from odc_gym.optimisation.bound.accelerators import KW, TimeAtWork
from odc_gym.optimisation.bound.battery import charging, discharging, value_of_charge
from odc_gym.optimisation.bound.episode import Episode
from odc_gym.optimisation.bound.leakage import leakage_lines
from odc_gym.optimisation.bound.program import Program
from odc_gym.physics.battery import RESERVE_FRAC

LEAKAGE_MOST = 2.0  # most leakage over the power, above the least leakage
LOSSES = 1.25  # cells give at most so much for a unit at the terminals
FADED = 0.8  # batteries keep at least so much of their capacity in an episode


class BaseLoad(NamedTuple):
    """Load without accelerators at work, before the losses of conversion.

    Attributes:
        least_kwh: energy of each group in each cell with compute off, (G, T) [kWh].
        each_kw: power of bus and host for each accelerator at work, above that with compute off, (G,) [kW].
    """

    least_kwh: np.ndarray
    each_kw: np.ndarray


def least_leakage(episode: Episode) -> np.ndarray:
    """Return the lowest leakage over the power quoted at 60 C, (G,): that of infinitely cold chips."""
    return -episode.most(episode.design.leak)


def base_load(episode: Episode) -> BaseLoad:
    """Return the load without accelerators at work.

    A satellite may switch compute off at any time and without delay, in which case bus and standby take least. It may
    also be on for the part of its accelerators that work.
    """
    design, off_w = episode.design, off_power_w(episode)
    on_w = design.bus_w + _with_leakage(episode) * gated_power_w(episode)
    least_kwh = KW * episode.total(off_w)[:, None] * episode.grid.hours
    each_w = np.maximum(on_w - off_w, 0.0) / np.maximum(design.accelerators, 1.0)
    return BaseLoad(least_kwh, KW * episode.least(each_w))


def standby_power_w(episode: Episode) -> np.ndarray:
    """Return the least compute power of each satellite, (S,) [W]: on standby, or with all accelerators gated."""
    return np.asarray(np.minimum(episode.design.standby_w, gated_power_w(episode)))


def host_each_kw(episode: Episode) -> np.ndarray:
    """Return the power of host and gated accelerators for each accelerator at work, above standby, (G,) [kW]."""
    above_w = gated_power_w(episode) - standby_power_w(episode)
    return np.asarray(KW * episode.least(above_w / np.maximum(episode.design.accelerators, 1.0)))


def standby_and_work_kwh(episode: Episode, work: TimeAtWork) -> np.ndarray:
    """Return the energy of compute of each group in each cell if everything works, (G, T) [kWh]."""
    most_kw = np.zeros(episode.groups)
    np.maximum.at(most_kw, work.group, work.power_kw)
    standby = KW * episode.total(standby_power_w(episode))[:, None] * episode.grid.hours
    accelerators = episode.total(episode.design.accelerators)[:, None] * episode.grid.hours
    return np.asarray(standby + (most_kw + host_each_kw(episode))[:, None] * accelerators)


def add_leakage(program: Program, episode: Episode, work: TimeAtWork, leak: np.ndarray, unserved: np.ndarray) -> None:
    """Add the rows that keep the heat of compute over the episode above the bounds of `leakage_lines`.

    The heat of compute is its power, at the least leakage, and the variables `leak` of leakage above that. `unserved`
    are the variables of the base load that is not served.
    """
    lines, least = leakage_lines(episode), 1.0 + least_leakage(episode)
    standby_kwh = KW * episode.total(standby_power_w(episode)) * episode.grid.hours.sum()
    power_kw = work.power_kw + host_each_kw(episode)[work.group]
    for k, (share, constant, missing) in enumerate(zip(*lines, strict=True)):
        excess = 1.0 - share * least  # part of the power that leakage above the least has to cover
        row = program.limits(f"leakage {k}", -(constant + excess * standby_kwh))
        program.add(row[work.group][:, None], work.variable, (excess[work.group] * power_kw)[:, None])
        program.add(row[:, None], leak, -share[:, None])
        program.add(row[:, None], unserved, -missing[:, None])


def off_power_w(episode: Episode) -> np.ndarray:
    """Return the least power of bus and standby of each satellite while its compute is off, (S,) [W]."""
    design = episode.design
    standby_w = _with_leakage(episode) * standby_power_w(episode)
    return np.asarray(np.minimum(design.safe_w, design.bus_w) + standby_w)


def gated_power_w(episode: Episode) -> np.ndarray:
    """Return the power of host and gated accelerators of each satellite, (S,) [W]."""
    return np.asarray(episode.design.host_w + episode.living.min(0) * episode.design.gated_each_w)


def _with_leakage(episode: Episode) -> np.ndarray:
    """Return one plus the least leakage of each satellite, (S,)."""
    return np.asarray(1.0 + least_leakage(episode)[episode.group])


def add_energy(program: Program, episode: Episode, work: TimeAtWork) -> np.ndarray:
    """Add light, loads and batteries, and return the variables of the stored energy at the end of each cell, (G, T)."""
    conversion = 1.0 + episode.least(episode.design.loss)
    base = base_load(episode)
    supply = program.limits("power", sunlight(episode) - conversion[:, None] * base.least_kwh)
    with_leakage = 1.0 + least_leakage(episode)[work.group]
    draw = conversion[work.group] * (with_leakage * work.power_kw + base.each_kw[work.group])
    program.add(supply[work.group], work.variable, draw[:, None])
    leak = program.variables("leakage", LEAKAGE_MOST * standby_and_work_kwh(episode, work))
    program.add(supply, leak, conversion[:, None])
    unserved = program.variables("unserved", base.least_kwh, -points_of_unserved(episode)[:, None])
    program.add(supply, unserved, -conversion[:, None])
    add_leakage(program, episode, work, leak, unserved)
    return add_batteries(program, episode, supply)


def sunlight(episode: Episode) -> np.ndarray:
    """Return the output of the arrays of each group in each cell, (G, T) [kWh]."""
    grid = episode.grid
    return np.asarray(KW * episode.total(grid.sums(episode.sun_w)).T * (grid.step_s / HOUR_S))


def add_batteries(program: Program, episode: Episode, supply: np.ndarray) -> np.ndarray:
    """Add the batteries to the rows `supply` of the power balance, and return the variables of their energy, (G, T)."""
    design, state, cells = episode.design, episode.state, episode.grid.cells
    capacity = design.capacity_j * state.capacity_left / KWH_J
    begin = np.zeros((episode.groups, cells))
    begin[:, 0] = episode.total(capacity * state.charge_frac)
    stored = program.variables("stored energy", np.repeat(episode.total(capacity)[:, None], cells, 1))
    kept = program.limits("battery", begin)
    program.add(kept, stored, 1.0)
    program.add(kept[:, 1:], stored[:, :-1], -1.0)
    for name, lines, sign in (("charging", charging(episode), 1.0), ("discharging", discharging(episode), -1.0)):
        flow = program.variables(name, lines.length[:, :, None] * episode.grid.hours)
        program.add(supply[:, None], flow, sign)
        program.add(kept[:, None], flow, -sign * lines.slope[:, :, None])
    value = value_of_charge(episode)
    left = program.variables("charge at the end", value.length, value.slope)
    program.add(program.limits("charge at the end", np.zeros(episode.groups))[:, None], left, 1.0)
    program.add(program.rows["charge at the end"].start + np.arange(episode.groups), stored[:, -1], -1.0)
    charge = state.charge_frac
    worth = charge - episode.weights.stored_curvature * charge * charge
    program.constant -= float((episode.points_of_charge * design.capacity_j / KWH_J * worth).sum())
    return stored


def points_of_unserved(episode: Episode) -> np.ndarray:
    """Return the least cost of a kilowatt-hour of the base load that is not served, (G,) [points].

    The base load goes unserved only where the charge is within a step of the reserve. There it lies below the floor,
    which costs. The charge does not rise in such a step, so that its cost is that of the charge at its beginning.
    """
    design, weights, step_s = episode.design, episode.weights, episode.grid.step_s
    need_w = np.maximum(off_power_w(episode), 1.0)
    cells_j = LOSSES * need_w * step_s / design.eta_pcdu  # what the cells give for it in a step
    near = RESERVE_FRAC + cells_j / (FADED * design.capacity_j * episode.state.capacity_left)
    depth = np.maximum(design.floor_frac - near, 0.0) / design.floor_frac
    size = design.accelerators * design.speed
    cost = weights.points * weights.low_charge * size * (step_s / HOUR_S) * (depth + depth * depth)
    within_rate = design.rate_discharge_w * design.eta_pcdu >= need_w
    return episode.least(np.where(within_rate, cost / (need_w * step_s / KWH_J), 0.0))

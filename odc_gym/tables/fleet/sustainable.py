"""Sustainable plan: the constant compute powers in sunlight and eclipse with the largest periodic throughput.

The plan maximises (1 - f) tau(p_sun) + f tau(p_dark). Here tau is the throughput of the class mix when all accelerators
are busy, and f is the eclipse fraction. The constraints are:

- The junction stays at `plan_c` in steady state, with leakage and the radiator's sink of the sunlit part.
- An orbit ends with the charge it began with.
- The depth of discharge stays within `soft_dod`.
- The battery stays within its C-rates.

Powers, with battery losses at its planned temperature and these rates:

    eclipse:  out = (p_dark + leak + bus) / eta_pcdu, the cells give out + loss(out)
    sunlight: array = (p_sun + leak + bus) / eta_pcdu + into, the cells take into - loss(into) = f / (1 - f) of that

The taper does not bind: in balance the charge settles where charging is not tapered. The solver enumerates `p_dark` and
computes the best `p_sun` in closed form. `settle` in `core.decision` runs the plan in the full physics and starts
episodes on its periodic solution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from odc_gym.physics.battery import cell_loss
from odc_gym.physics.compute import dynamic_frac, speed_frac
from odc_gym.physics.thermal import REFERENCE_K
from odc_gym.tables.fleet.varying_array_balance import VaryingArray

SCAN_POINTS = 64  # values of p_dark
CLOCK_POINTS = 257  # points of the throughput curve
FIXED_POINT_TOLERANCE = 2e-3  # largest relative error of the draw at a fixed point
C_RATE_DERATING = 0.99  # factor on the C-rates, because real eclipses do not begin on a step's boundary


DesignNumbers = Mapping[str, Any]
"""Design numbers by name: of one satellite, or arrays (N, 1) of N satellites."""


@dataclass(frozen=True)
class ClassMix:
    """Class mix: shares of offered work, utilisation and clock sensitivity `kappa`, (C,) each."""

    share: np.ndarray
    utilisation: np.ndarray
    kappa: np.ndarray


@dataclass(frozen=True)
class Effects:
    """Effects that the solver includes; closed forms switch some off.

    Attributes:
        leakage: leakage power grows with the junction temperature.
        soft_depth: the depth of discharge is limited.
        c_rates: charging and discharging powers are limited.
    """

    leakage: bool = True
    soft_depth: bool = True
    c_rates: bool = True


ALL_EFFECTS = Effects()


@dataclass(frozen=True)
class ThroughputCurve:
    """Throughput of one satellite as a function of its compute power.

    At the first point all accelerators are gated. Between it and the lowest clock they are gated part of the time.

    Attributes:
        power_w: compute power [W], (CLOCK_POINTS + 1,), or (N, CLOCK_POINTS + 1) of N satellites.
        throughput: throughput [reference accelerators], same shape.
    """

    power_w: np.ndarray
    throughput: np.ndarray

    @classmethod
    def of(cls, design: DesignNumbers, mix: ClassMix) -> ThroughputCurve:
        """Build the curve with all accelerators busy at one common clock.

        Classes share the accelerators such that work is done in its offered shares.
        """
        laws = [np.ravel(design[name]).tolist() for name in ("x_min", "static", "v0", "x_v")]
        by_law = {law: _clock_law(law, mix) for law in set(zip(*laws, strict=True))}  # many satellites share a law
        shape = (*np.shape(design["x_min"])[:-1], CLOCK_POINTS)
        dynamic, total, utilisation = (
            np.array([by_law[law][k] for law in zip(*laws, strict=True)]).reshape(shape) for k in range(3)
        )
        power = design["host_w"] + design["accelerators"] * (
            design["idle_each_w"] + design["dynamic_each_w"] * utilisation * dynamic
        )
        gated = np.broadcast_to(design["host_w"] + design["accelerators"] * design["gated_each_w"], (*shape[:-1], 1))
        throughput = design["speed"] * design["accelerators"] / total
        return cls(np.concatenate([gated, power], -1), np.concatenate([np.zeros((*shape[:-1], 1)), throughput], -1))

    def at(self, power_w: np.ndarray) -> np.ndarray:
        """Return the throughput at a power [reference accelerators].

        It stays constant above the power of full clock. For a curve of N satellites, power and result are (N, any).
        """
        if self.power_w.ndim == 1:
            return np.asarray(np.interp(power_w, self.power_w, self.throughput))
        rows = zip(power_w, self.power_w, self.throughput, strict=True)
        return np.array([np.interp(wanted, row_power, throughput) for wanted, row_power, throughput in rows])

    def slope(self, power_w: np.ndarray) -> np.ndarray:
        """Return the throughput that one more watt adds to one satellite at a power [reference accelerators/W]."""
        segment = np.searchsorted(self.power_w, power_w, side="right") - 1
        segment = np.clip(segment, 0, len(self.power_w) - 2)
        return np.asarray((np.diff(self.throughput) / np.diff(self.power_w))[segment])


def _clock_law(law: tuple[float, ...], mix: ClassMix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return three functions of the clock on a grid from the lowest clock up to 1.

    Args:
        law: lowest clock, static share, lowest voltage, and the clock at which the voltage begins to rise.
        mix: class mix.

    Returns:
        Dynamic power relative to full clock, accelerator time that a unit of work takes, and mean utilisation.
    """
    x_min, static, v0, x_v = law
    x = np.linspace(x_min, 1.0, CLOCK_POINTS)
    dynamic = np.array([dynamic_frac(v, static, v0, x_v) for v in x])
    speed = np.array([[speed_frac(v, k) for k in mix.kappa] for v in x])  # (CLOCK_POINTS, C)
    slots = mix.share / speed
    total = slots.sum(1)
    return dynamic, total, (slots * mix.utilisation).sum(1) / total


@dataclass(frozen=True)
class Plan:
    """Sustainable plan for each of a batch of orbits; arrays share one shape.

    Attributes:
        sun_w: compute power in sunlight [W].
        dark_w: compute power in eclipse [W].
        throughput: mean throughput over the orbit [reference accelerators].
        depth: depth of discharge.
        keeps_depth: False where gated accelerators and bus alone exceed the soft depth or the C-rates.
    """

    sun_w: np.ndarray
    dark_w: np.ndarray
    throughput: np.ndarray
    depth: np.ndarray
    keeps_depth: np.ndarray


def steady_leakage(design: DesignNumbers, power_w: np.ndarray, heat_w: np.ndarray) -> np.ndarray:
    """Return leakage beyond 60 C as a fraction of power, in thermal equilibrium at a constant power.

    The function iterates leakage and temperature to their fixed point. Each iteration multiplies the error by about a
    tenth. The junction is limited to the trip temperature.

    Args:
        design: design numbers.
        power_w: compute power at 60 C [W].
        heat_w: all other heat into the radiator [W].
    """
    leak = np.zeros(np.broadcast(power_w, heat_w).shape)
    for _ in range(10):
        plate = _plate_k(design, power_w * (1.0 + leak), heat_w)
        leak = _leakage(design, np.minimum(plate + design["r_junction"] * power_w, design["trip_k"]))
    return leak


def thermal_limit_w(
    design: DesignNumbers, plan_k: Any, heat_w: np.ndarray, effects: Effects = ALL_EFFECTS
) -> np.ndarray:
    """Return the largest constant compute power whose junction stays at `plan_k` in equilibrium [W].

    Design numbers and `plan_k` may be arrays that broadcast against `heat_w`.

    Args:
        design: design numbers.
        plan_k: junction temperature [K].
        heat_w: all other heat into the radiator [W].
        effects: effects that are included.
    """
    leak = _leakage(design, plan_k) if effects.leakage else 0.0
    low = np.zeros(np.shape(heat_w))
    high = low + (10.0 * design["host_w"] + 10.0 * design["accelerators"] * design["dynamic_each_w"])
    for _ in range(60):
        p = 0.5 * (low + high)
        into_plate = p * (1.0 + leak)
        radiator = plan_k - design["r_junction"] * p - into_plate * (1.0 / design["g12_on"] + 1.0 / design["g23_on"])
        fits = design["radiation"] * np.maximum(radiator, 0.0) ** 4 >= into_plate * (1.0 + design["loss"]) + heat_w
        low, high = np.where(fits, p, low), np.where(fits, high, p)
    return low


def radiator_heat_w(design: DesignNumbers, absorbed_w_m2: np.ndarray) -> np.ndarray:
    """Return the heat into the radiator other than compute: absorbed radiation, bus and its conversion losses [W]."""
    return np.asarray(design["absorb_m2"] * np.asarray(absorbed_w_m2) + design["bus_w"] * (1.0 + design["loss"]))


def solve(
    design: DesignNumbers, mix: ClassMix, plan_k: Any, soft_depth: Any, period_s: float,
    eclipse_frac: np.ndarray, array_w: np.ndarray, absorbed_w_m2: np.ndarray, effects: Effects = ALL_EFFECTS,
    varying_array: VaryingArray | None = None,
) -> Plan:  # fmt: skip
    """Return the best plan for each orbit of a batch.

    Args:
        design: design numbers of one satellite, or of the satellite of each orbit, (N, 1).
        mix: class mix.
        plan_k: limit of the junction temperature [K], or (N, 1).
        soft_depth: limit of the depth of discharge, or (N, 1).
        period_s: orbital period [s].
        eclipse_frac: share of the orbit in shadow, (N,).
        array_w: mean array output in sunlight [W], (N,).
        absorbed_w_m2: mean heat that a radiator face absorbs [W/m2], (N,).
        effects: effects that are included.
        varying_array: array output over the sunlit part, if it varies.

    Returns:
        The plan, arrays (N,). Where even gated accelerators exceed the soft depth, the plan of least depth.
    """
    f, array, sink = (np.asarray(v, float)[:, None] for v in (eclipse_frac, array_w, absorbed_w_m2))
    heat = radiator_heat_w(design, sink)
    curve = ThroughputCurve.of(design, mix)
    lowest, highest = curve.power_w[..., :1], curve.power_w[..., -1:]
    thermal_cap = np.minimum(thermal_limit_w(design, plan_k, heat, effects), highest)
    dark = lowest + (np.maximum(thermal_cap, lowest) - lowest) * np.linspace(0.0, 1.0, SCAN_POINTS)
    eclipse_draw = (_with_leakage(design, dark, heat, effects) + design["bus_w"]) / design["eta_pcdu"]
    fixed, slope = _loss_shares(design, "base_out")
    discharged = eclipse_draw * (1.0 + fixed + slope * eclipse_draw)
    depth = discharged * f * period_s / design["capacity_j"]
    sunlit_frac = np.maximum(1.0 - f, 1e-9)
    stored, charge_losses = discharged * f / sunlit_frac, _loss_shares(design, "base_in")
    charge_w = _power_in_w(stored, *charge_losses)
    available = array - charge_w
    if varying_array is not None:
        spare = (soft_depth - depth) * design["capacity_j"] / (sunlit_frac * period_s)
        available, deficit = varying_array.balance(
            stored, spare, charge_losses, (fixed, slope), C_RATE_DERATING * design["rate_charge_w"]
        )
        depth = depth + deficit * sunlit_frac * period_s / design["capacity_j"]
    allowed = design["eta_pcdu"] * available - design["bus_w"]  # compute and leakage in sunlight
    sun = np.minimum(_without_leakage(design, allowed, heat, effects), thermal_cap)
    feasible = (sun >= lowest) | (np.arange(SCAN_POINTS) == 0)
    if effects.c_rates:
        feasible &= (
            (eclipse_draw <= C_RATE_DERATING * design["rate_discharge_w"])
            & (charge_w <= C_RATE_DERATING * design["rate_charge_w"])
        ) | (f == 0.0)
    keeps_depth = depth <= soft_depth * (1.0 + 1e-9) if effects.soft_depth else np.ones_like(depth, bool)
    sun = np.maximum(sun, lowest)
    # without an eclipse, the minimum weight of 1e-6 selects the larger of equal plans
    throughput = (1.0 - f) * curve.at(sun) + np.maximum(f, 1e-6) * curve.at(dark)
    score = np.where(feasible & keeps_depth, throughput, -1.0 - depth)  # the least depth if no plan keeps it
    best = score.argmax(1)[:, None]
    columns = (sun, dark, throughput, depth, feasible & keeps_depth)
    return Plan(*(np.take_along_axis(np.broadcast_to(values, score.shape), best, 1)[:, 0] for values in columns))


def largest_constant_w(design: Mapping[str, float], period_s: float, eclipse_frac: float, array_w: float) -> float:
    """Return the largest constant compute power in energy balance, in closed form [W].

    The closed form has no leakage, taper, depth limit or rate limits.
    """
    f = eclipse_frac
    need = (1.0 - f) + f / (design["eta_charge"] * design["eta_discharge"])
    return design["eta_pcdu"] * array_w * (1.0 - f) / need - design["bus_w"]


def _loss_shares(design: DesignNumbers, base: str) -> tuple[Any, Any]:
    """Return `physics.battery.loss_shares` of arrays at the planned temperature."""
    fixed, rate = np.vectorize(cell_loss)(design["battery_plan_k"])
    return np.maximum(0.0, design[base] + design["cell_law"] * fixed), design["cell_law"] * rate / design["one_hour_w"]


def _power_in_w(cells_w: np.ndarray, fixed: Any, slope: Any) -> np.ndarray:
    """Return `physics.battery.power_in_w` of arrays; infinite where no power is sufficient."""
    a = 1.0 - fixed
    root = a * a - 4.0 * slope * cells_w
    return np.where(root < 0.0, np.inf, 2.0 * cells_w / (a + np.sqrt(np.maximum(root, 0.0))))


def _with_leakage(design: DesignNumbers, power_w: np.ndarray, heat_w: np.ndarray, effects: Effects) -> np.ndarray:
    """Return a power with its leakage in thermal equilibrium [W]."""
    return power_w * (1.0 + steady_leakage(design, power_w, heat_w)) if effects.leakage else power_w


def _without_leakage(design: DesignNumbers, drawn_w: np.ndarray, heat_w: np.ndarray, effects: Effects) -> np.ndarray:
    """Return the power at 60 C whose draw with leakage is `drawn_w` in thermal equilibrium [W]."""
    if not effects.leakage:
        return drawn_w
    into_plate = np.maximum(drawn_w, 0.0)
    power = into_plate
    for _ in range(8):
        power = into_plate / (1.0 + steady_leakage(design, power, heat_w))
    oscillates = (
        np.abs(power * (1.0 + steady_leakage(design, power, heat_w)) - into_plate) > FIXED_POINT_TOLERANCE * into_plate
    )
    if oscillates.any():  # the iteration does not converge under strong leakage
        power = np.where(oscillates, _power_of_draw(design, into_plate, heat_w), power)
    return np.where(drawn_w < 0.0, drawn_w, power)


def _power_of_draw(design: DesignNumbers, into_plate_w: np.ndarray, heat_w: np.ndarray) -> np.ndarray:
    """Return the power at 60 C whose draw with leakage is `into_plate_w`, for any strength of leakage [W].

    The draw determines the plate's temperature; only the rise from plate to junction is iterated.
    """
    plate = _plate_k(design, into_plate_w, heat_w)
    power = into_plate_w
    for _ in range(8):
        power = into_plate_w / (
            1.0 + _leakage(design, np.minimum(plate + design["r_junction"] * power, design["trip_k"]))
        )
    return power


def _plate_k(design: DesignNumbers, into_plate_w: np.ndarray, heat_w: np.ndarray) -> np.ndarray:
    """Return the plate's temperature in thermal equilibrium [K], from the heat into it and all other heat [W]."""
    radiator = np.maximum(heat_w + into_plate_w * (1.0 + design["loss"]), 0.0) / design["radiation"]
    return np.asarray(radiator**0.25 + into_plate_w * (1.0 / design["g12_on"] + 1.0 / design["g23_on"]))


def _leakage(design: DesignNumbers, junction_k: np.ndarray | float) -> Any:
    """Return leakage beyond 60 C as a fraction of power."""
    return design["leak"] * (2.0 ** ((junction_k - REFERENCE_K) * design["inverse_double_k"]) - 1.0)

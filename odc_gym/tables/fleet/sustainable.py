"""What a satellite can hold: the constant compute powers in sunlight and eclipse of the largest periodic throughput.

The plan maximises (1 - f) tau(p_sun) + f tau(p_dark), with tau the throughput of the class mix when all accelerators
are busy and f the eclipse fraction, such that the junction stays at `plan_c` in steady state (leakage in, sink of the
sunlit part), an orbit ends with the charge it began with, the depth of discharge stays within `soft_dod`, and the
battery within its C-rates. Powers, with losses of the battery at its planned temperature and these rates:

    eclipse:  out = (p_dark + leak + bus) / eta_pcdu, the cells give out + loss(out)
    sunlight: array = (p_sun + leak + bus) / eta_pcdu + into, the cells take into - loss(into) = f / (1 - f) of that

The taper does not bind: in balance the charge settles where charging is not tapered. `settle` in `core.decision`
flies the plan in the full physics and starts episodes on its periodic solution. The optimum is found by enumerating
`p_dark`, with the best `p_sun` in closed form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from odc_gym.physics.battery import cell_loss
from odc_gym.physics.compute import dynamic_frac, speed_frac
from odc_gym.physics.thermal import REFERENCE_K
from odc_gym.tables.fleet.varying_array_balance import Uneven

SCAN = 64  # values of p_dark
CLOCKS = 257  # points of the throughput curve
SETTLED = 2e-3  # share of a draw by which a fixed point may miss it
DERATE = 0.99  # of the C-rates: real eclipses do not begin on a step's boundary


Numbers = Mapping[str, Any]
"""Design numbers by name: of one satellite, or arrays (N, 1) of N of them."""


@dataclass(frozen=True)
class Mix:
    """The class mix: shares of offered work, utilisation and clock sensitivity, (C,) each."""

    share: np.ndarray
    utilisation: np.ndarray
    kappa: np.ndarray


@dataclass(frozen=True)
class Effects:
    """What the solver takes into account; the closures switch some off."""

    leakage: bool = True
    soft_depth: bool = True
    c_rates: bool = True


ALL = Effects()


@dataclass(frozen=True)
class Curve:
    """Throughput of one satellite against compute power: [W] and reference accelerators, (CLOCKS + 1,) each.

    Of N satellites both are (N, CLOCKS + 1). The first point is all accelerators gated; between it and the lowest clock
    part of the time is gated.
    """

    power_w: np.ndarray
    throughput: np.ndarray

    @classmethod
    def of(cls, d: Numbers, mix: Mix) -> Curve:
        """All accelerators busy at one common clock; slots are shared such that work is done in its offered shares."""
        laws = [np.ravel(d[name]).tolist() for name in ("x_min", "static", "v0", "x_v")]
        known = {law: _clock_law(law, mix) for law in set(zip(*laws, strict=True))}  # satellites often share theirs
        shape = (*np.shape(d["x_min"])[:-1], CLOCKS)
        dynamic, total, utilisation = (
            np.array([known[law][k] for law in zip(*laws, strict=True)]).reshape(shape) for k in range(3)
        )
        power = d["host_w"] + d["accelerators"] * (d["idle_each_w"] + d["dynamic_each_w"] * utilisation * dynamic)
        gated = np.broadcast_to(d["host_w"] + d["accelerators"] * d["gated_each_w"], (*shape[:-1], 1))
        throughput = d["speed"] * d["accelerators"] / total
        return cls(np.concatenate([gated, power], -1), np.concatenate([np.zeros((*shape[:-1], 1)), throughput], -1))

    def at(self, power_w: np.ndarray) -> np.ndarray:
        """Throughput at a power [reference accelerators]; flat beyond full clock. Of N satellites: (N, any)."""
        if self.power_w.ndim == 1:
            return np.asarray(np.interp(power_w, self.power_w, self.throughput))
        rows = zip(power_w, self.power_w, self.throughput, strict=True)
        return np.array([np.interp(p, mine, throughput) for p, mine, throughput in rows])

    def slope(self, power_w: np.ndarray) -> np.ndarray:
        """What one more watt adds to the throughput of one satellite at a power [reference accelerators/W]."""
        part = np.searchsorted(self.power_w, power_w, side="right") - 1
        part = np.clip(part, 0, len(self.power_w) - 2)
        return np.asarray((np.diff(self.throughput) / np.diff(self.power_w))[part])


def _clock_law(law: tuple[float, ...], mix: Mix) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Against the clock from `law[0]` up to 1: dynamic power, slots that a unit of work takes, utilisation."""
    x_min, static, v0, x_v = law
    x = np.linspace(x_min, 1.0, CLOCKS)
    dynamic = np.array([dynamic_frac(v, static, v0, x_v) for v in x])
    speed = np.array([[speed_frac(v, k) for k in mix.kappa] for v in x])  # (CLOCKS, C)
    slots = mix.share / speed
    total = slots.sum(1)
    return dynamic, total, (slots * mix.utilisation).sum(1) / total


@dataclass(frozen=True)
class Plan:
    """The solution for each of a batch of orbits; arrays share one shape."""

    sun_w: np.ndarray
    dark_w: np.ndarray
    throughput: np.ndarray  # reference accelerators, orbit mean
    depth: np.ndarray  # of discharge
    keeps_depth: np.ndarray  # False where gated accelerators and bus alone break the soft depth


def steady_leakage(d: Numbers, power_w: np.ndarray, heat_w: np.ndarray) -> np.ndarray:
    """Leakage beyond 60 C over power, in thermal equilibrium at a constant power.

    `heat_w` is all other heat into the radiator [W]. Fixed point of leakage and temperature; contracts by about a tenth
    a turn, held at the trip temperature.
    """
    leak = np.zeros(np.broadcast(power_w, heat_w).shape)
    for _ in range(10):
        plate = _plate_k(d, power_w * (1.0 + leak), heat_w)
        leak = _leakage(d, np.minimum(plate + d["r_junction"] * power_w, d["trip_k"]))
    return leak


def thermal_limit_w(d: Numbers, plan_k: Any, heat_w: np.ndarray, effects: Effects = ALL) -> np.ndarray:
    """Largest constant compute power whose junction is `plan_k` in equilibrium [W]; `heat_w` as in `steady_leakage`.

    Design numbers and `plan_k` may be arrays that broadcast against `heat_w`.
    """
    leak = _leakage(d, plan_k) if effects.leakage else 0.0
    low = np.zeros(np.shape(heat_w))
    high = low + (10.0 * d["host_w"] + 10.0 * d["accelerators"] * d["dynamic_each_w"])
    for _ in range(60):
        p = 0.5 * (low + high)
        into_plate = p * (1.0 + leak)
        radiator = plan_k - d["r_junction"] * p - into_plate * (1.0 / d["g12_on"] + 1.0 / d["g23_on"])
        fits = d["radiation"] * np.maximum(radiator, 0.0) ** 4 >= into_plate * (1.0 + d["loss"]) + heat_w
        low, high = np.where(fits, p, low), np.where(fits, high, p)
    return low


def radiator_heat_w(d: Numbers, absorbed_w_m2: np.ndarray) -> np.ndarray:
    """Heat into the radiator that is not compute: sink, bus and its conversion [W]."""
    return np.asarray(d["absorb_m2"] * np.asarray(absorbed_w_m2) + d["bus_w"] * (1.0 + d["loss"]))


def solve(
    d: Numbers, mix: Mix, plan_k: Any, soft_depth: Any, period_s: float,
    eclipse_frac: np.ndarray, array_w: np.ndarray, absorbed_w_m2: np.ndarray, effects: Effects = ALL,
    uneven: Uneven | None = None,
) -> Plan:  # fmt: skip
    """The best plan for each orbit of a batch.

    Args:
        d: design numbers of one satellite, or of the satellite of each orbit, (N, 1).
        mix: class mix.
        plan_k: junction temperature that the plan keeps [K], or (N, 1).
        soft_depth: depth of discharge that the plan keeps, or (N, 1).
        period_s: orbital period [s].
        eclipse_frac: share of the orbit in shadow, (N,).
        array_w: array output in sunlight [W], mean (N,).
        absorbed_w_m2: mean heat that a radiator face absorbs [W/m2], (N,).
        effects: what is taken into account.
        uneven: array output over the sunlit part, where it is not even.

    Returns:
        The plan, arrays (N,). Where even gated accelerators break the soft depth, the plan of least depth.
    """
    f, array, sink = (np.asarray(v, float)[:, None] for v in (eclipse_frac, array_w, absorbed_w_m2))
    heat = radiator_heat_w(d, sink)
    curve = Curve.of(d, mix)
    lowest, highest = curve.power_w[..., :1], curve.power_w[..., -1:]
    cap = np.minimum(thermal_limit_w(d, plan_k, heat, effects), highest)
    dark = lowest + (np.maximum(cap, lowest) - lowest) * np.linspace(0.0, 1.0, SCAN)
    drawn = (_with_leakage(d, dark, heat, effects) + d["bus_w"]) / d["eta_pcdu"]
    fixed, slope = _loss_shares(d, "base_out")
    given = drawn * (1.0 + fixed + slope * drawn)
    depth = given * f * period_s / d["capacity_j"]
    lit = np.maximum(1.0 - f, 1e-9)
    stored, into = given * f / lit, _loss_shares(d, "base_in")
    charge_w = _power_in_w(stored, *into)
    spent = array - charge_w
    if uneven is not None:
        spare = (soft_depth - depth) * d["capacity_j"] / (lit * period_s)
        spent, deficit = uneven.balance(stored, spare, into, (fixed, slope), DERATE * d["rate_charge_w"])
        depth = depth + deficit * lit * period_s / d["capacity_j"]
    allowed = d["eta_pcdu"] * spent - d["bus_w"]  # compute and leakage in sunlight
    sun = np.minimum(_without_leakage(d, allowed, heat, effects), cap)
    feasible = (sun >= lowest) | (np.arange(SCAN) == 0)
    if effects.c_rates:
        feasible &= ((drawn <= DERATE * d["rate_discharge_w"]) & (charge_w <= DERATE * d["rate_charge_w"])) | (f == 0.0)
    keeps = depth <= soft_depth * (1.0 + 1e-9) if effects.soft_depth else np.ones_like(depth, bool)
    sun = np.maximum(sun, lowest)
    gain = (1.0 - f) * curve.at(sun) + np.maximum(f, 1e-6) * curve.at(
        dark
    )  # without an eclipse, the larger of equal plans
    score = np.where(feasible & keeps, gain, -1.0 - depth)  # if nothing keeps the depth, the least depth
    best = score.argmax(1)[:, None]
    columns = (sun, dark, gain, depth, feasible & keeps)
    return Plan(*(np.take_along_axis(np.broadcast_to(values, score.shape), best, 1)[:, 0] for values in columns))


def largest_constant_w(d: Mapping[str, float], period_s: float, eclipse_frac: float, array_w: float) -> float:
    """Largest constant compute power in energy balance [W], in closed form: no leakage, taper, depth or rate limits."""
    f = eclipse_frac
    need = (1.0 - f) + f / (d["eta_charge"] * d["eta_discharge"])
    return d["eta_pcdu"] * array_w * (1.0 - f) / need - d["bus_w"]


def _loss_shares(d: Numbers, base: str) -> tuple[Any, Any]:
    """`physics.battery.loss_shares` of arrays at the planned temperature."""
    fixed, rate = np.vectorize(cell_loss)(d["battery_plan_k"])
    return np.maximum(0.0, d[base] + d["cell_law"] * fixed), d["cell_law"] * rate / d["one_hour_w"]


def _power_in_w(cells_w: np.ndarray, fixed: Any, slope: Any) -> np.ndarray:
    """`physics.battery.power_in_w` of arrays; infinite where no power would do."""
    a = 1.0 - fixed
    root = a * a - 4.0 * slope * cells_w
    return np.where(root < 0.0, np.inf, 2.0 * cells_w / (a + np.sqrt(np.maximum(root, 0.0))))


def _with_leakage(d: Numbers, power_w: np.ndarray, heat_w: np.ndarray, effects: Effects) -> np.ndarray:
    return power_w * (1.0 + steady_leakage(d, power_w, heat_w)) if effects.leakage else power_w


def _without_leakage(d: Numbers, drawn_w: np.ndarray, heat_w: np.ndarray, effects: Effects) -> np.ndarray:
    """The power quoted at 60 C whose draw with leakage is `drawn_w`, in thermal equilibrium."""
    if not effects.leakage:
        return drawn_w
    into_plate = np.maximum(drawn_w, 0.0)
    power = into_plate
    for _ in range(8):
        power = into_plate / (1.0 + steady_leakage(d, power, heat_w))
    swings = np.abs(power * (1.0 + steady_leakage(d, power, heat_w)) - into_plate) > SETTLED * into_plate
    if swings.any():  # under strong leakage that fixed point does not contract
        power = np.where(swings, _power_of_draw(d, into_plate, heat_w), power)
    return np.where(drawn_w < 0.0, drawn_w, power)


def _power_of_draw(d: Numbers, into_plate_w: np.ndarray, heat_w: np.ndarray) -> np.ndarray:
    """The same for any leakage: the draw fixes the plate, and only the step from there to the junction is unknown."""
    plate = _plate_k(d, into_plate_w, heat_w)
    power = into_plate_w
    for _ in range(8):
        power = into_plate_w / (1.0 + _leakage(d, np.minimum(plate + d["r_junction"] * power, d["trip_k"])))
    return power


def _plate_k(d: Numbers, into_plate_w: np.ndarray, heat_w: np.ndarray) -> np.ndarray:
    """Temperature of the plate in thermal equilibrium [K], from the heat into it and all other heat [W]."""
    radiator = np.maximum(heat_w + into_plate_w * (1.0 + d["loss"]), 0.0) / d["radiation"]
    return np.asarray(radiator**0.25 + into_plate_w * (1.0 / d["g12_on"] + 1.0 / d["g23_on"]))


def _leakage(d: Numbers, junction_k: np.ndarray | float) -> Any:
    """Leakage beyond 60 C over power."""
    return d["leak"] * (2.0 ** ((junction_k - REFERENCE_K) * d["inverse_double_k"]) - 1.0)

"""Hardware of a scenario → SI numbers of one satellite, as the compiled core and the sustainable solver use them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from odc_gym.constants import STEFAN_BOLTZMANN_W_M2_K4, WH_J, YEAR_S, ZERO_CELSIUS_K
from odc_gym.orbits.attitude import cell_response
from odc_gym.physics.ageing import LAWS, capacity_left, cycle_damage, temperature_stress
from odc_gym.physics.battery import QUOTED_K, QUOTED_RATE, cell_loss
from odc_gym.physics.thermal import LINEARISED_K, REFERENCE_K, Propagator, propagator
from odc_gym.scenario import Battery, Hardware, Solar

TYPICAL_K = 293.15  # of batteries under way: those of the scenarios settle at 19 to 27 C


def peak_dynamic_w(hardware: Hardware) -> float:
    """Dynamic power of one accelerator at full clock and utilisation 1 [W]."""
    a = hardware.accelerators
    return (a.peak_w - a.host_w) / a.count - a.idle_each_w


def array_peak_w(solar: Solar, years: float = 0.0) -> float:
    """Output in normal sunlight of 1361 W/m2 at operating temperature, at an age of the mission [years].

    New output x `eol`, at any age, or x (1 - degradation_per_year)^years, or new.
    """
    left = (1.0 - (solar.degradation_per_year or 0.0)) ** years if solar.eol is None else solar.eol
    return solar.area_m2 * solar.w_per_m2 * left


def design_numbers(hardware: Hardware, years: float = 0.0) -> dict[str, float]:
    """SI parameters of one satellite by name, with the array of an age of the mission.

    Those of `state.Design`, but for the governor's gains, which depend on the step, and what only the tables need: its
    full power, pointing, what its radiator absorbs, and what the sustainable plan keeps.
    """
    solar, power, battery, radiator, back, thermal, a = (
        hardware.solar,
        hardware.power,
        hardware.battery,
        hardware.radiator,
        hardware.hot_back,
        hardware.thermal,
        hardware.accelerators,
    )
    ageing, node, cold = LAWS[battery.ageing], battery.node, thermal.cold
    kwh, law = battery.capacity_wh / 1e3, float(battery.losses == "nmc811")
    at_rest, by_rate = cell_loss(QUOTED_K)
    quoted = law * (at_rest + QUOTED_RATE * by_rate)
    panel_m2 = radiator.faces * radiator.area_m2 * radiator.fin
    c1, c2, c3 = (1e3 * c for c in thermal.c_kj_k)
    above_plate, above_loop, above_radiator = thermal.dt_full_k
    g12, g23 = a.peak_w / above_loop, a.peak_w / above_radiator
    radiation = panel_m2 * radiator.eps * STEFAN_BOLTZMANN_W_M2_K4
    return {
        "accelerators": float(a.count),
        "array_peak_w": array_peak_w(solar, years),
        "eta_pcdu": power.pcdu,
        "loss": 1.0 / power.pcdu - 1.0,
        "hbm_gb": a.hbm_gb,
        "storage_gb": hardware.storage_gb,
        "bus_w": power.bus_w,
        "safe_w": power.bus_w if power.safe_w is None else power.safe_w,
        "terminal_w": power.terminal_w,
        "capacity_j": battery.capacity_wh * WH_J,
        "eta_charge": battery.eff_charge,
        "eta_discharge": battery.eff_discharge,
        "cell_law": law,
        "base_in": 1.0 - battery.eff_charge - quoted,
        "base_out": 1.0 / battery.eff_discharge - 1.0 - quoted,
        "one_hour_w": battery.capacity_wh,
        "battery_ic": 1.0 / (1e3 * node.capacity_kj_k_kwh * kwh),
        "battery_radiation": node.radiator_m2_kwh * kwh * radiator.eps * STEFAN_BOLTZMANN_W_M2_K4,
        "battery_absorb_m2": node.radiator_m2_kwh * kwh,
        "battery_heater_k": node.heater_c + ZERO_CELSIUS_K,
        "battery_heater_most_w": node.heater_w_kwh * kwh,
        "rate_charge_w": battery.c_charge * battery.capacity_wh,
        "rate_discharge_w": battery.c_discharge * battery.capacity_wh,
        "inverse_taper": 1.0 / (1.0 - battery.taper_from),
        "floor_frac": battery.floor,
        "restore_frac": battery.restore,
        "ageing_law": float(list(LAWS).index(battery.ageing)),
        "ageing_charge": ageing.charge,
        "ageing_temperature": ageing.temperature,
        "ageing_calendar_per_s": ageing.calendar_per_s,
        "film_frac": ageing.film_frac,
        "linear_frac": ageing.linear_frac,
        "fatigue_start": 0.0,
        "radiation": radiation,
        "absorb_m2": panel_m2,
        "r_junction": above_plate / a.peak_w,
        "g12_on": g12,
        "g23_on": g23,
        "g12_off": g12 * thermal.off_conductance,
        "g23_off": g23 * thermal.off_conductance,
        "ic1": 1.0 / c1,
        "ic2": 1.0 / c2,
        "ic3": 1.0 / c3,
        "slope3": 4.0 * radiation * LINEARISED_K**3 / c3,
        "leak": thermal.leak,
        "inverse_double_k": 1.0 / thermal.double_k,
        "limit_k": thermal.limit_c + ZERO_CELSIUS_K,
        "throttle_k": thermal.throttle_c + ZERO_CELSIUS_K,
        "trip_k": thermal.trip_c + ZERO_CELSIUS_K,
        "reset_k": thermal.reset_c + ZERO_CELSIUS_K,
        "reset_s": 60.0 * thermal.reset_min,
        "loop_on_k": thermal.loop_on_c + ZERO_CELSIUS_K,
        "loop_off_k": thermal.loop_off_c + ZERO_CELSIUS_K,
        "loop_on_w": thermal.loop_on_w,
        "bypass_k": cold.bypass_c + ZERO_CELSIUS_K,
        "bypass_share": cold.bypass_share,
        "heater_k": cold.heater_c + ZERO_CELSIUS_K,
        "heater_most_w": cold.heater_w,
        "start_k": cold.start_c + ZERO_CELSIUS_K if cold.heater_w > 0.0 else 0.0,  # without a heater nothing waits
        "restart_s": a.restart_s,
        "host_w": a.host_w,
        "standby_w": a.standby_w,
        "idle_each_w": a.idle_each_w,
        "gated_each_w": a.gated_each_w,
        "dynamic_each_w": peak_dynamic_w(hardware),
        "gate_after_s": a.gate_after_s,
        "x_min": a.x_min,
        "static": a.static,
        "v0": a.v0,
        "x_v": a.x_v,
        "wake_s": a.wake_s,
        "speed": a.speed,
        "peak_w": a.peak_w,
        "pointing": float(cell_response(np.cos(np.radians(solar.pointing_error_deg)))),
        "faces": float(radiator.faces),
        "roll_rate_rad_s": math.radians(radiator.roll_rate_deg_s or math.inf),
        "radiator_error_rad": math.radians(radiator.pointing_error_deg),
        "infrared_eps": radiator.eps,
        "solar_alpha": radiator.alpha,
        "back_exchange": radiator.eps * back.view_factor * back.eps,
        "back_lit_k4": (back.sunlit_k or 0.0) ** 4,
        "back_dark_k4": (back.eclipse_k or 0.0) ** 4,
        "back_follows": float(back.sunlit_k is None),
        "array_m2": solar.area_m2,
        "array_coefficient": solar.temperature_coefficient_per_k,
        "array_operating_k": solar.operating_c + ZERO_CELSIUS_K,
        "array_alpha": solar.alpha,
        "array_eps": solar.eps,
        "array_back_alpha": solar.back_alpha,
        "array_back_eps": back.eps,
        "array_capacity": solar.heat_capacity_j_m2_k,
        "plan_k": thermal.plan_c + ZERO_CELSIUS_K,
        "soft_depth": battery.soft_dod,
        "battery_plan_k": battery.temperature_c + ZERO_CELSIUS_K,
    }


def found_numbers(
    d: dict[str, float], living: float, dynamic_power: float, leakage: float, damage: float
) -> dict[str, float]:
    """Design numbers of a satellite in the state in which an episode finds it.

    The plan keeps its depth of what is left of the battery. A satellite without accelerators has lost its host as well;
    its rated power stays that of its hardware.

    Args:
        d: of its hardware.
        living: accelerators that work.
        dynamic_power: factor on the dynamic power at equal speed.
        leakage: factor on the leakage.
        damage: of the battery.
    """
    each = d["dynamic_each_w"] * dynamic_power
    found = {
        "accelerators": living,
        "dynamic_each_w": each,
        "leak": d["leak"] * leakage,
        "fatigue_start": damage,
        "soft_depth": d["soft_depth"] * capacity_left(damage, d["film_frac"], d["linear_frac"]),
    }
    if living > 0.0:
        return d | found | {"peak_w": d["host_w"] + living * (d["idle_each_w"] + each)}
    return d | found | {"host_w": 0.0, "standby_w": 0.0}


def wear_per_year(battery: Battery, depth: np.ndarray, period_s: float) -> np.ndarray:
    """Damage of a year of orbits that each discharge a battery to a depth from full, any shape.

    At the mean charge of such orbits, 1 - depth / 2, and at `TYPICAL_K`; by cycles and by time.
    """
    law = LAWS[battery.ageing]
    cycles = cycle_damage(battery.ageing, np.maximum(depth, 1e-6)) * (YEAR_S / period_s)
    full = np.exp(law.charge * (0.5 - 0.5 * depth))
    return np.asarray((cycles + law.calendar_per_s * YEAR_S) * full * temperature_stress(TYPICAL_K, law.temperature))


def propagators(d: Mapping[str, Any], dt_s: float) -> tuple[Propagator, Propagator]:
    """Propagators of loop on and loop off for physics steps of `dt_s`; arrays (N,) where the design numbers are."""
    shared = (d["ic1"], d["ic2"], d["ic3"], d["slope3"])
    return propagator(dt_s, d["g12_on"], d["g23_on"], *shared), propagator(dt_s, d["g12_off"], d["g23_off"], *shared)


def governor_gain(d: dict[str, float], p: Propagator) -> float:
    """1 / (d junction at the step's end / d compute power) [W/K], leakage at the throttle limit included."""
    leak: float = 1.0 + d["leak"] * (2.0 ** ((d["throttle_k"] - REFERENCE_K) * d["inverse_double_k"]) - 1.0)
    return 1.0 / ((p.g1 * d["ic1"] + p.g3 * d["loss"] * d["ic3"]) * leak + d["r_junction"])

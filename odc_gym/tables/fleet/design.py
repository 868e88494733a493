"""Design numbers: SI parameters of one satellite, computed from the hardware of a scenario.

The compiled core and the solver of sustainable plans use them.
"""

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

TYPICAL_BATTERY_K = 293.15  # batteries of the scenarios settle at 19 to 27 C in orbit


def peak_dynamic_w(hardware: Hardware) -> float:
    """Return the dynamic power of one accelerator at full clock and utilisation 1 [W]."""
    accelerators = hardware.accelerators
    return (accelerators.peak_w - accelerators.host_w) / accelerators.count - accelerators.idle_each_w


def array_peak_w(solar: Solar, years: float = 0.0) -> float:
    """Return the array's output in normal sunlight of 1361 W/m2 at operating temperature [W].

    With `eol`, the output is that of a new array times `eol` at any age. Otherwise it is that of a new array times
    (1 - degradation_per_year)^years; without a degradation it stays that of a new array.

    Args:
        solar: array of the satellite.
        years: age of the mission [years].
    """
    remaining = (1.0 - (solar.degradation_per_year or 0.0)) ** years if solar.eol is None else solar.eol
    return solar.area_m2 * solar.w_per_m2 * remaining


def design_numbers(hardware: Hardware, years: float = 0.0) -> dict[str, float]:
    """Return the SI parameters of one satellite by name, with its array at an age of the mission.

    The names include every field of `state.Design` except the governor's gains, which depend on the physics step. The
    other names are used by the tables only: full power, pointing, surface properties and the sustainable plan's limits.

    Args:
        hardware: hardware of the satellite.
        years: age of the mission [years].
    """
    return (
        _supply_numbers(hardware, years)
        | _battery_numbers(hardware)
        | _ageing_numbers(hardware.battery)
        | _heat_path_numbers(hardware)
        | _temperature_limit_numbers(hardware)
        | _accelerator_numbers(hardware)
        | _exposure_numbers(hardware)
        | _array_numbers(hardware)
        | _plan_numbers(hardware)
    )


def _supply_numbers(hardware: Hardware, years: float) -> dict[str, float]:
    """Return accelerator count, array power, power conditioning, memory and constant loads."""
    power, accelerators = hardware.power, hardware.accelerators
    return {
        "accelerators": float(accelerators.count),
        "array_peak_w": array_peak_w(hardware.solar, years),
        "eta_pcdu": power.pcdu,
        "loss": 1.0 / power.pcdu - 1.0,
        "hbm_gb": accelerators.hbm_gb,
        "storage_gb": hardware.storage_gb,
        "bus_w": power.bus_w,
        "safe_w": power.bus_w if power.safe_w is None else power.safe_w,
        "terminal_w": power.terminal_w,
    }


def _battery_numbers(hardware: Hardware) -> dict[str, float]:
    """Return capacity, losses, thermal node, C-rates and charge thresholds of the battery."""
    battery, node, radiator = hardware.battery, hardware.battery.node, hardware.radiator
    kwh, law = battery.capacity_wh / 1e3, float(battery.losses == "nmc811")
    at_rest, by_rate = cell_loss(QUOTED_K)
    quoted = law * (at_rest + QUOTED_RATE * by_rate)
    return {
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
    }


def _ageing_numbers(battery: Battery) -> dict[str, float]:
    """Return the parameters of the battery's ageing law."""
    law = LAWS[battery.ageing]
    return {
        "ageing_law": float(list(LAWS).index(battery.ageing)),
        "ageing_charge": law.charge,
        "ageing_temperature": law.temperature,
        "ageing_calendar_per_s": law.calendar_per_s,
        "film_frac": law.film_frac,
        "linear_frac": law.linear_frac,
        "fatigue_start": 0.0,
    }


def _heat_path_numbers(hardware: Hardware) -> dict[str, float]:
    """Return radiation, conductances and heat capacities from junction to radiator, and leakage."""
    radiator, thermal, accelerators = hardware.radiator, hardware.thermal, hardware.accelerators
    panel_m2 = radiator.faces * radiator.area_m2 * radiator.fin
    c1, c2, c3 = (1e3 * c for c in thermal.c_kj_k)
    above_plate, above_loop, above_radiator = thermal.dt_full_k
    g12, g23 = accelerators.peak_w / above_loop, accelerators.peak_w / above_radiator
    radiation = panel_m2 * radiator.eps * STEFAN_BOLTZMANN_W_M2_K4
    return {
        "radiation": radiation,
        "absorb_m2": panel_m2,
        "r_junction": above_plate / accelerators.peak_w,
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
    }


def _temperature_limit_numbers(hardware: Hardware) -> dict[str, float]:
    """Return junction limits, and thresholds of pumped loop, radiator bypass, heater and cold start."""
    thermal, cold = hardware.thermal, hardware.thermal.cold
    return {
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
        # a satellite without a heater would never reach a start temperature, so it does not wait for one
        "start_k": cold.start_c + ZERO_CELSIUS_K if cold.heater_w > 0.0 else 0.0,
    }


def _accelerator_numbers(hardware: Hardware) -> dict[str, float]:
    """Return powers, clock law and delays of the accelerators."""
    accelerators = hardware.accelerators
    return {
        "restart_s": accelerators.restart_s,
        "host_w": accelerators.host_w,
        "standby_w": accelerators.standby_w,
        "idle_each_w": accelerators.idle_each_w,
        "gated_each_w": accelerators.gated_each_w,
        "dynamic_each_w": peak_dynamic_w(hardware),
        "gate_after_s": accelerators.gate_after_s,
        "x_min": accelerators.x_min,
        "static": accelerators.static,
        "v0": accelerators.v0,
        "x_v": accelerators.x_v,
        "wake_s": accelerators.wake_s,
        "speed": accelerators.speed,
        "peak_w": accelerators.peak_w,
    }


def _exposure_numbers(hardware: Hardware) -> dict[str, float]:
    """Return pointing of array and radiator, and the heat exchange of the radiator with its surroundings."""
    radiator, back = hardware.radiator, hardware.hot_back
    return {
        "pointing": float(cell_response(np.cos(np.radians(hardware.solar.pointing_error_deg)))),
        "faces": float(radiator.faces),
        "roll_rate_rad_s": math.radians(radiator.roll_rate_deg_s or math.inf),
        "radiator_error_rad": math.radians(radiator.pointing_error_deg),
        "infrared_eps": radiator.eps,
        "solar_alpha": radiator.alpha,
        "back_exchange": radiator.eps * back.view_factor * back.eps,
        "back_lit_k4": (back.sunlit_k or 0.0) ** 4,
        "back_dark_k4": (back.eclipse_k or 0.0) ** 4,
        "back_follows": float(back.sunlit_k is None),
    }


def _array_numbers(hardware: Hardware) -> dict[str, float]:
    """Return area, temperature coefficient and thermal properties of the array."""
    solar = hardware.solar
    return {
        "array_m2": solar.area_m2,
        "array_coefficient": solar.temperature_coefficient_per_k,
        "array_operating_k": solar.operating_c + ZERO_CELSIUS_K,
        "array_alpha": solar.alpha,
        "array_eps": solar.eps,
        "array_back_alpha": solar.back_alpha,
        "array_back_eps": hardware.hot_back.eps,
        "array_capacity": solar.heat_capacity_j_m2_k,
    }


def _plan_numbers(hardware: Hardware) -> dict[str, float]:
    """Return the limits that the sustainable plan keeps."""
    return {
        "plan_k": hardware.thermal.plan_c + ZERO_CELSIUS_K,
        "soft_depth": hardware.battery.soft_dod,
        "battery_plan_k": hardware.battery.temperature_c + ZERO_CELSIUS_K,
    }


def degraded_design(
    design: dict[str, float], working: float, dynamic_power_factor: float, leakage_factor: float, damage: float
) -> dict[str, float]:
    """Return the design numbers of a satellite in the condition in which an episode begins.

    The plan's depth of discharge applies to the battery's remaining capacity. A satellite without working accelerators
    has lost its host as well; its rated power stays that of its hardware.

    Args:
        design: design numbers of the satellite's hardware.
        working: number of working accelerators.
        dynamic_power_factor: factor on the dynamic power at equal speed.
        leakage_factor: factor on the leakage.
        damage: damage of the battery.
    """
    dynamic_each_w = design["dynamic_each_w"] * dynamic_power_factor
    changed = {
        "accelerators": working,
        "dynamic_each_w": dynamic_each_w,
        "leak": design["leak"] * leakage_factor,
        "fatigue_start": damage,
        "soft_depth": design["soft_depth"] * capacity_left(damage, design["film_frac"], design["linear_frac"]),
    }
    if working > 0.0:
        return design | changed | {"peak_w": design["host_w"] + working * (design["idle_each_w"] + dynamic_each_w)}
    return design | changed | {"host_w": 0.0, "standby_w": 0.0}


def wear_per_year(battery: Battery, depth: np.ndarray, period_s: float) -> np.ndarray:
    """Return the damage to a battery by a year of orbits that each discharge it to `depth` from full.

    The sum of cycle ageing and calendar ageing, at the orbits' mean charge of 1 - depth / 2 and `TYPICAL_BATTERY_K`.

    Args:
        battery: battery of the satellite.
        depth: depth of discharge, any shape; the result has the same.
        period_s: orbital period [s].
    """
    law = LAWS[battery.ageing]
    cycles = cycle_damage(battery.ageing, np.maximum(depth, 1e-6)) * (YEAR_S / period_s)
    at_mean_charge = np.exp(law.charge * (0.5 - 0.5 * depth))
    return np.asarray(
        (cycles + law.calendar_per_s * YEAR_S) * at_mean_charge * temperature_stress(TYPICAL_BATTERY_K, law.temperature)
    )


def propagators(design: Mapping[str, Any], dt_s: float) -> tuple[Propagator, Propagator]:
    """Return the thermal propagators with the loop on and off for physics steps of `dt_s` [s].

    Their elements are arrays (N,) if the design numbers are.
    """
    shared = (design["ic1"], design["ic2"], design["ic3"], design["slope3"])
    loop_on = propagator(dt_s, design["g12_on"], design["g23_on"], *shared)
    loop_off = propagator(dt_s, design["g12_off"], design["g23_off"], *shared)
    return loop_on, loop_off


def governor_gain(design: dict[str, float], step: Propagator) -> float:
    """Return the inverse of the junction's rise over a step per watt of compute power [W/K].

    The rise includes leakage at the throttle limit.

    Args:
        design: design numbers of one satellite.
        step: propagator of a physics step.
    """
    leak: float = 1.0 + design["leak"] * (
        2.0 ** ((design["throttle_k"] - REFERENCE_K) * design["inverse_double_k"]) - 1.0
    )
    return 1.0 / ((step.g1 * design["ic1"] + step.g3 * design["loss"] * design["ic3"]) * leak + design["r_junction"])


def with_shared_values(design: dict[str, np.ndarray]) -> dict[str, np.ndarray | float]:
    """Return design numbers of several satellites with a float in place of each array of equal values.

    Arithmetic of a table of many steps with a float is three times as fast as with one value for each satellite.
    """
    return {name: float(value[0]) if (value == value[0]).all() else value for name, value in design.items()}

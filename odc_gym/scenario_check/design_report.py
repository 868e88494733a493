"""Report of a scenario's design: closed forms that can be checked by hand, and limits with all effects included."""

from __future__ import annotations

import math

import numpy as np

from odc_gym.constants import DAY_S, MINUTE_S, STEFAN_BOLTZMANN_W_M2_K4, YEAR_S, ZERO_CELSIUS_K
from odc_gym.faults.faults import GroundTrack, expected_upsets
from odc_gym.orbits import build_ephemeris, eclipse_fraction, orbit_period_s
from odc_gym.physics.thermal import REFERENCE_K
from odc_gym.scenario import Hardware, Scenario
from odc_gym.scenario_check.fault_report import fault_report
from odc_gym.scenario_check.limits import constant_limit_w, limits_by_shell, mean_array_w, of_fleet, year_betas_rad
from odc_gym.scenario_check.network_report import network_report
from odc_gym.scenario_check.report_row import ReportRow, shell_prefixes
from odc_gym.tables.fleet.design import design_numbers
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.tables.fleet.plans import ShellPlan, offered_by_class
from odc_gym.tables.fleet.sustainable import (
    Effects,
    ThroughputCurve,
    largest_constant_w,
    radiator_heat_w,
    thermal_limit_w,
)

SINK_W_M2 = 60.0  # sink of the closed forms: mean of a knife-edge radiator at 550 km
WARM_K = 60.0 + ZERO_CELSIUS_K
CHECK_BETAS_DEG = (0, 15, 30, 45, 60, 75)


def design_report(scenario: Scenario) -> list[ReportRow]:
    """Return the report of a scenario: its shells, then its fleet, network and disturbances.

    Raises:
        ScenarioError: the scenario cannot be simulated.
    """
    return fleet_report(FleetModel(scenario))


def fleet_report(fleet: FleetModel) -> list[ReportRow]:
    """Return the report of a scenario by its fleet, as `design_report`."""
    scenario, betas_rad = fleet.scenario, year_betas_rad(fleet)
    rows = []
    for i, prefix in enumerate(shell_prefixes(scenario)):
        rows += _shell_rows(fleet, i, betas_rad[i], prefix)
    return (
        rows
        + _start_rows(scenario)
        + _load_rows(fleet, betas_rad)
        + network_report(fleet)
        + _upset_rows(fleet)
        + fault_report(fleet)
        + _random_rows(scenario)
    )


def radiator_flux_w_m2(hardware: Hardware, temperature_k: float, absorbed: float) -> float:
    """Return the net heat that a square metre of panel rejects [W/m2]: n fin (eps sigma T^4 - absorbed).

    Args:
        hardware: hardware with n radiating faces.
        temperature_k: temperature of the panel [K].
        absorbed: heat that a face absorbs [W/m2].
    """
    radiator = hardware.radiator
    return radiator.faces * radiator.fin * (radiator.eps * STEFAN_BOLTZMANN_W_M2_K4 * temperature_k**4 - absorbed)


def leakage_gain(hardware: Hardware, junction_k: float, power_w: float) -> float:
    """Return the kelvins that leakage adds for each kelvin of the junction, in equilibrium with the loop on.

    Above 1, leakage grows faster than loop and radiator can remove it: at constant power the temperature runs away.
    Gain = dL/dT (1/G12 + 1/G23 + (1 + c) / (4 k T3^3)), with L leakage, c conversion loss per watt, and k T3^4 the
    radiated heat.

    Source: dP/dT < 1/R of thermal runaway (Vassighi and Sachdev, IEEE Trans. Device Mater. Reliab. 6(2), 2006).
    """
    design = design_numbers(hardware)
    hot = power_w * design["leak"] * 2.0 ** ((junction_k - REFERENCE_K) * design["inverse_double_k"])
    drop = 1.0 / design["g12_on"] + 1.0 / design["g23_on"]
    into_plate = power_w * (1.0 - design["leak"]) + hot
    radiator_k = junction_k - design["r_junction"] * power_w - into_plate * drop
    resistance = drop + (1.0 + design["loss"]) / (4.0 * design["radiation"] * radiator_k**3)
    return float(hot * math.log(2.0) * design["inverse_double_k"] * resistance)


def _leakage_row(hardware: Hardware, full_w: float) -> ReportRow:
    """Return the leakage gain at the governor's throttle limit.

    The power is the thermal limit there, or full power if that is less.
    """
    throttle_k = hardware.thermal.throttle_c + ZERO_CELSIUS_K
    design = design_numbers(hardware)
    limit_w = float(thermal_limit_w(design, throttle_k, radiator_heat_w(design, np.array(SINK_W_M2))))
    gain = leakage_gain(hardware, throttle_k, min(full_w, limit_w))
    stable = "stable by itself" if gain < 1.0 else "runs away at constant power: only governor and trip hold it"
    return ReportRow("leakage gain at the throttle limit", gain, "", stable)


def _shell_rows(fleet: FleetModel, i: int, betas_rad: np.ndarray, prefix: str) -> list[ReportRow]:
    """Return the rows of shell `i`, whose orbits have the beta angles `betas_rad` over the year."""
    hardware, plan, surfaces = fleet.hardware[i], fleet.shells[i], fleet.surfaces[i]
    design = design_numbers(hardware)
    period = orbit_period_s(surfaces.altitude_m)
    eclipse_frac, longest_frac = (float(eclipse_fraction(surfaces.altitude_m, b)) for b in (0.0, betas_rad.min()))
    array_w = float(mean_array_w(design, surfaces, betas_rad.min(keepdims=True))[0])
    full_w = float(ThroughputCurve.of(design, fleet.mix).power_w[-1])
    plan_k = hardware.thermal.plan_c + ZERO_CELSIUS_K
    limit_w = float(constant_limit_w(fleet, i, float(betas_rad.min())))
    limit_without_leakage_w = thermal_limit_w(
        design, plan_k, radiator_heat_w(design, np.array(SINK_W_M2)), Effects(leakage=False)
    )
    least, most = np.degrees([betas_rad.min(), betas_rad.max()])
    rows = [
        ReportRow("period", period / 60.0, "min", "Keplerian"),
        ReportRow("eclipse fraction, beta 0", eclipse_frac, "", "cylindrical shadow"),
        ReportRow(
            "least beta", least, "deg", "angle between Sun and orbit plane at the start of episodes, over the year"
        ),
        ReportRow("greatest beta", most, "deg", "the same"),
        ReportRow("longest eclipse", longest_frac * period / 60.0, "min", "at the least beta"),
        ReportRow(
            "largest constant compute",
            largest_constant_w(design, period, longest_frac, array_w) / 1e3,
            "kW",
            "closed form, least beta: 1 au, no leakage, taper or rate limits",
        ),
        ReportRow("full power of the mix", full_w / 1e3, "kW", "all accelerators busy at full clock"),
        ReportRow(
            "array over its need",
            array_ratio(design, full_w, longest_frac, array_w),
            "",
            "energy of an orbit at full power of the mix, least beta",
        ),
        ReportRow(
            "radiator flux at 60 C",
            radiator_flux_w_m2(hardware, WARM_K, SINK_W_M2),
            "W/m2",
            f"panel, sink {SINK_W_M2:g} W/m2 a face",
        ),
        ReportRow(
            "thermal limit without leakage",
            float(limit_without_leakage_w) / 1e3,
            "kW",
            f"junction {hardware.thermal.plan_c:g} C, sink {SINK_W_M2:g} W/m2",
        ),
        ReportRow("thermal limit", limit_w / 1e3, "kW", "everything on, least beta"),
        ReportRow("radiator over its need", limit_w / full_w, "", "thermal limit over full power of the mix"),
        _leakage_row(hardware, full_w),
    ]
    betas = sorted({round(least), *(b for b in CHECK_BETAS_DEG if least < b < most), round(most)})
    rows += [_plan_row(plan, design, fleet, beta) for beta in betas]
    worth = 1e3 * float(fleet.stored_value[i])
    price = fleet.scenario.reward.stored_energy * worth
    note = f"in value; the sustainable plan makes {worth:.3g} of one more kWh"
    rows.append(ReportRow("price of a stored kWh", price, "", note))
    rows += _broken_depth_rows(plan, betas_rad)
    return [row._replace(name=prefix + row.name) for row in rows]


def array_ratio(design: dict[str, float], compute_w: float, eclipse_frac: float, array_w: float) -> float:
    """Return the array's energy over an orbit relative to the demand of a constant compute power, bus and losses."""
    load = (compute_w + design["bus_w"]) / design["eta_pcdu"]
    sunlit_frac = 1.0 - eclipse_frac
    return (
        array_w * sunlit_frac / (load * (sunlit_frac + eclipse_frac / (design["eta_charge"] * design["eta_discharge"])))
    )


def _broken_depth_rows(plan: ShellPlan, betas_rad: np.ndarray) -> list[ReportRow]:
    """Return a row if gated accelerators and bus alone exceed the soft depth at some beta angle, else none."""
    one = np.ones(betas_rad.shape)
    if (plan.at(plan.plan.keeps_depth.astype(float), one, betas_rad) > 0.0).all():
        return []
    worst = float(plan.at(plan.plan.depth, one, betas_rad).max())
    return [
        ReportRow(
            "soft depth cannot be kept", worst, "", "even with gated accelerators at some beta: least depth taken"
        )
    ]


def _plan_row(shell: ShellPlan, design: dict[str, float], fleet: FleetModel, beta: int) -> ReportRow:
    """Return the sustainable plan of a shell at one beta angle [deg]."""
    one, angle = np.ones(1), np.radians([float(beta)])
    at = {
        name: float(shell.at(getattr(shell.plan, name), one, angle)[0])
        for name in ("sun_w", "dark_w", "throughput", "depth")
    }
    full = ThroughputCurve.of(design, fleet.mix).throughput[-1]
    note = f"{at['sun_w'] / 1e3:.3g} kW in sunlight, {at['dark_w'] / 1e3:.3g} kW in eclipse, depth {at['depth']:.2f}"
    return ReportRow(f"sustainable share of slots, beta {beta}", at["throughput"] / full, "", note)


def _start_rows(scenario: Scenario) -> list[ReportRow]:
    """Return when episodes begin, and the epochs of element sets."""
    first, span = scenario.start.first, scenario.start.span
    note = f"from {first:%Y-%m-%d %H:%M} UTC" + (f" on, over {span.total_seconds() / DAY_S:g} days" if span else "")
    epochs = [each.epoch for shell in scenario.shells if shell.orbit.pattern == "tle" for each in shell.orbit.sets]
    if epochs:
        note += f"; {len(epochs)} element sets of {min(epochs):%Y-%m-%d %H:%M} to {max(epochs):%Y-%m-%d %H:%M}"
    return [ReportRow("start of episodes", "random" if span else "fixed", "", note)]


def _load_rows(fleet: FleetModel, betas_rad: list[np.ndarray]) -> list[ReportRow]:
    """Return the offered load relative to slots, energy and heat, and the limit that binds most."""
    scenario = fleet.scenario
    offered = offered_by_class(scenario.workload, scenario.class_names)
    total = float(offered.sum())
    fleet_limits = of_fleet(limits_by_shell(fleet, betas_rad))
    limits = {**fleet_limits.alone, "all together": fleet.sustainable}
    rows = [
        ReportRow(f"offered {name}", float(v), "accelerators", "reference accelerator-hours an hour")
        for name, v in zip(scenario.class_names, offered, strict=True)
    ]
    rows.append(ReportRow("rate scale", scenario.workload.rate_scale, "", "factor on the rate of every class"))
    rows += [
        ReportRow(f"load against {name}", total / limit, "", f"{total:.4g} offered of {limit:.4g}")
        for name, limit in limits.items()
    ]
    binding, following = fleet_limits.binding
    rows.append(ReportRow("binds most", binding, "", "over the year"))
    rows.append(ReportRow("binds next", following or "nothing", "", "the next limit below the slots"))
    rows.append(
        ReportRow("sustainable", fleet.sustainable, "accelerators", "by slots, energy and heat, mean over the year")
    )
    rows.append(
        ReportRow("value that scores 100", fleet.reference_value, "", "of the sustainable output over an episode")
    )
    return rows


def _upset_rows(fleet: FleetModel) -> list[ReportRow]:
    """Return upsets and hard failures expected in a day of a new fleet, from its ground track."""
    faults = fleet.scenario.faults
    if not faults.enabled:
        return []
    minutes = int(DAY_S / MINUTE_S)
    ephemeris = build_ephemeris(fleet.constellation, start=fleet.year_starts()[0], step_s=MINUTE_S, steps=minutes)
    place = GroundTrack(ephemeris.latitude_deg, ephemeris.longitude_deg, ephemeris.altitude_m)
    upsets, share = expected_upsets(faults, place, fleet.design_numbers["accelerators"])
    failures = faults.hard_failures_per_chip_year * DAY_S / YEAR_S * fleet.accelerators
    return [
        ReportRow("upsets", upsets, "1/day", "of all accelerators, expected over a day of the ground track"),
        ReportRow("upsets in the anomaly", share, "", "share of them within two widths of its centre"),
        ReportRow("hard failures", failures, "1/day", "of all accelerators, expected"),
    ]


def _random_rows(scenario: Scenario) -> list[ReportRow]:
    """Return the randomised fields; all other rows use the values of the scenario itself."""
    return [
        ReportRow(f"random {path}", f"{draw.low:g} to {draw.high:g}", "", f"{draw.dist}, one draw for each {draw.per}")
        for path, draw in scenario.randomise.items()
    ]

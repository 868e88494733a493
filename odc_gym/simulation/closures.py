"""Figures by which a scenario can be checked on paper: closed forms, and the same with everything on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.constants import SOLAR_CONSTANT_W_M2, STEFAN_BOLTZMANN_W_M2_K4, ZERO_CELSIUS_K
from odc_gym.orbits import eclipse_fraction, orbit_period_s
from odc_gym.scenario import Hardware, Scenario
from odc_gym.simulation.design import design_numbers
from odc_gym.simulation.plans import ORBIT_POINTS, ShellPlan, absorbed_w_m2, offered_by_class
from odc_gym.simulation.sustainable import Curve, Effects, largest_constant_w, radiator_heat_w, thermal_limit_w
from odc_gym.simulation.world import World

SINK_W_M2 = 60.0  # of the closed-form flux: a knife edge's mean at 550 km
WARM_K = 60.0 + ZERO_CELSIUS_K
CHECK_BETAS_DEG = (0, 30, 60, 75)


class Row(NamedTuple):
    """One figure of a check."""

    name: str
    value: float | str
    unit: str
    note: str


def check(scenario: Scenario) -> list[Row]:
    """All figures of a scenario.

    Raises:
        ScenarioError: a scenario that cannot be flown.
    """
    world = World(scenario)
    rows = []
    for i, shell in enumerate(scenario.shells):
        altitude_m = float(np.mean(np.array(world.constellation.altitude_m)[world.shell_of == i]))
        rows += _shell(scenario, world, i, f"{shell.hardware}: " if len(scenario.shells) > 1 else "", altitude_m)
    return rows + _load(scenario, world) + _random(scenario)


def radiator_flux_w_m2(hardware: Hardware, temperature_k: float, absorbed: float) -> float:
    """Net heat that a square metre of panel rejects, both faces [W/m2]: n fin (eps sigma T^4 - absorbed)."""
    r = hardware.radiator
    return r.faces * r.fin * (r.eps * STEFAN_BOLTZMANN_W_M2_K4 * temperature_k**4 - absorbed)


def _shell(scenario: Scenario, world: World, i: int, prefix: str, altitude_m: float) -> list[Row]:
    hardware, plan = world.hardware[i], world.shells[i]
    d = design_numbers(hardware)
    period = orbit_period_s(altitude_m)
    dark = float(eclipse_fraction(altitude_m, 0.0))
    constant = largest_constant_w(d, period, dark, d["array_peak_w"])
    full = float(Curve.of(d, world.mix).power_w[-1])
    load = (full + d["bus_w"]) / d["eta_pcdu"]
    need = load * ((1.0 - dark) + dark / (d["eta_charge"] * d["eta_discharge"]))
    plan_k = hardware.thermal.plan_c + ZERO_CELSIUS_K
    hot = float(_thermal(scenario, world, i, 0.0))
    bare = thermal_limit_w(d, plan_k, radiator_heat_w(d, np.array(SINK_W_M2)), Effects(leakage=False))
    rows = [
        Row(f"{prefix}period", period / 60.0, "min", "Keplerian"),
        Row(f"{prefix}eclipse fraction, beta 0", dark, "", "cylindrical shadow"),
        Row(
            f"{prefix}largest constant compute, beta 0",
            constant / 1e3,
            "kW",
            "closed form: 1 au, no leakage, taper or rate limits",
        ),
        Row(f"{prefix}full power of the mix", full / 1e3, "kW", "all accelerators busy at full clock"),
        Row(
            f"{prefix}array over its need, beta 0",
            d["array_peak_w"] * (1.0 - dark) / need,
            "",
            "energy of an orbit at full power of the mix",
        ),
        Row(
            f"{prefix}radiator flux at 60 C",
            radiator_flux_w_m2(hardware, WARM_K, SINK_W_M2),
            "W/m2",
            f"panel, sink {SINK_W_M2:g} W/m2 a face",
        ),
        Row(
            f"{prefix}thermal limit without leakage",
            float(bare) / 1e3,
            "kW",
            f"junction {hardware.thermal.plan_c:g} C, sink {SINK_W_M2:g} W/m2",
        ),
        Row(
            f"{prefix}thermal limit",
            hot / 1e3,
            "kW",
            f"everything on, beta 0; {hot / full:.2f} of the mix's full power",
        ),
    ]
    for beta in CHECK_BETAS_DEG:
        rows += _plan(plan, d, world, beta, prefix)
    if not plan.plan.keeps_depth.all():
        worst = float(plan.plan.depth.max())
        rows.append(
            Row(
                f"{prefix}soft depth cannot be kept",
                worst,
                "",
                "even with gated accelerators at some beta: least depth taken",
            )
        )
    return rows


def _thermal(scenario: Scenario, world: World, i: int, beta_rad: float) -> np.ndarray:
    """Thermal limit with leakage and the mean sink of the orbit at one beta [W]."""
    hardware, table = world.hardware[i], world.fluxes[i]
    angle = np.linspace(0.0, 2.0 * np.pi, ORBIT_POINTS, endpoint=False)
    infrared, albedo = table.lookup(np.full(ORBIT_POINTS, beta_rad), angle)
    lit = 1.0 - float(eclipse_fraction(table.altitude_m, beta_rad))
    one = np.ones(1)
    d = design_numbers(hardware)
    sink = absorbed_w_m2(d, infrared.mean() * one, albedo.mean() * one, one, lit * one)
    return thermal_limit_w(d, hardware.thermal.plan_c + ZERO_CELSIUS_K, radiator_heat_w(d, sink[0]))


def _plan(shell: ShellPlan, d: dict[str, float], world: World, beta: int, prefix: str) -> list[Row]:
    one, angle = np.ones(1), np.radians([float(beta)])
    at = {
        name: float(shell.at(getattr(shell.plan, name), one, angle)[0])
        for name in ("sun_w", "dark_w", "throughput", "depth")
    }
    full = Curve.of(d, world.mix).throughput[-1]
    note = f"{at['sun_w'] / 1e3:.2f} kW in sunlight, {at['dark_w'] / 1e3:.2f} kW in eclipse, depth {at['depth']:.2f}"
    return [Row(f"{prefix}sustainable share of slots, beta {beta}", at["throughput"] / full, "", note)]


def _load(scenario: Scenario, world: World) -> list[Row]:
    """Offered load against slots, energy and heat, and which of them binds."""
    offered = offered_by_class(scenario.workload, scenario.class_names)
    total = float(offered.sum())
    energy, heat = _one_limit(world)
    slots = float(world.accelerators)
    limits = {"slots": slots, "energy": energy, "heat": heat, "all together": world.sustainable}
    rows = [
        Row(f"offered {name}", float(v), "accelerators", "reference accelerator-hours an hour")
        for name, v in zip(scenario.class_names, offered, strict=True)
    ]
    rows += [
        Row(f"load against {name}", total / limit, "", f"{total:.1f} offered of {limit:.1f}")
        for name, limit in limits.items()
    ]
    binding = min(("slots", "energy", "heat"), key=lambda name: limits[name])
    rows.append(Row("binds most", binding, "", "over the year"))
    rows.append(Row("value that scores 100", world.reference_value, "", "of the sustainable output over an episode"))
    rows.append(
        Row("transfers", "backbone", "", f"{scenario.network.backbone.rate_gbps:g} Gb/s a satellite, always reachable")
    )
    return rows


def _random(scenario: Scenario) -> list[Row]:
    """The random numbers; all other figures are for the values of the scenario itself."""
    return [
        Row(f"random {path}", f"{d.low:g} to {d.high:g}", "", f"{d.dist}, one draw for each {d.per}")
        for path, d in scenario.randomise.items()
    ]


def _one_limit(world: World) -> tuple[float, float]:
    """What the fleet could hold by energy alone and by heat alone, mean over beta with equal weight [accelerators]."""
    energy = heat = 0.0
    for i in world.shell_of.tolist():
        hardware, table = world.hardware[i], world.fluxes[i]
        d = design_numbers(hardware)
        curve = Curve.of(d, world.mix)
        betas = np.radians(np.arange(0.0, 90.0, 5.0))
        dark = eclipse_fraction(table.altitude_m, betas)
        array = d["array_peak_w"] * world.scenario.earth.solar_w_m2 / SOLAR_CONSTANT_W_M2
        powers = [largest_constant_w(d, world.period_s[0], float(f), array) for f in dark]
        energy += float(curve.at(np.array(powers)).mean())
        heat += float(np.mean([curve.at(_thermal(world.scenario, world, i, float(b))) for b in betas]))
    return energy, heat

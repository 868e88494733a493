"""Mutants of physics, network and work that tests must detect; each changes one number, sign or term."""

from __future__ import annotations

from typing import NamedTuple

SKY = ("tests/validation/test_orbits_*.py", "tests/orbits/test_orbits_constellation.py")
FLUXES = ("tests/validation/test_fluxes.py", "tests/validation/test_light_on_paper.py")
STEPS = (
    "tests/validation/test_thermal_radau.py::test_load_steps_every_15_minutes",
    "tests/validation/test_thermal_radau.py::test_eclipses",
)
HEAT = ("tests/validation/test_thermal_closures.py", *STEPS)
BATTERY = ("tests/validation/test_battery_*.py",)
COLD = ("tests/validation/test_thermal_radau.py::test_cold_starts_from_200_k",)
AUDITS = ("tests/properties/test_audit.py",)
CONSERVATION = ("tests/properties/test_conservation.py",)
GANGS = ("tests/core/network/test_execution_rate.py", "tests/core/jobs/test_gangs.py")
LINKS = (
    "tests/validation/test_network.py",
    "tests/orbits/test_orbits_network.py",
    "tests/orbits/test_orbits_routes.py",
)
RESERVATIONS = ("tests/core/jobs/test_reservation*.py",)
TRANSFERS = ("tests/core/jobs/test_transfers.py", "tests/core/network/test_network_routes.py")


class Mutant(NamedTuple):
    """Mutant: one change of one file.

    Attributes:
        name: description of the change.
        file: file to change.
        was: text to replace; the file contains it once.
        becomes: replacement.
        tests: files or tests that should fail, with `*` as wildcard.
    """

    name: str
    file: str
    was: str
    becomes: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant("J2 by 1 %", "odc_gym/constants.py", "EARTH_J2 = 1.08262668e-3", "EARTH_J2 = 1.0934529e-3", SKY),
    Mutant("J2 of the wrong sign", "odc_gym/constants.py", "EARTH_J2 = 1.0", "EARTH_J2 = -1.0", SKY),
    Mutant(
        "flattening removed from the shadow", "odc_gym/orbits/eclipse.py",
        "STRETCH = 1.0 / (1.0 - EARTH_FLATTENING)", "STRETCH = 1.0", SKY,
    ),
    Mutant("the Sun's radius by 5 %", "odc_gym/constants.py", "SUN_RADIUS_M = 6.957e8", "SUN_RADIUS_M = 7.305e8", SKY),
    Mutant(
        "sign of the local time of the node", "odc_gym/orbits/constellation.py",
        "return math.pi / 12 * local_time_h", "return -math.pi / 12 * local_time_h", SKY,
    ),
    Mutant(
        "solar constant by 1 %", "odc_gym/constants.py",
        "SOLAR_CONSTANT_W_M2 = 1361.0", "SOLAR_CONSTANT_W_M2 = 1374.6", FLUXES,
    ),
    Mutant(
        "Stefan-Boltzmann constant by 1 %", "odc_gym/constants.py",
        "STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8", "STEFAN_BOLTZMANN_W_M2_K4 = 5.727e-8", HEAT,
    ),
    Mutant(
        "albedo lit all around", "odc_gym/orbits/fluxes.py",
        "bright = _half_arc(a, b), _half_arc(c, d)", "bright = _half_arc(a, b), _half_arc(1 + 0 * c, 0 * d)", FLUXES,
    ),
    Mutant(
        "sign of the beta angle", "odc_gym/orbits/ephemeris.py",
        "beta = np.arcsin(np.clip(_dot", "beta = -np.arcsin(np.clip(_dot", SKY,
    ),
    Mutant(
        "efficiency of conditioning by 2 %", "odc_gym/tables/fleet/design.py",
        '"loss": 1.0 / power.pcdu - 1.0', '"loss": 1.0 / (0.98 * power.pcdu) - 1.0', HEAT,
    ),
    Mutant(
        "efficiency of charging by 2 %", "odc_gym/tables/fleet/design.py",
        '"base_in": 1.0 - battery.eff_charge', '"base_in": 1.0 - 0.98 * battery.eff_charge', BATTERY,
    ),
    Mutant(
        "capacity of the plate by 5 %", "odc_gym/tables/fleet/design.py",
        '"ic1": 1.0 / c1', '"ic1": 1.0 / (1.05 * c1)', COLD,
    ),
    Mutant(
        "capacity of the loop by 5 %", "odc_gym/tables/fleet/design.py",
        '"ic2": 1.0 / c2', '"ic2": 1.0 / (1.05 * c2)', STEPS,
    ),
    Mutant(
        "capacity of the radiator by 5 %", "odc_gym/tables/fleet/design.py",
        '"ic3": 1.0 / c3', '"ic3": 1.0 / (1.05 * c3)', STEPS,
    ),
    Mutant(
        "junction over plate by 5 %", "odc_gym/tables/fleet/design.py",
        "above_plate / accelerators.peak_w", "1.05 * above_plate / accelerators.peak_w", HEAT,
    ),
    Mutant(
        "fins left out", "odc_gym/tables/fleet/design.py",
        "radiator.faces * radiator.area_m2 * radiator.fin", "radiator.faces * radiator.area_m2", HEAT,
    ),
    Mutant(
        "doubling of leakage by 10 %", "odc_gym/physics/thermal.py",
        "bounded_exp(LN_2 * inverse_double_k", "bounded_exp(0.9 * LN_2 * inverse_double_k", HEAT,
    ),
    Mutant(
        "heat of the bus dropped", "odc_gym/core/spacecraft/step.py",
        "other = outside + (1.0 + design.loss[s]) * served", "other = outside + design.loss[s] * served", HEAT,
    ),
    Mutant(
        "taper of charging left out", "odc_gym/physics/battery.py",
        "taper = clip((1.0 - charge_frac) * inverse_taper, 0.0, 1.0)", "taper = 1.0", BATTERY,
    ),
    Mutant(
        "open half cycles counted whole", "odc_gym/physics/ageing.py",
        "return 0.5 * depth * charge_stress", "return 1.0 * depth * charge_stress", BATTERY,
    ),
    Mutant(
        "heat that charging loses put nowhere", "odc_gym/core/spacecraft/step.py",
        "battery_heat = lost + battery_heater", "battery_heat = battery_heater", AUDITS,
    ),
    Mutant(
        "leakage drawn but put nowhere", "odc_gym/physics/thermal.py",
        "d1 = (power_w + leak_w - a) * nodes.ic1", "d1 = (power_w - a) * nodes.ic1", AUDITS,
    ),
    Mutant(
        "sight lines that graze the ground", "odc_gym/orbits/network.py",
        "radius = EARTH_RADIUS_M + grazing_m", "radius = EARTH_RADIUS_M", LINKS,
    ),
    Mutant(
        "gateways that see one degree lower", "odc_gym/orbits/sightings.py",
        "high = elevation >= minimum_deg", "high = elevation >= minimum_deg - 1.0", LINKS,
    ),
    Mutant(
        "hops that take no time", "odc_gym/orbits/routes.py",
        "(distance_m / SPEED_OF_LIGHT_M_S + hop_latency_s)", "(distance_m / SPEED_OF_LIGHT_M_S)", LINKS,
    ),
    Mutant(
        "transfers that do not share a link", "odc_gym/core/network/routes.py",
        "env.work.traffic.transfers[link_index(env, a, b, tick)] + extra_transfers", "1.0", TRANSFERS,
    ),
    Mutant(
        "results paid before they arrive", "odc_gym/core/jobs/progress.py",
        "if gb == 0.0:\n        deliver(env, row, now_s)", "if gb >= 0.0:\n        deliver(env, row, now_s)", TRANSFERS,
    ),
    Mutant(
        "an exchange of all gradients to each member", "odc_gym/core/network/execution_rate.py",
        "return 2.0 * (members - 1) / members", "return 2.0", GANGS,
    ),
    Mutant(
        "gangs at the pace of their first member", "odc_gym/core/network/execution_rate.py",
        "slowest = min(slowest, host_execution_rate(env, member))\n    return env",
        "slowest = host_execution_rate(env, row)\n    return env",
        GANGS,
    ),
    Mutant(
        "checkpoints at the root of the mean time times their cost", "odc_gym/core/jobs/checkpoints.py",
        "np.sqrt(2.0 * stall_s", "np.sqrt(stall_s", ("tests/core/jobs/test_checkpoints.py",),
    ),
    Mutant(
        "lost work that no account holds", "odc_gym/core/jobs/progress.py",
        "env.ledger.lost_s[class_id] += lost\n", "env.ledger.lost_s[class_id] += 0.0 * lost\n", CONSERVATION,
    ),
    Mutant(
        "backfilled jobs that may stay", "odc_gym/core/jobs/waiting.py",
        "+ time_to_release_s(env, row, s, now_s) <= env.sat.reserved_from_s[s]", "<= env.sat.reserved_from_s[s]",
        RESERVATIONS,
    ),
)  # fmt: skip

"""Changes of the physics that tests must notice: one number, sign or term each."""

from __future__ import annotations

from typing import NamedTuple

SKY = ("tests/validation/test_orbits_*.py", "tests/orbits")
FLUXES = ("tests/validation/test_fluxes*.py", "tests/validation/test_array*.py", "tests/orbits/test_orbits_fluxes.py")
HEAT = (
    "tests/validation/test_thermal_closures.py",
    "tests/validation/test_thermal_equilibrium.py",
    "tests/validation/test_thermal_radau.py",
)
AUDITS = ("tests/simulation/test_simulation_audit.py",)


class Mutant(NamedTuple):
    """One change.

    Attributes:
        name: what is changed, in words.
        file: where.
        was: text that stands there once.
        becomes: what stands there instead.
        tests: files or tests that should notice, with `*`.
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
        "Earth's rotation by 0.01 %", "odc_gym/constants.py",
        "EARTH_ROTATION_RAD_S = 7.292115e-5", "EARTH_ROTATION_RAD_S = 7.29284e-5", SKY,
    ),
    Mutant(
        "solar constant by 1 %", "odc_gym/constants.py",
        "SOLAR_CONSTANT_W_M2 = 1361.0", "SOLAR_CONSTANT_W_M2 = 1374.6", (*FLUXES, *SKY),
    ),
    Mutant(
        "Stefan-Boltzmann constant by 1 %", "odc_gym/constants.py",
        "STEFAN_BOLTZMANN_W_M2_K4 = 5.670374419e-8", "STEFAN_BOLTZMANN_W_M2_K4 = 5.727e-8", HEAT,
    ),
    Mutant(
        "albedo lit all around", "odc_gym/orbits/fluxes.py",
        "bright = _half_arc(a, b), _half_arc(c, d)", "bright = _half_arc(a, b), _half_arc(1 + 0 * c, 0 * d)", FLUXES,
    ),
)  # fmt: skip

"""What Sun and Earth do to arrays and radiators: output of arrays, and heat that radiators absorb.

The same law serves the tables of an episode and the sustainable plan over an orbit: time is the first axis, satellites
or orbits the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from odc_gym.constants import SOLAR_CONSTANT_W_M2, STEFAN_BOLTZMANN_W_M2_K4
from odc_gym.orbits import FluxTable
from odc_gym.orbits.attitude import cell_response, direct_cosine, incidence_cosine
from odc_gym.scenario import Earth, Hardware
from odc_gym.simulation.sustainable import Numbers

SUB_SAMPLES = 4  # of a step, for cosines: within 1e-5 of their mean


@dataclass(frozen=True)
class Surfaces:
    """What the array and the radiator of one kind of satellite see at one altitude.

    Attributes:
        array_law: how the array points, one of `odc_gym.orbits.attitude.ARRAY_LAWS`.
        radiator: fluxes from the Earth on the radiator.
        earth: the planet's radiation and the Sun's.
    """

    array_law: str
    radiator: FluxTable
    earth: Earth

    @classmethod
    def of(cls, hardware: Hardware, altitude_m: float, earth: Earth) -> Surfaces:
        """The surfaces of one kind of satellite at an altitude [m]."""
        radiation = (earth.infrared_w_m2, earth.albedo, earth.solar_w_m2)
        return cls(hardware.solar.law, FluxTable.build(altitude_m, *radiation, hardware.radiator.mode), earth)

    @property
    def altitude_m(self) -> float:
        """Altitude [m]."""
        return self.radiator.altitude_m


class Pass(NamedTuple):
    """Steps along orbits; (T, N) each, N satellites or orbits.

    Attributes:
        flux_frac: sunlight over that at 1 au.
        sunlit_frac: lit share of the Sun's disc, mean over the step.
        beta_rad: angle of the Sun above the orbit plane [rad].
        orbit_angle_rad: angle from orbit noon at the middle of the step [rad].
        advance_rad: angle that is flown in the step [rad].
    """

    flux_frac: np.ndarray
    sunlit_frac: np.ndarray
    beta_rad: np.ndarray
    orbit_angle_rad: np.ndarray
    advance_rad: np.ndarray

    @classmethod
    def of_ephemeris(
        cls, flux_frac: np.ndarray, sunlit_frac: np.ndarray, beta_rad: np.ndarray, orbit_angle_rad: np.ndarray
    ) -> Pass:
        """From angles at the beginning of steps, (T, N), and sunlight over that at 1 au, (T,)."""
        turned = np.diff(orbit_angle_rad, axis=0) % (2.0 * np.pi)
        advance = np.concatenate([turned, turned[-1:]])
        flux = np.broadcast_to(flux_frac[:, None], beta_rad.shape)
        return cls(flux, sunlit_frac, beta_rad, orbit_angle_rad + 0.5 * advance, advance)


class Light(NamedTuple):
    """What the steps of a pass bring, (T, N) each.

    Attributes:
        irradiance_frac: output of the lit array over that in normal sunlight of 1361 W/m2 at operating temperature.
        absorbed_w_m2: heat that a radiator face absorbs [W/m2], mean of the faces.
    """

    irradiance_frac: np.ndarray
    absorbed_w_m2: np.ndarray


def light(d: Numbers, surfaces: Surfaces, steps: Pass) -> Light:
    """Output of arrays and heat of radiators along a pass.

    Args:
        d: design numbers, each a float or (N,).
        surfaces: of the satellites.
        steps: where they are, and what light they have.
    """
    brightness = surfaces.earth.solar_w_m2 / SOLAR_CONSTANT_W_M2
    response = _mean_response(surfaces.array_law, steps)
    infrared, albedo = surfaces.radiator.lookup(steps.beta_rad, steps.orbit_angle_rad)
    direct = surfaces.earth.solar_w_m2 * _mean_direct(d, surfaces.radiator.attitude, steps) * steps.sunlit_frac
    return Light(
        steps.flux_frac * brightness * d["pointing"] * response,
        absorbed_w_m2(d, infrared, (albedo + direct) * steps.flux_frac, steps.sunlit_frac),
    )


def absorbed_w_m2(
    d: Numbers, infrared_w_m2: np.ndarray, sunlight_w_m2: np.ndarray, sunlit_frac: np.ndarray
) -> np.ndarray:
    """Heat that a radiator face absorbs [W/m2]: Earth's infrared, sunlight, and the back of the array.

    Source of the last: exchange with a diffuse grey surface of small view factor, eps1 F eps2 sigma T^4 (Gilmore,
    Spacecraft Thermal Control Handbook, chapter 3).
    """
    t4 = sunlit_frac * d["back_lit_k4"] + (1.0 - sunlit_frac) * d["back_dark_k4"]
    array_back = d["back_exchange"] * STEFAN_BOLTZMANN_W_M2_K4 * t4
    return np.asarray(d["infrared_eps"] * infrared_w_m2 + d["solar_alpha"] * sunlight_w_m2 + array_back)


def mean_sunlit_response(array_law: str, steps: Pass) -> np.ndarray:
    """Response of an array's cells to the angle of incidence, mean over the sunlit part of a pass, (N,)."""
    lit = steps.sunlit_frac
    return np.asarray((_mean_response(array_law, steps) * lit).sum(0) / lit.sum(0))


def _mean_response(array_law: str, steps: Pass) -> np.ndarray | float:
    """Response of cells to the angle of incidence, mean over the step."""
    if array_law == "two_axis":
        return 1.0
    parts = [cell_response(incidence_cosine(array_law, steps.beta_rad, angle)) for angle in _within(steps)]
    return np.asarray(sum(parts) / SUB_SAMPLES)


def _mean_direct(d: Numbers, attitude: str, steps: Pass) -> np.ndarray:
    """Cosine of the Sun's incidence on a radiator, mean of its faces, of which one sees the Sun, and of the step."""
    if attitude in ("knife_edge", "anti_sun"):  # the same all around the orbit
        cosine = direct_cosine(attitude, np.zeros(steps.beta_rad.shape), d["radiator_error_rad"])
    else:
        zenith = (np.cos(steps.beta_rad) * np.cos(angle) for angle in _within(steps))
        cosine = np.asarray(sum(direct_cosine(attitude, z, d["radiator_error_rad"]) for z in zenith) / SUB_SAMPLES)
    return np.asarray(cosine / d["faces"])


def _within(steps: Pass) -> list[np.ndarray]:
    """Angles from orbit noon at the middles of the parts of each step [rad]."""
    parts = (np.arange(SUB_SAMPLES) + 0.5) / SUB_SAMPLES - 0.5
    return [steps.orbit_angle_rad + part * steps.advance_rad for part in parts]

"""Sunlight and Earth radiation on arrays and radiators: array output, and heat that radiators absorb.

The tables of an episode and the sustainable plan over an orbit use the same functions. Time is the first axis of
arrays; satellites or orbits are the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from odc_gym.constants import SOLAR_CONSTANT_W_M2, STEFAN_BOLTZMANN_W_M2_K4
from odc_gym.core.spacecraft.array_temperature import node_temperature_k
from odc_gym.orbits import FluxTable
from odc_gym.orbits.attitude import cell_response, direct_cosine, edge_lag_rad, incidence_cosine
from odc_gym.orbits.solar_arrays import ArrayTable
from odc_gym.physics.angles import remainder
from odc_gym.scenario import Earth, Hardware
from odc_gym.tables.fleet.sustainable import DesignNumbers

SUB_SAMPLES = 4  # samples of a cosine within a step; their mean is within 1e-5 of the step's


@dataclass(frozen=True)
class Surfaces:
    """Array and radiator of one kind of satellite at one altitude, with the fluxes on them.

    Attributes:
        array_law: pointing law of the array, one of `odc_gym.orbits.attitude.ARRAY_LAWS`.
        array: fluxes from the Earth on the array.
        radiator: fluxes from the Earth on the radiator.
        earth: radiation of Earth and Sun.
    """

    array_law: str
    array: ArrayTable
    radiator: FluxTable
    earth: Earth

    @classmethod
    def of(cls, hardware: Hardware, altitude_m: float, earth: Earth) -> Surfaces:
        """Build the surfaces of one kind of satellite at an altitude [m]."""
        law, radiator = hardware.solar.law, hardware.radiator
        radiation = (earth.infrared_w_m2, earth.albedo, earth.solar_w_m2)
        lags = radiator.roll_rate_deg_s is not None
        table = FluxTable.build(altitude_m, *radiation, radiator.mode, lags)
        return cls(law, ArrayTable.build(law, altitude_m), table, earth)

    @property
    def altitude_m(self) -> float:
        """Altitude [m]."""
        return self.radiator.altitude_m


class OrbitSteps(NamedTuple):
    """Time steps along N orbits, or of N satellites; arrays (T, N).

    Attributes:
        flux_frac: sunlight relative to 1 au, (T, N), or (T, 1) if it is the same for all.
        sunlit_frac: visible share of the Sun's disc, mean over the step.
        beta_rad: angle of the Sun above the orbit plane [rad].
        orbit_angle_rad: angle from orbit noon at the middle of the step [rad].
        advance_rad: angle travelled in the step [rad].
        step_s: length of a step [s].
    """

    flux_frac: np.ndarray
    sunlit_frac: np.ndarray
    beta_rad: np.ndarray
    orbit_angle_rad: np.ndarray
    advance_rad: np.ndarray
    step_s: float

    @property
    def steps_per_orbit(self) -> int:
        """Number of steps of an orbit, at most all steps."""
        return min(round(2.0 * np.pi / float(self.advance_rad[0].mean())), len(self.advance_rad))

    @classmethod
    def of_ephemeris(
        cls,
        flux_frac: np.ndarray,
        sunlit_frac: np.ndarray,
        beta_rad: np.ndarray,
        orbit_angle_rad: np.ndarray,
        step_s: float,
    ) -> OrbitSteps:
        """Build steps from values at the beginning of each step.

        Args:
            flux_frac: sunlight relative to 1 au, (T,).
            sunlit_frac: visible share of the Sun's disc, mean over the step, (T, N).
            beta_rad: angle of the Sun above the orbit plane [rad], (T, N).
            orbit_angle_rad: angle from orbit noon at the beginning of the step [rad], (T, N).
            step_s: length of a step [s].
        """
        turned = remainder(np.diff(orbit_angle_rad, axis=0), 2.0 * np.pi)
        advance = np.concatenate([turned, turned[-1:]])
        return cls(flux_frac[:, None], sunlit_frac, beta_rad, orbit_angle_rad + 0.5 * advance, advance, step_s)


class Illumination(NamedTuple):
    """Array output and radiator heat in each step, (T, N) each.

    Attributes:
        irradiance_frac: output of the sunlit array, relative to normal sunlight of 1361 W/m2 at operating temperature.
        absorbed_w_m2: heat that a radiator face absorbs [W/m2], mean of the faces.
    """

    irradiance_frac: np.ndarray
    absorbed_w_m2: np.ndarray


def illuminate(design: DesignNumbers, surfaces: Surfaces, steps: OrbitSteps) -> Illumination:
    """Return array output and radiator heat in each step.

    Args:
        design: design numbers, each a float or (N,).
        surfaces: array and radiator of the satellites.
        steps: geometry and sunlight of each step.
    """
    light = incident_light(surfaces.array_law, steps)
    irradiance = _irradiance_frac(design, surfaces, steps, light)
    back_k4 = steps.sunlit_frac * design["back_lit_k4"] + (1.0 - steps.sunlit_frac) * design["back_dark_k4"]
    if np.any(design["array_coefficient"]) or np.any(design["back_follows"] * design["back_exchange"]):
        array_k = array_temperature_k(design, surfaces, steps, light)
        relative_change = design["array_coefficient"] * (array_k - design["array_operating_k"])
        irradiance = irradiance * np.maximum(1.0 + relative_change, 0.0)
        back_k4 = back_k4 + design["back_follows"] * array_k**4
    infrared, sunlight = _radiator_w_m2(design, surfaces, steps)
    array_back = design["back_exchange"] * STEFAN_BOLTZMANN_W_M2_K4 * back_k4
    absorbed = np.asarray(design["infrared_eps"] * infrared + design["solar_alpha"] * sunlight + array_back)
    return Illumination(np.broadcast_to(irradiance, absorbed.shape), absorbed)


class IncidentLight(NamedTuple):
    """Direct sunlight on an array, mean over each step; (T, N), or floats for an array that follows the Sun.

    Attributes:
        response: output of the cells over their output in normal sunlight.
        front: cosine of incidence on the front, 0 where the Sun is behind it.
        back: cosine of incidence on the back.
    """

    response: np.ndarray | float
    front: np.ndarray | float
    back: np.ndarray | float


def incident_light(array_law: str, steps: OrbitSteps) -> IncidentLight:
    """Return the direct sunlight on an array under a tracking law."""
    if array_law == "two_axis":
        return IncidentLight(1.0, 1.0, 0.0)
    cosines = [incidence_cosine(array_law, steps.beta_rad, angle) for angle in _sub_step_angles(steps)]
    values = (
        [cell_response(cosine) for cosine in cosines],
        [np.maximum(cosine, 0.0) for cosine in cosines],
        [np.maximum(-cosine, 0.0) for cosine in cosines],
    )
    return IncidentLight(*(np.asarray(sum(samples) / SUB_SAMPLES) for samples in values))


def array_temperature_k(
    design: DesignNumbers, surfaces: Surfaces, steps: OrbitSteps, light: IncidentLight
) -> np.ndarray:
    """Return the mean temperature of arrays in each step [K], (T, N).

    The array is one thermal node. Both faces absorb sunlight, reflected sunlight and Earth infrared, and radiate. The
    cells turn part of the sunlight into electricity. The model assumes that the full array output is drawn.
    """
    earth = surfaces.earth
    sunlight = earth.solar_w_m2 * steps.flux_frac
    front, back = surfaces.array.lookup(steps.beta_rad, steps.orbit_angle_rad)
    heat = np.zeros(steps.beta_rad.shape)
    for face, cosine, alpha, eps in (
        (front, light.front, "array_alpha", "array_eps"),
        (back, light.back, "array_back_alpha", "array_back_eps"),
    ):
        direct = design["pointing"] * cosine * steps.sunlit_frac
        heat += (
            design[alpha] * sunlight * (direct + earth.albedo * face.albedo)
            + design[eps] * earth.infrared_w_m2 * face.infrared
        )
    irradiance = _irradiance_frac(design, surfaces, steps, light)
    electric = design["array_peak_w"] / design["array_m2"] * irradiance * steps.sunlit_frac
    return node_temperature_k(
        heat,
        np.asarray(electric),
        step_s=steps.step_s,
        settle=steps.steps_per_orbit,
        coefficient_per_k=design["array_coefficient"],
        quoted_k=design["array_operating_k"],
        emissivity=design["array_eps"] + design["array_back_eps"],
        capacity_j_m2_k=design["array_capacity"],
    )


def _irradiance_frac(design: DesignNumbers, surfaces: Surfaces, steps: OrbitSteps, light: IncidentLight) -> np.ndarray:
    """Return the sunlit array's output at operating temperature, relative to normal sunlight of 1361 W/m2."""
    brightness = surfaces.earth.solar_w_m2 / SOLAR_CONSTANT_W_M2
    return np.asarray(steps.flux_frac * brightness * design["pointing"] * light.response)


def _radiator_w_m2(design: DesignNumbers, surfaces: Surfaces, steps: OrbitSteps) -> tuple[np.ndarray, np.ndarray]:
    """Return Earth infrared, and reflected plus direct sunlight, mean of a radiator's faces [W/m2]."""
    table, lag = surfaces.radiator, np.asarray(0.0)
    if np.any(np.isfinite(design["roll_rate_rad_s"])):
        position = (steps.beta_rad, steps.orbit_angle_rad, steps.advance_rad)
        lag = edge_lag_rad(
            *position, step_s=steps.step_s, orbit_steps=steps.steps_per_orbit, rate_rad_s=design["roll_rate_rad_s"]
        )
    infrared, albedo = table.lookup(steps.beta_rad, steps.orbit_angle_rad, lag)
    direct = surfaces.earth.solar_w_m2 * _mean_direct(design, table.attitude, steps) * steps.sunlit_frac
    return infrared, (albedo + direct) * steps.flux_frac


def mean_sunlit_response(array_law: str, steps: OrbitSteps) -> np.ndarray:
    """Return the cells' response to the angle of incidence, mean over the sunlit part of the steps, (N,)."""
    sunlit = steps.sunlit_frac
    return np.asarray((incident_light(array_law, steps).response * sunlit).sum(0) / sunlit.sum(0))


def _mean_direct(design: DesignNumbers, attitude: str, steps: OrbitSteps) -> np.ndarray:
    """Return the cosine of the Sun's incidence on a radiator, mean over its faces and over each step.

    At most one face sees the Sun.
    """
    if attitude in ("knife_edge", "anti_sun"):  # constant along the orbit
        cosine = direct_cosine(attitude, 0.0, design["radiator_error_rad"])
    else:
        zenith = (np.cos(steps.beta_rad) * np.cos(angle) for angle in _sub_step_angles(steps))
        cosine = np.asarray(sum(direct_cosine(attitude, z, design["radiator_error_rad"]) for z in zenith) / SUB_SAMPLES)
    return np.asarray(cosine / design["faces"])


def _sub_step_angles(steps: OrbitSteps) -> list[np.ndarray]:
    """Return the angles from orbit noon at the middles of `SUB_SAMPLES` parts of each step [rad]."""
    parts = (np.arange(SUB_SAMPLES) + 0.5) / SUB_SAMPLES - 0.5
    return [steps.orbit_angle_rad + part * steps.advance_rad for part in parts]

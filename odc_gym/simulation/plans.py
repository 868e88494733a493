"""Sustainable plans of a shell for every beta angle and distance to the Sun."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

import numpy as np

from odc_gym.constants import SOLAR_CONSTANT_W_M2, STEFAN_BOLTZMANN_W_M2_K4, ZERO_CELSIUS_K
from odc_gym.orbits import FluxTable, eclipse_fraction, orbit_period_s
from odc_gym.physics.compute import clock_of_dynamic, speed_frac
from odc_gym.scenario import Earth, Hardware, JobClass, Workload
from odc_gym.simulation.design import design_numbers
from odc_gym.simulation.sustainable import Curve, Mix, Plan, solve
from odc_gym.workload import offered_rate

FLUXES = np.array([0.960, 0.980, 1.000, 1.020, 1.040])  # of the flux at 1 au; the year spans 0.967 to 1.034
BETAS_DEG = np.arange(91.0)
ORBIT_POINTS = 180


def class_mix(workload: Workload, class_names: tuple[str, ...]) -> Mix:
    """Shares of the offered work by class, and their power and speed numbers, (C,) each."""
    classes = [workload.classes[name] for name in class_names]
    offered = np.array([offered_rate(c) for c in classes])
    share = offered / offered.sum() if offered.sum() > 0 else np.full(len(classes), 1.0 / len(classes))
    return Mix(share, np.array([c.utilisation for c in classes]), np.array([c.clock_sensitivity for c in classes]))


def mean_value(workload: Workload, class_names: tuple[str, ...]) -> float:
    """Mean value of a reference-accelerator-hour of the offered mix."""
    mix = class_mix(workload, class_names)
    return fsum(s * workload.classes[name].value for s, name in zip(mix.share, class_names, strict=True))


def absorbed_w_m2(
    hardware: Hardware,
    infrared_w_m2: np.ndarray,
    albedo_w_m2: np.ndarray,
    flux_frac: np.ndarray,
    sunlit_frac: np.ndarray,
) -> np.ndarray:
    """Heat that a radiator face absorbs [W/m2]: Earth's infrared, reflected sunlight, and the back of the array.

    Source of the last: exchange with a diffuse grey surface of small view factor, eps1 F eps2 sigma T^4 (Gilmore,
    Spacecraft Thermal Control Handbook, chapter 3).
    """
    radiator, back = hardware.radiator, hardware.hot_back
    t4 = sunlit_frac * back.sunlit_k**4 + (1.0 - sunlit_frac) * back.eclipse_k**4
    array_back = radiator.eps * back.view_factor * back.eps * STEFAN_BOLTZMANN_W_M2_K4 * t4
    return np.asarray(radiator.eps * infrared_w_m2 + radiator.alpha * albedo_w_m2 * flux_frac + array_back)


@dataclass(frozen=True)
class ShellPlan:
    """Plans of one shell on a grid of flux and beta; arrays (fluxes, betas).

    Attributes:
        plan: compute powers, throughput and depth.
        period_s: orbital period.
        clock: common clock of the mean plan with all accelerators busy with the mix.
    """

    plan: Plan
    period_s: float
    clock: float

    @classmethod
    def build(cls, hardware: Hardware, mix: Mix, altitude_m: float, fluxes: FluxTable, earth: Earth) -> ShellPlan:
        """Solve for the whole grid; light is a cylindrical shadow, the sink the mean of the sunlit part of the orbit.

        Heat binds in sunlight, and in eclipse the radiator is still warm from it.
        """
        d = design_numbers(hardware)
        beta = np.radians(BETAS_DEG)
        dark = eclipse_fraction(altitude_m, beta)
        angle = np.linspace(0.0, 2.0 * np.pi, ORBIT_POINTS, endpoint=False)
        infrared, albedo = fluxes.lookup(beta[:, None], angle[None, :])
        brightness = earth.solar_w_m2 / SOLAR_CONSTANT_W_M2
        pointing = np.cos(np.radians(hardware.solar.pointing_error_deg))
        shape = (FLUXES.size, beta.size)
        flux = np.broadcast_to(FLUXES[:, None], shape)
        reflected = albedo.mean(1) / (1.0 - dark)  # none in the dark
        sink = absorbed_w_m2(hardware, infrared.mean(1)[None, :], reflected[None, :], flux, np.ones(shape))
        period = orbit_period_s(altitude_m)
        solved = solve(
            d, mix, hardware.thermal.plan_c + ZERO_CELSIUS_K, hardware.battery.soft_dod, period,
            np.broadcast_to(dark, shape).ravel(), (d["array_peak_w"] * pointing * brightness * flux).ravel(),
            sink.ravel(),
        )  # fmt: skip
        grid = Plan(
            *(
                np.asarray(v).reshape(shape)
                for v in (solved.sun_w, solved.dark_w, solved.throughput, solved.depth, solved.keeps_depth)
            )
        )
        curve = Curve.of(d, mix)
        dynamic = (float(grid.sun_w[2].mean()) - d["host_w"]) / d["accelerators"] - d["idle_each_w"]
        busy = (curve.power_w[-1] - d["host_w"]) / d["accelerators"] - d["idle_each_w"]
        return cls(grid, period, clock_of_dynamic(dynamic / busy, d["x_min"], d["static"], d["v0"], d["x_v"]))

    def at(self, table: np.ndarray, flux_frac: np.ndarray, beta_rad: np.ndarray) -> np.ndarray:
        """Bilinear look-up of a grid (fluxes, betas); arguments and result share one shape."""
        row = np.clip((flux_frac - FLUXES[0]) / (FLUXES[1] - FLUXES[0]), 0.0, FLUXES.size - 1.0)
        column = np.minimum(np.abs(np.degrees(beta_rad)), 90.0)
        i, j = np.minimum(row.astype(int), FLUXES.size - 2), np.minimum(column.astype(int), 89)
        u, v = row - i, column - j
        low = (1.0 - v) * table[i, j] + v * table[i, j + 1]
        return (1.0 - u) * low + u * ((1.0 - v) * table[i + 1, j] + v * table[i + 1, j + 1])  # type: ignore[no-any-return]


def class_speed(mix: Mix, clock: float) -> np.ndarray:
    """Work rate of each class at a clock over that at full clock, (C,)."""
    return np.array([speed_frac(clock, kappa) for kappa in mix.kappa])


def offered_by_class(workload: Workload, class_names: tuple[str, ...]) -> np.ndarray:
    """Offered work by class [reference accelerators], (C,), `rate_scale` included."""
    return workload.rate_scale * np.array([offered_rate(workload.classes[name]) for name in class_names])


def is_job(workload: Workload, name: str) -> bool:
    """Whether a class is one of jobs, not a service."""
    return isinstance(workload.classes[name], JobClass)

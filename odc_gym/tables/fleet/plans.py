"""Sustainable plans of a shell for every beta angle and distance to the Sun."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

import numpy as np

from odc_gym.orbits import eclipse_fraction, orbit_period_s
from odc_gym.physics.compute import clock_of_dynamic, speed_frac
from odc_gym.scenario import Hardware, JobClass, Workload
from odc_gym.tables.fleet.design import design_numbers
from odc_gym.tables.fleet.surroundings import OrbitSteps, Surfaces, illuminate
from odc_gym.tables.fleet.sustainable import ClassMix, DesignNumbers, Plan, ThroughputCurve, solve
from odc_gym.tables.fleet.varying_array_balance import VaryingArray
from odc_gym.workload import mean_price, offered_rate

FLUX_GRID = np.array([0.960, 0.980, 1.000, 1.020, 1.040])  # relative to 1 au; the year spans 0.967 to 1.034
BETA_GRID_DEG = np.arange(91.0)
ORBIT_POINTS = 180


def class_mix(workload: Workload, class_names: tuple[str, ...]) -> ClassMix:
    """Return share of the offered work, utilisation and clock sensitivity of each class, (C,) each."""
    classes = [workload.classes[name] for name in class_names]
    offered = np.array([offered_rate(c) for c in classes])
    share = offered / offered.sum() if offered.sum() > 0 else np.full(len(classes), 1.0 / len(classes))
    return ClassMix(share, np.array([c.utilisation for c in classes]), np.array([c.clock_sensitivity for c in classes]))


def mean_value(workload: Workload, class_names: tuple[str, ...]) -> float:
    """Return the mean value of a reference-accelerator-hour of the offered mix.

    Jobs count at the mean price of the tenants.
    """
    mix, price = class_mix(workload, class_names), mean_price(workload)
    prices = [price if isinstance(workload.classes[name], JobClass) else 1.0 for name in class_names]
    values = [workload.classes[name].value for name in class_names]
    return fsum(s * v * p for s, v, p in zip(mix.share, values, prices, strict=True))


def solve_orbits(
    design: DesignNumbers, mix: ClassMix, surfaces: Surfaces, flux_frac: np.ndarray, beta_rad: np.ndarray
) -> Plan:
    """Return the best plan for each of N orbits of one altitude; arrays (N,).

    Eclipses are those of a cylindrical shadow. Array output and radiator sink are means over the sunlit part of the
    orbit. Heat limits the plan in sunlight only: in eclipse the radiator is still warm from it.

    Args:
        design: design numbers of one satellite, or of the satellite of each orbit, (N,).
        mix: class mix.
        surfaces: array and radiator at that altitude.
        flux_frac: sunlight relative to 1 au, (N,).
        beta_rad: angle between the Sun and the orbit plane [rad], (N,).
    """
    altitude_m = surfaces.altitude_m
    eclipse_frac = eclipse_fraction(altitude_m, beta_rad)
    steps = steps_of_one_orbit(altitude_m, flux_frac, beta_rad)
    illumination = illuminate(design, surfaces, steps)
    share = steps.sunlit_frac / steps.sunlit_frac.sum(0)
    sink = (illumination.absorbed_w_m2 * share).sum(0)
    array_w = design["array_peak_w"] * illumination.irradiance_frac
    varying_array = None if np.ptp(array_w, axis=0).max() == 0.0 else VaryingArray(array_w.T, share.T)
    columns = {name: value[:, None] if isinstance(value, np.ndarray) else value for name, value in design.items()}
    return solve(
        columns, mix, columns["plan_k"], columns["soft_depth"], orbit_period_s(altitude_m), eclipse_frac,
        (array_w * share).sum(0), sink, varying_array=varying_array,
    )  # fmt: skip


def steps_of_one_orbit(altitude_m: float, flux_frac: np.ndarray, beta_rad: np.ndarray) -> OrbitSteps:
    """Return `ORBIT_POINTS` steps along each of N orbits, from one orbit noon to the next: (ORBIT_POINTS, N).

    Args:
        altitude_m: altitude [m].
        flux_frac: sunlight relative to 1 au, (N,).
        beta_rad: angle between the Sun and the orbit plane [rad], (N,).
    """
    shape = (ORBIT_POINTS, beta_rad.size)
    beta, flux = (np.broadcast_to(values, shape) for values in (beta_rad, flux_frac))
    angle = np.broadcast_to(np.linspace(0.0, 2.0 * np.pi, ORBIT_POINTS, endpoint=False)[:, None], shape)
    advance = np.broadcast_to(2.0 * np.pi / ORBIT_POINTS, shape)
    step_s = orbit_period_s(altitude_m) / ORBIT_POINTS
    return OrbitSteps(flux, sunlit_share(altitude_m, beta, angle, advance), beta, angle, advance, step_s)


def sunlit_share(
    altitude_m: float, beta_rad: np.ndarray, orbit_angle_rad: np.ndarray, advance_rad: np.ndarray
) -> np.ndarray:
    """Return the share of each step that lies outside the Earth's cylindrical shadow, any shape.

    Args:
        altitude_m: altitude [m].
        beta_rad: angle between the Sun and the orbit plane [rad].
        orbit_angle_rad: angle from orbit noon at the middle of the step [rad].
        advance_rad: angle travelled in the step [rad].
    """
    edge = np.pi * (1.0 - eclipse_fraction(altitude_m, beta_rad))
    from_noon = np.abs((orbit_angle_rad + np.pi) % (2.0 * np.pi) - np.pi)
    return np.asarray(np.where(edge == np.pi, 1.0, np.clip((edge - from_noon) / advance_rad + 0.5, 0.0, 1.0)))


@dataclass(frozen=True)
class ShellPlan:
    """Sustainable plans of one shell on a grid of flux and beta; arrays (fluxes, betas).

    Attributes:
        plan: compute powers, throughput and depth of discharge.
        period_s: orbital period [s].
        clock: common clock of the mean plan with all accelerators busy with the mix.
        marginal: throughput that one more watt adds, in sunlight or in eclipse, whichever adds more [reference
            accelerators/W].
    """

    plan: Plan
    period_s: float
    clock: float
    marginal: np.ndarray

    @classmethod
    def build(cls, hardware: Hardware, mix: ClassMix, surfaces: Surfaces) -> ShellPlan:
        """Solve the plans of the whole grid."""
        design = design_numbers(hardware)
        flux, beta = np.meshgrid(FLUX_GRID, np.radians(BETA_GRID_DEG), indexing="ij")
        solved = solve_orbits(design, mix, surfaces, flux.ravel(), beta.ravel())
        grid = Plan(
            *(
                np.asarray(v).reshape(flux.shape)
                for v in (solved.sun_w, solved.dark_w, solved.throughput, solved.depth, solved.keeps_depth)
            )
        )
        curve = ThroughputCurve.of(design, mix)
        dynamic = (float(grid.sun_w[2].mean()) - design["host_w"]) / design["accelerators"] - design["idle_each_w"]
        busy = (curve.power_w[-1] - design["host_w"]) / design["accelerators"] - design["idle_each_w"]
        return cls(
            grid,
            orbit_period_s(surfaces.altitude_m),
            clock_of_dynamic(dynamic / busy, design["x_min"], design["static"], design["v0"], design["x_v"]),
            np.maximum(curve.slope(grid.sun_w), curve.slope(grid.dark_w)),
        )

    def at(self, table: np.ndarray, flux_frac: np.ndarray, beta_rad: np.ndarray) -> np.ndarray:
        """Interpolate a table on the grid (fluxes, betas) bilinearly; arguments and result share one shape."""
        row = np.clip((flux_frac - FLUX_GRID[0]) / (FLUX_GRID[1] - FLUX_GRID[0]), 0.0, FLUX_GRID.size - 1.0)
        column = np.minimum(np.abs(np.degrees(beta_rad)), 90.0)
        i, j = np.minimum(row.astype(int), FLUX_GRID.size - 2), np.minimum(column.astype(int), 89)
        u, v = row - i, column - j
        low = (1.0 - v) * table[i, j] + v * table[i, j + 1]
        return (1.0 - u) * low + u * ((1.0 - v) * table[i + 1, j] + v * table[i + 1, j + 1])  # type: ignore[no-any-return]


def class_speed(mix: ClassMix, clock: float) -> np.ndarray:
    """Return the work rate of each class at a clock, relative to full clock, (C,)."""
    return np.array([speed_frac(clock, kappa) for kappa in mix.kappa])


def offered_by_class(workload: Workload, class_names: tuple[str, ...]) -> np.ndarray:
    """Return the offered work of each class, `rate_scale` included [reference accelerators], (C,)."""
    return workload.rate_scale * np.array([offered_rate(workload.classes[name]) for name in class_names])

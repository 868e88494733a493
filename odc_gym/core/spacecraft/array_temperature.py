"""Temperature of the solar arrays over the time steps of a table."""

import numpy as np
from numpy.typing import ArrayLike

from odc_gym.compilation.array_types import Float64x1, Float64x2
from odc_gym.compilation.kernel import kernel
from odc_gym.constants import STEFAN_BOLTZMANN_W_M2_K4
from odc_gym.physics.solar import LEAST_K, array_step


def node_temperature_k(
    heat_w_m2: np.ndarray,
    electric_w_m2: np.ndarray,
    *,
    step_s: float,
    settle: int,
    coefficient_per_k: ArrayLike,
    quoted_k: ArrayLike,
    emissivity: ArrayLike,
    capacity_j_m2_k: ArrayLike,
) -> np.ndarray:
    """Return the mean temperature of each array in each step [K]; an array is one thermal node.

    C dT/dt = heat - electric (1 + coefficient (T - quoted)) - emissivity sigma T^4, see `physics.solar.array_step`. The
    first orbit is integrated twice in advance, so that the first step begins at the temperature at which an orbit ends.

    Args:
        heat_w_m2: heat absorbed from Sun and Earth on both faces, electrical output included, (T, N) [W/m2].
        electric_w_m2: electrical output at the quoted temperature, (T, N) [W/m2].
        step_s: length of a step [s].
        settle: number of steps of an orbit.
        coefficient_per_k: relative change of the output with temperature [1/K], a float or (N,).
        quoted_k: temperature at which the output is quoted [K], a float or (N,).
        emissivity: sum of the emissivities of both faces, a float or (N,).
        capacity_j_m2_k: areal heat capacity [J/(m2 K)], a float or (N,).

    Returns:
        Temperatures, (T, N) [K].
    """
    radiation, step_per_capacity = (
        np.asarray(emissivity) * STEFAN_BOLTZMANN_W_M2_K4,
        step_s / np.asarray(capacity_j_m2_k),
    )
    slope = electric_w_m2 * np.asarray(coefficient_per_k)  # change of the output with temperature
    fixed = heat_w_m2 - electric_w_m2 + slope * np.asarray(quoted_k)
    steady = np.maximum((heat_w_m2 - electric_w_m2)[:settle].mean(0), 0.0)
    kelvin = np.maximum((steady / radiation) ** 0.25, LEAST_K)
    mean, ones = np.empty(fixed.shape), np.ones(fixed.shape[1:])
    integrate_temperature(
        mean,
        kelvin,
        np.ascontiguousarray(fixed),
        np.ascontiguousarray(slope),
        radiation * ones,
        step_per_capacity * ones,
        settle,
    )
    return mean


@kernel
def integrate_temperature(
    mean: Float64x2,
    kelvin: Float64x1,
    fixed: Float64x2,
    slope: Float64x2,
    radiation: Float64x1,
    step_per_capacity: Float64x1,
    settle: int,
) -> None:
    """Integrate temperatures, and write the mean of each step.

    Args:
        mean: mean temperature of each step, (T, N) [K]; written.
        kelvin: temperatures at the beginning, (N,) [K]; overwritten by those at the end.
        fixed: heat less electricity, extrapolated to 0 K, (T, N) [W/m2].
        slope: change of the electrical output with temperature, (T, N) [W/(m2 K)].
        radiation: emissivity of both faces x Stefan-Boltzmann constant, (N,) [W/(m2 K4)].
        step_per_capacity: step over areal heat capacity, (N,) [m2 K/W].
        settle: number of steps of an orbit.
    """
    for steps in (settle, settle, fixed.shape[0]):
        for k in range(steps):
            for s in range(kelvin.shape[0]):
                following = array_step(kelvin[s], fixed[k, s], slope[k, s], radiation[s], step_per_capacity[s])
                mean[k, s] = 0.5 * (kelvin[s] + following)
                kelvin[s] = following

"""Temperature of the solar arrays along the tables of an episode."""

import numpy as np
from numpy.typing import ArrayLike

from odc_gym._jit import kernel
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
    """Temperature of arrays, one node each, mean over each of T steps [K].

    C dT/dt = heat - electric (1 + coefficient (T - quoted)) - emissivity sigma T^4, see `physics.solar.array_step`. The
    first `settle` steps are flown twice before, so that the first step begins where an orbit ends.

    Args:
        heat_w_m2: (T, N) absorbed from Sun and Earth on both faces, before the cells take their share [W/m2].
        electric_w_m2: (T, N) electrical output at the quoted temperature [W/m2].
        step_s: length of a step [s].
        settle: steps of an orbit.
        coefficient_per_k: change of output over output by temperature [1/K], a float or (N,).
        quoted_k: temperature at which the output is quoted [K], likewise.
        emissivity: sum of both faces, likewise.
        capacity_j_m2_k: areal heat capacity [J/(m2 K)], likewise.

    Returns:
        (T, N) temperatures [K].
    """
    radiation, pace = np.asarray(emissivity) * STEFAN_BOLTZMANN_W_M2_K4, step_s / np.asarray(capacity_j_m2_k)
    slope = electric_w_m2 * np.asarray(coefficient_per_k)  # of the output by temperature
    fixed = heat_w_m2 - electric_w_m2 + slope * np.asarray(quoted_k)
    steady = np.maximum((heat_w_m2 - electric_w_m2)[:settle].mean(0), 0.0)
    kelvin = np.maximum((steady / radiation) ** 0.25, LEAST_K)
    mean, each = np.empty(fixed.shape), np.ones(fixed.shape[1:])
    _fly(mean, kelvin, np.ascontiguousarray(fixed), np.ascontiguousarray(slope), radiation * each, pace * each, settle)
    return mean


@kernel
def _fly(
    mean: np.ndarray,
    kelvin: np.ndarray,
    fixed: np.ndarray,
    slope: np.ndarray,
    radiation: np.ndarray,
    pace: np.ndarray,
    settle: int,
) -> None:
    """Means of the steps into `mean` (T, N) from the temperatures `kelvin` (N,) on, which end as those of the end."""
    for turn in (settle, settle, fixed.shape[0]):
        for k in range(turn):
            for s in range(kelvin.shape[0]):
                following = array_step(kelvin[s], fixed[k, s], slope[k, s], radiation[s], pace[s])
                mean[k, s] = 0.5 * (kelvin[s] + following)
                kelvin[s] = following

"""Battery wear: the linear fatigue damage of Xu et al. (2018), counted by rainflow as the charge changes.

Source: Xu, Oudalov, Ulbig, Andersson, Kirschen, IEEE Trans. Smart Grid 9(2) 2018, doi 10.1109/TSG.2016.2578950; LMO
cells, temperatures in kelvin. Damage = sum over cycles of count x depth stress x charge stress x temperature stress,
plus calendar ageing. Cycles: rainflow (ASTM E1049-85), a cycle that is not closed counts half.
"""

from math import exp, sqrt

import numpy as np

from odc_gym._jit import effect, routine
from odc_gym.physics.mathematics import bounded_exp

DEPTH_STRESS = (1.40e5, -0.501, -1.23e5)  # kd1, kd2, kd3 of Xu 2018
CHARGE_STRESS, CHARGE_REFERENCE = 1.04, 0.5  # ks, reference state of charge
TEMPERATURE_STRESS, TEMPERATURE_REFERENCE_K = 6.93e-2, 298.15  # kT [1/K], reference temperature
CALENDAR_PER_S = 4.14e-10  # kt [1/s]
TURNING_POINTS = 16  # residual turning points kept; an older one is counted as half a cycle when more are needed
_NODES = 1024


def temperature_stress(temperature_k: float) -> float:
    """Arrhenius-like factor on all damage; 1 at 25 C."""
    return exp(TEMPERATURE_STRESS * (temperature_k - TEMPERATURE_REFERENCE_K) * TEMPERATURE_REFERENCE_K / temperature_k)


def depth_stress_table() -> np.ndarray:
    """Damage of one full cycle of depth d at 50 % mean charge and 25 C, at equal steps of sqrt(d) from 0 to 1, (1025,).

    Tabulated because the power -0.501 is not a product; almost linear in sqrt(d), so that interpolation errs below
    2e-5.
    """
    kd1, kd2, kd3 = DEPTH_STRESS
    depth = (np.arange(1, _NODES + 1) / _NODES) ** 2
    return np.concatenate([[0.0], np.round(1.0 / (kd1 * depth**kd2 + kd3), 18)])


@effect
def charge_stress(charge_frac: float) -> float:
    """Factor for the mean state of charge of a cycle, or of storage."""
    return bounded_exp(CHARGE_STRESS * (charge_frac - CHARGE_REFERENCE))


@effect
def half_cycle(start_frac: float, end_frac: float, table: np.ndarray) -> float:
    """Damage of a swing between two charges, counted as half a cycle, at 25 C."""
    place = sqrt(min(abs(end_frac - start_frac), 1.0)) * _NODES
    k = min(int(place), _NODES - 1)
    depth: float = table[k] + (place - k) * (table[k + 1] - table[k])
    return 0.5 * depth * charge_stress(0.5 * (start_frac + end_frac))


@routine
def count_cycles(points: np.ndarray, swings: np.ndarray, charge_frac: float, table: np.ndarray) -> float:
    """Follow the charge by one step; returns the damage so far of all cycles, closed and open, at 25 C.

    Args:
        points: residual turning points, the last one being the present extreme; points[-1] holds their number,
            (TURNING_POINTS + 1,).
        swings: damage of the half cycle that ends in each point; swings[0] holds the damage of cycles closed,
            (TURNING_POINTS + 1,).
        charge_frac: charge after the step.
        table: `depth_stress_table()`.
    """
    last = points.shape[0] - 1
    n = int(points[last])
    if n >= 2 and (points[n - 1] - points[n - 2]) * (charge_frac - points[n - 1]) >= 0.0:
        n -= 1  # the swing goes on: its end moves
    elif n == last:  # no room: the oldest swing is counted as half a cycle, for good
        swings[0] += swings[1]
        for k in range(1, n):
            points[k - 1] = points[k]
            swings[k] = swings[k + 1] if k + 1 < n else 0.0
        swings[n - 1] = 0.0
        n -= 1
    points[n] = charge_frac
    n += 1
    while n >= 3 and abs(points[n - 1] - points[n - 2]) >= abs(points[n - 2] - points[n - 3]):
        if n == 3:  # the range holds the start: half a cycle
            swings[0] += half_cycle(points[0], points[1], table)
            points[0], points[1] = points[1], points[2]
            n = 2
        else:  # an inner cycle closes
            swings[0] += 2.0 * half_cycle(points[n - 3], points[n - 2], table)
            points[n - 3] = points[n - 1]
            n -= 2
    points[last] = n
    if n >= 2:
        swings[n - 1] = half_cycle(points[n - 2], points[n - 1], table)
    damage = 0.0
    for k in range(n):
        damage += swings[k]
    return damage

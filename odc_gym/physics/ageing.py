"""Battery ageing: damage by cycles and by time, and the capacity that is left.

Cycles are counted by rainflow as the charge changes. There are two laws.

`xu2018` has cycle damage by depth and mean charge, and storage damage by charge; both depend on temperature. It is
fitted to LMO cells at depths of 0.1 to 1 and 15 to 55 C. Source: Xu, Oudalov, Ulbig, Andersson, Kirschen, IEEE Trans.
Smart Grid 9(2) 2018, doi 10.1109/TSG.2016.2578950; temperatures in kelvin.

`saft` has cycles to 60 % of the capacity by depth alone, halved for real life, and a proportional fade. Source: Saft,
"Li-ion battery life", 2014, as transcribed in public sizing code. It is pessimistic for deep cycles: at 30 % depth, a
battery has lost 20 % after two years of a low orbit. At 10 % depth it takes thirteen years, longer than with `xu2018`,
because nothing ages by time.
"""

from math import sqrt
from typing import NamedTuple

import numpy as np

from odc_gym.compilation.decorators import inline, routine
from odc_gym.physics.mathematics import bounded_exp, clip

DEPTH_STRESS = (1.40e5, -0.501, -1.23e5)  # kd1, kd2, kd3 of Xu 2018
SAFT_DEPTH = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
SAFT_CYCLES = (1e6, 3e5, 1e5, 4e4, 2.1e4, 1.3e4, 1e4, 7e3, 6e3)  # cycles until 60 % of the capacity is left
SAFT_REAL_LIFE = 0.5  # share of these cycles in real life
CHARGE_REFERENCE, TEMPERATURE_REFERENCE_K = 0.5, 298.15
FILM_RATE = 121.0  # b of Xu 2018: rate of film formation on the anode over the rate of the remaining ageing
MIN_CAPACITY_FRAC = 0.1  # lower limit of the capacity, so that nothing is divided by 0 after the end of life
TURNING_POINTS = 16
_TABLE_STEPS = 1024


class Law(NamedTuple):
    """Coefficients of a law of ageing; effects that a law leaves out are 0."""

    charge: float  # ks: damage grows by a factor e for 1 / ks more mean charge
    temperature: float  # kT [1/K]
    calendar_per_s: float  # kt: damage by time at 50 % charge and 25 C
    film_frac: float  # a: share of the capacity that fades with the film
    linear_frac: float  # share of the capacity that fades in proportion to the damage; the rest decays exponentially


LAWS = {
    "xu2018": Law(charge=1.04, temperature=6.93e-2, calendar_per_s=4.14e-10, film_frac=5.75e-2, linear_frac=0.0),
    "saft": Law(charge=0.0, temperature=0.0, calendar_per_s=0.0, film_frac=0.0, linear_frac=1.0),
}


def cycle_damage(law: str, depth: np.ndarray) -> np.ndarray:
    """Return the damage of a full cycle at 50 % mean charge and 25 C.

    Depths of discharge are (N,) and above 0.
    """
    if law == "xu2018":
        kd1, kd2, kd3 = DEPTH_STRESS
        return np.asarray(1.0 / (kd1 * depth**kd2 + kd3))
    x, y = np.log(SAFT_DEPTH), np.log(SAFT_CYCLES)
    shallow = y[0] + (np.log(depth) - x[0]) * (y[1] - y[0]) / (x[1] - x[0])  # extrapolated from the first two depths
    cycles = np.exp(np.where(depth < SAFT_DEPTH[0], shallow, np.interp(np.log(depth), x, y)))
    return np.asarray(0.4 / (SAFT_REAL_LIFE * cycles))


def depth_damage_tables() -> np.ndarray:
    """Return the damage of a full cycle of each law at equal steps of sqrt(depth) from 0 to 1, (laws, 1025).

    Tables avoid powers in the compiled code. The damage of Xu is almost linear in sqrt(depth): between nodes the error
    is below 2e-5 from 0.1 % depth on.
    """
    depth = (np.arange(1, _TABLE_STEPS + 1) / _TABLE_STEPS) ** 2
    return np.array([np.append(0.0, np.round(cycle_damage(law, depth), 18)) for law in LAWS])


@inline
def temperature_stress(temperature_k: float, slope: float) -> float:
    """Return the Arrhenius-like factor on all damage; it is 1 at 25 C, and constant below -23 C.

    Source: S_T = exp(kT (T - Tref) Tref / T), Xu 2018, T in kelvin.
    """
    return bounded_exp(slope * (temperature_k - TEMPERATURE_REFERENCE_K) * TEMPERATURE_REFERENCE_K / temperature_k)


@inline
def charge_stress(charge_frac: float, slope: float) -> float:
    """Return the factor for the mean state of charge of a cycle, or of storage.

    Source: S_s = exp(ks (c - 0.5)), Xu 2018.
    """
    return bounded_exp(slope * (charge_frac - CHARGE_REFERENCE))


@inline
def capacity_left(damage: float, film_frac: float, linear_frac: float) -> float:
    """Return the share of the nominal capacity that is left after a damage; it is at least a tenth.

    Source: 1 - L with L = 1 - a e^(-b f) - (1 - a) e^(-f), Xu 2018; a share of it may be linear, 1 - f.
    """
    film = bounded_exp(-FILM_RATE / 32.0 * damage)  # five squarings: the exponential itself is limited to e^-4
    film *= film
    film *= film
    film *= film
    film *= film
    film *= film
    slow = (1.0 - film_frac - linear_frac) * bounded_exp(-damage)
    return clip(film_frac * film + slow + linear_frac * (1.0 - damage), MIN_CAPACITY_FRAC, 1.0)


def damage_until(left_frac: float, film_frac: np.ndarray, linear_frac: np.ndarray) -> np.ndarray:
    """Return the damage after which a share of the capacity is left, (N,), by bisection to 1e-12.

    The compiled core does not use this function.
    """
    low, high = np.zeros(len(film_frac)), np.full(len(film_frac), 4.0)
    for _ in range(42):
        middle = 0.5 * (low + high)
        left = film_frac * np.exp(-FILM_RATE * middle) + (1.0 - film_frac - linear_frac) * np.exp(-middle)
        above = left + linear_frac * (1.0 - middle) > left_frac
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return low


@inline
def half_cycle(start_frac: float, end_frac: float, table: np.ndarray, slope: float) -> float:
    """Return the damage at 25 C of a swing between two charges, counted as half a cycle."""
    position = sqrt(min(abs(end_frac - start_frac), 1.0)) * _TABLE_STEPS
    k = min(int(position), _TABLE_STEPS - 1)
    depth: float = table[k] + (position - k) * (table[k + 1] - table[k])
    return 0.5 * depth * charge_stress(0.5 * (start_frac + end_frac), slope)


@routine
def count_cycles(points: np.ndarray, swings: np.ndarray, charge_frac: float, table: np.ndarray, slope: float) -> float:
    """Add the charge after a step, and return the damage of all cycles so far, closed and open, at 25 C.

    The count is rainflow (ASTM E1049-85) on a stack of the residual turning points. A swing that continues moves its
    end. A swing that is not smaller than the swing before it closes that one: an inner swing as a full cycle, the first
    swing as half a cycle. A constant charge is no turning point. The residue, the swings that are not closed yet,
    counts as half a cycle each at once, as rainflow does at the end of a history.

    When a new swing finds the stack full, the oldest swing is counted as half a cycle for good, and its first point is
    dropped. The result equals rainflow while that swing is open. It counts half a cycle more than rainflow if the swing
    would have closed. An overflow takes TURNING_POINTS - 1 nested swings, each smaller than the last; an orbit makes
    two or three.

    Args:
        points: residual turning points, the last of which is the present extreme; points[-1] holds their number,
            (TURNING_POINTS + 1,).
        swings: damage of the half cycle that ends in each point; swings[0] holds the damage of cycles closed,
            (TURNING_POINTS + 1,).
        charge_frac: charge after the step.
        table: row of `depth_damage_tables()`.
        slope: coefficient of the mean charge, `Law.charge`.
    """
    last = points.shape[0] - 1
    n = int(points[last])
    if n >= 2 and (points[n - 1] - points[n - 2]) * (charge_frac - points[n - 1]) >= 0.0:
        n -= 1  # the swing continues, and its end moves
    elif n == last:  # the stack is full
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
            swings[0] += half_cycle(points[0], points[1], table, slope)
            points[0], points[1] = points[1], points[2]
            n = 2
        else:  # an inner cycle closes
            swings[0] += 2.0 * half_cycle(points[n - 3], points[n - 2], table, slope)
            points[n - 3] = points[n - 1]
            n -= 2
    points[last] = n
    if n >= 2:
        swings[n - 1] = half_cycle(points[n - 2], points[n - 1], table, slope)
    damage = 0.0
    for k in range(n):
        damage += swings[k]
    return damage

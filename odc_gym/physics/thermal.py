"""Thermal model: plate (chips and cold plates), pumped loop, radiator.

    C1 dT1/dt = P + leak(T1) - G12 (T1 - T2)
    C2 dT2/dt = G12 (T1 - T2) - G23 (T2 - T3) + H + B
    C3 dT3/dt = W + c leak(T1) + G23 (T2 - T3) - B - k T3^4

P is the compute power, W all other heat (bus, conversion, sink), c the conversion loss per watt, and k = n A fin eps
sigma. The junction temperature is plate + R P. On the cold side, H is the power of the survival heater, and B the heat
kept by coolant that bypasses the radiator. Valve and thermostat act within seconds. Over a step, H and B are the powers
that end the step at their set-points, within their limits.

The integration uses the exponential Runge-Kutta method ETD2 (Cox and Matthews, J. Comput. Phys. 176, 2002) with a
frozen linear part. Leakage and the curvature of T^4 are the nonlinear part, a ramp over the half step. For T^4, the
ramp ends at the value at the end of the half step. Leakage bends where a cold plate is loaded, so its ramp has the mean
of Simpson's rule.
"""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from odc_gym.compilation.decorators import inline
from odc_gym.physics.mathematics import LN_2, bounded_exp

REFERENCE_K = 333.15  # junction temperature at which powers are quoted
HALVINGS, TERMS = 16, 12  # for the series of phi functions, accurate for rates times steps up to hundreds
LINEARISED_K = 320.0  # radiator temperature of the frozen linear part


class Propagator(NamedTuple):
    """Coefficients of one loop state.

    For half a step they are h phi1(hJ) (e) and columns 1 and 3 of h phi2(hJ) (m). For a whole step they are the first
    two rows of h phi1(hJ): g for the plate and l for the loop.
    """

    e11: float
    e12: float
    e13: float
    e21: float
    e22: float
    e23: float
    e31: float
    e32: float
    e33: float
    m11: float
    m13: float
    m21: float
    m23: float
    m31: float
    m33: float
    g1: float
    g2: float
    g3: float
    l1: float
    l2: float
    l3: float


class Nodes(NamedTuple):
    """Constants of the nodes: T^4 coefficient [W/K4], conductances [W/K], inverse capacities [K/J], slope [1/s]."""

    radiation: float
    g12: float
    g23: float
    ic1: float
    ic2: float
    ic3: float
    slope3: float


@inline
def leakage_frac(junction_k: float, leak: float, inverse_double_k: float) -> float:
    """Return the leakage beyond that at 60 C, over the power quoted there.

    Leakage doubles every 1 / `inverse_double_k` kelvin.

    Source: exponential growth of subthreshold current with temperature; share and doubling are estimates of the
    scenario.
    """
    return leak * (bounded_exp(LN_2 * inverse_double_k * (junction_k - REFERENCE_K)) - 1.0)


@inline
def half_step(
    t1: float,
    t2: float,
    t3: float,
    power_w: float,
    loop_w: float,
    other_w: float,
    loss: float,
    leak: float,
    inverse_double_k: float,
    r_junction: float,
    nodes: Nodes,
    p: Propagator,
) -> tuple[float, float, float, float]:
    """Advance the three nodes by half a physics step.

    Args:
        t1: plate temperature [K].
        t2: loop temperature [K].
        t3: radiator temperature [K].
        power_w: compute power [W], into the plate.
        loop_w: heat into the loop from heater and bypass [W].
        other_w: all other heat into the radiator, without the conversion loss of leakage [W].
        loss: conversion loss per watt of load.
        leak: leakage share at 60 C.
        inverse_double_k: 1 / temperature rise that doubles leakage [1/K].
        r_junction: thermal resistance from junction to plate [K/W].
        nodes: constants of the nodes.
        p: propagator of the present loop state.

    Returns:
        The three temperatures [K] and the mean leakage [W] that was added.
    """
    above = r_junction * power_w
    leak_w = power_w * leakage_frac(t1 + above, leak, inverse_double_k)
    a = nodes.g12 * (t1 - t2)
    b = nodes.g23 * (t2 - t3)
    q = t3 * t3
    d1 = (power_w + leak_w - a) * nodes.ic1
    d2 = (a - b + loop_w) * nodes.ic2
    d3 = (other_w + loss * leak_w + b - nodes.radiation * q * q) * nodes.ic3
    u1 = t1 + p.e11 * d1 + p.e12 * d2 + p.e13 * d3
    u2 = t2 + p.e21 * d1 + p.e22 * d2 + p.e23 * d3
    u3 = t3 + p.e31 * d1 + p.e32 * d2 + p.e33 * d3
    leak_change_w = power_w * leakage_frac(u1 + above, leak, inverse_double_k) - leak_w
    quoted = power_w * leak
    begin, end = leak_w + quoted, leak_w + quoted + leak_change_w
    growth = LN_2 * inverse_double_k * p.m11 * leak_change_w * nodes.ic1  # of leakage, relative, by its own heating
    end += end * growth * (1.0 + 0.5 * growth)
    # Simpson's rule; the value half way is the geometric mean
    leak_change_w = (4.0 * sqrt(begin * end) + end - 5.0 * begin) * (1.0 / 3.0)
    r = u3 * u3
    n1 = leak_change_w * nodes.ic1
    n3 = nodes.slope3 * (u3 - t3) + (loss * leak_change_w - nodes.radiation * (r * r - q * q)) * nodes.ic3
    return (
        u1 + p.m11 * n1 + p.m13 * n3,
        u2 + p.m21 * n1 + p.m23 * n3,
        u3 + p.m31 * n1 + p.m33 * n3,
        leak_w + 0.5 * leak_change_w,
    )


@inline
def governed_power_w(
    t1: float,
    t2: float,
    t3: float,
    other_w: float,
    throttle_k: float,
    nodes: Nodes,
    g1: float,
    g2: float,
    g3: float,
    gain: float,
) -> float:
    """Return the largest compute power [W] whose step ends with the junction at `throttle_k`.

    The first stage of the step is linear in power, so one division gives the result. Leakage is taken at the limit,
    which is exact where the limit binds. `g1`, `g2`, `g3` are those of the propagator; `gain` = 1 / (d junction / d
    power), from `governor_gain`.
    """
    a = nodes.g12 * (t1 - t2)
    b = nodes.g23 * (t2 - t3)
    q = t3 * t3
    d3 = (other_w + b - nodes.radiation * q * q) * nodes.ic3
    unpowered = t1 - g1 * a * nodes.ic1 + g2 * (a - b) * nodes.ic2 + g3 * d3
    return (throttle_k - unpowered) * gain


@inline
def loop_at_end(
    t1: float, t2: float, t3: float, power_w: float, loop_w: float, other_w: float, nodes: Nodes, p: Propagator
) -> float:
    """Return the temperature of the loop after a whole step [K], by the first stage of the method with constant heat.

    Args:
        t1: plate temperature [K].
        t2: loop temperature [K].
        t3: radiator temperature [K].
        power_w: heat into the plate [W].
        loop_w: heat into the loop [W].
        other_w: heat into the radiator [W].
        nodes: constants of the nodes.
        p: propagator of the present loop state.
    """
    a = nodes.g12 * (t1 - t2)
    b = nodes.g23 * (t2 - t3)
    q = t3 * t3
    d1 = (power_w - a) * nodes.ic1
    d2 = (a - b + loop_w) * nodes.ic2
    d3 = (other_w + b - nodes.radiation * q * q) * nodes.ic3
    return t2 + p.l1 * d1 + p.l2 * d2 + p.l3 * d3


@inline
def bypass_limit_w(t2: float, t3: float, share: float, nodes: Nodes) -> float:
    """Return the most heat [W] that the bypass can keep while the loop is off.

    It is a share of the heat that the radiator would get now.
    """
    return share * max(nodes.g23 * (t2 - t3), 0.0)


@inline
def bypassed_k(
    t1: float, t2: float, t3: float, heat_w: float, share: float, nodes: Nodes, dt_s: float
) -> tuple[float, float]:
    """Return the temperature of the running loop after a whole step with the largest bypass [K].

    Plate and loop then cool together through the flow that still passes the radiator. The step is implicit and takes
    both as one node, with the plate above the loop by the difference that carries the heat.

    Args:
        t1: plate temperature [K].
        t2: loop temperature [K].
        t3: radiator temperature [K].
        heat_w: heat into plate and loop [W].
        share: largest share of the flow that bypasses the radiator.
        nodes: constants of the nodes.
        dt_s: step [s].

    Returns:
        The temperature, and its increase for each watt [K/W].
    """
    c1, c2 = 1.0 / nodes.ic1, 1.0 / nodes.ic2
    passing = (1.0 - share) * nodes.g23
    gain = dt_s / (c1 + c2 + dt_s * passing)
    together = (c1 * t1 + c2 * t2 - c1 * heat_w / nodes.g12) / (c1 + c2)
    return together + gain * (heat_w - passing * (together - t3)), gain


@inline
def bypass_gain(nodes: Nodes, p: Propagator) -> float:
    """Return the increase of the loop temperature at the end of a step for a watt kept in the loop [K/W]."""
    return p.l2 * nodes.ic2 - p.l3 * nodes.ic3


def propagator(dt_s: float, g12: Any, g23: Any, ic1: Any, ic2: Any, ic3: Any, slope3: Any) -> Propagator:
    """Compute the coefficients of one loop state for physics steps of `dt_s`; arrays (N,) where the arguments are.

    Source: phi1(z) = (e^z - 1) / z and phi2(z) = (e^z - 1 - z) / z^2 of the exponential integrators (Hochbruck and
    Ostermann, Acta Numerica 19, 2010, section 2).
    """
    zero = 0.0 * np.asarray(g12 * ic1)
    rows = ((-g12 * ic1, g12 * ic1, zero), (g12 * ic2, -(g12 + g23) * ic2, g23 * ic2))
    jacobian = np.array([*rows, (zero, g23 * ic3, -g23 * ic3 - slope3)])  # (3, 3, ...)
    jacobian = np.moveaxis(jacobian, (0, 1), (-2, -1))
    half_s = 0.5 * dt_s
    (e, m), (g, _) = _phis(half_s * jacobian), _phis(dt_s * jacobian)
    e, m, g = half_s * e, half_s * m, dt_s * g
    numbers = [e[..., i, j] for i in range(3) for j in range(3)]
    numbers += [m[..., i, j] for i in range(3) for j in (0, 2)] + [g[..., i, j] for i in range(2) for j in range(3)]
    return Propagator(*(_rounded(values) for values in numbers))


def _phis(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return phi1 and phi2 of matrices (..., 3, 3), from the first terms of their series at z / 2^k, doubled k times.

    phi1(2z) = phi1 + z phi1^2 / 2 and phi2(2z) = phi1^2 / 4 + phi2 / 2 follow from the definitions. A library of linear
    algebra would lose more time with its threads than such small matrices take.
    """
    z = z / 2.0**HALVINGS
    one = np.eye(3)
    phi2 = one
    for k in range(TERMS + 2, 2, -1):
        phi2 = one + _product(z, phi2) / k
    phi2 = 0.5 * phi2
    phi1 = one + _product(z, phi2)
    for _ in range(HALVINGS):
        square = _product(phi1, phi1)
        phi1, phi2, z = phi1 + 0.5 * _product(z, square), 0.25 * square + 0.5 * phi2, 2.0 * z
    return phi1, phi2


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray((a[..., :, :, None] * b[..., None, :, :]).sum(-2))


def _rounded(values: np.ndarray) -> Any:
    """Round to 13 digits, because the last bits depend on the order of sums."""
    return np.array([float(f"{v:.12e}") for v in np.ravel(values)]).reshape(np.shape(values))

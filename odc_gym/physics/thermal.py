"""Heat: plate (chips and cold plates), pumped loop, radiator.

    C1 dT1/dt = P + leak(T1) - G12 (T1 - T2)
    C2 dT2/dt = G12 (T1 - T2) - G23 (T2 - T3) + H + B
    C3 dT3/dt = W + c leak(T1) + G23 (T2 - T3) - B - k T3^4

with P compute power, W all other heat (bus, conversion, sink), c the conversion loss per watt and k = n A fin eps
sigma. Junction = plate + R P. On the cold side H is the power of the survival heater and B the heat that coolant keeps
which bypasses the radiator: valve and thermostat act within seconds, so over a step they are the powers that end it
at their set-points, as far as they reach.

Integrated by the exponential Runge-Kutta method ETD2 (Cox and Matthews, J. Comput. Phys. 176, 2002) with a frozen
linear part; leakage and the curvature of T^4 enter as the nonlinear part, a ramp over the half step. For T^4 the ramp
ends at the value of the end; for leakage, which bends where a cold plate is loaded, it has the mean of Simpson's rule.
"""

from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from odc_gym._jit import inline
from odc_gym.physics.mathematics import LN_2, bounded_exp

REFERENCE_K = 333.15  # junction temperature at which powers are quoted
HALVINGS, TERMS = 16, 12  # of the series of phi functions, good for rates times steps up to hundreds
LINEARISED_K = 320.0  # radiator temperature of the frozen linear part


class Propagator(NamedTuple):
    """Numbers of one loop state.

    Of half a step h phi1(hJ) (e) and columns 1 and 3 of h phi2(hJ) (m); of a whole step the first two rows of
    h phi1(hJ), g for the plate and l for the loop.
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
    """The nodes: T^4 coefficient [W/K4], conductances [W/K], inverse capacities [K/J], linear slope [1/s]."""

    radiation: float
    g12: float
    g23: float
    ic1: float
    ic2: float
    ic3: float
    slope3: float


@inline
def leakage_frac(junction_k: float, leak: float, inverse_double_k: float) -> float:
    """Leakage beyond that at 60 C over the power quoted there: doubles every 1 / `inverse_double_k` kelvin.

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
    """Half a physics step of the three nodes.

    Args:
        t1: plate temperature [K].
        t2: loop temperature [K].
        t3: radiator temperature [K].
        power_w: compute power [W], into the plate.
        loop_w: heat into the loop from heater and bypass [W].
        other_w: all other heat into the radiator but the conversion loss of leakage [W].
        loss: conversion loss per watt of load.
        leak: leakage share at 60 C.
        inverse_double_k: 1 / temperature rise that doubles leakage [1/K].
        r_junction: junction over plate [K/W].
        nodes: constants of the nodes.
        p: propagator of the present loop state.

    Returns:
        The three temperatures [K] and the mean leakage [W] that was put in.
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
    more = power_w * leakage_frac(u1 + above, leak, inverse_double_k) - leak_w
    quoted = power_w * leak
    begin, end = leak_w + quoted, leak_w + quoted + more
    warmer = LN_2 * inverse_double_k * p.m11 * more * nodes.ic1  # by what leakage gained on the way
    end += end * warmer * (1.0 + 0.5 * warmer)
    more = (4.0 * sqrt(begin * end) + end - 5.0 * begin) * (1.0 / 3.0)  # half way, it is the geometric mean
    r = u3 * u3
    n1 = more * nodes.ic1
    n3 = nodes.slope3 * (u3 - t3) + (loss * more - nodes.radiation * (r * r - q * q)) * nodes.ic3
    return (
        u1 + p.m11 * n1 + p.m13 * n3,
        u2 + p.m21 * n1 + p.m23 * n3,
        u3 + p.m31 * n1 + p.m33 * n3,
        leak_w + 0.5 * more,
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
    """Largest compute power [W] whose step ends with the junction at `throttle_k`.

    The first stage of the step is linear in power, so this is one division; leakage is taken at the limit, exact where
    it binds. `g1`, `g2`, `g3` are those of the propagator; `gain` = 1 / (d junction / d power), from `governor_gain`.
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
    """Temperature of the loop after a whole step [K] by the first stage of the method, all heat constant.

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
    """Most heat [W] that the bypass of a standing loop can keep: a share of what the radiator would get now."""
    return share * max(nodes.g23 * (t2 - t3), 0.0)


@inline
def bypassed_k(
    t1: float, t2: float, t3: float, heat_w: float, share: float, nodes: Nodes, dt_s: float
) -> tuple[float, float]:
    """Temperature of the running loop after a whole step with all that the bypass takes going past the radiator [K].

    Plate and loop then cool together, by what still passes the radiator: one implicit step of both as one node, the
    plate above the loop by what the heat into it takes.

    Args:
        t1: plate temperature [K].
        t2: loop temperature [K].
        t3: radiator temperature [K].
        heat_w: heat into plate and loop [W].
        share: largest share of the radiator's flow that goes past it.
        nodes: constants of the nodes.
        dt_s: step [s].

    Returns:
        The temperature, and what a watt raises it [K/W].
    """
    c1, c2 = 1.0 / nodes.ic1, 1.0 / nodes.ic2
    passing = (1.0 - share) * nodes.g23
    gain = dt_s / (c1 + c2 + dt_s * passing)
    together = (c1 * t1 + c2 * t2 - c1 * heat_w / nodes.g12) / (c1 + c2)
    return together + gain * (heat_w - passing * (together - t3)), gain


@inline
def bypass_gain(nodes: Nodes, p: Propagator) -> float:
    """What a watt of heat that is kept in the loop raises its temperature at the end of a whole step [K/W]."""
    return p.l2 * nodes.ic2 - p.l3 * nodes.ic3


def propagator(dt_s: float, g12: Any, g23: Any, ic1: Any, ic2: Any, ic3: Any, slope3: Any) -> Propagator:
    """The numbers of one loop state for physics steps of `dt_s`; arrays (N,) where the arguments are.

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
    """phi1 and phi2 of matrices (..., 3, 3): the first terms of the series of z / 2^k, doubled k times.

    phi1(2z) = phi1 + z phi1^2 / 2 and phi2(2z) = phi1^2 / 4 + phi2 / 2 follow from the definitions. No library of
    linear algebra: it would lose more time with its threads than such small matrices take.
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
    """To 13 digits: the last bits are those of the order of sums."""
    return np.array([float(f"{v:.12e}") for v in np.ravel(values)]).reshape(np.shape(values))

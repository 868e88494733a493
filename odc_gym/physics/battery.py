"""Battery: losses by temperature and rate, limits of charging and discharging, stored energy, and its own heat.

A battery loses a share of the power at its terminals, which grows with the rate and falls with the temperature:

    loss = power x (fixed + slope x power)

The power of the cells for a power at the terminals is therefore a closed form. So is the largest power at the terminals
that a limit on the cells allows. Efficiencies are quoted at 25 C and a third of the capacity an hour; the difference of
the cells' losses under other conditions is added, see `cell_loss`.
"""

from math import sqrt

from odc_gym.compilation.decorators import inline
from odc_gym.physics.mathematics import clip

RESERVE_FRAC = 0.02  # charge below which even the bus gets no power, to protect the cells
COLDEST_K, HOTTEST_K = 253.15, 333.15  # -20 and 60 C, the range of the fit to cell losses
LOSS_AT_REST = 0.0116  # at -20 C; multiplied by u^3, where u falls from 1 at -20 C to 0 at 60 C
LOSS_PER_RATE = (0.0411, 0.0258, 0.0356)  # [h], multiplied by 1, u, u^2
QUOTED_K, QUOTED_RATE = 298.15, 1.0 / 3.0  # temperature and rate [1/h] at which efficiencies are quoted
FREEZING_K = 273.15  # no charging at and below it, because lithium would plate
CHARGING_RAMP_K = 5.0  # range above freezing over which the charging limit rises to its full value


@inline
def cell_loss(temperature_k: float) -> tuple[float, float]:
    """Return the share of the terminal power that is lost one way, a + b x rate, as a and b [h].

    The rate is the power at the terminals over the power that empties the nominal capacity in an hour [1/h]. Charging
    puts power times 1 - loss into the cells; discharging takes power times 1 + loss from them. Temperatures are limited
    to [-20, 60] C. The round trips of the source are met within 0.006 at 0 to 40 C and 10 to 30 % depth. Above a rate
    of 0.5/h the losses are overstated, by up to 0.01 of a round trip at 1/h.

    Source: fitted to PyBaMM 26.10, single-particle model with electrolyte, cell Chen2020 (NMC811, 5 Ah), isothermal
    cycles of 35 minutes of discharge and 60 or 110 of charge: tests/validation/reference/battery_efficiency.py.
    """
    u = (HOTTEST_K - clip(temperature_k, COLDEST_K, HOTTEST_K)) / (HOTTEST_K - COLDEST_K)
    b0, b1, b2 = LOSS_PER_RATE
    return LOSS_AT_REST * u * u * u, b0 + u * (b1 + u * b2)


@inline
def loss_shares(base: float, cell_law: float, temperature_k: float, one_hour_w: float) -> tuple[float, float]:
    """Return the one-way loss over power at zero power, and its increase for each watt [1/W].

    Args:
        base: quoted loss. With `cell_law` = 1, the loss of the cells at the quoted conditions is subtracted.
        cell_law: 1 if losses follow temperature and rate, 0 if the loss is always the quoted one.
        temperature_k: temperature of the cells [K].
        one_hour_w: power that empties the battery in an hour [W].
    """
    fixed, rate = cell_loss(temperature_k)
    return max(0.0, base + cell_law * fixed), cell_law * rate / one_hour_w


@inline
def loss_w(power_w: float, fixed: float, slope: float) -> float:
    """Return the heat [W] of charging or discharging with a power at the terminals."""
    return power_w * (fixed + slope * power_w)


@inline
def power_out_w(cells_w: float, fixed: float, slope: float) -> float:
    """Return the power [W] at the terminals while the cells give `cells_w`.

    It is the root of p (1 + fixed + slope p) = cells.
    """
    a = 1.0 + fixed
    return 2.0 * cells_w / (a + sqrt(a * a + 4.0 * slope * cells_w))


@inline
def power_in_w(cells_w: float, fixed: float, slope: float) -> float:
    """Return the power [W] at the terminals for the cells to take `cells_w`.

    It is the lesser root of p (1 - fixed - slope p) = cells. Where no root exists, it is the power at which the cells
    take most.
    """
    a = 1.0 - fixed
    return 2.0 * cells_w / (a + sqrt(max(a * a - 4.0 * slope * cells_w, 0.0)))


@inline
def discharge_limit_w(
    charge_frac: float, reserve_frac: float, capacity_j: float, fixed: float, slope: float, rate_w: float, dt_s: float
) -> float:
    """Return the largest power [W] out of the terminals for a step: C-rate, and the energy above a reserve."""
    return min(rate_w, power_out_w(max(charge_frac - reserve_frac, 0.0) * capacity_j / dt_s, fixed, slope))


@inline
def charge_limit_w(
    charge_frac: float,
    inverse_taper: float,
    capacity_j: float,
    temperature_k: float,
    fixed: float,
    slope: float,
    rate_w: float,
    dt_s: float,
) -> float:
    """Return the largest charging power [W].

    The limits are the C-rate, the constant-voltage taper to 0 at full charge, frost, and the remaining capacity.

    Source: taper P = P0 (1 - charge) / (1 - taper_from), a linear form of the constant-voltage phase. Graphite cells
    must not be charged at freezing point, because lithium would plate.
    """
    taper = clip((1.0 - charge_frac) * inverse_taper, 0.0, 1.0)
    frost_factor = clip((temperature_k - FREEZING_K) / CHARGING_RAMP_K, 0.0, 1.0)
    room = power_in_w((1.0 - charge_frac) * capacity_j / dt_s, fixed, slope)
    return min(rate_w * taper * frost_factor, room)


@inline
def heater_w(predicted_k: float, set_k: float, gain_w_k: float, max_w: float) -> float:
    """Return the power [W] of a thermostat's heater over a step that would end at `predicted_k` without it.

    A thermostat acts within seconds. Over a step, its power is the one that ends the step at the set-point, up to the
    largest power.
    """
    return clip((set_k - predicted_k) * gain_w_k, 0.0, max_w)


@inline
def radiating_node(
    temperature_k: float, heat_w: float, radiation_w_k4: float, inverse_capacity: float, dt_s: float
) -> tuple[float, float]:
    """Return the temperatures of a radiating node after half a step and after the whole step [K].

    The integration uses the midpoint rule.

    Args:
        temperature_k: at the start [K].
        heat_w: heat into the node, constant over the step [W].
        radiation_w_k4: area x emissivity x Stefan-Boltzmann constant [W/K4].
        inverse_capacity: 1 / heat capacity [K/J].
        dt_s: step [s], small against the node's time constant of hours.
    """
    q = temperature_k * temperature_k
    half = temperature_k + 0.5 * dt_s * inverse_capacity * (heat_w - radiation_w_k4 * q * q)
    h = half * half
    return half, temperature_k + dt_s * inverse_capacity * (heat_w - radiation_w_k4 * h * h)

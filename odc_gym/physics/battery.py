"""Battery: losses by temperature and rate, limits of charging and discharging, the energy bucket, its own heat.

A battery loses a share of the power at its terminals that grows with the rate and falls with the temperature:

    loss = power x (fixed + slope x power)

so that what flows in or out of the cells for a power at the terminals, and the largest power that a limit on the cells
allows, are closed forms. Efficiencies are quoted at 25 C and a third of the capacity an hour; what the cells lose more
or less elsewhere is added, see `cell_loss`.
"""

from math import sqrt

from odc_gym._jit import inline
from odc_gym.physics.mathematics import clip

RESERVE_FRAC = 0.02  # charge below which even the bus is not served: protects the cells
COLDEST_K, HOTTEST_K = 253.15, 333.15  # -20 and 60 C, of the cells that losses were taken from
LOSS_AT_REST = 0.0116  # at -20 C; times u^3, where u falls from 1 at -20 C to 0 at 60 C
LOSS_PER_RATE = (0.0411, 0.0258, 0.0356)  # [h], times 1, u, u^2
QUOTED_K, QUOTED_RATE = 298.15, 1.0 / 3.0  # temperature and rate [1/h] at which efficiencies are quoted
FREEZING_K = 273.15  # at and below it lithium would plate: no charging
CHARGING_RAMP_K = 5.0  # above which charging is allowed in full


@inline
def cell_loss(temperature_k: float) -> tuple[float, float]:
    """Share of the power at the terminals that is lost one way, a + b x rate: returns a, and b [h].

    The rate is the power at the terminals over what empties the nominal capacity in an hour [1/h]. Into the cells goes
    the charging power times 1 - loss, out of them the discharging power times 1 + loss. Temperatures are held to
    [-20, 60] C. Within 0.006 of the round trips below at 0 to 40 C and 10 to 30 % depth; above a rate of 0.5/h it
    overstates losses, by up to 0.01 of a round trip at 1/h.

    Source: fitted to PyBaMM 26.10, single-particle model with electrolyte, cell Chen2020 (NMC811, 5 Ah), isothermal
    cycles of 35 minutes of discharge and 60 or 110 of charge: tests/validation/reference/battery_efficiency.py.
    """
    u = (HOTTEST_K - clip(temperature_k, COLDEST_K, HOTTEST_K)) / (HOTTEST_K - COLDEST_K)
    b0, b1, b2 = LOSS_PER_RATE
    return LOSS_AT_REST * u * u * u, b0 + u * (b1 + u * b2)


@inline
def loss_shares(base: float, law: float, temperature_k: float, one_hour_w: float) -> tuple[float, float]:
    """Loss over power one way at no power, and what each watt adds [1/W].

    Args:
        base: the loss as quoted; where the cells' law applies, less what cells lose where efficiencies are quoted.
        law: 1 the cells' losses follow temperature and rate, 0 the loss is everywhere as quoted.
        temperature_k: of the cells [K].
        one_hour_w: power that empties the battery in an hour [W].
    """
    fixed, rate = cell_loss(temperature_k)
    return max(0.0, base + law * fixed), law * rate / one_hour_w


@inline
def loss_w(power_w: float, fixed: float, slope: float) -> float:
    """Heat [W] of charging or discharging with a power at the terminals."""
    return power_w * (fixed + slope * power_w)


@inline
def power_out_w(cells_w: float, fixed: float, slope: float) -> float:
    """Power [W] at the terminals while the cells give `cells_w`: the root of p (1 + fixed + slope p) = cells."""
    a = 1.0 + fixed
    return 2.0 * cells_w / (a + sqrt(a * a + 4.0 * slope * cells_w))


@inline
def power_in_w(cells_w: float, fixed: float, slope: float) -> float:
    """Power [W] at the terminals for the cells to take `cells_w`: the lesser root of p (1 - fixed - slope p) = cells.

    Where no power would do, the one of which the cells take most.
    """
    a = 1.0 - fixed
    return 2.0 * cells_w / (a + sqrt(max(a * a - 4.0 * slope * cells_w, 0.0)))


@inline
def discharge_limit_w(
    charge_frac: float, reserve_frac: float, capacity_j: float, fixed: float, slope: float, rate_w: float, dt_s: float
) -> float:
    """Largest power [W] out of the terminals for a step: C-rate, and the energy above a reserve."""
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
    """Largest charging power [W]: C-rate, constant-voltage taper to 0 at full charge, frost, and the room that is left.

    Source: taper P = P0 (1 - charge) / (1 - taper_from), a linear form of the constant-voltage phase; cells of
    graphite take no charge at freezing point, lest lithium plates.
    """
    taper = clip((1.0 - charge_frac) * inverse_taper, 0.0, 1.0)
    thawed = clip((temperature_k - FREEZING_K) / CHARGING_RAMP_K, 0.0, 1.0)
    room = power_in_w((1.0 - charge_frac) * capacity_j / dt_s, fixed, slope)
    return min(rate_w * taper * thawed, room)


@inline
def heater_w(predicted_k: float, set_k: float, gain_w_k: float, largest_w: float) -> float:
    """Power [W] of a thermostat's heater over a step that would end at `predicted_k` without it.

    A thermostat acts within seconds: over a step it is the power that ends at its set-point, as far as it reaches.
    """
    return clip((set_k - predicted_k) * gain_w_k, 0.0, largest_w)


@inline
def radiating_node(
    temperature_k: float, heat_w: float, radiation_w_k4: float, inverse_capacity: float, dt_s: float
) -> tuple[float, float]:
    """A node that radiates, after half a step and after the whole [K], by the midpoint rule.

    Args:
        temperature_k: at the start [K].
        heat_w: into the node, constant over the step [W].
        radiation_w_k4: area x emissivity x Stefan-Boltzmann constant [W/K4].
        inverse_capacity: 1 / heat capacity [K/J].
        dt_s: step [s], small beside the node's time constant of hours.
    """
    q = temperature_k * temperature_k
    half = temperature_k + 0.5 * dt_s * inverse_capacity * (heat_w - radiation_w_k4 * q * q)
    h = half * half
    return half, temperature_k + dt_s * inverse_capacity * (heat_w - radiation_w_k4 * h * h)

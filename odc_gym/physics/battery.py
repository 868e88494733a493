"""Battery: losses, limits of charging and discharging, and the energy bucket."""

from odc_gym._jit import effect
from odc_gym.physics.mathematics import clip

RESERVE_FRAC = 0.02  # charge below which even the bus is not served: protects the cells
COLDEST_K, HOTTEST_K = 253.15, 333.15  # -20 and 60 C, of the cells that losses were taken from
LOSS_AT_REST = 0.0116  # at -20 C; times u^3, where u falls from 1 at -20 C to 0 at 60 C
LOSS_PER_RATE = (0.0411, 0.0258, 0.0356)  # [h], times 1, u, u^2


@effect
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


@effect
def discharge_limit_w(
    charge_frac: float, reserve_frac: float, capacity_j: float, eta_out: float, rate_out_w: float, dt_s: float
) -> float:
    """Largest power [W] at the battery's terminals for a step: C-rate, and the energy above a reserve."""
    return min(rate_out_w, max(charge_frac - reserve_frac, 0.0) * capacity_j * eta_out / dt_s)


@effect
def charge_limit_w(
    charge_frac: float, inverse_taper: float, capacity_j: float, eta_in: float, rate_in_w: float, dt_s: float
) -> float:
    """Largest charging power [W]: C-rate, constant-voltage taper to 0 at full charge, and the room that is left.

    Source: taper P = P0 (1 - charge) / (1 - taper_from), a linear form of the constant-voltage phase.
    """
    room = (1.0 - charge_frac) * capacity_j / (eta_in * dt_s)
    return min(rate_in_w * clip((1.0 - charge_frac) * inverse_taper, 0.0, 1.0), room)


@effect
def stored_power_w(charge_w: float, discharge_w: float, eta_in: float, eta_out: float) -> float:
    """Rate of change of stored energy [W] for a power into and a power out of the terminals."""
    return charge_w * eta_in - discharge_w / eta_out


@effect
def loss_w(charge_w: float, discharge_w: float, eta_in: float, eta_out: float) -> float:
    """Heat [W] of charging and discharging."""
    return charge_w * (1.0 - eta_in) + discharge_w * (1.0 / eta_out - 1.0)

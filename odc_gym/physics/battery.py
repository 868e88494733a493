"""Battery: limits of charging and discharging, and the energy bucket."""

from odc_gym._jit import effect
from odc_gym.physics.mathematics import clip

RESERVE_FRAC = 0.02  # charge below which even the bus is not served: protects the cells


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

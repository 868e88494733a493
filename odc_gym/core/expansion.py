"""Compiled entry point: dials as actions of the mode `bids`, for rules that are written in dials."""

from __future__ import annotations

from odc_gym.compilation.array_types import Float64x2, Float64x3, Float64x4
from odc_gym.compilation.kernel import kernel
from odc_gym.compilation.reference import by_reference, rows_of
from odc_gym.core.layout.batch import Parameters
from odc_gym.core.layout.state import Design
from odc_gym.core.layout.work import Rules, policy_numbers_of
from odc_gym.interface.dials import expand


@kernel
def expand_dials(
    actions: Float64x2, dials: Float64x2, satellite: Float64x3, satellite_class: Float64x4, fleet: Float64x2,
    fleet_class: Float64x3, parameters: Parameters, num_satellites: int,
) -> None:  # fmt: skip
    """Turn the dials of each environment into an action of the mode `bids`, by its last observation.

    Args:
        actions: written, (B, A).
        dials: dials, (B, D).
        satellite: measured features of satellites, (B, F, P).
        satellite_class: measured features of satellites and classes, (B, F, C, P).
        fleet: measured features of the fleet, (B, F).
        fleet_class: measured features of the fleet by class, (B, F, C).
        parameters: parameters of the environments.
        num_satellites: S.
    """
    for b in range(actions.shape[0]):
        seen = satellite[b], satellite_class[b], fleet[b], fleet_class[b]
        design, rules = rows_of(Design, parameters.design[b]), rows_of(Rules, parameters.rules[b])
        policy = by_reference(policy_numbers_of(parameters.policy[b]))
        expand(actions[b], dials[b], seen, design, rules, policy, num_satellites)

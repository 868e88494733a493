"""Compiled entry point: the flight of satellites without jobs, until they approach a periodic state."""

from odc_gym.compilation.array_types import Float32x3, Float64x2, Float64x3
from odc_gym.compilation.kernel import kernel
from odc_gym.compilation.reference import rows_of
from odc_gym.core.layout.state import (
    Design,
    State,
    copy_sky,
    design_rows,
    fill,
    propagator_rows,
    satellite_rows,
    sky_rows,
)
from odc_gym.core.layout.work import Classes, Rules
from odc_gym.core.layout.workspace import Workspace
from odc_gym.core.spacecraft.clock_requests import set_requested_clocks
from odc_gym.core.spacecraft.step import DESIGN_ROWS, PROPAGATOR, physics


@kernel
def settle(
    state: Float64x2, classes_block: Float64x3, points: Float64x2, swings: Float64x2, design_block: Float64x2,
    skies: Float32x3, rules_block: Float64x2, depth_damage: Float64x2, step_s: float, num_satellites: int,
    orbits: int, orbit_steps: int, busy: Float64x2, work: Workspace,
) -> None:  # fmt: skip
    """Repeat the first orbit at sustainable power, without jobs, so that the satellites approach a periodic state.

    Args:
        state: state of one environment, [field, P]; written.
        classes_block: state of its classes, [field, C, P]; written.
        points: turning points of the batteries' charge, (P, ...); written.
        swings: damage of the swings between them, (P, ...); written.
        design_block: design and propagators, [field, P].
        skies: sky table, [T, field, P]; the first `orbit_steps` are one orbit.
        rules_block: class parameters, [field, C].
        depth_damage: damage of a battery cycle by depth, one row for each ageing law.
        step_s: physics step [s].
        num_satellites: S.
        orbits: number of repeats.
        orbit_steps: number of steps of an orbit.
        busy: number of accelerators at work of each class, [C, P].
        work: work arrays.
    """
    lanes = state.shape[1]
    scratch, sky_block = work.scratch, work.sky
    sky, propagator = sky_rows(sky_block), propagator_rows(scratch[PROPAGATOR:])
    satellite = (satellite_rows(state), design_rows(design_block), sky, propagator)
    sat, design = rows_of(State, state), rows_of(Design, design_block)
    classes, rules = rows_of(Classes, classes_block), rows_of(Rules, rules_block)
    offset = work.action[1]
    fill(offset, 0.0)
    battery = (points, swings, depth_damage)
    fill(sat.free, 0.0)
    fill(sat.request, 0.0)
    for _ in range(orbits):
        for tick in range(orbit_steps):
            copy_sky(skies[tick], sky_block)
            for c in range(busy.shape[0]):
                for s in range(lanes):
                    classes.busy[c, s] = busy[c, s]
            set_requested_clocks(sat, design, sky.sustainable_w, classes, rules, offset, scratch, lanes)
            physics(
                satellite, sat, design, classes, rules, design_block[DESIGN_ROWS:], battery, scratch, step_s,
                num_satellites,
            )  # fmt: skip
    for s in range(lanes):
        sat.free[s] = design.accelerators[s]

"""Kernel that flies satellites through one step, without jobs."""

from odc_gym.compilation.array_types import Float64x2
from odc_gym.compilation.kernel import kernel
from odc_gym.core.layout.state import design_rows, propagator_rows, satellite_rows, sky_rows
from odc_gym.core.spacecraft.step import satellites


@kernel
def fly(state: Float64x2, design: Float64x2, propagator: Float64x2, sky: Float64x2, dt_s: float, n: int) -> None:
    """Advance the satellites; the blocks have a row for each field and a column for each lane."""
    satellites(satellite_rows(state), design_rows(design), propagator_rows(propagator), sky_rows(sky), dt_s, n)

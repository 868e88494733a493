"""Settings of the dials that planners start from: the tuned ones of the scenario, then those that suit any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.dial_files import FOR_ALL, dials_of, family, read_dials, roles_of
from odc_gym.optimisation.planning.candidates import STARTS, dials_by_name

if TYPE_CHECKING:
    from odc_gym.simulator.view import View


def start_dials(view: View) -> NDArray[Any]:
    """Return the settings that planners start from, (N, D); the first one is what they trust most."""
    roles = roles_of(view.scenario)
    tuned = dict.fromkeys((family(view.scenario.name), FOR_ALL))
    found = [dials_of(read_dials(name).vector, roles)[None] for name in tuned]
    return np.concatenate([*found, dials_by_name(view.dials.names, STARTS)])

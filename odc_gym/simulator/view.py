"""View for schedulers: named observations in SI units, whose first axis is the environment.

The arrays of observations and design are read-only, and contain no hidden truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from odc_gym.core.expansion import expand_dials
from odc_gym.core.layout.batch import Parameters
from odc_gym.core.layout.rows import named
from odc_gym.core.layout.state import Design, Ratings
from odc_gym.errors import ActionError
from odc_gym.interface.actions import ActionLayout
from odc_gym.interface.assignment import AssignmentLayout
from odc_gym.interface.dials import DialLayout
from odc_gym.interface.jobs import QUEUED, QUEUED_CLASS
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS
from odc_gym.scenario import Scenario
from odc_gym.simulator.copies import NamedArrays
from odc_gym.simulator.observation_buffers import ObservationBuffers


class View:
    """Observations of all environments in SI units, for B environments, S satellites and C classes.

    Attributes:
        scenario: scenario of the batch.
        num_envs: number of environments, B.
        satellites: number of satellites, S.
        observation: features of `odc_gym.interface.observations` by name: (B, S), (B, C, S), (B,) or (B, C).
        forecast: `time_to_crossing_s` (B, S), positive until the next eclipse and negative until sunrise;
            `eclipse_length_s` (B, S); `solar_mean_w` (B, 4, S), the mean array power of the next 15, 30, 60 and 95
            minutes.
        design: parameters of the satellites by name, (B, S) each, as in `core.layout.state.Design` and `Ratings`. A
            parameter that the scenario randomises has the true value of the episode.
        jobs: features of K waiting jobs by name, as in `odc_gym.interface.jobs`, (B, K); `is_class` is (B, K, C). K is
            0 unless the simulator shows jobs.
        action_mode: mode of the actions that the environments expect.
        layout: layout of an action of the mode `bids`.
        dials: layout of an action of the mode `dials`.
        assignment: layout of an action of the mode `assign`; None in other modes.
        class_names: names of the classes, in the order of the class axis.
        decision_period_s: time between decisions [s].
        simulator: simulator that the view shows. It holds the future and other hidden truth, so rules do not read it:
            `odc_gym.optimisation.planning` makes branches of it, whose futures are sampled unless a planner asks for
            the true one.
    """

    def __init__(
        self,
        scenario: Scenario,
        buffers: ObservationBuffers,
        parameters: Parameters,
        ratings: np.ndarray,
        action_mode: str,
        simulator: Any = None,
    ) -> None:
        """Create named views of the arrays of a batch.

        Args:
            scenario: scenario of the batch.
            buffers: observations of the batch.
            parameters: parameters of the environments.
            ratings: values that schedulers read beside the design, (B, field, P) of `Ratings`.
            action_mode: mode of the actions that the environments expect.
            simulator: owner of the batch.
        """
        self._buffers, self._parameters, self.simulator = buffers, parameters, simulator
        self.num_envs, self.satellites = len(buffers.flat), buffers.satellites
        self.observation: Mapping[str, np.ndarray] = NamedArrays(_observation_arrays, buffers)
        self.jobs: Mapping[str, np.ndarray] = NamedArrays(_job_arrays, buffers)
        self.forecast: Mapping[str, np.ndarray] = NamedArrays(_forecast_arrays, buffers)
        self.design: Mapping[str, np.ndarray] = NamedArrays(_design_arrays, parameters.design, ratings, self.satellites)
        self.layout = ActionLayout(self.satellites, buffers.classes)
        self.dials = DialLayout(scenario.class_names)
        slots, levels = buffers.slots.shape[1], len(scenario.assign.levels)
        self.assignment = AssignmentLayout(self.satellites, slots, levels) if action_mode == "assign" else None
        self.action_mode = action_mode
        self.class_names = scenario.class_names
        self.scenario = scenario
        self.decision_period_s = scenario.episode.decision_period_s

    def __repr__(self) -> str:
        return (
            f"View({self.scenario.name}: {self.num_envs} environment{'s' * (self.num_envs > 1)}, {self.satellites} "
            f"satellites, classes {', '.join(self.class_names)}; {len(self.observation)} observations, "
            f"{len(self.design)} design values and {len(self.jobs)} job features by name; "
            f"action_mode {self.action_mode}, {self.action_size} values)"
        )

    @property
    def action_size(self) -> int:
        """Length of an action that the environments expect, A."""
        if self.assignment is not None:
            return self.assignment.size
        return self.dials.size if self.action_mode == "dials" else self.layout.size

    def actions_of_dials(self, dials: np.ndarray) -> np.ndarray:
        """Return the actions of the mode `bids` that dials stand for at the present observation, (B, A).

        Args:
            dials: dials in the order of `dials.names`, (B, D), or (D,) for all environments.
        """
        each = np.ascontiguousarray(np.broadcast_to(dials, (self.num_envs, self.dials.size)), np.float64)
        actions = self.layout.zeros(self.num_envs)
        expand_dials(actions, each, *self._buffers.measured[:4], self._parameters, self.satellites)
        return actions

    @property
    def encoded(self) -> np.ndarray:
        """Encoded flat observation, (B, N) float32."""
        return self._buffers.flat

    @property
    def job_present(self) -> np.ndarray:
        """Mask of the rows of `jobs` that hold a job, (B, K) bool."""
        return self._buffers.job_present.astype(np.bool_)

    @property
    def job_feasible(self) -> np.ndarray:
        """Feasibility of each satellite for each visible job, then of waiting (always True), (B, K, S + 1) bool."""
        return self._buffers.job_feasible

    @property
    def action_masks(self) -> np.ndarray:
        """Mask of the feasible choices of the mode `assign`, component after component, (B, K (S + 1) + S L) bool.

        Raises:
            ActionError: the action mode is not `assign`.
        """
        if self.assignment is None:
            raise ActionError(f"action_masks: action_mode is {self.action_mode!r}, must be 'assign'")
        jobs = self.job_feasible.reshape(self.num_envs, -1)
        levels = np.ones((self.num_envs, self.satellites * self.assignment.levels), np.bool_)
        return np.concatenate([jobs, levels], 1)

    @property
    def encoded_blocks(self) -> dict[str, np.ndarray]:
        """Encoded dict observation, see `ObservationBuffers.blocks`."""
        return self._buffers.blocks


def _observation_arrays(buffers: ObservationBuffers) -> dict[str, np.ndarray]:
    """Return views of the features of satellites and fleet by name."""
    satellite, satellite_class, fleet, fleet_class, _ = buffers.measured
    n = buffers.satellites
    arrays = {f.name: satellite[:, k, :n] for k, f in enumerate(SATELLITE)}
    arrays |= {f.name: satellite_class[:, k, :, :n] for k, f in enumerate(SATELLITE_CLASS)}
    arrays |= {f.name: fleet[:, k] for k, f in enumerate(FLEET)}
    return arrays | {f.name: fleet_class[:, k] for k, f in enumerate(FLEET_CLASS)}


def _job_arrays(buffers: ObservationBuffers) -> dict[str, np.ndarray]:
    """Return views of the features of visible jobs by name."""
    jobs = buffers.measured[-1]
    arrays = {f.name: jobs[:, :, k] for k, f in enumerate(QUEUED)}
    return arrays | {f.name: jobs[:, :, len(QUEUED) :] for f in QUEUED_CLASS}


def _forecast_arrays(buffers: ObservationBuffers) -> dict[str, np.ndarray]:
    """Return views of the forecast by name."""
    arrays = _observation_arrays(buffers)
    first = [f.name for f in SATELLITE].index("solar_15_w")
    ahead = buffers.measured[0][:, first : first + 4, : buffers.satellites]
    names = ("time_to_crossing_s", "eclipse_length_s")
    return {name: arrays[name] for name in names} | {"solar_mean_w": ahead}


def _design_arrays(design: np.ndarray, ratings: np.ndarray, satellites: int) -> dict[str, np.ndarray]:
    """Return views of the parameters of the satellites by name."""
    rows = named(Design, design)._asdict() | named(Ratings, ratings)._asdict()
    return {name: array[:, :satellites] for name, array in rows.items()}

"""What schedulers read: SI arrays by name, first axis always the environment. Read-only, and without hidden truth."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from odc_gym.core.layout.state import Design, Ratings
from odc_gym.errors import ActionError
from odc_gym.interface.actions import ActionLayout
from odc_gym.interface.assignment import AssignmentLayout
from odc_gym.interface.jobs import QUEUED, QUEUED_CLASS
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS
from odc_gym.scenario import Scenario
from odc_gym.simulator.observation_buffers import ObservationBuffers


def frozen(array: np.ndarray) -> np.ndarray:
    """A read-only view."""
    view = array.view()
    view.flags.writeable = False
    return view


class View:
    """What agents see of all environments, in SI units. B environments, S satellites, C classes.

    Attributes:
        observation: features of `odc_gym.interface.observations` by name: (B, S), (B, C, S), (B,) or (B, C).
        forecast: `time_to_crossing_s` (B, S), + until the next eclipse, - until sunrise; `eclipse_length_s` (B, S);
            `solar_mean_w` (B, 4, S), mean array power of the next 15, 30, 60 and 95 minutes.
        design: parameters of the satellites by name (B, S), as in `odc_gym.core.layout.state.Design` and `Ratings`: the
            true ones of the episode, where the scenario randomises them.
        jobs: features of `odc_gym.interface.jobs` of K waiting jobs by name, (B, K), `is_class`
            (B, K, C); K = 0 unless the simulator shows jobs.
        layout: where the components of an action of bids are.
        assignment: where those of the action mode `assign` are; None in the mode `bids`.
        class_names: names along the class axis.
        decision_period_s: time between decisions [s].
    """

    def __init__(
        self,
        scenario: Scenario,
        buffers: ObservationBuffers,
        design: Design,
        ratings: Ratings,
        decision_period_s: float,
        assignment: AssignmentLayout | None,
    ) -> None:
        """Name the arrays of a batch.

        Args:
            scenario: what is simulated.
            buffers: observations of the batch.
            design: parameters of the satellites, (B, P) each.
            ratings: figures beside them, (B, P) each.
            decision_period_s: time between decisions [s].
            assignment: places in an action of the mode `assign`, None in the mode `bids`.
        """
        self._buffers = buffers
        n = buffers.satellites
        satellite, satellite_class, fleet, fleet_class, jobs = buffers.measured
        arrays: dict[str, np.ndarray] = {f.name: frozen(satellite[:, k, :n]) for k, f in enumerate(SATELLITE)}
        arrays |= {f.name: frozen(satellite_class[:, k, :, :n]) for k, f in enumerate(SATELLITE_CLASS)}
        arrays |= {f.name: frozen(fleet[:, k]) for k, f in enumerate(FLEET)}
        arrays |= {f.name: frozen(fleet_class[:, k]) for k, f in enumerate(FLEET_CLASS)}
        self.observation: Mapping[str, np.ndarray] = MappingProxyType(arrays)
        queued: dict[str, np.ndarray] = {f.name: frozen(jobs[:, :, k]) for k, f in enumerate(QUEUED)}
        queued |= {f.name: frozen(jobs[:, :, len(QUEUED) :]) for f in QUEUED_CLASS}
        self.jobs: Mapping[str, np.ndarray] = MappingProxyType(queued)
        first = [f.name for f in SATELLITE].index("solar_15_w")
        self.forecast: Mapping[str, np.ndarray] = MappingProxyType(
            {
                "time_to_crossing_s": arrays["time_to_crossing_s"],
                "eclipse_length_s": arrays["eclipse_length_s"],
                "solar_mean_w": frozen(satellite[:, first : first + 4, :n]),
            }
        )
        named = {name: frozen(rows[:, :n]) for name, rows in (design._asdict() | ratings._asdict()).items()}
        self.design: Mapping[str, np.ndarray] = MappingProxyType(named)
        self.layout = ActionLayout(n, buffers.classes)
        self.assignment = assignment
        self.num_envs, self.satellites = len(buffers.flat), n
        self.class_names = scenario.class_names
        self.scenario = scenario
        self.decision_period_s = decision_period_s

    @property
    def encoded(self) -> np.ndarray:
        """The flat observation as the agent sees it, (B, N) float32."""
        return self._buffers.flat

    @property
    def job_present(self) -> np.ndarray:
        """Which of the K places hold a job, (B, K) bool."""
        return self._buffers.job_present.astype(np.bool_)

    @property
    def job_feasible(self) -> np.ndarray:
        """Whether each visible job can go to a satellite, and to none (always), (B, K, S + 1) bool."""
        return self._buffers.job_feasible

    @property
    def action_masks(self) -> np.ndarray:
        """Which choices of the mode `assign` are feasible, component after component, (B, K (S + 1) + S L) bool.

        Raises:
            ActionError: in another mode.
        """
        if self.assignment is None:
            raise ActionError("action_masks: action_mode is 'bids', must be 'assign'")
        jobs = self.job_feasible.reshape(self.num_envs, -1)
        levels = np.ones((self.num_envs, self.satellites * self.assignment.levels), np.bool_)
        return np.concatenate([jobs, levels], 1)

    @property
    def encoded_blocks(self) -> dict[str, np.ndarray]:
        """The dict observation as the agent sees it, see `ObservationBuffers.blocks`."""
        return self._buffers.blocks

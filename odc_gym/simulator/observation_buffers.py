"""Observation buffers of a batch: the arrays that each decision fills for the agents."""

from __future__ import annotations

import numpy as np

from odc_gym.interface.assignment import NOBODY
from odc_gym.interface.jobs import QUEUED, QUEUED_CLASS, job_size
from odc_gym.interface.observations import (
    FLEET,
    FLEET_CLASS,
    SATELLITE,
    SATELLITE_CLASS,
    References,
    encoding,
    satellite_size,
    size,
)


class ObservationBuffers:
    """Buffers of measured and encoded observations.

    Sizes are B environments, S satellites, P satellite lanes (S padded), C classes and K visible jobs.

    Attributes:
        satellites: number of satellites, S.
        classes: number of classes, C.
        encoded: arrays that the compiled core writes: the next four, with `slots` before the last.
        flat: encoded observation, (B, N) float32. `publish` replaces this array and the next three.
        jobs: encoded features of visible jobs, (B, K, G) float32.
        job_present: 1 for each of the K rows of `jobs` that holds a job, else 0, (B, K) int8.
        job_feasible: feasibility of each satellite for each job, then of waiting, which is always feasible,
            (B, K, S + 1) bool.
        slots: rows of the visible jobs in the job table, (B, K) int32; `NOBODY` where no job is.
        measured: blocks in SI units: satellites (B, F, P), satellites and classes (B, F, C, P), fleet (B, F), fleet and
            classes (B, F, C), visible jobs (B, K, G).
        codes: encodings of these blocks, see `interface.observations.encoding`.
    """

    def __init__(self, num_envs: int, satellites: int, lanes: int, classes: int, jobs: int, references: References):
        """Allocate the buffers.

        Args:
            num_envs: number of environments, B.
            satellites: number of satellites, S.
            lanes: number of satellite lanes, P.
            classes: number of classes, C.
            jobs: number of visible jobs, K; 0 if waiting jobs are not observed one by one.
            references: reference values of the encodings.
        """
        self.satellites, self.classes = satellites, classes
        self.slots = np.full((num_envs, jobs), NOBODY, np.int32)
        self.encoded = (
            np.zeros((num_envs, size(satellites, classes)), np.float32),
            np.zeros((num_envs, jobs, job_size(classes)), np.float32),
            np.zeros((num_envs, jobs), np.int8),
            self.slots,
            np.zeros((num_envs, jobs, satellites + 1), np.bool_),
        )
        self.flat, self.jobs, self.job_present, _, self.job_feasible = self.encoded
        self.measured = (
            np.zeros((num_envs, len(SATELLITE), lanes)),
            np.zeros((num_envs, len(SATELLITE_CLASS), classes, lanes)),
            np.zeros((num_envs, len(FLEET))),
            np.zeros((num_envs, len(FLEET_CLASS), classes)),
            np.zeros((num_envs, jobs, job_size(classes))),
        )
        self.codes = (
            encoding(SATELLITE, references, lanes),
            encoding(SATELLITE_CLASS, references, lanes),
            encoding(FLEET, references, 1),
            encoding(FLEET_CLASS, references, 1),
            encoding((*QUEUED, *QUEUED_CLASS * classes), references, 1),
        )

    def publish(self) -> None:
        """Copy the encoded arrays for callers, who may keep them: the compiled core always writes the same ones."""
        flat, jobs, job_present, _, job_feasible = self.encoded
        self.flat = flat.copy()
        if self.slots.size:
            self.jobs, self.job_present, self.job_feasible = jobs.copy(), job_present.copy(), job_feasible.copy()

    @property
    def blocks(self) -> dict[str, np.ndarray]:
        """The encoded observation by block.

        The blocks are `satellites` (B, S, 26 + 8 C), `jobs` (B, K, 8 + C), `jobs_present` (B, K) and `fleet`
        (B, 18 + 13 C).
        """
        each = satellite_size(self.classes)
        satellites, fleet = np.split(self.flat, [self.satellites * each], 1)
        return {
            "satellites": satellites.reshape(len(self.flat), self.satellites, each),
            "jobs": self.jobs,
            "jobs_present": self.job_present,
            "fleet": fleet,
        }

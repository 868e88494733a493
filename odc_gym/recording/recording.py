"""Recording of one episode: a header, and arrays by name; see `recording.schema`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from odc_gym.core.layout.event_log import LEAVES, PLACED
from odc_gym.errors import RecordingError, did_you_mean
from odc_gym.recording.schema import ACCOUNT_FIELDS, CLASS_FIELDS, JOB_FIELDS, KINDS, SATELLITE_FIELDS

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("satellites", "classes", "accounts", "jobs", "events", "segments")
RUNS_ON = -1
"""Cause of a segment that had not ended when the recording ended."""


@dataclass(frozen=True, eq=False, repr=False)
class Recording:
    """Recording of one episode under one scheduler.

    Attributes:
        header: names, units and settings; `recorder.Recorder` lists them.
        arrays: arrays by name; `recording.schema.SHAPES` gives their axes.
    """

    header: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        """Return an array.

        Raises:
            RecordingError: the recording has no such array.
        """
        if name not in self.arrays:
            raise RecordingError(f"array = {name}: not in the recording{did_you_mean(name, self.arrays)}")
        return self.arrays[name]

    @property
    def agent(self) -> str:
        """Name of the scheduler."""
        return str(self.header["agent"])

    @property
    def score(self) -> float:
        """Sum of the rewards."""
        return float(self.header["score"])

    @property
    def summary(self) -> str:
        """Sentence with the score and the numbers of the most important events."""
        kinds = self["event/kind"]
        counts = {name: int((kinds == KINDS.index(name)).sum()) for name in ("delivered", "missed", "shed", "tripped")}
        return (
            f"{self.agent} on {self.header['scenario_name']}, episode {self.header['seed']}: score {self.score:.2f}; "
            f"{counts['delivered']} jobs complete, {counts['missed']} deadlines missed, {counts['shed']} sheds, "
            f"{counts['tripped']} trips"
        )

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, in the order of the class axis."""
        return [each["name"] for each in self.header["classes"]]

    @property
    def segments(self) -> dict[str, np.ndarray]:
        """Times for which rows of the job table held accelerators of a satellite.

        The columns have one entry for each segment, in order of their begin: `job`, `satellite`, `begin_s`, `end_s`,
        and `cause`, the kind of the event that ended it, or `RUNS_ON`.
        """
        kind, row = self["event/kind"], self["event/job"]
        about = (kind == PLACED) | ((kind >= LEAVES.start) & (kind < LEAVES.stop))
        chosen = np.flatnonzero(about)
        chosen = chosen[np.argsort(row[chosen], kind="stable")]  # the events of a row follow each other
        kinds, rows = kind[chosen], row[chosen]
        begins = kinds == PLACED
        ended = begins & np.append((rows[1:] == rows[:-1]) & ~begins[1:], False)
        follower = np.minimum(np.arange(len(chosen)) + 1, max(len(chosen) - 1, 0))
        time_s = self["event/time_s"][chosen]
        columns = {
            "job": rows[begins],
            "satellite": self["event/satellite"][chosen][begins],
            "begin_s": time_s[begins],
            "end_s": np.where(ended, time_s[follower], self["time_s"][-1])[begins],
            "cause": np.where(ended, kinds[follower], RUNS_ON)[begins],
        }
        order = np.argsort(columns["begin_s"], kind="stable")
        return {name: column[order] for name, column in columns.items()}

    def table(self, name: str) -> dict[str, np.ndarray]:
        """Return a table as columns of equal length.

        Args:
            name: `satellites` (a row for each decision and satellite), `classes` (decision, class, satellite),
                `accounts` (decision, class), `jobs`, `events` or `segments`.

        Raises:
            RecordingError: there is no such table.
        """
        if name not in TABLES:
            raise RecordingError(f"table = {name}: must be one of {', '.join(TABLES)}{did_you_mean(name, TABLES)}")
        classes, n = np.array(self.class_names), int(self.header["satellites"])
        if name == "satellites":
            orbit = {key: self[f"orbit/{key}"] for key in ("latitude_deg", "longitude_deg")}
            return self._flat(("satellite",), (np.arange(n),), orbit | self._group("satellite", SATELLITE_FIELDS))
        if name == "classes":
            return self._flat(("class", "satellite"), (classes, np.arange(n)), self._group("class", CLASS_FIELDS))
        if name == "accounts":
            return self._flat(("class",), (classes,), self._group("account", ACCOUNT_FIELDS))
        if name == "jobs":
            columns = self._group("job", JOB_FIELDS)
            texts = {
                "class": classes[columns["class_id"]],
                "status": np.array(self.header["status"])[columns["status"]],
            }
            return {"job": np.arange(len(columns["class_id"]))} | columns | texts
        if name == "segments":
            segments, causes = self.segments, np.array([*KINDS, ""])  # RUNS_ON is the last
            return segments | {"cause": causes[segments["cause"]]}
        columns = {key: self[f"event/{key}"] for key in ("time_s", "kind", "satellite", "job", "value")}
        return columns | {"kind": np.array(KINDS)[columns["kind"]]}

    def frame(self, name: str) -> pd.DataFrame:
        """Return a table, as `table` describes it, as a `pandas.DataFrame`.

        Raises:
            RecordingError: there is no such table, or pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise RecordingError("frame: needs pandas; install it, or use table() for NumPy columns") from None
        return pd.DataFrame(self.table(name))

    def _group(self, group: str, names: Any) -> dict[str, np.ndarray]:
        return {name: self[f"{group}/{name}"] for name in names if f"{group}/{name}" in self.arrays}

    def _flat(
        self, axes: tuple[str, ...], labels: tuple[np.ndarray, ...], blocks: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Return blocks (D + 1, ...) as columns, with columns for the time and the labels of the other axes."""
        grid = np.meshgrid(self["time_s"], *labels, indexing="ij")
        places = {name: each.ravel() for name, each in zip(("time_s", *axes), grid, strict=True)}
        return places | {name: block.ravel() for name, block in blocks.items()}

    def __repr__(self) -> str:
        header = self.header
        return (
            f"Recording({header['agent']} on {header['scenario_name']}, episode {header['seed']}: score "
            f"{self.score:.2f}, {header['decisions']} decisions, {header['satellites']} satellites, "
            f"{len(self['event/time_s'])} events; tables {', '.join(TABLES)})"
        )

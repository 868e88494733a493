"""Store of finished episodes on disk. A comparison plays only the episodes that the store lacks.

Each episode is one small file. The name of its folder is a hash of every input of its result: the scenario, the trace,
the scheduler, the code, and the versions of the libraries that compute it. A change of any input selects another
folder. A file appears only when it is complete, and all writers of an episode write the same bytes. Several comparisons
may therefore use one store at the same time.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from odc_gym.errors import OdcGymError
from odc_gym.evaluation.files import write_text
from odc_gym.evaluation.results import TABLES, SchedulerResult, TraceFiles, concatenate_results
from odc_gym.scenario import Scenario
from odc_gym.sources import source_digest, versions
from odc_gym.workload.traces import TraceFile, trace_files

_LIBRARIES = ("numpy", "numba", "scipy", "skyfield", "skyfield-data", "sgp4")
_WORKER_MODULE = "odc_gym.evaluation.worker"  # imports all code that determines an episode, except the schedulers


@dataclass(frozen=True)
class CacheEntry:
    """Finished episodes of one scheduler on one scenario.

    Attributes:
        folder: folder of the episode files.
        key: inputs of the results, except the episode number.
    """

    folder: Path
    key: dict[str, Any]

    def read(self, seeds: Sequence[int]) -> SchedulerResult | None:
        """Return the results of episodes in the order of their seeds, or None if one of them is missing."""
        found = []
        for seed in seeds:
            one = self._read_one(seed)
            if one is None:
                return None
            found.append(one)
        return concatenate_results(found)

    def write(self, seeds: Sequence[int], result: SchedulerResult) -> None:
        """Write the results of episodes, each to a file that appears only when it is complete."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for row, seed in enumerate(seeds):
            data = {
                "key": self.key | {"episode": seed},
                "score": result.score[row].item(),
                **{
                    table: {name: values[row].item() for name, values in getattr(result, table).items()}
                    for table in TABLES
                },
            }
            write_text(self._path(seed), json.dumps(data) + "\n")  # shortest decimals that read back as the same floats

    def _read_one(self, seed: int) -> SchedulerResult | None:
        """Return one episode as arrays (1,), or None if its file is missing or was not made by `write`."""
        try:
            data = json.loads(self._path(seed).read_text(encoding="utf-8"))
            if data["key"] != self.key | {"episode": seed}:
                return None
            tables: dict[str, Any] = {table: _columns(data[table]) for table in TABLES}
            return SchedulerResult(np.array([data["score"]], np.float64), **tables)
        except (FileNotFoundError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError):
            return None

    def _path(self, seed: int) -> Path:
        return self.folder / f"{seed}.json"


class Store:
    """Folder of finished episodes of any scenarios and schedulers."""

    def __init__(self, folder: Path, identities: Mapping[str, str]) -> None:
        """Use a folder as a store. The folder is created when the first episode is written.

        Args:
            folder: folder of the store.
            identities: scheduler name to a string that identifies its behaviour, as returned by
                `odc_gym.agents.scheduler_identity`. Episodes of other schedulers are not stored.

        Raises:
            OdcGymError: `folder` is a file.
        """
        if folder.exists() and not folder.is_dir():
            raise OdcGymError(f"{folder}: must be a folder, or the name of a new one")
        self._folder, self._identities = folder, identities

    def entries(self, scenario: Scenario, trace: TraceFiles) -> dict[str, CacheEntry]:
        """Return the cache entry of each scheduler for one scenario and trace."""
        common = {
            "format": 2,
            "code": source_digest(_WORKER_MODULE),
            "libraries": versions(*_LIBRARIES),
            "scenario": scenario.digest(),
            "trace": None if trace is None else _traces_hash(trace_files(trace)),
        }
        found = {}
        for name, identity in self._identities.items():
            key = common | {"scheduler": identity}
            label = f"{_plain(Path(name).name)}-{_hash(json.dumps(key, sort_keys=True).encode())}"
            found[name] = CacheEntry(self._folder / _plain(scenario.name) / label, key)
        return found


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _traces_hash(files: Sequence[TraceFile]) -> str:
    """Return a hash of the contents and options of a trace. Each path is a file or a folder of files."""
    hashes = []
    for file in files:
        path = Path(file.path)
        if file.plain != file.path:
            hashes.append(f"format {file.format}, as is {file.as_is}")
        for part in sorted(path.iterdir()) if path.is_dir() else [path]:
            with part.open("rb") as content:
                digest = hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
            hashes.append(f"{part.name} {digest}" if path.is_dir() else digest)
    return hashes[0] if len(hashes) == 1 else _hash("\n".join(hashes).encode())


def _columns(row: Mapping[str, float]) -> dict[str, Any]:
    return {name: np.array([value], np.float64) for name, value in row.items()}


def _plain(name: str) -> str:
    """Return a name that is valid as part of a path, with letters, digits and a few other characters."""
    return re.sub(r"[^\w.()-]+", "-", name).strip(".") or "-"

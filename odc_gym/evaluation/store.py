"""A folder of finished episodes, so that a comparison plays only what is missing.

An episode is one small file below a folder whose name is a hash of all that its result depends on: the scenario, the
trace, the scheduler, the code and the versions of the libraries that it computes with. When one of these changes, the
folder is another one. Files appear when they are complete, and writers of the same episode write the same bytes, so
several comparisons may use one store at a time.
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
from odc_gym.evaluation.results import SchedulerResult, TraceFiles, concatenate_results
from odc_gym.scenario import Scenario
from odc_gym.sources import source_digest, versions

_LIBRARIES = ("numpy", "numba", "scipy", "skyfield", "skyfield-data", "sgp4")
_WORKER_MODULE = "odc_gym.evaluation.worker"  # imports all that the result of an episode comes from, but the schedulers


@dataclass(frozen=True)
class CacheEntry:
    """The finished episodes of one scheduler on one scenario.

    Attributes:
        folder: where they are.
        key: what the results depend on, besides the episode.
    """

    folder: Path
    key: dict[str, Any]

    def read(self, seeds: Sequence[int]) -> SchedulerResult | None:
        """Results of episodes in the order of their seeds; None if not all of them are there."""
        found = []
        for seed in seeds:
            one = self._read_one(seed)
            if one is None:
                return None
            found.append(one)
        return concatenate_results(found)

    def write(self, seeds: Sequence[int], result: SchedulerResult) -> None:
        """Keep results of episodes, each in a file that appears when it is complete."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for row, seed in enumerate(seeds):
            data = {
                "key": self.key | {"episode": seed},
                "score": result.score[row].item(),
                "terms": {name: values[row].item() for name, values in result.terms.items()},
                "metrics": {name: values[row].item() for name, values in result.metrics.items()},
            }
            write_text(self._path(seed), json.dumps(data) + "\n")  # shortest decimals that give the same floats

    def _read_one(self, seed: int) -> SchedulerResult | None:
        """One episode as arrays (1,); None if its file is absent, or is none that `write` made."""
        try:
            data = json.loads(self._path(seed).read_text(encoding="utf-8"))
            if data["key"] != self.key | {"episode": seed}:
                return None
            return SchedulerResult(
                np.array([data["score"]], np.float64), _columns(data["terms"]), _columns(data["metrics"])
            )
        except (FileNotFoundError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError, AttributeError):
            return None

    def _path(self, seed: int) -> Path:
        return self.folder / f"{seed}.json"


class Store:
    """Finished episodes of any scenarios and schedulers."""

    def __init__(self, folder: Path, identities: Mapping[str, str]) -> None:
        """Use a folder, which is made when the first episode is kept.

        Args:
            folder: the store.
            identities: scheduler to what tells it from any other, as `odc_gym.agents.scheduler_identity` does;
                schedulers without one are not kept.

        Raises:
            OdcGymError: the folder is a file.
        """
        if folder.exists() and not folder.is_dir():
            raise OdcGymError(f"{folder}: must be a folder, or the name of a new one")
        self._folder, self._identities = folder, identities

    def entries(self, scenario: Scenario, trace: TraceFiles) -> dict[str, CacheEntry]:
        """Where the episodes of each scheduler are, on one scenario with one trace."""
        fleet = {
            "format": 1,
            "code": source_digest(_WORKER_MODULE),
            "libraries": versions(*_LIBRARIES),
            "scenario": scenario.digest(),
            "trace": None if trace is None else _traces_hash(trace),
        }
        found = {}
        for name, identity in self._identities.items():
            key = fleet | {"scheduler": identity}
            label = f"{_plain(Path(name).name)}-{_hash(json.dumps(key, sort_keys=True).encode())}"
            found[name] = CacheEntry(self._folder / _plain(scenario.name) / label, key)
        return found


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _traces_hash(trace: str | tuple[str, ...]) -> str:
    """What tells the contents of the files of a trace from others; a trace may be a folder."""
    hashes = []
    for path in (Path(name) for name in ([trace] if isinstance(trace, str) else trace)):
        for part in sorted(path.iterdir()) if path.is_dir() else [path]:
            with part.open("rb") as file:
                digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
            hashes.append(f"{part.name} {digest}" if path.is_dir() else digest)
    return hashes[0] if len(hashes) == 1 else _hash("\n".join(hashes).encode())


def _columns(row: Mapping[str, float]) -> dict[str, Any]:
    return {name: np.array([value], np.float64) for name, value in row.items()}


def _plain(name: str) -> str:
    """A name as part of a path: letters, digits and a few signs."""
    return re.sub(r"[^\w.()-]+", "-", name).strip(".") or "-"

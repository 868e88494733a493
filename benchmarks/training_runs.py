"""Training runs of a study: each is trained in a process of its own, and an interrupted one is resumed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from odc_gym.errors import OdcGymError
from odc_gym.evaluation import write_document, write_text
from odc_gym.scenario import Scenario
from odc_gym.training.config import TrainConfig, dump, load


def train_all(runs: Mapping[Path, TrainConfig], processes: int) -> None:
    """Train the unfinished runs, several at a time.

    Args:
        runs: folder of each run to its configuration.
        processes: number of runs that are trained at a time.

    Raises:
        OdcGymError: a folder holds another run, or a training fails.
    """
    todo = [(folder, config) for folder, config in runs.items() if not finished(folder, config)]
    with ThreadPoolExecutor(processes) as pool:
        for folder in pool.map(lambda item: train_one(*item), todo):
            print(f"trained {folder}", file=sys.stderr, flush=True)


def finished(folder: Path, config: TrainConfig) -> bool:
    """Return whether a run is finished.

    Raises:
        OdcGymError: the folder holds a run of another configuration or of another version of the scenario.
    """
    if not (folder / "config.yaml").is_file():
        return False
    scenario = Scenario.load(config.scenario, config.env.overrides)
    if load(folder / "config.yaml") != config or Scenario.load(folder / "scenario.yaml") != scenario:
        raise OdcGymError(f"{folder}: a run of another configuration; delete it, or choose another folder with --runs")
    return (folder / "model.zip").is_file()


def train_one(folder: Path, config: TrainConfig) -> Path:
    """Train or resume a run in a process of its own, whose output goes to a log file beside the folder.

    Raises:
        OdcGymError: the training fails.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    resumed = (folder / "checkpoints").is_dir()
    if resumed:
        arguments = ["--resume", str(folder)]
    else:
        written = folder.with_suffix(".yaml")
        write_text(written, dump(config))
        arguments = ["--config", str(written), "--output", str(folder)]
    code = "from odc_gym.cli import main; main()"
    begun_s = time.monotonic()
    with folder.with_suffix(".log").open("a", encoding="utf-8") as log:
        done = subprocess.run(
            [sys.executable, "-c", code, "train", *arguments, "--test-episodes", "0"], stdout=log, stderr=log
        )
    if done.returncode:
        raise OdcGymError(
            f"{folder}: training ended with exit code {done.returncode}; see {folder.with_suffix('.log')}"
        )
    if not resumed:  # the time of the interrupted part is unknown
        write_document(_cost_file(folder), {"wall_s": time.monotonic() - begun_s})
    return folder


def wall_seconds(folder: Path) -> float | None:
    """Return the wall time of a training [s], or None if it was resumed or trained elsewhere."""
    file = _cost_file(folder)
    return float(json.loads(file.read_text(encoding="utf-8"))["wall_s"]) if file.is_file() else None


def _cost_file(folder: Path) -> Path:
    return folder.with_suffix(".cost.json")

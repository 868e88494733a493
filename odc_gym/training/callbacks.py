"""Callbacks of a training run: records of episodes and updates, progress display, checkpoints, and Ctrl-C.

They act between rollouts, when the state of a run is small and complete. Callbacks with memory provide it as `state`
and restore it by `load_state`, so that a resumed run continues its records.
"""

from __future__ import annotations

import csv
import json
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from odc_gym.training import checkpoint
from odc_gym.training.config import TrainConfig

UPDATE_VALUES = (
    "explained_variance",
    "value_loss",
    "policy_gradient_loss",
    "entropy_loss",
    "approx_kl",
    "clip_fraction",
    "std",
    "learning_rate",
)
"""Values that PPO records at an update under `train/`."""


class RunCallback(BaseCallback):
    """Callback that acts between rollouts."""

    model: OnPolicyAlgorithm

    def _on_step(self) -> bool:
        return True

    @property
    def decisions(self) -> int:
        """Number of decisions so far, over all environments."""
        return int(self.model.num_timesteps)

    @property
    def state(self) -> dict[str, Any]:
        """State that a resumed run needs, as JSON data."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from a state of `state`."""


class EpisodeLog(RunCallback):
    """Callback that writes training episodes to `monitor.csv`, and the mean of each metric to the run's logger."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._rows: list[tuple[float, int, float]] = []
        self._metrics: list[dict[str, float]] = []
        self._episodes = 0
        self._previous_elapsed_s = 0.0
        self._begun_s = time.monotonic()

    @property
    def state(self) -> dict[str, Any]:
        """Number of episodes written, and elapsed time."""
        return {"episodes": self._episodes, "elapsed_s": self._elapsed_s}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore the counters, and remove the lines of episodes that the run repeats."""
        self._episodes, self._previous_elapsed_s = state["episodes"], state["elapsed_s"]
        truncate(self._path, 2 + self._episodes)

    @property
    def _elapsed_s(self) -> float:
        return self._previous_elapsed_s + time.monotonic() - self._begun_s

    def _on_step(self) -> bool:
        for row in np.flatnonzero(self.locals["dones"]):
            info = self.locals["infos"][row]
            self._rows.append((info["episode"]["r"], info["episode"]["l"], round(self._elapsed_s, 3)))
            self._metrics.append(info["episode_metrics"])
        return True

    def _on_rollout_end(self) -> None:
        if not self._path.exists():
            header = json.dumps({"t_start": time.time(), "env_id": "ODCSat-v0"})
            self._path.write_text(f"#{header}\nr,l,t\n", encoding="utf-8")
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(self._rows)
        for name in self._metrics[0] if self._metrics else ():
            self.logger.record(f"episode/{name}", float(np.mean([metrics[name] for metrics in self._metrics])))
        self._episodes += len(self._rows)
        self._rows, self._metrics = [], []


class LearningLog(RunCallback):
    """Callback that writes the values recorded at each update of the learner to `learning.csv`."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._rows = 0

    @property
    def state(self) -> dict[str, Any]:
        """Number of lines written."""
        return {"rows": self._rows}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore the counter, and remove the lines of updates that the run repeats."""
        self._rows = state["rows"]
        truncate(self._path, 1 + self._rows)

    def _on_rollout_start(self) -> None:
        self._write_update()

    def _on_training_end(self) -> None:
        self._write_update()

    def _write_update(self) -> None:
        recorded = self.logger.name_to_value  # holds the last update until the end of the next rollout
        values = {name: recorded[f"train/{name}"] for name in UPDATE_VALUES if f"train/{name}" in recorded}
        if not values:
            return  # there was no update yet
        append_line(self._path, {"decisions": self.decisions, **values})
        self._rows += 1


class ProgressReport(RunCallback):
    """Callback that shows the progress of the run: a bar on a terminal, else a line for each validation."""

    def __init__(self, n_timesteps: int, bar: bool) -> None:
        super().__init__()
        self._n_timesteps = n_timesteps
        self._begun_s = time.monotonic()
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            disable=not bar,
        )
        self._bar = bar
        self._task = self._progress.add_task("", total=n_timesteps, note="")

    def __enter__(self) -> ProgressReport:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _on_rollout_start(self) -> None:
        self._progress.update(self._task, completed=self.decisions)

    def _on_training_end(self) -> None:
        self._progress.update(self._task, completed=self.decisions)

    def show_score(self, decisions: int, score: float, best: float) -> None:
        """Show the result of a validation.

        Args:
            decisions: decisions of training before it.
            score: its mean score.
            best: largest mean score so far.
        """
        note = f"validation {score:.2f}, best {best:.2f}"
        self._progress.update(self._task, note=note)
        if not self._bar:
            seconds = time.monotonic() - self._begun_s
            print(f"{decisions} of {self._n_timesteps} decisions, {seconds:.0f} s: {note}", file=sys.stderr, flush=True)


class Interrupts(AbstractContextManager["Interrupts"]):
    """Handler of Ctrl-C: the first one stops the run after its next checkpoint, the second one stops it at once."""

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Interrupts:
        try:
            self._previous_handler: Any = signal.signal(signal.SIGINT, self._handle)
        except ValueError:  # only the main thread can handle signals
            self._previous_handler = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._previous_handler is not None:
            signal.signal(signal.SIGINT, self._previous_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        print("\nfinishing the rollout to save a checkpoint; Ctrl-C again stops at once", file=sys.stderr, flush=True)


class Checkpoints(RunCallback):
    """Callback that saves checkpoints; it comes last, so they hold the current states of the others."""

    def __init__(
        self, run: Path, config: TrainConfig, callbacks: Sequence[RunCallback], interrupts: Interrupts
    ) -> None:
        super().__init__()
        self._run = run
        self._config = config
        self._callbacks = callbacks
        self._interrupts = interrupts

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore the states of the other callbacks."""
        for callback in self._callbacks:
            callback.load_state(state[type(callback).__name__])

    def _on_rollout_start(self) -> None:
        if self._interrupts.requested:
            self._save()
            print(
                f"stopped at {self.decisions} decisions; go on with: odc-gym train --resume {self._run}",
                file=sys.stderr,
                flush=True,
            )
            raise KeyboardInterrupt
        if self.decisions // self._config.rollout % self._config.checkpoint.every == 0:
            self._save()

    def _on_training_end(self) -> None:
        self._save()

    def _save(self) -> None:
        states = {type(callback).__name__: callback.state for callback in self._callbacks}
        checkpoint.save(self._run / "checkpoints", self.model, states, self._config.checkpoint.keep)


def append_line(path: Path, line: dict[str, float]) -> None:
    """Add a line to a CSV file, after a header if the file is new."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(line)
        writer.writerow(line.values())


def truncate(path: Path, lines: int) -> None:
    """Keep only the first lines of a file."""
    if path.exists():
        kept = path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]
        path.write_text("".join(kept), encoding="utf-8")

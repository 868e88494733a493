"""What happens beside learning: records of episodes, validation, the progress display, and checkpoints.

All of it happens between rollouts, where the state of a run is small and complete. Callbacks with memory give it as
`state` and take it back by `go_on`, so that a resumed run continues its records.
"""

from __future__ import annotations

import csv
import json
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.simulator.view import View
from odc_gym.training import checkpoint
from odc_gym.training.config import TrainConfig
from odc_gym.training.policy_scheduler import Interface, choices, save_policy

LEARNING = (
    "explained_variance",
    "value_loss",
    "policy_gradient_loss",
    "entropy_loss",
    "approx_kl",
    "clip_fraction",
    "std",
    "learning_rate",
)
"""What PPO records of an update, as in its `train/` figures."""


class RunCallback(BaseCallback):
    """A callback that acts between rollouts."""

    model: OnPolicyAlgorithm

    def _on_step(self) -> bool:
        return True

    @property
    def decisions(self) -> int:
        """Decisions so far, over all environments."""
        return int(self.model.num_timesteps)

    @property
    def state(self) -> dict[str, Any]:
        """What a resumed run must know, as JSON can hold it."""
        return {}

    def go_on(self, state: dict[str, Any]) -> None:
        """Continue from a state."""


class EpisodeLog(RunCallback):
    """Writes a line of `monitor.csv` for each training episode, and the mean of each metric to TensorBoard."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._rows: list[tuple[float, int, float]] = []
        self._metrics: list[dict[str, float]] = []
        self._episodes = 0
        self._earlier_s = 0.0
        self._begun_s = time.monotonic()

    @property
    def state(self) -> dict[str, Any]:
        """Episodes written, and time spent."""
        return {"episodes": self._episodes, "elapsed_s": self._elapsed_s}

    def go_on(self, state: dict[str, Any]) -> None:
        """Drop the lines of episodes that the run repeats."""
        self._episodes, self._earlier_s = state["episodes"], state["elapsed_s"]
        _cut(self._path, 2 + self._episodes)

    @property
    def _elapsed_s(self) -> float:
        return self._earlier_s + time.monotonic() - self._begun_s

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
    """Writes a line of `learning.csv` for each update: what the learner of stable-baselines3 records of it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._rows = 0

    @property
    def state(self) -> dict[str, Any]:
        """Lines written."""
        return {"rows": self._rows}

    def go_on(self, state: dict[str, Any]) -> None:
        """Drop the lines of updates that the run repeats."""
        self._rows = state["rows"]
        _cut(self._path, 1 + self._rows)

    def _on_rollout_start(self) -> None:
        self._note()

    def _on_training_end(self) -> None:
        self._note()

    def _note(self) -> None:
        recorded = self.logger.name_to_value  # of the last update, until the next rollout's end writes them out
        figures = {name: recorded[f"train/{name}"] for name in LEARNING if f"train/{name}" in recorded}
        if not figures:
            return  # nothing was learnt yet
        _append(self._path, {"decisions": self.decisions, **figures})
        self._rows += 1


class Validation(RunCallback):
    """Flies the policy without its noise through the validation episodes and keeps the best model."""

    def __init__(self, simulator: Simulator, config: TrainConfig, run: Path) -> None:
        super().__init__()
        self._simulator = simulator
        self._config = config
        self._path = run / "evaluations.csv"
        self._best_path = run / "best_model.zip"
        self._interface = interface_of(simulator, config)
        self._rows = 0
        self.last_decisions = -1
        self.last = self.best = -np.inf

    @property
    def state(self) -> dict[str, Any]:
        """Lines written, and what was found last and best."""
        return {"rows": self._rows, "decisions": self.last_decisions, "last": self.last, "best": self.best}

    def go_on(self, state: dict[str, Any]) -> None:
        """Drop the lines of evaluations that the run repeats."""
        self._rows, self.last_decisions = state["rows"], state["decisions"]
        self.last, self.best = state["last"], state["best"]
        _cut(self._path, 1 + self._rows)

    def _on_rollout_start(self) -> None:
        if self.decisions // self._config.rollout % self._config.eval.every == 0:
            self._evaluate()

    def _on_training_end(self) -> None:
        self._evaluate()

    def _evaluate(self) -> None:
        if self.decisions == self.last_decisions:
            return
        episodes = range(self._config.eval.first_seed, self._config.eval.first_seed + self._config.eval.episodes)
        scores, metrics = fly(self._simulator, episodes, self._act)
        self.last_decisions, self.last = self.decisions, float(scores.mean())
        if self.last > self.best:
            self.best = self.last
            save_policy(self._best_path, self.model, self._interface)
        means = {name: float(np.mean([m[name] for m in metrics])) for name in metrics[0]}
        self._write(
            {"decisions": self.decisions, "mean": self.last, "worst": float(scores.min()), "best": self.best}, means
        )

    def _act(self, view: View) -> NDArray[Any]:
        if view.assignment is not None:
            return choices(self.model.policy, view)
        normalise = self.model.get_vec_normalize_env()
        seen = view.encoded if normalise is None else normalise.normalize_obs(view.encoded)
        return self.model.predict(seen, deterministic=True)[0]

    def _write(self, line: dict[str, float], metrics: dict[str, float]) -> None:
        _append(self._path, {**line, **metrics})
        self._rows += 1
        for name, value in {**line, **metrics}.items():
            self.logger.record(f"validation/{name}", value)


class Report(RunCallback):
    """Shows how far the run is: a bar on a terminal, else a line for each validation."""

    def __init__(self, validation: Validation, n_timesteps: int, bar: bool) -> None:
        super().__init__()
        self._validation = validation
        self._n_timesteps = n_timesteps
        self._shown = -1
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

    def __enter__(self) -> Report:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _on_rollout_start(self) -> None:
        self._show()

    def _on_training_end(self) -> None:
        self._show()

    def _show(self) -> None:
        note = f"validation {self._validation.last:.2f}, best {self._validation.best:.2f}"
        self._progress.update(self._task, completed=self.decisions, note=note)
        if not self._bar and self._shown != self._validation.last_decisions:
            self._shown = self._validation.last_decisions
            seconds = time.monotonic() - self._begun_s
            print(
                f"{self.decisions} of {self._n_timesteps} decisions, {seconds:.0f} s: {note}",
                file=sys.stderr,
                flush=True,
            )


class Interrupts(AbstractContextManager["Interrupts"]):
    """Holds a first Ctrl-C back until the run is at a point from which it can go on; a second one ends it at once."""

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> Interrupts:
        try:
            self._before: Any = signal.signal(signal.SIGINT, self._note)
        except ValueError:  # signals are the main thread's; in another one there is nothing to hold back
            self._before = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        print("\nfinishing the rollout to save a checkpoint; Ctrl-C again stops at once", file=sys.stderr, flush=True)


class Checkpoints(RunCallback):
    """Saves checkpoints; comes last, so that they hold what the other callbacks did at the same moment."""

    def __init__(self, run: Path, config: TrainConfig, others: Sequence[RunCallback], interrupts: Interrupts) -> None:
        super().__init__()
        self._run = run
        self._config = config
        self._others = others
        self._interrupts = interrupts

    def go_on(self, state: dict[str, Any]) -> None:
        """Hand the other callbacks their states."""
        for callback in self._others:
            callback.go_on(state[type(callback).__name__])

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
        states = {type(callback).__name__: callback.state for callback in self._others}
        checkpoint.save(self._run / "checkpoints", self.model, states, self._config.checkpoint.keep)


def fly(
    simulator: Simulator, episodes: Iterable[int], act: Callable[[View], NDArray[Any]]
) -> tuple[NDArray[np.float64], list[dict[str, float]]]:
    """Play one episode in each environment of a simulator.

    Args:
        simulator: with B environments.
        episodes: B episode numbers.
        act: actions (B, A) for what the view shows.

    Returns:
        Scores (B,), the sums of rewards, and of each episode the metrics and the sums of the reward's terms.
    """
    simulator.reset(list(episodes))
    scores = np.zeros(simulator.num_envs)
    sums = {name: np.zeros(simulator.num_envs) for name in simulator.terms}
    while not simulator.truncated.all():
        simulator.step(act(simulator.view))
        scores += simulator.reward
        for name, value in simulator.terms.items():
            sums[name] += value
    rows = range(simulator.num_envs)
    terms = [{f"reward/{name}": float(value[row]) for name, value in sums.items()} for row in rows]
    return scores, [terms[row] | episode_metrics(simulator, row) for row in rows]


def interface_of(simulator: Simulator, config: TrainConfig) -> Interface:
    """What a policy for this simulator sees and steers."""
    return Interface(
        simulator.observation.shape[1],
        simulator.action_size,
        tuple(simulator.class_names),
        simulator.action_mode,
        config.algo,
    )


def _append(path: Path, line: dict[str, float]) -> None:
    """Add a line to a CSV file, and before the first one the names."""
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(line)
        writer.writerow(line.values())


def _cut(path: Path, lines: int) -> None:
    """Keep the first lines of a file."""
    if path.exists():
        kept = path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]
        path.write_text("".join(kept), encoding="utf-8")

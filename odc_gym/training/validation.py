"""Validation of the policy during training, by a thread that plays the episodes while the learner goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.policies import BasePolicy

from odc_gym.dial_files import dials_of, roles_of
from odc_gym.evaluation.files import write_bytes
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.simulator.threads import Threads
from odc_gym.simulator.view import View
from odc_gym.training.callbacks import RunCallback, append_line, truncate
from odc_gym.training.config import TrainConfig
from odc_gym.training.policy_choice import base_of
from odc_gym.training.policy_scheduler import (
    Interface,
    ObservationNormalisation,
    feasible_choices,
    observation_normalisation,
    policy_file,
    untrained_copy,
)
from odc_gym.training.residual import added_to_dials

Played = tuple[NDArray[np.float64], list[dict[str, float]]]
"""Scores of episodes (B,), and their metrics."""
ShowScore = Callable[[int, float, float], None]
"""Function of the decisions before an evaluation, its mean score, and the best one so far."""


class _Evaluation(NamedTuple):
    """Evaluation that a thread plays."""

    decisions: int  # of training, when it began
    file: bytes  # model of that time, as a file
    played: Future[Played]


class _Stopped(Exception):
    """The run ends before its evaluation does."""


class Validation(RunCallback, AbstractContextManager["Validation"]):
    """Callback that plays the validation episodes with the deterministic policy and saves the best model.

    An evaluation begins before a rollout, with a copy of the policy of that time. A thread plays it beside the rollout
    and its update, and its results are recorded before the next rollout. A checkpoint does not wait for the evaluation
    that has just begun: a run that resumes there begins the evaluation again.
    """

    def __init__(self, simulator: Simulator, config: TrainConfig, run: Path, show: ShowScore) -> None:
        """Prepare the evaluations.

        Args:
            simulator: simulator of the validation episodes, which only the thread may use from now on.
            config: configuration of the run.
            run: folder of the run.
            show: function that shows a result.
        """
        super().__init__()
        self._simulator = simulator
        self._config = config
        self._path = run / "evaluations.csv"
        self._best_path = run / "best_model.zip"
        self._interface = policy_interface(simulator, config)
        self._show = show
        self._start: dict[str, NDArray[Any]] | None = None  # state of the simulator at the start of the episodes
        self._policy: BasePolicy | None = None  # copy of the learner's policy
        self._threads = Threads(1)
        self._stopped = threading.Event()
        self._running: _Evaluation | None = None
        self._rows = 0
        self.last_decisions = -1
        self.last = self.best = -np.inf

    def __exit__(self, *_: object) -> None:
        """Stop an evaluation whose results are no longer wanted."""
        if self._running is not None:
            self._stopped.set()
            self._running.played.exception()

    @property
    def state(self) -> dict[str, Any]:
        """Number of lines written, and the last and best scores."""
        return {"rows": self._rows, "decisions": self.last_decisions, "last": self.last, "best": self.best}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore counter and scores, and remove the lines of evaluations that the run repeats."""
        self._rows, self.last_decisions = state["rows"], state["decisions"]
        self.last, self.best = state["last"], state["best"]
        truncate(self._path, 1 + self._rows)
        if self._rows:
            self._show(self.last_decisions, self.last, self.best)

    def _on_rollout_start(self) -> None:
        self.finish()
        if self.decisions // self._config.rollout % self._config.eval.every == 0:
            self._begin()

    def _on_training_end(self) -> None:
        self.finish()
        self._begin()
        self.finish()

    def _begin(self) -> None:
        """Begin an evaluation of the present policy, unless it has been evaluated."""
        if self.decisions == self.last_decisions:
            return
        learner = self.model.policy
        if self._policy is None:
            self._policy = untrained_copy(learner)
        self._policy.load_state_dict(learner.state_dict())
        normalisation = observation_normalisation(self.model)
        file = policy_file(self.model, self._interface)
        played = self._threads.submit(self._play, self._policy, normalisation)
        self._running = _Evaluation(self.decisions, file, played)

    def _play(self, policy: BasePolicy, normalisation: ObservationNormalisation | None) -> Played:
        """Play the validation episodes from their start; they are built the first time, and restored later."""
        # a new thread begins with another number, and a matrix product with more threads rounds differently
        torch.set_num_threads(self._config.torch_threads)
        if self._start is None:
            first = self._config.eval.first_seed
            self._simulator.reset(range(first, first + self._config.eval.episodes))
            self._start = self._simulator.get_state()
        else:
            self._simulator.set_state(self._start)

        base = np.array(self._interface.base)
        dials = dials_of(base, roles_of(self._simulator.scenario)) if base.size else None

        def act(view: View) -> NDArray[Any]:
            if self._stopped.is_set():
                raise _Stopped
            if view.assignment is not None:
                return feasible_choices(policy, view)
            observation = view.encoded if normalisation is None else normalisation.normalise(view.encoded)
            actions = policy.predict(observation, deterministic=True)[0]
            return actions if dials is None else added_to_dials(view, dials, actions)

        return play_episodes(self._simulator, act)

    def finish(self) -> None:
        """Wait for the evaluation that runs, if there is one, and record its results."""
        if self._running is None:
            return
        evaluation, self._running = self._running, None
        scores, metrics = evaluation.played.result()
        self.last_decisions, self.last = evaluation.decisions, float(scores.mean())
        if self.last > self.best:
            self.best = self.last
            write_bytes(self._best_path, evaluation.file)
        means = {name: float(np.mean([m[name] for m in metrics])) for name in metrics[0]}
        line = {"decisions": self.last_decisions, "mean": self.last, "worst": float(scores.min()), "best": self.best}
        self._write(line | means)
        self._show(self.last_decisions, self.last, self.best)

    def _write(self, line: dict[str, float]) -> None:
        """Write a line of `evaluations.csv`, and the same values to the run's logger."""
        append_line(self._path, line)
        self._rows += 1
        values = {f"validation/{name}": value for name, value in line.items()}
        for output in self.logger.output_formats:  # not by `record`, which would date them to the end of the rollout
            output.write(values, dict.fromkeys(values, ()), self.last_decisions)


def play_episodes(simulator: Simulator, act: Callable[[View], NDArray[Any]]) -> Played:
    """Play the episode of each environment of a simulator to its end.

    Args:
        simulator: simulator of B environments at the start of their episodes.
        act: function from the view to actions (B, A).

    Returns:
        Scores (B,), the sums of rewards, and for each episode its metrics and the sums of the reward terms.
    """
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


def policy_interface(simulator: Simulator, config: TrainConfig) -> Interface:
    """Describe the observations and actions of a policy for this simulator."""
    base = base_of(config, simulator.scenario)
    return Interface(
        simulator.observation.shape[1],
        simulator.action_size,
        tuple(simulator.class_names),
        simulator.action_mode,
        config.algo,
        config.fits_any_fleet,
        () if base is None else tuple(base.tolist()),
    )

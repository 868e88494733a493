"""Recording of an episode from its name: scenario, scheduler and seed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from odc_gym.agents import SchedulerFactory, scheduler_factory
from odc_gym.evaluation.results import TraceFiles
from odc_gym.evaluation.worker import RequiredEnvironment
from odc_gym.recording.recorder import Recorder
from odc_gym.recording.recording import Recording
from odc_gym.scenario import Scenario


def record_episode(
    scenario: str | Path | Scenario,
    agent: str | Path | SchedulerFactory,
    seed: int = 20_000,
    *,
    overrides: dict[str, Any] | None = None,
    trace: TraceFiles = None,
    progress: Callable[[int, int], None] | None = None,
) -> Recording:
    """Play and record one episode of a scheduler.

    Args:
        scenario: scenario, its name, or the path of its file.
        agent: scheduler, as `odc_gym.agents.SchedulerFactory` takes it.
        seed: number of the episode.
        overrides: changes of the scenario, `{path: value}`.
        trace: files of recorded jobs or requests, as of `Simulator`.
        progress: function of (decisions done, total), called after each decision.

    Raises:
        ScenarioError: the scenario is unknown, or a value is not allowed.
        SchedulerError: the scheduler is unknown, or does not fit the scenario.
        TraceError: the trace is malformed.
    """
    factory = agent if isinstance(agent, SchedulerFactory) else scheduler_factory(agent)
    loaded = scenario if isinstance(scenario, Scenario) else Scenario.load(scenario)
    loaded = loaded.replace(overrides) if overrides else loaded
    simulator = RequiredEnvironment.of_factory(loaded, factory).build_simulator(1, trace)
    scheduler = factory(simulator.view)
    simulator.reset([seed])
    scheduler.reset(simulator.view, np.ones(1, np.bool_), np.array([seed], np.int64))
    recorder = Recorder(simulator, agent=factory.name)
    recorder.begin()
    for k in range(simulator.decisions):
        simulator.step(scheduler.act(simulator.view))
        if progress is not None:
            progress(k + 1, simulator.decisions)
    return recorder.finish()

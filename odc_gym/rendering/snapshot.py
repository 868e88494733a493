"""Snapshot of one environment: the values that its pictures and texts show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from odc_gym.simulator.simulator import Simulator


class Snapshot(NamedTuple):
    """State of one environment, as its telemetry reports it, for S satellites and C classes."""

    scenario: str
    class_names: tuple[str, ...]
    episode: int
    now: datetime  # UTC
    elapsed: timedelta
    length: timedelta  # of the whole episode
    score: float
    observation: Mapping[str, Any]  # features of `View.observation`: (S,), (C, S), () or (C,)
    design: Mapping[str, Any]  # parameters of `View.design`, (S,) each
    states: tuple[str, ...]  # of each satellite, see `_state`
    decision: int = 0  # decisions since the episode's start
    decisions: int = 1  # of the whole episode
    scheduler: str = ""  # its name, if it is known

    @property
    def decision_period_s(self) -> float:
        """Time between decisions [s]."""
        return self.length.total_seconds() / self.decisions

    @property
    def satellites(self) -> int:
        """Number of satellites, S."""
        return len(self.states)


def take_snapshot(simulator: Simulator, row: int, score: float, scheduler: str = "") -> Snapshot:
    """Return the state of one environment.

    Args:
        simulator: simulator whose episodes have begun.
        row: index of the environment.
        score: sum of the rewards of the episode so far.
        scheduler: name of the scheduler, if it is known.
    """
    view, fleet = simulator.view, simulator.fleet
    clock = fleet.clock
    observation = {name: values[row] for name, values in view.observation.items()}
    ticks = int(simulator.scalars["tick"][row]) - clock.warm_up
    elapsed = timedelta(seconds=ticks * clock.dt_s)
    episode = int(simulator.seeds[row])
    return Snapshot(
        fleet.scenario.name,
        view.class_names,
        episode,
        fleet.start_of(episode) + elapsed,
        elapsed,
        timedelta(hours=fleet.scenario.episode.hours),
        score,
        observation,
        {name: values[row] for name, values in view.design.items()},
        tuple(_state(observation, s) for s in range(view.satellites)),
        ticks // clock.steps,
        simulator.decisions,
        scheduler,
    )


def _state(observation: Mapping[str, Any], s: int) -> str:
    """Return the state of satellite `s`: out of service first, then protection, then light."""
    if not observation["in_service"][s]:
        return "OUT"
    if observation["tripped"][s]:
        return "TRIP"
    if observation["shed"][s]:
        return "SHED"
    return "sun" if observation["sunlit_frac"][s] >= 0.5 else "eclipse"

"""Search of constant dials by the CMA evolution strategy, on training episodes.

All candidates of a generation play the same episodes, so their scores are compared pair by pair. They continue from one
reset, as rows of a batch.

Source: Hansen 2016, "The CMA Evolution Strategy: a tutorial".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cmaes import CMA
from numpy.typing import NDArray

from odc_gym.cores import available_cores
from odc_gym.dial_files import NAMES, dials_of, roles_of, scales_key
from odc_gym.envs.forks import fork
from odc_gym.envs.vector import ODCSatVectorEnv
from odc_gym.errors import RunError
from odc_gym.evaluation.files import write_text
from odc_gym.interface.dials import ACTION_RANGE
from odc_gym.scenario import Scenario
from odc_gym.seeds import TRAINING_EPISODES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Search:
    """Settings of a search.

    Args:
        generations: number of generations; 0 keeps the start.
        population: candidates of a generation.
        episodes: training episodes that a generation plays on each scenario.
        sigma: initial deviation of the candidates, in units of the dials.
        seed: seed of the search.
    """

    generations: int = 60
    population: int = 16
    episodes: int = 8
    sigma: float = 0.3
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("generations", 0), ("population", 4), ("episodes", 1)):
            if getattr(self, name) < least:
                raise RunError(f"{name} = {getattr(self, name)}: must be >= {least}")
        if not 0.0 < self.sigma <= 1.0:
            raise RunError(f"sigma = {self.sigma}: must be above 0 and at most 1")


class Generation(NamedTuple):
    """Result of a generation."""

    number: int  # from 1
    best: float  # highest mean score of a candidate
    mean: float  # mean score of all candidates
    centre: Array  # mean of the search distribution after it, (R,)


class Players:
    """Batches of candidates, one for each scenario."""

    def __init__(self, scenarios: Sequence[Scenario]) -> None:
        self._roles = [roles_of(scenario) for scenario in scenarios]
        self._origins = [
            ODCSatVectorEnv(1, scenario, action_mode="dials", num_threads=available_cores(), prefetch=False)
            for scenario in scenarios
        ]
        self._batches: list[ODCSatVectorEnv | None] = [None] * len(scenarios)

    def scores(self, vectors: Array, seeds: Sequence[int]) -> Array:
        """Play role vectors (P, R) on episodes; return the scores, (scenario, episode, P)."""
        found = np.zeros((len(self._origins), len(seeds), len(vectors)))
        for i, origin in enumerate(self._origins):
            dials = dials_of(vectors, self._roles[i])
            for k, seed in enumerate(seeds):
                origin.reset(seed=seed)
                batch = self._batches[i]
                if batch is not None and batch.num_envs != len(vectors):
                    batch = None
                self._batches[i] = batch = fork(origin, len(vectors), into=batch)
                simulator = batch.simulator
                for _ in range(simulator.decisions):
                    simulator.step(ACTION_RANGE * dials)
                    found[i, k] += simulator.reward
        return found


def search(
    scenarios: Sequence[Scenario], settings: Search, start: Array | None = None, progress: Path | None = None
) -> Iterator[Generation]:
    """Search the dials with the highest mean score over all scenarios; yield after each generation.

    Args:
        scenarios: scenarios to be played.
        settings: settings of the search.
        start: role vector at which the search begins, (R,); the zero dials if None.
        progress: file of the generations so far. A search with the same settings goes on from it exactly.

    Raises:
        RunError: the file is of another search.
    """
    first = np.zeros(len(NAMES)) if start is None else start
    bounds = np.tile([-1.0, 1.0], (len(NAMES), 1))
    strategy = CMA(first.copy(), settings.sigma, bounds, seed=settings.seed, population_size=settings.population)
    players = Players(scenarios)
    header = asdict(settings) | {
        "scales": scales_key(),
        "scenarios": [s.model_dump_json() for s in scenarios],
        "start": first.tolist(),
    }
    lines = _known_lines(progress, header)
    for number in range(settings.generations):
        candidates = np.array([strategy.ask() for _ in range(settings.population)])
        if number + 1 < len(lines):
            fitness = np.array(lines[number + 1]["scores"])
        else:
            begin = number * settings.episodes
            seeds = [seed % TRAINING_EPISODES for seed in range(begin, begin + settings.episodes)]
            fitness = players.scores(candidates, seeds).mean((0, 1))
            lines.append({"scores": fitness.tolist()})
            if progress is not None:
                write_text(progress, "".join(json.dumps(line) + "\n" for line in lines))
        strategy.tell([(x, -score) for x, score in zip(candidates, fitness.tolist(), strict=True)])
        yield Generation(number + 1, float(fitness.max()), float(fitness.mean()), np.clip(strategy.mean, -1, 1))


def _known_lines(progress: Path | None, header: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the settings of the search and the scores of the generations that a file holds, or the settings alone."""
    if progress is None or not progress.exists():
        return [header]
    try:
        lines = [json.loads(line) for line in progress.read_text(encoding="utf-8").splitlines()]
        known = lines[0] | {"generations": 0}
    except (ValueError, IndexError, TypeError):
        raise RunError(f"{progress}: is no file of a search; remove it, or choose another output file") from None
    if known != header | {"generations": 0}:  # a search may be extended
        raise RunError(f"{progress}: is of another search; remove it, or choose another output file")
    return lines

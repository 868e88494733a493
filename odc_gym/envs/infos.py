"""Values of `info` at the end of an episode, and the hints for names that it lacks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from odc_gym.errors import did_you_mean
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator


class EndInfo(dict[str, Any]):
    """Info of the last step of an episode; the error about a name that it lacks suggests a name that it has."""

    def __missing__(self, name: str) -> Any:
        """Refuse a name, as the Monitor of stable-baselines3 asks for those of its `info_keywords`."""
        raise KeyError(f"info has no value {name!r}{name_hint(name, self)}")


def end_info(simulator: Simulator, row: int) -> dict[str, Any]:
    """Return the values of `info` at the end of an episode: its KPIs as a mapping, and each again as a flat value.

    Recorders that keep values by name, such as the Monitor of stable-baselines3, take `episode_metrics/<name>`.
    """
    metrics = episode_metrics(simulator, row)
    return {"episode_metrics": metrics} | {f"episode_metrics/{name}": value for name, value in metrics.items()}


def name_hint(name: Any, known: Iterable[str]) -> str:
    """Return the end of an error message about an unknown name of `info`: the closest known name, or the kinds."""
    names = list(known)
    metric = f"episode_metrics/{name}"
    if metric in names:
        return f"; did you mean {metric}?"
    return did_you_mean(str(name), names, 0.5) or "; must be a cost, a reward term, or a KPI as episode_metrics/<name>"

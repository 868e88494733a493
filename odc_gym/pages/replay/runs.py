"""Runs of a replay page: checks that recordings show the same episode, and their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from odc_gym.errors import RecordingError
from odc_gym.recording import Recording

MOST_RUNS = 6
SAME = ("scenario_name", "seed", "start", "satellites", "decisions", "decision_period_s", "step_s", "classes")
"""Fields of the header in which the recordings of a page agree, beside the scenario itself."""


def require_same_episode(recordings: Sequence[Recording], names: Sequence[str]) -> None:
    """Check that recordings show the same episode, so that their runs can be compared.

    Args:
        recordings: the recordings, at least one.
        names: names of their files, for messages.

    Raises:
        RecordingError: there are too many, or a recording shows another episode; the message names what differs.
    """
    if not 1 <= len(recordings) <= MOST_RUNS:
        raise RecordingError(f"recordings = {len(recordings)}: a replay page shows 1 to {MOST_RUNS}")
    first = recordings[0].header
    for recording, name in zip(recordings[1:], names[1:], strict=True):
        header = recording.header
        pairs = [(field, header[field], first[field]) for field in SAME]
        found = next((pair for pair in pairs if pair[1] != pair[2]), None)
        found = found or _difference("scenario", header["scenario"], first["scenario"])
        if found:
            field, value, wanted = found
            raise RecordingError(
                f"{name}: another episode: {field} = {_short(value)}, but {_short(wanted)} in {names[0]}; "
                "the recordings of a page must show the same episode"
            )


def _difference(path: str, one: Any, other: Any) -> tuple[str, Any, Any] | None:
    """Return the path and both values of the first field in which two mappings differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in [*one, *(key for key in other if key not in one)]:
            if found := _difference(f"{path}.{key}", one.get(key), other.get(key)):
                return found
        return None
    return None if one == other else (path, one, other)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def run_names(recordings: Sequence[Recording]) -> list[str]:
    """Return a name for each run: its scheduler, with a number where several have the same."""
    agents = [recording.agent or "agent" for recording in recordings]
    total, seen = Counter(agents), Counter[str]()
    names = []
    for agent in agents:
        seen[agent] += 1
        names.append(f"{agent} ({seen[agent]})" if total[agent] > 1 else agent)
    return names

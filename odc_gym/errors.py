"""Errors that users see: one line that names the field, the value and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


def did_you_mean(word: str, known: Iterable[str], similarity: float = 0.6) -> str:
    """Return the end of a message about an unknown word: the known word that is closest, or nothing.

    Args:
        word: the unknown word.
        known: words that may be meant.
        similarity: least ratio of common letters, 0 to 1; capitals do not count.
    """
    by_lower_case = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower_case, 1, similarity)
    return f"; did you mean {by_lower_case[found[0]]}?" if found else ""


def did_you_mean_file(path: str | Path) -> str:
    """Return the end of a message about a missing file: its neighbour with the closest name, or nothing."""
    folder = Path(path).parent
    try:
        return did_you_mean(str(path), (str(neighbour) for neighbour in folder.iterdir()))
    except OSError:
        return ""


class OdcGymError(ValueError):
    """Bad input, explained in one line. The command line prints it without a traceback and exits with code 2."""


class ArgumentError(OdcGymError):
    """An argument of a function or an environment that is not allowed."""


class ScenarioError(OdcGymError):
    """Scenario, or an override of one, that cannot be simulated."""


class OrbitError(OdcGymError):
    """Orbit description (Walker pattern, TLE, epoch) that cannot be propagated."""


class TraceError(OdcGymError):
    """Trace that cannot be replayed.

    The message names the file; for a malformed row it also names the line and the column.
    """


class ActionError(OdcGymError):
    """Action of the wrong shape, or with values that are not finite numbers."""


class RunError(OdcGymError):
    """Folder or configuration of a training run that cannot be used."""


class SchedulerError(OdcGymError):
    """Unknown scheduler, or one that does not fit the environment."""


class RecordingError(OdcGymError):
    """Recording that cannot be made, read or exported."""

"""Arguments of environments: the same checks for single environments and for both kinds of batches.

A number is a finite real number of Python or NumPy, never a truth value or a text. Plain data are values that JSON
can hold.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import Enum
from numbers import Integral, Real
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from odc_gym.errors import ArgumentError
from odc_gym.scenario import Model, Scenario
from odc_gym.workload import Trace, TraceSource

ScenarioSource = str | Path | Scenario | Mapping[str, Any]
"""A scenario: its name, the path of its file, a Scenario, or its fields as plain data."""
OBSERVATION_MODES = ("flat", "dict")
TRUTH = bool | np.bool_


def check_integer(argument: str, value: Any, least: int) -> int:
    """Return an integer argument.

    Raises:
        ArgumentError: the value is no integer, or less than `least`.
    """
    if isinstance(value, TRUTH) or not isinstance(value, Integral) or value < least:
        raise ArgumentError(f"{argument} = {value!r}: must be an integer >= {least}")
    return int(value)


def check_rows(rows: Any, num_envs: int) -> np.ndarray:
    """Return numbers of environments of a batch (N,), all of them for None.

    Raises:
        ArgumentError: they are no distinct integers from 0 to `num_envs` - 1.
    """
    chosen = np.arange(num_envs) if rows is None else np.asarray(rows)
    right = chosen.ndim == 1 and chosen.size > 0 and np.issubdtype(chosen.dtype, np.integer)
    if not right or chosen.min() < 0 or chosen.max() >= num_envs or len(np.unique(chosen)) < chosen.size:
        raise ArgumentError(f"rows = {rows!r}: must be distinct integers from 0 to {num_envs - 1}")
    return chosen


def check_number(argument: str, value: Any) -> float | None:
    """Return a number, or None for None; the scenario checks its range.

    Raises:
        ArgumentError: the value is no finite real number.
    """
    if value is None:
        return None
    if isinstance(value, TRUTH) or not isinstance(value, Real) or not math.isfinite(value):
        raise ArgumentError(f"{argument} = {value!r}: must be a finite number, or None")
    return int(value) if isinstance(value, Integral) else float(value)


def check_choice(argument: str, value: Any, allowed: Sequence[str | None]) -> Any:
    """Return the value of an argument that takes one of some names.

    Raises:
        ArgumentError: the value is none of them.
    """
    if not (value is None or isinstance(value, str)) or value not in allowed:
        raise ArgumentError(f"{argument} = {value!r}: must be one of {', '.join(map(str, allowed))}")
    return value


def check_scenario(scenario: Any) -> ScenarioSource:
    """Return the scenario that an argument gives.

    Raises:
        ArgumentError: the value is neither a name, a path, a Scenario nor a mapping.
    """
    if not isinstance(scenario, str | Path | Scenario | Mapping):
        kinds = "a name, the path of a YAML file, a Scenario, or a mapping of its fields"
        raise ArgumentError(f"scenario = {scenario!r}: must be {kinds}")
    return scenario


def check_trace(trace: Any) -> TraceSource | None:
    """Return the trace that an argument gives.

    Raises:
        ArgumentError: the value is neither a path, a list of paths, a Trace nor None.
    """
    several = trace if isinstance(trace, list | tuple) else [trace]
    if trace is not None and not all(isinstance(entry, str | Path | Trace) for entry in several):
        raise ArgumentError(f"trace = {trace!r}: must be the path of a file, a list of paths, a Trace, or None")
    found: TraceSource | None = trace
    return found


def check_mapping(argument: str, value: Any) -> dict[str, Any]:
    """Return a mapping of arguments as a dict, empty for None.

    Raises:
        ArgumentError: the value is no mapping.
    """
    if value is not None and not isinstance(value, Mapping):
        raise ArgumentError(f"{argument} = {value!r}: must be a mapping, or None")
    return dict(value or {})


def check_overrides(overrides: Any) -> dict[str, Any]:
    """Return overrides as a dict, empty for None.

    Raises:
        ArgumentError: the value is neither a mapping of dotted paths to values nor None.
    """
    if overrides is None:
        return {}
    example = '{"episode.hours": 12}'
    if not isinstance(overrides, Mapping):
        raise ArgumentError(f"overrides = {overrides!r}: must be a mapping of dotted paths to values, as in {example}")
    for path in overrides:
        if not isinstance(path, str) or not path:
            raise ArgumentError(f"overrides: key {path!r} must be a dotted path, as in {example}")
    return dict(overrides)


def check_autoreset_mode(mode: Any) -> AutoresetMode:
    """Return the autoreset mode that a mode or its name gives.

    Raises:
        ArgumentError: there is no such mode.
    """
    try:
        return AutoresetMode(mode)
    except ValueError:
        allowed = ", ".join(m.value for m in AutoresetMode)
        raise ArgumentError(f"autoreset_mode = {mode!r}: must be one of {allowed}") from None


def plain(value: Any) -> Any:
    """Return a value as plain data: models as mappings, paths and dates as text, numbers of NumPy as those of Python.

    A scenario is given in full, a part of one by the fields that were set. Values without a plain form, such as a trace
    in memory, are returned as they are.
    """
    if isinstance(value, Model):
        return value.model_dump(mode="json", exclude_unset=not isinstance(value, Scenario))
    if isinstance(value, Mapping):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def check_options(options: Any, allowed: Collection[str]) -> None:
    """Check the options of a reset.

    Raises:
        ArgumentError: the options are no mapping, or have a key that is not allowed.
    """
    if options is None:
        return
    if not isinstance(options, Mapping):
        raise ArgumentError(f"options: {type(options).__name__}, must be a dict or None")
    for name in options:
        if name not in allowed:
            takes = f"must be {', '.join(allowed)}" if allowed else "a single environment takes none"
            raise ArgumentError(f"options: unknown key {name!r}; {takes}")

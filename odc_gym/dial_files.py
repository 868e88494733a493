"""Files of dials: constant dials of the action mode `dials` by role of a class, so that they fit every scenario.

A file names the dials of three roles and of the fleet. A dial that it lacks is 0. `odc-gym tune` writes such files, and
the scheduler `tuned` plays them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from odc_gym.errors import ScenarioError, SchedulerError, did_you_mean
from odc_gym.interface.dials import DIALS
from odc_gym.scenario import JobClass, Scenario
from odc_gym.scenario.base import Model
from odc_gym.scenario.files import nearest_base, read_mapping
from odc_gym.scenario.messages import explain
from odc_gym.scenario.yaml_text import dump

FOLDER = Path(__file__).parent / "configs" / "dials"
FOR_ALL = "all"
"""Name of the file for scenarios that have none of their own."""
ROLES = ("service", "wide", "narrow")
"""Roles of classes: a service, jobs wider than half of the largest satellite, and other jobs."""
CLASS_DIALS = tuple(dial.name for dial in DIALS if dial.per == "class")
FLEET_DIALS = tuple(dial.name for dial in DIALS if dial.per == "fleet")
NAMES = tuple(f"{role}.{name}" for role in ROLES for name in CLASS_DIALS) + tuple(f"fleet.{n}" for n in FLEET_DIALS)
"""Names of the dials by role, in the order of a role vector, (R,)."""

GROUPS = {
    "clocks": ("clock_offset", *(name for name in FLEET_DIALS if name.startswith("clock"))),
    "placement": (
        "packing", "memory", "kept", "opening", "light", "charge", "coolness", "power_to_charge", "close_charge",
        "drain_charge",
    ),
    "queue": ("urgency", "backlog"),
}  # fmt: skip
"""Dials by the kind of decision that they steer; each dial is in one group."""

Value = Annotated[float, Field(ge=-1, le=1)]


class Scores(Model):
    """Mean scores on validation episodes of one scenario."""

    episodes: str = Field(description="first and last episode")
    zero: float = Field(description="score of the zero action")
    best_rule: str = Field(description="best other scheduler of the package")
    best_rule_score: float = Field(description="its score")
    tuned: float = Field(description="score of these dials")


class DialFile(Model):
    """Constant dials by role, with the way they were found."""

    command: str = Field(default="", description="command that found them")
    versions: dict[str, str] = Field(default={}, description="versions of the packages that found them")
    validation: dict[str, Scores] = Field(default={}, description="scores by scenario")
    scales: str = Field(description="hash of the dials and their scales, which must be those of this version")
    service: dict[str, Value] = Field(default={}, description="dials of services")
    wide: dict[str, Value] = Field(default={}, description="dials of classes with jobs wider than half a satellite")
    narrow: dict[str, Value] = Field(default={}, description="dials of other classes")
    fleet: dict[str, Value] = Field(default={}, description="dials of the fleet")

    @model_validator(mode="after")
    def _known(self) -> DialFile:
        for role in (*ROLES, "fleet"):
            known = FLEET_DIALS if role == "fleet" else CLASS_DIALS
            for name in getattr(self, role):
                if name not in known:
                    raise ValueError(f"{role}.{name}: unknown dial; must be one of {', '.join(known)}")
        if self.scales != scales_key():
            raise ValueError(f"scales = {self.scales}: this version has {scales_key()}; tune the dials again")
        return self

    @property
    def vector(self) -> NDArray[np.float64]:
        """Role vector, (R,) in the order of `NAMES`."""
        split = [name.split(".") for name in NAMES]
        return np.array([getattr(self, role).get(name, 0.0) for role, name in split])


def scales_key() -> str:
    """Return a hash of the names and scales of the dials: values mean something else after a change of them."""
    text = " ".join(f"{dial.name}:{dial.per}:{dial.scale:g}" for dial in DIALS)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def roles_of(scenario: Scenario) -> tuple[str, ...]:
    """Return the role of each class, in the order of the class axis."""
    largest = max(scenario.hardware[shell.hardware].accelerators.count for shell in scenario.shells)
    work = [scenario.workload.classes[name] for name in scenario.class_names]
    wide = [isinstance(c, JobClass) and max(c.width) > largest / 2 for c in work]
    return tuple(
        "service" if not isinstance(c, JobClass) else "wide" if is_wide else "narrow"
        for c, is_wide in zip(work, wide, strict=True)
    )


def dials_of(vectors: NDArray[np.float64], roles: Sequence[str]) -> NDArray[np.float64]:
    """Return the dials of a scenario's classes and fleet, (..., D), from role vectors (..., R).

    Args:
        vectors: role vectors in the order of `NAMES`.
        roles: role of each class.
    """
    return vectors[..., places_of(roles)]


def places_of(roles: Sequence[str]) -> list[int]:
    """Return the place in a role vector of each dial of classes with these roles and of the fleet, D places."""
    by_class = [ROLES.index(role) * len(CLASS_DIALS) + k for k in range(len(CLASS_DIALS)) for role in roles]
    return [*by_class, *range(len(ROLES) * len(CLASS_DIALS), len(NAMES))]


def without(vector: NDArray[np.float64], group: str) -> NDArray[np.float64]:
    """Return a role vector with the dials of a group of `GROUPS` at zero, as the zero action has them."""
    return np.where([name.partition(".")[2] in GROUPS[group] for name in NAMES], 0.0, vector)


def dial_file(vector: NDArray[np.float64], **origin: Any) -> DialFile:
    """Return the file of a role vector, rounded to three digits."""
    groups: dict[str, dict[str, float]] = {role: {} for role in (*ROLES, "fleet")}
    for name, value in zip(NAMES, vector.tolist(), strict=True):
        role, _, dial = name.partition(".")
        groups[role][dial] = round(value, 3) + 0.0
    return DialFile.model_validate({**origin, "scales": scales_key(), **groups})


def read_dials(source: str | Path) -> DialFile:
    """Read a file by the name of one of the package, or by its path.

    Raises:
        SchedulerError: there is no such file, or it is malformed.
    """
    text = str(source)
    path = Path(text) if text.endswith((".yaml", ".yml")) else FOLDER / f"{text}.yaml"
    if not path.is_file():
        known = names()
        hint = did_you_mean(text, known)
        raise SchedulerError(f"dials = {text}: must be the path of a .yaml file, or one of {', '.join(known)}{hint}")
    try:
        data: Mapping[str, Any] = read_mapping(path)
        return DialFile.model_validate(data)
    except ValidationError as error:
        raise SchedulerError(f"{path}: {explain(error, DialFile)}") from None
    except ScenarioError as error:
        raise SchedulerError(str(error)) from None


def names() -> list[str]:
    """Return the names of the files of the package."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def family(scenario: str) -> str:
    """Return the name of the file for a scenario: its own, else that of its nearest base with one, else `FOR_ALL`."""
    return nearest_base(scenario, names()) or FOR_ALL


def text_of(file: DialFile) -> str:
    """Return the text of a file, YAML."""
    return dump(file.model_dump(mode="json"))

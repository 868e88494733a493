"""Natures of classes: fixed properties, by which weights that all classes share tell them apart."""

from __future__ import annotations

from typing import NamedTuple

from odc_gym.dial_files import ROLES, roles_of
from odc_gym.scenario import JobClass, Scenario


class ClassNature(NamedTuple):
    """Fixed properties of a class."""

    role: str  # one of `ROLES`
    utilisation: float  # share of dynamic power that running work draws
    width: float  # accelerators of the widest job or of a replica on a satellite, over those of the largest satellite

    @property
    def features(self) -> list[float]:
        """Inputs of the networks: a flag for each role, utilisation and width."""
        return [*(float(self.role == role) for role in ROLES), self.utilisation, self.width]


NATURE_FEATURES = len(ROLES) + 2
"""Number of features of a nature."""


def natures_of(scenario: Scenario) -> tuple[ClassNature, ...]:
    """Return the nature of each class, in the order of the class axis."""
    largest = max(scenario.hardware[shell.hardware].accelerators.count for shell in scenario.shells)
    found = []
    for name, role in zip(scenario.class_names, roles_of(scenario), strict=True):
        work = scenario.workload.classes[name]
        width = max(work.width) if isinstance(work, JobClass) else work.replica_accelerators
        found.append(ClassNature(role, work.utilisation, width / largest))
    return tuple(found)

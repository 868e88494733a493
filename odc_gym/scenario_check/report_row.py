"""Rows of the report that `odc-gym scenario check` prints, and the beginnings of their names."""

from __future__ import annotations

from typing import NamedTuple

from odc_gym.scenario import Scenario


class ReportRow(NamedTuple):
    """One quantity of a scenario's report.

    Attributes:
        name: name of the quantity.
        value: its value.
        unit: its unit, empty without one.
        note: explanation or details.
    """

    name: str
    value: float | str
    unit: str
    note: str


def shell_prefixes(scenario: Scenario) -> list[str]:
    """Return the beginnings of the rows of each shell: its hardware, or its number if two have the same hardware."""
    hardware = [shell.hardware for shell in scenario.shells]
    if len(hardware) == 1:
        return [""]
    if len(set(hardware)) == len(hardware):
        return [f"{name}: " for name in hardware]
    return [f"shell {i}: " for i in range(len(hardware))]

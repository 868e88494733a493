"""The form of the figures that a check of a scenario prints."""

from __future__ import annotations

from typing import NamedTuple


class ReportRow(NamedTuple):
    """One figure of a check."""

    name: str
    value: float | str
    unit: str
    note: str

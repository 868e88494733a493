"""Row of the report that `odc-gym scenario check` prints."""

from __future__ import annotations

from typing import NamedTuple


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

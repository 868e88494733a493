"""Components of observations and actions: their names in order, and the decoding of encoded observations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, SupportsIndex, overload

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import ArgumentError
from odc_gym.interface.jobs import QUEUED, QUEUED_CLASS
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS, Feature
from odc_gym.simulator.simulator import Simulator

PRESENT = Feature("present", "", 0.0, 1.0, "", False, "1 if the row holds a job, else 0")
SHOWN = 40
"""Rows of a table that its `repr` shows."""


class Component(NamedTuple):
    """One value of an observation, with its encoding: the encoded value is (value - offset) x factor."""

    name: str
    feature: Feature
    offset: float = 0.0
    factor: float = 1.0


class DecodedValue(NamedTuple):
    """One value of an observation, as it is encoded and in SI units."""

    name: str
    encoded: float
    value: float  # nan in a row of `jobs` without a job
    unit: str
    clipped: bool  # True if the value may lie beyond `value`, because encodings end at -1 and 1
    meaning: str

    def __str__(self) -> str:
        number = f"{self.value:.6g} {self.unit}".rstrip() + " or beyond" * self.clipped
        return f"{self.name:<40} {self.encoded:>8.4f}  {number:<28}  {self.meaning}"


class ObservationTable(Sequence[DecodedValue]):
    """Decoded observation: a sequence of `DecodedValue` in the order of the observation, also by name.

    `table["fleet.load"]` is a value, and `table.select("satellite[3]")` a table of the values whose names begin so.
    """

    def __init__(self, rows: Sequence[DecodedValue]) -> None:
        self._rows = list(rows)
        self._by_name = {row.name: row for row in self._rows}

    @overload
    def __getitem__(self, key: str | SupportsIndex) -> DecodedValue: ...
    @overload
    def __getitem__(self, key: slice) -> ObservationTable: ...
    def __getitem__(self, key: Any) -> Any:
        """Return the value at a place or of a name, or the table of a slice."""
        if isinstance(key, str):
            return self._by_name[key]
        return ObservationTable(self._rows[key]) if isinstance(key, slice) else self._rows[key]

    def __len__(self) -> int:
        return len(self._rows)

    def select(self, prefix: str) -> ObservationTable:
        """Return the values whose names begin with `prefix`."""
        return ObservationTable([row for row in self._rows if row.name.startswith(prefix)])

    def __repr__(self) -> str:
        lines = [f"{'name':<40} {'encoded':>8}  {'value':<28}  meaning"]
        lines += [str(row) for row in self._rows[:SHOWN]]
        hidden = len(self._rows) - SHOWN
        return "\n".join(lines + [f"... and {hidden} more; select(prefix) shows a part"] * (hidden > 0))


def observation_components(simulator: Simulator) -> dict[str, list[Component]]:
    """Return the components of each block of a dict observation; `satellites` and then `fleet` are the flat one."""
    satellite, by_class, fleet, fleet_class, jobs = simulator.buffers.codes
    names = simulator.class_names
    satellites: list[Component] = []
    for s in range(simulator.satellites):
        satellites += _components(f"satellite[{s}]", SATELLITE, satellite[:, :, s])
        for name in names:
            satellites += _components(f"satellite[{s}].{name}", SATELLITE_CLASS, by_class[:, :, s])
    whole = [*_components("fleet", FLEET, fleet[:, :, 0])]
    for name in names:
        whole += _components(f"fleet.{name}", FLEET_CLASS, fleet_class[:, :, 0])
    rows: list[Component] = []
    for k in range(simulator.slots):
        rows += _components(f"job[{k}]", QUEUED, jobs[:, : len(QUEUED), 0])
        for name in names:
            rows += _components(f"job[{k}].{name}", QUEUED_CLASS, jobs[:, -1:, 0])
    present = [Component(f"job[{k}].present", PRESENT) for k in range(simulator.slots)]
    return {"satellites": satellites, "jobs": rows, "jobs_present": present, "fleet": whole}


def _components(owner: str, features: Sequence[Feature], code: NDArray[np.float64]) -> Iterator[Component]:
    """Yield the components of some features; `code` (3, F) is their encoding."""
    for k, feature in enumerate(features):
        yield Component(f"{owner}.{feature.name}", feature, float(code[0, k]), float(code[1, k]))


def observation_names(simulator: Simulator, observation_mode: str) -> Any:
    """Return the names of the values of an observation, in order.

    Returns:
        In the mode `flat` a list of N names; in the mode `dict` an array of names for each block, of the block's shape.
    """
    blocks = observation_components(simulator)
    if observation_mode == "flat":
        return [component.name for component in blocks["satellites"] + blocks["fleet"]]
    shapes = {name: block.shape[1:] for name, block in simulator.buffers.blocks.items()}
    return {name: np.array([c.name for c in blocks[name]], str).reshape(shape) for name, shape in shapes.items()}


def action_names(simulator: Simulator) -> list[str]:
    """Return the names of the values of an action, in order."""
    if simulator.assigns:
        levels = [f"satellite[{s}].level" for s in range(simulator.satellites)]
        return [f"job[{k}]" for k in range(simulator.slots)] + levels
    return simulator.dials.names if simulator.action_mode == "dials" else bid_names(simulator)


def bid_names(simulator: Simulator) -> list[str]:
    """Return the names of the values of an action of the mode `bids`, in order."""
    names = []
    for s in range(simulator.satellites):
        names += [f"satellite[{s}].{name}.bid" for name in simulator.class_names] + [f"satellite[{s}].clock"]
    for part in ("urgency", "clock_offset"):
        names += [f"fleet.{name}.{part}" for name in simulator.class_names]
    return names


def explain(simulator: Simulator, observation: Any) -> ObservationTable:
    """Decode the observation of one environment into SI units.

    Args:
        simulator: simulator of the environment.
        observation: a flat observation (N,), or a mapping with the blocks of a dict observation.

    Raises:
        ArgumentError: the observation has another shape, or lacks a block.
    """
    blocks = observation_components(simulator)
    if not isinstance(observation, Mapping):
        return ObservationTable(_decoded("observation", blocks["satellites"] + blocks["fleet"], observation))
    shown = {name: components for name, components in blocks.items() if components}
    if missing := sorted(set(shown) - set(observation)):
        raise ArgumentError(f"observation: lacks {missing[0]!r}; must be flat, or have {', '.join(shown)}")
    tables = {name: _decoded(name, components, np.ravel(observation[name])) for name, components in shown.items()}
    if "jobs" in tables:
        filled = np.repeat(np.ravel(observation["jobs_present"]) > 0.5, len(blocks["jobs"]) // simulator.slots)
        tables["jobs"] = [
            row if has_job else row._replace(value=np.nan, clipped=False)
            for row, has_job in zip(tables["jobs"], filled.tolist(), strict=True)
        ]
    return ObservationTable([row for rows in tables.values() for row in rows])


def _decoded(block: str, components: Sequence[Component], encoded: Any) -> list[DecodedValue]:
    values = np.asarray(encoded, np.float64)
    if values.shape != (len(components),):
        raise ArgumentError(
            f"{block}: shape {values.shape}, must be ({len(components)},), the observation of one environment"
        )
    return [_decode(component, value) for component, value in zip(components, values.tolist(), strict=True)]


def _decode(component: Component, encoded: float) -> DecodedValue:
    """Return a value in SI units; `squash` ends at -1 and 1 too, where float32 no longer tells large values apart."""
    name, feature, offset, factor = component
    scaled = encoded
    if feature.squash:
        scaled = encoded / (1.0 - abs(encoded)) if abs(encoded) < 1.0 else float(np.copysign(np.inf, encoded))
    clipped = abs(encoded) >= 1.0 and (offset, factor) != (0.0, 1.0)
    return DecodedValue(name, encoded, scaled / factor + offset, feature.unit, clipped, feature.meaning)

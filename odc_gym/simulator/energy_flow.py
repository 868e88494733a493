"""Energy flow: where each joule of electricity and heat came from and went, from the accounts of the satellites.

The parts follow from the state of the satellites at two times and their design, so that a simulator and a recording
give the same figures. Four balances tie them, for each satellite and for the fleet:

- available = used + curtailed
- used = compute + bus + heaters + conversion + battery_loss + faded + stored
- heat = compute + bus + heaters + conversion + battery_loss
- heat + absorbed = radiated + warmed + residual

The second balance is independent of the accounts on its two sides: `stored` comes from the charge of the batteries. It
closes to 1e-9 of `used`. The fourth closes by `residual`, the error of the step's integral of radiated heat, which is
less than 1e-4 of the heat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import KWH_J

if TYPE_CHECKING:
    from odc_gym.simulator.simulator import Simulator

Floats = npt.NDArray[np.float64]
NODES = (("plate_k", "ic1"), ("loop_k", "ic2"), ("radiator_k", "ic3"), ("battery_k", "battery_ic"))
"""Temperature of each thermal node, and the design field with its inverse heat capacity [K/J]."""


class EnergyFlow(NamedTuple):
    """Parts of the energy of each satellite between two times [J], (S,) each."""

    available: Floats  # array output that could have been used
    used: Floats  # array output that was used
    curtailed: Floats  # array output that was not used: batteries were full or charged as fast as they may
    compute: Floats  # drawn by compute and leakage
    bus: Floats  # drawn by bus and optical terminals
    heaters: Floats  # drawn by heaters of loop and battery
    conversion: Floats  # lost in power conditioning and distribution
    battery_loss: Floats  # lost in charging and discharging
    faded: Floats  # stored energy that was lost as battery capacity faded
    stored: Floats  # rise of the energy in the batteries; negative: they were drawn down
    through_battery: Floats  # energy out of the batteries' terminals; part of the uses above
    heat: Floats  # electricity that became heat
    absorbed: Floats  # heat that radiators absorbed from Sun and Earth
    radiated: Floats  # heat radiated to space
    warmed: Floats  # heat kept in the thermal nodes; negative: they cooled
    residual: Floats  # error of the step's integral of radiated heat

    def total(self) -> EnergyFlow:
        """Return the parts summed over satellites, () each."""
        return EnergyFlow(*(np.asarray(part.sum()) for part in self))


class Entry(NamedTuple):
    """One line of the ledger of a fleet."""

    side: str  # one of `SIDES`
    part: str  # field of `EnergyFlow`
    label: str
    joules: float  # >= 0
    share: float  # of the side's total


SIDES = ("electricity from", "electricity to", "heat from", "heat to")
ELECTRICITY_TO = (
    ("compute", "compute and leakage"),
    ("bus", "bus and terminals"),
    ("heaters", "heaters"),
    ("conversion", "conversion losses"),
    ("battery_loss", "battery losses"),
    ("faded", "capacity fade of batteries"),
)
"""Uses of electricity and their labels, without the batteries."""


def energy_flow(
    start: Mapping[str, npt.NDArray[np.floating]],
    end: Mapping[str, npt.NDArray[np.floating]],
    design: Mapping[str, npt.NDArray[np.floating]],
) -> EnergyFlow:
    """Return the energy flow of each satellite between two times.

    Args:
        start: fields of `core.layout.state.State` at the first time, (S,) each.
        end: the same at the second time.
        design: fields of `core.layout.state.Design`, (S,) each.

    Raises:
        KeyError: a field is missing.
    """

    def change(name: str) -> Floats:
        return np.asarray(end[name], np.float64) - np.asarray(start[name], np.float64)

    def content_j(state: Mapping[str, npt.NDArray[np.floating]]) -> Floats:
        return np.asarray(
            np.asarray(state["charge_frac"], np.float64) * state["capacity_left"] * design["capacity_j"], np.float64
        )

    electric, compute, heaters, heat = (change(f"{name}_j") for name in ("electric", "compute", "heater", "heat"))
    at_the_bus = electric / (1.0 + np.asarray(design["loss"], np.float64))
    available, used = change("available_j"), change("used_j")
    absorbed, radiated = change("absorbed_j"), change("radiated_j")
    warmed = _warmed_j({node: change(node) for node, _ in NODES}, design)
    return EnergyFlow(
        available=available,
        used=used,
        curtailed=available - used,
        compute=compute,
        bus=at_the_bus - compute - heaters,
        heaters=heaters,
        conversion=electric - at_the_bus,
        battery_loss=heat - electric,
        faded=change("faded_j"),
        stored=content_j(end) - content_j(start),
        through_battery=change("discharged_j"),
        heat=heat,
        absorbed=absorbed,
        radiated=radiated,
        warmed=warmed,
        residual=heat + absorbed - radiated - warmed,
    )


def satellite_state(simulator: Simulator, row: int) -> dict[str, Floats]:
    """Return copies of the state of the satellites of one episode, by the fields of `State`, (S,) each."""
    return {name: rows[row, : simulator.satellites].copy() for name, rows in simulator.sat._asdict().items()}


def fleet_energy_kwh(simulator: Simulator, row: int, start: Mapping[str, Floats]) -> dict[str, float]:
    """Return the parts of a fleet's energy flow by the names of `EnergyFlow` [kWh].

    Args:
        simulator: simulator of the batch.
        row: row of the episode.
        start: state of its satellites from which the flow is counted, see `satellite_state`.
    """
    design = {name: rows[row, : simulator.satellites] for name, rows in simulator.design._asdict().items()}
    flow = energy_flow(start, satellite_state(simulator, row), design).total()
    return {name: float(part) / KWH_J for name, part in flow._asdict().items()}


def ledger(flow: EnergyFlow) -> list[Entry]:
    """Return the energy of a fleet as a ledger of sources and sinks, the largest of each side first.

    The two sides of electricity have equal totals, and so have those of heat. Batteries that were drawn down and nodes
    that cooled are sources. Parts that are 0 are left out.

    Args:
        flow: energy flow of the satellites, or its `total`.
    """
    fleet = {name: float(part.sum()) for name, part in flow._asdict().items()}
    entries = []
    for side in SIDES:
        parts = [row for row in _parts(side, fleet) if row[2] > 0.0]
        whole = sum(joules for _, _, joules in parts)
        parts.sort(key=lambda row: -row[2])
        entries += [Entry(side, part, label, joules, joules / whole) for part, label, joules in parts]
    return entries


def _parts(side: str, fleet: Mapping[str, float]) -> Iterator[tuple[str, str, float]]:
    """Yield part, label and energy [J] of one side of the ledger; a part that belongs to the other side is negative."""
    if side == "electricity from":
        yield "used", "sunlight on the arrays", fleet["used"]
        yield "stored", "batteries drawn down", -fleet["stored"]
    elif side == "electricity to":
        yield from ((part, label, fleet[part]) for part, label in ELECTRICITY_TO)
        yield "stored", "batteries charged up", fleet["stored"]
    elif side == "heat from":
        yield "heat", "electricity", fleet["heat"]
        yield "absorbed", "Sun and Earth on the radiators", fleet["absorbed"]
        yield "warmed", "nodes that cooled", -fleet["warmed"]
        yield "residual", "error of integration", -fleet["residual"]
    else:
        yield "radiated", "radiated to space", fleet["radiated"]
        yield "warmed", "nodes that warmed", fleet["warmed"]
        yield "residual", "error of integration", fleet["residual"]


def _warmed_j(rise: Mapping[str, Floats], design: Mapping[str, npt.NDArray[np.floating]]) -> Floats:
    """Return the heat that the rise of the nodes' temperatures (S,) keeps [J]; a node without heat capacity keeps none.

    A node without heat capacity has an inverse of 0.
    """
    kept = np.zeros_like(next(iter(rise.values())))
    for node, inverse in NODES:
        per_j = np.asarray(design[inverse], np.float64)
        kept += np.divide(rise[node], per_j, out=np.zeros_like(kept), where=per_j > 0.0)
    return kept

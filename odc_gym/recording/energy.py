"""Energy and heat of a recorded episode: where each joule came from and went."""

from __future__ import annotations

from odc_gym.core.layout.state import Design
from odc_gym.recording.recording import Recording
from odc_gym.simulator.energy_flow import EnergyFlow, energy_flow


def recorded_energy(recording: Recording) -> EnergyFlow:
    """Return the energy flow of each satellite over a recorded episode [J]."""
    start, end = (
        dict(zip(recording.header["state_fields"], block, strict=True)) for block in recording["exact/satellite"]
    )
    return energy_flow(start, end, {name: recording[f"design/{name}"] for name in Design._fields})

"""Episode in a replay page: what all runs share, that is orbits, light, links, and limits of the satellites."""

from __future__ import annotations

from typing import Any

import numpy as np

from odc_gym.pages.replay.orbits import Orbits
from odc_gym.pages.replay.packing import Packer
from odc_gym.recording import Recording

DESIGN = ("accelerators", "array_peak_w", "floor_frac", "restore_frac", "limit_k", "trip_k")
MOST_LINKS = 60_000  # links in all epochs together; a page with more shows none
UNIT = 1 / 32_767
FORMATION_KM = 100.0  # a fleet within this distance of its middle is a formation


def pack_episode(pack: Packer, recording: Recording, orbits: Orbits, samples: np.ndarray) -> dict[str, Any]:
    """Pack what all runs share, and return its part of the manifest.

    Args:
        pack: block that receives the arrays.
        recording: one of the runs.
        orbits: its orbits.
        samples: indices of the samples that the page has, from 0 to the last.
    """
    header = recording.header
    lit = recording["sunlit_frac"] > 0.5
    steps = round(float(recording["time_s"][-1]) / header["step_s"])
    pack.put("lit", np.packbits(lit[:steps].T, axis=1), "uint8")  # (S, T / 8)
    for name in DESIGN:
        pack.put(f"design/{name}", recording[f"design/{name}"], "float32")
    _pack_orbits(pack, orbits, samples)
    return {
        "scenario": header["scenario_name"],
        "description": header["description"],
        "seed": header["seed"],
        "start": header["start"],
        "end_s": float(recording["time_s"][-1]),
        "decision_s": float(header["decision_period_s"]),
        "sample_s": float(recording["time_s"][samples[1]]) if len(samples) > 1 else float(header["decision_period_s"]),
        "samples": len(samples),
        "step_s": float(header["step_s"]),
        "satellites": header["satellites"],
        "load_factor": header.get("load_factor"),
        "planes": header["planes"],
        "sites": header["sites"],
        "classes": header["classes"],
        "terms": [term["name"] for term in header["terms"]],
        "sun": orbits.sun.tolist(),
        "greenwich_rad": orbits.greenwich_rad,
        "links": _pack_links(pack, recording, samples),
        "formation_km": _pack_formation(pack, recording, samples),
    }


def _pack_orbits(pack: Packer, orbits: Orbits, samples: np.ndarray) -> None:
    """Pack elements of the satellites, or their directions where elements do not fit."""
    if orbits.elements is not None:
        pack.put("orbit/elements", orbits.elements, "float32")
        pack.put("orbit/radius_km", orbits.radius_km.mean(0)[None], "float32")
    else:
        pack.put("orbit/direction", orbits.direction[samples], "int16", UNIT, series=True)
        pack.put("orbit/radius_km", orbits.radius_km[samples], "float32")


def _pack_formation(pack: Packer, recording: Recording, samples: np.ndarray) -> float:
    """Pack places within a formation: along its orbit, and up or across, whichever is the larger; (N, S, 2) in km.

    Returns:
        the largest of these distances, or 0 for fleets that are no formation.
    """
    position = recording["orbit/position_km"].astype(np.float64)
    middle = position.mean(1, keepdims=True)
    if position.shape[1] < 2 or np.linalg.norm(position - middle, axis=2).max() > FORMATION_KM or len(position) < 2:
        return 0.0
    up = middle / np.linalg.norm(middle, axis=2, keepdims=True)
    motion = np.gradient(middle, axis=0)
    across = np.cross(up, motion)
    across /= np.linalg.norm(across, axis=2, keepdims=True)
    along = np.cross(across, up)
    x, y, z = (((position - middle) * axis).sum(2) for axis in (along, up, across))
    places = np.stack([x, y if np.ptp(y) > np.ptp(z) else z], 2)[samples]
    most = max(float(np.abs(places).max()), 1e-3)
    pack.put("orbit/formation_km", places, "int16", most / 32_767, series=True)
    return most


def _pack_links(pack: Packer, recording: Recording, samples: np.ndarray) -> bool:
    """Pack the links between satellites and to ground sites, and return whether there are links between satellites."""
    arrays = recording.arrays
    if "link/site" in arrays:
        pack.put("link/site", arrays["link/site"][samples], "int16", series=True)
    if "link/a" not in arrays:
        return False
    offset, epoch = arrays["link/offset"], arrays["link/epoch"][samples]
    used, index = np.unique(epoch, return_inverse=True)
    chosen = [np.arange(offset[each], offset[each + 1]) for each in used]
    if sum(map(len, chosen)) > MOST_LINKS:
        return False
    rows = np.concatenate(chosen)
    pack.put("link/epoch", index, "uint16", series=True)
    pack.put("link/offset", np.cumsum([0, *map(len, chosen)]), "uint32")
    pack.put("link/a", arrays["link/a"][rows], "uint16", series=True)
    pack.put("link/b", arrays["link/b"][rows], "uint16", series=True)
    return True

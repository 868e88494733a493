"""Outlines of the land: Natural Earth at a scale of 1:110 million, from the npm package world-atlas.

`land.npz` holds the rings. `land-LICENSE` is the licence of world-atlas; the data of Natural Earth are in the public
domain. To make the file again:

    npm pack world-atlas@2.0.2
    tar xzf world-atlas-2.0.2.tgz
    python -m odc_gym.rendering.land package/land-110m.json
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("land.npz")
UNIT_DEG = 0.01  # of the stored whole numbers

Ring = tuple[NDArray[np.float64], bool]
"""Longitudes and latitudes [deg], (N, 2), and whether the ring encloses water within land.

Longitudes have no jumps, so they may lie beyond -180 to 180.
"""


@cache
def land_rings() -> tuple[Ring, ...]:
    """Return the outlines of the land, a ring that encloses water after the land around it."""
    with np.load(FILE, allow_pickle=False) as file:
        points, lengths, is_water = file["points"] * UNIT_DEG, file["lengths"], file["is_water"]
    return tuple(zip(np.split(points, np.cumsum(lengths)[:-1]), is_water.tolist(), strict=True))


def rings_of(topology: dict[str, Any]) -> list[Ring]:
    """Return the rings of the object `land` of a quantised TopoJSON document."""
    scale, shift = (np.array(topology["transform"][name]) for name in ("scale", "translate"))
    arcs = [np.cumsum(arc, axis=0) * scale + shift for arc in topology["arcs"]]
    rings = []
    for geometry in topology["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            for k, ring in enumerate(polygon):
                parts = [arcs[index] if index >= 0 else arcs[~index][::-1] for index in ring]
                rings.append((unwound(np.concatenate(parts)), k > 0))
    return rings


def unwound(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a ring without jumps of longitude; one around the south pole is closed along the edge of the map."""
    points = np.stack([np.unwrap(ring[:, 0], period=360.0), ring[:, 1]], 1)
    if abs(points[-1, 0] - points[0, 0]) > 180.0:
        points = np.concatenate([points, [[points[-1, 0], -90.0], [points[0, 0], -90.0]]])
    return points


def write_land(source: Path, target: Path = FILE) -> None:
    """Convert a TopoJSON file to the file that this module reads."""
    rings = rings_of(json.loads(source.read_text(encoding="utf-8")))
    points = np.concatenate([np.round(points / UNIT_DEG) for points, _ in rings]).astype(np.int32)
    lengths = np.array([len(points) for points, _ in rings], np.int16)
    np.savez_compressed(target, points=points, lengths=lengths, is_water=np.array([water for _, water in rings]))


if __name__ == "__main__":
    write_land(Path(sys.argv[1]))

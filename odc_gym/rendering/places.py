"""Places of an episode: sub-satellite points, the Sun, links and ground sites at each decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from odc_gym.simulator.geometry import link_arrays, orbit_arrays, site_places

if TYPE_CHECKING:
    from odc_gym.simulator.simulator import Simulator

CLUSTER_KM = 200.0
"""Largest distance from the middle of a fleet that is one point on the map."""


class Places(NamedTuple):
    """Places of one episode, for D decisions and S satellites."""

    latitude_deg: NDArray[np.float32]  # of the sub-satellite points, (D + 1, S)
    longitude_deg: NDArray[np.float64]  # -180 to 180, (D + 1, S)
    sun_latitude_deg: NDArray[np.float64]  # of the point below the Sun, (D + 1,)
    sun_longitude_deg: NDArray[np.float64]  # (D + 1,)
    epoch: NDArray[np.int32]  # set of links that holds, (D + 1,)
    links: list[NDArray[np.int32]]  # pairs of linked satellites of each set, (L, 2)
    site: NDArray[np.int16] | None  # ground site of each satellite, -1: none, (D + 1, S)
    sites_deg: NDArray[np.float64]  # latitude and longitude of the ground sites, (G, 2)
    formation_km: NDArray[np.float64] | None  # of a fleet that is one point on the map, (D + 1, S, 2)

    def links_at(self, k: int) -> NDArray[np.int32]:
        """Return the pairs of satellites that are linked at decision `k`, (L, 2)."""
        return self.links[int(self.epoch[k])]


def take_places(simulator: Simulator, row: int) -> Places:
    """Compute the places of the episode of one environment.

    Args:
        simulator: simulator whose row has an episode.
        row: index of the environment.
    """
    orbit, _ = orbit_arrays(simulator, row)
    latitude, longitude = orbit["orbit/latitude_deg"], orbit["orbit/longitude_deg"]
    position, sun = orbit["orbit/position_km"], orbit["orbit/sun"].astype(float)
    greenwich = np.degrees(np.arctan2(position[:, 0, 1], position[:, 0, 0])) - longitude[:, 0]
    sun_longitude = np.degrees(np.arctan2(sun[:, 1], sun[:, 0])) - greenwich
    links = link_arrays(simulator, row)
    offset = links.get("link/offset", np.zeros(2, np.int32))
    pairs = np.stack([links.get(name, np.zeros(0, np.int32)) for name in ("link/a", "link/b")], 1)
    return Places(
        latitude,
        wrapped(longitude),
        np.degrees(np.arcsin(np.clip(sun[:, 2], -1.0, 1.0))),
        wrapped(sun_longitude),
        links.get("link/epoch", np.zeros(len(latitude), np.int32)),
        np.split(pairs, offset[1:-1]),
        links.get("link/site"),
        site_places(simulator),
        formation_km(position.astype(float)),
    )


def formation_km(position_km: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the places of satellites beside the middle of their fleet; None unless all are close to it.

    Args:
        position_km: positions at each decision, GCRS, (D + 1, S, 3).

    Returns:
        Distances along the orbit, and outward or across it, whichever is longer, (D + 1, S, 2).
    """
    middle = position_km.mean(1, keepdims=True)
    apart = position_km - middle
    if position_km.shape[1] < 2 or np.linalg.norm(apart, axis=2).max() > CLUSTER_KM:
        return None
    out = middle / np.linalg.norm(middle, axis=2, keepdims=True)
    across = np.cross(out, np.gradient(middle, axis=0))
    across /= np.linalg.norm(across, axis=2, keepdims=True)
    along, outward, sideways = ((apart * axis).sum(2) for axis in (np.cross(across, out), out, across))
    return np.stack([along, outward if outward.std() >= sideways.std() else sideways], 2)


def wrapped(degrees: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return longitudes from -180 to 180."""
    return np.asarray((degrees + 180.0) % 360.0 - 180.0, np.float64)

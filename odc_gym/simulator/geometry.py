"""Positions, light and links of an episode at each decision; they do not depend on the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from odc_gym.constants import KM_M
from odc_gym.core.layout.state import Sky
from odc_gym.orbits import build_ephemeris
from odc_gym.tables.episode.network import ground_sites
from odc_gym.tables.episode.tables import serving_sites
from odc_gym.tables.episode.variation import vary

if TYPE_CHECKING:
    from odc_gym.simulator.simulator import Simulator

PART = 512  # satellites whose ephemeris is in memory at once


def orbit_arrays(simulator: Simulator, row: int) -> tuple[dict[str, np.ndarray], list[int]]:
    """Return positions, subsatellite points and the direction of the Sun at each decision, and planes of orbits.

    Args:
        simulator: simulator whose row has an episode.
        row: index of the environment.

    Returns:
        Arrays of the schema's group `orbit/`, and the index of the orbit plane of each satellite, (S,).
    """
    fleet, seed = simulator.fleet, int(simulator.seeds[row])
    clock = fleet.clock
    constellation, start = vary(fleet, seed).constellation, fleet.start_of(seed)
    instants, planes = clock.decisions + 1, list[int]()
    position, latitude, longitude, sun = [], [], [], None
    for begin in range(0, fleet.satellites, PART):
        part = constellation.part(begin, min(begin + PART, fleet.satellites))
        ephemeris = build_ephemeris(part, start=start, step_s=clock.dt_s * clock.steps, steps=instants)
        position.append((ephemeris.position_gcrs_m / KM_M).astype(np.float32))
        latitude.append(ephemeris.latitude_deg.astype(np.float32))
        longitude.append(ephemeris.longitude_deg.astype(np.float32))
        first = planes[-1] + 1 if planes else 0
        planes += (ephemeris.plane + first).tolist()
        sun = ephemeris.sun_direction.astype(np.float32)
    assert sun is not None
    return {
        "orbit/position_km": np.concatenate(position, 1),
        "orbit/latitude_deg": np.concatenate(latitude, 1),
        "orbit/longitude_deg": np.concatenate(longitude, 1),
        "orbit/sun": sun,
    }, planes


def light_arrays(simulator: Simulator, row: int) -> dict[str, np.ndarray]:
    """Return sunlight and sustainable power of each physics step of the episode, (T, S) each."""
    clock, n = simulator.fleet.clock, simulator.satellites
    sky = simulator.tables.skies[row, clock.warm_up : clock.total]
    return {name: sky[:, Sky._fields.index(name), :n].copy() for name in ("sunlit_frac", "sustainable_w")}


def link_arrays(simulator: Simulator, row: int) -> dict[str, np.ndarray]:
    """Return the links that hold at each decision, as the schema's group `link/`; empty for a backbone alone."""
    clock = simulator.fleet.clock
    instants = clock.warm_up + np.arange(clock.decisions + 1) * clock.steps
    links = simulator.network.row(row)
    arrays = _satellite_links(links.epoch, links.neighbours, instants)
    if ground_sites(simulator.scenario):
        site = serving_sites(simulator.fleet, int(simulator.seeds[row]))
        arrays["link/site"] = site[np.minimum(instants, len(site) - 1)].astype(np.int16)
    return arrays


def _satellite_links(epoch: np.ndarray, neighbours: np.ndarray, instants: np.ndarray) -> dict[str, np.ndarray]:
    """Return the links between satellites.

    Args:
        epoch: index of the topology in each physics step, (T,), or (1,) where nothing changes.
        neighbours: satellites at the other ends of links, (E, S, K), -1: none.
        instants: physics step of each decision, (D + 1,).
    """
    if neighbours.shape[-1] == 0:
        return {}
    used, index = np.unique(epoch[np.minimum(instants, len(epoch) - 1)], return_inverse=True)
    pairs = [_pairs(neighbours[each]) for each in used]
    both = np.concatenate(pairs)
    return {
        "link/epoch": index.astype(np.int32),
        "link/offset": np.cumsum([0] + [len(each) for each in pairs]).astype(np.int32),
        "link/a": both[:, 0].astype(np.int32),
        "link/b": both[:, 1].astype(np.int32),
    }


def _pairs(neighbours: np.ndarray) -> np.ndarray:
    """Return each pair of linked satellites once, (L, 2), the smaller number first."""
    s, k = np.nonzero(neighbours >= 0)
    other = neighbours[s, k]
    return np.stack([s[s < other], other[s < other]], 1)


def site_places(simulator: Simulator) -> np.ndarray:
    """Return latitude and longitude of the ground sites [deg], (G, 2)."""
    sites = ground_sites(simulator.scenario)
    return np.array([(site.latitude_deg, site.longitude_deg) for site in sites], float).reshape(-1, 2)

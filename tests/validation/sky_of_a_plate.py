"""Fluxes on plates by casting rays: from the plate's own sky, where the model sums over the Earth's cap."""

from functools import lru_cache

import numpy as np

RADIUS_KM = 6378.137


@lru_cache(maxsize=8)
def rays(altitude_km, rings=160, spokes=240):
    """Return directions of rays that hit the Earth and the ground's normals there, (N, 3), and solid angles (N,).

    Axes: z is zenith, the satellite stands at 1 + h / R on it.
    """
    ratio = 1.0 + altitude_km / RADIUS_KM
    rim = np.arcsin(1.0 / ratio)
    # equal steps of the square root of the distance from the rim: the light of the limb changes fast
    edges = rim * (1.0 - np.linspace(1.0, 0.0, rings + 1) ** 2)
    eta = 0.5 * (edges[1:] + edges[:-1])
    psi = (np.arange(spokes) + 0.5) * 2.0 * np.pi / spokes
    eta, psi = np.meshgrid(eta, psi, indexing="ij")
    ring = (np.cos(edges[:-1]) - np.cos(edges[1:])) * 2.0 * np.pi / spokes
    solid = np.repeat(ring[:, None], spokes, 1).ravel()
    ray = np.stack([np.sin(eta) * np.cos(psi), np.sin(eta) * np.sin(psi), -np.cos(eta)], -1).reshape(-1, 3)
    along = -ratio * ray[:, 2]
    length = along - np.sqrt(1.0 - (ratio**2 - along**2))
    ground = np.array([0.0, 0.0, ratio]) + length[:, None] * ray
    return ray, ground, solid


def plate_factors(altitude_km, zenith_rad, normals):
    """Return the Earth's view factor, and reflected light over (albedo times sunlight), of plates, (P,) each.

    The Sun stands at a zenith angle in the plane of x and z; normals are (P, 3). A ray of radiance L and solid angle
    dO brings L cos dO; ground in sunlight has L = albedo S cos(sun) / pi, infrared L = M / pi.
    """
    ray, ground, solid = rays(altitude_km)
    sun = np.array([np.sin(zenith_rad), 0.0, np.cos(zenith_rad)])
    seen = np.maximum(np.atleast_2d(normals) @ ray.T, 0.0) * solid / np.pi
    return seen.sum(1), seen @ np.maximum(ground @ sun, 0.0)


def faces(attitude, zenith_rad):
    """Return the normals of the faces of a radiator, (F, 3)."""
    sun = np.array([np.sin(zenith_rad), 0.0, np.cos(zenith_rad)])
    normal = {
        "knife_edge": [0.0, 1.0, 0.0],
        "anti_sun": -sun,
        "nadir": [0.0, 0.0, -1.0],
        "zenith": [0.0, 0.0, 1.0],
    }[attitude]
    return np.array([normal, np.negative(normal)]) if attitude == "knife_edge" else np.array([normal])

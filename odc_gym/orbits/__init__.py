"""Orbits: positions, sunlight, and what the Earth radiates onto a satellite, as tables over time.

A `Constellation` describes the satellites. `build_ephemeris` propagates them and returns an `Ephemeris`, whose tables
are computed when they are first read:

    >>> from datetime import datetime
    >>> from odc_gym.orbits import Constellation, build_ephemeris
    >>> satellites = Constellation.walker(altitude_km=650, inclination_deg=53, total=12, planes=3)
    >>> ephemeris = build_ephemeris(satellites, start=datetime(2027, 3, 1), steps=96)
    >>> ephemeris.sunlit_frac.shape
    (96, 12)

`FluxTable` gives the Earth's infrared and reflected sunlight on a face. The modules `network` and `routes` plan links
between satellites, contacts with ground sites, and the routes over them.
"""

from odc_gym.orbits.constellation import Constellation
from odc_gym.orbits.eclipse import eclipse_fraction, sunlit_fraction
from odc_gym.orbits.ephemeris import Ephemeris, build_ephemeris
from odc_gym.orbits.fluxes import FluxTable, edge_view_factor
from odc_gym.orbits.mean_orbit import orbit_period_s
from odc_gym.sites import GroundSite

__all__ = [
    "Constellation",
    "Ephemeris",
    "FluxTable",
    "GroundSite",
    "build_ephemeris",
    "eclipse_fraction",
    "edge_view_factor",
    "orbit_period_s",
    "sunlit_fraction",
]

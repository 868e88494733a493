"""Tables of the sky: constellations, positions, light and shadow, fluxes from the Earth."""

from odc_gym.orbits.constellation import Constellation
from odc_gym.orbits.eclipse import eclipse_fraction, sunlit_fraction
from odc_gym.orbits.ephemeris import Ephemeris, build_ephemeris
from odc_gym.orbits.fluxes import FluxTable, edge_view_factor
from odc_gym.orbits.mean_orbit import orbit_period_s
from odc_gym.scenario.sites import GroundSite

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

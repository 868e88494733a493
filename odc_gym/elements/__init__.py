"""Element sets: satellites given by two-line elements or orbit mean-elements messages, and the limits of all orbits.

`read_elements` reads a file in any of the formats in which catalogues serve element sets, and `read_lines` reads
two-line elements as text or lists:

    >>> from odc_gym.elements import read_lines
    >>> first = "1 90001U 27001A   27079.50000000  .00001000  00000-0  10000-3 0  9995"
    >>> second = "2 90001  53.0000 120.0000 0001000  90.0000 270.0000 15.05000000    14"
    >>> satellite = read_lines([("ALPHA-1", first, second)])[0]
    >>> f"{satellite.label}: {satellite.epoch:%Y-%m-%d %H:%M}, {satellite.altitude_km:.0f} km"
    'tle 1, satellite 90001 ALPHA-1: 2027-03-20 12:00, 552 km'

`odc_gym.orbits` propagates them.
"""

from odc_gym.elements.element_set import ElementSet, altitudes_km
from odc_gym.elements.limits import (
    FIRST_YEAR,
    LAST_YEAR,
    MAX_AGE_DAYS,
    MAX_ALTITUDE_KM,
    MIN_ALTITUDE_KM,
    require_altitudes,
    require_distinct,
    require_one_shell,
)
from odc_gym.elements.omm import read_messages
from odc_gym.elements.reading import read_elements
from odc_gym.elements.tle import read_lines

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "MAX_AGE_DAYS",
    "MAX_ALTITUDE_KM",
    "MIN_ALTITUDE_KM",
    "ElementSet",
    "altitudes_km",
    "read_elements",
    "read_lines",
    "read_messages",
    "require_altitudes",
    "require_distinct",
    "require_one_shell",
]

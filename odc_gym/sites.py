"""Catalogue of ground sites by name.

Positions are those of towns, to a tenth of a degree, which is accurate enough for contacts. `gateways` has thirty towns
near known gateways of broadband constellations or large teleports, from public licences and maps. `polar` has stations
at high latitudes that serve satellites in polar orbits.
"""

from __future__ import annotations

from dataclasses import dataclass

from odc_gym.errors import OrbitError

LIMITS = {"latitude_deg": (-90.0, 90.0), "longitude_deg": (-180.0, 360.0), "altitude_m": (-1000.0, 10000.0)}
"""Least and greatest values of a place on the Earth."""


@dataclass(frozen=True)
class GroundSite:
    """Position of a ground site on the WGS84 ellipsoid.

    Attributes:
        name: label.
        latitude_deg: geodetic latitude [deg], -90 to 90.
        longitude_deg: east longitude [deg], -180 to 360.
        altitude_m: height above the ellipsoid [m].
    """

    name: str
    latitude_deg: float
    longitude_deg: float
    altitude_m: float = 0.0

    def __post_init__(self) -> None:
        for field, (low, high) in LIMITS.items():
            value = getattr(self, field)
            if not low <= value <= high:
                raise OrbitError(f"site {self.name}: {field} = {value:g}: must be {low:g} to {high:g}")


_GATEWAYS = (
    ("North Bend, Washington", 47.5, -121.8),
    ("Conrad, Montana", 48.2, -111.9),
    ("Merrillan, Wisconsin", 44.5, -90.8),
    ("Limestone, Maine", 46.9, -67.8),
    ("Greenville, Pennsylvania", 41.4, -80.4),
    ("Hawthorne, California", 33.9, -118.3),
    ("McGregor, Texas", 31.4, -97.4),
    ("Kenansville, Florida", 27.9, -81.1),
    ("Ketchikan, Alaska", 55.3, -131.6),
    ("Saint John's, Newfoundland", 47.6, -52.7),
    ("Villahermosa, Tabasco", 18.0, -92.9),
    ("Lurin, Lima", -12.3, -76.9),
    ("Mossoro, Rio Grande do Norte", -5.2, -37.3),
    ("Presidente Prudente, Sao Paulo", -22.1, -51.4),
    ("Puerto Montt, Los Lagos", -41.5, -72.9),
    ("Goonhilly, Cornwall", 50.0, -5.2),
    ("Villenave-d'Ornon, Gironde", 44.8, -0.6),
    ("Usingen, Hesse", 50.3, 8.5),
    ("Ibi, Alicante", 38.6, -0.6),
    ("Kaunas, Lithuania", 54.9, 23.9),
    ("Mugla, Turkey", 37.2, 28.4),
    ("Lekki, Lagos", 6.4, 3.5),
    ("Hartebeesthoek, Gauteng", -25.9, 27.7),
    ("Nairobi, Kenya", -1.3, 36.8),
    ("Hitachinaka, Ibaraki", 36.4, 140.5),
    ("Otaru, Hokkaido", 43.2, 141.0),
    ("Singapore", 1.3, 103.8),
    ("Merredin, Western Australia", -31.5, 118.3),
    ("Boorowa, New South Wales", -34.4, 148.7),
    ("Awarua, Southland", -46.5, 168.4),
)
_POLAR = (
    ("Longyearbyen, Svalbard", 78.2, 15.6),
    ("Inuvik, Northwest Territories", 68.4, -133.7),
    ("Fairbanks, Alaska", 64.8, -147.7),
    ("Kiruna, Lapland", 67.9, 20.2),
    ("Nuuk, Greenland", 64.2, -51.7),
    ("Punta Arenas, Magallanes", -53.2, -70.9),
    ("Awarua, Southland", -46.5, 168.4),
    ("Troll, Queen Maud Land", -72.0, 2.5),
    ("McMurdo, Ross Island", -77.8, 166.7),
)

SITES: dict[str, tuple[GroundSite, ...]] = {
    name: tuple(GroundSite(label, latitude, longitude) for label, latitude, longitude in places)
    for name, places in (("gateways", _GATEWAYS), ("polar", _POLAR))
}
"""Lists of sites that a scenario can name."""

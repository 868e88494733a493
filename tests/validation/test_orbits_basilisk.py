"""The overlap of the two discs against Basilisk's eclipse module, whose Earth is a sphere."""

from pathlib import Path

import numpy as np
from comparison import compares

from odc_gym.constants import EARTH_FLATTENING
from odc_gym.orbits import sunlit_fraction

TABLE = np.loadtxt(Path(__file__).parent / "reference" / "basilisk_shadow.csv", delimiter=",", skiprows=3)


@compares(
    "Orbits and light",
    "Sunlit fraction behind a spherical Earth, five shadow crossings, two of them grazing",
    "",
    "eclipse module, Basilisk 2.12.1",
    0.005,
    note="We scale the positions of satellite and Sun along the polar axis, so that our ellipsoid becomes a sphere.",
)
def test_fraction_past_a_sphere():
    squeezed = np.array([1.0, 1.0, 1.0 - EARTH_FLATTENING])
    light = TABLE[:, 6]
    assert ((light > 0) & (light < 1)).sum() > 100
    return sunlit_fraction(TABLE[:, :3] * squeezed, TABLE[:, 3:6] * squeezed), light

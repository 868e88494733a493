"""Upsets by place against published computations and flights: mean over an orbit, and share of the anomaly."""

from datetime import UTC, datetime
from functools import cache

import numpy as np
from comparison import compares, pictures

from odc_gym.constants import DAY_S, YEAR_S
from odc_gym.faults.faults import GroundTrack, anomaly_bell, draw_events, expected_upsets
from odc_gym.orbits import Constellation, build_ephemeris
from odc_gym.physics.radiation import in_anomaly, orbit_mean, relative_rate
from odc_gym.scenario import Faults

CHAPTER = "Radiation and age"
FAULTS = Faults()
BELL = anomaly_bell(FAULTS)
INCLINATIONS_DEG = (0.0, 15.0, 30.0, 53.0, 66.0, 80.0, 90.0, 97.99)
OFTEN = 400.0  # upsets of a chip and year, so that a few weeks draw a map


@cache
def flown(altitude_km, inclination_deg, days=21):
    """Return the positions of four satellites in two planes, minute by minute."""
    walker = Constellation.walker(
        altitude_km=altitude_km, inclination_deg=inclination_deg, total=4, planes=2, phasing=0, pattern="delta"
    )
    e = build_ephemeris(walker, start=datetime(2027, 3, 1, tzinfo=UTC), step_s=60.0, steps=1440 * days)
    return GroundTrack(e.latitude_deg, e.longitude_deg, e.altitude_m)


@compares(
    CHAPTER,
    "Mean upset rate over an orbit, eight inclinations from 0 to 98°",
    "",
    "quadrature, SciPy",
    1e-6,
    relative=True,
    package="scipy",
    note="The rate is relative to that far from the anomaly. The model divides the configured rate of a chip by it.",
)
def test_mean_over_an_orbit():
    """Adaptive integration over the way along the orbit, the bell's mean over longitudes in closed form."""
    from scipy.integrate import quad
    from scipy.special import erf

    def theirs(inclination_rad):
        def bell(along):
            geocentric = np.arcsin(np.sin(inclination_rad) * np.sin(along))
            geodetic = np.arctan(np.tan(geocentric) / (1.0 - 1.0 / 298.257223563) ** 2)
            return np.exp(-0.5 * ((np.degrees(geodetic) - BELL.latitude_deg) / BELL.latitude_width_deg) ** 2)

        width = BELL.longitude_width_deg
        east = width * np.sqrt(2.0 * np.pi) * erf(180.0 / (np.sqrt(2.0) * width)) / 360.0
        return 1.0 + BELL.contrast * east * quad(bell, -np.pi / 2, np.pi / 2, epsabs=1e-12)[0] / np.pi

    inclinations = [float(np.radians(i)) for i in INCLINATIONS_DEG]
    return [orbit_mean(i, BELL) for i in inclinations], [theirs(i) for i in inclinations]


@compares(
    CHAPTER, "Upsets per year of 80 TPUs at 650 km, 98°", "", "240, one in 50 rad at 150 rad per year", 0.1,
    relative=True, note="The ephemeris covers three weeks. Above an ellipsoid, the orbit is some percent higher.",
)  # fmt: skip
def test_upsets_of_a_published_satellite():
    upsets, _ = expected_upsets(FAULTS, flown(650, 97.99), np.full(4, 80))
    return upsets / 4 * YEAR_S / DAY_S, 240.0


@compares(
    CHAPTER, "Share of upsets in the anomaly, 700 km, 98°", "", "UoSAT-2, Underwood 1990: more than half", 0.25,
    note="The paper shows a map and no number. We take 0.75 ± 0.25 for a share between 0.5 and 1.",
)  # fmt: skip
def test_share_of_upsets_in_the_anomaly_as_flown():
    place = flown(700, 98.2)
    return expected_upsets(FAULTS, place, np.ones(4))[1], 0.75


@compares(
    CHAPTER, "Share of upsets in the anomaly, 1050 to 1425 km, polar", "",
    "two satellites, Spacecraft Environment Engineering 38(5) 2021: most", 0.25,
    note="As above. The study counts seven months of upsets in SRAM.",
)  # fmt: skip
def test_share_of_upsets_in_the_anomaly_higher_up():
    return [expected_upsets(FAULTS, flown(h, 90.0), np.ones(4))[1] for h in (1050, 1425)], 0.75


@cache
def drawn(inclination_deg):
    """Return places and drawn upsets of four satellites of 200 chips."""
    place = flown(550, inclination_deg)
    faults = FAULTS.model_copy(update={"upsets_per_chip_year": OFTEN, "hard_failures_per_chip_year": 0.0})
    return place, draw_events(faults, 20_000, place, np.full(4, 200), 60.0)


@pictures(
    CHAPTER,
    "upset-map",
    "Upsets drawn for four satellites at 550 km in three weeks, at 98° and 53°. The colours show the "
    "rate relative to that far from the anomaly. The ellipse is the boundary of the anomaly.",
)
def draw_map():
    import matplotlib.pyplot as plt
    from figure_style import legend
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap, LogNorm

    light = ListedColormap(colormaps["YlOrRd"](np.linspace(0.0, 0.6, 256)))  # dark dots stay visible on it
    longitude, latitude = np.meshgrid(np.arange(-180.0, 181.0), np.arange(-90.0, 91.0))
    figure, panels = plt.subplots(2, 1, figsize=(7, 7), layout="constrained", sharex=True)
    for axes, inclination_deg in zip(panels, (98.0, 53.0), strict=True):
        place, events = drawn(inclination_deg)
        relative = relative_rate(latitude, longitude, BELL)
        rate = axes.pcolormesh(longitude, latitude, relative, cmap=light, norm=LogNorm(1.0, 60.0), rasterized=True)
        axes.contour(longitude, latitude, in_anomaly(latitude, longitude, BELL).astype(float), [0.5], colors="k")
        at = events["tick"][::10], events["satellite"][::10]
        axes.plot(
            place.longitude_deg[at], place.latitude_deg[at], ".", color="#12305c", markersize=2.5, markeredgewidth=0
        )
        axes.set(ylabel="latitude [°]", title=f"inclination {inclination_deg:g}°", ylim=(-90, 90), xlim=(-180, 180))
        axes.set(xticks=range(-180, 181, 60), yticks=range(-90, 91, 30))
        axes.grid(visible=False)
    panels[1].set(xlabel="longitude [°]")
    upset, edge = {"linestyle": "none", "marker": ".", "color": "#12305c"}, {"color": "k"}
    legend(panels[0], {"one upset in ten": upset, "edge of the anomaly": edge}, loc="upper right", frameon=True)
    figure.colorbar(
        rate, ax=panels, label="rate over that far from the anomaly", ticks=[1, 2, 5, 10, 20, 50], format="%d"
    )
    figure.suptitle("Drawn upsets over the rate of the model", fontsize=11)
    return figure

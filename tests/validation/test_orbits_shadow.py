"""Light against rays cast from the satellite to points of the Sun's disc past an oblate Earth."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
from comparison import compares, pictures
from orbit_oracles import EPOCHS, RADIUS_M, positions_m, rays_past_ellipsoid, sampled, sampled_finely

from odc_gym.orbits import Constellation, build_ephemeris, sunlit_fraction

CHAPTER = "Orbits and light"
RAYS = "1024 rays to the Sun's disc past the WGS84 ellipsoid"


@compares(
    CHAPTER,
    "Sunlit fraction in every minute of 22 days, 88 orbits, 400 to 2000 km, 0 to 100 deg, 2024 to 2035",
    "",
    RAYS,
    0.015,
    mean_tolerance=5e-5,
)
def test_fraction():
    ours, theirs = [], []
    for k in range(len(EPOCHS)):
        e = sampled(k)
        ours.append(e.sunlit_instant_frac.ravel())
        theirs.append(rays_past_ellipsoid(*positions_m(e)))
    ours, theirs = np.concatenate(ours), np.concatenate(theirs)
    assert ((theirs > 0.01) & (theirs < 0.99)).sum() > 200
    return ours, theirs


@cache
def grazing():
    """Return positions and Sun (n, 3) of satellites that pass the shadow's edge without losing the Sun's disc.

    Of 720 orbit planes, those whose least light in a turn is partial: the orbit touches the penumbra lengthwise.
    """
    places, suns = [], []
    for k, (altitude_km, inclination_deg) in zip(range(0, 22, 3), GRAZED, strict=True):
        c = Constellation.walker(altitude_km=altitude_km, inclination_deg=inclination_deg, total=720, planes=720)
        e = build_ephemeris(c, start=EPOCHS[k], step_s=30.0, steps=250)
        least = e.sunlit_instant_frac.min(axis=0)
        chosen = np.flatnonzero((least > 0.02) & (least < 0.98))
        place, sun = positions_m(e)
        t, s = np.nonzero(e.sunlit_instant_frac[:, chosen] < 1)
        places.append(place[t, chosen[s]])
        suns.append(sun[t, 0])
    return np.concatenate(places), np.concatenate(suns)


GRAZED = [(400, 97), (550, 70), (650, 98), (800, 85), (1000, 100), (1400, 90), (2000, 80), (550, 53)]


@compares(CHAPTER, "Sunlit fraction in grazing passes, which never hide the whole solar disc", "", RAYS, 0.015)
def test_grazing_fraction():
    place, sun = grazing()
    theirs = rays_past_ellipsoid(place, sun)
    assert len(place) > 100 and theirs.min() < 0.3
    return sunlit_fraction(place, sun), theirs


def dark_minutes(ephemeris, fine):
    """Return (S,) minutes without light of the same day: by our 60 s means, and by rays at every instant of `fine`."""
    theirs = rays_past_ellipsoid(*positions_m(fine), rings=8).reshape(fine.steps, -1)
    return 1440 * (1 - ephemeris.sunlit_frac.mean(axis=0)), 1440 * (1 - theirs.mean(axis=0))


@compares(CHAPTER, "Minutes of darkness per day from means over 60 s, 88 orbits, 2024 to 2035", "min", RAYS, 0.5)
def test_minutes_of_a_day():
    days = [dark_minutes(sampled(k), sampled_finely(k, 4.0, 21600)) for k in range(len(EPOCHS))]
    return tuple(np.array(days).swapaxes(0, 1))


@cache
def dusk_year(year=2028):
    """Return minutes of darkness on every eighth day of a year, 650 km, 18 h: days, ours, rays, sphere, (D,) each."""
    rows = []
    for day in range(0, 366, 8):
        start = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=day)
        dusk = Constellation.sun_synchronous(altitude_km=650, local_time_h=18.0, total=1)
        ours, fine = (build_ephemeris(dusk, start=start, step_s=s, steps=int(86400 / s)) for s in (60.0, 4.0))
        sphere = rays_past_ellipsoid(*positions_m(fine), rings=8, polar_radius_m=RADIUS_M)
        rows.append([day, *(minutes[0] for minutes in dark_minutes(ours, fine)), 1440 * (1 - sphere.mean())])
    return np.array(rows).T


@compares(
    CHAPTER,
    "Minutes of darkness per day over a year, 650 km, local time 18 h: the eclipse season from its first grazing day",
    "min",
    RAYS,
    0.5,
    note="A spherical Earth gives up to 47 min more, on the first and last days of the season.",
)
def test_minutes_through_a_year():
    days, ours, theirs, _ = dusk_year()
    season = days[ours > 0]
    assert 110 < season[0] < 135 and 205 < season[-1] < 240  # days without eclipses on both sides
    return ours, theirs


@cache
def graze(step_s=2.0):
    """Return one grazing pass at 650 km, sampled finely: seconds (T,), positions and Sun (T, 3)."""
    c = Constellation.walker(altitude_km=650, inclination_deg=98, total=720, planes=720)
    coarse = build_ephemeris(c, start=EPOCHS[6], step_s=30.0, steps=200).sunlit_instant_frac
    plane = int(np.argmin(np.abs(coarse.min(axis=0) - 0.4)))
    middle = 30.0 * int(np.argmin(coarse[:, plane]))
    e = build_ephemeris(c, start=EPOCHS[6], step_s=step_s, steps=int(6000 / step_s))
    place, sun = positions_m(e)
    seconds = np.arange(e.steps) * step_s - middle
    near = np.abs(seconds) < 400
    return seconds[near], place[near, plane], sun[near, 0]


@pictures(
    CHAPTER,
    "shadow-grazing",
    "Sunlit fraction in one grazing pass at 650 km and 98 deg: this environment, rays past the "
    "ellipsoid, and rays past a spherical Earth.",
)
def draw_grazing():
    import matplotlib.pyplot as plt

    seconds, place, sun = graze()
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    sphere = rays_past_ellipsoid(place, sun, polar_radius_m=RADIUS_M)
    axes.plot(seconds, sphere, color="0.6", label="rays, spherical Earth")
    axes.plot(seconds, sunlit_fraction(place, sun), color="C0", linewidth=3, alpha=0.5, label="odc-gym")
    axes.plot(seconds, rays_past_ellipsoid(place, sun), color="C1", linewidth=1, label="rays, ellipsoid")
    axes.set(xlabel="time [s]", ylabel="part of the Sun's disc seen", ylim=(-0.03, 1.03))
    axes.set_title("A pass that grazes the shadow, at 650 km")
    axes.legend()
    return figure


@pictures(
    CHAPTER,
    "eclipse-year",
    "Minutes of darkness per day in 2028 for a sun-synchronous satellite at 650 km with its node at 18 h.",
)
def draw_year():
    import matplotlib.pyplot as plt

    days, ours, theirs, sphere = dusk_year()
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    axes.plot(days, sphere, color="0.6", label="rays, spherical Earth")
    axes.plot(days, ours, color="C0", linewidth=3, alpha=0.5, label="odc-gym")
    axes.plot(days, theirs, color="C1", linewidth=1, label="rays, ellipsoid")
    axes.set(xlabel="day of the year", ylabel="darkness [min a day]", xlim=(0, 366), ylim=(0, None))
    axes.set_title("Darkness of a dawn-dusk orbit at 650 km over the year 2028")
    axes.legend()
    return figure

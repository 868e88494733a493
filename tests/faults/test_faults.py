"""Drawn events: their statistics, and the independence of their streams."""

from datetime import UTC, datetime

import numpy as np
import pytest

from odc_gym.faults.faults import FAILURES, UPSETS, GroundTrack, anomaly_bell, draw_events, upsets_per_s
from odc_gym.orbits import Constellation, build_ephemeris
from odc_gym.physics.radiation import in_anomaly
from odc_gym.scenario import Faults
from odc_gym.seeds import random_stream

DAY_S, YEAR_DAYS = 86400.0, 365.25
OFTEN = Faults(upsets_per_chip_year=2000.0, hard_failures_per_chip_year=900.0)
CHIPS = np.array([8, 8, 4, 8])


def still(steps, satellites, latitude_deg=20.0, altitude_m=650e3):
    """Return the ground track of satellites that do not move."""
    shape = (steps, satellites)
    return GroundTrack(np.full(shape, latitude_deg), np.full(shape, 100.0), np.full(shape, altitude_m))


def flown(constellation, days=3):
    """Return the ground track of a constellation at each minute."""
    start = datetime(2027, 3, 1, tzinfo=UTC)
    e = build_ephemeris(constellation, start=start, step_s=60.0, steps=1440 * days)
    return GroundTrack(e.latitude_deg, e.longitude_deg, e.altitude_m)


def days_of(seeds, faults=OFTEN, place=None, chips=CHIPS):
    place = place or still(1440, len(chips))
    return [draw_events(faults, seed, place, chips, 60.0) for seed in seeds]


def test_the_mean_of_the_reference_orbit_is_the_rate_of_the_scenario():
    """Three weeks of the real ephemeris of a dawn-dusk orbit at 650 km: normalisation, altitude and ground track."""
    place = flown(Constellation.sun_synchronous(altitude_km=650, local_time_h=18, total=3, planes=1), days=21)
    place = place._replace(altitude_m=np.full(place.altitude_m.shape, 650e3))  # above an ellipsoid it varies by 3 %
    year = upsets_per_s(Faults(), place).mean() * YEAR_DAYS * DAY_S
    assert year == pytest.approx(3.0, rel=0.01)


@pytest.mark.parametrize(("inclination_deg", "low", "high"), [(98.0, 0.50, 0.58), (53.0, 0.55, 0.68), (5.0, 0.0, 0.5)])
def test_share_of_upsets_in_the_anomaly(inclination_deg, low, high):
    """Drawn events of a day of many chips, placed by the ephemeris: more in an orbit that turns near the anomaly."""
    walker = {"altitude_km": 550, "total": 4, "planes": 2, "phasing": 0}
    place = flown(Constellation.walker(inclination_deg=inclination_deg, pattern="delta", **walker))
    faults = Faults(upsets_per_chip_year=3000.0, hard_failures_per_chip_year=0.0)
    events = draw_events(faults, 7, place, np.full(4, 72), 60.0)
    at = tuple(table[events["tick"], events["satellite"]] for table in place[:2])
    share = in_anomaly(*at, anomaly_bell(faults)).mean()
    rate = upsets_per_s(faults, place)
    expected = (rate * in_anomaly(*place[:2], anomaly_bell(faults))).sum() / rate.sum()
    assert share == pytest.approx(expected, abs=4.0 * np.sqrt(0.25 / events.size))
    assert low < share < high


def test_events_are_poisson_in_time_and_even_over_accelerators():
    """Counts of 400 days: mean and variance as of a Poisson process; hours and accelerators all alike."""
    from scipy import stats

    faults = Faults(upsets_per_chip_year=400.0, hard_failures_per_chip_year=100.0)
    days = days_of(range(400), faults)
    for hard, each in ((0, float(upsets_per_s(faults, still(1, 1))[0, 0]) * DAY_S), (1, 100.0 / YEAR_DAYS)):
        mine = [d[d["hard"] == hard] for d in days]
        counts = np.array([np.bincount(d["satellite"], minlength=4) for d in mine])
        expected = each * CHIPS
        assert (np.abs(counts.mean(0) - expected) < 4.5 * np.sqrt(expected / 400)).all()
        dispersion = counts.var(0, ddof=1) / counts.mean(0)
        assert (np.abs(dispersion - 1.0) < 4.5 * np.sqrt(2 / 400)).all()
        assert np.abs(np.corrcoef(counts.T) - np.eye(4)).max() < 4.5 / np.sqrt(400)
        together = np.concatenate(mine)
        struck = np.bincount(together["accelerator"][together["satellite"] != 2], minlength=8)
        assert struck.size == 8 and stats.chisquare(struck).pvalue > 1e-4
        assert together["accelerator"][together["satellite"] == 2].max() == 3
        assert stats.chisquare(np.bincount(together["tick"] // 60, minlength=24)).pvalue > 1e-4


def test_rates_at_twice_the_altitude():
    """The draws of 60 days follow the law of the altitude: 16 times the upsets at 1300 km, failures as before."""
    faults = Faults(upsets_per_chip_year=100.0, hard_failures_per_chip_year=100.0)
    low, high = (np.concatenate(days_of(range(60), faults, still(1440, 4, altitude_m=h))) for h in (650e3, 1300e3))
    ratio = (high["hard"] == 0).sum() / (low["hard"] == 0).sum()
    assert ratio == pytest.approx(16.0, rel=4.0 / np.sqrt((low["hard"] == 0).sum()))
    assert np.array_equal(low[low["hard"] == 1], high[high["hard"] == 1])


def test_a_satellite_has_its_own_events_however_many_others_there_are():
    few, many = (
        draw_events(OFTEN, 5, still(1440, 2), CHIPS[:2], 60.0),
        draw_events(OFTEN, 5, still(1440, 4), CHIPS, 60.0),
    )
    assert np.array_equal(few, many[many["satellite"] < 2]) and few.size > 50
    assert not np.array_equal(few[few["satellite"] == 0]["tick"], few[few["satellite"] == 1]["tick"])


def test_purposes_do_not_shift_each_other():
    """Catches upsets and failures of one stream."""
    both = draw_events(OFTEN, 5, still(1440, 4), CHIPS, 60.0)
    for name, hard in (("hard_failures_per_chip_year", 0), ("upsets_per_chip_year", 1)):
        alone = draw_events(OFTEN.model_copy(update={name: 0.0}), 5, still(1440, 4), CHIPS, 60.0)
        assert np.array_equal(alone, both[both["hard"] == hard]) and alone.size > 50
    struck = [both["accelerator"][(both["hard"] == hard) & (both["satellite"] == 0)][:20] for hard in (0, 1)]
    assert not np.array_equal(*struck)  # nor do they follow each other


def test_longer_episodes_begin_like_shorter_ones_and_seeds_differ():
    long, short = (draw_events(OFTEN, 5, still(steps, 4), CHIPS, 60.0) for steps in (2880, 1440))
    assert np.array_equal(long[long["tick"] < 1440], short)
    assert not np.array_equal(short, draw_events(OFTEN, 6, still(1440, 4), CHIPS, 60.0))
    assert (np.diff(long["tick"]) >= 0).all() and (long["tick"] >= 0).all() and (long["tick"] < 2880).all()


@pytest.mark.parametrize("rate", [3.0, 300.0, 3000.0])
def test_no_event_is_left_out(rate):
    """Catches: satellites that are taken for unharmed before their stream is made, and the order of events."""
    faults, place = Faults(upsets_per_chip_year=rate, hard_failures_per_chip_year=rate / 3.0), still(1440, 4)
    per_step = upsets_per_s(faults, place)[0] * CHIPS * 60.0, np.full(4, rate / 3.0 / YEAR_DAYS / DAY_S) * CHIPS * 60.0
    for seed in range(30):
        expected = []
        for hard, (purpose, step) in enumerate(zip((UPSETS, FAILURES), per_step, strict=True)):
            for s in range(4):
                random, reached = random_stream(seed, purpose, s), 0.0
                while (reached := reached - np.log1p(-random.random())) < 1440 * step[s]:
                    expected.append((int(reached / step[s]), s, hard, int(random.random() * CHIPS[s])))
        events = draw_events(faults, seed, place, CHIPS, 60.0)
        assert events[["tick", "satellite", "hard", "accelerator"]].tolist() == sorted(expected)

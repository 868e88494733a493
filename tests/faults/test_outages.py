"""Outages: statistics of random outages, scripts, and the independence of streams."""

import numpy as np
import pytest
from scipy import stats

from odc_gym.core.layout.state import LOST, OUT
from odc_gym.faults.outages import LOSSES, OUTAGES, draw_availability, draw_outages
from odc_gym.scenario import Scenario
from odc_gym.seeds import random_stream

STARTER = Scenario.load("starter12")
YEAR_H = 365.25 * 24.0
DAY = np.arange(-96, 1440) * 60.0  # steps of an episode of a day with a warm-up of 96 minutes
OFTEN = {"per_satellite_year": 400.0, "mean_hours": 3.0}
SITES = {"network.ground": {"sites": "polar"}}


def of(seed=7, satellites=12, at_s=DAY, events=(), **faults):
    changes = {f"faults.{name}": value for name, value in faults.items()}
    return draw_availability(STARTER.replace(changes | SITES | {"events": list(events)}), seed, satellites, at_s)


def lengths(down):
    """Return the lengths of the outages in `down` (T,) that begin and end within the table, in steps."""
    edges = np.flatnonzero(np.diff(down.astype(int)))
    first = 0 if not down[0] else 1
    return np.diff(edges[first:])[::2]


def test_nothing_is_out_by_default():
    table = of()
    assert table.satellite_up.all() and table.link_up.all() and table.site_up.all()
    assert table.site_up.shape == (1536, 9)


def test_outages_are_a_stationary_markov_chain():
    """Share, number and lengths over 60 000 satellite-hours: catches a start that is always up, or a median as mean."""
    at_s = np.arange(0, 30 * 24 * 3600.0, 60.0)
    rate, mean_s = 400.0 / (YEAR_H * 3600.0), 3.0 * 3600.0
    out = np.stack([draw_outages(np.random.default_rng(k), rate, mean_s, at_s) for k in range(90)], 1)
    share = rate * mean_s / (1.0 + rate * mean_s)
    error = np.sqrt(2 * share * (1 - share) * (1 - share) * mean_s / (out.size * 60.0))  # of a mean of such a chain
    assert abs(out.mean() - share) < 4.0 * error < 0.1 * share
    assert abs(out[:720].mean() - share) < 4.0 * np.sqrt(share / 90)
    begun, up_s = int((np.diff(out.astype(int), axis=0) == 1).sum()), float((~out).sum()) * 60.0
    assert abs(begun - rate * up_s) < 4.0 * np.sqrt(begun) and begun > 1000
    spells = np.concatenate([lengths(column) for column in out.T]) * 60.0
    assert stats.kstest(spells, stats.expon(scale=mean_s).cdf).statistic < 0.04
    assert spells.mean() == pytest.approx(mean_s, rel=4.0 / np.sqrt(spells.size))


def test_rates_of_a_scenario_reach_the_tables():
    """Many days of satellites, links and sites: catches minutes taken for hours, or a share taken for a rate."""
    faults = {
        "outages": OFTEN,
        "links": {"outages_per_link_year": 1000.0, "mean_minutes": 40.0},
        "weather": {"bad_frac": 0.3, "mean_hours": 4.0},
    }
    tables = [of(seed, **faults) for seed in range(60)]
    for name, expected, mean_s in (
        ("satellite_up", 400.0 * 3.0 / YEAR_H, 3 * 3600.0),
        ("link_up", 1000.0 * (40.0 / 60.0) / YEAR_H, 2400.0),
        ("site_up", 0.3 / 0.7, 4 * 3600.0),
    ):
        down = ~np.concatenate([getattr(table, name) for table in tables], 1)
        share = expected / (1.0 + expected)
        error = np.sqrt(2 * share * (1 - share) ** 2 * mean_s / (down.size * 60.0))
        assert abs(down.mean() - share) < 4.0 * error < 0.25 * share


def test_losses_are_poisson_and_for_good():
    losses = [of(seed, loss={"per_satellite_year": 100.0}).condition for seed in range(60)]
    lost = np.concatenate([table[-1] == LOST for table in losses])
    expected = 1.0 - np.exp(-100.0 * 1536 / 60.0 / YEAR_H)
    assert abs(lost.mean() - expected) < 4.0 * np.sqrt(expected * (1 - expected) / lost.size)
    assert all((np.diff(table.astype(int), axis=0) >= 0).all() for table in losses)
    more = [of(seed, loss={"per_satellite_year": 200.0}).condition for seed in range(60)]
    assert all((b >= a).all() for a, b in zip(losses, more, strict=True))  # the same are lost, and others earlier


def test_streams_are_independent():
    """Purposes, satellites and sites do not change each other: catches a shared stream."""
    faults = {
        "outages": OFTEN,
        "links": {"outages_per_link_year": 2000.0},
        "weather": {"bad_frac": 0.3},
        "loss": {"per_satellite_year": 100.0},
    }
    all_on = of(**faults)
    for name in ("satellite_up", "link_up", "site_up"):
        assert 1.0 - getattr(all_on, name).mean() > 0.02
    assert np.array_equal(of(links=faults["links"]).link_up, all_on.link_up)
    assert np.array_equal(of(weather=faults["weather"]).site_up, all_on.site_up)
    outages, losses = of(outages=OFTEN).condition, of(loss=faults["loss"]).condition
    assert np.array_equal(np.maximum(outages, losses), all_on.condition)
    assert np.array_equal(of(satellites=5, **faults).condition, all_on.condition[:, :5])
    assert not np.array_equal(all_on.condition == OUT, ~all_on.link_up)
    assert not np.array_equal(all_on.condition, of(8, **faults).condition)
    longer = of(at_s=np.arange(-96, 2880) * 60.0, **faults)
    assert np.array_equal(longer.condition[:1536], all_on.condition)
    assert np.array_equal(longer.link_up[:1536], all_on.link_up)


def test_a_site_keeps_its_weather_among_other_sites():
    site = {"name": "Kiruna, Lapland", "latitude_deg": 67.9, "longitude_deg": 20.2}
    bad = {"faults.weather.bad_frac": 0.4}
    alone = draw_availability(STARTER.replace(bad | {"network.ground": {"sites": [site]}}), 3, 12, DAY)
    among = draw_availability(STARTER.replace(bad | SITES), 3, 12, DAY)
    assert np.array_equal(alone.site_up[:, 0], among.site_up[:, 3]) and not alone.site_up.all()


def test_disabled_faults_leave_the_script():
    events = [{"at": 1, "what": "satellite-outage", "plane": 0, "hours": 1}]
    table = of(enabled=False, outages=OFTEN, loss={"per_satellite_year": 1e4}, events=events)
    assert (table.condition != 0).sum() == 4 * 60


def test_a_script_strikes_whom_and_when_it_says():
    """Exact to the step: catches an end that is included, hours before the start, and a plane too many."""
    events = [
        {"at": "06:00", "what": "satellite-loss", "plane": 2},
        {"at": 1, "what": "satellite-outage", "satellites": [0, 9], "hours": 0.5},
        {"at": "02:00", "what": "link-outage", "satellites": [5], "hours": 2},
        {"at": 0, "what": "bad-weather", "site": "Kiruna, Lapland", "hours": 3},
        {"at": 40, "what": "satellite-loss", "shell": 0},  # after the end
    ]
    table = of(events=events)
    step = {hours: 96 + round(hours * 60) for hours in (0, 1, 1.5, 2, 3, 4, 6)}
    condition = np.zeros((1536, 12))
    condition[step[1] : step[1.5], [0, 9]] = OUT
    condition[step[6] :, 8:] = LOST
    assert np.array_equal(table.condition, condition)
    assert np.array_equal(np.argwhere(~table.link_up), [[t, 5] for t in range(step[2], step[4])])
    assert np.array_equal(np.argwhere(~table.site_up), [[t, 3] for t in range(step[0], step[3])])


@pytest.mark.parametrize("per_year", [1.0, 100.0, 3000.0])
def test_no_outage_or_loss_is_left_out(per_year):
    """Catches: satellites that are taken for working before their stream is made."""
    outages = {"per_satellite_year": per_year, "mean_hours": 3.0}
    since_s, mean_s = DAY - DAY[0], YEAR_H * 3600.0 / per_year
    for seed in range(20):
        table = of(seed, outages=outages, loss={"per_satellite_year": per_year})
        for s in range(12):
            random = random_stream(seed, OUTAGES, s)
            out = draw_outages(random, per_year / (YEAR_H * 3600.0), 3.0 * 3600.0, since_s)
            wait = -np.log1p(-random_stream(seed, LOSSES, s).random()) * mean_s
            condition = np.where(since_s >= wait, LOST, np.where(out, OUT, 0))
            assert np.array_equal(table.condition[:, s], condition)

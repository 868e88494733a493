"""The picture of a fleet shows its numbers: bars as long as the values, and states that differ from each other."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.rendering.ansi import text_of
from odc_gym.rendering.rgb import CHARGE, CLASSES, DAY, HEAT, NIGHT, OUT, grid, picture_of
from odc_gym.rendering.snapshot import Snapshot
from odc_gym.scenario import CLASS_ORDER


def snapshot(satellites=12, classes=("finetuning", "batch", "interactive"), states=None, **changes):
    """A fleet at half charge in sunlight, with values changed by name."""
    one, by_class = np.ones(satellites), np.ones((len(classes), satellites))
    observation = {
        "sunlit_frac": one, "charge_frac": 0.5 * one, "junction_k": 330.0 * one, "clock_granted": 0.5 * one,
        "clock_sustainable": 0.7 * one, "power_w": 1e3 * one, "running": by_class, "free": one,
        "waiting_work_s": np.full(len(classes), 3600.0), "oldest_wait_s": np.zeros(len(classes)),
        "served_frac": np.ones(len(classes)),
    }  # fmt: skip
    design = {"limit_k": 358.0 * one, "floor_frac": 0.2 * one, "accelerators": 8.0 * one}
    return Snapshot(
        "starter12", tuple(classes), 7, datetime(2027, 1, 30, 5, 9, tzinfo=UTC), timedelta(hours=2),
        timedelta(hours=24), 12.3, observation | changes, design, states or ("sun",) * satellites,
    )  # fmt: skip


def count(picture, colour):
    return int((picture == np.array(colour, np.uint8)).all(2).sum())


@pytest.mark.parametrize("satellites", [1, 2, 12, 24, 81, 200])
@pytest.mark.parametrize("classes", [CLASS_ORDER, CLASS_ORDER[:1]])
def test_fleets_of_every_size_are_pictures_of_one_size(satellites, classes):
    picture = picture_of(snapshot(satellites, classes))
    assert picture.shape == (600, 960, 3) and picture.dtype == np.uint8
    assert count(picture, CHARGE) > 0 and count(picture, DAY) > 0


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1))
def test_a_bar_is_as_long_as_its_value(first, second):
    """Catches a bar of another value, a clipped scale, and satellites in each other's places."""
    charge = np.full(12, first)
    charge[5] = second
    drawn, full = picture_of(snapshot(charge_frac=charge)), picture_of(snapshot(charge_frac=np.ones(12)))
    # the mark of the charge floor covers part of a bar
    assert count(drawn, CHARGE) / count(full, CHARGE) == pytest.approx((11 * first + second) / 12, abs=0.03)


def test_heat_is_relative_to_the_limit_and_load_is_by_class():
    cool, hot, over = (count(picture_of(snapshot(junction_k=np.full(12, k))), HEAT) for k in (300.0, 350.0, 400.0))
    assert cool < hot < over
    assert count(picture_of(snapshot(junction_k=np.full(12, 298.0))), HEAT) == 0  # 60 K below the limit
    few, many = np.zeros((3, 12)), np.zeros((3, 12))
    few[1], many[1] = 2, 8
    amounts = [count(picture_of(snapshot(running=held)), CLASSES["batch"]) for held in (few, many)]
    assert amounts[0] < amounts[1]


def test_sunlight_eclipse_and_satellites_out_of_service_differ():
    lit = np.ones(12)
    lit[:5] = 0.0
    states = ("OUT", *("eclipse",) * 4, *("sun",) * 7)
    picture = picture_of(snapshot(sunlit_frac=lit, states=states))
    night, day, out = count(picture, NIGHT), count(picture, DAY), count(picture, OUT)
    assert out > 0 and night / 4 == pytest.approx(out, rel=0.2) and day / 7 == pytest.approx(out, rel=0.2)
    for alarm in ("TRIP", "SHED", "OUT"):
        assert not np.array_equal(picture_of(snapshot(states=(alarm, *("sun",) * 11))), picture_of(snapshot()))


def test_score_and_time_are_shown():
    assert not np.array_equal(picture_of(snapshot()), picture_of(snapshot()._replace(score=12.4)))
    later = snapshot()._replace(elapsed=timedelta(hours=3))
    assert not np.array_equal(picture_of(snapshot()), picture_of(later))


def test_text_and_picture_show_the_same_states():
    """Catches text that calls a satellite out of service sunlit."""
    states = ("OUT", "TRIP", "SHED", "eclipse", *("sun",) * 8)
    lines = text_of(snapshot(states=states)).splitlines()[2:14]
    assert tuple(line.split()[1] for line in lines) == states


@given(st.integers(1, 3000))
def test_the_grid_has_a_place_for_every_satellite(count):
    columns, rows = grid(count, 936, 440)
    assert columns * rows >= count > columns * (rows - 1)

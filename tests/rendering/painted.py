"""Snapshots and places of invented fleets, painted without a simulator."""

import os

os.environ["SDL_VIDEODRIVER"] = "dummy"

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

pytest.importorskip("pygame", reason="pygame is not installed: pip install 'odc-gym[render]'")

from odc_gym.rendering.picture import Painter
from odc_gym.rendering.places import Places
from odc_gym.rendering.snapshot import Snapshot
from odc_gym.rendering.world_map import HEIGHT, WIDTH, X, Y

DECISIONS = 288


def snapshot(satellites=12, decision=0, states=None, score=12.3, hours=24, **changes):
    """A cool fleet at half charge in sunlight, with values changed by name."""
    one, classes = np.ones(satellites), ("finetuning", "batch", "interactive")
    observation = {
        "sunlit_frac": one, "charge_frac": 0.5 * one, "junction_k": 330.0 * one, "power_w": 1e3 * one,
        "solar_15_w": 2e3 * one, "running": np.ones((3, satellites)), "waiting_work_s": np.full(3, 3600.0),
        "oldest_wait_s": np.zeros(3), "served_frac": np.ones(3),
    }  # fmt: skip
    design = {
        "limit_k": 358.0 * one, "floor_frac": 0.2 * one, "accelerators": 8.0 * one, "peak_w": 5e3 * one,
        "array_peak_w": 5e3 * one,
    }  # fmt: skip
    elapsed, length = timedelta(minutes=5) * decision, timedelta(hours=hours)
    return Snapshot(
        "starter12", classes, 7, datetime(2027, 1, 30, tzinfo=UTC) + elapsed, elapsed, length, score,
        observation | changes, design, states or ("sun",) * satellites, decision, hours * 12, "mine",
    )  # fmt: skip


def places(latitude_deg, longitude_deg, pairs=(), sun=(0.0, 0.0), instants=DECISIONS + 1):
    """Satellites that stand still."""
    return Places(
        np.tile(np.asarray(latitude_deg, float), (instants, 1)),
        np.tile(np.asarray(longitude_deg, float), (instants, 1)),
        np.full(instants, sun[0]),
        np.full(instants, sun[1]),
        np.zeros(instants, np.int32),
        [np.array(pairs, np.int32).reshape(-1, 2)],
        None,
        np.zeros((0, 2)),
        None,
    )


def spread(satellites):
    """Places of satellites over the whole map."""
    s = np.arange(satellites)
    return places(60.0 * np.sin(s), (s * 137.5) % 360.0 - 180.0)


def painted(what, where, painter=None):
    """Picture (720, 1280, 3) of a snapshot."""
    painter = painter or Painter()
    painter.paint(0, what, lambda: where)
    return painter.board.picture()


def on_map(picture, latitude_deg, longitude_deg):
    """Colour of a picture at a place, in a picture of the size of the layout."""
    column, line = X + (longitude_deg + 180.0) / 360.0 * WIDTH, Y + (90.0 - latitude_deg) / 180.0 * HEIGHT
    return tuple(int(value) for value in picture[int(line), int(column)])


def count(picture, colour):
    return int((picture == np.array(colour, np.uint8)).all(2).sum())

"""Recordings that the tests of pages share."""

import copy

import pytest

from odc_gym.recording import Recording, record_episode

HOURS = 8  # of the episodes: some orbits, sheds and finished jobs


@pytest.fixture(scope="session")
def recorded():
    """Eight hours of `starter12` under two schedulers."""
    changes = {"episode.hours": HOURS}
    return [record_episode("starter12", agent, 20_000, overrides=changes) for agent in ("gang-aware", "full-clock")]


@pytest.fixture
def changed(recorded):
    """Function that returns a copy of the first recording with other values in its header."""

    def change(**header):
        recording = recorded[0]
        return Recording(copy.deepcopy(recording.header) | header, recording.arrays)

    return change

"""Recordings that the tests of pages share."""

import copy

import numpy as np
import pytest

from odc_gym.recording import Recorder, Recording, record_episode

HOURS = 8  # of the episodes: some orbits, sheds and finished jobs


@pytest.fixture(scope="session")
def recorded():
    """Eight hours of `starter12` under two schedulers."""
    changes = {"episode.hours": HOURS}
    return [record_episode("starter12", agent, 20_000, overrides=changes) for agent in ("gang-aware", "full-clock")]


@pytest.fixture(scope="session")
def eccentric(recorded):
    """The first recording with orbits of eccentricity 0.6, which mean elements do not describe."""
    recording = recorded[0]
    time_s = recording["time_s"][:, None]
    mean = 2 * np.pi * (time_s / 20_000 + np.arange(12) / 12)
    anomaly = mean.copy()
    for _ in range(60):
        anomaly = mean + 0.6 * np.sin(anomaly)
    x, y = np.cos(anomaly) - 0.6, 0.8 * np.sin(anomaly)
    position = 20_000.0 * np.stack([x, 0.5 * y, np.sqrt(0.75) * y], 2)
    radius = np.linalg.norm(position, axis=2)
    geocentric = np.arcsin(position[..., 2] / radius)
    longitude = np.degrees(np.arctan2(position[..., 1], position[..., 0]) - 1.0 - 7.2921158553e-5 * time_s)
    latitude = np.degrees(geocentric + 6378.137 / radius / 298.257 * np.sin(2 * geocentric))
    orbit = {
        "orbit/position_km": position.astype(np.float32),
        "orbit/latitude_deg": latitude.astype(np.float32),
        "orbit/longitude_deg": ((longitude + 180) % 360 - 180).astype(np.float32),
    }
    return Recording(recording.header, recording.arrays | orbit)


@pytest.fixture(scope="session")
def stopped():
    """Recordings that stop after 0, 1, 2 and 9 decisions."""
    from odc_gym.envs import ODCSatEnv

    env = ODCSatEnv("starter12")
    env.reset(seed=20_000)
    recorder = Recorder(env, agent="stopped")
    recorder.begin()
    found = []
    for decisions in range(10):
        if decisions in (0, 1, 2, 9):
            found.append(recorder.finish())
        env.step(np.zeros(env.action_space.shape, np.float32))
    return found


@pytest.fixture
def changed(recorded):
    """Function that returns a copy of the first recording with other values in its header."""

    def change(**header):
        recording = recorded[0]
        return Recording(copy.deepcopy(recording.header) | header, recording.arrays)

    return change

"""Recordings of episodes: every satellite, account, event and action of a day in one file.

    from odc_gym.recording import read_recording, record_episode, write_recording
    recording = record_episode("starter12", "gang-aware", seed=20_000)
    write_recording("day.npz", recording)
    satellites = read_recording("day.npz").frame("satellites")  # a pandas.DataFrame

docs/recording.md describes the file.
"""

from odc_gym.recording.episodes import record_episode
from odc_gym.recording.files import read_recording, write_recording
from odc_gym.recording.recorder import Recorder
from odc_gym.recording.recording import Recording

__all__ = ["Recorder", "Recording", "read_recording", "record_episode", "write_recording"]

"""Minari data set of a recording, for offline reinforcement learning; this needs minari and pyarrow."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import numpy as np

from odc_gym.recording.recording import Recording
from odc_gym.recording.repetition import repeated_steps
from odc_gym.recording.schema import TERM_NAMES

FOLDER = "MINARI_DATASETS_PATH"  # environment variable that names Minari's folder


def write_minari(recording: Recording, folder: Path) -> list[Path]:
    """Write a recording as the data set `odc-gym/<scenario>/<agent>-v0`, with the observations of a repetition.

    Raises:
        RecordingError: the episode cannot be repeated.
    """
    import minari
    from minari.data_collector import EpisodeBuffer

    header, steps = recording.header, list(repeated_steps(recording))
    env = steps[0][0]
    decisions = header["decisions"]
    over = np.zeros(decisions, np.bool_)
    over[-1:] = True
    rewards = np.sum([recording[f"reward/{name}"] for name in TERM_NAMES], axis=0)
    buffer = EpisodeBuffer(
        id=0,
        seed=header["seed"],
        observations=[observation for _, observation in steps],
        actions=list(recording["action"].astype(env.action_space.dtype)),
        rewards=rewards.tolist(),
        terminations=[False] * decisions,
        truncations=over.tolist(),
        infos=None,
    )
    name = "/".join(["odc-gym", _plain(header["scenario_name"]), _plain(header["agent"]) + "-v0"])
    before = os.environ.get(FOLDER)
    os.environ[FOLDER] = str(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about an author and an address, which a recording lacks
            minari.create_dataset_from_buffers(
                name, [buffer], env=env.spec, algorithm_name=header["agent"], description=recording.summary,
                observation_space=env.observation_space, action_space=env.action_space, data_format="arrow",
            )  # fmt: skip
    finally:
        if before is None:
            del os.environ[FOLDER]
        else:
            os.environ[FOLDER] = before
    return [folder / name]


def _plain(text: str) -> str:
    """Return a text with only the characters that names of data sets may hold."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-") or "unnamed"

"""Random streams of the workload: one for each purpose and class, so that no draw shifts another."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from odc_gym.scenario import Workload
from odc_gym.seeds import random_stream
from odc_gym.workload.surges import RateWindow


class Purpose(IntEnum):
    """Purpose of a random stream, the first entry of its spawn key; the second entry is the class name's checksum."""

    HOURS = 101
    BINS = 102
    COUNTS = 103
    TIMES = 104
    DURATIONS = 105
    WIDTHS = 106
    SLACK = 107
    ESTIMATES = 108
    ARRAYS = 109
    CRON = 110
    DEMAND_HOURS = 111
    DEMAND_NOISE = 112
    STATES = 113
    CLIENT_RATES = 114
    CLIENT_GAPS = 115
    MODELS = 120
    TENANTS = 121
    OUTCOMES = 122
    STOPS = 123
    SURGES = 116
    MEMBERS = 117
    CAPTURES = 118


class Period(NamedTuple):
    """Period for which work is drawn: an episode and the history before it.

    Attributes:
        workload: classes, regions and rates.
        seed: seed of the episode.
        start: start of the episode, UTC.
        before_s: length of the history [s].
        after_s: length of the episode [s].
        surges: windows in which rates are multiplied.
    """

    workload: Workload
    seed: int
    start: datetime
    before_s: float
    after_s: float
    surges: Sequence[RateWindow] = ()


def class_stream(seed: int, purpose: Purpose, class_name: str) -> np.random.Generator:
    """Return the random stream of one purpose of one class in episode `seed`.

    The key contains the class's name, not its place in the scenario. A new class therefore leaves the others unchanged.
    """
    return random_stream(seed, int(purpose), zlib.crc32(class_name.encode()))

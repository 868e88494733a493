"""Random streams of the workload: one for each purpose of each class, so that none shifts another."""

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
    """First entry of a stream's spawn key; the second names the class."""

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
    """What of an episode its work depends on: workload, seed, start in UTC, history and length [s], and surges."""

    workload: Workload
    seed: int
    start: datetime
    before_s: float
    after_s: float
    surges: Sequence[RateWindow] = ()


def class_stream(seed: int, purpose: Purpose, class_name: str) -> np.random.Generator:
    """The random stream of one purpose of one class in episode `seed`.

    The class enters by its name, not by its place in the scenario, so that adding a class leaves the others alone.
    """
    return random_stream(seed, int(purpose), zlib.crc32(class_name.encode()))

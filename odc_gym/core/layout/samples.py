"""Samples of one environment for a recording: its state at the beginning of an episode and after each decision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.array_types import Float32x3, Float32x4, Float64x2, Float64x3, Int32x2, Int64x1

ROW, SEED, STOPPED, NEXT = range(4)  # places of `Samples.course`
NOBODY = -1  # value of ROW while nothing is recorded


class Samples(NamedTuple):
    """Samples of an episode of D decisions: row 0 before the first decision, row k after the k-th."""

    course: (
        Int64x1  # (4,) recorded environment, its episode, 1 if it played something else since, row of the next sample
    )
    fields: Int64x1  # chosen fields of State
    class_fields: Int64x1  # chosen fields of Classes
    satellites: Float32x3  # (D + 1, field, P) of the chosen fields of State
    classes: Float32x4  # (D + 1, field, C, P) of the chosen fields of Classes
    accounts: Float64x3  # (D + 1, field, C) of Ledger
    services: Float32x3  # (D + 1, field, C) of Services
    terms: Float64x2  # (D + 1, K) reward terms of the decision before; 0 in row 0
    actions: Float64x2  # (D + 1, A) action of the decision before; 0 in row 0
    queue: Int32x2  # (D + 1, 3) numbers of waiting, running and sending rows


def no_samples() -> Samples:
    """Return samples of no environment, which hold nothing."""
    none = np.zeros(0, np.int64)
    wide, deep = np.zeros((0, 0, 0), np.float32), np.zeros((0, 0, 0, 0), np.float32)
    flat = np.zeros((0, 0))
    course = np.array([NOBODY, NOBODY, 0, 0])
    return Samples(course, none, none, wide, deep, np.zeros((0, 0, 0)), wide, flat, flat, np.zeros((0, 0), np.int32))

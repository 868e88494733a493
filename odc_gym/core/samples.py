"""Compiled entry point: one sample of an environment for a recording."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from odc_gym.compilation.array_types import Float32x2, Float32x3, Float32x4, Float64x2, Int32x2, Int64x1
from odc_gym.compilation.decorators import routine
from odc_gym.compilation.kernel import kernel
from odc_gym.core.layout.batch import Mutable
from odc_gym.core.layout.event_log import EventLog


class Samples(NamedTuple):
    """Samples of one environment over an episode: row 0 before the first of D decisions, row k after the k-th."""

    next_row: Int64x1  # (1,) row that the next sample writes
    stopped: Int64x1  # (1,) 1: the environment plays another episode, 2: the event log is half full; else 0
    satellites: Float32x3  # (D + 1, field, P) of the chosen fields of State
    classes: Float32x4  # (D + 1, field, C, P) of the chosen fields of Classes
    accounts: Float64x2  # (D + 1, field x C) of Ledger
    services: Float32x2  # (D + 1, field x C) of Services
    terms: Float64x2  # (D + 1, K) reward terms of the decision before; 0 in row 0
    actions: Float64x2  # (D + 1, A) action of the decision before; 0 in row 0
    queue: Int32x2  # (D + 1, 3) numbers of waiting, running and sending rows


@routine
def copy_row(row: np.ndarray, source: np.ndarray) -> None:
    """Copy the first values of a row, as many as the other row has."""
    for i in range(row.shape[0]):
        row[i] = source[i]


@kernel
def take_sample(
    b: int, seed: int, seeds: Int64x1, log: EventLog, mutable: Mutable, ledger: Float64x2, services: Float64x2,
    terms: Float64x2, actions: Float64x2, fields: Int64x1, class_fields: Int64x1, samples: Samples,
) -> None:  # fmt: skip
    """Copy the present state of environment `b` into the next row of the samples, if there is one left.

    Args:
        b: index of the environment.
        seed: episode of the recording; that of the environment must be the same.
        seeds: episodes of all environments, (B,).
        log: event logs.
        mutable: arrays of the batch that change.
        ledger: the ledger among them, (B, field x C).
        services: the services among them, (B, field x C).
        terms: reward terms of the last decision, (B, K).
        actions: actions of the last decision, (B, A).
        fields: chosen fields of State.
        class_fields: chosen fields of Classes.
        samples: written.
    """
    k = samples.next_row[0]
    samples.stopped[0] = 1 if seeds[b] != seed else 2 if 2 * log.counts[b] > log.entries.shape[1] else 0
    if samples.stopped[0] == 1:
        return
    if k >= samples.satellites.shape[0]:
        return
    samples.next_row[0] = k + 1
    for f in range(fields.shape[0]):
        copy_row(samples.satellites[k, f], mutable.state[b, fields[f]])
    for f in range(class_fields.shape[0]):
        for c in range(samples.classes.shape[2]):
            copy_row(samples.classes[k, f, c], mutable.classes[b, class_fields[f], c])
    copy_row(samples.accounts[k], ledger[b])
    copy_row(samples.services[k], services[b])
    if k > 0:
        copy_row(samples.terms[k], terms[b])
        copy_row(samples.actions[k], actions[b])
    samples.queue[k, 0] = mutable.scalars[b]["waiting"]
    samples.queue[k, 1] = mutable.scalars[b]["running"]
    samples.queue[k, 2] = mutable.scalars[b]["sending"]

"""Samples of an environment for a recording, taken at the end of its decisions."""

from __future__ import annotations

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.batch import Mutable, Outputs, Timing
from odc_gym.core.layout.samples import NEXT, ROW, SEED, STOPPED


@routine
def copy_values(kept: np.ndarray, source: np.ndarray) -> None:
    """Copy the first values of a row, as many as `kept` has."""
    for i in range(kept.shape[0]):
        kept[i] = source[i]


@routine
def take_sample(
    b: int, seed: int, action: np.ndarray, mutable: Mutable, outputs: Outputs, timing: Timing, plays: bool
) -> None:
    """Copy the present state of environment `b` into the next row of the samples, if a recording waits for it.

    A recording waits for the start of its episode, which is observed and not played, and then for each decision in
    turn. Any other decision of its environment stops it: that of another episode, of a warm-up, or after a jump.

    Args:
        b: index of the environment.
        seed: episode that it plays.
        action: action of the decision, (A,).
        mutable: arrays of the batch that change.
        outputs: arrays for agents; the samples are written.
        timing: lengths of steps and decisions.
        plays: False if the environment was only observed.
    """
    samples = outputs.samples
    course, scalars = samples.course, mutable.scalars[b]
    k = course[NEXT]
    if course[ROW] != b or course[STOPPED] == 1 or plays != (k > 0):
        return
    if seed != course[SEED] or scalars["tick"] != timing.warm_up_steps + k * timing.decision_steps:
        course[STOPPED] = 1
        return
    course[NEXT] = k + 1
    for f in range(samples.fields.shape[0]):
        copy_values(samples.satellites[k, f], mutable.state[b, samples.fields[f]])
    for f in range(samples.class_fields.shape[0]):
        for c in range(samples.classes.shape[2]):
            copy_values(samples.classes[k, f, c], mutable.classes[b, samples.class_fields[f], c])
    for f in range(samples.accounts.shape[1]):
        copy_values(samples.accounts[k, f], mutable.ledger[b, f])
    for f in range(samples.services.shape[1]):
        copy_values(samples.services[k, f], mutable.services[b, f])
    if k > 0:
        copy_values(samples.terms[k], outputs.terms[b])
        copy_values(samples.actions[k], action)
    samples.queue[k, 0] = scalars["waiting"]
    samples.queue[k, 1] = scalars["running"]
    samples.queue[k, 2] = scalars["sending"]

"""A replica of a language model: two phases of a request, its batch, and how full a pool of replicas is.

A replica either prefills one prompt or takes one step that adds a token to each answer of its batch. Whenever it ends
either, it prefills the request that has waited longest, if one waits and its batch has a slot; prompts are not cut into
chunks. Times in seconds; loads are shares of what a pool can do at full batches.
"""

import math

from odc_gym._jit import inline
from odc_gym.physics.mathematics import clip, decay_of


@inline
def stretch(kappa: float, clock: float) -> float:
    """Time of a phase over that at full clock.

    Source: time per unit of work kappa / x + 1 - kappa; prefill is bound by computing, decoding by memory (Patel et
    al., Splitwise, ISCA 2024).
    """
    return kappa / clock + 1.0 - kappa


@inline
def request_s(prefill_s: float, base_s: float, each_s: float, batch: float) -> float:
    """Time of a replica that a request takes at a batch.

    A step takes as long as reading the weights and as the contexts of its batch: linear in the batch. Source: fits to
    Patel et al., Splitwise, ISCA 2024, in `tests/validation/reference/splitwise.csv`.

    Args:
        prefill_s: of its prompt.
        base_s: of all its steps, were it alone, but for `each_s`; a batch shares it.
        each_s: what each request adds to all its steps.
        batch: requests that are decoded together.
    """
    return prefill_s + base_s / batch + each_s


@inline
def live_batch(memory_gb: float, weights_gb: float, context_gb: float, most: float) -> float:
    """Requests that fit beside the weights, each with the keys and values of a mean context, `most` at most; whole."""
    room = USABLE * memory_gb - weights_gb
    return float(math.floor(min(most, room / max(context_gb, 1e-9)))) if room > 0.0 else 0.0


USABLE = 0.9
"""Of the memory of accelerators; the rest is the engine's. Source: default of vLLM, Kwon et al., SOSP 2023."""


@inline
def residual_s(mean_s: float, scv: float) -> float:
    """Mean rest of a time at a random moment of it: E[T^2] / (2 E[T])."""
    return 0.5 * mean_s * (1.0 + scv)


@inline
def prefill_excess(load: float, rest_s: float, prefill_load: float, prefill_rest_s: float) -> float:
    """Share of a large backlog of work that is prompts which wait: how fast a backlog of prompts alone would drain.

    Both are exponential in heavy traffic, with means of rest over idle share: Kingman 1961.
    """
    return min(1.0, (1.0 - load) * prefill_rest_s / ((1.0 - prefill_load) * rest_s))


@inline
def worth_slots(batch: float, excess: float, rest_s: float, prefill_s: float, decode_rest_s: float) -> float:
    """Slots of a pool that shares everything alike which fill up as often as a batch whose prompts go first.

    Prompts that went first leave only decoding in the batch, so that the same backlog of work fills more slots.
    """
    return clip(batch / (rest_s * (excess / prefill_s + (1.0 - excess) / decode_rest_s)), 1.0, batch)


@inline
def live_requests(load: float, base: float, batch: float) -> float:
    """Mean number of live requests of a replica at a load: n of them are served at the rate of n / (base + each n).

    Args:
        load: over what full batches do.
        base: share of a request's time at a full batch that does not grow with the batch.
        batch: largest batch.
    """
    return batch * base * load / max(1.0 - load * (1.0 - base), 1e-6)


@inline
def mean_batch(step_rate: float, base_s: float, each_s: float, busy: float, prefill: float, most: float) -> float:
    """Mean batch of decode steps: what makes steps of base + each n fill the time that prefill leaves.

    Args:
        step_rate: tokens that a replica decodes in a second.
        base_s: time of a step of a batch of none.
        each_s: what a request adds to it.
        busy: share of the time that the replica is at work.
        prefill: share that it prefills.
        most: the largest batch.
    """
    left = max(busy - prefill - step_rate * each_s, 1e-3)
    return clip(step_rate * base_s / left, 1.0, most)


@inline
def late_value(starts_s: float, rate: float, target_s: float, patience_s: float) -> float:
    """Mean share of the value that is left of what comes after its target, linear until patience ends.

    Args:
        starts_s: time to the first token without a wait that is exponential.
        rate: of that wait [1/s].
        target_s: up to which it is in time, and counts 0 here.
        patience_s: from which on nothing is left.
    """
    first = max(target_s, starts_s)
    span = patience_s - first
    if span <= 0.0:
        return 0.0
    z = max(rate * span, 1e-6)
    reached = decay_of(rate * (first - starts_s))
    return reached * span / (patience_s - target_s) * max(1.0 - (1.0 - decay_of(z)) / z, 0.0)

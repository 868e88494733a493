"""Serving of a language model by a replica: the two phases of a request, the batch, and the load of a replica pool.

A replica either prefills one prompt, or takes one step that adds a token to each answer of its batch. When it ends
either, it prefills the request that has waited longest, if a request waits and its batch has a free slot. Prompts are
not cut into chunks. Times are in seconds. Loads are shares of the throughput of a pool at full batches.
"""

import math

from odc_gym.compilation.decorators import inline
from odc_gym.physics.mathematics import clip, decay_of


@inline
def stretch(kappa: float, clock: float) -> float:
    """Return the time of a phase over its time at full clock.

    Source: time per unit of work kappa / x + 1 - kappa; prefill is bound by computing, decoding by memory (Patel et
    al., Splitwise, ISCA 2024).
    """
    return kappa / clock + 1.0 - kappa


@inline
def request_s(prefill_s: float, base_s: float, each_s: float, batch: float) -> float:
    """Return the replica time that a request takes at a batch.

    A decode step takes the time to read the weights plus a time for each context, so it is linear in the batch. Source:
    fits to Patel et al., Splitwise, ISCA 2024, in `tests/validation/reference/splitwise.csv`.

    Args:
        prefill_s: prefill time of its prompt.
        base_s: time of all its steps without `each_s`; the requests of a batch share it.
        each_s: time that each request adds to all its steps.
        batch: number of requests that are decoded together.
    """
    return prefill_s + base_s / batch + each_s


@inline
def live_batch(memory_gb: float, weights_gb: float, context_gb: float, max_batch: float) -> float:
    """Return the whole number of requests that fit beside the weights, `max_batch` at most.

    Each request needs the keys and values of a mean context.
    """
    room = USABLE_MEMORY_FRAC * memory_gb - weights_gb
    return float(math.floor(min(max_batch, room / max(context_gb, 1e-9)))) if room > 0.0 else 0.0


USABLE_MEMORY_FRAC = 0.9
"""Share of accelerator memory that weights and contexts can use; the rest is the engine's.

Source: default of vLLM, Kwon et al., SOSP 2023.
"""


@inline
def residual_s(mean_s: float, scv: float) -> float:
    """Return the mean residual of a time at a random moment: E[T^2] / (2 E[T])."""
    return 0.5 * mean_s * (1.0 + scv)


@inline
def prefill_excess(load: float, rest_s: float, prefill_load: float, prefill_rest_s: float) -> float:
    """Return the share of waiting prompts in a large backlog of work.

    It is the ratio of the rates at which the backlog and a backlog of prompts alone drain. Both are exponential in
    heavy traffic, with means of residual time over idle share: Kingman 1961.
    """
    return min(1.0, (1.0 - load) * prefill_rest_s / ((1.0 - prefill_load) * rest_s))


@inline
def worth_slots(batch: float, excess: float, rest_s: float, prefill_s: float, decode_rest_s: float) -> float:
    """Return the equivalent slots of a pool that serves everything alike.

    These slots fill up as often as a batch whose prompts go first. When prompts go first, only decoding is left in the
    batch, so the same backlog of work fills more slots.
    """
    return clip(batch / (rest_s * (excess / prefill_s + (1.0 - excess) / decode_rest_s)), 1.0, batch)


@inline
def live_requests(load: float, base: float, batch: float) -> float:
    """Return the mean number of live requests of a replica at a load.

    The service rate of n requests is n / (base + each n).

    Args:
        load: load over the throughput of full batches.
        base: share of a request's time at a full batch that does not grow with the batch.
        batch: largest batch.
    """
    return batch * base * load / max(1.0 - load * (1.0 - base), 1e-6)


@inline
def mean_batch(
    step_rate: float, base_s: float, each_s: float, busy: float, prefill_frac: float, max_batch: float
) -> float:
    """Return the mean batch of decode steps.

    It is the batch at which steps of base + each n fill the time that prefill leaves.

    Args:
        step_rate: tokens that a replica decodes in a second.
        base_s: time of a step of an empty batch.
        each_s: time that each request adds to a step.
        busy: share of time in which the replica works.
        prefill_frac: share of time in which it prefills.
        max_batch: largest batch.
    """
    left = max(busy - prefill_frac - step_rate * each_s, 1e-3)
    return clip(step_rate * base_s / left, 1.0, max_batch)


@inline
def late_value(starts_s: float, rate: float, target_s: float, patience_s: float) -> float:
    """Return the mean share of value that is left to late requests.

    The value falls linearly from the target to the end of patience.

    Args:
        starts_s: time to the first token without the exponential wait.
        rate: rate of the exponential wait [1/s].
        target_s: latest time that is not late; times up to it count 0 here.
        patience_s: time from which no value is left.
    """
    first = max(target_s, starts_s)
    span = patience_s - first
    z = max(rate * span, 1e-6)
    reached = decay_of(rate * (first - starts_s))
    left = reached * span / (patience_s - target_s) * max(1.0 - (1.0 - decay_of(z)) / z, 0.0)
    return left if span > 0.0 else 0.0

"""Serving tables: queueing delays and latency attainment of services, computed before the episode.

The scalar functions of serving look values up in them. Times are in units of a request's mean prefill time. Values are
rounded because the last bits of elementary functions differ between machines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, log_ndtr, ndtr, ndtri

from odc_gym.core.layout.serving_grid import (
    LOADS,
    PREFILLS,
    PROMPTS,
    SLACKS,
    Serving,
)
from odc_gym.scenario import Scenario, ServiceClass
from odc_gym.tables.fleet.queueing_tables import DECIMALS, stored_tables
from odc_gym.workload.sizes import law_quantiles
from odc_gym.workload.traces import RequestTrace, Trace

Floats = npt.NDArray[np.float64]
Law = Callable[[Floats, Floats], Floats]

ANSWER_QUANTILES = 16  # equally likely answer lengths of a service
REQUEST_QUANTILES = 2048  # equally likely request sizes of a service
MIN_PROBABILITY = 1e-5  # smallest distance from 0 and 1 of a probability that is stored as log odds
# share of the prompts left behind in theory that do stall a request; fitted to simulated requests
STALLING_FRAC = 0.88


@dataclass(frozen=True)
class RequestSizes:
    """Distributions of the prompt and answer lengths of a service's requests.

    Attributes:
        input_tokens: prompt lengths, equally likely, ascending.
        output_tokens: answer lengths, equally likely, ascending; independent of the prompts.
    """

    input_tokens: Floats
    output_tokens: Floats

    @classmethod
    def of(cls, service: ServiceClass, trace: RequestTrace | None = None) -> RequestSizes:
        """Return the sizes of a trace if given, else those of the class's quantile functions, else lognormal ones."""
        share = (np.arange(REQUEST_QUANTILES) + 0.5) / REQUEST_QUANTILES
        if trace is not None:
            return _recorded(trace)
        if service.sizes is not None:
            sizes = service.sizes
            answers = np.maximum(law_quantiles(sizes.output_tokens, share), 1.0)
            return cls(law_quantiles(sizes.input_tokens, share), answers)
        engine = service.engine
        mean = engine.output_tokens
        answers = np.maximum(_lognormal(mean, engine.output_sigma, share), 1.0)
        return cls(_lognormal(mean * service.input_tokens_per_output, engine.input_sigma, share), answers)


@lru_cache(maxsize=8)
def _recorded(trace: RequestTrace) -> RequestSizes:
    """Return the request sizes of a trace."""
    share = (np.arange(REQUEST_QUANTILES) + 0.5) / REQUEST_QUANTILES
    prompts, answers = (np.quantile(tokens, share) for tokens in (trace.input_tokens, trace.output_tokens))
    return RequestSizes(prompts, np.maximum(answers, 1.0))


Service = tuple[ServiceClass, RequestSizes]


def services_of(scenario: Scenario, trace: Trace | None = None) -> list[Service | None]:
    """Return each service of a scenario with its request sizes, and None for classes that are no services.

    Request sizes are those of the trace if it has the class.
    """
    recorded = trace.requests if trace is not None else {}
    classes = ((name, scenario.workload.classes[name]) for name in scenario.class_names)
    return [(c, RequestSizes.of(c, recorded.get(name))) if isinstance(c, ServiceClass) else None for name, c in classes]


def _lognormal(mean: float, sigma: float, share: Floats) -> Floats:
    """Return quantiles of a lognormal law, scaled to its mean."""
    values = np.exp(sigma * ndtri(share))
    return np.asarray(values * (mean / values.mean()), np.float64)


def serving_rules(service: ServiceClass, requests: RequestSizes) -> dict[str, float]:
    """Return the parameters of a service by the name of their row of `Rules`.

    Times are at full clock on a replica of reference accelerators. The prefill yields the answer's first token; the
    steps for the other tokens take the whole decode time.
    """
    engine, width = service.engine, service.replica_accelerators
    prompt, answer = requests.input_tokens, requests.output_tokens
    steps = np.maximum(answer - 1.0, 1e-3)
    prefill_s = service.prefill_ms_per_token / 1000.0 * prompt.mean() / width
    decode_s = service.decode_ms_per_token / 1000.0 * answer.mean() / width
    context = prompt.mean() + 0.5 * (answer**2).mean() / answer.mean()  # tokens of a live request at a random time
    work_s = (prefill_s + decode_s) * width
    values = {
        "prefill_s": max(prefill_s, 1e-6),
        "prefill_scv": prompt.var() / max(prompt.mean(), 1e-9) ** 2,
        "base_s": decode_s * engine.decode_base_frac * engine.batch,
        "each_s": decode_s * (1.0 - engine.decode_base_frac),
        "decode_scv": steps.var() / steps.mean() ** 2,
        "steps": steps.mean(),
        "request_tokens": work_s / (service.accelerator_ms_per_token / 1000.0),
        "batch": float(engine.batch),
        "weights_gb": service.weights_gb,
        "context_gb": engine.kv_mb_per_token * context / 1000.0,
        "prefill_kappa": _value_or(engine.prefill_sensitivity, service.clock_sensitivity),
        "decode_kappa": _value_or(engine.decode_sensitivity, service.clock_sensitivity),
        "prefill_power": _value_or(engine.prefill_utilisation, service.utilisation) / service.utilisation,
        "decode_power": _value_or(engine.decode_utilisation, service.utilisation) / service.utilisation,
        "token_target_s": engine.token_target_s,
        "late_value": engine.late_value,
        "movable": float(engine.movable),
    }
    return {name: _rounded(value) for name, value in values.items()}


def _value_or(value: float | None, other: float) -> float:
    return other if value is None else value


def _rounded(value: float) -> float:
    return float(f"{value:.{DECIMALS}e}")


def serving_tables(services: Sequence[Service | None]) -> Serving:
    """Return the serving tables of all classes of a workload; `services` has None for classes that are no services."""
    count = len(services)
    attainment = np.zeros((count, 3, PREFILLS.size, SLACKS.size, LOADS.size))
    prompts, shares = np.zeros((count, PROMPTS + 1)), np.zeros((count, PROMPTS))
    for c, service in enumerate(services):
        if service is None:
            continue
        rules = serving_rules(*service)
        answers = service[1].output_tokens.reshape(ANSWER_QUANTILES, -1).mean(1)
        ratio = rules["token_target_s"] / rules["prefill_s"]
        attainment[c] = tpot_attainment_table(tuple(answers.tolist()), rules["prefill_scv"], rules["decode_scv"], ratio)
        prompts[c], shares[c] = prompt_bins(service[1].input_tokens, rules["prefill_s"])
    return Serving(*stored_tables(), attainment, prompts, shares)


def prompt_bins(tokens: Floats, mean_s: float) -> tuple[Floats, Floats]:
    """Return edges of bins of prefill times [s], and the share of requests in each bin; the last bins are finer."""
    levels = np.append(1.0 - np.linspace(1.0, 0.0, PROMPTS, endpoint=False) ** 1.5, 1.0)
    edges = np.quantile(tokens, levels) * mean_s / max(tokens.mean(), 1e-9)
    shares = np.round(np.diff(levels), DECIMALS)
    return np.asarray(np.round(edges, DECIMALS), np.float64), np.asarray(shares, np.float64)


@lru_cache(maxsize=32)
def tpot_attainment_table(answers: tuple[float, ...], scv: float, answer_scv: float, ratio: float) -> Floats:
    """Return the log odds that a request's time per output token stays within its target: see `Serving.paces`.

    A step takes s, and n steps must end within n T, so that prefills may take n (T - s). There are three cases:

    - A single replica does every prefill that waits when a request begins to decode or that arrives during its steps.
      More prefills arrive during each of them, which gives busy periods of an M/G/1 queue.
    - Each of many replicas takes a waiting prefill whenever it ends a step or a prefill. The number of prefills between
      two steps is geometric.
    - If all slots are busy, a prefill follows each answer that ends: a renewal process.

    The sums are represented by the probability of zero and two moments. Sources: Takacs, Introduction to the Theory of
    Queues (1962), for busy periods; Cox, Renewal Theory (1962).

    Args:
        answers: answer lengths [tokens], equally likely.
        scv: squared coefficient of variation of prefill times.
        answer_scv: squared coefficient of variation of the number of steps.
        ratio: target of the time per token over the mean prefill time at full clock.
    """
    steps = np.array(answers) - 1.0
    num_steps, target, slack, load = np.ix_(np.maximum(steps, 0.5), PREFILLS * ratio, SLACKS, LOADS)
    scv = max(scv, 1e-3)
    left = STALLING_FRAC * (load + load**2 * 0.5 * (1.0 + scv) / (1.0 - load))  # prefills that a request leaves behind
    between_steps = load / (1.0 - load) * target * (1.0 - slack)  # prefills between two steps
    during = load * num_steps * target * (1.0 - slack)  # prefills that begin a busy period during the steps
    busy, busy_square = 1.0 / (1.0 - load), (1.0 + scv) / (1.0 - load) ** 3
    share = num_steps / np.maximum(steps.mean(), 0.5)
    # variance over mean of the number of answers that end
    ended_dispersion = answer_scv + (1.0 - answer_scv) / (1.0 + share + 4.0 * share**2)
    one_replica = _compound_cdf(
        busy_period_cdf,
        num_steps * target * slack,
        np.exp(-during) * (1.0 - load),
        (during + left) * busy,
        (during + left) * busy_square + (left * busy) ** 2,
    )
    many_replicas = _compound_cdf(
        gamma_cdf,
        num_steps * target * slack,
        (1.0 + between_steps) ** -num_steps,
        num_steps * between_steps,
        num_steps * between_steps * (1.0 + scv + between_steps),
    )
    slots_full = _compound_cdf(
        gamma_cdf,
        num_steps * target * slack,
        np.exp(-num_steps * between_steps),
        num_steps * between_steps,
        num_steps * between_steps * (scv + ended_dispersion),
    )
    met = np.stack([one_replica, many_replicas, slots_full])
    met[:, steps < 0.5] = 1.0  # answers of one token have no time per token
    met[..., 0] = 1.0
    mean = np.clip(met.mean(1), MIN_PROBABILITY, 1.0 - MIN_PROBABILITY)
    return np.asarray(np.round(np.log(mean / (1.0 - mean)), DECIMALS), np.float64)


def _compound_cdf(law: Law, x: Floats, zero_probability: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return the distribution function at `x` of a sum that is 0 with probability `zero_probability`.

    Otherwise it follows `law`. Mean and variance are those of the whole sum.
    """
    nonzero_probability = np.maximum(1.0 - zero_probability, 1e-9)
    conditional_mean = np.maximum(mean / nonzero_probability, 1e-9)
    shape = conditional_mean**2 / np.maximum((variance + mean**2) / nonzero_probability - conditional_mean**2, 1e-9)
    return np.asarray(zero_probability + nonzero_probability * law(x / conditional_mean, shape), np.float64)


def gamma_cdf(x: Floats, shape: Floats) -> Floats:
    """Return the distribution function of a gamma law of mean 1 and variance 1 / shape."""
    return np.asarray(gammainc(shape, shape * x), np.float64)


def busy_period_cdf(x: Floats, shape: Floats) -> Floats:
    """Return the distribution function of busy periods of mean 1 and variance 1 / shape.

    It is two thirds of a gamma law and one third of an inverse Gaussian law.
    """
    return np.asarray((2.0 * gamma_cdf(x, shape) + inverse_gaussian_cdf(x, shape)) / 3.0, np.float64)


def inverse_gaussian_cdf(x: Floats, shape: Floats) -> Floats:
    """Return the distribution function of an inverse Gaussian law of mean 1 and variance 1 / shape.

    It is the law of first passage times, and busy periods follow it approximately.

    Source: Chhikara and Folks, The Inverse Gaussian Distribution (1989).
    """
    root = np.sqrt(shape / x)
    return np.asarray(ndtr(root * (x - 1.0)) + np.exp(2.0 * shape + log_ndtr(-root * (x + 1.0))), np.float64)

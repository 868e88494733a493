"""Tables of how long requests wait and stall, made before the episode: what the scalar laws of serving look up.

Times are in units of the mean prefill time of a request. Values are rounded, since elementary functions differ in their
last bits between machines.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaln, log_ndtr, logsumexp, ndtr, ndtri

from odc_gym.core.layout.serving_grid import (
    BASES,
    IDLE_OCTAVES,
    LOADS,
    OCTAVES,
    OFFERED,
    PREFILLS,
    PROMPTS,
    SLACKS,
    Serving,
)
from odc_gym.scenario import Scenario, ServiceClass
from odc_gym.workload.sizes import law_quantiles
from odc_gym.workload.traces import RequestTrace, Trace

Floats = npt.NDArray[np.float64]
Law = Callable[[Floats, Floats], Floats]

ANSWERS = 16  # answers of a service, equally likely
SIZES = 2048  # requests by which a service's sizes are known
DIGITS = 9
RARE = 40.0  # minus the logarithm of what never happens
SURE = 1e-5  # nearest to 0 and 1 of a chance that is kept as log odds
LEFT = 0.88  # of the prompts that wait behind a request in theory, those that stall it: set on simulated requests


@dataclass(frozen=True)
class Requests:
    """What the requests to a service are like.

    Attributes:
        input_tokens: prompts, equally likely, in order.
        output_tokens: answers, likewise; independent of the prompts.
    """

    input_tokens: Floats
    output_tokens: Floats

    @classmethod
    def of(cls, service: ServiceClass, trace: RequestTrace | None = None) -> Requests:
        """Those of a trace, those of the class's quantile functions, or lognormal ones."""
        share = (np.arange(SIZES) + 0.5) / SIZES
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
def _recorded(trace: RequestTrace) -> Requests:
    share = (np.arange(SIZES) + 0.5) / SIZES
    prompts, answers = (np.quantile(tokens, share) for tokens in (trace.input_tokens, trace.output_tokens))
    return Requests(prompts, np.maximum(answers, 1.0))


Service = tuple[ServiceClass, Requests]


def services_of(scenario: Scenario, trace: Trace | None = None) -> list[Service | None]:
    """Each class of a scenario that is a service with its requests, those of a trace if it has them; else None."""
    recorded = trace.requests if trace is not None else {}
    classes = ((name, scenario.workload.classes[name]) for name in scenario.class_names)
    return [(c, Requests.of(c, recorded.get(name))) if isinstance(c, ServiceClass) else None for name, c in classes]


def _lognormal(mean: float, sigma: float, share: Floats) -> Floats:
    """Quantiles of a lognormal law, scaled to its mean."""
    values = np.exp(sigma * ndtri(share))
    return np.asarray(values * (mean / values.mean()), np.float64)


def serving_rules(service: ServiceClass, requests: Requests) -> dict[str, float]:
    """Numbers of a service by the name of their row of `Rules`: times at full clock on a replica of the reference.

    The answer's first token comes with the prefill; the steps for the others take all of its decode time.
    """
    engine, width = service.engine, service.replica_accelerators
    prompt, answer = requests.input_tokens, requests.output_tokens
    steps = np.maximum(answer - 1.0, 1e-3)
    prefill_s = service.prefill_ms_per_token / 1000.0 * prompt.mean() / width
    decode_s = service.decode_ms_per_token / 1000.0 * answer.mean() / width
    context = prompt.mean() + 0.5 * (answer**2).mean() / answer.mean()  # of a live request, at a random moment
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
        "prefill_kappa": _or(engine.prefill_sensitivity, service.clock_sensitivity),
        "decode_kappa": _or(engine.decode_sensitivity, service.clock_sensitivity),
        "prefill_power": _or(engine.prefill_utilisation, service.utilisation) / service.utilisation,
        "decode_power": _or(engine.decode_utilisation, service.utilisation) / service.utilisation,
        "token_target_s": engine.token_target_s,
        "late_value": engine.late_value,
        "movable": float(engine.movable),
    }
    return {name: _rounded(value) for name, value in values.items()}


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}e}")


def serving_tables(services: Sequence[Service | None]) -> Serving:
    """Tables of all classes of a workload, None for those that are no services."""
    count = len(services)
    paces = np.zeros((count, 3, PREFILLS.size, SLACKS.size, LOADS.size))
    prompts, shares = np.zeros((count, PROMPTS + 1)), np.zeros((count, PROMPTS))
    for c, service in enumerate(services):
        if service is None:
            continue
        rules = serving_rules(*service)
        answers = service[1].output_tokens.reshape(ANSWERS, -1).mean(1)
        ratio = rules["token_target_s"] / rules["prefill_s"]
        paces[c] = pace_table(tuple(answers.tolist()), rules["prefill_scv"], rules["decode_scv"], ratio)
        prompts[c], shares[c] = prompt_bins(service[1].input_tokens, rules["prefill_s"])
    return Serving(wait_table(), idle_table(), paces, prompts, shares)


def prompt_bins(tokens: Floats, mean_s: float) -> tuple[Floats, Floats]:
    """Edges of bins of prefill times [s], and the share of requests in each; the last bins are finer."""
    levels = np.append(1.0 - np.linspace(1.0, 0.0, PROMPTS, endpoint=False) ** 1.5, 1.0)
    edges = np.quantile(tokens, levels) * mean_s / max(tokens.mean(), 1e-9)
    return np.asarray(np.round(edges, DIGITS), np.float64), np.asarray(np.round(np.diff(levels), DIGITS), np.float64)


@lru_cache(maxsize=1)
def wait_table() -> Floats:
    """Minus the logarithm of the probability that all servers are taken: see `Serving.waits`.

    Prefill: Erlang's delay formula. Slots: the number of requests in a pool that serves n of them at the rate
    n / (base + each n) is negative binomial, whatever the law of their work, since the pool is shared alike; beyond the
    slots, requests wait in order and their number is geometric. Sources: Cohen, The multiple phase service network with
    generalized processor sharing, Acta Informatica 12 (1979); Avi-Itzhak and Halfin, Expected response times in a
    non-symmetric time sharing queue with a limited number of service positions, ITC 12 (1988).
    """
    table = np.full((1 + BASES.size, OCTAVES, LOADS.size), RARE)
    for octave in range(OCTAVES):
        servers = 2**octave
        for k, load in enumerate(LOADS[1:], 1):
            table[0, octave, k] = -math.log(_delayed(servers, load))
            for i, base in enumerate(BASES):
                table[1 + i, octave, k] = min(RARE, _full(servers, load, base))
    return np.round(table, DIGITS)


def _delayed(servers: int, load: float) -> float:
    """Probability that all servers are taken: Erlang's delay formula."""
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * servers * blocked / (k + load * servers * blocked)
    return max(blocked / (1.0 - load * (1.0 - blocked)), math.exp(-RARE))


def _full(slots: int, load: float, base: float) -> float:
    """Minus the logarithm of the probability that all slots are taken.

    `base` is the share of a request's time that it takes on its own.
    """
    shape, growth = 1.0 + slots * base / (1.0 - base), load * (1.0 - base)
    n = np.arange(slots + 1)
    logs = gammaln(n + shape) - gammaln(n + 1.0) + n * np.log(growth)
    return float(logsumexp(np.append(logs[:-1], logs[-1] - np.log(1.0 - load))) - logs[-1] + np.log(1.0 - load))


@lru_cache(maxsize=1)
def idle_table() -> Floats:
    """Minus the logarithm of the share of replicas that are idle: see `Serving.idles`.

    One replica is idle where a pool that shares alike is empty: negative binomial. Of many, requests find an idle one
    while there is one, and share those at work alike. That leaves too few idle, since batches end unevenly: an excess
    that in large pools is a number of replicas, not a share. Its size was set on simulated requests; it makes shares of
    time at work right to 0.02.
    """
    table = np.full((IDLE_OCTAVES, OFFERED.size, LOADS.size), RARE)
    table[:, 0] = 0.0
    for octave in range(IDLE_OCTAVES):
        for i, offered in enumerate(OFFERED[1:], 1):
            for j, growth in enumerate(LOADS):
                share = _idle(2**octave, float(offered), min(float(growth), float(offered)))
                table[octave, i, j] = -math.log(max(share, math.exp(-RARE)))
    return np.round(table, DIGITS)


def _idle(replicas: int, offered: float, growth: float) -> float:
    """Share of replicas that are idle, see `idle_table`.

    Args:
        replicas: of the pool.
        offered: replicas' worth of work, were each request decoded alone, over replicas.
        growth: of that, what grows with the batch.
    """
    growing = max(growth / offered, 1e-6)
    one = math.exp(math.log1p(-offered * growing) / growing)
    if replicas == 1:
        return one
    k = np.arange(1, 60 * replicas + 1)
    each = np.maximum(k / replicas, 1.0)
    logs = np.append(0.0, np.cumsum(np.log(offered * replicas * (1.0 - growing + growing * each) / k)))
    chances = np.exp(logs - logs.max())
    alike = float((np.maximum(1.0 - np.arange(k.size + 1) / replicas, 0.0) * chances).sum() / chances.sum())
    uneven = max(one - alike, 0.0)
    return min(alike + uneven * (1.0 + 9.0 * max(1.0 - 4.0 / replicas, 0.0) * uneven) / replicas, one)


@lru_cache(maxsize=32)
def pace_table(answers: tuple[float, ...], scv: float, answer_scv: float, ratio: float) -> Floats:
    """Log odds that a request's time per token stays within its target: see `Serving.paces`.

    A step takes s, and n steps are to be done within n T: prefills may take n (T - s) of it. One replica alone does
    every prefill itself: those that wait when a request begins to decode and those that come during its steps, each
    with all that come during it: busy periods of an M/G/1 queue. Of many replicas, each takes a prefill that waits
    whenever it ends a step or a prefill: a geometric number between two steps. Where all slots are taken, a prefill
    follows each answer that ends, a renewal process. Of the sums, the chance of nothing and two moments are kept.
    Sources: Takacs, Introduction to the Theory of Queues (1962), for busy periods; Cox, Renewal Theory (1962).

    Args:
        answers: tokens of answers, equally likely.
        scv: squared coefficient of variation of prefill times.
        answer_scv: the same of the steps of answers.
        ratio: target of the time per token over the mean prefill time at full clock.
    """
    steps = np.array(answers) - 1.0
    n, target, slack, load = np.ix_(np.maximum(steps, 0.5), PREFILLS * ratio, SLACKS, LOADS)
    scv = max(scv, 1e-3)
    left = LEFT * (load + load**2 * 0.5 * (1.0 + scv) / (1.0 - load))  # prefills that a request leaves behind
    often = load / (1.0 - load) * target * (1.0 - slack)  # prefills between two steps
    during = load * n * target * (1.0 - slack)  # prefills that begin a busy period during the steps
    busy, busy_square = 1.0 / (1.0 - load), (1.0 + scv) / (1.0 - load) ** 3
    share = n / np.maximum(steps.mean(), 0.5)
    ends = answer_scv + (1.0 - answer_scv) / (1.0 + share + 4.0 * share**2)  # variance over mean of answers that end
    alone = _below(
        between,
        n * target * slack,
        np.exp(-during) * (1.0 - load),
        (during + left) * busy,
        (during + left) * busy_square + (left * busy) ** 2,
    )
    many = _below(gamma_law, n * target * slack, (1.0 + often) ** -n, n * often, n * often * (1.0 + scv + often))
    full = _below(gamma_law, n * target * slack, np.exp(-n * often), n * often, n * often * (scv + ends))
    met = np.stack([alone, many, full])
    met[:, steps < 0.5] = 1.0  # answers of one token have no time per token
    met[..., 0] = 1.0
    mean = np.clip(met.mean(1), SURE, 1.0 - SURE)
    return np.asarray(np.round(np.log(mean / (1.0 - mean)), DIGITS), np.float64)


def _below(law: Law, x: Floats, nothing: Floats, mean: Floats, variance: Floats) -> Floats:
    """Distribution function at `x` of a sum that is 0 with probability `nothing`, else follows a law of two moments."""
    some = np.maximum(1.0 - nothing, 1e-9)
    given = np.maximum(mean / some, 1e-9)
    shape = given**2 / np.maximum((variance + mean**2) / some - given**2, 1e-9)
    return np.asarray(nothing + some * law(x / given, shape), np.float64)


def gamma_law(x: Floats, shape: Floats) -> Floats:
    """Distribution function of a gamma law of mean 1 and variance 1 / shape."""
    return np.asarray(gammainc(shape, shape * x), np.float64)


def between(x: Floats, shape: Floats) -> Floats:
    """Busy periods lie between a gamma and an inverse Gaussian law: two parts of the one and one of the other."""
    return np.asarray((2.0 * gamma_law(x, shape) + inverse_gaussian(x, shape)) / 3.0, np.float64)


def inverse_gaussian(x: Floats, shape: Floats) -> Floats:
    """The same of an inverse Gaussian law: of first passage times, which busy periods are nearly.

    Source: Chhikara and Folks, The Inverse Gaussian Distribution (1989).
    """
    root = np.sqrt(shape / x)
    return np.asarray(ndtr(root * (x - 1.0)) + np.exp(2.0 * shape + log_ndtr(-root * (x + 1.0))), np.float64)

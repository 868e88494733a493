"""Token demand of a service, and the demand that its autoscaler plans with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt

from odc_gym.constants import HOUR_S, MINUTE_S
from odc_gym.scenario import CLASS_ORDER, ServiceClass, Workload
from odc_gym.workload.arrivals import fluid_approximation
from odc_gym.workload.arrivals.factors import hourly_factors
from odc_gym.workload.arrivals.profile import daily_profile, second_of_day
from odc_gym.workload.jobs import Floats
from odc_gym.workload.sizes import token_moments
from odc_gym.workload.streams import Period, Purpose, class_stream
from odc_gym.workload.surges import RateWindow, mean_rate_factor
from odc_gym.workload.traces import RequestTrace, replay, replay_as_is

TOKEN_GRID = 1024.0  # steps of the grid in a token; running sums stay exact
PLANNING_WINDOW_S = 900.0
CHUNK_REQUESTS = 2**20  # requests that are summed at once

Tokens = npt.NDArray[np.int32]


def draw_demand(
    service_class: ServiceClass,
    class_index: int,
    workload: Workload,
    seed: int,
    start: datetime,
    before_s: float,
    after_s: float,
    step_s: float,
    surges: Sequence[RateWindow] = (),
) -> Floats:
    """Draw the output tokens that arrive for a service in each physics step.

    The demand is drawn minute by minute, whatever the step: mean x profile x slow factor x noise. The slow factor has
    the hourly distribution and autocorrelation of job arrivals. It is interpolated between hours, since the demand of
    many users has no jumps; half-way between two hours its variance is therefore lower. The noise is white lognormal
    with mean 1 and standard deviation `demand_noise`. A service with `arrivals` draws requests instead: see
    `_request_demand`. Each step takes its share of the minutes that it covers, so no token is lost.

    Args:
        service_class: mean rate.
        class_index: index of the class among the workload's classes in the order of class axes.
        workload: profile, regions, burstiness and scale.
        seed: seed of the episode.
        start: start of the episode, UTC.
        before_s: time from the begin of the first step to the start [s].
        after_s: length of the episode [s].
        step_s: length of a step [s].
        surges: windows in which the demand is multiplied.

    Returns:
        (T,) tokens a step, T = (before_s + after_s) / step_s.
    """
    name = [n for n in CLASS_ORDER if n in workload.classes][class_index]
    steps = round((before_s + after_s) / step_s)
    first_h, last_h = -math.ceil(before_s / HOUR_S), math.ceil((steps * step_s - before_s) / HOUR_S)
    edge_s = first_h * HOUR_S + MINUTE_S * np.arange(60 * (last_h - first_h) + 1, dtype=np.float64)
    period = Period(workload, seed, start, before_s, steps * step_s - before_s, surges)
    minute_demand = _request_demand if service_class.arrivals else _population_demand
    rate = minute_demand(name, service_class, period, edge_s)
    total = np.concatenate([[0.0], np.cumsum(np.rint(rate * TOKEN_GRID) / TOKEN_GRID)])
    step_edge_s = -before_s + step_s * np.arange(steps + 1)
    tokens: Floats = np.maximum(np.diff(np.interp(step_edge_s, edge_s, total)), 0.0)
    return tokens


def _population_demand(name: str, service_class: ServiceClass, period: Period, edge_s: Floats) -> Floats:
    """Draw the tokens of each minute from a population of many users, (edges - 1,)."""
    workload, seed = period.workload, period.seed
    middle_s = edge_s[:-1] + MINUTE_S / 2
    utc_h = (second_of_day(period.start) + middle_s) / HOUR_S
    rate = daily_profile(workload.profile, list(workload.regions.values()), utc_h)
    hour_s = np.append(edge_s[:-1:60], edge_s[-1])
    slow = hourly_factors(workload.burst, class_stream(seed, Purpose.DEMAND_HOURS, name), hour_s.size)
    rate *= np.interp(middle_s, hour_s, slow)
    if workload.burst.demand_noise > 0:
        variance = math.log1p(workload.burst.demand_noise**2)
        normal = class_stream(seed, Purpose.DEMAND_NOISE, name).standard_normal(middle_s.size)
        rate *= np.exp(math.sqrt(variance) * normal - variance / 2)
    rate *= service_class.output_tokens_per_min * workload.rate_scale
    rate *= mean_rate_factor(period.surges, name, edge_s[:-1], MINUTE_S)
    return rate


def _request_demand(name: str, service_class: ServiceClass, period: Period, edge_s: Floats) -> Floats:
    """Draw the tokens of each minute from requests with arrivals and sizes of their own, (edges - 1,).

    Let a minute have n expected requests, whose counts have the variance d n, and sizes of mean m and variance v. The
    tokens then have the mean n m and the variance n (v + d m^2). They are drawn from the gamma distribution with these
    two moments. The mean rate is that of the class, whatever its sizes.

    Source: variance of a random sum, Klugman, Panjer and Willmot, Loss Models, 4th ed. (2012), section 9.3.
    """
    assert service_class.arrivals is not None and service_class.sizes is not None  # a service has both or neither
    mean, variance = token_moments(service_class, service_class.sizes)
    expected, scatter = fluid_approximation(service_class.arrivals, name, period, edge_s)
    expected *= service_class.output_tokens_per_min * period.workload.rate_scale / mean
    expected *= mean_rate_factor(period.surges, name, edge_s[:-1], MINUTE_S)
    scale = variance / mean + scatter * mean
    tokens = class_stream(period.seed, Purpose.DEMAND_NOISE, name).standard_gamma(expected * (mean / scale)) * scale
    return np.asarray(tokens, np.float64)


def replay_demand(
    service_class: ServiceClass,
    trace: RequestTrace,
    workload: Workload,
    seed: int,
    start: datetime,
    before_s: float,
    after_s: float,
    step_s: float,
    surges: Sequence[RateWindow] = (),
) -> Floats:
    """Replay the demand of a service from a trace.

    The trace is scaled to the service's share of the load, unless it is replayed as it was recorded.

    Args:
        service_class: mean rate, and accelerator time of a request.
        trace: recorded requests.
        workload: scale of all rates.
        seed: seed of the episode.
        start: start of the episode, UTC.
        before_s: time from the begin of the first step to the start [s].
        after_s: length of the episode [s].
        step_s: length of a step [s].
        surges: windows in which the demand is multiplied.

    Returns:
        (T,) output tokens a step, T = (before_s + after_s) / step_s: the sum over the requests that arrive in the step.

    Raises:
        TraceError: the trace is too small to be scaled.
    """
    steps = round((before_s + after_s) / step_s)
    after_s = steps * step_s - before_s
    if trace.recorded is None:
        offered_per_min = _total_tokens(trace, service_class) / trace.span_s * MINUTE_S
        ratio = service_class.output_tokens_per_min * workload.rate_scale / offered_per_min
        rows = replay(trace, ratio, seed, second_of_day(start), before_s, after_s)
    else:
        rows, surges = replay_as_is(trace, seed, before_s, after_s), ()
    step = np.floor((rows.arrival_s + before_s) / step_s).astype(np.int64)
    tokens = equivalent_tokens(service_class, trace.input_tokens[rows.row], trace.output_tokens[rows.row])
    arrived = np.asarray(np.bincount(step, tokens, steps), np.float64)
    factor = mean_rate_factor(surges, trace.class_name, step_s * np.arange(steps, dtype=np.float64) - before_s, step_s)
    return np.asarray(np.rint(arrived * factor * TOKEN_GRID) / TOKEN_GRID)


def _total_tokens(trace: RequestTrace, service_class: ServiceClass) -> float:
    """Return the equivalent tokens of all requests.

    A long trace is summed in chunks, whose sums are exact on the token grid.
    """
    parts = range(0, trace.submit_s.size, CHUNK_REQUESTS)
    chunks = ((trace.input_tokens[k : k + CHUNK_REQUESTS], trace.output_tokens[k : k + CHUNK_REQUESTS]) for k in parts)
    return math.fsum(float(equivalent_tokens(service_class, *tokens).sum()) for tokens in chunks)


def equivalent_tokens(service_class: ServiceClass, input_tokens: Tokens, output_tokens: Tokens) -> Floats:
    """Convert requests to the unit of their service: an output token with its mean input.

    Args:
        service_class: accelerator time of that unit and of an input token.
        input_tokens: (N,) tokens of the prompts.
        output_tokens: (N,) tokens of the answers.

    Returns:
        (N,) tokens of the same accelerator time, on the token grid.
    """
    work_ms = service_class.prefill_ms_per_token * input_tokens + service_class.decode_ms_per_token * output_tokens
    return np.rint(work_ms / service_class.accelerator_ms_per_token * TOKEN_GRID) / TOKEN_GRID


def planning_demand(tokens: Floats, step_s: float = MINUTE_S) -> Floats:
    """Return the demand that an autoscaler plans with.

    It is the larger of the current step's demand and the mean of the last 15 minutes.

    Args:
        tokens: (T,) tokens a step.
        step_s: length of a step [s].

    Returns:
        (T,) tokens a step. Each value depends on its own and earlier steps only. The first means cover fewer steps.
    """
    window = max(1, round(PLANNING_WINDOW_S / step_s))
    total = np.concatenate([[0.0], np.cumsum(tokens)])
    last = np.arange(1, tokens.size + 1)
    first = np.maximum(last - window, 0)
    planned: Floats = np.maximum(tokens, (total[last] - total[first]) / (last - first))
    return planned

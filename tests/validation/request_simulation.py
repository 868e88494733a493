"""Replicas of a language model request by request and step by step, with none of the formulas of the simulation.

Requests wait in one line. A replica that ends a prefill or a step looks at it: if its batch has a slot, it prefills the
prompt that waits longest, whole; else it takes a step, which adds a token to each answer of its batch. A request that
finds replicas idle goes to the one that became so last.
"""

from dataclasses import dataclass

import numba
import numpy as np

SIZES = {"conversation": ((1155.0, 0.7), (211.0, 0.95)), "code": ((2048.0, 0.9), (28.0, 1.0))}
"""Lognormal tokens of prompts and answers: mean, and standard deviation of the logarithm."""
OTHERS = {
    "even": ((1000.0, 0.35), (150.0, 0.4)),
    "essay": ((700.0, 0.9), (350.0, 0.9)),
    "chat": ((900.0, 0.6), (260.0, 0.8)),
    "question": ((1400.0, 0.8), (170.0, 1.0)),
    "summary": ((1500.0, 0.7), (80.0, 0.9)),
    "extract": ((2200.0, 1.0), (50.0, 0.7)),
    "completion": ((1800.0, 0.8), (36.0, 0.9)),
    "edit": ((2400.0, 0.95), (24.0, 1.1)),
}
"""Requests on which the constants of the laws were set."""
NEVER = 2**60  # steps
IDLE, STEPS = -2, -1  # what a replica does, if it does not prefill a request


@dataclass(frozen=True)
class Engine:
    """Times of a replica [s] and its largest batch."""

    prefill_s: float  # of an input token
    base_s: float  # of a decode step
    each_s: float  # that each request of the batch adds
    batch: int


@dataclass(frozen=True)
class Served:
    """Results of N requests: seconds to the first token, seconds per further token, 0 where there is none."""

    first_s: np.ndarray
    pace_s: np.ndarray
    end_s: np.ndarray
    busy: float  # share of the time up to the last arrival that replicas worked


def serve(engine: Engine, replicas: int, arrival_s: np.ndarray, prompts: np.ndarray, answers: np.ndarray) -> Served:
    """Serve requests: (N,) times of arrival in order, tokens of prompts, tokens of answers."""
    first, end, worked = _played(
        engine.base_s, engine.each_s, engine.batch, replicas, arrival_s, engine.prefill_s * prompts, answers
    )
    pace = (end - first) / np.maximum(answers - 1, 1)
    return Served(first - arrival_s, pace, end, worked / (replicas * arrival_s[-1]))


@numba.njit
def _played(base_s, each_s, batch, replicas, arrival_s, prefill_s, answers):
    """Return times of first tokens and of ends, (N,), and the busy time of replicas up to the last arrival."""
    count, last = len(arrival_s), arrival_s[-1]
    first, end = np.zeros(count), np.zeros(count)
    free_s, does, steps = np.full(replicas, np.inf), np.full(replicas, IDLE), np.zeros(replicas, np.int64)
    live, last_step = np.zeros((replicas, batch), np.int64), np.zeros((replicas, batch), np.int64)
    size, soonest = np.zeros(replicas, np.int64), np.full(replicas, NEVER)
    idle, idles = np.arange(replicas), replicas
    worked, come, taken = 0.0, 0, 0
    while True:
        r = np.argmin(free_s)
        now = free_s[r]
        if come < count and arrival_s[come] < now:
            now = arrival_s[come]
            come += 1
            if idles == 0:
                continue
            idles -= 1
            r = idle[idles]
        elif now == np.inf:
            return first, end, worked
        elif does[r] == STEPS:
            steps[r] += 1
            if soonest[r] <= steps[r]:
                size[r] = _ended(live[r], last_step[r], size[r], steps[r], now, end)
                soonest[r] = min(last_step[r, : size[r]]) if size[r] else NEVER
        else:
            request = does[r]
            first[request] = end[request] = now
            if answers[request] > 1:
                live[r, size[r]], last_step[r, size[r]] = request, steps[r] + answers[request] - 1
                soonest[r] = min(soonest[r], last_step[r, size[r]])
                size[r] += 1
        # the replica looks at the line
        if taken < come and size[r] < batch:
            does[r], takes = taken, prefill_s[taken]
            taken += 1
        elif size[r] > 0:
            does[r], takes = STEPS, base_s + each_s * size[r]
        else:
            does[r], free_s[r], idle[idles] = IDLE, np.inf, r
            idles += 1
            continue
        worked += max(min(takes, last - now), 0.0)
        free_s[r] = now + takes


@numba.njit
def _ended(live, last_step, size, step, now, end):
    """Return the requests of a batch that end with this step, and the number of the others."""
    left = 0
    for k in range(size):
        if last_step[k] <= step:
            end[live[k]] = now
        else:
            live[left], last_step[left] = live[k], last_step[k]
            left += 1
    return left


def lognormal(random: np.random.Generator, mean: float, sigma: float, count: int) -> np.ndarray:
    """Draw whole numbers of tokens, at least one, (N,)."""
    return np.maximum(1, np.rint(mean * np.exp(sigma * random.standard_normal(count) - sigma**2 / 2))).astype(int)

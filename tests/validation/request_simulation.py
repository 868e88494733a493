"""Replicas of a language model request by request and step by step, with none of the formulas of the simulation.

Requests wait in one line. A replica that ends a prefill or a step looks at it: if its batch has a slot, it prefills the
prompt that waits longest, whole; else it takes a step, which adds a token to each answer of its batch.
"""

import heapq
from collections import deque
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Engine:
    """Times of a replica [s] and its largest batch."""

    prefill_s: float  # of an input token
    base_s: float  # of a decode step
    each_s: float  # that each request of the batch adds
    batch: int


@dataclass(frozen=True)
class Served:
    """What became of N requests: seconds to the first token, seconds per further token, 0 where there is none."""

    first_s: np.ndarray
    pace_s: np.ndarray
    end_s: np.ndarray
    busy: float  # share of the time up to the last arrival that replicas worked


def serve(engine: Engine, replicas: int, arrival_s: np.ndarray, prompts: np.ndarray, answers: np.ndarray) -> Served:
    """Serve requests: (N,) times of arrival in order, tokens of prompts, tokens of answers."""
    count = len(arrival_s)
    first, end = np.zeros(count), np.zeros(count)
    arrivals, prefills, tokens = arrival_s.tolist(), (engine.prefill_s * prompts).tolist(), answers.tolist()
    line: deque[int] = deque()
    batches: list[list[tuple[int, int]]] = [[] for _ in range(replicas)]  # step of the last token, request
    steps, prefilled, idle = [0] * replicas, [-1] * replicas, list(range(replicas))
    events: list[tuple[float, int]] = []
    worked, come, last = 0.0, 0, arrivals[-1]

    def go_on(replica: int, now: float) -> None:
        nonlocal worked
        batch = batches[replica]
        if line and len(batch) < engine.batch:
            prefilled[replica] = line.popleft()
            takes = prefills[prefilled[replica]]
        elif batch:
            prefilled[replica] = -1
            takes = engine.base_s + engine.each_s * len(batch)
        else:
            idle.append(replica)
            return
        worked += takes if now + takes <= last else max(last - now, 0.0)
        heapq.heappush(events, (now + takes, replica))

    while events or come < count:
        if events and (come == count or events[0][0] <= arrivals[come]):
            now, replica = heapq.heappop(events)
            request = prefilled[replica]
            if request >= 0:
                first[request] = end[request] = now
                if tokens[request] > 1:
                    heapq.heappush(batches[replica], (steps[replica] + tokens[request] - 1, request))
            else:
                steps[replica] += 1
                while batches[replica] and batches[replica][0][0] <= steps[replica]:
                    end[heapq.heappop(batches[replica])[1]] = now
            go_on(replica, now)
        else:
            line.append(come)
            now = arrivals[come]
            come += 1
            if idle:
                go_on(idle.pop(), now)
    pace = (end - first) / np.maximum(answers - 1, 1)
    return Served(first - arrival_s, pace, end, worked / (replicas * last))


def lognormal(random: np.random.Generator, mean: float, sigma: float, count: int) -> np.ndarray:
    """Whole numbers of tokens, one at least, (N,)."""
    return np.maximum(1, np.rint(mean * np.exp(sigma * random.standard_normal(count) - sigma**2 / 2))).astype(int)

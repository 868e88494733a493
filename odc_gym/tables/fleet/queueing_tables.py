"""Queueing tables that are the same for all services: probabilities that all servers are busy, and idle replicas.

`python -m odc_gym.tables.fleet.queueing_tables` computes them and writes them to a file of the package, because they
take a third of the time of the first step.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from odc_gym.core.layout.serving_grid import BASES, IDLE_OCTAVES, LOADS, OCTAVES, OFFERED

Floats = npt.NDArray[np.float64]
FILE = Path(__file__).with_suffix(".npz")
DECIMALS = 9  # digits to which values are rounded
MAX_NEG_LOG = 40.0  # minus the logarithm of a probability that counts as 0


@lru_cache(maxsize=1)
def stored_tables() -> tuple[Floats, Floats]:
    """Return the results of `wait_table` and `idle_table` from the file of the package."""
    with np.load(FILE) as tables:
        return tables["waits"], tables["idles"]


def wait_table() -> Floats:
    """Return minus the logarithm of the probability that all servers are busy: see `Serving.waits`.

    Prefill follows Erlang's delay formula. The pool of slots serves n requests at the rate n / (base + each n). Their
    number is negative binomial for any distribution of work, because the pool is shared equally. Beyond the slots,
    requests wait in order and their number is geometric. Sources: Cohen, The multiple phase service network with
    generalized processor sharing, Acta Informatica 12 (1979); Avi-Itzhak and Halfin, Expected response times in a
    non-symmetric time sharing queue with a limited number of service positions, ITC 12 (1988).
    """
    table = np.full((1 + BASES.size, OCTAVES, LOADS.size), MAX_NEG_LOG)
    for octave in range(OCTAVES):
        servers = 2**octave
        for k, load in enumerate(LOADS[1:], 1):
            table[0, octave, k] = -math.log(_erlang_delay(servers, load))
            for i, base in enumerate(BASES):
                table[1 + i, octave, k] = min(MAX_NEG_LOG, _slots_full_neg_log(servers, load, base))
    return np.round(table, DECIMALS)


def _erlang_delay(servers: int, load: float) -> float:
    """Return the probability that all servers are busy: Erlang's delay formula."""
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * servers * blocked / (k + load * servers * blocked)
    return max(blocked / (1.0 - load * (1.0 - blocked)), math.exp(-MAX_NEG_LOG))


def _slots_full_neg_log(slots: int, load: float, base: float) -> float:
    """Return minus the logarithm of the probability that all slots are busy.

    Args:
        slots: number of slots of the pool.
        load: utilisation of the pool.
        base: share of a request's step time that does not grow with the batch.
    """
    from scipy.special import gammaln, logsumexp  # nothing else here needs it

    shape, growth = 1.0 + slots * base / (1.0 - base), load * (1.0 - base)
    n = np.arange(slots + 1)
    logs = gammaln(n + shape) - gammaln(n + 1.0) + n * np.log(growth)
    return float(logsumexp(np.append(logs[:-1], logs[-1] - np.log(1.0 - load))) - logs[-1] + np.log(1.0 - load))


def idle_table() -> Floats:
    """Return minus the logarithm of the share of idle replicas: see `Serving.idles`.

    A single replica is idle when a pool that is shared equally is empty; the number of requests is negative binomial.
    With many replicas, requests take an idle one if there is one. When none is idle, the model spreads requests equally
    over the busy replicas. That gives too few idle replicas, because batches end unevenly. The function adds the
    excess, which in large pools is a number of replicas, not a share. Its size is fitted to simulated requests. With
    it, the share of busy time is right to 0.02.
    """
    table = np.full((IDLE_OCTAVES, OFFERED.size, LOADS.size), MAX_NEG_LOG)
    table[:, 0] = 0.0
    for octave in range(IDLE_OCTAVES):
        for i, offered in enumerate(OFFERED[1:], 1):
            for j, growth in enumerate(LOADS):
                share = _idle_frac(2**octave, float(offered), min(float(growth), float(offered)))
                table[octave, i, j] = -math.log(max(share, math.exp(-MAX_NEG_LOG)))
    return np.round(table, DECIMALS)


def _idle_frac(replicas: int, offered: float, growth: float) -> float:
    """Return the share of idle replicas, see `idle_table`.

    Args:
        replicas: number of replicas of the pool.
        offered: offered work as a fraction of the replicas, if each request were decoded alone.
        growth: part of `offered` that grows with the batch.
    """
    growing = max(growth / offered, 1e-6)
    one_replica = math.exp(math.log1p(-offered * growing) / growing)
    if replicas == 1:
        return one_replica
    k = np.arange(1, 60 * replicas + 1)
    each = np.maximum(k / replicas, 1.0)
    logs = np.append(0.0, np.cumsum(np.log(offered * replicas * (1.0 - growing + growing * each) / k)))
    chances = np.exp(logs - logs.max())
    even_share = float((np.maximum(1.0 - np.arange(k.size + 1) / replicas, 0.0) * chances).sum() / chances.sum())
    excess = max(one_replica - even_share, 0.0)
    return min(even_share + excess * (1.0 + 9.0 * max(1.0 - 4.0 / replicas, 0.0) * excess) / replicas, one_replica)


if __name__ == "__main__":
    np.savez_compressed(FILE, waits=wait_table(), idles=idle_table())

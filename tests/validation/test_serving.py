"""Shares of requests that meet their targets beside request-level simulations, `reference/requests.csv`."""

import functools
from pathlib import Path

import numpy as np
import pytest
from comparison import compares
from request_simulation import Engine, lognormal, serve
from serving_rig import MINUTE_S, ServingRig, service

from odc_gym.simulation.serving_tables import Requests
from odc_gym.simulation.work import G

FOLDER = Path(__file__).parent / "reference"
AZURE = Path(__file__).parents[2].parent / "shared" / "traces" / "azure_llm_2023"
TABLE = np.genfromtxt(FOLDER / "requests.csv", delimiter=",", names=True, dtype=None, encoding="utf8")
ORACLE = "requests one by one, steps one by one"
SIZES = {"conversation": ((1155.0, 0.7), (211.0, 0.95)), "code": ((2048.0, 0.9), (28.0, 1.0))}


def quantiles(tokens):
    return np.quantile(tokens, (np.arange(2048) + 0.5) / 2048)


@functools.cache
def rig(kind):
    """A service of the requests of a kind."""
    if kind.startswith("azure"):
        file = next(AZURE.glob(f"{kind.removeprefix('azure-')}*.csv"))
        rows = np.genfromtxt(file, delimiter=",", skip_header=1, usecols=(1, 2), dtype=int)
        tokens = rows[:, 0], np.maximum(rows[:, 1], 1)
    else:
        random = np.random.default_rng(20270)
        tokens = tuple(lognormal(random, *law, 200_000) for law in SIZES[kind])
    return ServingRig(service(), Requests(*(quantiles(t) for t in tokens)))


def ours(rows):
    """First token, time per token and both in time, and the share of the time that replicas work, (N, 4)."""
    found = [rig(r["requests"]).steady(float(r["replicas"]), float(r["clock"]), float(r["load"])) for r in rows]
    return np.array(found)[:, [1, 2, 3, 6]]


@functools.cache
def both_sides(kind, least, most):
    """Our shares and the simulation's at loads between two, (N, 4) each."""
    rows = TABLE[(TABLE["requests"] == kind) & (TABLE["load"] >= least) & (TABLE["load"] <= most)]
    return ours(rows), np.array([[r[name] for name in ("first", "pace", "both", "busy")] for r in rows])


def side(kind, column, least=0.3, most=0.95):
    mine, theirs = both_sides(kind, least, most)
    return mine[:, column], theirs[:, column]


@compares("Services", "first tokens in 2 s, conversation, 1 to 32 replicas, loads of 0.3 to 0.95", "", ORACLE, 0.03)
def test_first_tokens_of_a_conversation():
    """Catches a wait for slots that forgets how answers vary, and a prefill that does not slow with the clock."""
    return side("conversation", 0)


@compares("Services", "time per token in 0.2 s, the same", "", ORACLE, 0.05, mean_tolerance=0.015)
def test_pace_of_a_conversation():
    """Catches a batch that prefills do not interrupt."""
    return side("conversation", 1)


@compares("Services", "both targets, the same", "", ORACLE, 0.07, mean_tolerance=0.015)
def test_both_targets_of_a_conversation():
    return side("conversation", 2)


@compares("Services", "first tokens in 2 s, code: long prompts, short answers", "", ORACLE, 0.05, mean_tolerance=0.015)
def test_first_tokens_of_code():
    """Catches a wait for the prefill of others that is left out: with short answers it is all there is."""
    return side("code", 0)


@compares("Services", "time per token in 0.2 s, the same", "", ORACLE, 0.06, mean_tolerance=0.015)
def test_pace_of_code():
    """Catches stalls that are taken to be shared by all replicas alike."""
    return side("code", 1)


@compares("Services", "share of the time that replicas work, conversation and code", "", ORACLE, 0.06)
def test_time_at_work():
    """Catches a power that is proportional to the load: replicas that decode small batches work nearly all the time."""
    return [np.concatenate(parts) for parts in zip(side("conversation", 3), side("code", 3), strict=True)]


@pytest.mark.skipif(not AZURE.is_dir(), reason="the traces are not here")
@pytest.mark.parametrize("kind", ["azure-conv", "azure-code"])
def test_recorded_requests(kind):
    """Catches laws that hold for lognormal requests alone."""
    mine, theirs = both_sides(kind, 0.0, 1.0)
    assert abs(mine - theirs)[:, :3].max() < 0.05
    assert abs(mine - theirs)[:, :3].mean() < 0.02


@compares(
    "Services", "first tokens in 2 s over an hour with ten minutes of 1.3 times capacity", "", ORACLE, 0.06,
    note="batches that fill hold an overload off for a minute or so, which the fluid does not know",
)  # fmt: skip
def test_overload_that_passes():
    """Catches a backlog that is forgotten, or that keeps requests late after it is gone."""
    here = rig("conversation")
    replicas, per_s = 8, here.pool(8, 1.0)[1]
    rate = per_s * np.where((np.arange(60) >= 20) & (np.arange(60) < 30), 1.3, 0.6)
    out = here.serve(replicas, 1.0, rate * MINUTE_S)
    rule, random = here.rules[:, 0], np.random.default_rng(5)
    steps = rule[G.steps]
    engine = Engine(0.0004, rule[G.base_s] / steps, rule[G.each_s] / steps, 32)
    found = []
    for _ in range(2):
        counts = random.poisson(rate * MINUTE_S)
        arrival_s = np.sort(np.repeat(np.arange(60), counts) * MINUTE_S + random.uniform(0.0, MINUTE_S, counts.sum()))
        prompts, answers = (lognormal(random, *law, len(arrival_s)) for law in SIZES["conversation"])
        found.append((serve(engine, replicas, arrival_s, prompts, answers).first_s <= 2.0).mean())
    return (out[:, 0] * out[:, 1]).sum() / out[:, 0].sum(), np.mean(found)

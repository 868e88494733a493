"""Rig that plays a pool of replicas of one service through the compiled serving model, without satellites."""

import functools

import numpy as np
from fields import RULES

from odc_gym.compilation.array_types import Float64x1, Float64x2
from odc_gym.compilation.kernel import kernel
from odc_gym.compilation.reference import by_reference, rows_of
from odc_gym.core.layout.serving_grid import PROMPTS, Serving, serving_of
from odc_gym.core.layout.work import Rules
from odc_gym.core.serving.services import served_in
from odc_gym.core.serving.slo_model import PROMPT_ROWS, Pool
from odc_gym.physics.serving import request_s, stretch
from odc_gym.scenario import Scenario, ServiceClass
from odc_gym.tables.fleet.parameters import rules_block
from odc_gym.tables.fleet.serving_tables import RequestSizes, serving_tables

MINUTE_S = 60.0


@kernel
def play(
    rules: Float64x2, serving: Serving, replicas: float, rate: float, prefill: float, decode: float, slots: float,
    latency_s: float, arrivals: Float64x1, out: Float64x2, terms: Float64x2,
) -> None:  # fmt: skip
    """Serve requests by a pool of replicas, minute by minute.

    `arrivals` (T,) holds the requests that arrive in each minute. `out` (T, 8) receives, for each minute, the fields
    `requests`, `ttft_met`, `tpot_met`, `slo_met`, `value_frac`, `prefill` and `busy` of the outcome, then the backlog.
    """
    named_rules, tables = rows_of(Rules, rules), by_reference(serving_of(serving, 0))
    pool = Pool(replicas, rate, prefill, decode, slots, latency_s)
    backlog = load = 0.0
    for t in range(arrivals.shape[0]):
        requests = backlog + arrivals[t]
        outcome = served_in(named_rules, tables, 0, pool, load, backlog, requests, MINUTE_S, terms)
        load = outcome.load
        backlog = requests - outcome.requests
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = (
            outcome.requests,
            outcome.ttft_met,
            outcome.tpot_met,
            outcome.slo_met,
        )
        out[t, 4], out[t, 5], out[t, 6], out[t, 7] = outcome.value_frac, outcome.prefill, outcome.busy, backlog


@functools.cache
def service(**engine) -> ServiceClass:
    """Return the service of `starter12` with changed parameters of its engine."""
    paths = {f"workload.classes.interactive.engine.{name}": value for name, value in engine.items()}
    return Scenario.load("starter12").replace(paths).workload.classes["interactive"]


class ServingRig:
    """Service with given request sizes; `serve` and `steady` play a pool of replicas on the reference accelerator."""

    def __init__(self, own: ServiceClass, requests: RequestSizes) -> None:
        scenario = Scenario.load("starter12")
        block = rules_block(
            scenario, 8, [None if name != "interactive" else (own, requests) for name in scenario.class_names]
        )
        self.rules = block[:, [scenario.class_names.index("interactive")]].copy()
        self.serving = Serving(*(table[None] for table in serving_tables([(own, requests)])))

    def pool(self, replicas: float, clock: float, slots: int | None = None) -> tuple[float, ...]:
        """Return the fields of a `Pool` of replicas at a clock, without latency; `slots` limits the batch."""
        rule = self.rules[:, 0]
        batch = rule[RULES.batch] if slots is None else float(slots)
        prefill, decode = (stretch(rule[k], clock) for k in (RULES.prefill_kappa, RULES.decode_kappa))
        takes = request_s(
            prefill * rule[RULES.prefill_s], decode * rule[RULES.base_s], decode * rule[RULES.each_s], batch
        )
        return replicas, replicas / takes, prefill, decode, batch

    def serve(
        self, replicas: float, clock: float, arrivals, latency_s: float = 0.0, slots: int | None = None
    ) -> np.ndarray:
        """Return the outcome of each minute, (T, 8), for the requests that arrive in it, (T,); see `play`."""
        out = np.zeros((len(arrivals), 8))
        pool = self.pool(replicas, clock, slots)
        arrivals, terms = np.asarray(arrivals, float), np.empty((PROMPT_ROWS, PROMPTS))
        play(self.rules, self.serving, *pool, latency_s, arrivals, out, terms)
        return out

    def steady(
        self, replicas: float, clock: float, load: float, latency_s: float = 0.0, slots: int | None = None
    ) -> np.ndarray:
        """Return the outcome of a minute in the steady state, (8,), at a load relative to the capacity of the pool."""
        arrivals = np.full(240, load * self.pool(replicas, clock, slots)[1] * MINUTE_S)
        return self.serve(replicas, clock, arrivals, latency_s, slots)[-1]

"""Comparisons with made-up results, whose waterfall and energy flow close, for tests of reports."""

import numpy as np

from odc_gym.evaluation.results import Comparison, SchedulerResult
from odc_gym.scenario import Scenario
from odc_gym.simulator.energy_flow import EnergyFlow
from odc_gym.simulator.waterfall import IN_TIME, LOSSES, NAMEPLATE

HOSTILE = "<script>alert(1)</script> `x` | [a](b) *c* & \"d\" 'e'"
"""Name that must appear as text, and never as markup."""


def waterfall(rng, n):
    parts = {loss.name: rng.uniform(0.0, 100.0, n) for loss in LOSSES}
    whole = np.full(n, 2304.0)
    return {NAMEPLATE: whole, **parts, IN_TIME: whole - sum(parts.values())}


def energy(rng, n):
    """Parts of an energy flow [kWh] that hold the balances of `simulator.energy_flow`."""
    use = {name: rng.uniform(50.0, 400.0, n) for name in ("compute", "bus", "heaters", "conversion", "battery_loss")}
    stored, faded, warmed = rng.uniform(-50.0, 50.0, n), rng.uniform(0.0, 1.0, n), rng.uniform(-9.0, 9.0, n)
    heat = sum(use.values())
    used, absorbed, residual = heat + stored + faded, rng.uniform(100.0, 300.0, n), rng.uniform(-0.1, 0.1, n)
    curtailed = rng.uniform(0.0, 100.0, n)
    parts = use | {
        "available": used + curtailed, "used": used, "curtailed": curtailed, "faded": faded, "stored": stored,
        "through_battery": rng.uniform(50.0, 100.0, n), "heat": heat, "absorbed": absorbed, "warmed": warmed,
        "residual": residual, "radiated": heat + absorbed - warmed - residual,
    }  # fmt: skip
    return {name: parts[name] for name in EnergyFlow._fields}


def metrics(rng, n, gain):
    """Headline KPIs and those of classes; late jobs rise with the gain, so that the best is worse at them."""
    shares = {f"slo_{name}": rng.uniform(0.5, 0.9, n) for name in ("interactive", "finetuning", "batch")}
    works = {f"work_{name}_accelerator_h": rng.uniform(100.0, 500.0, n) for name in ("interactive", "batch")}
    return {
        "work_accelerator_h": 1500.0 + rng.normal(0.0, 5.0, n), "value": 1900.0 + rng.normal(0.0, 5.0, n),
        "lost_accelerator_h": rng.uniform(0.0, 3.0, n),
        "deadline_miss_frac": 0.1 + 0.02 * gain + rng.normal(0.0, 0.001, n),
        "wait_p95_h": np.where(np.arange(n) % 3 == 0, np.nan, 7.0), "energy_wh_per_accelerator_h": np.full(n, 900.0),
        "curtailed_solar_frac": rng.uniform(0.0, 0.1, n), "charge_least_frac": rng.uniform(0.3, 0.6, n),
        "junction_most_c": rng.uniform(70.0, 90.0, n), "degree_h": rng.uniform(0.0, 3.0, n), "link_gb": np.full(n, 9e3),
        "tokens_interactive": np.full(n, 1e9), "wait_p50_h": np.ones(n), **shares, **works,
    }  # fmt: skip


def comparison(names=("full-clock", "zero", "good"), episodes=12, scenario=None, groups=None, absent=None):
    """Schedulers whose scores rise by 2 points from name to name."""
    rng = np.random.default_rng(0)
    hard = rng.normal(75.0, 8.0, episodes)
    results = {}
    for gain, name in enumerate(names):
        score = hard + 2.0 * gain + rng.normal(0.0, 0.5, episodes)
        terms = {"compute": score + 1.0, "stored_energy": np.full(episodes, -1.0)}
        tables = (metrics(rng, episodes, gain), waterfall(rng, episodes), energy(rng, episodes))
        results[name] = SchedulerResult(score, terms, *tables)
    return Comparison(
        scenario or Scenario.load("starter12"),
        np.arange(10_000, 10_000 + episodes),
        results,
        rng.uniform(0.9, 1.3, episodes),
        None,
        groups or {},
        absent or {},
    )

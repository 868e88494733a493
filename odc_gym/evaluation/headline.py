"""Headline KPIs of a comparison: a dozen figures of work, service, energy, batteries, heat and network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from odc_gym.evaluation.results import Array
from odc_gym.evaluation.summary import known_mean

_KPIS: tuple[tuple[str, str, float], ...] = (
    ("work: done, accelerator-h", "work_accelerator_h", 1.0),
    ("work: value", "value", 1.0),
    ("work: lost, accelerator-h", "lost_accelerator_h", 1.0),
    ("service: jobs late, %", "deadline_miss_frac", 100.0),
    ("service: wait (p95), h", "wait_p95_h", 1.0),
    ("energy: Wh per accelerator-h", "energy_wh_per_accelerator_h", 1.0),
    ("energy: sunlight unused, %", "curtailed_solar_frac", 100.0),
    ("battery: least charge, %", "charge_least_frac", 100.0),
    ("battery: life, years", "years_to_80_percent", 1.0),
    ("battery: sheds", "sheds", 1.0),
    ("heat: hottest chip, C", "junction_most_c", 1.0),
    ("heat: over limit, K h", "degree_h", 1.0),
    ("network: moved, TB", "link_gb", 1e-3),
)
"""Label with unit, KPI, and factor from its unit to that of the label. Groups come before the colon."""
_SERVICES_AFTER = "lost_accelerator_h"  # the shares of services begin the group "service"
_TOKENS = "tokens_"


def services(metrics: Mapping[str, Array]) -> list[str]:
    """Return the classes that serve tokens."""
    return [name.removeprefix(_TOKENS) for name in metrics if name.startswith(_TOKENS)]


def tokens(metrics: Mapping[str, Array]) -> Array | None:
    """Return the tokens that all services served, (N,), or None without services."""
    served = [metrics[_TOKENS + name] for name in services(metrics)]
    return sum(served[1:], served[0]) if served else None


def headline_kpis(tables: Sequence[Mapping[str, Array]]) -> list[tuple[str, list[float]]]:
    """Return label and means over episodes of each headline KPI, one mean a scheduler.

    Args:
        tables: KPIs by name, (N,) each, of every scheduler. A KPI that the episodes lack is omitted.
    """
    found = []
    for label, key, factor in _figures(tables[0]):
        if all(key in table for table in tables):
            found.append((label, [factor * known_mean(table[key]) for table in tables]))
    return found


def _figures(metrics: Mapping[str, Array]) -> Iterator[tuple[str, str, float]]:
    """Yield the rows of `_KPIS` with those of the services."""
    for row in _KPIS:
        yield row
        if row[1] == _SERVICES_AFTER:
            yield from ((f"service: {name}, %", f"slo_{name}", 100.0) for name in services(metrics))

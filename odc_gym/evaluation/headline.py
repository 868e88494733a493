"""Headline KPIs of a comparison: a dozen figures of work, service, energy, batteries, heat and network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from odc_gym.evaluation.results import Array
from odc_gym.evaluation.summary import known_mean


class HeadlineKpi(NamedTuple):
    """One headline KPI."""

    label: str  # with its unit; the group comes before the colon
    key: str  # name of the KPI
    factor: float  # from the unit of the KPI to that of the label
    better: int  # 1: more is better, -1: less is better, 0: neither


_KPIS = (
    HeadlineKpi("work: done, accelerator-h", "work_accelerator_h", 1.0, 1),
    HeadlineKpi("work: value", "value", 1.0, 1),
    HeadlineKpi("work: lost, accelerator-h", "lost_accelerator_h", 1.0, -1),
    HeadlineKpi("service: jobs late, %", "deadline_miss_frac", 100.0, -1),
    HeadlineKpi("service: wait (p95), h", "wait_p95_h", 1.0, -1),
    HeadlineKpi("energy: Wh per accelerator-h", "energy_wh_per_accelerator_h", 1.0, -1),
    HeadlineKpi("energy: sunlight unused, %", "curtailed_solar_frac", 100.0, -1),
    HeadlineKpi("battery: least charge, %", "charge_least_frac", 100.0, 1),
    HeadlineKpi("battery: life, years", "years_to_80_percent", 1.0, 1),
    HeadlineKpi("battery: sheds", "sheds", 1.0, -1),
    HeadlineKpi("heat: hottest chip, C", "junction_most_c", 1.0, -1),
    HeadlineKpi("heat: over limit, K h", "degree_h", 1.0, -1),
    HeadlineKpi("network: moved, TB", "link_gb", 1e-3, 0),
)
_SERVICES_AFTER = "lost_accelerator_h"  # the shares of services begin the group "service"
_TOKENS = "tokens_"


def services(metrics: Iterable[str]) -> list[str]:
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
    for label, key, factor, _ in headline_figures(tables[0]):
        if all(key in table for table in tables):
            found.append((label, [factor * known_mean(table[key]) for table in tables]))
    return found


def headline_figures(metrics: Iterable[str]) -> Iterator[HeadlineKpi]:
    """Yield the headline KPIs, with those of the services among the names of KPIs `metrics`."""
    for row in _KPIS:
        yield row
        if row.key == _SERVICES_AFTER:
            yield from (HeadlineKpi(f"service: {name}, %", f"slo_{name}", 100.0, 1) for name in services(metrics))

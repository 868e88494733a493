"""Report of disturbances in a scenario's episodes: outages, losses, weather, surges and scripted events."""

from __future__ import annotations

from odc_gym.constants import HOUR_S, YEAR_H
from odc_gym.scenario import ScriptedEvent, Surges
from odc_gym.scenario.surges import UniformRange
from odc_gym.scenario_check.report_row import ReportRow
from odc_gym.tables.fleet.fleet_model import FleetModel


def fault_report(fleet: FleetModel) -> list[ReportRow]:
    """Return expected values of the disturbances that a scenario enables; no rows for a calm scenario."""
    rows = _failure_rows(fleet) if fleet.scenario.faults.enabled else []
    surges = fleet.scenario.workload.surges
    if surges.per_week > 0.0:
        rows.append(ReportRow("surges", surges.per_week, "1/week", f"of {', '.join(surges.classes) or 'all classes'}"))
        rows.append(ReportRow("work that surges add", added_frac(surges), "", "of what their classes offer otherwise"))
    return rows + [
        ReportRow(f"event {_clock(fleet, event)}", event.what, "", _event_fields(event))
        for event in fleet.scenario.events
    ]


def _failure_rows(fleet: FleetModel) -> list[ReportRow]:
    """Return expected outages, losses, bad weather and safe mode."""
    faults, rows = fleet.scenario.faults, []
    for name, rate, hours in (
        ("satellites out", faults.outages.per_satellite_year, faults.outages.mean_hours),
        ("optical terminals out", faults.links.outages_per_link_year, faults.links.mean_minutes / 60.0),
    ):
        if rate > 0.0:
            down = rate * hours / YEAR_H
            a_day = fleet.satellites * rate * 24.0 / YEAR_H / (1.0 + down)
            rows.append(
                ReportRow(name, down / (1.0 + down), "", f"of the time; {a_day:.3g} outages a day of the fleet")
            )
    if faults.loss.per_satellite_year > 0.0:
        lost = fleet.satellites * faults.loss.per_satellite_year / YEAR_H * fleet.clock.episode_s / HOUR_S
        rows.append(ReportRow("satellites lost", lost, "1/episode", "expected, of those that still fly"))
    if faults.weather.bad_frac > 0.0 and fleet.scenario.network.ground is not None:
        note = f"of the time, over each ground site, for {faults.weather.mean_hours:g} h on average"
        rows.append(ReportRow("bad weather", faults.weather.bad_frac, "", note))
    if faults.safe_mode.sheds > 0:
        note = f"after {faults.safe_mode.sheds} sheds within {faults.safe_mode.within_h:g} h"
        rows.append(ReportRow("safe mode", faults.safe_mode.hours, "h", note))
    return rows


def added_frac(surges: Surges) -> float:
    """Return the mean work that surges add, relative to the work that arrives without them."""
    return surges.per_week * _midpoint(surges.hours) / (7 * 24.0) * (_midpoint(surges.factor) - 1.0)


def _midpoint(between: UniformRange) -> float:
    return 0.5 * (between.low + between.high)


def _clock(fleet: FleetModel, event: ScriptedEvent) -> str:
    minutes = round(event.begin_s(fleet.scenario.start.epoch) / 60.0)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _event_fields(event: ScriptedEvent) -> str:
    """Return the fields of an event in one line."""
    fields = event.model_dump(exclude={"at", "what"}, exclude_defaults=True)
    return ", ".join(f"{name} {' '.join(map(str, v)) if isinstance(v, tuple) else v}" for name, v in fields.items())

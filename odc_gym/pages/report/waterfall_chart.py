"""Chart of the waterfall: bars from the nameplate to the work in time, of the best scheduler and of a rival."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from odc_gym.pages.report.numbers import WIDTH, figure, percent
from odc_gym.simulator.waterfall import GROUPS, IN_TIME, LOSSES, NAMEPLATE

SHOWN_FRAC = 5e-5  # share of the nameplate below which a part is left out


class Bar(NamedTuple):
    """Bar of one scheduler; places are 0 to `numbers.WIDTH`."""

    at: float
    width: float


class WaterfallRow(NamedTuple):
    """Row of the chart: a total, a group of losses, or one loss."""

    label: str
    kind: str  # total, group or part
    group: int  # number of the group, -1 for a total
    bars: tuple[Bar, ...]  # of the best scheduler, then of the rival
    values: tuple[str, ...]
    shares: tuple[str, ...]  # of the nameplate


def waterfall_rows(doc: Mapping[str, Any], names: Sequence[str]) -> list[WaterfallRow]:
    """Return the rows of the chart; none if the document has no waterfall.

    Groups are sums of their parts. A part that is small for all schedulers shown is left out of the rows, but not of
    its group.

    Args:
        doc: document of a comparison.
        names: schedulers to show, one or two.
    """
    parts = [doc["agents"][name].get("waterfall_accelerator_h", {}) for name in names]
    if not all(parts):
        return []
    rows = [_total("Nameplate, all the time", parts, NAMEPLATE)]
    levels = [each[NAMEPLATE] for each in parts]
    for number, group in enumerate(GROUPS):
        losses = [loss for loss in LOSSES if loss.group == group]
        sums = [sum(each[loss.name] for loss in losses) for each in parts]
        rows.append(_loss(group, "group", number, levels, sums, parts))
        at = list(levels)
        for loss in losses:
            values = [each[loss.name] for each in parts]
            if any(abs(v) > SHOWN_FRAC * each[NAMEPLATE] for v, each in zip(values, parts, strict=True)):
                rows.append(_loss(loss.label, "part", number, at, values, parts))
            at = [level - value for level, value in zip(at, values, strict=True)]
        levels = [level - value for level, value in zip(levels, sums, strict=True)]
    return [*rows, _total("Delivered in time", parts, IN_TIME)]


def _total(label: str, parts: Sequence[Mapping[str, float]], name: str) -> WaterfallRow:
    values = [each[name] for each in parts]
    return WaterfallRow(
        label,
        "total",
        -1,
        tuple(Bar(0.0, _place(value, each)) for value, each in zip(values, parts, strict=True)),
        tuple(figure(value, 0) for value in values),
        tuple(percent(value / each[NAMEPLATE], 1) for value, each in zip(values, parts, strict=True)),
    )


def _loss(
    label: str,
    kind: str,
    group: int,
    levels: Sequence[float],
    values: Sequence[float],
    parts: Sequence[Mapping[str, float]],
) -> WaterfallRow:
    """Return the row of a loss that begins at `levels`; a negative one, a gain, extends to the right."""
    bars = []
    for level, value, each in zip(levels, values, parts, strict=True):
        left, right = sorted((level - value, level))
        bars.append(Bar(_place(left, each), round(_place(right, each) - _place(left, each), 2)))
    return WaterfallRow(
        label,
        kind,
        group,
        tuple(bars),
        tuple(figure(-value, 0 if abs(value) >= 10 else 1) for value in values),
        tuple(percent(value / each[NAMEPLATE], 1) for value, each in zip(values, parts, strict=True)),
    )


def _place(value: float, parts: Mapping[str, float]) -> float:
    return round(WIDTH * value / parts[NAMEPLATE], 2)

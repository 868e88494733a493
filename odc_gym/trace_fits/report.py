"""Statistics of a trace and of the generator fitted to it, by name and side by side."""

from __future__ import annotations

import math
from statistics import median

from odc_gym.trace_fits.generator import FittedGenerator, draw_segment, size_samples
from odc_gym.trace_fits.segment import Recording, TraceSegment, window_lengths
from odc_gym.trace_fits.statistics import (
    QUANTILES,
    coefficient_of_variation,
    days_of_week,
    dispersion,
    hours_of_day,
    ks_distance,
    peak_to_trough,
    quantiles,
)

DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MASS_NAMES = {"jobs": "GPU time", "requests": "tokens"}
Statistics = dict[str, float]
NUM_DRAWS = 9  # draws of a generator; the medians of their statistics are reported


def segment_statistics(segment: TraceSegment, windows_s: tuple[float, ...]) -> Statistics:
    """Compute the statistics of a segment by name, with the unit in the name.

    A statistic that needs a longer segment is left out.

    Args:
        segment: recorded or drawn segment.
        windows_s: windows of the dispersion [s].
    """
    statistics = {"arrivals [1/h]": segment.rate_per_h, "gap CV": coefficient_of_variation(segment.gaps_s)}
    statistics |= {f"dispersion at {w:g} s": dispersion(segment.counts_per_window(w)) for w in windows_s}
    statistics["peak/trough of the day"] = peak_to_trough(segment)
    if not math.isnan(statistics["peak/trough of the day"]):
        hours = hours_of_day(segment)
        statistics |= {f"hours {h:02}-{h + 4:02} over mean": float(hours[h : h + 4].mean()) for h in range(0, 24, 4)}
    days = days_of_week(segment)
    if days is not None:
        statistics |= {f"{name} over mean": float(day) for name, day in zip(DAY_NAMES, days, strict=True)}
    mass_name = MASS_NAMES["jobs" if "work_s" in segment.sizes else "requests"]
    for name, sizes in segment.sizes.items():
        statistics[f"{name} mean"] = float((sizes.value * sizes.frequency).sum() / sizes.frequency.sum())
        for by_mass, end in ((False, ""), (True, f" of {mass_name}")):
            values = quantiles(sizes, by_mass)
            statistics |= {f"{name} p{q * 100:g}{end}": float(v) for q, v in zip(QUANTILES, values, strict=True)}
    if "width" in segment.sizes:
        statistics |= _shares_of_widths(segment, mass_name)
    return {name: value for name, value in statistics.items() if not math.isnan(value)}


def trace_statistics(trace: Recording, segment: TraceSegment) -> Statistics:
    """Compute the statistics of a segment, with the rows and the span of the whole trace."""
    _, windows_s = window_lengths(trace.span_s)
    return {
        "rows": float(trace.submit_s.size),
        "span [h]": trace.span_s / 3600.0,
        **segment_statistics(segment, windows_s),
    }


def compare_statistics(
    statistics: Statistics, segment: TraceSegment, generator: FittedGenerator
) -> dict[str, tuple[float | None, float | None]]:
    """Return the statistics of a trace and of a generator by name, and the distances of their size distributions.

    Args:
        statistics: statistics of the trace.
        segment: segment that they were computed from.
        generator: generator fitted to that segment.
    """
    sizes = size_samples(generator)
    _, windows_s = window_lengths(segment.span_s)
    draws = [segment_statistics(draw_segment(generator, segment, sizes, seed), windows_s) for seed in range(NUM_DRAWS)]
    generated = {name: median(draw[name] for draw in draws) for name in draws[0]}
    compared = {
        name: (statistics.get(name), generated.get(name))
        for name in [*statistics, *(n for n in generated if n not in statistics)]
    }
    for name, drawn_size in sizes.items():
        for by_mass in (False, True):
            label = f"KS of {name}" + (", by mass" if by_mass else "")
            compared[label] = (None, ks_distance(drawn_size, segment.sizes[name], by_mass))
    return compared


def _shares_of_widths(segment: TraceSegment, mass_name: str) -> Statistics:
    """Compute the shares of jobs and of their accelerator time by width, in powers of two."""
    sizes, statistics = segment.sizes["width"], {}
    upper = 1
    while upper <= max(1.0, float(sizes.value.max())):
        in_range = (sizes.value > upper // 2) & (sizes.value <= upper)
        if in_range.any():
            mass = sizes.frequency * sizes.mass
            name = f"width {upper}" if upper <= 2 else f"width {upper // 2 + 1}-{upper}"
            statistics[f"{name}: share of jobs"] = float(sizes.frequency[in_range].sum() / sizes.frequency.sum())
            statistics[f"{name}: share of {mass_name}"] = float(mass[in_range].sum() / mass.sum())
        upper *= 2
    return statistics

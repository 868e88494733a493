"""What is told of a trace and of the generator fitted to it: their statistics as named figures, side by side."""

from __future__ import annotations

import math
from statistics import median

from odc_gym.trace_fits.generator import Generator, drawn, drawn_sizes
from odc_gym.trace_fits.part import Part, Recording, windows_of
from odc_gym.trace_fits.statistics import (
    QUANTILES,
    days_of_week,
    dispersion,
    distance,
    hours_of_day,
    peak_over_trough,
    quantiles,
    variation,
)

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MASS = {"jobs": "GPU time", "requests": "tokens"}
Figures = dict[str, float]
DRAWS = 9  # of a generator, of whose figures the medians are told


def figures(part: Part, windows_s: tuple[float, ...]) -> Figures:
    """Statistics of a part by name, with the unit in the name; what the part is too short for is left out.

    Args:
        part: recorded or drawn.
        windows_s: of the dispersion [s].
    """
    told = {"arrivals [1/h]": part.rate_per_h, "gap CV": variation(part.gaps_s)}
    told |= {f"dispersion at {w:g} s": dispersion(part.over(w)) for w in windows_s}
    told["peak/trough of the day"] = peak_over_trough(part)
    if not math.isnan(told["peak/trough of the day"]):
        hours = hours_of_day(part)
        told |= {f"hours {h:02}-{h + 4:02} over mean": float(hours[h : h + 4].mean()) for h in range(0, 24, 4)}
    days = days_of_week(part)
    if days is not None:
        told |= {f"{name} over mean": float(day) for name, day in zip(DAYS, days, strict=True)}
    what = MASS["jobs" if "work_s" in part.sizes else "requests"]
    for name, sizes in part.sizes.items():
        told[f"{name} mean"] = float((sizes.value * sizes.often).sum() / sizes.often.sum())
        for by_mass, end in ((False, ""), (True, f" of {what}")):
            values = quantiles(sizes, by_mass)
            told |= {f"{name} p{q * 100:g}{end}": float(v) for q, v in zip(QUANTILES, values, strict=True)}
    if "width" in part.sizes:
        told |= _shares_of_widths(part, what)
    return {name: value for name, value in told.items() if not math.isnan(value)}


def trace_figures(trace: Recording, part: Part) -> Figures:
    """Statistics of a trace, with what only a file has."""
    _, windows_s = windows_of(trace.span_s)
    return {"rows": float(trace.submit_s.size), "span [h]": trace.span_s / 3600.0, **figures(part, windows_s)}


def side_by_side(told: Figures, part: Part, generator: Generator) -> dict[str, tuple[float | None, float | None]]:
    """Figures of a trace and of a generator by name, and how far the distributions of sizes are from each other.

    Args:
        told: of the trace.
        part: what they were taken from.
        generator: fitted to it.
    """
    sizes = drawn_sizes(generator)
    _, windows_s = windows_of(part.span_s)
    draws = [figures(drawn(generator, part, sizes, seed), windows_s) for seed in range(DRAWS)]
    ours = {name: median(draw[name] for draw in draws) for name in draws[0]}
    both = {name: (told.get(name), ours.get(name)) for name in [*told, *(n for n in ours if n not in told)]}
    for name, drawn_size in sizes.items():
        for by_mass in (False, True):
            label = f"KS of {name}" + (", by mass" if by_mass else "")
            both[label] = (None, distance(drawn_size, part.sizes[name], by_mass))
    return both


def _shares_of_widths(part: Part, what: str) -> Figures:
    """Share of jobs and of their accelerator time by width, in powers of two."""
    sizes, told = part.sizes["width"], {}
    top = 1
    while top <= max(1.0, float(sizes.value.max())):
        here = (sizes.value > top // 2) & (sizes.value <= top)
        if here.any():
            mass = sizes.often * sizes.mass
            name = f"width {top}" if top <= 2 else f"width {top // 2 + 1}-{top}"
            told[f"{name}: share of jobs"] = float(sizes.often[here].sum() / sizes.often.sum())
            told[f"{name}: share of {what}"] = float(mass[here].sum() / mass.sum())
        top *= 2
    return told

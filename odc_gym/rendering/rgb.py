"""Picture of the fleet: a tile for each satellite, and the queue by class.

Tiles are bright in sunlight and dark in eclipse. Their bars show charge, heat, clock and load in this order. The
colours are those of Okabe and Ito, which people with any kind of colour vision can tell apart.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from odc_gym.rendering.canvas import Canvas, Colour, text_width
from odc_gym.rendering.snapshot import Snapshot

WIDTH, HEIGHT, MARGIN, GAP = 960, 600, 12, 6
HEADER, QUEUE_LINE = 52, 20
PAGE, INK, FAINT, LINE = (250, 250, 247), (28, 32, 38), (110, 116, 124), (205, 208, 210)
DAY, NIGHT, OUT = (255, 243, 201), (44, 56, 86), (160, 163, 168)
SUN, ALARM = (230, 159, 0), (213, 94, 0)
DAY_INK, NIGHT_INK, NIGHT_TRACK = INK, (236, 240, 246), (12, 16, 26)
CHARGE, HEAT, CLOCK = (0, 158, 115), (213, 94, 0), (120, 128, 140)
CLASSES: dict[str, Colour] = {
    "pretraining": (240, 228, 66),
    "finetuning": (0, 114, 178),
    "batch": (230, 159, 0),
    "interactive": (204, 121, 167),
    "edge": (86, 180, 233),
}
COLD_K, HOT_K = -60.0, 10.0
"""Ends of a heat bar: junction temperature relative to its limit."""
LARGE, MEDIUM, SMALL = (200, 108), (100, 56), 24
"""Least width and height of tiles with numbers beside the bars and with labels, and least height with a title."""
LONGEST_NAME = 28
"""Characters of the scenario's name that fit beside the date."""
LABELS = ("CHARGE", "HEAT", "CLOCK", "LOAD")


def picture_of(snapshot: Snapshot) -> NDArray[np.uint8]:
    """Return one environment as a picture, (600, 960, 3) uint8."""
    canvas = Canvas(WIDTH, HEIGHT, PAGE)
    _header(canvas, snapshot)
    top = HEIGHT - MARGIN - QUEUE_LINE * (len(snapshot.class_names) + 1)
    _queue(canvas, snapshot, top)
    columns, rows = grid(snapshot.satellites, WIDTH - 2 * MARGIN, top - HEADER - GAP)
    width, height = (WIDTH - 2 * MARGIN + GAP) / columns, (top - HEADER) / rows
    for s in range(snapshot.satellites):
        left, upper = MARGIN + (s % columns) * width, HEADER + (s // columns) * height
        _tile(canvas, snapshot, s, (round(left), round(upper), round(width - GAP), round(height - GAP)))
    return canvas.pixels


def grid(count: int, width: float, height: float, aspect: float = 2.0) -> tuple[int, int]:
    """Return the numbers of columns and rows of a grid whose tiles are about `aspect` times as wide as high."""

    def misfit(columns: int) -> float:
        rows = math.ceil(count / columns)
        empty = columns * rows - count
        return abs(math.log(width / columns / (height / rows) / aspect)) + 2.0 * empty / count

    columns = min(range(1, count + 1), key=misfit)
    return columns, math.ceil(count / columns)


def _header(canvas: Canvas, snapshot: Snapshot) -> None:
    """Draw scenario, episode, time, score, and the elapsed share of the episode."""
    canvas.text(MARGIN, 10, snapshot.scenario[:LONGEST_NAME], INK, 2)
    canvas.text(MARGIN, 29, f"EPISODE {snapshot.episode}", FAINT)
    middle = f"{snapshot.now:%Y-%m-%d  %H:%M} UTC"
    canvas.text((WIDTH - text_width(middle, 2)) / 2, 10, middle, INK, 2)
    done = f"{_hours(snapshot.elapsed.total_seconds())} OF {_hours(snapshot.length.total_seconds())} H"
    canvas.text((WIDTH - text_width(done, 1)) / 2, 29, done, FAINT)
    canvas.text_to(WIDTH - MARGIN, 10, f"SCORE {snapshot.score:.2f}", INK, 2)
    canvas.text_to(WIDTH - MARGIN, 29, "100 = SUSTAINABLE OUTPUT OF THE EPISODE", FAINT)
    canvas.rectangle(MARGIN, 41, WIDTH - 2 * MARGIN, 3, LINE)
    canvas.rectangle(MARGIN, 41, (WIDTH - 2 * MARGIN) * (snapshot.elapsed / snapshot.length), 3, INK)


def _hours(seconds: float) -> str:
    return f"{int(seconds // 3600)}:{round(seconds % 3600 / 60):02d}"


def _tile(canvas: Canvas, snapshot: Snapshot, s: int, box: tuple[int, int, int, int]) -> None:
    """Draw a satellite: its number and state, and as much of its bars as the size of the tile allows."""
    x, y, width, height = box
    seen, state = snapshot.observation, snapshot.states[s]
    lit = bool(seen["sunlit_frac"][s] >= 0.5)
    alarm = state in ("OUT", "TRIP", "SHED")
    ink = DAY_INK if lit or state == "OUT" else NIGHT_INK
    canvas.rectangle(x, y, width, height, OUT if state == "OUT" else DAY if lit else NIGHT)
    canvas.frame(x, y, width, height, 3 if alarm else 1, ALARM if alarm else SUN if lit else NIGHT)
    large, medium = (width >= w and height >= h for w, h in (LARGE, MEDIUM))
    scale, pad = (2, 8) if large else (1, 4)
    title = pad + 7 * scale + pad if height >= SMALL else 2
    if height >= SMALL:
        word = state.upper() if medium or alarm else ""
        canvas.text(x + pad, y + pad, str(s), ink, scale)
        if text_width(f"{s} {word}", scale) <= width - 2 * pad:
            canvas.text_to(x + width - pad, y + pad, word, ink, scale)
    labels = text_width(LABELS[0], 1) + 6 if medium else 0
    values = text_width("-00 K", 2) + 8 if large else 0
    step = (height - 2 - title) / len(LABELS)
    left, span = x + pad + labels, width - 2 * pad - labels - values
    for k, label in enumerate(LABELS):
        upper, thick = y + title + k * step, max(step - (8 if large else 2), 1)
        if medium:
            canvas.text(x + pad, upper + (thick - 7) / 2, label, ink)
        _bar(canvas, snapshot, s, k, (left, upper, span, thick), ink)
        if large:
            value = _value(snapshot, s, k)
            size = 2 if text_width(value, 2) <= values - 8 else 1
            canvas.text_to(x + width - pad, upper + (thick - 7 * size) / 2, value, ink, size)


def _bar(
    canvas: Canvas, snapshot: Snapshot, s: int, k: int, box: tuple[float, float, float, float], ink: Colour
) -> None:
    """Draw one bar: charge and its floor, heat and the limit, clock and the sustainable clock, or load by class."""
    x, y, width, height = box
    seen, design = snapshot.observation, snapshot.design
    canvas.rectangle(x, y, width, height, PAGE if ink == DAY_INK else NIGHT_TRACK)
    parts: list[tuple[float, Colour]]
    mark: float | None = None
    if k == 0:
        parts, mark = [(float(seen["charge_frac"][s]), CHARGE)], float(design["floor_frac"][s])
    elif k == 1:
        excess = float(seen["junction_k"][s] - design["limit_k"][s])
        parts, mark = [((excess - COLD_K) / (HOT_K - COLD_K), HEAT)], -COLD_K / (HOT_K - COLD_K)
    elif k == 2:
        parts, mark = [(float(seen["clock_granted"][s]), CLOCK)], float(seen["clock_sustainable"][s])
    else:
        total = max(float(design["accelerators"][s]), 1.0)
        held = seen["running"][:, s]
        parts = [(float(held[c]) / total, CLASSES[name]) for c, name in enumerate(snapshot.class_names)]
    begin = 0.0
    for share, colour in parts:
        end = min(begin + max(share, 0.0), 1.0)
        canvas.rectangle(x + begin * width, y, (end - begin) * width, height, colour)
        begin = end
    if mark is not None and height >= 3:
        canvas.rectangle(x + min(mark, 1.0) * width - 1, y, 2, height, ink)


def _value(snapshot: Snapshot, s: int, k: int) -> str:
    """Return the number beside a bar."""
    seen, design = snapshot.observation, snapshot.design
    if k == 0:
        return f"{float(seen['charge_frac'][s]):.0%}"
    if k == 1:
        return f"{float(seen['junction_k'][s] - design['limit_k'][s]):+.0f} K"
    if k == 2:
        return f"{float(seen['clock_granted'][s]):.2f}"
    return f"{int(seen['running'][:, s].sum())}/{int(design['accelerators'][s])}"


def _queue(canvas: Canvas, snapshot: Snapshot, top: int) -> None:
    """Draw the legend of the bars, and the waiting work of each class in hours of the whole fleet."""
    seen = snapshot.observation
    fleet = max(float(snapshot.design["accelerators"].sum()), 1.0)
    heat = f"HEAT {COLD_K:+.0f} TO {HOT_K:+.0f} K (MARK: LIMIT)"
    legend = f"BARS: CHARGE (MARK: FLOOR), {heat}, CLOCK (MARK: SUSTAINABLE), LOAD BY CLASS"
    canvas.text(MARGIN, top + 2, legend, FAINT)
    canvas.text_to(WIDTH - MARGIN, top + 2, "WAITING WORK, 0 TO 2 H OF THE FLEET", FAINT)
    for c, name in enumerate(snapshot.class_names):
        y = top + QUEUE_LINE * (c + 1)
        canvas.rectangle(MARGIN, y, 14, 14, CLASSES[name])
        canvas.text(MARGIN + 22, y, name, INK, 2)
        work_h, oldest_h = float(seen["waiting_work_s"][c]) / 3600, float(seen["oldest_wait_s"][c]) / 3600
        line = (
            f"{work_h:7.1f} ACCELERATOR-H WAIT, OLDEST {oldest_h:4.1f} H, SERVED {float(seen['served_frac'][c]):4.0%}"
        )
        canvas.text(MARGIN + 180, y + 4, line, INK)
        left, span = WIDTH / 2 + 80, WIDTH / 2 - 80 - MARGIN
        canvas.rectangle(left, y + 2, span, 10, LINE)
        canvas.rectangle(left, y + 2, span * min(work_h / fleet / 2.0, 1.0), 10, CLASSES[name])

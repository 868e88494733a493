"""Panels beside the map: header, legend, satellites, and waiting work."""

from __future__ import annotations

import numpy as np

from odc_gym.constants import HOUR_S
from odc_gym.rendering.board import LAYOUT, Board
from odc_gym.rendering.rgb import grid
from odc_gym.rendering.snapshot import Snapshot
from odc_gym.rendering.temperature import COLDEST_C, Temperatures
from odc_gym.rendering.theme import ALARM, CLASSES, FAINT, INK, PAGE, RAMP, SITE, SUN, TRACK, ramp_colour

LEGEND_Y = 472.0
FLEET_X, FLEET_Y, FLEET_WIDTH, FLEET_HEIGHT = 16.0, 490.0, 452.0, 222.0
QUEUE_X, QUEUE_WIDTH = 476.0, 340.0
TITLE = 32.0
FULL_H = 2.0
"""Hours of work of the whole fleet at which a bar of waiting work is full."""
LONGEST_NAME = 44
WIDE, NARROW = 44.0, 17.0
"""Least width of cells with bars, and of cells with a number."""


def draw_header(board: Board, snapshot: Snapshot) -> None:
    """Draw scenario, scheduler, episode, time and score."""
    width, _ = LAYOUT
    x = 16 + board.text(shortened(snapshot.scenario), 16, 22, 28, INK)
    scheduler = f"scheduler {shortened(snapshot.scheduler)}, " if snapshot.scheduler else ""
    board.text(f"{scheduler}episode {snapshot.episode}", x + 14, 24, 19, FAINT)
    board.text(f"score {snapshot.score:.1f}", width - 16, 22, 28, INK, "right")
    total = snapshot.length.total_seconds() / HOUR_S
    elapsed = int(snapshot.elapsed.total_seconds())
    clock = f"{snapshot.now:%Y-%m-%d %H:%M} UTC, {elapsed // 3600}:{elapsed % 3600 // 60:02d} of {total:g} h"
    board.text(clock, 832, 24, 19, FAINT)
    board.rectangle(16, 44, width - 32, 3, TRACK)
    board.rectangle(16, 44, (width - 32) * min(snapshot.elapsed / snapshot.length, 1.0), 3, INK)


def shortened(name: str) -> str:
    """Return a name of at most `LONGEST_NAME` characters that can be drawn."""
    name = "".join(character if character.isprintable() else " " for character in name)
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 3] + "..."


def draw_legend(board: Board, limit_c: float, sites: int) -> None:
    """Draw what colours and shapes of the satellites mean."""
    y = LEGEND_Y
    x = 16 + board.text(f"junction {COLDEST_C:.0f} °C", 16, y, 15, FAINT) + 6
    for k in range(len(RAMP)):
        board.rectangle(x + 2 * k, y - 6, 2, 12, ramp_colour(k))
    x += 2 * len(RAMP)
    board.rectangle(x, y - 6, 26, 12, ALARM)
    board.polygon([(x + 13, y - 4), (x + 18, y + 4), (x + 8, y + 4)], PAGE)
    x += 32
    x += board.text(f"over limit {limit_c:.0f} °C", x, y, 15, FAINT) + 18
    for label, colour in (("ring: charge", INK), ("below floor", ALARM)):
        board.circle(x + 7, y, 7, colour, 3)
        x += 20
        x += board.text(label, x, y, 15, FAINT) + 14
    board.circle(x + 7, y, 7, FAINT)
    board.circle(x + 7, y, 2.5, PAGE)
    x += 20
    x += board.text("in eclipse", x, y, 15, FAINT) + 14
    board.rectangle(x, y - 6, 12, 12, ALARM, 2.5)
    x += 18
    x += board.text("compute off", x, y, 15, FAINT) + 14
    board.circle(x + 7, y, 6, SUN)
    x += 18
    x += board.text("Sun", x, y, 15, FAINT) + 14
    if sites:
        board.diamond(x + 6, y, 5, SITE)
        board.text("ground site", x + 16, y, 15, FAINT)


def draw_panels(board: Board, satellites: int) -> None:
    """Draw the backgrounds of the panels."""
    meaning = "charge and load by class" if _cells(satellites)[2] >= WIDE else "temperature"
    board.panel(FLEET_X, FLEET_Y, FLEET_WIDTH, FLEET_HEIGHT, f"{satellites} satellites: {meaning}")
    board.panel(QUEUE_X, FLEET_Y, QUEUE_WIDTH, FLEET_HEIGHT, "Waiting work")


def draw_fleet(board: Board, snapshot: Snapshot, temperatures: Temperatures) -> None:
    """Draw a cell for each satellite: its temperature, and as much of charge and load as the cell has room for."""
    off = sum(state in ("SHED", "TRIP") for state in snapshot.states)
    out, hot = snapshot.states.count("OUT"), int(temperatures.is_hot.sum())
    lit = int((np.asarray(snapshot.observation["sunlit_frac"]) >= 0.5).sum())
    note = f"{lit} in sunlight, {hot} hot, {off} off" + (f", {out} out" if out else "")
    board.text(note, FLEET_X + FLEET_WIDTH - 12, FLEET_Y + 15, 14, FAINT, "right")
    columns, (step_x, step_y), width, gap = _cells(snapshot.satellites)
    for s in range(snapshot.satellites):
        x, y = FLEET_X + 10 + s % columns * step_x, FLEET_Y + TITLE + s // columns * step_y
        _draw_cell(board, snapshot, temperatures, s, (x, y, width, step_y - gap))


def _cells(satellites: int) -> tuple[int, tuple[float, float], float, float]:
    """Return columns, distances of cells, their width, and the gap between them."""
    width, height = FLEET_WIDTH - 20, FLEET_HEIGHT - TITLE - 8
    columns, rows = grid(satellites, width, height, 1.2)
    step = width / columns
    gap = 4.0 if step > WIDE else 2.0 if step > NARROW else 1.0
    return columns, (step, height / rows), step - gap, gap


def _draw_cell(
    board: Board, snapshot: Snapshot, temperatures: Temperatures, s: int, box: tuple[float, float, float, float]
) -> None:
    x, y, width, height = box
    state, hot = snapshot.states[s], bool(temperatures.is_hot[s])
    off = state in ("SHED", "TRIP", "OUT")
    fill = ALARM if hot else ramp_colour(int(temperatures.steps[s]))
    if width < WIDE:
        board.rectangle(x, y, width, height, TRACK if state == "OUT" else fill)
        if off:
            board.rectangle(x, y, width, height, FAINT if state == "OUT" else ALARM, max(min(width / 6, 2.5), 1))
        if width >= NARROW:
            light = temperatures.steps[s] > len(RAMP) * 0.5 or hot
            board.text(str(s), x + width / 2, y + height / 2, 14, PAGE if light else INK, "middle")
        return
    board.rectangle(x, y, width, height, TRACK, radius=3)
    board.rectangle(x, y, 5, height, TRACK if state == "OUT" else fill)
    board.text(str(s), x + 10, y + 11, 15, INK)
    word = state if off else f"{temperatures.celsius[s]:.0f} °C"
    board.text(word, x + width - 5, y + 11, 14, ALARM if off or hot else FAINT, "right")
    seen, design = snapshot.observation, snapshot.design
    bar, thick = width - 15, max(min((height - 26) / 2 - 3, 12.0), 3.0)
    charge, floor = float(seen["charge_frac"][s]), float(design["floor_frac"][s])
    upper = y + height - 2 * thick - 8
    board.rectangle(x + 10, upper, bar, thick, PAGE)
    board.rectangle(x + 10, upper, bar * min(max(charge, 0.0), 1.0), thick, ALARM if charge < floor else FAINT)
    board.rectangle(x + 10 + bar * floor, upper - 1, 1.5, thick + 2, ALARM)
    board.rectangle(x + 10, upper + thick + 3, bar, thick, PAGE)
    begin, total = 0.0, max(float(design["accelerators"][s]), 1.0)
    for c, name in enumerate(snapshot.class_names):
        share = min(float(seen["running"][c, s]) / total, 1.0 - begin)
        if share > 0.0:
            board.rectangle(x + 10 + bar * begin, upper + thick + 3, bar * share, thick, CLASSES[name])
        begin += max(share, 0.0)
    if off:
        board.rectangle(x, y, width, height, FAINT if state == "OUT" else ALARM, 1.5, 3)


def draw_queue(board: Board, snapshot: Snapshot) -> None:
    """Draw the waiting work of each class, its oldest job, and the share that is served."""
    seen = snapshot.observation
    work_h = np.asarray(seen["waiting_work_s"], float) / HOUR_S
    fleet = max(float(np.sum(snapshot.design["accelerators"])), 1.0)
    left, right = QUEUE_X + 12, QUEUE_X + QUEUE_WIDTH - 12
    board.text(f"{work_h.sum():,.0f} accelerator-h", right, FLEET_Y + 15, 14, FAINT, "right")
    step = min((FLEET_HEIGHT - TITLE - 24) / len(work_h), 52.0)
    for c, name in enumerate(snapshot.class_names):
        y = FLEET_Y + TITLE + 8 + c * step
        board.rectangle(left, y - 6, 12, 12, CLASSES[name])
        x = left + 18 + board.text(name, left + 18, y, 15, INK)
        oldest, served = float(seen["oldest_wait_s"][c]) / HOUR_S, float(seen["served_frac"][c])
        details = f"{work_h[c]:,.0f} h, oldest {oldest:.1f} h, served {served:.0%}"
        board.text(details, max(right, x), y, 14, FAINT, "right")
        thick = min(step - 22, 10.0)
        board.rectangle(left, y + 10, right - left, thick, TRACK)
        board.rectangle(left, y + 10, (right - left) * min(work_h[c] / fleet / FULL_H, 1.0), thick, CLASSES[name])
    foot = FLEET_Y + FLEET_HEIGHT - 10
    board.text("0", left, foot, 12, FAINT)
    board.text(f"{fleet * FULL_H:,.0f} accelerator-h = {FULL_H:g} h of the fleet", right, foot, 12, FAINT, "right")

"""Marks of satellites: their shape by state, their colour by temperature, and their charge as a ring.

The mark of each state that a satellite can have is drawn once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.rendering.board import FINE, Board
from odc_gym.rendering.snapshot import Snapshot
from odc_gym.rendering.temperature import Temperatures
from odc_gym.rendering.theme import ALARM, FAINT, INK, PAGE, TRACK, ramp_colour

CHARGES = 16
"""Charges that marks tell apart."""
MOST_NUMBERED = 40
"""Largest fleet whose marks have numbers."""
MOST_MARKS = 8192
"""Marks that are kept."""
SMALL = 4.0
"""Radius below which marks have no ring."""


def mark_radius(satellites: int) -> float:
    """Return the radius of the marks of a fleet, smaller in larger fleets."""
    return float(np.clip(9.0 - 1.3 * np.log2(max(satellites, 12) / 24.0), 2.5, 9.0))


class Marks:
    """Marks on a board, for all episodes."""

    def __init__(self, board: Board) -> None:
        self.board, self.pygame = board, board.pygame
        self._marks: dict[tuple[Any, ...], Any] = {}

    def draw(
        self, snapshot: Snapshot, temperatures: Temperatures, xy: NDArray[np.floating], radius: float, right: float
    ) -> None:
        """Draw all satellites at positions (S, 2) left of `right`, those with an alarm last."""
        board, seen = self.board, snapshot.observation
        states = snapshot.states
        charge = np.rint(np.clip(seen["charge_frac"], 0.0, 1.0) * CHARGES).astype(int).tolist()
        low = (np.asarray(seen["charge_frac"]) < np.asarray(snapshot.design["floor_frac"])).tolist()
        steps, hot = temperatures.steps.tolist(), temperatures.is_hot.tolist()
        marks = []
        for s in range(snapshot.satellites):
            mark = self._mark((radius, steps[s], hot[s], charge[s], low[s], states[s]))
            x, y = board.at(float(xy[s, 0]), float(xy[s, 1]))
            is_alarm = hot[s] or states[s] in ("OUT", "TRIP", "SHED")
            marks.append((is_alarm, mark, (x - mark.get_width() // 2, y - mark.get_height() // 2)))
        board.surface.blits([(mark, at) for _, mark, at in sorted(marks, key=lambda each: each[0])], doreturn=False)
        if snapshot.satellites <= MOST_NUMBERED:
            for s, (x, y) in enumerate(xy.tolist()):
                if x < right - 3 * radius:
                    board.text(str(s), x + radius + 3, y - radius, 15, INK)
                else:
                    board.text(str(s), x - radius - 3, y - radius, 15, INK, "right")

    def _mark(self, key: tuple[Any, ...]) -> Any:
        """Return the picture of a satellite: its shape by state, colour by temperature, and charge as a ring."""
        if key not in self._marks:
            if len(self._marks) >= MOST_MARKS:
                self._marks.clear()
            self._marks[key] = self._drawn_mark(*key)
        return self._marks[key]

    def _drawn_mark(self, radius: float, step: int, hot: bool, charge: int, low: bool, state: str) -> Any:
        draw = self.pygame.draw
        side = self.board.pixels(2 * radius + 4)
        r = radius * self.board.scale * FINE
        large = self.pygame.Surface((side * FINE, side * FINE), self.pygame.SRCALPHA)
        c = side * FINE / 2
        fill = ALARM if hot else ramp_colour(step)
        ring = max(round(r * 0.3), 1)
        if state in ("OUT", "TRIP", "SHED"):
            box = (c - r * 0.9, c - r * 0.9, 1.8 * r, 1.8 * r)
            draw.rect(large, TRACK if state == "OUT" else fill, box)
            draw.rect(large, FAINT if state == "OUT" else ALARM, box, ring)
            if state == "OUT":
                draw.line(large, FAINT, (c - r * 0.8, c - r * 0.8), (c + r * 0.8, c + r * 0.8), ring)
        elif radius < SMALL:
            draw.circle(large, PAGE, (c, c), r + FINE)
            if hot:  # the second sign of heat: a triangle
                draw.polygon(large, fill, [(c, c - 1.4 * r), (c + 1.3 * r, c + r), (c - 1.3 * r, c + r)])
            else:
                draw.circle(large, fill, (c, c), r)
        else:
            draw.circle(large, PAGE, (c, c), r + FINE)
            draw.circle(large, TRACK, (c, c), r)
            turn = 2 * np.pi * charge / CHARGES
            angles = np.pi / 2 - np.linspace(0.0, turn, 2 + 2 * charge)
            arc = [(c + r * np.cos(a), c - r * np.sin(a)) for a in angles]
            if charge:
                draw.polygon(large, ALARM if low else INK, [(c, c), *arc])
            draw.circle(large, PAGE, (c, c), r - ring)
            draw.circle(large, fill, (c, c), r - 1.4 * ring)
            if hot:  # the second sign of heat: a triangle
                draw.polygon(large, PAGE, [(c, c - r * 0.5), (c + r * 0.45, c + r * 0.3), (c - r * 0.45, c + r * 0.3)])
            elif state == "eclipse":
                draw.circle(large, PAGE, (c, c), r * 0.25)
        return self.pygame.transform.smoothscale(large, (side, side))

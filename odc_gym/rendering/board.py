"""Board to draw on with pygame: an offscreen surface, positions in units of the layout, and text that is drawn once."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import ArgumentError
from odc_gym.rendering.theme import INK, PAGE, PANEL, Colour

LAYOUT = (1280, 720)
"""Width and height of the layout; a board of another size is scaled."""
RGB_MASKS = (0xFF, 0xFF00, 0xFF0000, 0)
"""Bits of red, green and blue in a pixel of three bytes."""
MOST_TEXTS = 4096
"""Rendered texts that are kept."""
FINE = 3
"""Factor at which text and marks are drawn before they are scaled down, which smooths them."""

Points = Sequence[tuple[float, float]] | NDArray[np.floating]


def load_pygame() -> Any:
    """Return the module pygame, without its greeting.

    Raises:
        ArgumentError: it is not installed.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        import pygame
    except ImportError:
        raise ArgumentError("pygame is not installed: pip install 'odc-gym[render]'") from None
    return pygame


def has_pygame() -> bool:
    """Return whether pygame is installed."""
    try:
        load_pygame()
    except ArgumentError:
        return False
    return True


class Board:
    """Surface on which all positions and sizes are in units of the layout, 1280 x 720.

    Args:
        width: width of the surface [pixel].
        height: height of the surface [pixel]; what is left beside a layout of 16:9 stays empty.
    """

    def __init__(self, width: int, height: int) -> None:
        self.pygame = load_pygame()
        self.pygame.font.init()
        self.surface = self.pygame.Surface((width, height))
        self.scale = min(width / LAYOUT[0], height / LAYOUT[1])
        self.left = (width - LAYOUT[0] * self.scale) / 2
        self.top = (height - LAYOUT[1] * self.scale) / 2
        self._rgb = self.pygame.Surface((width, height), depth=24, masks=RGB_MASKS)
        self._fixed = self.surface.copy()
        self._fixed_key: Hashable = None
        self._fonts: dict[int, Any] = {}
        self._texts: dict[tuple[str, int, Colour], Any] = {}

    def begin(self, key: Hashable, draw: Callable[[], None]) -> None:
        """Begin a picture with the part that `draw` draws; it is drawn again only if `key` changes."""
        if key != self._fixed_key:
            self.surface.fill(PAGE)
            draw()
            self._fixed.blit(self.surface, (0, 0))
            self._fixed_key = key
        else:
            self.surface.blit(self._fixed, (0, 0))

    def picture(self) -> NDArray[np.uint8]:
        """Return a copy of the pixels, (height, width, 3) uint8."""
        self._rgb.blit(self.surface, (0, 0))
        width, height = self._rgb.get_size()
        lines = np.frombuffer(self._rgb.get_buffer(), np.uint8).reshape(height, self._rgb.get_pitch())
        return lines[:, : 3 * width].reshape(height, width, 3).copy()

    def at(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel of a position."""
        return round(self.left + x * self.scale), round(self.top + y * self.scale)

    def pixels(self, length: float) -> int:
        """Return a length in pixels, at least 1."""
        return max(1, round(length * self.scale))

    def rectangle(
        self, x: float, y: float, width: float, height: float, colour: Colour, line: float = 0, radius: float = 0
    ) -> None:
        """Fill a rectangle, or draw its outline if `line` is a thickness."""
        left, top = self.at(x, y)
        right, bottom = self.at(x + width, y + height)
        box = (left, top, max(right - left, 1), max(bottom - top, 1))
        thick = self.pixels(line) if line else 0
        self.pygame.draw.rect(self.surface, colour, box, thick, border_radius=round(radius * self.scale))

    def panel(self, x: float, y: float, width: float, height: float, title: str) -> None:
        """Draw the background of a part of the picture, with its title."""
        self.rectangle(x, y, width, height, PANEL, radius=6)
        self.text(title, x + 12, y + 15, 16, INK)

    def circle(self, x: float, y: float, radius: float, colour: Colour, line: float = 0) -> None:
        """Fill a circle, or draw its outline if `line` is a thickness."""
        thick = self.pixels(line) if line else 0
        self.pygame.draw.circle(self.surface, colour, self.at(x, y), self.pixels(radius), thick)

    def diamond(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a square that stands on a corner."""
        self.polygon([(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)], colour)

    def line(self, points: Points, colour: Colour, width: float = 1) -> None:
        """Draw a smooth line through points, (N, 2)."""
        if len(points) < 2:
            return
        # pygame draws the ends of one line at whole pixels alone the same each time
        pixels = self._all(points) if len(points) > 2 else [self.at(x, y) for x, y in points]
        thick = self.pixels(width)
        for k in range(thick):  # thick lines are not smooth
            shift = k - (thick - 1) / 2
            self.pygame.draw.aalines(self.surface, colour, False, [(x, y + shift) for x, y in pixels])

    def rule(self, ends: Sequence[Sequence[float]], colour: Colour) -> None:
        """Draw a thin horizontal or vertical line between two points, which does not blur."""
        begin, end = ((float(x), float(y)) for x, y in ends)
        self.pygame.draw.line(self.surface, colour, self.at(*begin), self.at(*end))

    def polygon(self, points: Points, colour: Colour) -> None:
        """Fill a polygon through points, (N, 2)."""
        self.pygame.draw.polygon(self.surface, colour, self._all(points))

    def _all(self, points: Points) -> list[Any]:
        pixels: list[Any] = (np.asarray(points, float) * self.scale + (self.left, self.top)).tolist()
        return pixels

    def text(self, text: str, x: float, y: float, size: int, colour: Colour = INK, align: str = "left") -> float:
        """Write a line of text, centred vertically at `y`.

        Args:
            text: the text.
            x: its left end, middle or right end.
            y: its middle.
            size: height of the font.
            colour: colour.
            align: "left", "middle" or "right".

        Returns:
            Width of the text.
        """
        if not text:
            return 0.0
        image = self._text(text, size, colour)
        width, height = image.get_size()
        left, top = self.at(x, y)
        left -= {"left": 0, "middle": width // 2, "right": width}[align]
        self.surface.blit(image, (left, top - height // 2))
        return float(width / self.scale)

    def _text(self, text: str, size: int, colour: Colour) -> Any:
        key = (text, size, colour)
        if key not in self._texts:
            if len(self._texts) >= MOST_TEXTS:
                self._texts.clear()
            large = max(round(size * self.scale * FINE), FINE)
            image = self._rendered(text, large, colour)
            width, height = image.get_size()
            self._texts[key] = self.pygame.transform.smoothscale(image, (max(width // FINE, 1), max(height // FINE, 1)))
        return self._texts[key]

    def _rendered(self, text: str, size: int, colour: Colour) -> Any:
        """Return a text in the font that pygame contains; another user of pygame may have ended its fonts."""
        font = self.pygame.font
        if not font.get_init():
            font.init()
        try:
            return self._fonts[size].render(text, True, colour)
        except (KeyError, self.pygame.error):
            self._fonts[size] = font.Font(None, size)
            return self._fonts[size].render(text, True, colour)

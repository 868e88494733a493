"""Canvas for pictures: a NumPy array with rectangles, and text in a bitmap font of capital letters."""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

GLYPH_WIDTH, GLYPH_HEIGHT = 5, 7
ADVANCE = GLYPH_WIDTH + 1
"""Columns from one character to the next."""
GLYPHS = (
    (
        "ABCDEFGHIJKLM",
        """
        .###. ####. .#### ####. ##### ##### .###. #...# .###. ..### #...# #.... #...#
        #...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #..#. #.... ##.##
        #...# #...# #.... #...# #.... #.... #.... #...# ..#.. ...#. #.#.. #.... #.#.#
        ##### ####. #.... #...# ####. ####. #.### ##### ..#.. ...#. ##... #.... #.#.#
        #...# #...# #.... #...# #.... #.... #...# #...# ..#.. ...#. #.#.. #.... #...#
        #...# #...# #.... #...# #.... #.... #...# #...# ..#.. #..#. #..#. #.... #...#
        #...# ####. .#### ####. ##### #.... .###. #...# .###. .##.. #...# ##### #...#
        """,
    ),
    (
        "NOPQRSTUVWXYZ",
        """
        #...# .###. ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# #####
        ##..# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....#
        ##..# #...# #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#.
        #.#.# #...# ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#..
        #..## #...# #.... #.#.# #.#.. ....# ..#.. #...# .#.#. #.#.# .#.#. ..#.. .#...
        #..## #...# #.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #....
        #...# .###. #.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. #####
        """,
    ),
    (
        "0123456789+-.",
        """
        .###. ..#.. .###. ##### ...#. ##### .###. ##### .###. .###. ..... ..... .....
        #...# .##.. #...# ...#. ..##. #.... #.... ....# #...# #...# ..#.. ..... .....
        #..## ..#.. ....# ..#.. .#.#. ####. #.... ...#. #...# #...# ..#.. ..... .....
        #.#.# ..#.. ..##. ...#. #..#. ....# ####. ..#.. .###. .#### ##### ##### .....
        ##..# ..#.. .#... ....# ##### ....# #...# ..#.. #...# ....# ..#.. ..... .....
        #...# ..#.. #.... #...# ...#. #...# #...# ..#.. #...# ....# ..#.. ..... .##..
        .###. .###. ##### .###. ...#. .###. .###. ..#.. .###. .###. ..... ..... .##..
        """,
    ),
    (
        " :/%,()_=<>?|",
        """
        ..... ..... ....# ##..# ..... ...#. .#... ..... ..... ...#. .#... .###. ..#..
        ..... .##.. ....# ##..# ..... ..#.. ..#.. ..... ..... ..#.. ..#.. #...# ..#..
        ..... .##.. ...#. ...#. ..... .#... ...#. ..... ##### .#... ...#. ....# ..#..
        ..... ..... ..#.. ..#.. ..... .#... ...#. ..... ..... #.... ....# ...#. ..#..
        ..... .##.. .#... .#... ..##. .#... ...#. ..... ##### .#... ...#. ..#.. ..#..
        ..... .##.. #.... #..## ..##. ..#.. ..#.. ..... ..... ..#.. ..#.. ..... ..#..
        ..... ..... #.... #..## ..#.. ...#. .#... ##### ..... ...#. .#... ..#.. ..#..
        """,
    ),
)
"""Characters of the font with their pictures, side by side; lower case is drawn as capitals."""


@cache
def glyphs() -> dict[str, NDArray[np.bool_]]:
    """Return the picture of each character of the font, (7, 5) bool."""
    found = {}
    for characters, drawing in GLYPHS:
        lines = [line.split() for line in drawing.split("\n") if line.strip()]
        for character, rows in zip(characters, zip(*lines, strict=True), strict=True):
            found[character] = np.array([[dot == "#" for dot in row] for row in rows])
    return found


@lru_cache(maxsize=1024)
def text_mask(text: str, scale: int) -> NDArray[np.bool_]:
    """Return the dots of a line of text, (7 scale, 6 scale len(text)) bool; unknown characters are question marks."""
    font = glyphs()
    mask = np.zeros((GLYPH_HEIGHT, ADVANCE * len(text)), np.bool_)
    for k, character in enumerate(text.upper()):
        mask[:, k * ADVANCE : k * ADVANCE + GLYPH_WIDTH] = font.get(character, font["?"])
    return mask.repeat(scale, 0).repeat(scale, 1)


def text_width(text: str, scale: int) -> int:
    """Return the width of a line of text in pixels."""
    return max(ADVANCE * len(text) - 1, 0) * scale


class Canvas:
    """Picture to draw on; what lies outside it is cut off.

    Attributes:
        pixels: colours, (height, width, 3) uint8.
    """

    def __init__(self, width: int, height: int, background: Colour) -> None:
        self.pixels = np.full((height, width, 3), background, np.uint8)

    def rectangle(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle, given by its upper left corner and its size in pixels."""
        left, top = max(round(x), 0), max(round(y), 0)
        self.pixels[top : max(round(y + height), 0), left : max(round(x + width), 0)] = colour

    def frame(self, x: float, y: float, width: float, height: float, thickness: int, colour: Colour) -> None:
        """Draw the outline of a rectangle, inside it."""
        self.rectangle(x, y, width, thickness, colour)
        self.rectangle(x, y + height - thickness, width, thickness, colour)
        self.rectangle(x, y, thickness, height, colour)
        self.rectangle(x + width - thickness, y, thickness, height, colour)

    def text(self, x: float, y: float, text: str, colour: Colour, scale: int = 1) -> None:
        """Write a line of text, given by its upper left corner; a dot of the font is `scale` pixels wide."""
        mask = text_mask(text, scale)
        left, top = round(x), round(y)
        area = self.pixels[max(top, 0) : max(top + mask.shape[0], 0), max(left, 0) : max(left + mask.shape[1], 0)]
        area[mask[max(-top, 0) :, max(-left, 0) :][: area.shape[0], : area.shape[1]]] = colour

    def text_to(self, right: float, y: float, text: str, colour: Colour, scale: int = 1) -> None:
        """Write a line of text that ends at `right`."""
        self.text(right - text_width(text, scale), y, text, colour, scale)

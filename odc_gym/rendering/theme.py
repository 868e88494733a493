"""Colours of the pictures: one ramp for every quantity, and one colour for values beyond a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

PAGE, PANEL, TRACK, LINE = (14, 17, 21), (22, 26, 32), (38, 44, 52), (58, 66, 76)
INK, FAINT, DIM = (233, 235, 238), (164, 172, 182), (126, 135, 146)
OCEAN, LAND, GRATICULE, NIGHT = (46, 63, 80), (96, 112, 104), (56, 74, 92), (4, 7, 16)
SUN, ALARM, LINK, SITE = (244, 201, 93), (255, 90, 51), (150, 200, 220), (233, 235, 238)
BAND, MIDDLE = (50, 62, 80), (88, 112, 150)
"""Range of all satellites, and of the middle half of them."""
CLASSES: dict[str, Colour] = {
    "pretraining": (201, 168, 106),
    "finetuning": (74, 131, 204),
    "batch": (220, 200, 245),
    "interactive": (63, 183, 159),
    "edge": (217, 122, 158),
}
CIVIDIS = np.array(
    [
        (0, 34, 78), (18, 53, 112), (59, 73, 108), (87, 93, 109), (112, 113, 115),
        (138, 134, 120), (165, 156, 116), (195, 179, 105), (225, 204, 85), (254, 232, 56),
    ]
)  # fmt: skip
"""Colours at equal distances along the ramp, from 0 to 1."""
STEPS = 64
"""Colours of the ramp that are told apart."""


def _interpolated() -> NDArray[np.uint8]:
    at, known = np.linspace(0.0, 1.0, STEPS), np.linspace(0.0, 1.0, len(CIVIDIS))
    return np.stack([np.interp(at, known, CIVIDIS[:, k]) for k in range(3)], 1).round().astype(np.uint8)


RAMP = _interpolated()
"""Colours of the ramp, (STEPS, 3)."""


def ramp_steps(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.intp]:
    """Return the index in `RAMP` of each value; values outside `low` to `high` take the ends."""
    share = (np.asarray(values, float) - low) / max(high - low, 1e-9)
    return np.rint(np.clip(share, 0.0, 1.0) * (STEPS - 1)).astype(np.intp)


def ramp_colour(step: int) -> Colour:
    """Return the colour of an index in `RAMP`."""
    red, green, blue = RAMP[step].tolist()
    return red, green, blue

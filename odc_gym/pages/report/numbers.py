"""Numbers of the report as text, and axes that place them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

THIN_SPACE, MINUS, ABSENT = "\u202f", "\u2212", "–"  # no line breaks at this space
WIDTH = 1000
"""Units of an axis from its left end to its right one."""


def figure(value: float | None, decimals: int = 1, sign: bool = False) -> str:
    """Return a number with thin spaces between thousands and a minus sign; a dash if it is None or not finite."""
    if value is None or not math.isfinite(value):
        return ABSENT
    text = f"{abs(value):,.{decimals}f}".replace(",", THIN_SPACE)
    is_zero = not any(digit in "123456789" for digit in text)
    return ("" if is_zero else MINUS if value < 0 else "+" if sign else "") + text


def percent(share: float | None, decimals: int = 0) -> str:
    """Return a share as a number of percent."""
    return ABSENT if share is None or not math.isfinite(share) else f"{figure(100 * share, decimals)}{THIN_SPACE}%"


def between(ends: Sequence[float] | None, decimals: int = 1, sign: bool = False) -> str:
    """Return the ends of an interval as `25.3 to 33.0`, or nothing if there is none."""
    return "" if ends is None else f"{figure(ends[0], decimals, sign)} to {figure(ends[1], decimals, sign)}"


def decimals_of(values: Sequence[float | None]) -> int:
    """Return the number of decimals that shows about three digits of the largest value."""
    largest = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0.0)
    return 0 if largest >= 1000.0 else 1 if largest >= 10.0 else 2


def listed(names: Sequence[str]) -> str:
    """Return names as an enumeration: `a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


class Tick(NamedTuple):
    """Mark of an axis."""

    at: float  # 0 to WIDTH
    text: str


class Axis(NamedTuple):
    """Linear axis with marks at round numbers."""

    low: float
    high: float
    step: float  # distance of its marks

    @classmethod
    def around(cls, values: Sequence[float], zero: bool = False) -> Axis:
        """Return an axis that holds all values, with four to eight marks, and 0 if `zero` is set."""
        every = [*values, 0.0] if zero else list(values)
        low, high = min(every), max(every)
        span = max(high - low, 1e-9 * max(abs(low), abs(high)), 1e-9)
        raw = span / 6
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= raw)
        first = math.floor(low / step - 0.1)
        return cls(step * (first if low < 0.0 else max(first, 0)), step * math.ceil(high / step + 0.1), step)

    def at(self, value: float) -> float:
        """Return the place of a value, 0 to WIDTH."""
        return round(WIDTH * (value - self.low) / (self.high - self.low), 1)

    def ticks(self, sign: bool = False) -> list[Tick]:
        """Return the marks, with the sign of positive numbers if `sign` is set."""
        decimals = max(0, -math.floor(math.log10(self.step) + 1e-9))
        count = round((self.high - self.low) / self.step)
        values = [self.low + k * self.step for k in range(count + 1)]
        return [Tick(self.at(value), figure(value, decimals, sign)) for value in values]

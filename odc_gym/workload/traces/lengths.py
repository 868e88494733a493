"""Distributions of the request lengths of a ServeGen client.

A file has them for windows of six hours or longer. It maps tokens to probabilities for each part of a request. A prompt
with several media is the sum of its parts, with as many parts of each medium as the distribution of its count gives.
"""

from __future__ import annotations

import bisect
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from odc_gym.errors import TraceError
from odc_gym.workload.traces.json_text import parse_object
from odc_gym.workload.traces.reading import MAX_TOKENS
from odc_gym.workload.traces.recorded import Floats
from odc_gym.workload.traces.text import open_text

TokenCounts = npt.NDArray[np.int64]

OUTPUT = "output_tokens"
TEXT = ("input_tokens", "text_tokens")
MEDIA = tuple((f"{medium}_tokens", f"{medium}_count") for medium in ("image", "audio", "video"))
MAX_FILE_LENGTH = 2**26  # characters; published files have at most a few millions


class Lengths:
    """Request lengths of one client."""

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            TraceError: the file is absent or malformed, or has no window with lengths.
        """
        self.path = path
        with open_text(path) as file:
            text = file.read(MAX_FILE_LENGTH)
        self.windows: dict[float, dict[str, tuple[TokenCounts, Floats]]] = {}
        for begin, fields in parse_object(path, 1, text).items():
            window = self._window(begin, fields)
            if OUTPUT in window and any(name in window for name in TEXT):
                self.windows[float(begin)] = window
        if not self.windows:
            raise TraceError(f"{path}: expected a window with lengths of prompts and answers, got none")
        self.begin_s = sorted(self.windows)

    def draw(self, time_s: float, count: int, rng: np.random.Generator) -> tuple[TokenCounts, TokenCounts]:
        """Draw the tokens of the prompts and of the answers of requests at a time [s], each (count,).

        The lengths of the last window that has begun are used, or those of the first window before it begins.
        """
        window = self.windows[self.begin_s[max(0, bisect.bisect_right(self.begin_s, time_s) - 1)]]

        def draw_part(name: str) -> TokenCounts:
            tokens, cumulative = window[name]
            return np.asarray(tokens[np.searchsorted(cumulative, rng.random(count), side="right")], np.int64)

        prompt = draw_part(next(name for name in TEXT if name in window))
        for tokens, number in MEDIA:
            if tokens in window and number in window:
                prompt = prompt + draw_part(tokens) * draw_part(number)
        return np.minimum(prompt, MAX_TOKENS), draw_part(OUTPUT)

    def _window(self, begin: str, fields: Any) -> dict[str, tuple[TokenCounts, Floats]]:
        """Return values and cumulative probabilities of the parts of a request in a window."""
        where = f"{self.path}: window '{begin}'"
        known = {OUTPUT, *TEXT, *(name for pair in MEDIA for name in pair)}
        if not begin.isdecimal() or not isinstance(fields, dict):
            raise TraceError(f"{where}: expected the second in which it begins and an object")
        window = {}
        for name in sorted(known & fields.keys()):
            try:
                values, probability = _distribution(fields[name])
            except (ValueError, AttributeError):
                expected = "{tokens: probability, ...} with probabilities that sum to 1"
                raise TraceError(f"{where}: '{name}': expected {expected}") from None
            if values.size:
                cumulative = np.cumsum(probability)
                window[name] = values, cumulative / cumulative[-1]
        return window


def _distribution(text: str) -> tuple[TokenCounts, Floats]:
    """Parse a distribution written as `{value: probability, ...}` into values and probabilities, each (N,).

    Raises:
        ValueError: the text is not a distribution.
    """
    inside = text.strip().removeprefix("{").removesuffix("}").strip()
    if len(text.strip()) != len(inside) + 2 and inside:
        raise ValueError(text)
    numbers = np.array(inside.replace(":", ",").split(",") if inside else [], float).reshape(-1, 2)
    values, probability = numbers[:, 0], numbers[:, 1]
    valid = np.all((values >= 0) & (values <= MAX_TOKENS) & (values == np.floor(values)))
    if not valid or np.any(probability < 0) or (values.size and not abs(probability.sum() - 1) < 1e-3):
        raise ValueError(text)
    return values.astype(np.int64), probability

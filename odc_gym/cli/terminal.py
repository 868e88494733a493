"""Output streams of the command line: terminals without UTF-8, and pipes that are closed early."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from io import TextIOWrapper

PLAIN = {
    "−": "-", "–": "-", "—": "-", "…": ".", "·": ".", "×": "x", "±": "+-", "≥": ">=", "≤": "<=", "≠": "!=", "≈": "~",
    "→": "->", "°": "deg", "µ": "u", "μ": "u", "η": "eta", "Δ": "d", "│": "|", "─": "-", "━": "-", "‘": "'", "’": "'",
    "“": '"', "”": '"',
}  # fmt: skip
"""ASCII text for characters that have no decomposition into ASCII letters."""


def prepare_streams() -> None:
    """Let stdout and stderr replace characters that the terminal's encoding lacks, instead of failing."""
    codecs.register_error("odc_gym.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="odc_gym.plain")


def discard_output() -> None:
    """Discard what stdout still holds, because its reader is gone; the exit of Python would fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return ASCII text for the characters that cannot be encoded, and the position after them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_ascii, error.object[error.start : error.end])), error.end


def _ascii(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return PLAIN.get(character) or decomposed or "?"

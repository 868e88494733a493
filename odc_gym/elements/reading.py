"""Reading of files of element sets, whose format is recognised by their content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from odc_gym.elements import omm, tle
from odc_gym.elements.element_set import ElementSet
from odc_gym.errors import OrbitError

_FORMATS: tuple[tuple[re.Pattern[str], Callable[[str, str], Iterator[omm.Entry]]], ...] = (
    (re.compile(r"[\[{]"), omm.parse_json),
    (re.compile(r"<"), omm.parse_xml),
    (re.compile(r"CCSDS_OMM_VERS\s*="), omm.parse_kvn),
    (re.compile(r"[^\n]*\bNORAD_CAT_ID\b[^\n]*,|[^\n]*,[^\n]*\bNORAD_CAT_ID\b"), omm.parse_csv),
)
"""Beginnings of the formats of orbit mean-elements messages, and their parsers; other files hold two-line elements."""


def read_elements(path: str | Path) -> tuple[ElementSet, ...]:
    """Read a file of two-line elements, or of orbit mean-elements messages in JSON, XML, CSV or KVN.

    Raises:
        OrbitError: the file is not readable, or an element set in it is wrong.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise OrbitError(f"file = {path}: not readable: {error.strerror}") from None
    text = _decoded(data)
    if not text.strip() or "\0" in text:
        raise OrbitError(f"file = {path}: must hold element sets, {'is not text' if text.strip() else 'is empty'}")
    for begins, parse in _FORMATS:
        if begins.match(text.lstrip()):
            sets = tuple(omm.check_message(place, fields) for place, fields in parse(text, str(path)))
            break
    else:
        sets = tle.read_text(text, str(path))
    if not sets:
        raise OrbitError(f"file = {path}: must hold at least one element set")
    return sets


def _decoded(data: bytes) -> str:
    """Decode a file as UTF-8, or as Latin-1 if it is not; only names can hold such characters."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")

"""Strict types: a schema of pydantic in which every scalar accepts its own type alone.

A list is accepted for a tuple, a float without a fraction such as 1e6 for an integer, and ISO 8601 text for a date.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from pydantic_core import core_schema

_DECIMAL = re.compile(r"0|-?[1-9][0-9]*")
_LEAVES = ("bool", "float", "str", "int", "literal", "datetime")
_NOT_SCHEMAS = ("metadata", "config", "cls", "serialization", "default", "expected")


def strict(schema: Any, is_key: bool = False) -> Any:
    """Return a schema in which every scalar accepts its own type alone."""
    if isinstance(schema, list | tuple):
        return type(schema)(strict(each) for each in schema)
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in _LEAVES:
        return _strict_leaf(schema, is_key)
    return {key: inner if key in _NOT_SCHEMAS else strict(inner, key == "keys_schema") for key, inner in schema.items()}


def _strict_leaf(schema: Any, is_key: bool) -> Any:
    kind = schema["type"]
    if schema.get("strict") or (kind == "literal" and all(isinstance(word, str) for word in schema["expected"])):
        return schema
    if kind == "literal":
        return core_schema.no_info_before_validator_function(_no_boolean, schema)
    leaf = schema | {"strict": True}
    if kind == "datetime":
        return core_schema.no_info_before_validator_function(date_and_time, leaf)
    if kind == "int":
        return core_schema.no_info_before_validator_function(_key_number if is_key else _whole_number, leaf)
    return leaf


def _whole_number(value: Any) -> Any:
    """Return an integer for a float without a fraction, as 1e6."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _key_number(value: Any) -> Any:
    """Return the integer of a key, which is text in a file."""
    return int(value) if isinstance(value, str) and len(value) < 20 and _DECIMAL.fullmatch(value) else value


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must not be true or false")
    return value


def date_and_time(value: Any) -> datetime:
    """Return a date with its time, given as ISO 8601 text or as an object.

    Raises:
        ValueError: the value is something else, such as a number.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            value = None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        raise ValueError("must be a date in ISO 8601, as 2027-03-20 or 2027-03-20T12:00:00Z")
    return value

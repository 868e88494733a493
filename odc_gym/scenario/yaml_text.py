"""Strict YAML: text that is read as it is written, or refused in one line.

Plain scalars follow the core schema of YAML 1.2: only `true` and `false` are booleans, `010` is ten, and dates, `12:30`
and `1_000` are text. Keys are text. Repeated keys, other tags, aliases of an enclosing value and texts of more than one
document are refused. Depth and size are bounded.

Source: YAML 1.2.2, section 10.3.2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

MAX_CHARACTERS = 10_000_000
MAX_DEPTH = 32
MAX_VALUES = 100_000  # after aliases are expanded
MAX_DIGITS = 30
MAX_SHOWN = 60

_TAG = "tag:yaml.org,2002:"
_SCALARS = {
    "null": (re.compile(r"(?:null|Null|NULL|~|)$"), ["n", "N", "~", ""]),
    "bool": (re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")),
    "int": (re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")),
    "float": (
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        list("-+0123456789."),
    ),
}
_ALLOWED_TAGS = {_TAG + name for name in (*_SCALARS, "str", "map", "seq")}


class NoValue:
    """Marker for a key or a dash with nothing behind it, which is not the same as a written null."""


class _Loader(yaml.SafeLoader):
    """Composer of nodes whose tags follow the core schema, with a bound on their depth."""

    depth = 0

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:
        self.depth += 1
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if self.depth > MAX_DEPTH:
            raise yaml.YAMLError(f"{_line(event)}nested deeper than {MAX_DEPTH} levels")
        if getattr(event, "tag", None) == "!":
            raise yaml.YAMLError(f"{_line(event)}tag ! is not allowed")
        node: Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Dumper that quotes text which YAML 1.1 or the core schema would read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Loader.yaml_implicit_resolvers = {}
for _name, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, _first)
    _Dumper.add_implicit_resolver(_TAG + _name, _pattern, _first)
_Loader.add_implicit_resolver(_TAG + "merge", re.compile(r"<<$"), ["<"])


def parse(source: str | bytes) -> Any:
    """Read YAML text as mappings with text keys, lists and scalars.

    A key, a dash or a text without a value gives the marker `NoValue`.

    Raises:
        ValueError: the text is not allowed; the message is one line that begins with the line or the path.
    """
    try:
        text = source.decode("utf-8-sig") if isinstance(source, bytes) else source.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError(f"must be UTF-8 text, but byte {error.start + 1} is not") from None
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"must not be longer than {MAX_CHARACTERS} characters")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.YAMLError as error:
        raise ValueError(_reason(error)) from None
    return NoValue if node is None else _Construction().value(node, ())


def dump(data: Any, flow: bool | None = False) -> str:
    """Return data as YAML text, which `parse` reads back as the same data.

    Args:
        data: mappings, lists and scalars.
        flow: whether collections are written in one line; None: those without further collections.
    """
    width = math.inf if flow else 120
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width, default_flow_style=flow)


class _Construction:
    """Values of nodes, with a bound on their number."""

    def __init__(self) -> None:
        self.values = 0
        self.enclosing: set[int] = set()

    def value(self, node: Node, path: tuple[str, ...]) -> Any:
        """Return the value of a node at a path of keys."""
        if node.tag not in _ALLOWED_TAGS and node.tag != _TAG + "merge":
            raise ValueError(f"{_line(node)}tag {shown(node.tag.replace(_TAG, '!!'))} is not allowed")
        if id(node) in self.enclosing:
            raise ValueError(f"{_line(node)}{_path(path)}alias of a value that holds it")
        self.enter(node)
        if isinstance(node, ScalarNode):
            self.enclosing.remove(id(node))
            return _scalar(node, path)
        if isinstance(node, MappingNode):
            found: Any = {key: self.value(inner, (*path, key)) for key, inner in self.entries(node, path)}
        else:
            found = [self.value(inner, (*path, str(i))) for i, inner in enumerate(node.value)]
        self.enclosing.remove(id(node))
        return found

    def enter(self, node: Node) -> None:
        """Count a value that is read, within the values that enclose it."""
        self.values += 1
        if self.values > MAX_VALUES:
            raise ValueError(f"{_line(node)}more than {MAX_VALUES} values; aliases count each time")
        if len(self.enclosing) >= MAX_DEPTH:
            raise ValueError(f"{_line(node)}nested deeper than {MAX_DEPTH} levels")
        self.enclosing.add(id(node))

    def entries(self, node: MappingNode, path: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
        """Yield the keys of a mapping with the nodes of their values; its own keys replace those of `<<`."""
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        merged: list[Node] = []
        for key_node, inner in node.value:
            key = _key(key_node, path)
            line = key_node.start_mark.line + 1
            if key in lines:
                raise ValueError(f"{_path((*path, key))}given twice, in lines {lines[key]} and {line}")
            lines[key] = line
            if key_node.tag == _TAG + "merge":
                merged = inner.value if isinstance(inner, SequenceNode) else [inner]
            else:
                entries[key] = inner
        for other in merged:
            if not isinstance(other, MappingNode) or other is node or id(other) in self.enclosing - {id(node)}:
                raise ValueError(f"{_path((*path, '<<'))}must be an alias of another mapping, or a list of them")
            self.enter(other)
            for key, inner in self.entries(other, path):
                entries.setdefault(key, inner)
            self.enclosing.remove(id(other))
        yield from entries.items()


def _key(node: Node, path: tuple[str, ...]) -> str:
    """Return a key as the text that is written."""
    if not isinstance(node, ScalarNode) or node.tag not in _ALLOWED_TAGS | {_TAG + "merge"}:
        raise ValueError(f"{_line(node)}{_path(path)}a key must be text")
    if not node.value:
        raise ValueError(f"{_line(node)}{_path(path)}a key is empty")
    return str(node.value)


def _scalar(node: ScalarNode, path: tuple[str, ...]) -> Any:
    """Return the value of a scalar by the core schema."""
    text, name = node.value, node.tag.removeprefix(_TAG)
    if name not in _SCALARS:
        return text
    if name == "null" and not text:
        return NoValue
    fits = [n for n, (pattern, _) in _SCALARS.items() if pattern.match(text)]
    if name not in fits and not (name == "float" and "int" in fits):
        raise ValueError(f"{_line(node)}{_path(path)}{shown(text)} is not of type {name}")
    if name == "int":
        if len(text) > MAX_DIGITS:
            raise ValueError(f"{_line(node)}{_path(path)}an integer must not have more than {MAX_DIGITS} digits")
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if name == "float":
        return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
    return None if name == "null" else text.lower() == "true"


def shown(value: Any, most: int = MAX_SHOWN) -> str:
    """Return a value for a message: in one line, as it is written in YAML, and shortened where it is long."""
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    text = f"an integer of {value.bit_length()} bits" if _is_huge(value) else " ".join(str(value).split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def is_plain_text(text: str) -> bool:
    """Return whether text without quotes is read as text."""
    return not any(pattern.match(text) for pattern, _ in _SCALARS.values())


def _is_huge(value: Any) -> bool:
    return isinstance(value, int) and value.bit_length() > 10_000  # Python refuses to print such numbers


def _path(path: tuple[str, ...]) -> str:
    return f"{shown('.'.join(path), 120)}: " if path else ""


def _line(place: Any) -> str:
    return f"line {place.start_mark.line + 1}: "


def _reason(error: yaml.YAMLError) -> str:
    """Return an error of the YAML parser in one line."""
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return shown(str(error).partition("\n")[0]) if isinstance(error, yaml.reader.ReaderError) else str(error)
    if "'\\t'" in problem:
        problem = "a tab must not indent or begin a value; use spaces"
    elif "another document" in problem:
        problem = "a second document begins; the text must hold one"
    return f"line {mark.line + 1}: {' '.join(problem.split())}"

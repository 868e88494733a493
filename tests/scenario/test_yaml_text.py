"""Strict YAML: the core schema of YAML 1.2, refusals of one line, and texts that come back as they were."""

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from odc_gym.scenario.yaml_text import MAX_DEPTH, MAX_DIGITS, NoValue, dump, parse

TABLE = [  # YAML 1.2.2, section 10.3.2
    (r"null|Null|NULL|~", lambda text: None),
    (r"true|True|TRUE", lambda text: True),
    (r"false|False|FALSE", lambda text: False),
    (r"[-+]?[0-9]+", lambda text: int(text, 10)),
    (r"0o[0-7]+", lambda text: int(text[2:], 8)),
    (r"0x[0-9a-fA-F]+", lambda text: int(text[2:], 16)),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?\.(inf|Inf|INF)", lambda text: -math.inf if text[0] == "-" else math.inf),
    (r"\.(nan|NaN|NAN)", lambda text: math.nan),
]
SCALARS = st.one_of(
    st.text("0123456789", min_size=1, max_size=8),
    st.text("0123456789+-_.eExXoObaf:", min_size=1, max_size=8),
    st.sampled_from(
        ["yes", "no", "on", "off", "y", "Yes", "true", "True", "tRue", "null", "Null", "nil", "~", "=", "<<"]
    ),
    st.sampled_from([".inf", "-.Inf", ".nan", "nan", "inf", "Infinity", "+.INF", "-.nan", "NaN"]),
)


def expected(text):
    return next((value(text) for pattern, value in TABLE if re.fullmatch(pattern, text)), text)


@given(SCALARS)
@example("010")
@example("0o10")
@example("1e6")
@example("1_000")
@example("0b11")
@example("12:30")
@example("190:20:30")
@example("2027-03-20")
@example("yes")
def test_scalars_are_those_of_the_core_schema(text):
    """Catches the readings of YAML 1.1: octal 010, base 60, 1_000, yes and no, dates, and 1e6 as text."""
    try:
        found = parse(f"a: {text}")["a"]
    except ValueError:
        assert re.match(r"[-?:](\s|$)|:", text) or text.endswith(":")  # no plain scalar
        return
    wanted = expected(text)
    assert type(found) is type(wanted) and (found == wanted or (found != found and wanted != wanted))


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | SCALARS
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | SCALARS
DATA = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


@given(DATA, st.sampled_from([False, None, True]))
def test_what_is_written_is_read(data, flow):
    """Catches text that is written without quotes and read as a number, such as 1e6 and 0o17."""
    assert parse(dump(data, flow)) == data


def bomb(levels):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    return "\n".join(lines + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)])


def merges(levels):
    lines = [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, levels)]
    return "\n".join(["a0: &a0 {x: 1}", *lines])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3", "a: given twice, in lines 1 and 3"),
        ("x:\n  b: 1\n  b: 1", "x.b: given twice, in lines 2 and 3"),
        ("x: {1: a, '1': b}", "x.1: given twice, in lines 1 and 1"),
        ("- {b: 1, b: 2}", "0.b: given twice, in lines 1 and 1"),
        ("a: &a {k: 1}\nb: {<<: *a, <<: *a}", "b.<<: given twice, in lines 2 and 2"),
        ("x: !!python/object/apply:os.system [ls]", "line 1: tag !!python/object/apply:os.system is not allowed"),
        ("x: !mine 1", "line 1: tag !mine is not allowed"),
        ("x: ! 1", "line 1: tag ! is not allowed"),
        ("x: !!int 0b1", "line 1: x: 0b1 is not of type int"),
        ("x: &a [1, *a]", "line 1: x.1: alias of a value that holds it"),
        ("x: &a {b: {c: *a}}", "line 1: x.b.c: alias of a value that holds it"),
        ("x: &a {<<: *a}", "x.<<: must be an alias of another mapping, or a list of them"),
        ("x: {<<: 3}", "x.<<: must be an alias of another mapping, or a list of them"),
        (bomb(9), "line 1: more than 100000 values; aliases count each time"),
        (merges(9), "line 1: more than 100000 values; aliases count each time"),
        ("[" * 10_000, f"line 1: nested deeper than {MAX_DEPTH} levels"),
        ("a: " + "{b: " * 2000 + "}" * 2000, f"line 1: nested deeper than {MAX_DEPTH} levels"),
        ("\n".join(["a0: &a0 {x: 1}", *(f"a{i}: &a{i} {{<<: *a{i - 1}}}" for i in range(1, 2000))]), "line "),
        ("a:\n\tb: 1", "line 2: a tab must not indent or begin a value; use spaces"),
        ("---\na: 1\n---\nb: 1", "line 3: a second document begins; the text must hold one"),
        (b"a: \xff", "must be UTF-8 text, but byte 4 is not"),
        (b"\xff\xfea\x00", "must be UTF-8 text, but byte 1 is not"),
        ("a: \x00", "unacceptable character #x0000"),
        ("a: *b", "line 1: found undefined alias 'b'"),
        ("? [1]\n: 2", "line 1: a key must be text"),
        ("? {a: 1}\n: 2", "line 1: a key must be text"),
        ("? ''\n: 2", "line 1: a key is empty"),
        ("a: " + "9" * 5000, f"line 1: a: an integer must not have more than {MAX_DIGITS} digits"),
        ("a: b: c", "line 1: mapping values are not allowed here"),
    ],
)
def test_what_is_refused_is_told_in_one_line(text, line):
    """Catches last-wins keys, code in tags, exponential aliases and merges, endless recursion, and long messages."""
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_aliases_and_merge_keys_of_other_values_are_read():
    assert parse("a: &a {k: 1, l: 2}\nb: {<<: *a, k: 3}\nc: *a") == {
        "a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}, "c": {"k": 1, "l": 2},
    }  # fmt: skip
    assert parse("a: &a {k: 1}\nb: &b {k: 2, l: 2}\nc: {<<: [*a, *b]}")["c"] == {"k": 1, "l": 2}
    assert parse("a: &a [1]\nb: *a") == {"a": [1], "b": [1]}


def test_keys_are_text_and_an_empty_value_is_no_null():
    assert parse("{1: a, true: b, null: c, 0x1: d, on: e}") == {
        "1": "a",
        "true": "b",
        "null": "c",
        "0x1": "d",
        "on": "e",
    }
    assert parse("{rate_scale: 1,15}") == {"rate_scale": 1, "15": NoValue}
    assert parse("a:\nb: null\nc: ~") == {"a": NoValue, "b": None, "c": None}
    assert parse("") is NoValue and parse("# nothing") is NoValue


def test_a_byte_order_mark_is_no_part_of_the_text():
    assert parse(b"\xef\xbb\xbfa: 1") == parse("\ufeffa: 1") == {"a": 1}

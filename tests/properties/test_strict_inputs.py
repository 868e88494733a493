"""Faults in a valid scenario: at any place they are refused in one line with the path, and never change a value."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import parse_overrides

SCENARIOS = {name: Scenario.load(name) for name in ("storm", "pretraining-cluster")}
DATA = {name: scenario.model_dump(mode="json") for name, scenario in SCENARIOS.items()}
NAMED = {"hardware", "classes", "regions", "tenants", "models", "width", "satellites", "targets", "randomise"}


def text_of(node, at=(), place=None, extra="", leaf=None):
    """YAML of a node; at one place a mapping gets an extra entry, or a value gets another text."""
    if leaf is not None and at == place:
        return leaf
    if isinstance(node, dict):
        entries = [
            f"{json.dumps(key)}: {text_of(value, (*at, key), place, extra, leaf)}" for key, value in node.items()
        ]
        return "{" + ", ".join([*entries, *([extra] if extra and at == place else [])]) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(text_of(value, (*at, str(i)), place, extra, leaf) for i, value in enumerate(node)) + "]"
    return json.dumps(node)


def places(node, at=()):
    """All places of a node with their values."""
    yield at, node
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in inner:
        yield from places(value, (*at, str(key)))


EVERYWHERE = [(name, at, value) for name, data in DATA.items() for at, value in places(data)]


def drawn(fits):
    return st.sampled_from([found for found in EVERYWHERE if fits(*found[1:])])


def is_block(at, value):
    """Whether a place holds fields with fixed names."""
    return isinstance(value, dict) and not (at and at[-1] in NAMED)


def is_number(at, value):
    return isinstance(value, int | float) and not isinstance(value, bool)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("strict")


def refusal(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)
    told = str(caught.value)
    assert told.startswith(f"{path}: ") and "\n" not in told
    told = told.removeprefix(f"{path}: ").removeprefix("not readable as YAML: ")
    assert len(told) < 200
    return told


few = settings(max_examples=10)


@few
@given(drawn(lambda at, value: isinstance(value, dict) and value), st.data())
def test_a_key_given_twice(folder, found, data):
    """Catches the last of two values that wins, and a whole block that is lost."""
    name, at, value = found
    key = data.draw(st.sampled_from(sorted(value)))
    again = data.draw(st.sampled_from([json.dumps(key), key]))
    extra = f"{again}: {data.draw(st.sampled_from(['null', '1', json.dumps(value[key])]))}"
    told = refusal(folder, text_of(DATA[name], place=at, extra=extra))
    assert told.startswith(f"{'.'.join((*at, key))}: given twice, in lines 1 and 1")


@few
@given(drawn(is_block), st.sampled_from(["null", "", "1", "{}", "[]", "text"]), st.data())
def test_a_misspelt_key(folder, found, value, data):
    """Catches unknown keys that are taken away because their value is null or missing, as in {rate_scale: 1,15}."""
    name, at, block = found
    key = data.draw(st.sampled_from([*(f"{key}x" for key in block), "15"]))
    told = refusal(folder, text_of(DATA[name], place=at, extra=f"{key}: {value}" if value else key))
    assert told.startswith(f"{'.'.join((*at, key))}: unknown key; ")
    if not any(part.isdecimal() for part in at):
        nested = f"{{{key}: {value or 'null'}}}"
        for part in reversed(at):
            nested = f"{{{json.dumps(part)}: {nested}}}"
        again = refusal(folder, f"{{base: {name}, name: mine, {nested[1:]}")
        assert again.partition(";")[0] == told.partition(";")[0]
        with pytest.raises(ScenarioError, match="unknown key"):
            SCENARIOS[name].replace(parse_overrides([f"{'.'.join((*at, key))}={value or 'null'}"]))


@few
@given(
    drawn(is_number),
    st.sampled_from(["true", "false", "yes", "on", "'1'", "1_000", "0b1", ".nan", ".inf", "1e999", "12:30:61"]),
)
def test_no_number(folder, found, text):
    """Catches `yes` and true that count as 1, quoted numbers, underscores, and numbers that are not finite."""
    name, at, _ = found
    told = refusal(folder, text_of(DATA[name], place=at, leaf=text))
    assert told.startswith(f"{'.'.join(at)} = "), told


@few
@given(drawn(lambda at, value: is_number(at, value) and value >= 0), st.integers(1, 3))
def test_zeros_before_a_number_change_nothing(folder, found, zeros):
    """Catches 010 that is read as 8."""
    name, at, value = found
    text = "0" * zeros + repr(value)
    path = folder / "mine.yaml"
    path.write_text(text_of(DATA[name], place=at, leaf=text))
    assert Scenario.load(path) == SCENARIOS[name]


@few
@given(
    drawn(lambda at, value: isinstance(value, bool)), st.sampled_from(["1", "0", "yes", "no", "on", "'true'", "1.0"])
)
def test_no_boolean(folder, found, text):
    """Catches numbers and words that count as true or false."""
    name, at, _ = found
    told = refusal(folder, text_of(DATA[name], place=at, leaf=text))
    assert told.startswith(f"{'.'.join(at)} = ") and told.endswith("must be true or false")


@few
@given(drawn(lambda at, value: isinstance(value, str)), st.sampled_from(["1", "2.5", "true", "{}", "[]"]))
def test_no_text(folder, found, text):
    """Catches numbers that count as text or as a date."""
    name, at, _ = found
    assert refusal(folder, text_of(DATA[name], place=at, leaf=text)).startswith(".".join(at))


@settings(max_examples=20)
@given(drawn(lambda at, value: at), st.sampled_from(["null", "~", ""]))
def test_null(folder, found, text):
    """Null is the value of a field that takes it; anywhere else it is refused. A key without a value is refused."""
    name, at, _ = found
    written = text_of(DATA[name], place=at, leaf=text)
    path = folder / "mine.yaml"
    path.write_text(written)
    try:
        loaded = Scenario.load(path)
    except ScenarioError:
        told = refusal(folder, written)
        wholes = [".".join(at[:k]) for k in range(len(at), 0, -1)]  # such as a block that needs one of two fields
        assert (
            any(told.startswith(whole) for whole in wholes) or at[0] == "network"
        )  # on which classes and shells depend
    else:
        assert text and value_at(loaded.model_dump(mode="json"), at) is None


def value_at(data, at):
    for key in at:
        data = data[int(key) if isinstance(data, list) else key]
    return data

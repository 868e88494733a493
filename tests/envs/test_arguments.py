"""Arguments by one rule in the single environment, the native batch and the batch of stable-baselines3."""

import datetime
import json
from fractions import Fraction

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode
from hypothesis import given
from hypothesis import strategies as st

from odc_gym import ODCSatEnv, ODCSatVectorEnv
from odc_gym.envs.arguments import check_number, plain
from odc_gym.errors import ArgumentError, ScenarioError
from odc_gym.scenario import Scenario, Sensing
from odc_gym.scenario.files import FOLDER, names

SMALL = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}


def sb3_batch(**kwargs):
    from odc_gym.sb3 import make_vec_env

    return make_vec_env("ODCSat-v0", env_kwargs=kwargs)


def named_batch(**kwargs):
    return gym.make_vec("ODCSat-v0", num_envs=2, **kwargs)


MAKERS = [ODCSatEnv, ODCSatVectorEnv, named_batch, sb3_batch]
NUMBERS = ("decision_period_s", "episode_hours")


def message(make, **kwargs):
    with pytest.raises(ArgumentError) as caught:
        make(**{**SMALL, **kwargs})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("value", [True, np.True_, "2", float("nan"), float("inf"), np.float32("nan"), 1j, [2], b"2"])
def test_numbers_are_finite_real_numbers(make, value):
    """Catches `episode_hours=True`, which was an hour, and texts and NaN that were passed on."""
    for name in NUMBERS:
        assert message(make, **{name: value}) == f"{name} = {value!r}: must be a finite number, or None"


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("one", [1, 1.0, np.int64(1), np.float32(1), np.uint8(1), Fraction(1)])
def test_numbers_of_every_library_are_accepted(make, one):
    env = make(**{**SMALL, "episode_hours": one})
    assert getattr(env, "unwrapped", env).simulator.decisions == 12


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("kwargs", "line"),
    [
        ({"overrides": "a=1"}, "overrides = 'a=1': must be a mapping of dotted paths to values, as in {"),
        ({"overrides": [("episode.hours", 2)]}, "overrides = [('episode.hours', 2)]: must be a mapping"),
        ({"overrides": 5}, "overrides = 5: must be a mapping"),
        ({"overrides": {3: 1}}, "overrides: key 3 must be a dotted path"),
        ({"overrides": {"": 1}}, "overrides: key '' must be a dotted path"),
        ({"scenario": 5}, "scenario = 5: must be a name, the path of a YAML file, a Scenario, or a mapping"),
        ({"scenario": None}, "scenario = None: must be a name"),
        ({"trace": 5}, "trace = 5: must be the path of a file, a list of paths, a Trace, or None"),
        ({"trace": [True]}, "trace = [True]: must be the path of a file"),
        ({"render_mode": "human_list"}, "render_mode = 'human_list': must be one of None, ansi, rgb_array"),
        ({"render_mode": True}, "render_mode = True: must be one of None, ansi, rgb_array"),
        ({"action_mode": None}, "action_mode = None: must be one of bids, dials, assign"),
        ({"action_mode": ["bids"]}, "action_mode = ['bids']: must be one of bids, dials, assign"),
        ({"observation_mode": 1}, "observation_mode = 1: must be one of flat, dict"),
    ],
)
def test_other_arguments_are_refused_in_one_line(make, kwargs, line):
    assert message(make, **kwargs).startswith(line)


@pytest.mark.parametrize("value", [True, 2.5, 0, -1, "2", np.float64(2), None])
def test_counts_are_integers(value):
    line = f"= {value!r}: must be an integer >= "
    assert line in message(ODCSatVectorEnv, num_envs=value)
    if value is not None:
        assert line in message(ODCSatVectorEnv, max_episode_steps=value)
    sb3 = pytest.importorskip("odc_gym.sb3")
    for name in ("n_envs", "start_index"):
        if (name, value) != ("start_index", 0):
            with pytest.raises(ArgumentError, match=f"^{name} = "):
                sb3.make_vec_env("ODCSat-v0", env_kwargs=SMALL, **{name: value})


def test_counts_of_numpy_are_integers():
    envs = ODCSatVectorEnv(np.int64(2), **SMALL, max_episode_steps=np.uint8(3))
    assert envs.num_envs == 2 and type(envs.num_envs) is int
    sb3 = pytest.importorskip("odc_gym.sb3")
    assert sb3.make_vec_env("ODCSat-v0", np.int32(2), start_index=np.int64(1), env_kwargs=SMALL).num_envs == 2


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_accepted_numbers_keep_their_value_and_become_pythons(value):
    found = check_number("x", value)
    assert found == value and type(found) in (int, float)


def test_numbers_out_of_range_are_left_to_the_scenario():
    with pytest.raises(ScenarioError, match=r"episode\.hours = -1"):
        ODCSatEnv(**{**SMALL, "episode_hours": -1})


@pytest.mark.parametrize("name", names(large=False))
def test_a_scenario_as_plain_data_is_the_same_scenario(name):
    scenario = Scenario.load(name)
    assert Scenario.load(json.loads(json.dumps(plain(scenario)))) == scenario


def test_a_scenario_may_be_a_mapping_of_its_fields():
    mapping = Scenario.load("starter18").model_dump() | {"name": "mine"}
    assert ODCSatEnv(mapping).scenario.name == "mine"
    with pytest.raises(ScenarioError, match="hardwar: unknown key; did you mean hardware"):
        ODCSatEnv({**mapping, "hardwar": {}})


ARGUMENTS = [
    {"scenario": Scenario.load("starter18")},
    {"scenario": Scenario.load("storm").model_dump()},
    {"scenario": FOLDER / "starter18.yaml"},
    {
        "overrides": {
            "shells.0.orbit.total": np.int64(6),
            "hardware.*.battery.capacity_wh": np.float32(9000),
            "start": {"epoch": datetime.datetime(2027, 3, 20, tzinfo=datetime.UTC)},
            "sensing": Sensing(delay_s=60),
        }
    },
    {"decision_period_s": np.float64(600), "observation_mode": "dict", "action_mode": "assign"},
]


@pytest.mark.parametrize("kwargs", ARGUMENTS, ids=lambda kwargs: next(iter(kwargs)))
def test_a_spec_is_json_that_makes_the_same_environment(kwargs):
    """Catches `spec.to_json()` that fails for a Scenario, a path, or numbers of NumPy."""
    kwargs = {"episode_hours": np.int64(1), "render_mode": "ansi", **kwargs}
    env = gym.make("odc_gym:ODCSat-v0", **kwargs)
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.scenario == env.unwrapped.scenario
    assert again.observation_space == env.observation_space and again.action_space == env.action_space
    assert again.spec.to_json() == env.spec.to_json() and again.render_mode == "ansi"


def test_a_spec_of_a_batch_makes_the_same_batch():
    kwargs = {**SMALL, "scenario": Scenario.load("starter24"), "autoreset_mode": AutoresetMode.SAME_STEP}
    envs = gym.make_vec("odc_gym:ODCSat-v0", num_envs=2, **kwargs)
    again = gym.make_vec(EnvSpec.from_json(envs.spec.to_json()))
    assert again.num_envs == 2 and again.unwrapped.simulator.scenario == envs.unwrapped.simulator.scenario
    assert again.unwrapped.autoreset_mode is AutoresetMode.SAME_STEP
    batch = sb3_batch(**SMALL, scenario=Scenario.load("starter24"))
    single = gym.make(EnvSpec.from_json(batch.spec.to_json()))
    assert single.unwrapped.scenario == batch.simulator.scenario == envs.unwrapped.simulator.scenario
    assert not gym.spec("ODCSat-v0").kwargs

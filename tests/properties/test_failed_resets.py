"""Resets and states that are refused, and episodes that cannot be built, in single environments and batches.

A row whose reset failed has no episode until a reset succeeds. All other rows are as they were before the call.
"""

import copy

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.envs.env import ODCSatEnv
from odc_gym.envs.vector import ODCSatVectorEnv
from odc_gym.errors import ActionError, ArgumentError, OrbitError
from odc_gym.sb3 import make_vec_env
from odc_gym.seeds import checked_seed, environment_seeds
from odc_gym.simulator import simulator as simulator_module
from odc_gym.simulator import state_check
from odc_gym.simulator.allocation import BY_JOB

SMALL = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}  # 6 decisions
BAD_SEEDS = [2**63, 2**64, 10**5000, -1, True, np.True_, 1.0, np.float64(3), np.nan, "3", b"33", {3}, np.array([[1]])]


def single(**kwargs):
    return ODCSatEnv(**{**SMALL, **kwargs})


def batch(num_envs=3, **kwargs):
    """A batch whose episodes are built when they begin; those prepared before would not fail."""
    return ODCSatVectorEnv(num_envs, prefetch=False, **{**SMALL, **kwargs})


def sb3_batch(n_envs=3, **kwargs):
    return make_vec_env("ODCSat-v0", n_envs, 3, env_kwargs={**SMALL, **kwargs})


def zeros(env):
    count = getattr(env, "num_envs", None)
    return np.zeros(env.simulator.action_size if count is None else (count, env.simulator.action_size))


def refused(call):
    """The message of a refused call: one line of moderate length."""
    with pytest.raises(ArgumentError) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message and len(message) < 200
    return message


@pytest.fixture
def unbuildable(monkeypatch):
    """Episodes in this set cannot be built, as of elements that are too old for the day."""
    numbers, build = set(), simulator_module.build_episode

    def fail_or_build(fleet, seed):
        if seed in numbers:
            raise OrbitError(f"episode {seed}: elements are too old")
        return build(fleet, seed)

    for module in (simulator_module, state_check):
        monkeypatch.setattr(module, "build_episode", fail_or_build)
    return numbers


@given(st.integers(), st.sampled_from([int, np.int64, np.uint64, np.array]))
def test_seeds_are_integers_of_63_bits_of_any_integer_type(number, kind):
    try:
        seed = kind(number)
    except OverflowError:
        return
    if 0 <= number < 2**63:
        assert type(checked_seed(seed)) is int and checked_seed(seed) == number
    else:
        assert "must be an integer >= 0 and < 2**63" in refused(lambda: checked_seed(seed))


def test_one_rule_for_seeds_in_single_environments_and_batches():
    """Catches booleans that pass as 0 and 1, and numbers that overflow after the first tables are written."""
    env, envs, sb3 = single(), batch(2), sb3_batch(2)
    sb3.reset()
    for seed in BAD_SEEDS:
        assert refused(lambda seed=seed: environment_seeds([0, seed], 2)).startswith("seed[1] = ")
        env.reset(seed=np.int64(1))
        envs.reset(seed=np.array([1, 1]))
        assert "must be an integer >= 0 and < 2**63" in refused(lambda seed=seed: env.reset(seed=seed))
        assert "must be" in refused(lambda seed=seed: envs.reset(seed=seed))
        for one in (env, envs):
            with pytest.raises(ResetNeeded):
                one.step(zeros(one))
        assert "must be" in refused(lambda seed=seed: sb3.seed(seed))
        sb3.step(zeros(sb3))  # a seed that was refused began nothing
    for seed in BAD_SEEDS[:5]:
        assert "start_index" in refused(lambda seed=seed: make_vec_env("ODCSat-v0", 2, 0, seed, env_kwargs=SMALL))


def test_largest_seeds():
    env, envs = single(), batch(2)
    assert env.reset(seed=2**63 - 1)[1]["episode_seed"] == 2**63 - 1
    assert envs.reset(seed=2**63 - 2)[1]["episode_seed"].tolist() == [2**63 - 2, 2**63 - 1]
    line = refused(lambda: envs.reset(seed=2**63 - 1))
    assert line == "seed = 9223372036854775807: must be <= 2**63 - 2, because environment i has seed + i"
    assert "one for each environment, got 3" in refused(lambda: envs.reset(seed=[1, 2, 3]))
    assert refused(lambda: env.reset(seed=[1])) == "seed = [1]: must be an integer >= 0 and < 2**63"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"colour": "red"}, "options: unknown key 'colour'; must be reset_mask"),
        ({"reset_mask": np.ones(2, bool), "colour": 1}, "options: unknown key 'colour'; must be reset_mask"),
        (5, "options: int, must be a dict or None"),
        ({"reset_mask": None}, "options.reset_mask: must be a bool array of shape (2,)"),
        ({"reset_mask": np.ones(2)}, "options.reset_mask: must be a bool array of shape (2,)"),
        ({"reset_mask": np.ones(3, bool)}, "options.reset_mask: must be a bool array of shape (2,)"),
        ({"reset_mask": np.ones((2, 1), bool)}, "options.reset_mask: must be a bool array of shape (2,)"),
    ],
)
def test_unknown_options_begin_nothing(options, line):
    """Catches a misspelt mask, with which a batch would reset all its environments."""
    env, envs = single(), batch(2)
    env.reset(seed=0)
    envs.reset(seed=0)
    seeds = envs.simulator.seeds.tolist()
    assert refused(lambda: envs.reset(options=options)) == line and seeds == [0, 1]
    assert refused(lambda: env.reset(options=options)).startswith("options: ")
    for one in (env, envs):
        with pytest.raises(ResetNeeded):
            one.step(zeros(one))
        assert one.reset(seed=4, options={})[0].shape == one.observation_space.shape


def test_a_single_environment_recovers_from_an_episode_that_cannot_be_built(unbuildable):
    env, fresh = single(), single()
    unbuildable.add(6)
    env.reset(seed=5)
    env.step(zeros(env))
    with pytest.raises(OrbitError):
        env.reset(seed=6)
    with pytest.raises(ResetNeeded):
        env.step(zeros(env))
    observations = [one.reset(seed=7)[0] for one in (env, fresh)]
    steps = [one.step(zeros(one)) for one in (env, fresh)]
    assert np.array_equal(*observations) and steps[0][1:] == steps[1][1:]


@pytest.mark.parametrize("call", ["mask", "NextStep", "SameStep"])
def test_rows_beside_a_failed_reset_stay_as_they_were(call, unbuildable):
    """By a mask and by both automatic resets: catches lost transitions, and rows of two episodes."""
    envs = batch(autoreset_mode="Disabled" if call == "mask" else call)
    envs.reset(seed=[1, 2, 3])
    envs.step(zeros(envs))
    envs.reset(seed=[None, 9, None], options={"reset_mask": np.array([False, True, False])})  # ends a step later
    for _ in range(5 if call == "NextStep" else 4):
        envs.step(zeros(envs))
    twin = copy.deepcopy(envs)
    unbuildable |= set(range(10_000))
    with pytest.raises(OrbitError):
        if call == "mask":
            envs.reset(seed=[20_001, None, 5], options={"reset_mask": np.array([True, False, True])})
        else:
            envs.step(zeros(envs))
    with pytest.raises(ResetNeeded, match=r"environments \[0, 2\] must be reset"):
        envs.step(zeros(envs))
    unbuildable.clear()
    for one in (envs, twin):
        one.reset(seed=[30_000, None, 30_002], options={"reset_mask": np.array([True, False, True])})
    for _ in range(2):
        ours, theirs = envs.step(zeros(envs)), twin.step(zeros(twin))
        assert all(np.array_equal(a, b) for a, b in zip(ours[:4], theirs[:4], strict=True))


def test_an_automatic_reset_of_all_rows_that_fails_leaves_no_episode(unbuildable):
    for envs in (batch(autoreset_mode="SameStep"), sb3_batch()):
        envs.reset()
        for _ in range(5):
            envs.step(zeros(envs))
        unbuildable |= set(range(10_000))
        with pytest.raises(OrbitError):
            envs.step(zeros(envs))
        with pytest.raises(ResetNeeded):
            envs.step(zeros(envs))
        unbuildable.clear()
        envs.reset()
        assert not envs.simulator.truncated.any()
        envs.step(zeros(envs))


def test_a_refused_action_draws_no_episode():
    """In the step that would begin the next episodes: catches generators that go on although nothing was played."""
    for envs in (batch(autoreset_mode="SameStep"), batch(), sb3_batch()):
        envs.reset()
        for _ in range(6 if getattr(envs, "autoreset_mode", None) is gym.vector.AutoresetMode.NEXT_STEP else 5):
            envs.step(zeros(envs))
        twin = copy.deepcopy(envs)
        with pytest.raises(ActionError):
            envs.step(zeros(envs)[:, 1:])
        assert np.array_equal(envs.step(zeros(envs))[0], twin.step(zeros(twin))[0])
        assert envs.simulator.seeds.tolist() == twin.simulator.seeds.tolist()


def spoilt_states(state):
    """Incomplete, truncated and foreign variants of a state, by name."""
    for name, array in state.items():
        yield f"without {name}", {key: value for key, value in state.items() if key != name}
        yield f"type of {name}", state | {name: np.zeros(array.shape, np.complex64)}
        yield f"rows of {name}", state | {name: np.concatenate([array, array])}
        if array.ndim > 1:
            yield f"truncated {name}", state | {name: array[..., :-1]}
    seeds = next(name for name in state if name.endswith("seeds"))
    for seed in (-2, -7):
        yield f"seed {seed}", state | {seeds: np.full_like(state[seeds], seed)}
    lengthened = {name: state[name][..., :8] for name in state if name.split("/")[-1] in BY_JOB}
    yield "tables of eight jobs", state | lengthened
    yield "no mapping", [1, 2, 3]


@pytest.mark.parametrize("kind", [single, sb3_batch])
def test_states_that_are_refused_change_nothing(kind):
    env = kind()
    env.reset()
    env.step(zeros(env))
    good = env.get_state()
    foreign = [kind(overrides={"shells.0.orbit.total": 3, "hardware.odcsat.battery.capacity_wh": 9000})]
    foreign += [kind(episode_hours=1), kind(scenario="starter18", overrides={})]
    states = dict(spoilt_states(good))
    for number, other in enumerate(foreign):
        other.reset()
        states[f"foreign {number}"] = other.get_state()
    for name, state in states.items():
        line = refused(lambda state=state: env.set_state(state))
        assert line.startswith(("state", "state.")), name
        after = env.get_state()
        assert all(np.array_equal(after[key], good[key]) for key in good), name
    env.set_state(good)
    env.step(zeros(env))


def test_a_state_from_before_the_first_reset_needs_a_reset():
    env, other = single(), single()
    other.reset(seed=4)
    other.set_state(env.get_state())
    with pytest.raises(ResetNeeded):
        other.step(zeros(other))
    other.reset()
    other.step(zeros(other))

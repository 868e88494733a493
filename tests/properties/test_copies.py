"""Copies of environments, batches and schedulers, made by every usual means, in every mode and scenario.

A copy must go on like its original: steps, observations, the view, what schedulers do with it, infos and scores. It
must share nothing with it that either of them writes.
"""

import copy
import itertools
import pickle

import cloudpickle
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv
from stable_baselines3.common.utils import ConstantSchedule
from stable_baselines3.common.vec_env import SubprocVecEnv

import odc_gym  # noqa: F401  registers the id
from odc_gym.agents import make_scheduler
from odc_gym.evaluation.ablations import Masked, Perturbed
from odc_gym.sb3 import make_vec_env
from odc_gym.scenario.files import names
from odc_gym.training.policies import HeldNoisePolicy
from odc_gym.training.policy_scheduler import ExploringScheduler, PolicyScheduler

WAYS = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda env: pickle.loads(pickle.dumps(env)),
    "pickle protocol 2": lambda env: pickle.loads(pickle.dumps(env, 2)),
    "cloudpickle": lambda env: cloudpickle.loads(cloudpickle.dumps(env)),
}
MODES = [(action, observation) for action in ("bids", "dials", "assign") for observation in ("flat", "dict")]
SMALL = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}  # 6 decisions
SCHEDULERS = ("random", "round-robin", "sun-aware", "gang-aware")


def single(**kwargs):
    return gym.make("ODCSat-v0", **{**SMALL, **kwargs}).unwrapped


def batch(**kwargs):
    return gym.make_vec("ODCSat-v0", num_envs=2, autoreset_mode="SameStep", **{**SMALL, **kwargs}).unwrapped


def sb3_batch(**kwargs):
    return make_vec_env("ODCSat-v0", n_envs=2, seed=3, env_kwargs={**SMALL, **kwargs})


KINDS = {"single": single, "batch": batch, "sb3": sb3_batch}


def reset(env, seed=None):
    """Begin an episode; a batch of stable-baselines3 takes its seeds beforehand."""
    if hasattr(env, "reset_infos"):
        env.seed(seed)
        return env.reset(), copy.deepcopy(env.reset_infos)
    return env.reset(seed=seed)


def same(a, b):
    """Return whether two results are equal in values, types and structure; wall times are no part of it."""
    if isinstance(a, dict):
        return set(a) == set(b) and all(same(a[name], b[name]) for name in a if name != "t")
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray) and a.dtype == object:
        return len(a) == len(b) and all(map(same, a, b))
    return np.array_equal(a, b) and np.asarray(a).dtype == np.asarray(b).dtype


def mappings(view):
    """Everything that the view shows by name."""
    return {name: dict(getattr(view, name)) for name in ("observation", "forecast", "design", "jobs")} | {
        "encoded": view.encoded,
        "feasible": view.job_feasible,
    }


def run(env, decisions, seed=0):
    """Step under random actions; return all that the environment tells, and all that the view then shows."""
    simulator, rng, told = env.simulator, np.random.default_rng(seed), []
    for _ in range(decisions):
        if simulator.assigns:
            actions = rng.integers(0, simulator.assignment.choices, (simulator.num_envs, simulator.action_size))
        else:
            actions = rng.uniform(-1.0, 1.0, (simulator.num_envs, simulator.action_size))
        told.append(copy.deepcopy(env.step(actions[0] if isinstance(env, gym.Env) else actions)))
        told.append(copy.deepcopy(mappings(simulator.view)))
    return told


def owned_arrays(thing, seen, found):
    """Collect every array that is reachable from an object and can be written."""
    if id(thing) in seen or isinstance(thing, str | bytes | int | float | type) or thing is None:
        return found
    seen[id(thing)] = thing
    if isinstance(thing, np.ndarray):
        if thing.flags.writeable and thing.size and thing.dtype != object:
            found.append(thing)
    elif isinstance(thing, dict):
        for value in thing.values():
            owned_arrays(value, seen, found)
    elif isinstance(thing, list | tuple | set):
        for value in thing:
            owned_arrays(value, seen, found)
    elif type(thing).__module__.startswith("odc_gym."):
        owned_arrays(vars(thing), seen, found)
    return found


def assert_nothing_shared(first, second):
    bounds = sorted(
        (*np.lib.array_utils.byte_bounds(array), owner)
        for owner, env in enumerate((first, second))
        for array in owned_arrays(env, {}, [])
    )
    for (_, end, owner), (begin, _, other) in itertools.pairwise(bounds):
        assert owner == other or end <= begin


def course(env, decisions):
    """Return what an environment tells from now on, over the end of its episode and after two resets."""
    told = [copy.deepcopy(mappings(env.simulator.view)), run(env, decisions)]
    for seed in (7, None):
        told += [copy.deepcopy(reset(env, seed)), run(env, 1)]
    return told


def assert_copies_go_on_alike(env, decisions):
    """Play copies of every kind one after the other, then the original, which none of them may have moved."""
    twins = {way: make(env) for way, make in WAYS.items()}
    for twin in twins.values():
        assert_nothing_shared(env, twin)
    told = {way: course(twin, decisions) for way, twin in twins.items()}
    expected = course(env, decisions)
    assert [way for way in WAYS if not same(told[way], expected)] == []


@pytest.mark.parametrize(("action_mode", "observation_mode"), MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_copies_in_every_mode_go_on_like_their_original(kind, action_mode, observation_mode):
    """Catches views that stay at the moment of copying, and generators that a copy does not have."""
    env = KINDS[kind](action_mode=action_mode, observation_mode=observation_mode)
    reset(env, 5)
    run(env, 4)
    assert_copies_go_on_alike(env, decisions=2 if kind == "single" else 3)


@pytest.mark.parametrize("kind", KINDS)
def test_copies_before_the_first_reset_and_after_the_end(kind):
    env = KINDS[kind]()
    assert_copies_go_on_alike(env, decisions=0)
    run(env, 5)
    assert_copies_go_on_alike(env, decisions=0)


@pytest.mark.parametrize("way", WAYS)
def test_a_monitored_batch_is_copied_and_only_the_original_writes_its_file(way, tmp_path):
    """Catches: stable-baselines3's wrapper keeps members of its class, which no pickle can hold."""
    recorded = {"info_keywords": ("episode_metrics/jobs_run",)}
    env = make_vec_env("ODCSat-v0", 2, 3, env_kwargs=SMALL, monitor_dir=tmp_path, monitor_kwargs=recorded)
    reset(env, 5)
    run(env, 4)
    twin = WAYS[way](env)
    assert twin.venv is not env.venv
    assert same(run(env, 4), run(twin, 4))
    env.close()
    assert len((tmp_path / "0.monitor.csv").read_text().splitlines()) == 2 + 2  # heads, and an episode of each


@pytest.mark.parametrize("name", names(large=False))
def test_a_copy_of_every_scenario_goes_on_like_its_original(name):
    """One way for each scenario, in turns: networks, services, random numbers and outages are copied too."""
    way = sorted(WAYS)[names(large=False).index(name) % len(WAYS)]
    env = gym.make("ODCSat-v0", scenario=name, episode_hours=1).unwrapped
    env.reset(seed=20_000)
    run(env, 2)
    twin = WAYS[way](env)
    assert_nothing_shared(env, twin)
    assert same(run(env, 3), run(twin, 3))
    assert same(env.reset(), twin.reset())
    assert same(run(env, 1), run(twin, 1))


@pytest.mark.parametrize("way", WAYS)
def test_stepping_and_writing_to_one_changes_nothing_in_the_other(way):
    env = single()
    env.reset(seed=2)
    twin, reference = WAYS[way](env), WAYS[way](env)
    before = copy.deepcopy(mappings(env.view))
    run(twin, 4)
    twin.reset(seed=9)
    for array in owned_arrays(twin, {}, []):
        array[...] = np.zeros((), array.dtype)
    assert same(mappings(env.view), before)
    assert same(run(env, 3), run(reference, 3))


class Keeper:
    """Scheduler that keeps the view and two of its mappings, as users' schedulers do."""

    def __init__(self, view):
        self.view, self.design, self.seen = view, view.design, view.observation

    def reset(self, view, mask, seeds):
        pass

    def act(self, view):
        assert view is self.view and self.seen is view.observation and self.design is view.design
        actions = view.layout.zeros(view.num_envs)
        view.layout.clocks(actions)[:] = self.seen["charge_frac"] - self.design["floor_frac"]
        return actions


def schedulers_of(env):
    """Rules with and without memory, a user's scheduler, wrappers of schedulers, and trained policies."""
    view = env.unwrapped.view
    rules = [make_scheduler(name, env) for name in SCHEDULERS]
    spaces = env.observation_space, env.action_space
    deviation = [0.0] * view.action_size
    policy = HeldNoisePolicy(*spaces, ConstantSchedule(1e-3), net_arch=[8], log_std=deviation, noise_correlation=0.5)
    wrapped = [Perturbed(rules[0], 0.1), Masked(rules[1], np.arange(3), np.zeros(3, np.float32))]
    return [*rules, Keeper(view), *wrapped, PolicyScheduler(policy), ExploringScheduler(policy, None, None, 3)]


@pytest.mark.parametrize("way", ["deepcopy", "pickle", "cloudpickle"])
def test_schedulers_copied_with_their_environment_stay_with_it(way):
    """What a scheduler remembers and draws is copied; what it holds of the view shows the copied environment."""
    env = gym.make("ODCSat-v0", **SMALL)
    env.reset(seed=4)
    view = env.unwrapped.view
    schedulers = schedulers_of(env)
    for scheduler in schedulers:
        scheduler.reset(view, np.ones(1, np.bool_), np.array([4]))
    for _ in range(2):
        actions = [scheduler.act(view) for scheduler in schedulers]
        env.step(actions[2][0])
    twin, copies = WAYS[way]((env, schedulers))
    assert twin.unwrapped.view is not view
    for _ in range(3):
        actions = [scheduler.act(view) for scheduler in schedulers]
        assert same(actions, [scheduler.act(twin.unwrapped.view) for scheduler in copies])
        assert same(env.step(actions[2][0]), twin.step(actions[2][0]))


def test_a_view_copied_alone_is_a_snapshot():
    env = single()
    env.reset(seed=4)
    kept = copy.deepcopy(env.view)
    before = copy.deepcopy(mappings(env.view))
    run(env, 2)
    assert same(mappings(kept), before) and not same(mappings(env.view), before)
    with pytest.raises(ValueError, match="read-only"):
        kept.observation["charge_frac"][0] = 0.0
    with pytest.raises(TypeError):
        kept.design["capacity_j"] = 0.0


def test_a_copied_batch_with_links_keeps_its_tables():
    """Rows of a copied batch share network tables as before, whatever episodes they begin."""
    envs = make_vec_env("ODCSat-v0", 3, 1, env_kwargs={"scenario": "own-links", "episode_hours": 0.5})
    envs.reset()
    twin = pickle.loads(pickle.dumps(envs))
    actions = np.zeros((3, *envs.action_space.shape))
    for _ in range(7):
        assert same(envs.step(actions), twin.step(actions))
    for ours, theirs in zip(envs.simulator.tables.links, twin.simulator.tables.links, strict=True):
        assert np.array_equal(ours, theirs) and len(ours) == len(theirs)


def test_environments_sent_to_other_processes():
    """`SubprocVecEnv` and `AsyncVectorEnv` send the environment itself, with methods that start new processes."""
    env, here = single(), single()
    env.reset(seed=3)
    batches = [
        SubprocVecEnv([lambda: env], start_method="forkserver"),
        AsyncVectorEnv([lambda: env], context="spawn", autoreset_mode="SameStep"),
    ]
    try:
        batches[0].seed(11)
        observation, _ = here.reset(seed=11)
        assert np.array_equal(batches[0].reset()[0], observation)
        assert np.array_equal(batches[1].reset(seed=11)[0][0], observation)
        for _ in range(3):
            action = here.action_space.sample() * 0
            step = here.step(action)
            for other in batches:
                result = other.step(action[None])
                assert np.array_equal(result[0][0], step[0]) and result[1][0] == pytest.approx(step[1])
        charge = here.view.observation["charge_frac"]
        assert np.array_equal(batches[0].get_attr("view")[0].observation["charge_frac"], charge)
        assert np.array_equal(batches[1].get_attr("view")[0].observation["charge_frac"], charge)
    finally:
        for other in batches:
            other.close()

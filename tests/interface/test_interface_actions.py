from types import SimpleNamespace

import numpy as np
import pytest
from core_rig import same_state
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.core.layout.state import State
from odc_gym.core.layout.work import Classes
from odc_gym.errors import ActionError, OdcGymError
from odc_gym.interface.actions import ActionLayout, decode
from odc_gym.simulator.simulator import Simulator


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 3))
def test_parts_cover_the_action_once(satellites, classes, envs):
    """Catches overlapping or missing components: each part numbered, together they are a permutation."""
    layout = ActionLayout(satellites, classes)
    action = layout.zeros(envs)
    assert layout.size == satellites * (classes + 1) + 2 * classes == action.shape[1]
    action[:] = np.arange(action.size).reshape(action.shape)
    parts = [layout.bids(action), layout.clocks(action), layout.urgency(action), layout.offsets(action)]
    assert [p.shape[1:] for p in parts] == [(classes, satellites), (satellites,), (classes,), (classes,)]
    assert sorted(np.concatenate([p.ravel() for p in parts]).tolist()) == list(range(action.size))
    for part in parts:
        part[...] = -1.0  # they are views
    assert (action == -1.0).all()


@pytest.fixture(scope="module")
def decoded():
    """A decoded action of numbers that all differ, and its parts."""
    layout = ActionLayout(4, 3)
    action = np.linspace(-0.9, 0.9, layout.size)[None]
    env = SimpleNamespace(
        sat=State(*np.zeros((len(State._fields), 8))), classes=Classes(*np.zeros((len(Classes._fields), 3, 8))),
        urgency=np.zeros(3), clock_offset=np.zeros(3), num_satellites=4, num_classes=3,
    )  # fmt: skip
    uncompiled(decode)(action[0], env)
    return layout, action, env


def uncompiled(routine):
    """The Python of a routine: a bundle with some of its parts is enough for it."""
    return getattr(routine, "py_func", routine)


def test_decoding_reads_what_the_layout_writes(decoded):
    """Schedulers write through the layout, the core reads by its own loop: catches two orders."""
    layout, action, env = decoded
    bid, request = env.classes.bid, env.sat.request
    assert np.array_equal(bid[:, :4], layout.bids(action)[0])
    assert np.array_equal(request[:4], layout.clocks(action)[0])
    assert np.array_equal(env.urgency, layout.urgency(action)[0])
    assert np.array_equal(env.clock_offset, layout.offsets(action)[0])
    assert (bid[:, 4:] == 0.0).all() and (request[4:] == 0.0).all()


def test_switches_count_changed_clock_requests(decoded):
    _, action, env = decoded
    before = env.sat.switches.copy()
    uncompiled(decode)(action[0], env)
    assert np.array_equal(env.sat.switches, before)
    uncompiled(decode)(-action[0], env)
    assert np.array_equal(env.sat.switches[:4], before[:4] + 1)


@pytest.fixture(scope="module")
def sim(starter12):
    sim = Simulator(starter12, 2, episode_hours=1)
    sim.reset([1, 2])
    return sim


def test_values_beyond_one_are_held_to_it(starter12):
    """Gaussian policies leave the box: catches bids of 40 that outbid everything for ever."""
    a, b = Simulator(starter12, 1, episode_hours=1), Simulator(starter12, 1, episode_hours=1)
    a.reset([1])
    b.reset([1])
    wild = np.random.default_rng(0).normal(0.0, 10.0, (a.decisions, 1, a.action_size))
    for action in wild:
        a.step(action)
        b.step(np.clip(action, -1.0, 1.0))
        assert np.array_equal(a.observation, b.observation) and np.array_equal(a.reward, b.reward)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_actions_that_are_not_finite_are_refused(sim, bad):
    action = np.zeros((2, sim.action_size))
    action[1, 7] = bad
    before = sim.get_state()
    with pytest.raises(ActionError, match=r"action\[1, 7\] = .*: must be finite"):
        sim.step(action)
    assert same_state(sim.get_state(), before)


@pytest.mark.parametrize("shape", [(54,), (1, 54), (2, 53), (2, 54, 1)])
def test_actions_of_another_shape_are_refused(sim, shape):
    with pytest.raises(ActionError, match="shape"):
        sim.step(np.zeros(shape))


def test_bad_simulators_and_seeds_are_refused(starter12, sim):
    with pytest.raises(OdcGymError, match="num_envs = 0: must be >= 1"):
        Simulator(starter12, 0)
    with pytest.raises(OdcGymError, match="seed = -1"):
        sim.reset([-1, 0])
    with pytest.raises(OdcGymError, match="seeds: 1 given for 2"):
        sim.reset([1])


def test_steps_after_the_end_change_nothing(starter12):
    """A batch goes on while rows wait for their reset: reward 0, same state."""
    sim = Simulator(starter12, 1, episode_hours=1)
    sim.reset([1])
    action = np.ones((1, sim.action_size))
    for _ in range(12):
        assert not sim.truncated[0]
        sim.step(action)
    assert sim.truncated[0]
    before = sim.get_state()
    sim.step(action)
    assert sim.reward[0] == 0.0
    assert same_state(sim.get_state(), before)

"""The same seed gives the same bits: in any company and place of a batch, from a restored state, in another process."""

import os
import subprocess
import sys

import numpy as np
import pytest
from core_rig import same_state

from odc_gym.core.layout.batch import Mutable
from odc_gym.errors import OdcGymError
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import names
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator

SEEDS = (20_010, 20_011, 20_012, 20_013, 20_014, 20_015, 20_016, 20_017)
DECISIONS = 40


def actions_of(seed, size, decisions=DECISIONS):
    """The actions that go with a seed, (decisions, A)."""
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (decisions, size))


def play(sim, seeds, order=None):
    """Per seed: observations, rewards and the final state."""
    sim.reset(seeds)
    actions = np.stack([actions_of(seed, sim.action_size) for seed in seeds], 1)
    observations, rewards = [sim.observation], []
    for k in range(DECISIONS):
        sim.step(actions[k])
        observations.append(sim.observation)
        rewards.append(sim.reward)
    return collect(sim, seeds, np.array(observations), np.array(rewards))


def collect(sim, seeds, observations, rewards):
    state = sim.get_state()
    return {
        seed: (
            observations[:, i],
            rewards[:, i],
            {name: state[name][i] for name in Mutable._fields},
            episode_metrics(sim, i),
        )
        for i, seed in enumerate(seeds)
    }


def assert_same(a, b):
    assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])
    states = []
    for state in (a[2], b[2]):
        rows = min(a[2]["run"].shape[-1], b[2]["run"].shape[-1])  # capacity may differ
        states.append(state | {name: state[name][..., :rows] for name in ("run", "lists", "pending_gb")})
    assert same_state(*states)
    assert a[3] == b[3]


@pytest.fixture(scope="module")
def alone(starter12):
    """Each seed played in a batch of one."""
    sim = Simulator(starter12, 1)
    return {seed: play(sim, [seed])[seed] for seed in SEEDS}


@pytest.mark.parametrize("size", [3, 8])
def test_place_and_size_of_the_batch_do_not_matter(starter12, alone, size):
    """Catches scratch space or tables that rows share."""
    seeds = SEEDS[:size][::-1]
    for seed, result in play(Simulator(starter12, size), seeds).items():
        assert_same(result, alone[seed])


@pytest.mark.parametrize("name", [name for name in names(large=False) if name != "starter12"])
def test_rows_of_a_batch_of_any_scenario_are_single_episodes(name):
    """Shells of several kinds, and fleets of other sizes: two hours in a batch of three and alone."""
    scenario = Scenario.load(name)
    alone, batch = Simulator(scenario, 1, episode_hours=2), Simulator(scenario, 3, episode_hours=2)
    together = play(batch, SEEDS[:3])
    assert_same(together[SEEDS[1]], play(alone, [SEEDS[1]])[SEEDS[1]])


def test_same_seed_in_two_rows_is_the_same_episode(starter12):
    sim = Simulator(starter12, 2)
    sim.reset([20_010, 20_010])
    for action in actions_of(0, sim.action_size, 20):
        sim.step(np.stack([action, action]))
        assert np.array_equal(*sim.observation) and np.ptp(sim.reward) == 0.0


def test_interleaved_simulators_do_not_meet(starter12, alone):
    """Catches module-level state: two simulators stepped in turns equal each alone."""
    sims = {seed: Simulator(starter12, 1) for seed in SEEDS[:2]}
    for seed, sim in sims.items():
        sim.reset([seed])
    seen = {seed: ([sim.observation], []) for seed, sim in sims.items()}
    for k in range(DECISIONS):
        for seed, sim in sims.items():
            sim.step(actions_of(seed, sim.action_size)[k : k + 1])
            seen[seed][0].append(sim.observation)
            seen[seed][1].append(sim.reward)
    for seed, sim in sims.items():
        result = collect(sim, [seed], np.array(seen[seed][0]), np.array(seen[seed][1]))[seed]
        assert_same(result, alone[seed])


def test_resetting_one_row_leaves_the_others_alone(starter12, alone):
    """Rows are reset when their episode ends: catches a reset that disturbs its neighbours."""
    sim = Simulator(starter12, 3)
    sim.reset(SEEDS[:3])
    actions = np.stack([actions_of(seed, sim.action_size) for seed in SEEDS[:3]], 1)
    observations, rewards = [sim.observation], []
    for k in range(DECISIONS):
        sim.step(actions[k])
        observations.append(sim.observation)
        rewards.append(sim.reward)
        if k % 7 == 0:
            sim.reset([SEEDS[5]], rows=[1])
    result = collect(sim, SEEDS[:3], np.array(observations), np.array(rewards))
    assert_same(result[SEEDS[0]], alone[SEEDS[0]])
    assert_same(result[SEEDS[2]], alone[SEEDS[2]])


@pytest.mark.parametrize("capacity", [None, 4096])
def test_state_goes_on_in_a_fresh_simulator(starter12, alone, capacity):
    """Half the way here, half there, in another row of a batch with another room for jobs."""
    first, second = Simulator(starter12, 1), Simulator(starter12, 3)
    seed = SEEDS[0]
    first.reset([seed])
    actions = actions_of(seed, first.action_size)
    observations, rewards = [first.observation[0]], []
    for k in range(DECISIONS // 2):
        first.step(actions[k : k + 1])
        observations.append(first.observation[0])
        rewards.append(first.reward[0])
    if capacity:
        second._grow(capacity)
    second.reset([SEEDS[3], SEEDS[4], SEEDS[5]])
    second.set_state(first.get_state(), rows=[1])
    assert np.array_equal(second.observation[1], observations[-1])
    for k in range(DECISIONS // 2, DECISIONS):
        batch = np.zeros((3, second.action_size))
        batch[1] = actions[k]
        second.step(batch)
        observations.append(second.observation[1])
        rewards.append(second.reward[1])
    state = second.get_state([1])
    result = (
        np.array(observations),
        np.array(rewards),
        {n: state[n][0] for n in Mutable._fields},
        episode_metrics(second, 1),
    )
    assert_same(result, alone[seed])


def test_branches_from_a_state_do_not_touch_it(starter12):
    """Planning plays ahead and returns: catches a snapshot that shares memory."""
    sim = Simulator(starter12, 1)
    sim.reset([SEEDS[0]])
    saved = sim.get_state()
    copy = {name: value.copy() for name, value in saved.items()}
    scores = []
    for _ in range(2):
        sim.set_state(saved)
        total = 0.0
        for action in actions_of(3, sim.action_size, 12):
            sim.step(action[None])
            total += sim.reward[0]
        scores.append(total)
    assert scores[0] == scores[1]
    assert same_state(saved, copy)


def test_state_of_another_shape_is_refused(starter12):
    sim = Simulator(starter12, 2)
    sim.reset([0, 1])
    with pytest.raises(OdcGymError, match=r"^state: origin of shape \(2,\), must be of shape \(1,\)$"):
        sim.set_state(sim.get_state(), rows=[0])
    other = Simulator(starter12.replace({"shells.0.orbit.total": 24}), 2)
    with pytest.raises(OdcGymError, match=r"^state: of another scenario"):
        other.set_state(sim.get_state())


SCRIPT = """
import sys
import numpy as np
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

state_file, out_file, overrides, decisions, seed = *sys.argv[1:3], *map(eval, sys.argv[3:6])
sim = Simulator(Scenario.load("starter12").replace(overrides), 1)
if state_file:
    with np.load(state_file) as file:
        sim.set_state(dict(file))
else:
    sim.reset([seed])
actions = np.random.default_rng(seed).uniform(-1.0, 1.0, (40, sim.action_size))
observations, rewards = [], []
for k in range(40 - decisions, 40):
    sim.step(actions[k:k + 1])
    observations.append(sim.observation[0])
    rewards.append(sim.reward[0])
np.savez(out_file, observations=observations, rewards=rewards, state=sim.mutable.state, ledger=sim.mutable.ledger)
"""


def run(tmp_path, state_file="", overrides=None, decisions=20, seed=SEEDS[0], **environment):
    out = tmp_path / "out.npz"
    command = [
        sys.executable,
        "-W",
        "error",
        "-c",
        SCRIPT,
        str(state_file),
        str(out),
        repr(overrides or {}),
        str(decisions),
        str(seed),
    ]
    paths = os.pathsep.join([os.getcwd(), *(p for p in sys.path if p)])
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with np.load(out) as file:
        return dict(file)


def test_state_goes_on_in_another_process(starter12, alone, tmp_path):
    """Catches anything that a snapshot forgets, and hashes that differ between processes."""
    sim = Simulator(starter12, 1)
    seed = SEEDS[0]
    sim.reset([seed])
    for action in actions_of(seed, sim.action_size)[: DECISIONS // 2]:
        sim.step(action[None])
    np.savez(tmp_path / "state.npz", **sim.get_state())
    there = run(tmp_path, tmp_path / "state.npz", PYTHONHASHSEED="7")
    assert np.array_equal(there["observations"], alone[seed][0][-20:])
    assert np.array_equal(there["rewards"], alone[seed][1][-20:])
    assert np.array_equal(there["state"][0], alone[seed][2]["state"])


def test_plain_python_equals_the_compiled_core(starter12, tmp_path):
    """NUMBA_DISABLE_JIT=1 runs the same code: catches arithmetic that means one thing compiled and another not."""
    small = {"shells.0.orbit.total": 3, "episode.hours": 4}
    sim = Simulator(starter12.replace(small), 1)
    sim.reset([SEEDS[1]])
    actions = actions_of(SEEDS[1], sim.action_size)
    observations, rewards = [], []
    for k in range(36, 40):
        sim.step(actions[k : k + 1])
        observations.append(sim.observation[0])
        rewards.append(sim.reward[0])
    there = run(tmp_path, overrides=small, decisions=4, seed=SEEDS[1], NUMBA_DISABLE_JIT="1")
    assert there["observations"] == pytest.approx(np.array(observations), rel=1e-6, abs=1e-6)  # float32
    assert there["rewards"] == pytest.approx(np.array(rewards), rel=1e-9, abs=1e-12)
    assert there["state"] == pytest.approx(sim.mutable.state, rel=1e-9, abs=1e-9)
    assert there["ledger"] == pytest.approx(sim.mutable.ledger, rel=1e-9, abs=1e-9)

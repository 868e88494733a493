"""Search for hosts by blocks: compared with a search of all satellites, on fleets in random states."""

import numpy as np
import pytest
from bundle import environment_of
from hypothesis import given, settings
from hypothesis import strategies as st

from odc_gym.core.jobs.host_search import (
    best_host,
    build_heap,
    most_free_accelerators,
    note_change,
    open_search,
    pop_heap,
)
from odc_gym.core.jobs.waiting import NOWHERE, feasible, has_room, respects_reservation, score_of
from odc_gym.core.layout.search import BLOCK, ENTRIES
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

SATELLITES = 2 * BLOCK + 7


@pytest.fixture(scope="module")
def env():
    orbit = {"total": SATELLITES, "planes": 1, "phasing": 0}
    changes = {f"shells.0.orbit.{name}": value for name, value in orbit.items()} | {"episode.hours": 1}
    sim = Simulator(Scenario.load("starter12", changes), 1)
    sim.reset([20_000])
    return environment_of(sim)


def scatter(env, random):
    """Give random bids, free accelerators, and compute that is off; many scores are equal."""
    n = SATELLITES
    env.classes.bid[:, :n] = random.choice([-1.0, 0.0, 0.5], (env.num_classes, n))
    env.sat.off[:n] = random.random(n) < 0.2
    env.sat.free[:n] = random.integers(0, env.sat.living[:n].astype(int) + 1)
    open_search(env)


def first_of_best(env, row, floor, now_s):
    """The satellite that a search of all satellites in order finds."""
    job, found = env.jobs[row], NOWHERE
    for s in range(SATELLITES):
        if has_room(env, job["class_id"], job["width"], s):
            score = score_of(env, s, job["class_id"], job["width"])
            if score > floor and feasible(env, row, s, now_s) and respects_reservation(env, row, s, now_s):
                found, floor = s, score
    return found


@given(seed=st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_a_search_by_blocks_finds_what_a_search_of_all_finds(env, seed):
    """Also after accelerators become free or taken. Catches bounds that are out of date, and ties to a later block."""
    random = np.random.default_rng(seed)
    scatter(env, random)
    rows = random.choice(len(env.jobs), 12)
    rows = [row for row in rows.tolist() if np.isfinite(env.jobs["arrival_s"][row])]
    found = 0
    for row in rows:
        s = int(random.integers(SATELLITES))
        env.sat.free[s] = random.integers(0, env.sat.living[s] + 1)
        note_change(env, s)
        for floor in (-np.inf, random.uniform(-1.0, 0.5)):
            expected = first_of_best(env, row, floor, 0.0)
            assert best_host(env, row, floor, 0.0) == expected
            found += expected != NOWHERE
        most = (env.sat.free[:SATELLITES] * (1 - env.sat.off[:SATELLITES])).max()
        assert most_free_accelerators(env) == most
    assert found or not rows


def test_more_pairs_than_entries_take_turns(env):
    """Catches the bound of one class and width that answers for another."""
    scatter(env, np.random.default_rng(1))
    row = int(np.flatnonzero(np.isfinite(env.jobs["arrival_s"]))[0])
    before = env.jobs[row].copy()
    for width in [*range(1, ENTRIES + 9), 1, 2, 3]:
        env.jobs[row]["width"] = width
        assert best_host(env, row, -np.inf, 0.0) == first_of_best(env, row, -np.inf, 0.0)
    env.jobs[row] = before


@given(keys=st.lists(st.sampled_from([0.0, 0.25, 1.0, 3.0]), min_size=1, max_size=40))
def test_a_heap_yields_the_highest_key_first(env, keys):
    search = env.work.search
    search.heap[: len(keys)], search.key[: len(keys)] = np.arange(len(keys)), keys
    build_heap(env, len(keys))
    found = [pop_heap(env, count) for count in range(len(keys), 0, -1)]
    assert found == sorted(range(len(keys)), key=lambda k: (-keys[k], k))

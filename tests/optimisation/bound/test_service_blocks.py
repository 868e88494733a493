"""What the programme takes of the queueing model of services: busy replicas, late requests, and batches in flight."""

import numpy as np
import pytest
from bound_rig import fly, membership
from serving_rig import MINUTE_S, ServingRig

from odc_gym.scenario import Scenario, ServiceClass
from odc_gym.scenario.files import names
from odc_gym.tables.fleet.serving_tables import services_of

LOADS = (0.1, 0.3, 0.5, 0.7, 0.85, 0.95, 0.985)


def services():
    """Names of presets and services, one for each engine of the package."""
    found = {}
    for name in names(large=False):
        scenario = Scenario.load(name)
        for class_name, pair in zip(scenario.class_names, services_of(scenario), strict=True):
            if isinstance(scenario.workload.classes[class_name], ServiceClass):
                found[str(pair)] = (name, class_name, pair)
    return list(found.values())


@pytest.mark.parametrize(("name", "class_name", "pair"), services(), ids=lambda value: str(value)[:20])
def test_replicas_are_busy_for_at_least_their_load(name, class_name, pair):
    """Catches: a pool whose work draws less than full batches would."""
    own, sizes = pair
    rig = ServingRig(own, sizes)
    for replicas in (1, 2, 5, 16, 64):
        for clock in (0.3, 0.6, 1.0):
            for load in LOADS:
                arrivals = np.full(240, load * rig.pool(replicas, clock)[1] * MINUTE_S)
                *_, prefill, busy, _ = rig.serve(replicas, clock, arrivals)[-1]
                assert busy >= load * (1.0 - 1e-6)
                assert busy >= prefill


def test_a_backlog_is_served_late():
    """Catches: full pay for requests that waited for minutes, which the programme does not grant."""
    scenario = Scenario.load("starter12")
    own, sizes = services_of(scenario)[list(scenario.class_names).index("interactive")]
    rig = ServingRig(own, sizes)
    capacity = rig.pool(16, 1.0)[1] * MINUTE_S
    arrivals = np.concatenate([np.full(30, 0.5), np.full(5, 3.0), np.full(30, 0.5)]) * capacity
    out = rig.serve(16, 1.0, arrivals)
    served, backlog, slo_met = out[:, 0], out[:, 7], out[:, 3]
    late = (served * (1.0 - slo_met)).sum()
    assert late >= backlog.max() * 0.95 - 4.0 * capacity / MINUTE_S


def chatter(period):
    """Actions that drain all replicas, let them resume, and change clocks, over and over."""
    state = {"k": 0}

    def act(size):
        state["k"] += 1
        on = (state["k"] // period) % 2 == 0
        return np.full((1, size), 1.0 if on else -1.0)

    return act


@pytest.mark.parametrize("name", ["starter12", "threebody12", "serving", "storm"])
@pytest.mark.parametrize("period", [1, 2, 5])
def test_pools_that_come_and_go_serve_no_more(name, period):
    """Catches: batches that count twice when replicas drain, resume and move."""
    _, episode, follower = fly(name, chatter(period), hours=5.0)
    violation, objective = membership(episode, follower)
    assert violation <= 1e-6
    assert objective >= follower.score - 1e-6

"""The mode `dials`: the rule of the compiled core against one written apart, and its meaning dial by dial."""

import numpy as np
import pytest

from odc_gym.envs.vector import build_simulator
from odc_gym.errors import ActionError
from odc_gym.interface.dials import DIALS
from odc_gym.scenario import Scenario

SCALE = {dial.name: dial.scale for dial in DIALS}
PRESETS = ("starter12", "threebody12", "edge-earth", "storm", "suncatcher81", "ai1-shells")


def played(scenario="starter12", rows=2, decisions=30, **kwargs):
    """A batch in the middle of an episode, where satellites differ in every quantity that the rule reads."""
    simulator = build_simulator(rows, scenario, **kwargs)
    simulator.reset(range(100, 100 + rows))
    generator = np.random.default_rng(0)
    for _ in range(decisions):
        action = 0.3 * generator.standard_normal((rows, simulator.dials.size))
        simulator.step(simulator.view.actions_of_dials(action) if simulator.action_mode == "bids" else action)
    return simulator


def expected(view, dials):
    """The rule in NumPy: bids (B, C, S), clocks (B, S), urgencies and offsets (B, C)."""
    seen, design, names = view.observation, view.design, view.class_names
    values = {
        name: SCALE[name.rpartition(".")[2]] * np.clip(v, -1, 1)
        for name, v in zip(view.dials.names, dials, strict=True)
    }
    of_class = lambda dial: np.array([values[f"fleet.{name}.{dial}"] for name in names])  # noqa: E731
    of_fleet = lambda dial: values[f"fleet.{dial}"]  # noqa: E731
    work = [view.scenario.workload.classes[name] for name in names]
    service = np.array([c.kind == "service" for c in work])
    widest = np.array([0 if c.kind == "service" else max(c.width) for c in work])
    utilisation = np.array([c.utilisation for c in work])
    mean = lambda x: x - x.mean(1, keepdims=True)  # noqa: E731
    margin, charge = design["limit_k"] - seen["junction_k"], seen["charge_frac"]
    held = seen["running"].sum(1)
    busy = held / np.maximum(held + seen["free"], 1.0)
    memory = design["hbm_gb"] / design["hbm_gb"].mean(1, keepdims=True) - 1.0
    where = (
        of_fleet("light") * np.clip(seen["time_to_crossing_s"] / 5400.0, -1, 1)
        + of_fleet("charge") * mean(charge)
        + of_fleet("coolness") * mean(margin) / 10.0
    )
    by_power = of_fleet("power_to_charge") * (utilisation - utilisation.mean())
    bids = of_class("packing")[:, None] * view.scenario.dispatch.load_weight * busy[:, None]
    bids = (
        bids
        + where[:, None]
        + by_power[:, None] * mean(charge)[:, None]
        + of_class("memory")[:, None] * memory[:, None]
    )
    close, drain = view.scenario.dispatch.close, view.scenario.dispatch.drain
    bids = np.clip(bids, close + 0.1, 1.0)
    waits = service & (seen["waiting_work_s"] > 0)
    half = (widest[:, None] > 0.5 * design["accelerators"][:, None]) & (
        seen["free"] >= (0.5 + of_fleet("opening")) * design["accelerators"]
    )[:, None]
    opened = (~service[:, None] & half) | waits[:, :, None]
    kept = (np.arange(1, view.satellites + 1) * 0.6180339887498949) % 1.0 < of_fleet("kept")
    bids = np.where(kept, np.where(opened, close + 0.1, (close + drain) / 2), bids)
    above = (charge - design["floor_frac"])[:, None]
    bids = np.where((of_fleet("close_charge") > 0) & (above < of_fleet("close_charge")), (close + drain) / 2, bids)
    bids = np.where((of_fleet("drain_charge") > 0) & (above < of_fleet("drain_charge")), -1.0, bids)
    demand = np.zeros((view.num_envs, 1))
    if service.any():
        tokens = [c.output_tokens_per_min / 60 * c.accelerator_ms_per_token / 1000 for c in work if c.kind == "service"]
        offered = view.scenario.workload.rate_scale * sum(tokens)
        demand = np.clip(seen["arrival_rate"][:, service].sum(1, keepdims=True) / offered - 1, -1, 2)
    clocks = (
        of_fleet("clock") + of_fleet("clock_light") * seen["sunlit_frac"] + of_fleet("clock_charge") * (charge - 0.8)
        + of_fleet("clock_coolness") * (margin - 8.0) / 10.0 + of_fleet("clock_load") * (busy - 0.9)
        + of_fleet("clock_demand") * demand
    )  # fmt: skip
    waiting = np.minimum(seen["waiting_work_s"] / (600.0 * design["accelerators"].sum(1, keepdims=True)), 2.0)
    urgency = np.clip(of_class("urgency") + service * of_fleet("backlog") * waiting, -SCALE["urgency"], 1.0)
    return bids, np.clip(clocks, -1, 1), urgency, np.broadcast_to(of_class("clock_offset"), urgency.shape)


@pytest.mark.parametrize("scenario", PRESETS)
def test_the_rule_is_that_of_the_meanings(scenario):
    """Catches a wrong sign, scale, mean or place of a term, and blocks of the observation that stay zero."""
    view = played(scenario).view
    assert (view.observation["charge_frac"] > 0.1).all() and view.observation["junction_k"].std() > 0.01
    generator = np.random.default_rng(1)
    for _ in range(40):
        dials = generator.uniform(-1.3, 1.3, view.dials.size)
        actions = view.actions_of_dials(dials)
        parts = view.layout.bids(actions), view.layout.clocks(actions), view.layout.urgency(actions)
        for found, wanted in zip((*parts, view.layout.offsets(actions)), expected(view, dials), strict=True):
            assert np.allclose(found, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scenario", ["starter12", "ai1-shells", "starter12-randomised"])
def test_dials_play_as_the_bids_that_they_stand_for(scenario):
    """Catches dials that are read with another observation, or a decoding of their own."""
    dialled, bidding = (build_simulator(3, scenario, action_mode=mode, episode_hours=3) for mode in ("dials", "bids"))
    generator = np.random.default_rng(2)
    for simulator in (dialled, bidding):
        simulator.reset([1, 2, 3])
    for _ in range(dialled.decisions):
        action = generator.uniform(-6, 6, (3, dialled.action_size))
        bidding.step(bidding.view.actions_of_dials(action / 5.0))
        dialled.step(action)
        assert np.array_equal(dialled.observation, bidding.observation)
        assert np.array_equal(dialled.reward, bidding.reward)
    assert dialled.reward.std() > 0


def test_zero_dials_are_the_zero_action():
    for scenario in PRESETS:
        view = played(scenario, rows=1, decisions=3).view
        assert not view.actions_of_dials(np.zeros(view.dials.size)).any()


def moved(view, **dials):
    """The action of dials by name, for all classes, against the zero action."""
    vector = np.array([dials.get(name.rpartition(".")[2], 0.0) for name in view.dials.names])
    return view.actions_of_dials(vector)


def correlation(a, b):
    return np.corrcoef(np.broadcast_to(a, b.shape).ravel(), b.ravel())[0, 1]


@pytest.mark.parametrize(
    ("dial", "quantity", "sign"),
    [
        ("charge", lambda v: v.observation["charge_frac"], 1),
        ("coolness", lambda v: -v.observation["junction_k"], 1),
        ("light", lambda v: v.observation["time_to_crossing_s"], 1),
        ("packing", lambda v: v.observation["free"], -1),
        ("clock_light", lambda v: v.observation["sunlit_frac"], 1),
        ("clock_charge", lambda v: v.observation["charge_frac"], 1),
        ("clock_coolness", lambda v: -v.observation["junction_k"], 1),
        ("clock_load", lambda v: v.observation["free"], -1),
    ],
)
def test_a_dial_follows_its_quantity(dial, quantity, sign):
    """Catches exchanged dials: a small dial moves bids or clocks with its quantity, and nothing else."""
    view = played(rows=1, decisions=60, overrides={"workload.rate_scale": 0.6}).view  # some accelerators are free
    actions = moved(view, **{dial: 0.1})
    part, rest = view.layout.bids(actions)[:, 0], view.layout.clocks(actions)
    if dial.startswith("clock"):
        part, rest = rest, part
    assert sign * correlation(part, quantity(view)) > 0.95
    assert not rest.any() and not view.layout.urgency(actions).any()


def test_memory_sends_a_class_to_satellites_of_much_memory():
    data = Scenario.load("starter12").model_dump(mode="json")
    data["hardware"]["small"] = data["hardware"]["odcsat"] | {
        "accelerators": data["hardware"]["odcsat"]["accelerators"] | {"hbm_gb": 140.0}
    }
    shell = data["shells"][0]
    data["shells"] = [shell, shell | {"hardware": "small"}]
    view = played(data, rows=1, decisions=1).view
    bids = view.layout.bids(moved(view, memory=0.5))
    assert (bids[..., :12] > bids[..., 12:].max()).all()


def test_values_that_are_not_finite_are_refused():
    simulator = played(rows=1, decisions=1, action_mode="dials")
    with pytest.raises(ActionError, match="must be finite"):
        simulator.step(np.full((1, simulator.action_size), np.nan))

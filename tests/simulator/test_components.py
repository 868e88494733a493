"""Names and decoded values of observations and actions, against the measured values and the layouts."""

import gymnasium as gym
import numpy as np
import pytest

import odc_gym
from odc_gym.errors import ArgumentError

SMALL = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 2}
MODES = [("bids", "flat"), ("dials", "flat"), ("bids", "dict"), ("assign", "flat"), ("assign", "dict")]


def played(decisions=4, **kwargs):
    """An environment in the middle of an episode under random actions, and its observation."""
    env = odc_gym.ODCSatEnv(**{**SMALL, **kwargs})
    observation, _ = env.reset(seed=5)
    env.action_space.seed(0)
    for _ in range(decisions):
        observation = env.step(env.action_space.sample())[0]
    return env, observation


def test_names_of_the_default_environment():
    env = odc_gym.ODCSatEnv()
    names, actions = env.observation_names(), env.action_names()
    assert len(names) == len(set(names)) == 657 and len(actions) == len(set(actions)) == 27
    assert names[0] == "satellite[0].charge_frac" and names[50 * 3 + 26 + 8] == "satellite[3].batch.running"
    assert names[600] == "fleet.day_sine" and names[-1] == "fleet.interactive.served_frac"
    assert actions == env.view.dials.names and actions[1] == "fleet.batch.urgency"
    actions = odc_gym.ODCSatEnv(action_mode="bids").action_names()
    assert actions[:4] == [
        "satellite[0].finetuning.bid", "satellite[0].batch.bid", "satellite[0].interactive.bid", "satellite[0].clock"
    ]  # fmt: skip
    assert actions[-6:-4] == ["fleet.finetuning.urgency", "fleet.batch.urgency"]


def test_actions_are_named_as_their_layout_places_them():
    env = odc_gym.ODCSatEnv(**SMALL, action_mode="bids")
    layout, names = env.view.layout, env.action_names()
    for part, suffix in ((layout.bids, "bid"), (layout.urgency, "urgency"), (layout.offsets, "clock_offset")):
        action = layout.zeros(1)
        part(action)[:] = 1.0
        assert {name.rpartition(".")[2] for name, v in zip(names, action[0], strict=True) if v} == {suffix}
    action = layout.zeros(1)
    layout.bids(action)[0, 2, 1] = 1.0
    layout.clocks(action)[0, 2] = 1.0
    assert [names[k] for k in np.flatnonzero(action[0])] == ["satellite[1].interactive.bid", "satellite[2].clock"]
    assign = odc_gym.ODCSatEnv(**SMALL, action_mode="assign")
    dials = odc_gym.ODCSatEnv(**SMALL, action_mode="dials")
    assert dials.action_names() == dials.view.dials.names and len(dials.view.dials.names) == dials.action_space.shape[0]
    assert assign.action_names() == [f"job[{k}]" for k in range(16)] + [f"satellite[{s}].level" for s in range(3)]


@pytest.mark.parametrize("scenario", ["starter12", "edge-earth", "starter12-randomised"])
@pytest.mark.parametrize("modes", MODES)
def test_names_and_decoded_values_are_those_of_the_view(modes, scenario):
    """Catches an order of names other than that of the encoding, wrong units, and an encoding inverted wrongly."""
    kwargs = {} if scenario == "starter12" else {"overrides": {}, "scenario": scenario}
    env, observation = played(**kwargs, action_mode=modes[0], observation_mode=modes[1])
    table, view, checked = env.explain(observation), env.view, 0
    for row in table:
        owner, *middle, name = row.name.split(".")
        kind, place = owner.rstrip("]").split("[") if "[" in owner else (owner, None)
        if name == "present":
            assert row.value == view.job_present[0, int(place)]
            continue
        values = (view.jobs if kind == "job" else view.observation)[name][0]
        index = [view.class_names.index(m) for m in middle] + ([] if place is None else [int(place)])
        if kind == "job":
            index = index[::-1]
            if not view.job_present[0, int(place)]:
                assert np.isnan(row.value)
                continue
        exact = float(values[tuple(index)])
        if row.clipped:
            assert abs(row.encoded) == 1.0
        else:
            assert row.value == pytest.approx(exact, rel=2e-3, abs=1e-5), row
            checked += 1
    assert checked > 0.8 * len(table) * (1 if modes[1] == "flat" else 0.5)
    names = env.observation_names()
    if modes[1] == "flat":
        assert [row.name for row in table] == names and [row.encoded for row in table] == observation.tolist()
    else:
        assert {block: part.shape for block, part in names.items()} == {b: o.shape for b, o in observation.items()}
        for block, part in names.items():
            for name, value in zip(part.ravel(), observation[block].ravel(), strict=True):
                assert table[name].encoded == value


def test_tables_are_read_by_place_name_and_part():
    env, observation = played()
    table = env.explain(observation)
    assert table[0] is table["satellite[0].charge_frac"] and table[-1].name == table[len(table) - 1].name
    part = table.select("satellite[1].batch")
    assert len(part) == 8 and part["satellite[1].batch.running"].unit == "accelerators"
    assert [row.name for row in table[2:4]] == ["satellite[0].junction_k", "satellite[0].radiator_k"]
    assert len(repr(table).splitlines()) == 42 and "167 more; select(prefix)" in repr(table)
    assert "336" in f"{table['satellite[0].junction_k']:}" or " K " in str(table["satellite[0].junction_k"])
    with pytest.raises(KeyError, match="no such name"):
        table["no such name"]


def test_values_beyond_the_encoding_are_marked():
    env, observation = played()
    hot = observation.copy()
    hot[2] = -1.0  # 30 K above the limit, or more
    row = env.explain(hot)["satellite[0].junction_k"]
    assert row.clipped and row.value == pytest.approx(env.view.design["limit_k"][0, 0] + 30) and "beyond" in str(row)
    assert not env.explain(observation)["fleet.load"].clipped  # a share of 1 is exact


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (np.zeros(5), r"observation: shape \(5,\), must be \(207,\), the observation of one environment"),
        (np.zeros((2, 207)), r"observation: shape \(2, 207\), must be"),
        ({"fleet": np.zeros(57)}, "observation: lacks 'satellites'; must be flat, or have satellites, fleet"),
        ({"fleet": np.zeros(3), "satellites": np.zeros(150)}, r"fleet: shape \(3,\), must be \(57,\)"),
    ],
)
def test_other_observations_are_refused(wrong, line):
    with pytest.raises(ArgumentError, match=line):
        odc_gym.ODCSatEnv(**SMALL).explain(wrong)


def test_batches_give_the_same_names_and_explanations():
    single = odc_gym.ODCSatEnv(**SMALL)
    native = gym.make_vec("ODCSat-v0", num_envs=2, **SMALL).unwrapped
    observations, _ = native.reset(seed=5)
    assert native.observation_names() == single.observation_names() and native.action_names() == single.action_names()
    assert native.explain(observations[1])[0].encoded == observations[1, 0]
    sb3 = pytest.importorskip("odc_gym.sb3").make_vec_env("ODCSat-v0", 2, env_kwargs=SMALL)
    assert sb3.env_method("action_names") == [single.action_names()] * 2
    assert sb3.env_method("observation_names", indices=0) == [single.observation_names()]
    assert list(sb3.env_method("explain", observations[0], indices=1)[0]) == list(single.explain(observations[0]))

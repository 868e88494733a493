"""The environment as users meet it: both checkers, spaces, info, text, errors, and a state that goes on."""

import re

import gymnasium as gym
import numpy as np
import pytest
from core_rig import same_state
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import odc_gym
from odc_gym.errors import ActionError, ArgumentError, ScenarioError
from odc_gym.seeds import EpisodeStream

SHORT = {"scenario": "starter12", "action_mode": "bids", "episode_hours": 1.0}
ID = "ODCSat-v0"


def make(**kwargs):
    return gym.make(ID, **{**SHORT, **kwargs}).unwrapped


def play(env, seed, decisions=None):
    """Observations and rewards of an episode under its own random actions."""
    observation, _ = env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    observations, rewards, truncated = [observation], [], False
    while not truncated and len(rewards) != decisions:
        observation, reward, _, truncated, _ = env.step(rng.uniform(-1.0, 1.0, env.action_space.shape))
        observations.append(observation)
        rewards.append(reward)
    return np.array(observations), np.array(rewards)


MODES = [{"action_mode": a, "observation_mode": o} for a in ("bids", "dials", "assign") for o in ("flat", "dict")]


# the box of dials is five times wider than the checkers recommend, so that the noise of learners is moderate
WIDE_BOX = pytest.mark.filterwarnings("ignore:.*symmetric and normalized:UserWarning")


@WIDE_BOX
@pytest.mark.parametrize("modes", MODES, ids=lambda m: " ".join(m.values()))
@pytest.mark.parametrize("render_mode", [None, "ansi", "rgb_array"])
def test_gymnasiums_checker(render_mode, modes):
    check_env(make(render_mode=render_mode, **modes))


@WIDE_BOX
@pytest.mark.parametrize("modes", MODES, ids=lambda m: " ".join(m.values()))
# its one remark about blocks of two axes: policies flatten them unless they know better
@pytest.mark.filterwarnings("ignore:.*unconventional shape:UserWarning")
def test_stable_baselines_checker(modes):
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(make(**modes), warn=True, skip_render_check=False)


def test_spaces_of_the_default_environment():
    env = gym.make(ID)
    assert env.observation_space.shape == (657,) and env.action_space.shape == (27,)
    for space, limit in ((env.observation_space, 1.0), (env.action_space, 5.0), (make().action_space, 1.0)):
        assert space.dtype == np.float32 and (space.low == -limit).all() and (space.high == limit).all()
    assert env.spec.max_episode_steps is None  # it truncates itself
    assert env.unwrapped.simulator.decisions == 288
    assert isinstance(env.unwrapped, odc_gym.ODCSatEnv)


def test_an_episode_truncates_once_and_never_terminates():
    env = make()
    env.reset(seed=0)
    flags = []
    for _ in range(12):
        _, reward, terminated, truncated, info = env.step(env.action_space.sample() * 0)
        assert isinstance(reward, float) and isinstance(terminated, bool) and isinstance(truncated, bool)
        flags.append((terminated, truncated))
    assert flags == [(False, False)] * 11 + [(False, True)]
    assert "episode_metrics" in info
    with pytest.raises(ResetNeeded):
        env.step(np.zeros(54))
    env.reset()
    assert env.step(np.zeros(54))[3] is False


def test_info_of_a_step_is_flat_floats():
    """Loggers take numbers by name: catches arrays, nested mappings and missing terms."""
    env = make()
    _, start = env.reset(seed=7)
    assert start["episode_seed"] == 7 and 0.5 < start["load_factor"] < 2.0
    _, reward, _, _, info = env.step(np.full(54, 0.3))
    terms = ("compute", "thermal", "energy", "wear", "stored_energy")
    assert set(info) == {"cost", "cost/thermal", "cost/energy", *(f"reward/{t}" for t in terms)}
    assert all(type(value) is float for value in info.values())
    assert sum(info[f"reward/{t}"] for t in terms) == pytest.approx(reward, rel=1e-12)
    assert info["cost"] == pytest.approx(info["cost/thermal"] + info["cost/energy"])


def test_metrics_of_an_episode_are_finite_floats_in_their_ranges():
    env = make(episode_hours=6.0)
    env.reset(seed=3)
    truncated = False
    while not truncated:
        *_, truncated, info = env.step(np.zeros(54))
    metrics = info["episode_metrics"]
    assert all(type(v) is float and np.isfinite(v) for v in metrics.values())
    for name, value in metrics.items():
        if name.endswith("_frac") or name.startswith("slo_"):
            assert -1e-9 <= value <= 1.0 + 1e-9, name
    assert metrics["wait_p50_h"] <= metrics["wait_p95_h"]
    assert metrics["value"] == pytest.approx(sum(v for k, v in metrics.items() if k.startswith("value_")))
    work = sum(v for k, v in metrics.items() if k.startswith("work_") and k.endswith("_accelerator_h"))
    assert work == pytest.approx(2 * metrics["work_accelerator_h"])  # the total, and its three classes
    assert 0.6 < metrics["work_of_sustainable"] < 1.3
    assert 0 < sum(v for k, v in metrics.items() if k.startswith("completed_")) < metrics["jobs_run"]


def test_reset_with_a_seed_is_that_episode_and_repeats():
    env = make()
    first, again, other = play(env, 5), play(env, 5), play(env, 6)
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0][0], other[0][0])


def test_reset_without_a_seed_draws_training_episodes_by_its_own_generator():
    """The first seed decides the later episodes, all below 10 000; NumPy's global generator is left alone."""
    drawn = []
    for _ in range(2):
        np.random.seed(0)  # noqa: NPY002
        env = make()
        env.reset(seed=11)
        drawn.append([env.reset()[1]["episode_seed"] for _ in range(4)])
        assert np.random.rand() == np.random.RandomState(0).rand()  # noqa: NPY002
    assert drawn[0] == drawn[1] and len(set(drawn[0])) > 1
    assert all(0 <= seed < 10_000 for seed in drawn[0])
    assert make().reset()[1]["episode_seed"] < 10_000


def test_environments_in_turns_equal_each_alone():
    alone = [play(make(), seed, 8) for seed in (1, 2)]
    envs = [make() for _ in range(2)]
    rngs = [np.random.default_rng(seed) for seed in (1, 2)]
    seen = [[env.reset(seed=seed)[0]] for env, seed in zip(envs, (1, 2), strict=True)]
    for _ in range(8):
        for env, rng, mine in zip(envs, rngs, seen, strict=True):
            mine.append(env.step(rng.uniform(-1.0, 1.0, 54))[0])
    for mine, (observations, _) in zip(seen, alone, strict=True):
        assert np.array_equal(np.array(mine), observations)


def test_state_goes_on_in_another_environment():
    """Score, generator and episode are part of it: the branch continues, ends and resets like the original."""
    first, second = make(), make(render_mode="ansi")
    first.reset(seed=21)
    rng = np.random.default_rng(0)
    for _ in range(5):
        first.step(rng.uniform(-1.0, 1.0, 54))
    second.reset(seed=1)
    second.set_state(first.get_state())
    for _ in range(7):
        action = rng.uniform(-1.0, 1.0, 54)
        a, b = first.step(action), second.step(action)
        assert np.array_equal(a[0], b[0]) and a[1:] == b[1:]
    assert same_state(first.get_state(), second.get_state())
    assert first.reset()[1] == second.reset()[1]


def test_overrides_and_periods_reach_the_simulation():
    env = make(overrides={"hardware.odcsat.battery.capacity_wh": 9000}, decision_period_s=600, episode_hours=2)
    assert env.scenario.hardware["odcsat"].battery.capacity_wh == 9000
    assert env.view.design["capacity_j"] == pytest.approx(9000 * 3600.0)
    assert env.view.decision_period_s == 600 and env.simulator.decisions == 12


def test_text_shows_each_satellite_and_class():
    env = make(render_mode="ansi")
    env.reset(seed=4)
    env.step(np.zeros(54))
    text = env.render()
    lines = text.splitlines()
    assert len(lines) == 2 + 12 + 3
    assert "starter12" in lines[0] and "episode 4" in lines[0] and "+0:05:00" in lines[0]
    charge = env.view.observation["charge_frac"][0]
    for s, line in enumerate(lines[2:14]):
        assert line.split()[0] == str(s) and f"{charge[s]:.0%}" in line
        assert line.split()[1] in ("sun", "eclipse", "SHED", "TRIP")
    assert [line.split(":")[0] for line in lines[14:]] == ["finetuning", "batch", "interactive"]


@pytest.mark.filterwarnings("default::UserWarning")
def test_no_text_without_a_render_mode():
    env = make()
    env.reset(seed=4)
    assert env.render() is None


def test_pictures_follow_the_episode_and_cost_it_nothing():
    """Catches rendering that changes the simulation, and a picture that does not change with it."""
    plain, drawn = make(), make(render_mode="rgb_array")
    for env in (plain, drawn):
        env.reset(seed=4)
    pictures = [drawn.render()]
    for _ in range(3):
        first, second = (env.step(np.full(54, 0.5)) for env in (plain, drawn))
        assert np.array_equal(first[0], second[0]) and first[1] == second[1]
        pictures.append(drawn.render())
    assert all(p.shape in ((720, 1280, 3), (600, 960, 3)) and p.dtype == np.uint8 for p in pictures)
    assert len({p.tobytes() for p in pictures}) == 4
    assert same_state(plain.get_state(), drawn.get_state())


@pytest.mark.parametrize("render_mode", ["ansi", "rgb_array"])
def test_rendering_before_the_first_reset_is_an_error(render_mode):
    with pytest.raises(ResetNeeded, match="must be reset before it is rendered"):
        make(render_mode=render_mode).render()


def test_gymnasiums_wrappers_for_pictures():
    env = gym.make(ID, render_mode="rgb_array_list", **SHORT)
    env.reset(seed=0)
    env.step(np.zeros(54))
    assert len(env.render()) == 2
    recorded = gym.wrappers.AddRenderObservation(gym.make(ID, render_mode="rgb_array", **SHORT))
    assert recorded.reset(seed=0)[0].shape in ((720, 1280, 3), (600, 960, 3))


def test_a_video_is_recorded(tmp_path):
    pytest.importorskip("moviepy", reason="moviepy is not installed: pip install moviepy")
    env = gym.wrappers.RecordVideo(gym.make(ID, render_mode="rgb_array", **SHORT), str(tmp_path / "videos"))
    env.reset(seed=0)
    for _ in range(12):
        env.step(np.zeros(54))
    env.close()
    assert list(tmp_path.glob("videos/*.mp4"))


def test_kpis_are_flat_values_of_the_last_info_too_and_wrong_names_are_told():
    """Catches recorders of flat values, such as Monitor with `info_keywords`, that can reach no KPI."""
    env = make()
    env.reset(seed=0)
    for _ in range(12):
        info = env.step(np.zeros(54))[4]
    metrics = info["episode_metrics"]
    assert {name: info[f"episode_metrics/{name}"] for name in metrics} == metrics
    with pytest.raises(KeyError, match="no value 'charge_least_frac'; did you mean episode_metrics/charge_least_frac"):
        info["charge_least_frac"]
    with pytest.raises(KeyError, match="no value 'qqq'; must be a cost, a reward term, or a KPI"):
        info["qqq"]
    assert info.get("qqq") is None and "qqq" not in info


def test_the_repr_tells_the_size():
    env = make(action_mode="assign")
    assert repr(env).startswith("ODCSatEnv(starter12: 12 satellites, classes finetuning, batch, interactive, 12 decis")
    assert "View(starter12: 1 environment, 12 satellites" in repr(env.view) and "assign, 28 values" in repr(env.view)
    assert repr(env.simulator).startswith("Simulator(starter12: ")
    assert repr(env.view.layout) == "ActionLayout(satellites=12, classes=3)"
    assert repr(env.view.assignment) == "AssignmentLayout(satellites=12, slots=16, levels=6)"


def test_step_before_reset_is_an_error():
    with pytest.raises(ResetNeeded, match="reset before a step"):
        make().step(np.zeros(54))


@pytest.mark.parametrize("shape", [(53,), (1, 54), ()])
@pytest.mark.parametrize(
    ("mode", "allowed"), [("bids", "(54,)"), ("dials", "(27,), or (54,) of the mode bids"), ("assign", "(28,)")]
)
def test_actions_of_another_shape_are_errors(shape, mode, allowed):
    env = make(action_mode=mode)
    env.reset(seed=0)
    with pytest.raises(ActionError, match=re.escape(f"action: shape {shape}, must be {allowed}") + "$"):
        env.step(np.zeros(shape))


def test_an_environment_of_dials_takes_bids_too():
    """Catches rules that cannot operate the default environment, and dials that are read as bids afterwards."""
    dialled, bidding = make(action_mode="dials"), make()
    for env in (dialled, bidding):
        env.reset(seed=3)
    rng = np.random.default_rng(0)
    for k in range(12):
        dials = rng.uniform(-5, 5, 27)
        bids = dialled.view.actions_of_dials(dials / 5.0)[0]
        observations = dialled.step(dials if k % 3 == 0 else bids), bidding.step(bids)
        assert np.array_equal(observations[0][0], observations[1][0]) and observations[0][1] == observations[1][1]


def test_values_of_bids_are_checked_in_an_environment_of_dials():
    env = make(action_mode="dials")
    env.reset(seed=3)
    action = np.zeros(54)
    action[5] = np.nan
    with pytest.raises(ActionError, match=r"action\[0, 5\] = nan"):
        env.step(action)


def test_actions_that_are_not_numbers_are_errors():
    """Catches an observation full of NaN hours later: the action is refused and the state stays."""
    env = make()
    env.reset(seed=0)
    action = np.zeros(54, np.float32)
    action[3] = np.nan
    before = env.get_state()
    with pytest.raises(ActionError, match="must be finite"):
        env.step(action)
    assert same_state(env.get_state(), before)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"scenario": "nowhere"}, "scenario = nowhere: must be one of .*starter12"),
        (
            {"overrides": {"hardware.odcsat.battery.capacity_wh": -5}},
            "hardware.odcsat.battery.capacity_wh = -5: must be > 0",
        ),
        ({"overrides": {"hardware.odcsat.batery.capacity_wh": 5}}, "unknown key 'batery'; did you mean battery"),
        ({"decision_period_s": 90}, "decision_period_s must be a multiple of physics_s"),
        ({"episode_hours": 0}, "episode.hours = 0"),
    ],
)
def test_bad_scenarios_are_errors_of_one_line(kwargs, message):
    with pytest.raises(ScenarioError, match=message) as caught:
        odc_gym.ODCSatEnv(**{**SHORT, **kwargs})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"render_mode": "humane"}, "render_mode = 'humane': must be one of None, ansi, rgb_array, human"),
        ({"action_mode": "joystick"}, "action_mode = 'joystick'"),
        ({"observation_mode": "pixels"}, "observation_mode = 'pixels'"),
    ],
)
def test_bad_arguments_are_errors_of_one_line(kwargs, message):
    with pytest.raises(ArgumentError, match=message) as caught:
        odc_gym.ODCSatEnv(**{**SHORT, **kwargs})
    assert "\n" not in str(caught.value)


def test_a_state_of_a_batch_is_refused():
    envs = gym.make_vec(ID, num_envs=2, **SHORT)
    state = envs.unwrapped.simulator.get_state() | EpisodeStream(2).get_state()
    with pytest.raises(ArgumentError, match="must be of 1 environments, got 2"):
        make().set_state(state)


def test_unknown_options_and_seeds_are_errors():
    env = make()
    with pytest.raises(ArgumentError, match="options: unknown key 'colour'"):
        env.reset(options={"colour": "red"})
    for seed in (-1, 1.5, "a"):
        with pytest.raises(ArgumentError, match=r"seed = .*must be an integer >= 0"):
            env.reset(seed=seed)


def test_unknown_arguments_are_refused():
    with pytest.raises(TypeError, match="speed"):
        gym.make(ID, speed=3)

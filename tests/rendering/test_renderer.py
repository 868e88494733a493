"""Render modes of environments: windows, pictures with and without pygame, and wrappers that record."""

import copy
import os
import pickle
import sys

import gymnasium as gym
import numpy as np
import pytest

import odc_gym
from odc_gym.errors import ArgumentError
from odc_gym.rendering import render_fps

os.environ["SDL_VIDEODRIVER"] = "dummy"
ID, SHORT = "odc_gym:ODCSat-v0", {"episode_hours": 1}
PICTURE = (720, 1280, 3)


@pytest.fixture
def pygame():
    return pytest.importorskip("pygame", reason="pygame is not installed: pip install 'odc-gym[render]'")


def make(mode, **changes):
    return gym.make(ID, render_mode=mode, **(SHORT | changes))


@pytest.mark.parametrize(("period_s", "fps"), [(300.0, 12), (60.0, 60), (900.0, 4), (7200.0, 1), (10.0, 60)])
def test_a_day_takes_24_seconds(period_s, fps):
    assert render_fps(period_s) == fps


def test_metadata_know_the_decision_period():
    """Catches videos of other decision periods that run too fast."""
    slow = make("rgb_array", decision_period_s=900.0)
    assert slow.metadata["render_fps"] == 4 and make("rgb_array").metadata["render_fps"] == 12
    batch = gym.make_vec(ID, num_envs=2, vectorization_mode="vector_entry_point", decision_period_s=900.0)
    assert batch.metadata["render_fps"] == 4
    assert set(slow.metadata["render_modes"]) == {"ansi", "rgb_array", "human"}


def test_a_window_shows_each_decision_until_it_is_closed(pygame):
    """Catches windows that open before they are needed, do not follow the episode, or stay."""
    env = make("human")
    assert not pygame.display.get_init()
    env.reset(seed=0)
    first = pygame.surfarray.array3d(pygame.display.get_surface())
    env.step(np.zeros(54))
    second = pygame.surfarray.array3d(pygame.display.get_surface())
    assert first.shape == (1280, 720, 3) and not np.array_equal(first, second)
    assert env.render() is None
    assert np.array_equal(env.unwrapped.picture(), second.swapaxes(0, 1))
    env.close()
    assert not pygame.display.get_init()
    env.close()


def test_the_user_may_close_the_window_and_the_episode_goes_on(pygame):
    env = make("human")
    env.reset(seed=0)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    for _ in range(2):
        env.step(np.zeros(54))
    assert not pygame.display.get_init()
    assert env.unwrapped.picture().shape == PICTURE
    env.close()


def test_without_a_display_the_error_is_one_line_and_pictures_are_drawn(pygame, monkeypatch):
    """Catches pictures that need a display."""
    pygame.display.quit()
    monkeypatch.setenv("SDL_VIDEODRIVER", "none such")
    env = make("human")
    with pytest.raises(ArgumentError, match=r"^render_mode = 'human': no display \(.*\); use 'rgb_array'") as error:
        env.reset(seed=0)
    assert "\n" not in str(error.value)
    drawn = make("rgb_array")
    drawn.reset(seed=0)
    assert drawn.render().shape == PICTURE


def test_without_pygame_pictures_are_simpler_and_a_window_is_an_error(monkeypatch):
    """Catches an installation without the extra that cannot draw any more."""
    monkeypatch.setitem(sys.modules, "pygame", None)
    env = make("rgb_array")
    env.reset(seed=0)
    assert env.render().shape == (600, 960, 3)
    with pytest.raises(ArgumentError, match=r"^pygame is not installed: pip install 'odc-gym\[render\]'$"):
        make("human")


def test_a_window_run_is_recorded_by_gymnasium(pygame):
    """Catches frames that the wrapper of Gymnasium does not show, and fonts that end with its window."""
    env = gym.wrappers.HumanRendering(make("rgb_array"))
    env.reset(seed=0)
    env.step(np.zeros(54))
    env.close()
    again = make("rgb_array")
    again.reset(seed=0)
    assert again.render().shape == PICTURE


@pytest.mark.parametrize("again", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_environments_are_copied_after_they_were_drawn(pygame, again):
    """Catches surfaces in copies and pickles."""
    env = make("human")
    env.reset(seed=0)
    other = again(env.unwrapped)
    env.close()
    other.render_mode = "rgb_array"
    other.step(np.zeros(54))
    assert other.render().shape == PICTURE


def test_forks_of_a_window_are_pictures(pygame):
    """Catches planners that open windows for what they try."""
    env = make("human")
    env.reset(seed=0)
    batch = odc_gym.fork(env, 2)
    env.close()
    assert [frame.shape for frame in batch.render()] == [PICTURE] * 2 and not pygame.display.get_init()


def test_pictures_name_the_scheduler(pygame):
    env = make("rgb_array")
    odc_gym.run_episode(env, "zero", seed=0)
    named = env.render()
    assert env.unwrapped.scheduler_name == "zero"
    env.unwrapped.scheduler_name = ""
    again = env.render()
    assert not np.array_equal(named[:45], again[:45])
    assert (named[60:] != again[60:]).any(-1).sum() <= 20  # pygame's smooth lines may differ in single pixels


def test_videos_of_stable_baselines3(tmp_path):
    """Catches batches that VecVideoRecorder cannot record."""
    pytest.importorskip("moviepy", reason="moviepy is not installed: pip install moviepy")
    recorder = pytest.importorskip("stable_baselines3.common.vec_env").VecVideoRecorder
    from odc_gym.sb3 import make_vec_env

    env = make_vec_env("ODCSat-v0", 2, env_kwargs=SHORT)
    video = recorder(env, str(tmp_path), record_video_trigger=lambda k: k == 0, video_length=5)
    video.reset()
    for _ in range(6):
        video.step(np.zeros((2, 54)))
    video.close()
    assert list(tmp_path.glob("*.mp4"))

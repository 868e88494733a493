import json
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest

from odc_gym.envs.vector import build_simulator
from odc_gym.errors import SchedulerError
from odc_gym.training.policy_scheduler import load_policy_scheduler
from odc_gym.training.run import train

WORLD = {"scenario": "starter12", "overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}
CONFIG = {
    "scenario": "starter12",
    "start_dials": None,
    "env.overrides": WORLD["overrides"],
    "env.episode_hours": 0.5,
    "n_timesteps": 64,
    "n_envs": 4,
    "group": 2,
    "n_steps": 8,
    "batch_size": 16,
    "learning_rate": 0.01,
    "width": 8,
    "net_arch": {"pi": [8], "vf": [8]},
    "eval.episodes": 2,
}


@pytest.fixture(scope="module", params=[False, True], ids=["fleet", "mlp, normalised"])
def run(request, tmp_path_factory):
    changes = {"normalise.observations": True, "policy": "MlpPolicy"} if request.param else {}
    overrides = {**CONFIG, **changes}
    folder = train("ppo", output=tmp_path_factory.mktemp("runs") / "run", overrides=overrides)
    (folder / "best_model.zip").unlink()  # the last model is the one that differs from the zero policy for sure
    return folder


def view_of(simulator):
    return simulator.view


def test_acts_as_the_trained_policy_and_by_row(run):
    simulator = build_simulator(3, **WORLD)
    simulator.reset([20_000, 20_001, 20_002])
    scheduler = load_policy_scheduler(run, simulator.view)
    scheduler.reset(simulator.view, np.ones(3, bool), simulator.seeds)
    together = scheduler.act(simulator.view)
    assert together.shape == (3, simulator.action_size) and np.abs(together).max() <= 1 and np.abs(together).max() > 0
    for row in range(3):
        alone = build_simulator(1, **WORLD)
        alone.reset([20_000 + row])
        assert np.array_equal(scheduler.act(alone.view)[0], together[row])


def test_normalisation_is_part_of_the_policy(run):
    simulator = build_simulator(1, **WORLD)
    simulator.reset([20_000])
    scheduler = load_policy_scheduler(run, simulator.view)
    raw = scheduler._policy.predict(simulator.observation, deterministic=True)[0]
    assert np.array_equal(raw, scheduler.act(simulator.view)) == (scheduler._normalisation is None)


def test_missing_and_unreadable_models(run, tmp_path):
    view = build_simulator(1, **WORLD).view
    with pytest.raises(SchedulerError, match=r"no trained policy; must hold best_model\.zip or model\.zip$"):
        load_policy_scheduler(tmp_path, view)
    (tmp_path / "model.zip").write_bytes((run / "model.zip").read_bytes()[:2000])
    with pytest.raises(SchedulerError, match=r"model\.zip: not a policy of a training run: "):
        load_policy_scheduler(tmp_path, view)


def test_another_fleet_is_refused_by_one_network_over_all(run, request):
    if "mlp" not in request.node.name:
        pytest.skip("its weights fit every fleet")
    view = build_simulator(1, **{**WORLD, "overrides": {"shells.0.orbit.total": 6}}).view
    with pytest.raises(SchedulerError, match=r"trained with observation_size = \d+, but the environment has \d+$"):
        load_policy_scheduler(run, view)


def test_a_policy_for_another_layout_of_the_observation_is_refused(run, tmp_path):
    """Catches weights that are read first: the message then is about the shapes of tensors."""
    old = tmp_path / "model.zip"
    with zipfile.ZipFile(run / "model.zip") as made, zipfile.ZipFile(old, "w") as other:
        for name in made.namelist():
            content = made.read(name)
            if name == "interface.json":
                content = json.dumps(json.loads(content) | {"features": [25, 8, 18, 13]}).encode()
            other.writestr(name, content)
    view = build_simulator(1, **WORLD).view
    with pytest.raises(SchedulerError, match=r"with features = 25, 8, 18, 13, but the environment has 26, 8, 18, 13$"):
        load_policy_scheduler(old, view)


def test_other_classes_are_refused_by_one_network_over_all(run, request):
    if "mlp" not in request.node.name:
        pytest.skip("its weights fit every class")
    view = build_simulator(1, **WORLD).view
    other = SimpleNamespace(
        encoded=view.encoded,
        layout=view.layout,
        class_names=("finetuning", "batch", "edge"),
        assignment=None,
        action_mode=view.action_mode,
        action_size=view.action_size,
    )
    with pytest.raises(SchedulerError, match=r"trained with class_names = finetuning, batch, interactive, but"):
        load_policy_scheduler(run, other)


def test_exploration_has_the_deviation_and_the_memory_of_the_policys_noise(run):
    simulator = build_simulator(2, **WORLD)
    simulator.reset([20_000, 20_000])
    view = simulator.view
    mean = load_policy_scheduler(run, view).act(view)
    seeds = np.arange(2000, 2002)
    flights = []
    for stream in range(60):
        scheduler = load_policy_scheduler(run, view, noise_stream=stream)
        scheduler.reset(view, np.ones(2, bool), seeds)
        flights.append([scheduler.act(view) - mean for _ in range(2)])
    noise = np.stack(flights)  # (streams, 2 decisions, B, A); the view stands still
    assert noise.std() == pytest.approx(np.exp(-2.0), rel=0.03)
    assert np.corrcoef(noise[:, 0].ravel(), noise[:, 1].ravel())[0, 1] == pytest.approx(0.9, abs=0.02)


def test_exploration_depends_on_the_episode_not_on_its_place(run):
    simulator = build_simulator(2, **WORLD)
    simulator.reset([20_000, 20_000])
    first, second = (load_policy_scheduler(run, simulator.view, noise_stream=1) for _ in range(2))
    first.reset(simulator.view, np.ones(2, bool), np.array([5, 6]))
    second.reset(simulator.view, np.ones(2, bool), np.array([6, 5]))
    for _ in range(2):
        one, other = first.act(simulator.view), second.act(simulator.view)
        np.testing.assert_allclose(one, other[::-1], atol=1e-6)
        assert not np.array_equal(one[0], one[1])

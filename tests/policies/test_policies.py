"""Trained policies as files: refusals, the actor in NumPy against PyTorch, and the scheduler `learned`."""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from odc_gym import cli
from odc_gym.agents import make_scheduler, scheduler_identity
from odc_gym.dial_files import NAMES
from odc_gym.envs.vector import build_simulator
from odc_gym.errors import SchedulerError
from odc_gym.policies.actor import Actor, shapes
from odc_gym.policies.files import FOLDER, family, names, policy_bytes, read_policy
from odc_gym.policies.natures import natures_of
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import names as scenario_names

WORLD = {"scenario": "starter12", "overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short training run on bids, with tuned dials below it."""
    train = pytest.importorskip("odc_gym.training.run").train
    changes = {"n_timesteps": 64, "n_envs": 4, "group": 2, "n_steps": 8, "batch_size": 16, "width": 8}
    changes |= {"learning_rate": 0.03, "eval.episodes": 2, "eval.every": 1, "scenario": "starter12"}
    changes |= {"env.overrides": WORLD["overrides"], "env.episode_hours": 0.5}
    return train("ppo", output=tmp_path_factory.mktemp("runs") / "run", overrides=changes)


@pytest.fixture(scope="module")
def file(run, tmp_path_factory):
    path = tmp_path_factory.mktemp("policies") / "mine.npz"
    with pytest.raises(SystemExit) as ended:
        cli.main(["policy", str(run), "-o", str(path)])
    assert not ended.value.code
    return path


def changed(file, path, change):
    """A copy of a file whose entries a function has changed."""
    with np.load(file) as stored:
        arrays = dict(stored)
    about = json.loads(arrays["about"].tobytes())
    change(arrays, about)
    if "about" in arrays:
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(path, **arrays)
    return path


def test_numpy_acts_as_pytorch_in_every_fleet(run, file):
    """Catches tensors of another layer, a transposed weight, and features that are cut at another place."""
    torch_policy = pytest.importorskip("odc_gym.training.policy_scheduler").load_policy_scheduler
    for scenario in ("starter12", "threebody12", "edge-earth"):
        simulator = build_simulator(3, scenario, episode_hours=0.5)
        simulator.reset([1, 2, 3])
        for _ in range(3):
            ours = make_scheduler(file, simulator).act(simulator.view)
            theirs = torch_policy(run, simulator.view).act(simulator.view)
            np.testing.assert_allclose(ours, theirs, atol=1e-5)
            simulator.step(ours)
        zero = simulator.view.actions_of_dials(np.zeros(simulator.view.dials.size))
        assert np.abs(ours - zero).max() > 0.1


def test_a_row_acts_as_alone(file):
    """Catches products that round differently in batches of different sizes."""
    together = build_simulator(5, "starter12", episode_hours=0.5)
    together.reset(range(5))
    actions = make_scheduler(file, together).act(together.view)
    alone = build_simulator(1, "starter12", episode_hours=0.5)
    for row in range(5):
        alone.reset([row])
        assert np.array_equal(make_scheduler(file, alone).act(alone.view)[0], actions[row])


def test_the_origin_of_a_policy_is_in_its_file(run, file, capsys):
    about = read_policy(file).about
    assert about.seed == 0 and about.scenario == "starter12" and about.width == 8 and len(about.base) == len(NAMES)
    assert 'scenario="starter12"' in about.command and about.validation.episodes == "20000-20001"
    with pytest.raises(SystemExit):
        cli.main(["agents", str(file)])
    assert "episodes 20000-20001" in " ".join(capsys.readouterr().out.split())
    assert scheduler_identity(file) != scheduler_identity(FOLDER / "peak12.npz")
    assert policy_bytes(read_policy(file)) == policy_bytes(read_policy(file))


def oversize(arrays, about):
    arrays["heads.bid.weight"] = np.zeros((2048, 2048), np.float32)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda arrays, about: arrays.pop("heads.bid.bias"), "heads.bid.bias: missing tensor"),
        (lambda arrays, about: arrays.update(extra=np.zeros(2)), "extra: unknown tensor"),
        (lambda arrays, about: arrays.update({"heads.bid.bias": np.zeros(1)}), "must be finite float32 of shape (1,)"),
        (
            lambda arrays, about: arrays.update({"heads.bid.bias": np.full(1, np.nan, np.float32)}),
            "heads.bid.bias: must be finite float32",
        ),
        (lambda arrays, about: arrays.pop("about"), "it lacks the entry 'about'"),
        (lambda arrays, about: about.update(scales="0"), "scales = 0: this version has "),
        (lambda arrays, about: about.update(features="0"), "features = 0: this version has "),
        (lambda arrays, about: about.update(base=[0.0]), f"base: must be {len(NAMES)} finite numbers, or none"),
        (lambda arrays, about: about.update(width="wide"), "width"),
        (lambda arrays, about: about.update(more=1), "more"),
        (oversize, "bytes, at most 16777216 are allowed"),
    ],
)
def test_files_that_do_not_fit_are_one_line(file, tmp_path, change, line):
    path = changed(file, tmp_path / "bad.npz", change)
    with pytest.raises(SchedulerError) as caught:
        make_scheduler(path, build_simulator(1, **WORLD))
    assert line in str(caught.value) and "\n" not in str(caught.value) and "bad.npz" in str(caught.value)


class Exploit:
    """Object whose unpickling makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("kind", ["object array", "pickle", "text", "empty"])
def test_nothing_in_a_file_is_executed(file, tmp_path, kind):
    """Catches `allow_pickle`: the file then runs what its author wrote."""
    path, trap = tmp_path / "hostile.npz", tmp_path / "made"
    if kind == "object array":
        held = io.BytesIO()
        np.save(held, np.array([Exploit(str(trap))], object), allow_pickle=True)
        path.write_bytes(file.read_bytes())
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("extra.npy", held.getvalue())
    else:
        content = {"pickle": pickle.dumps(Exploit(str(trap))), "text": b"hello", "empty": b""}
        path.write_bytes(content[kind])
    with pytest.raises(SchedulerError, match=r"hostile\.npz: no policy of this package: [^\n]+$"):
        make_scheduler(path, build_simulator(1, **WORLD))
    assert not trap.exists()


def test_a_policy_is_that_of_the_scenario_or_its_nearest_base():
    assert "peak12" in names()
    assert family("peak12") == "peak12" and family("a user's") is None
    assert family("eclipse-season") == family("starter12")


def test_learned_is_tuned_where_there_is_no_policy():
    """Catches the policy of one fleet on another, which there loses to the dials that it should improve."""
    simulator = build_simulator(2, "threebody12", episode_hours=0.5)
    simulator.reset([1, 2])
    assert family("threebody12") is None
    learned, tuned = (make_scheduler(name, simulator).act(simulator.view) for name in ("learned", "tuned"))
    assert np.array_equal(learned, tuned)


@pytest.mark.parametrize("scenario", scenario_names(large=False))
def test_learned_flies_every_preset(scenario):
    simulator = build_simulator(1, scenario, episode_hours=0.5)
    simulator.reset([20_000])
    scheduler = make_scheduler("learned", simulator)
    for _ in range(2):
        actions = scheduler.act(simulator.view)
        assert actions.shape == (1, simulator.action_size) and np.abs(actions).max() <= 1.0
        simulator.step(actions)


def test_policies_of_the_package_are_whole():
    for name in names():
        file = read_policy(FOLDER / f"{name}.npz")
        assert file.about.validation.score >= file.about.validation.start, name
        assert {key: array.shape for key, array in file.tensors.items()} == shapes(file.about.width)


def test_learned_needs_no_pytorch():
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['stable_baselines3'] = None\n"
        "import odc_gym, gymnasium\n"
        "env = gymnasium.make('odc_gym:ODCSat-v0', episode_hours=0.25)\n"
        "print(odc_gym.run_episode(env, 'learned', seed=20_000).scheduler)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "learned", done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["policy", "nowhere"], "nowhere: no trained policy; must hold best_model.zip"),
        (["policy", "nowhere", "-o", "mine.zip"], "--output mine.zip: must end with .npz"),
        (["compare", "--agents", "zero,nowhere.npz"], "nowhere.npz: no such file"),
    ],
)
def test_wrong_words_are_one_line(words, line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2 and line in capsys.readouterr().err


def test_a_policy_on_dials_is_refused(tmp_path):
    train = pytest.importorskip("odc_gym.training.run").train
    changes = {"n_timesteps": 32, "n_envs": 4, "group": 2, "n_steps": 8, "batch_size": 16, "width": 8}
    changes |= {"eval.episodes": 2, "env.episode_hours": 0.5, "env.action_mode": "dials"}
    run = train("ppo", output=tmp_path / "run", overrides=changes)
    with pytest.raises(SchedulerError, match="policy = FleetPolicy with action_mode = dials cannot be exported"):
        pytest.importorskip("odc_gym.training.export").policy_of_run(run)


def test_an_actor_reads_natures_by_class():
    """Catches weights that tell classes apart by their order."""
    scenario = Scenario.load("starter12")
    file = read_policy(FOLDER / "peak12.npz")
    simulator = build_simulator(1, "starter12", episode_hours=0.5)
    simulator.reset([1])
    natures = natures_of(scenario)
    one = Actor(file.tensors, 12, natures).act(simulator.view.encoded)
    other = Actor(file.tensors, 12, natures[::-1]).act(simulator.view.encoded)
    assert np.abs(one - other).max() > 1e-4

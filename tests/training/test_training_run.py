import csv
import io
import json
import shutil
import signal
import zipfile

import numpy as np
import pytest
import torch
import yaml
from stable_baselines3 import PPO
from stable_baselines3.common.utils import explained_variance
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from odc_gym import cli
from odc_gym.agents import scheduler_factory, scheduler_identity
from odc_gym.cores import available_cores
from odc_gym.envs.vector import build_simulator
from odc_gym.errors import OdcGymError, RunError
from odc_gym.scenario import Scenario
from odc_gym.simulator import simulator as simulator_module
from odc_gym.training import run as training_run
from odc_gym.training import validation as validation_module
from odc_gym.training.callbacks import EpisodeLog
from odc_gym.training.config import TrainConfig, load
from odc_gym.training.headline_tags import HEADLINE_TAGS
from odc_gym.training.policy_scheduler import ALGORITHMS, ObservationNormalisation
from odc_gym.training.run import build_model, train
from odc_gym.training.validation import Validation, play_episodes

WORLD = {"overrides": {"shells.0.orbit.total": 3}, "episode_hours": 0.5}  # 6 decisions
TINY = {
    "scenario": "starter12",
    "start_dials": None,
    "env": WORLD,
    "n_timesteps": 96,
    "n_envs": 4,
    "group": 2,
    "n_steps": 4,
    "batch_size": 8,
    "n_epochs": 2,
    "learning_rate": 3e-3,
    "width": 8,
    "net_arch": {"pi": [8], "vf": [8]},
    "eval": {"every": 2, "episodes": 2},
    "checkpoint": {"every": 2, "keep": 3},
}  # 6 rollouts of 16 decisions
ASSIGNED = {
    **TINY,
    "algo": "maskable_ppo",
    "policy": "AssignPolicy",
    "env": {**WORLD, "action_mode": "assign", "observation_mode": "dict"},
}
DIALLED = {**TINY, "start_dials": "all", "env": {**WORLD, "action_mode": "dials"}}
NORMALISED = {**TINY, "group": 1, "policy": "MlpPolicy", "normalise": {"observations": True, "rewards": True}}


def tiny(**changes):
    return TrainConfig.model_validate({**TINY, **changes})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run without interruption."""
    return train(tiny(), output=tmp_path_factory.mktemp("runs") / "whole")


def weights(path):
    with zipfile.ZipFile(path) as archive:
        algo = json.loads(archive.read("interface.json"))["algo"]
    return ALGORITHMS[algo].load(path, device="cpu").policy.state_dict()


def assert_same_run(a, b):
    for name in ("model.zip", "best_model.zip"):
        one, other = weights(a / name), weights(b / name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)
    with zipfile.ZipFile(a / "model.zip") as one, zipfile.ZipFile(b / "model.zip") as other:
        for name in set(one.namelist()) & {"observations.npz", "interface.json"}:
            assert one.read(name) == other.read(name)
    for name in ("evaluations.csv", "learning.csv"):
        assert (a / name).read_text() == (b / name).read_text()
    assert monitor(a) == monitor(b)


def monitor(run):
    lines = (run / "monitor.csv").read_text().splitlines()
    assert lines[0].startswith("#{") and lines[1] == "r,l,t"
    return [line.split(",")[:2] for line in lines[2:]]


def crash_at(monkeypatch, rollout, what):
    """Let `what` happen at the end of a rollout, before its update."""
    done = [0]
    original = EpisodeLog._on_rollout_end

    def end(self):
        original(self)
        done[0] += 1
        if done[0] == rollout:
            what()

    monkeypatch.setattr(EpisodeLog, "_on_rollout_end", end)


class Killed(Exception):
    pass


def kill():
    raise Killed


def test_run_folder(whole):
    assert {p.name for p in whole.iterdir()} == {
        "best_model.zip", "model.zip", "config.yaml", "scenario.yaml", "versions.json",
        "evaluations.csv", "learning.csv", "monitor.csv", "tb", "checkpoints",
        "start.zip", "report.md", "curves.png",
    }  # fmt: skip
    assert load(whole / "config.yaml") == tiny()
    assert Scenario.load(whole / "scenario.yaml") == Scenario.load("starter12", WORLD["overrides"])
    versions = json.loads((whole / "versions.json").read_text())
    assert all(versions[name] for name in ("torch", "stable-baselines3", "gymnasium", "numpy", "python"))
    assert sorted(p.name for p in (whole / "checkpoints").iterdir()) == ["000000000032", "000000000064", "000000000096"]
    assert list((whole / "tb").glob("events.out.tfevents.*"))
    assert len(monitor(whole)) == 4 * 24 // 6
    with (whole / "evaluations.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["decisions"]) for row in rows] == [0, 32, 64, 96]
    terms = [sum(float(v) for name, v in row.items() if name.startswith("reward/")) for row in rows]
    np.testing.assert_allclose(terms, [float(row["mean"]) for row in rows], rtol=1e-9)
    assert float(rows[-1]["best"]) == max(float(row["mean"]) for row in rows)
    assert torch.get_num_threads() >= 1


def test_the_start_is_the_policy_before_the_first_update(whole):
    """Catches a start that was saved after learning began, or from another seed."""
    fresh = build_model(tiny(), Scenario.load(whole / "scenario.yaml")).policy.state_dict()
    saved = weights(whole / "start.zip")
    assert all(torch.equal(saved[key], fresh[key]) for key in fresh)
    assert not all(torch.equal(saved[key], value) for key, value in weights(whole / "model.zip").items())


def test_a_resumed_run_without_its_start_builds_it_again(tmp_path, whole):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    (run / "start.zip").unlink()
    train(resume=run, n_timesteps=128)
    one, other = weights(run / "start.zip"), weights(whole / "start.zip")
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert "Resumed at 96 decisions: started " in (run / "report.md").read_text()


def test_training_ends_with_what_it_gained_over_its_start(tmp_path, capsys):
    """Catches an end without the gain, a start that is shown as a scheduler, and lines wider than a terminal."""
    run = tmp_path / "run"
    changes = {key: value for key, value in TINY.items() if key in ("n_envs", "group", "n_steps", "batch_size")}
    changes |= {"eval.episodes": 2, "env.episode_hours": 0.5, "env.overrides.shells.0.orbit.total": 3}
    options = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    with pytest.raises(SystemExit) as ended:
        cli.main(["train", "-o", str(run), "-n", "32", "--test-episodes", "2", *options])
    lines = capsys.readouterr().out.splitlines()
    assert not ended.value.code and lines[0] == str(run) and lines[1].startswith("peak12: ")
    assert lines[-1].startswith("training") and lines[-1].endswith("(2 test episodes)")
    assert not any("start.zip" in line for line in lines)
    assert max(map(len, (line for line in lines if str(tmp_path) not in line))) <= 80
    gain = json.loads((run / "report.json").read_text())["gain"]
    assert gain.keys() >= {"mean", "ci95", "excludes_zero"}
    text = (run / "report.md").read_text()
    assert f"{lines[-1][0].upper()}{lines[-1][1:]}." in text and "| zero |" in text and "Verdict (2 episodes" in text
    page = (run / "report.html").read_text()
    assert f"{lines[-1][0].upper()}{lines[-1][1:]}." in page and "<h2>Learning</h2>" in page and "start.zip" not in page
    assert "versions" not in text.split("## ")[0] and "## Configuration" in text and "| torch |" in text


def test_a_model_of_a_run_is_a_scheduler(whole):
    factory = scheduler_factory(whole / "start.zip")
    simulator = build_simulator(2, "starter12", **WORLD)
    simulator.reset([20_000, 20_001])
    assert (factory(simulator.view).act(simulator.view) == 0.0).all()
    assert scheduler_identity(whole / "start.zip") != scheduler_identity(whole / "model.zip")
    with pytest.raises(OdcGymError, match=r"missing\.zip: must be one of"):
        scheduler_factory(whole / "missing.zip")


def test_tensorboard_has_a_dozen_headline_tags_and_the_rest_below_kpi(whole):
    """Catches hundreds of tags beside the few that tell how the training goes."""
    events = EventAccumulator(str(whole / "tb")).Reload()
    tags = events.Tags()["scalars"]
    headlines = [tag for tag in tags if not tag.startswith("kpi/")]
    assert set(headlines) == set(HEADLINE_TAGS.values()) and len(headlines) == 12
    assert "kpi/episode/value" in tags and "kpi/validation/sheds" in tags and len(tags) > 100
    with (whole / "evaluations.csv").open() as file:
        means = [float(row["mean"]) for row in csv.DictReader(file)]
    found = [event.value for event in events.Scalars("score/validation")]
    assert found == pytest.approx(means[: len(found)]) and len(found) >= 3


def test_learning_log_holds_what_the_learner_records_of_each_update(tmp_path, monkeypatch):
    recorded = []
    original = PPO.train

    def update(self):
        buffer = self.rollout_buffer
        recorded.append(explained_variance(buffer.values.flatten(), buffer.returns.flatten()))
        original(self)

    monkeypatch.setattr(PPO, "train", update)
    run = train(tiny(), output=tmp_path / "run")
    with (run / "learning.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["decisions"]) for row in rows] == [16, 32, 48, 64, 80, 96]
    assert [float(row["explained_variance"]) for row in rows] == pytest.approx(recorded, abs=1e-6)  # float32
    # the schedule falls linearly over 96 decisions, and is set before the update
    assert [float(row["learning_rate"]) for row in rows] == pytest.approx([3e-3 * (1 - k / 6) for k in range(1, 7)])


def test_first_policy_is_the_zero_action_on_validation_episodes(whole):
    simulator = build_simulator(2, "starter12", **WORLD)
    simulator.reset([20_000, 20_001])
    scores, _ = play_episodes(simulator, lambda view: np.zeros((2, simulator.action_size)))
    with (whole / "evaluations.csv").open() as file:
        first = next(csv.DictReader(file))
    assert float(first["mean"]) == scores.mean() and float(first["worst"]) == scores.min()


@pytest.mark.parametrize(("config", "rollout"), [(TINY, 3), (NORMALISED, 6), (ASSIGNED, 3), (DIALLED, 3)])
def test_a_killed_run_resumes_bit_for_bit(tmp_path, monkeypatch, config, rollout):
    config = TrainConfig.model_validate(config)
    whole = train(config, output=tmp_path / "whole")
    with monkeypatch.context() as patch:
        crash_at(patch, rollout, kill)
        with pytest.raises(Killed):
            train(config, output=tmp_path / "broken")
    (tmp_path / "broken/checkpoints/.unfinished").mkdir()  # as a kill while a checkpoint is written leaves it
    np.random.seed(12345)  # noqa: NPY002  what else the process drew must not matter
    torch.manual_seed(12345)
    assert train(resume=tmp_path / "broken") == tmp_path / "broken"
    assert_same_run(whole, tmp_path / "broken")


def test_ctrl_c_saves_a_checkpoint_says_how_to_resume_and_resumes_bit_for_bit(tmp_path, monkeypatch, capsys, whole):
    run = tmp_path / "stopped"
    before = signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        crash_at(patch, 3, lambda: signal.raise_signal(signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            train(tiny(), output=run)
    assert signal.getsignal(signal.SIGINT) is before
    assert f"odc-gym train --resume {run}" in capsys.readouterr().err
    assert sorted(p.name for p in (run / "checkpoints").iterdir())[-1] == "000000000048"
    train(resume=run)
    assert_same_run(whole, run)
    assert json.loads((run / "versions.json").read_text())["resumed"][0]["decisions"] == 48


def test_a_second_ctrl_c_stops_at_once(tmp_path, monkeypatch):
    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    crash_at(monkeypatch, 1, twice)
    with pytest.raises(KeyboardInterrupt):
        train(tiny(), output=tmp_path / "run")
    assert sorted(p.name for p in (tmp_path / "run/checkpoints").iterdir()) == ["000000000000"]


def test_a_finished_run_can_be_extended_but_not_repeated(tmp_path, whole):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    with pytest.raises(RunError, match=r"96 decisions are done; extend it with a larger --n-timesteps$"):
        train(resume=run)
    train(resume=run, n_timesteps=128)
    assert load(run / "config.yaml").n_timesteps == 128
    assert len(monitor(run)) == 20 and len((run / "evaluations.csv").read_text().splitlines()) == 6


def test_training_episodes_are_apart_between_seeds_and_within_the_training_range():
    firsts = []
    for seed in (0, 1):
        model = build_model(tiny(seed=seed, n_envs=8), Scenario.load("starter12", WORLD["overrides"]))
        model.get_env().reset()
        firsts.append(set(model.get_env().get_attr("simulator")[0].seeds.tolist()))
    assert all(len(seeds) == 4 and max(seeds) < 10_000 for seeds in firsts)
    assert not firsts[0] & firsts[1]


def test_different_seeds_differ_and_equal_seeds_agree(tmp_path, whole):
    again = train(tiny(), output=tmp_path / "again")
    assert_same_run(whole, again)
    other = train(tiny(), seed=1, output=tmp_path / "other")
    assert load(other / "config.yaml").seed == 1
    assert monitor(other) != monitor(whole)


def test_the_number_of_cores_changes_nothing(tmp_path, monkeypatch, whole):
    """Catches threads that share work arrays, or that step rows in another order."""
    cores = 1 if available_cores() > 1 else 2
    monkeypatch.setattr(training_run, "available_cores", lambda: cores)
    assert_same_run(whole, train(tiny(), output=tmp_path / "run"))


def test_validation_builds_its_episodes_once_and_plays_them_alike(tmp_path, monkeypatch):
    """Catches episodes that are built at each validation, and validations that begin where the last one ended."""
    built, original = [], simulator_module.build_episode

    def build(fleet, seed):
        built.append(seed)
        return original(fleet, seed)

    monkeypatch.setattr(simulator_module, "build_episode", build)
    run = train(tiny(learning_rate=1e-9, learning_rate_end=1e-9), output=tmp_path / "run")
    with (run / "evaluations.csv").open() as file:
        means = [float(row["mean"]) for row in csv.DictReader(file)]
    assert sorted(seed for seed in built if seed >= 20_000) == [20_000, 20_001]
    assert len(means) == 4 and means == pytest.approx([means[0]] * 4, abs=1e-3)


def test_a_validation_beside_the_learner_plays_the_policy_from_before_its_rollout(tmp_path, monkeypatch):
    """Catches a policy or a normalisation that moves while its episodes are played, and a model saved too late.

    It also catches a thread in which PyTorch rounds otherwise: products of this size depend on its number of threads.
    """
    files, original = [], validation_module.policy_file

    def kept(model, interface):
        files.append(original(model, interface))
        return files[-1]

    monkeypatch.setattr(validation_module, "policy_file", kept)
    sizes = {"net_arch": {"pi": [128], "vf": [8]}, "n_timesteps": 48, "eval": {"every": 1, "episodes": 6}}
    config = TrainConfig.model_validate({**NORMALISED, **sizes, "env": {"episode_hours": 0.5}})
    run = train(config, output=tmp_path / "run")
    with (run / "evaluations.csv").open() as file:
        rows = [(int(row["decisions"]), float(row["mean"])) for row in csv.DictReader(file)]
    simulator = build_simulator(6, "starter12", episode_hours=0.5)
    with training_run.torch_threads(1):
        assert [played_again(file, simulator) for file in files] == rows and len(rows) == 4


def played_again(file, simulator):
    """Decisions of training and validation score of a model of a run with normalised observations."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        decisions = json.loads(archive.read("data"))["num_timesteps"]
        stored = np.load(io.BytesIO(archive.read("observations.npz")))
    normalisation = ObservationNormalisation(stored["mean"], stored["deviation"], float(stored["clip"]))
    policy = PPO.load(io.BytesIO(file), device="cpu").policy
    simulator.reset(range(20_000, 20_006))
    scores, _ = play_episodes(
        simulator, lambda view: policy.predict(normalisation.normalise(view.encoded), deterministic=True)[0]
    )
    return decisions, scores.mean()


def test_a_run_that_fails_leaves_no_validation_behind(tmp_path, monkeypatch):
    """Catches a thread that plays on when the run is over, and one that nobody waits for."""
    played, original = [], Validation._play

    def play(self, *snapshot):
        try:
            return original(self, *snapshot)
        finally:
            played.append(bool(self._simulator.truncated.all()))

    monkeypatch.setattr(Validation, "_play", play)
    crash_at(monkeypatch, 1, kill)
    with pytest.raises(Killed):
        train(tiny(env={**WORLD, "episode_hours": 100.0}, n_steps=1, batch_size=4), output=tmp_path / "run")
    assert played == [False]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"n_step": 3}, "n_step: unknown key; did you mean n_steps?"),
        ({"net_arch.p": [3]}, "net_arch.p: unknown key; did you mean pi?"),
        ({"seed": 10_050}, "seed = 10050: training seeds are 0-9999"),
        ({"batch_size": 1000}, "batch_size = 1000 must divide n_steps * n_envs = 16"),
        ({"group": 3}, "group = 3 must divide n_envs = 4"),
        (
            {"algo": "maskable_ppo"},
            "policy = FleetPolicy: needs algo, env.action_mode and env.observation_mode ppo, bids",
        ),
        ({"gamma": 1.5}, "gamma = 1.5: must be <= 1"),
        ({"algo": "dqn"}, "algo = dqn: must be 'ppo' or 'maskable_ppo'"),
        ({"eval.first_seed": 10_000}, "eval.first_seed = 10000: must be >= 20000"),
        ({"seed.x": 3}, "seed.x: unknown key 'x'"),
        ({"env.overrides.hardware.odcsat.battery.capacity_wh": -5}, "hardware.odcsat.battery.capacity_wh = -5"),
    ],
)
def test_bad_configuration_is_one_line_and_leaves_no_folder(tmp_path, changes, text):
    with pytest.raises(OdcGymError) as caught:
        train(tiny(), output=tmp_path / "run", overrides=changes)
    assert text in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_config_files(tmp_path):
    for config in training_run.load.__globals__["FOLDER"].glob("*.yaml"):
        assert load(config) == load(config.stem)
    (tmp_path / "bad.yaml").write_text("n_envs: [")
    with pytest.raises(RunError, match=r"bad\.yaml: not readable as YAML"):
        load(tmp_path / "bad.yaml")
    (tmp_path / "typo.yaml").write_text(yaml.safe_dump({**TINY, "gama": 0.9}))
    with pytest.raises(RunError, match=r"^typo\.yaml: gama: unknown key; did you mean gamma\?$"):
        train(tmp_path / "typo.yaml", output=tmp_path / "run")
    with pytest.raises(RunError, match=r"^config = sac: must be the path of a \.yaml file, or one of .*ppo"):
        load("sac")


def test_seed_beyond_training(tmp_path):
    with pytest.raises(RunError, match=r"seed = 20000: training seeds are 0-9999"):
        train(tiny(), seed=20_000, output=tmp_path / "run")


def test_existing_folder_is_refused(whole):
    with pytest.raises(RunError, match=r"exists; choose another folder, or go on with that run by --resume$"):
        train(tiny(), output=whole)


def test_default_folders_are_numbered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [str(train(tiny(n_timesteps=16))) for _ in range(2)]
    assert names == ["runs/ppo-1", "runs/ppo-2"]


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda run: shutil.rmtree(run), "holds no config.yaml or scenario.yaml"),
        (lambda run: (run / "config.yaml").unlink(), "holds no config.yaml,"),
        (lambda run: shutil.rmtree(run / "checkpoints"), "holds no complete checkpoint"),
        (
            lambda run: (last(run) / "state.json").unlink(),
            "damaged checkpoint (.*delete it to resume from the one before",
        ),
        (lambda run: (last(run) / "state.json").write_text("{"), "damaged checkpoint"),
        (lambda run: cut(last(run) / "arrays.npz"), "damaged checkpoint (arrays.npz is not what was written)"),
        (lambda run: cut(last(run) / "learner.pt"), "damaged checkpoint (learner.pt is not what was written)"),
        (lambda run: swap(run, "width", 9), "does not fit the run's config.yaml"),
        (lambda run: swap(run, "n_envs", 8), "does not fit the run's config.yaml"),
    ],
)
def test_half_written_or_damaged_run_is_one_line(tmp_path, whole, damage, text):
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    damage(run)
    with pytest.raises(RunError) as caught:
        train(resume=run, n_timesteps=128)
    message = str(caught.value)
    assert text.split("(.*")[0] in message and text.split("(.*")[-1] in message and "\n" not in message


def last(run):
    return sorted((run / "checkpoints").iterdir())[-1]


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def swap(run, key, value):
    data = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump({**data, key: value}))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"seed": 3}, "seed = 3: the run has seed 0"),
        ({"overrides": {"gamma": 0.5}}, "gamma = 0.5: the run has 0.99"),
        ({"config": tiny(n_envs=8)}, "n_envs = 8: the run has 4"),
        ({"output": "elsewhere"}, "output = elsewhere: a resumed run stays in its folder"),
    ],
)
def test_a_resumed_run_keeps_its_configuration(whole, arguments, text):
    with pytest.raises(RunError) as caught:
        train(resume=whole, **arguments)
    assert text in str(caught.value)

"""Training configurations: the same strict reader as scenarios, and paths of both in one `--set`."""

import pytest

from odc_gym.errors import OdcGymError, RunError
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import parse_overrides
from odc_gym.training.config import FOLDER, TrainConfig, dump, load

CAPACITY = "hardware.*.battery.capacity_wh"


def changed(*items, source="ppo"):
    return load(source, parse_overrides(list(items)))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_comes_back_from_its_own_dump(path, tmp_path):
    config = load(path)
    again = tmp_path / "config.yaml"
    again.write_text(dump(config), encoding="utf-8")
    assert load(again) == config and dump(load(again)) == dump(config)


def test_no_field_has_the_name_of_a_section_of_the_scenario():
    """Otherwise a path would mean two things."""
    assert not set(TrainConfig.model_fields) & set(Scenario.model_fields)


@pytest.mark.parametrize("path", [f"{CAPACITY}=8000", "hardware={odcsat: {battery: {capacity_wh: 8000}}}"])
def test_paths_of_compare_are_paths_of_train(path):
    """Catches paths that need `env.overrides.` in one command and must not have it in the other."""
    config = changed(path)
    assert config == changed(f"env.overrides.{path}")
    flown = Scenario.load(config.scenario, config.env.overrides)
    assert flown == Scenario.load("peak12", parse_overrides([path]))
    assert flown.hardware["odcsat"].battery.capacity_wh == 8000.0


def test_later_overrides_change_what_earlier_ones_have_set(tmp_path):
    file = tmp_path / "mine.yaml"
    one = "hardware.odcsat.battery.capacity_wh"
    file.write_text(f"env: {{overrides: {{{CAPACITY}: 9000, {one}: 5000}}}}")

    def capacity(*items):
        config = changed(*items, source=file)
        return Scenario.load(config.scenario, config.env.overrides).hardware["odcsat"].battery.capacity_wh

    assert capacity() == 5000.0
    assert capacity(f"{CAPACITY}=8000") == 8000.0
    assert capacity(f"env.overrides.{CAPACITY}=8000") == 8000.0
    assert capacity(f"env.overrides={{{CAPACITY}: 8000}}") == 8000.0
    assert capacity(f"{one}=8000", f"{one}=7000") == 7000.0
    assert capacity("env.overrides=null") == capacity("env=null") == 30_000.0


def test_mappings_merge_and_null_gives_the_default():
    config = changed("env={episode_hours: 2}", "eval={episodes: 4}", "gamma=null", "target_kl=0.1", "n_timesteps=1e6")
    assert (config.env.action_mode, config.env.episode_hours, config.eval.episodes, config.eval.every) == (
        "bids",
        2,
        4,
        8,
    )
    assert config.gamma == TrainConfig().gamma and config.target_kl == 0.1
    assert config.n_timesteps == 1_000_000 and isinstance(config.n_timesteps, int)
    assert changed("target_kl=null", source=config).target_kl is None


REFUSED = [
    ("log_std_init.bid=.nan", "log_std_init.bid = nan: must be a finite number"),
    ("target_kl=.inf", "target_kl = inf: must be a finite number"),
    ("learning_rate=.nan", "learning_rate = nan: must be a finite number"),
    ("n_envs=true", "n_envs = true: must be a valid integer"),
    ("n_envs='64'", "n_envs = '64': must be a valid integer"),
    ("n_timesteps=1.5", "n_timesteps = 1.5: must be a valid integer"),
    ("gamma=true", "gamma = true: must be a valid number"),
    ("normalise.rewards=1", "normalise.rewards = 1: must be true or false"),
    ("normalise.rewards=yes", "normalise.rewards = yes: must be true or false"),
    ("scenario=12", "scenario = 12: must be a valid string"),
    ("gama=null", "gama: unknown key; did you mean gamma?"),
    ("eval.episode=null", "eval.episode: unknown key; did you mean episodes?"),
    ("eval={episodes: 1,5}", "eval.5: unknown key; known: every, episodes, first_seed"),
    ("hardwar.odcsat.storage_gb=1", "hardwar.odcsat.storage_gb: unknown key 'hardwar'; did you mean hardware?"),
    (
        "battery.capacity_wh=1",
        "battery.capacity_wh: unknown key 'battery'; did you mean hardware.*.battery.capacity_wh?",
    ),
    ("env.overides.x=1", "env.overides.x: unknown key 'overides'; did you mean overrides?"),
    ("env.overrides=5", "env.overrides = 5: must be a mapping"),
]


@pytest.mark.parametrize(("item", "line"), REFUSED)
def test_what_is_not_allowed_is_told_in_one_line(item, line):
    with pytest.raises(RunError) as caught:
        changed(item)
    assert str(caught.value).removeprefix("ppo.yaml: ") == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gamma: 0.9\ngamma: 0.8", "not readable as YAML: gamma: given twice, in lines 1 and 2"),
        ("gama: null", "gama: unknown key; did you mean gamma?"),
        ("{gamma: 0,9}", "9: unknown key; known: algo, policy"),
        ("gamma:", "gamma: has no value; "),
        ("gamma: null", "gamma = null: must be a valid number"),
        ("log_std_init: {bid: .nan}", "log_std_init.bid = nan: must be a finite number"),
        ("n_envs: 0100", "group = 8 must divide n_envs = 100"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_the_file(tmp_path, text, line):
    path = tmp_path / "mine.yaml"
    path.write_text(text if text.startswith("{") else f"{text}\nbatch_size: 32")
    with pytest.raises(RunError) as caught:
        load(path)
    told = str(caught.value)
    assert told.startswith((f"mine.yaml: {line}", f"{path}: {line}")) and "\n" not in told


def test_overrides_that_are_no_mapping():
    with pytest.raises(OdcGymError, match="overrides = a=1: must be a mapping of dotted paths to values"):
        load("ppo", "a=1")

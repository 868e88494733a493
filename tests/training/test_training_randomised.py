"""Training on random satellites: the configuration that comes with the package, and one's own draws."""

import numpy as np
import pytest

from odc_gym.envs.vector import build_simulator
from odc_gym.errors import OdcGymError
from odc_gym.scenario import Scenario
from odc_gym.training.config import load
from odc_gym.training.policy_scheduler import load_policy_scheduler
from odc_gym.training.run import train

TINY = {
    "env.overrides.shells.0.orbit.total": 3,
    "env.episode_hours": 1.0,
    "n_timesteps": 2304,
    "n_envs": 8,
    "n_steps": 96,
    "batch_size": 384,
    "eval.episodes": 2,
    "eval.every": 3,
}


def test_the_configuration_is_that_of_ppo_on_another_scenario():
    plain, random = (load(name).model_dump() for name in ("ppo", "ppo-randomised"))
    assert random == plain | {"scenario": "starter12-randomised"}
    scenario = Scenario.load("starter12-randomised")
    base = Scenario.load("starter12").replace({"faults.dynamic_power_sigma": 0.03}).model_dump()
    assert scenario.model_dump() | {"randomise": {}} == base | {
        n: getattr(scenario, n) for n in ("name", "description")
    }
    assert {draw.per for draw in scenario.randomise.values()} == {"episode", "satellite"}


def test_it_trains_and_its_policy_flies_the_plain_scenario(tmp_path):
    """24 episodes of 12 decisions in 8 environments; the run's folder holds the scenario with its random numbers."""
    folder = train("ppo-randomised", overrides=TINY, output=tmp_path / "run")
    flown = Scenario.load(folder / "scenario.yaml")
    assert flown.randomise == Scenario.load("starter12-randomised").randomise
    plain = build_simulator(2, "starter12", {"shells.0.orbit.total": 3})
    plain.reset([20_000, 20_001])
    actions = load_policy_scheduler(folder, plain.view).act(plain.view)
    assert actions.shape == (2, plain.action_size) and np.isfinite(actions).all()


def test_draws_of_ones_own_in_a_configuration():
    path = "env.overrides.randomise.hardware.*.battery.capacity_wh"
    config = load("ppo", {path: {"low": 9000, "high": 11000}, f"{path}.per": "satellite"})
    scenario = Scenario.load(config.scenario, config.env.overrides)
    assert scenario.randomise["hardware.*.battery.capacity_wh"].per == "satellite"
    wrong = load("ppo", {path: {"low": -1, "high": 11000}})
    with pytest.raises(OdcGymError, match=r"^randomise\.hardware\.\*\.battery\.capacity_wh\.low = -1: must be > 0$"):
        Scenario.load(wrong.scenario, wrong.env.overrides)

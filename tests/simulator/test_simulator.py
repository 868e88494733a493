"""What the simulator refuses before its compiled core, which checks nothing, could go wrong."""

import numpy as np
import pytest

from odc_gym.errors import ActionError, OdcGymError
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator


def test_step_before_every_row_is_reset_is_refused(starter12):
    simulator = Simulator(starter12, 2)
    actions = np.zeros((2, simulator.action_size))
    with pytest.raises(OdcGymError, match="every environment must be reset first"):
        simulator.step(actions)
    simulator.reset([20_000], [1])
    with pytest.raises(OdcGymError, match="every environment must be reset first"):
        simulator.step(actions)
    simulator.reset([20_001], [0])
    simulator.step(actions)


def test_values_that_only_sum_to_infinity_are_held_to_the_box(starter12):
    simulator = Simulator(starter12, 1)
    simulator.reset([20_000])
    state = simulator.get_state()
    simulator.step(np.full((1, simulator.action_size), 1e308))  # finite one by one
    reward = simulator.reward.copy()
    simulator.set_state(state)
    simulator.step(np.ones((1, simulator.action_size)))
    assert (simulator.reward == reward).all()
    with pytest.raises(ActionError, match=r"action\[0, 3\] = nan: must be finite"):
        actions = np.zeros((1, simulator.action_size))
        actions[0, 3] = np.nan
        simulator.step(actions)


def test_flop_and_tokens_are_conversions_of_the_work(starter12):
    fast = starter12.replace({"hardware.odcsat.accelerators.bf16_tflops": 2000})
    told = []
    for scenario in (starter12, fast):
        simulator = Simulator(scenario, 1, episode_hours=2)
        simulator.reset([20_000])
        while not simulator.truncated.all():
            simulator.step(np.zeros((1, simulator.action_size)))
        told.append(episode_metrics(simulator, 0))
    plain, doubled = told
    assert plain["work_eflop"] == pytest.approx(plain["work_accelerator_h"] * 3600 * 989e12 / 1e18)
    assert doubled["work_eflop"] == pytest.approx(plain["work_eflop"] * 2000 / 989)
    assert plain["tokens_interactive"] * 10.6e-3 / 3600 == pytest.approx(plain["work_interactive_accelerator_h"])

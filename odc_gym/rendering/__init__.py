"""Rendering of the fleet for people.

`render` returns the state of one environment as text: its time, its satellites and its queue.

    from odc_gym.rendering import render
    from odc_gym.scenario import Scenario
    from odc_gym.simulator.simulator import Simulator

    simulator = Simulator(Scenario.load("starter12"), num_envs=1)
    simulator.reset([20_000])
    print(render(simulator))
"""

from odc_gym.rendering.ansi import render

__all__ = ["render"]

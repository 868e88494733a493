"""Rendering of the fleet for people: text, pictures, and a window.

    from odc_gym.rendering import Renderer
    from odc_gym.scenario import Scenario
    from odc_gym.simulator.simulator import Simulator

    simulator = Simulator(Scenario.load("starter12"), num_envs=1)
    simulator.reset([20_000])
    renderer = Renderer()
    print(renderer.render(simulator, mode="ansi"))
    picture = renderer.render(simulator)  # (720, 1280, 3) uint8

Pictures are drawn with pygame, which the extra `render` installs. Without it they are simpler and (600, 960, 3).
"""

from __future__ import annotations

from odc_gym.rendering.board import load_pygame
from odc_gym.rendering.renderer import HUMAN, RENDERERS, Renderer, render_fps

__all__ = ["HUMAN", "RENDERERS", "Renderer", "load_pygame", "render_fps"]

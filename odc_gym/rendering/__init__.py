"""Rendering of the fleet for people.

`render` returns the state of one environment as text, or as a picture: its time, its satellites and its queue.

    from odc_gym.rendering import render
    from odc_gym.scenario import Scenario
    from odc_gym.simulator.simulator import Simulator

    simulator = Simulator(Scenario.load("starter12"), num_envs=1)
    simulator.reset([20_000])
    print(render(simulator))
    picture = render(simulator, mode="rgb_array")  # (600, 960, 3) uint8
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from odc_gym.rendering.ansi import text_of
from odc_gym.rendering.rgb import picture_of
from odc_gym.rendering.snapshot import Snapshot, take_snapshot

if TYPE_CHECKING:
    from odc_gym.simulator.simulator import Simulator

RENDERERS: dict[str, Callable[[Snapshot], Any]] = {"ansi": text_of, "rgb_array": picture_of}
"""Renderer of each render mode."""
RENDER_FPS = 4
"""Pictures a second at which an episode is watched."""

__all__ = ["RENDERERS", "RENDER_FPS", "render"]


def render(simulator: Simulator, row: int = 0, score: float = 0.0, mode: str = "ansi") -> Any:
    """Render one environment: as text in the mode "ansi", as a picture (H, W, 3) uint8 in the mode "rgb_array".

    Args:
        simulator: simulator whose episodes have begun.
        row: index of the environment.
        score: score to show.
        mode: a key of `RENDERERS`.
    """
    return RENDERERS[mode](take_snapshot(simulator, row, score))

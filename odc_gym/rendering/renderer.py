"""Renderer of the environments of a simulator, in every render mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odc_gym.constants import DAY_S
from odc_gym.rendering.ansi import text_of
from odc_gym.rendering.board import has_pygame, load_pygame
from odc_gym.rendering.picture import Painter
from odc_gym.rendering.rgb import picture_of
from odc_gym.rendering.snapshot import take_snapshot
from odc_gym.rendering.window import Window

if TYPE_CHECKING:
    from odc_gym.simulator.simulator import Simulator

RENDERERS = ("ansi", "rgb_array")
"""Render modes of environments and batches."""
HUMAN = "human"
"""Render mode of single environments that shows each decision in a window."""
DAY_SHOWN_S = 24.0
"""Duration of a day in a video [s]."""
MOST_FPS = 60


def render_fps(decision_period_s: float) -> int:
    """Return the pictures a second at which a day takes 24 s, one for each decision; from 1 to 60."""
    return min(max(round(DAY_S / decision_period_s / DAY_SHOWN_S), 1), MOST_FPS)


class Renderer:
    """Renderer of the environments of one simulator.

    The strips of a picture show the decisions at which it was drawn. A copy or pickle starts without them, and without
    a window.
    """

    def __init__(self) -> None:
        self._painter: Painter | None = None
        self._window: Window | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), ()

    def render(
        self, simulator: Simulator, row: int = 0, score: float = 0.0, mode: str = "rgb_array", scheduler: str = ""
    ) -> Any:
        """Render one environment.

        Args:
            simulator: simulator whose episodes have begun.
            row: index of the environment.
            score: sum of the rewards of its episode so far.
            mode: one of `RENDERERS`, or `HUMAN`.
            scheduler: name of the scheduler, if it is known.

        Returns:
            A text in the mode "ansi", a picture (height, width, 3) uint8 in "rgb_array", None in "human".

        Raises:
            ArgumentError: the mode is "human", and pygame is not installed or there is no display.
        """
        if mode == "ansi":
            return text_of(take_snapshot(simulator, row, score, scheduler))
        if mode != HUMAN and not has_pygame():
            return picture_of(take_snapshot(simulator, row, score, scheduler))
        if self._painter is None:
            self._painter = Painter()
        if mode != HUMAN:
            return self._painter.picture(simulator, row, score, scheduler)
        if self._window is None:
            self._window = Window(load_pygame(), self._painter.size, render_fps(simulator.view.decision_period_s))
        self._window.show(self._painter.draw(simulator, row, score, scheduler))
        return None

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._window is not None:
            self._window.close()
            self._window = None

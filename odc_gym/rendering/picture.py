"""Pictures of environments, drawn with pygame on an offscreen surface."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from odc_gym.rendering.board import LAYOUT, Board
from odc_gym.rendering.history import History
from odc_gym.rendering.panels import draw_fleet, draw_header, draw_legend, draw_panels, draw_queue
from odc_gym.rendering.places import Places, take_places
from odc_gym.rendering.snapshot import Snapshot, take_snapshot
from odc_gym.rendering.strips import axes_of, draw_axes, draw_strips
from odc_gym.rendering.temperature import temperatures_of
from odc_gym.rendering.world_map import WorldMap

if TYPE_CHECKING:
    from odc_gym.simulator.simulator import Simulator


class Drawn(NamedTuple):
    """What the pictures of one environment share during an episode."""

    episode: int
    places: Places
    history: History


class Painter:
    """Painter of the environments of a simulator.

    It keeps the history of each environment at the decisions at which it was drawn. A copy or pickle starts without it.

    Args:
        size: width and height of the pictures [pixel].

    Raises:
        ArgumentError: pygame is not installed.
    """

    def __init__(self, size: tuple[int, int] = LAYOUT) -> None:
        self.size = size
        self.board = Board(*size)
        self.map = WorldMap(self.board)
        self._drawn: dict[int, Drawn] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.size,)

    def draw(self, simulator: Simulator, row: int, score: float, scheduler: str = "") -> Any:
        """Draw one environment.

        Args:
            simulator: simulator whose row has an episode.
            row: index of the environment.
            score: sum of the rewards of the episode so far.
            scheduler: name of the scheduler, if it is known.

        Returns:
            The surface, which the next picture is drawn over.
        """
        return self.paint(row, take_snapshot(simulator, row, score, scheduler), lambda: take_places(simulator, row))

    def paint(self, row: int, snapshot: Snapshot, find_places: Callable[[], Places]) -> Any:
        """Draw a snapshot of one environment, and return the surface.

        Args:
            row: index of the environment.
            snapshot: its state.
            find_places: function that returns the places of its episode; called once an episode.
        """
        drawn = self._drawn.get(row)
        if drawn is None or drawn.episode != snapshot.episode or snapshot.decision < drawn.history.last:
            places = drawn.places if drawn and drawn.episode == snapshot.episode else find_places()
            drawn = self._drawn[row] = Drawn(snapshot.episode, places, History(snapshot.decisions))
        drawn.history.add(snapshot)
        temperatures, board = temperatures_of(snapshot), self.board
        axes, sites = axes_of(snapshot, drawn.history), len(drawn.places.sites_deg)

        def draw_fixed() -> None:
            self.map.draw_fixed()
            draw_legend(board, temperatures.limit_c, sites)
            draw_panels(board, snapshot.satellites)
            draw_axes(board, axes)

        board.begin((snapshot.satellites, temperatures.limit_c, sites, axes), draw_fixed)
        draw_header(board, snapshot)
        self.map.draw(snapshot, drawn.places, temperatures)
        draw_fleet(board, snapshot, temperatures)
        draw_queue(board, snapshot)
        draw_strips(board, axes, snapshot, drawn.history)
        return board.surface

    def picture(self, simulator: Simulator, row: int, score: float, scheduler: str = "") -> NDArray[np.uint8]:
        """Return one environment as a picture, (height, width, 3) uint8; the arguments are those of `draw`."""
        self.draw(simulator, row, score, scheduler)
        return self.board.picture()

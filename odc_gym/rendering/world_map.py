"""Map of the world with day and night, links and satellites, as an equirectangular projection.

What does not change is drawn once: the land, and the night at a latitude of the Sun, which then moves along the map.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.rendering.board import FINE, Board
from odc_gym.rendering.land import land_rings
from odc_gym.rendering.marks import MOST_NUMBERED, Marks, mark_radius
from odc_gym.rendering.places import Places
from odc_gym.rendering.snapshot import Snapshot
from odc_gym.rendering.temperature import Temperatures
from odc_gym.rendering.theme import (
    FAINT,
    GRATICULE,
    INK,
    LAND,
    LINK,
    NIGHT,
    OCEAN,
    PAGE,
    PANEL,
    SITE,
    SUN,
)

X, Y, WIDTH, HEIGHT = 16.0, 56.0, 800.0, 400.0
INSET_WIDTH, INSET_HEIGHT = 330.0, 210.0
TWILIGHT_DEG = 12.0
"""Depth of the Sun below the horizon at which the map is darkest."""
DARKEST = 170
"""Opacity of the night, of 255."""
MOST_LINKS = 500
"""Most links between satellites that are drawn; more would cover the map."""
TAIL = ((132, 140, 128), (84, 98, 104))
"""Colours of the ways of satellites since the last decision, and the one before."""
FAINT_LINK = (75, 100, 110)


class WorldMap:
    """Map on a board, for all episodes."""

    def __init__(self, board: Board) -> None:
        self.board, self.pygame = board, board.pygame
        self.size = (board.pixels(WIDTH), board.pixels(HEIGHT))
        self.background = self._draw_land()
        self._nights: dict[int, Any] = {}
        self.marks = Marks(board)

    def draw(self, snapshot: Snapshot, places: Places, temperatures: Temperatures) -> None:
        """Draw the map at the present decision of an episode."""
        board, k = self.board, snapshot.decision
        board.surface.set_clip((*board.at(X, Y), *self.size))
        self._blit_night(places.sun_latitude_deg[k], places.sun_longitude_deg[k])
        sun_x, sun_y = self._xy(places.sun_latitude_deg[k], places.sun_longitude_deg[k])
        board.circle(float(sun_x), float(sun_y), 7, SUN)
        xy = np.stack(self._xy(places.latitude_deg[k], places.longitude_deg[k]), 1)
        if places.formation_km is not None:
            self._draw_formation(snapshot, places, temperatures, xy)
        else:
            if snapshot.satellites <= MOST_NUMBERED and not len(places.links_at(k)):
                self._draw_tails(places, k)
            self._draw_links(places, k, xy)
            self.marks.draw(snapshot, temperatures, xy, mark_radius(snapshot.satellites), X + WIDTH)
        board.surface.set_clip(None)

    def draw_fixed(self) -> None:
        """Draw what does not change: land and water."""
        self.board.surface.blit(self.background, self.board.at(X, Y))

    def _xy(self, latitude_deg: Any, longitude_deg: Any) -> tuple[Any, Any]:
        """Return positions on the layout."""
        return X + (longitude_deg + 180.0) / 360.0 * WIDTH, Y + (90.0 - latitude_deg) / 180.0 * HEIGHT

    def _draw_land(self) -> Any:
        """Return the picture of land, water and a grid of 30 degrees."""
        width, height = self.size
        large = self.pygame.Surface((width * FINE, height * FINE))
        large.fill(OCEAN)
        for points, is_water in land_rings():
            y = (90.0 - points[:, 1]) / 180.0 * height * FINE
            for turn in (-1.5, -0.5, 0.5, 1.5, 2.5):  # land across the edge of the map appears on both sides
                x = (points[:, 0] / 360.0 + turn) * width * FINE
                if x.max() > 0.0 and x.min() < width * FINE:
                    self.pygame.draw.polygon(large, OCEAN if is_water else LAND, np.stack([x, y], 1).tolist())
        picture = self.pygame.transform.smoothscale(large, self.size)
        for part in range(1, 12):
            column = round(part * width / 12)
            self.pygame.draw.line(picture, GRATICULE, (column, 0), (column, height))
        for part in range(1, 6):
            line = round(part * height / 6)
            self.pygame.draw.line(picture, GRATICULE, (0, line), (width, line))
        return picture

    def _blit_night(self, sun_latitude_deg: float, sun_longitude_deg: float) -> None:
        """Darken the side of the Earth that the Sun does not reach; twilight is smooth."""
        key = round(float(sun_latitude_deg) * 2.0)
        if key not in self._nights:
            self._nights = {key: self._night(key / 2.0)}
        width, (left, top) = self.size[0], self.board.at(X, Y)
        shift = round(float(sun_longitude_deg) / 360.0 * width) % width
        for offset in (shift, shift - width):
            self.board.surface.blit(self._nights[key], (left + offset, top))

    def _night(self, sun_latitude_deg: float) -> Any:
        """Return the darkness of the map while the Sun is above longitude 0."""
        width, height = self.size
        latitude = np.radians(90.0 - (np.arange(height) + 0.5) / height * 180.0)
        longitude = np.radians((np.arange(width) + 0.5) / width * 360.0 - 180.0)
        sun = np.radians(sun_latitude_deg)
        sine = np.sin(latitude) * np.sin(sun) + np.outer(np.cos(longitude), np.cos(latitude) * np.cos(sun))
        depth_deg = -np.degrees(np.arcsin(np.clip(sine, -1.0, 1.0)))
        night = self.pygame.Surface(self.size, self.pygame.SRCALPHA)
        night.fill((*NIGHT, 0))
        alpha = self.pygame.surfarray.pixels_alpha(night)
        alpha[:] = np.clip(depth_deg / TWILIGHT_DEG, 0.0, 1.0) * DARKEST
        return night

    def _draw_links(self, places: Places, k: int, xy: NDArray[np.floating]) -> None:
        """Draw links between satellites, and from satellites to the ground."""
        pairs = places.links_at(k)
        if len(pairs) <= MOST_LINKS:
            self._draw_pairs(xy[pairs[:, 0]], xy[pairs[:, 1]], LINK)
        sites = np.stack(self._xy(places.sites_deg[:, 0], places.sites_deg[:, 1]), 1)
        if places.site is not None:
            linked = np.flatnonzero(places.site[k] >= 0)
            self._draw_pairs(xy[linked], sites[places.site[k][linked]], LINK)
        for x, y in sites.tolist():
            self.board.diamond(x, y, 6.0, PAGE)
            self.board.diamond(x, y, 4.5, SITE)

    def _draw_tails(self, places: Places, k: int) -> None:
        """Draw the way of each satellite during the last decisions: where it flies. Links would hide it."""
        for age in range(min(k, len(TAIL)), 0, -1):
            first, last = (
                np.stack(self._xy(places.latitude_deg[j], places.longitude_deg[j]), 1) for j in (k - age, k - age + 1)
            )
            self._draw_pairs(first, last, TAIL[age - 1])

    def _draw_pairs(self, begin: NDArray[np.floating], end: NDArray[np.floating], colour: Any) -> None:
        """Draw straight lines; one that is shorter across the edge of the map leaves it on both sides."""
        shift = np.where(end[:, 0] - begin[:, 0] > WIDTH / 2, -WIDTH, 0.0)
        shift += np.where(end[:, 0] - begin[:, 0] < -WIDTH / 2, WIDTH, 0.0)
        for (x0, y0), (x1, y1), by in zip(begin.tolist(), end.tolist(), shift.tolist(), strict=True):
            self.board.line([(x0, y0), (x1 + by, y1)], colour)
            if by:
                self.board.line([(x0 - by, y0), (x1, y1)], colour)

    def _draw_formation(
        self, snapshot: Snapshot, places: Places, temperatures: Temperatures, xy: NDArray[np.floating]
    ) -> None:
        """Draw a fleet that is one point on the map: its place, and beside it the formation on its own scale."""
        board, k, formation = self.board, snapshot.decision, places.formation_km
        assert formation is not None
        x, y = float(xy[0, 0]), float(xy[0, 1])
        for radius, colour in ((10.0, PAGE), (8.0, INK)):
            board.circle(x, y, radius, colour, 3)
        left = X + 12 if x > X + WIDTH / 2 else X + WIDTH - INSET_WIDTH - 12
        top = Y + 12 if y > Y + HEIGHT / 2 else Y + HEIGHT - INSET_HEIGHT - 12
        board.rectangle(left, top, INSET_WIDTH, INSET_HEIGHT, PANEL, radius=6)
        board.line([(x, y), (left if x < left else left + INSET_WIDTH, top + INSET_HEIGHT / 2)], INK)
        extent = np.maximum(np.abs(formation).max((0, 1)), 1e-6)
        zoom = float(min((INSET_WIDTH / 2 - 20) / extent[0], (INSET_HEIGHT / 2 - 32) / extent[1]))
        middle = np.array([left + INSET_WIDTH / 2, top + 16 + INSET_HEIGHT / 2])
        local = middle + formation[k] * zoom * (1.0, -1.0)
        pairs = places.links_at(k)
        self._draw_pairs(local[pairs[:, 0]], local[pairs[:, 1]], FAINT_LINK)
        self.marks.draw(snapshot, temperatures, local, 6.0, left + INSET_WIDTH)
        scale_km = nice_length(0.4 * INSET_WIDTH / zoom)
        text = f"{scale_km:g} km" if scale_km >= 1 else f"{scale_km * 1000:g} m"
        board.text("formation, along the orbit to the right", left + 10, top + 14, 15, INK)
        right = left + INSET_WIDTH - 10
        board.text(text, right, top + INSET_HEIGHT - 20, 14, FAINT, "right")
        board.line([(right - scale_km * zoom, top + INSET_HEIGHT - 10), (right, top + INSET_HEIGHT - 10)], INK)


def nice_length(most: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is at most `most`."""
    power = 10.0 ** np.floor(np.log10(most))
    return float(power * max(f for f in (1, 2, 5) if f * power <= most * (1 + 1e-9)))

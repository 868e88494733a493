"""Window that shows pictures at a steady rate."""

from __future__ import annotations

from typing import Any

from odc_gym.errors import ArgumentError

TITLE = "odc-gym"


class Window:
    """Window of one environment.

    When its user closes it, it stays closed: the episode goes on without it.

    Args:
        pygame: the module.
        size: width and height [pixel].
        fps: most pictures a second.

    Raises:
        ArgumentError: there is no display.
    """

    def __init__(self, pygame: Any, size: tuple[int, int], fps: int) -> None:
        self.pygame, self.fps = pygame, fps
        try:
            pygame.display.init()
            self._screen = pygame.display.set_mode(size)
        except pygame.error as error:
            raise ArgumentError(
                f"render_mode = 'human': no display ({error}); use 'rgb_array', or set SDL_VIDEODRIVER=dummy"
            ) from None
        pygame.display.set_caption(TITLE)
        self._clock = pygame.time.Clock()
        self.is_open = True

    def show(self, surface: Any) -> None:
        """Show a picture, and wait until the next one is due."""
        if self.is_open and any(event.type == self.pygame.QUIT for event in self.pygame.event.get()):
            self.close()
        if not self.is_open:
            return
        self._screen.blit(surface, (0, 0))
        self.pygame.display.flip()
        self._clock.tick(self.fps)

    def close(self) -> None:
        """Close the window."""
        if self.is_open:
            self.pygame.display.quit()
            self.is_open = False

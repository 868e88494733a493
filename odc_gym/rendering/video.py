"""Video files: GIF by Pillow and MP4 by ffmpeg, written as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.errors import ArgumentError
from odc_gym.rendering.theme import ALARM, BAND, CLASSES, FAINT, INK, LINE, LINK, MIDDLE, PAGE, PANEL, RAMP, SUN, TRACK

Pictures = Iterable[NDArray[np.uint8]]
Writer = Callable[[Path, Pictures, float], None]
COLOURS = 256
MEANINGS = (PAGE, PANEL, TRACK, LINE, INK, FAINT, BAND, MIDDLE, ALARM, SUN, LINK)
"""Colours that every palette has, beside those of the ramp and of the classes."""
CENTISECOND_MS = 10
"""Unit of time in a GIF."""
MP4_QUALITY = 7
"""From 0 to 10, as imageio-ffmpeg counts."""


def video_writer(path: Path) -> Writer:
    """Return the function that writes a video of the format that the end of a file name says.

    It takes the path, pictures (height, width, 3) uint8 of even width and height, and pictures a second.

    Raises:
        ArgumentError: the name ends otherwise, or the package that writes the format is not installed.
    """
    if path.suffix.lower() == ".gif":
        _pillow()
        return write_gif
    if path.suffix.lower() == ".mp4":
        _ffmpeg()
        return write_mp4
    raise ArgumentError(f"{path}: must end with .gif or .mp4")


def write_gif(path: Path, pictures: Pictures, fps: float) -> None:
    """Write a GIF that repeats; all its pictures have one palette."""
    image_module = _pillow()
    images = (image_module.fromarray(picture) for picture in pictures)
    first = next(images)
    palette = _palette(first)
    reduced = (image.quantize(palette=palette, dither=0) for image in images)
    duration_ms = max(round(1000.0 / fps / CENTISECOND_MS), 1) * CENTISECOND_MS
    with _whole_file(path) as temporary, temporary.open("w+b") as file:
        first.quantize(palette=palette, dither=0).save(
            file, format="GIF", save_all=True, append_images=reduced, duration=duration_ms, loop=0
        )


def write_mp4(path: Path, pictures: Pictures, fps: float) -> None:
    """Write an MP4 with the codec H.264, which every browser plays."""
    each = iter(pictures)
    first = next(each)
    with _whole_file(path) as temporary:
        size = first.shape[1], first.shape[0]
        writer = _ffmpeg().write_frames(
            str(temporary), size, fps=fps, quality=MP4_QUALITY, macro_block_size=2, ffmpeg_log_level="error"
        )
        writer.send(None)
        try:
            writer.send(first.tobytes())
            for picture in each:
                writer.send(picture.tobytes())
        finally:
            writer.close()


def _palette(picture: Any) -> Any:
    """Return an image with the palette of a video: the colours of meanings, and those of its first picture."""
    fixed = np.concatenate([RAMP, np.array([*MEANINGS, *CLASSES.values()], np.uint8)])
    free = picture.quantize(COLOURS - len(fixed)).getpalette()[: 3 * (COLOURS - len(fixed))]
    palette = _pillow().new("P", (1, 1))
    palette.putpalette(fixed.ravel().tolist() + free)
    return palette


@contextmanager
def _whole_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside a file, which replaces it if all goes well."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _pillow() -> Any:
    """Return the module Image of Pillow."""
    try:
        from PIL import Image
    except ImportError:
        raise ArgumentError("pillow is not installed: pip install 'odc-gym[render]'") from None
    return Image


def _ffmpeg() -> Any:
    """Return the module imageio_ffmpeg; its wheels contain ffmpeg."""
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except ImportError:
        raise ArgumentError("imageio-ffmpeg is not installed: pip install 'odc-gym[render]'") from None
    except RuntimeError as error:
        raise ArgumentError(f"ffmpeg is missing: {error}") from None
    return imageio_ffmpeg

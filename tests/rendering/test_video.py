"""Videos: whole files of the right length, or none; and one line about what is missing."""

import sys

import numpy as np
import pytest

from odc_gym.errors import ArgumentError
from odc_gym.rendering.video import video_writer


def pictures(count, size=(64, 48)):
    for k in range(count):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[:, : 4 * k] = (255, 90, 51)
        yield picture


def test_a_gif_has_every_picture_and_its_duration(tmp_path):
    """Catches pictures that are lost, a wrong speed, and colours that the first picture does not have."""
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed: pip install 'odc-gym[render]'")
    path = tmp_path / "a.GIF"
    video_writer(path)(path, pictures(7), 12.0)
    with image.open(path) as gif:
        assert (gif.n_frames, gif.size, gif.info["duration"], gif.info["loop"]) == (7, (64, 48), 80, 0)
        gif.seek(6)
        assert np.abs(np.array(gif.convert("RGB"))[20, 10].astype(int) - (255, 90, 51)).max() < 8
    assert list(tmp_path.iterdir()) == [path]


def test_an_mp4_has_every_picture(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed: 'odc-gym[render]'")
    path = tmp_path / "a.mp4"
    video_writer(path)(path, pictures(12), 6.0)
    frames, seconds = ffmpeg.count_frames_and_secs(str(path))
    assert frames == 12 and seconds == pytest.approx(2.0, abs=0.1)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("suffix", "package"), [(".gif", "PIL"), (".mp4", "imageio_ffmpeg")])
def test_a_failure_leaves_no_file_and_keeps_the_old_one(tmp_path, suffix, package):
    """Catches half a video, and temporary files."""
    pytest.importorskip(package, reason=f"{package} is not installed: pip install 'odc-gym[render]'")

    def broken():
        yield from pictures(3)
        raise KeyboardInterrupt

    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        video_writer(path)(path, broken(), 12.0)
    assert list(tmp_path.iterdir()) == [path] and path.read_bytes() == b"old"


def test_unknown_formats_and_missing_packages_are_one_line(tmp_path, monkeypatch):
    for name in ("a.avi", "a", "gif"):
        with pytest.raises(ArgumentError, match=r"must end with \.gif or \.mp4$"):
            video_writer(tmp_path / name)
    for module, name, package in (("PIL", "a.gif", "pillow"), ("imageio_ffmpeg", "a.mp4", "imageio-ffmpeg")):
        monkeypatch.setitem(sys.modules, module, None)
        with pytest.raises(ArgumentError, match=rf"^{package} is not installed: pip install 'odc-gym\[render\]'$"):
            video_writer(tmp_path / name)

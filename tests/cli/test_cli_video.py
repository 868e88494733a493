"""Command `odc-gym video`: files of both formats, and one line about what is wrong, before any episode is played."""

import sys

import pytest
from test_cli import refused, run

from odc_gym.cli.video import checked_size
from odc_gym.errors import OdcGymError


@pytest.fixture
def pygame():
    return pytest.importorskip("pygame", reason="pygame is not installed: pip install 'odc-gym[render]'")


def test_a_gif_is_written_and_never_replaced_unasked(capsys, tmp_path, pygame):
    """Catches another number of pictures than decisions, another size, and a file that is lost."""
    image = pytest.importorskip("PIL.Image", reason="pillow is not installed: pip install 'odc-gym[render]'")
    path = tmp_path / "day.gif"
    arguments = ("video", "starter12", "--agent", "zero", "--seed", "20000", "--hours", "0.5", "--size", "320x180")
    code, out, err = run(capsys, *arguments, "-o", str(path), "--fps", "10")
    assert code == 0 and err == ""
    assert out.startswith(f"{path}: episode 20000 of starter12 under zero, 1 s, ") and out.count("\n") == 1
    with image.open(path) as gif:
        assert (gif.n_frames, gif.size, gif.info["duration"]) == (7, (320, 180), 100)
    assert "exists; add --force" in refused(capsys, *arguments, "-o", str(path))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "day.avi"), "day.avi: must end with .gif or .mp4"),
        (("-o", "nowhere/day.gif"), "nowhere/day.gif: must be a file in an existing folder"),
        (("--size", "big"), "--size big: must be WIDTHxHEIGHT, even numbers from 320x180 to 3840x2160"),
        (("--fps", "0"), "--fps 0: must be from 1 to 60"),
        (("--fps", "nan"), "--fps nan: must be from 1 to 60"),
        (("--hours", "25"), "--hours 25: must be from 0.0833 to 24"),
        (("--hours", "-1"), "--hours -1: must be from 0.0833 to 24"),
        (("--agent", "zerro"), "did you mean zero?"),
    ],
)
def test_bad_input_is_one_line(capsys, tmp_path, monkeypatch, pygame, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(capsys, "video", "starter12", *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["1279x720", "0x0", "320X181", "1280", "1280x720x3", "-320x180", "99999x180"])
def test_sizes_that_no_codec_takes_are_refused(text):
    with pytest.raises(OdcGymError, match=r"^--size"):
        checked_size(text)
    assert checked_size(" 640X360 ") == (640, 360)


def test_a_missing_extra_is_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert refused(capsys, "video", "starter12") == "pillow is not installed: pip install 'odc-gym[render]'"
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pygame", None)
    pytest.importorskip("PIL", reason="pillow is not installed: pip install 'odc-gym[render]'")
    assert "pygame is not installed" in refused(capsys, "video", "starter12", "-o", str(tmp_path / "a.gif"))

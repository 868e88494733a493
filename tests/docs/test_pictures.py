"""The pictures of the pages: each is drawn by a program, shown with a caption, and exists."""

import re
from pathlib import Path

import pytest
from test_docs import PAGES, load

ROOT = Path(__file__).parents[2]
SHOWN = re.compile(r"^!\[(?P<text>[^\]]*)\]\((?P<path>[^)]+\.png)\)\n\n(?P<next>.*)", re.MULTILINE)
PICTURE = re.compile(r"^!\[", re.MULTILINE)


@pytest.fixture(scope="module")
def pictures():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")  # as a program finds the modules beside it
        return load("pictures")


def test_every_picture_of_the_model_is_drawn_and_shown(pictures):
    """Catches: a picture that a page no longer shows, and one that no program draws."""
    saved = {path.stem.removeprefix("model-") for path in pictures.FIGURES.glob("model-*.png")}
    pages = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert saved == set(pictures.PICTURES) == set(re.findall(r"figures/model-([\w-]+)\.png", pages))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_picture_has_a_caption(page):
    """Catches: a picture without a text that says what it shows."""
    text = page.read_text(encoding="utf-8")
    found = list(SHOWN.finditer(text))
    assert len(found) == len(PICTURE.findall(text))
    assert [
        match["path"] for match in found if not match["text"] or match["next"].startswith(("#", "|", "`", "!"))
    ] == []


def test_a_picture_is_drawn_again(pictures, monkeypatch, tmp_path):
    monkeypatch.setattr(pictures, "FIGURES", tmp_path)
    pictures.main(["job", "satellite"])
    assert {path.name for path in tmp_path.iterdir()} == {"model-job.png", "model-satellite.png"}
    with pytest.raises(SystemExit, match="error: picture moon: must be one of satellite, orbits, job"):
        pictures.main(["moon"])

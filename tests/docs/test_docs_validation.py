"""docs/validation.md: the page lists every comparison, and it is written as a whole or not at all."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest
from comparison import CHAPTERS, COMPARISONS, PICTURES, Comparison, Subject, compare

from odc_gym.errors import OdcGymError

ROOT = Path(__file__).parents[2]


def load(name, folder):
    spec = importlib.util.spec_from_file_location(name, ROOT / folder / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def validate():
    module = load("validate", "docs")
    module.register()
    return module


@pytest.fixture(scope="module")
def mutants():
    return load("mutants", "benchmarks").MUTANTS


def listed(text, columns):
    """Return chapter and selected cells of each row of the page's comparisons."""
    found, chapter = [], None
    for line in text.splitlines():
        if line.startswith("## "):
            chapter = line[3:]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if chapter in CHAPTERS and cells and set(cells) != {"---"} and cells[0] != "quantity":
            found.append((chapter, *(cells[k] for k in columns)))
    return found


def test_the_page_lists_every_comparison_with_its_tolerance(validate):
    """Catches a page that lacks a comparison or states another tolerance."""
    columns = [validate.HEAD.index(name) for name in ("quantity", "unit", "allowed", "note")]
    subjects = [comparison.subject for comparison in COMPARISONS]
    expected = {(s.chapter, s.quantity, s.unit, validate.allowed(s), s.note) for s in subjects}
    assert len(expected) == len(subjects)
    assert set(listed(validate.PAGE.read_text(encoding="utf-8"), columns)) == expected, "run `make validate`"


def test_the_page_shows_every_picture(validate):
    shown = set(re.findall(r"\(figures/validation-([\w-]+)\.png\)", validate.PAGE.read_text(encoding="utf-8")))
    saved = {path.stem.removeprefix("validation-") for path in validate.FIGURES.glob("validation-*.png")}
    assert shown == saved == set(PICTURES), "run `make validate`"


def test_every_change_can_be_made_and_its_tests_exist(mutants):
    """Catches a mutation whose source text no longer exists: it would change nothing."""
    for mutant in mutants:
        assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.was) == 1, mutant.name
        for pattern in mutant.tests:
            path, _, test = pattern.partition("::")
            files = list(ROOT.glob(path))
            assert files and all(f"def {test}(" in f.read_text(encoding="utf-8") for f in files if test), pattern


def test_every_change_was_noticed_and_is_on_the_page(validate, mutants):
    found = json.loads(validate.MUTATIONS.read_text(encoding="utf-8"))
    assert list(found) == [mutant.name for mutant in mutants], "run `make mutations`"
    assert all(result["caught_by"] for result in found.values())
    assert validate.mutations().strip() in validate.PAGE.read_text(encoding="utf-8"), "run `make validate`"


def comparison(ours, **options):
    subject = Subject("Heat", "plate", "K", "paper", 0.1, **options)
    return Comparison(subject, lambda: compare(subject, ours, [300.0, 301.0]))


def test_a_row_tells_what_was_found(validate):
    (row,) = listed(validate.page([comparison([300.05, 301.0], note="why").finding()], {}), range(9))
    assert row == ("Heat", "plate", "K", "300.05 to 301", "paper", "2", "0.05", "0.025", "0.1", "why")


@pytest.mark.parametrize(
    ("ours", "options"), [([300.2, 301.0], {}), ([float("nan"), 301.0], {}), ([300.1, 301.0], {"mean_tolerance": 0.01})]
)
def test_a_row_that_does_not_hold_writes_nothing_and_is_one_line(validate, monkeypatch, tmp_path, ours, options):
    monkeypatch.setattr(validate, "COMPARISONS", [comparison([300.0, 301.0]), comparison(ours, **options)])
    with pytest.raises(OdcGymError, match=r"^1 of 2 comparisons do not hold: Heat: plate: largest difference [^\n]*$"):
        validate.write(tmp_path / "page.md", tmp_path / "figures")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def no_flight(validate, monkeypatch):
    monkeypatch.setattr(validate.solstices, "page", lambda: "| two | days |")


def test_pictures_that_went_are_removed_and_the_same_numbers_are_the_same_file(
    validate, no_flight, monkeypatch, tmp_path
):
    from matplotlib import pyplot

    def draw():
        figure, axes = pyplot.subplots()
        axes.plot([1.0, 2.0])
        axes.set(xlabel="time [s]", ylabel="charge", title="Charge")
        return figure

    monkeypatch.setattr(validate, "COMPARISONS", [comparison([300.0, 301.0])])
    monkeypatch.setattr(validate, "PICTURES", {"line": ("Heat", "A line.", draw)})
    figures = tmp_path / "figures"
    figures.mkdir()
    (figures / "validation-old.png").write_bytes(b"")
    (figures / "learnability.png").write_bytes(b"")
    written = []
    for _ in range(2):
        validate.write(tmp_path / "page.md", figures)
        written.append((figures / "validation-line.png").read_bytes())
    assert written[0] == written[1]
    assert sorted(path.name for path in figures.iterdir()) == ["learnability.png", "validation-line.png"]
    assert "![A line.](figures/validation-line.png)" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_a_figure_that_cannot_be_read_is_refused(validate, tmp_path):
    """Catches: a figure without a title, an axis without a name, colours without a legend, and small print."""
    from matplotlib import pyplot

    def refused(**changes):
        figure, axes = pyplot.subplots()
        axes.plot([1.0, 2.0])
        axes.plot([2.0, 1.0], color="C1" if changes.pop("colours", False) else "C0")
        axes.set(**{"xlabel": "time [s]", "ylabel": "charge", "title": "Charge"} | changes)
        try:
            validate.save(figure, tmp_path / "figure.png")
        except ValueError as error:
            return str(error).partition(": ")[2]
        finally:
            pyplot.close(figure)
        return ""

    assert refused() == "" and (tmp_path / "figure.png").is_file()
    assert refused(title="") == "the figure has no title"
    assert refused(xlabel="") == "the x axis has no name"
    assert refused(ylabel="") == "the y axis has no name"
    assert refused(colours=True) == "lines of 2 colours without a legend"
    with pyplot.rc_context({"xtick.labelsize": 6}):
        assert refused(xticks=[0, 1], xticklabels=["a", "b"]) == "text below 8 points: a"


def test_only_known_pictures_are_drawn_again(validate, capsys):
    with pytest.raises(SystemExit):
        validate.main(["--figures", "moon"])
    assert "--figures moon: must be one of " in capsys.readouterr().err

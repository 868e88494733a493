"""Every modelled effect has a row, and docs/bound.md shows all rows."""

from pathlib import Path

from odc_gym.optimisation.bound import effects

PAGE = Path(__file__).parents[3] / "docs" / "bound.md"


def covered():
    return " ".join(effect.covers for effect in effects.EFFECTS).split()


def test_every_modelled_effect_has_a_row():
    """Catches a new function of a decision, law of physics, reward term or field of a scenario that nobody weighed."""
    assert sorted(effects.modelled_names() - set(covered())) == []


def test_no_row_covers_what_is_gone():
    """Catches rows about effects that the simulator no longer has."""
    assert sorted(set(covered()) - effects.modelled_names()) == []


def test_names_are_derived_from_the_code():
    """Catches a derivation that finds nothing."""
    names = effects.modelled_names()
    assert {"serve_requests", "physics", "loss_w", "reward:wear", "hardware:battery", "job:gang"} <= names
    assert len(names) > 100


def test_directions_are_known():
    """Catches misspelt directions."""
    assert {row.direction for row in effects.EFFECTS} <= {"exact", "relaxed", "dropped", "no effect"}
    assert {row.standing for row in effects.EFFECTS} <= {"proven", "checked"}


def test_the_page_shows_the_table():
    """Catches a page that says something else than the code."""
    assert effects.table() in PAGE.read_text(encoding="utf-8")

"""Frame of the pages: values are text, nothing is loaded, and the theme has all colours in both schemes."""

import re

import jinja2
import pytest

from odc_gym.pages.templates import FOLDER, environment, render, stylesheet

HOSTILE = "</title><script>alert(1)</script>"


def test_values_are_escaped_in_every_template():
    """Catches a template, or an environment, that takes text of users for markup."""
    made = environment().from_string("{{ name }} <b title='{{ name }}'></b>").render(name=HOSTILE + "'\"")
    assert "<script" not in made and "'&#34;" not in made.split("title='")[1].split("'></b>")[0]


def test_a_name_without_a_value_is_an_error():
    """Catches a misspelt name, which would leave a hole in the page."""
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ titel }}").render(title="x")


@pytest.mark.parametrize("scripts", [False, True])
def test_a_page_may_request_nothing(scripts):
    """Catches a source in the content security policy that a network could answer."""
    policy = re.search(r'Security-Policy" content="([^"]+)"', render("base.html", scripts=scripts))[1]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    assert rules["default-src"] == ["'none'"]
    assert {source for sources in rules.values() for source in sources} <= {
        "'none'", "'unsafe-inline'", "data:", "blob:",
    }  # fmt: skip
    assert ("script-src" in rules) is scripts


def test_stylesheets_load_nothing():
    """Catches fonts and pictures from elsewhere."""
    for path in FOLDER.rglob("*.css"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"url\(|@import|https?:", text), path
        assert stylesheet(path.relative_to(FOLDER).as_posix()) == text


def test_dark_and_light_have_the_same_colours():
    """Catches a colour that one of the schemes lacks."""
    text = (FOLDER / "theme.css").read_text(encoding="utf-8")
    light, dark, paper = (dict(re.findall(r"--([\w-]+): (#\w+)", part)) for part in text.split("@media"))
    assert len(light) > 15 and light.keys() == dark.keys() == paper.keys()


def test_text_on_cards_can_be_read():
    """Catches colours of text with a contrast below 4.5 (WCAG 2.2, 1.4.3) on the card or the page."""
    text = (FOLDER / "theme.css").read_text(encoding="utf-8")
    for part in text.split("@media"):
        colours = dict(re.findall(r"--([\w-]+): (#\w+)", part))
        for name in ("ink", "ink2", "ink3", "alarm", "good"):
            for ground in ("card", "bg"):
                assert contrast(colours[name], colours[ground]) > 4.5, (name, ground)


def contrast(one, other):
    """Contrast of two colours, WCAG 2.2."""
    bright = sorted((luminance(one), luminance(other)))
    return (bright[1] + 0.05) / (bright[0] + 0.05)


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

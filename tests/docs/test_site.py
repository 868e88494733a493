"""The site: its navigation and its API pages name what exists, and nothing comes from other servers."""

import importlib
import re
from pathlib import Path

import pytest
import yaml
from test_docs import load

import odc_gym

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
site_pages = load("site_pages")
NAMED = re.compile(r"^::: ([\w.]+)(?:\n    options:((?:\n      .*)+| .*))?", re.MULTILINE)
API = [
    pytest.param(name, options, id=name)
    for page in sorted((DOCS / "api").glob("*.md"))
    for name, options in NAMED.findall(page.read_text(encoding="utf-8"))
]


def entries(nav):
    """Yield the pages of the navigation."""
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else (entry,):
            yield from entries(value) if isinstance(value, list) else (value,)


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page():
    """Catches: a new page that no reader finds."""
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    notebooks = {path.relative_to(DOCS).with_suffix(".md").as_posix() for path in DOCS.rglob("*.ipynb")}
    listed = list(entries(SITE["nav"]))
    assert len(set(listed)) == len(listed)
    assert set(listed) == pages | notebooks | set(site_pages.ROOT_PAGES.values())


@pytest.mark.parametrize(("name", "options"), API)
def test_the_api_pages_name_what_exists(name, options):
    """Catches: a renamed function that the site would drop with a warning, which only `make site` would tell."""
    module, _, attribute = name.rpartition(".")
    try:
        found = importlib.import_module(name)
    except ImportError:
        found = getattr(importlib.import_module(module), attribute)
    chosen = (yaml.safe_load(f"options:{options}") or {}).get("options") or {}
    named = [*chosen.get("members", ()), *chosen.get("inherited_members", ())]
    assert [member for member in named if not hasattr(found, member)] == []
    assert found.__doc__


def test_the_site_loads_nothing_from_other_servers():
    """Catches: web fonts, and the script that the search from files takes from a server if none is given."""
    assert SITE["theme"]["font"] is False
    (polyfill,) = SITE["extra"]["polyfills"]
    assert (DOCS / polyfill).is_file() and "iframe-worker" in polyfill
    assert (DOCS / polyfill).with_suffix(".LICENSE").is_file()
    assert all((DOCS / name).is_file() for name in SITE["extra_css"])
    assert "//" not in "".join(path.read_text(encoding="utf-8") for path in (DOCS / "assets").glob("*.css"))


@pytest.mark.parametrize(
    ("uri", "link", "becomes"),
    [
        ("how-to/x.md", "[c](../../CONTRIBUTING.md#a)", "[c](../contributing.md#a)"),
        ("x.md", "[the code](../agents/zero.py)", "the code"),
        ("x.md", "[first](notebooks/first-day.ipynb)", "[first](notebooks/first-day.md)"),
        ("notebooks/x.md", "[This page as a notebook](x.ipynb)", "[This page as a notebook](x.ipynb)"),
        ("how-to/x.md", "[model.md](../model.md#heat)", "[The model](../model.md#heat)"),
        ("x.md", "[results.md](results.md)", "[Results](results.md)"),
        ("x.md", "[heat](model.md#heat)", "[heat](model.md#heat)"),
        ("x.md", "[g](https://example.org/a.md)", "[g](https://example.org/a.md)"),
    ],
)
def test_links_of_the_repository_are_links_of_the_site(uri, link, becomes):
    """Catches: links that lead out of the site, which `make site` would refuse, and downloads in place of pages."""
    assert site_pages.fit(link, uri) == becomes


def test_nested_lists_stay_nested():
    """Catches: items of a nested list that the site shows in the outer one, and code that is indented too far."""
    text = "- a\n  goes on\n\n  - b\n\nend\n\n```\n- x\n  y\n```\n"
    assert site_pages.fit(text, "x.md") == "- a\n    goes on\n\n    - b\n\nend\n\n```\n- x\n  y\n```\n"


@pytest.mark.parametrize(
    ("html", "refused"),
    [
        ('<script src="https://cdn.example/x.js">', True),
        ("<img alt=a src=//cdn.example/x.png>", True),
        ('<link rel="stylesheet" href="https://fonts.example/css">', True),
        ('<a href="https://example.org">', False),
        ('<script src="../assets/x.js"><link rel="canonical" href="https://example.org">', False),
    ],
)
def test_what_another_server_would_supply_is_found(html, refused):
    assert bool(site_pages.loaded_from_elsewhere(html)) == refused


def test_the_citation_names_the_version():
    """Catches: a release that leaves the version before it in the citation."""
    text = (DOCS / "faq.md").read_text(encoding="utf-8")
    assert re.findall(r"^  version = \{(.*)\},$", text, re.MULTILINE) == [odc_gym.__version__]

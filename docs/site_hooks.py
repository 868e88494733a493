"""Hooks of the site: pages from outside docs/, notebooks as pages, links that leave the site, formulas as MathML."""

from __future__ import annotations

import html
import re
import sys
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "docs"))

from notebook_pages import NOTEBOOKS, to_markdown  # noqa: E402

ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
_FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)
_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video)\b[^>]*\ssrc=\"?(?:https?:)?//|<link\b(?=[^>]*stylesheet)[^>]*//"
)
_LINK = re.compile(r"\[(?P<label>[^\]]*)\]\((?P<target>[^)#:\s]+)(?P<anchor>#[^)]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from the root of the checkout, and a page for each notebook."""
    for source, name in ROOT_PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name, content=text))
    for notebook in NOTEBOOKS:
        name = f"notebooks/{notebook.stem}"
        text, pictures = to_markdown(notebook)
        files.append(File.generated(config, f"{name}.md", content=text))
        for picture, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{picture}", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Point links to root pages at their pages of the site, show titles as texts of links, and unlink source files."""
    depth = page.file.src_uri.count("/")

    def replaced(match: re.Match[str]) -> str:
        target = match["target"]
        outside = "../" * (depth + 1)
        if not target.startswith(outside):
            if match["label"] != target.rpartition("/")[2] or not target.endswith(".md"):
                return match[0]
            title = _title((ROOT / "docs" / page.file.src_uri).parent / target)
            return f"[{title}]({target}{match['anchor'] or ''})"
        name = target.removeprefix(outside)
        if name in ROOT_PAGES:
            return f"[{match['label']}]({'../' * depth}{ROOT_PAGES[name]}{match['anchor'] or ''})"
        return match["label"]

    return _LINK.sub(replaced, markdown)


def _title(page: Path) -> str:
    """Return the title of a page of docs/, up to a colon."""
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").partition(":")[0]


def on_page_content(html_text: str, **_: Any) -> str:
    """Turn formulas into MathML, which browsers show without a script."""

    def formula(match: re.Match[str]) -> str:
        return convert(html.unescape(match["tex"]).strip(), display="block" if match["tag"] == "div" else "inline")

    return _FORMULA.sub(formula, html_text)


def on_post_build(config: MkDocsConfig) -> None:
    """Check that no page loads anything from another server.

    Raises:
        PluginError: a page does.
    """
    for page in sorted(Path(config.site_dir).rglob("*.html")):
        if found := _LOADED.search(page.read_text(encoding="utf-8")):
            raise PluginError(f"{page.relative_to(config.site_dir)}: loads from another server: {found[0]}")

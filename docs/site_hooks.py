"""Hooks of the site: pages from outside docs/, notebooks as pages, formulas as MathML; it refuses other servers."""

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

sys.path.insert(0, str(Path(__file__).parent))

from notebook_pages import NOTEBOOKS, to_markdown
from site_pages import ROOT_PAGES, fit, loaded_from_elsewhere, root_page

_FORMULA = re.compile(r'<(?P<tag>span|div) class="arithmatex">\\[(\[](?P<tex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from the root of the checkout, and a page with its figures for each notebook."""
    for source, name in ROOT_PAGES.items():
        files.append(File.generated(config, name, content=root_page(source)))
    for notebook in NOTEBOOKS:
        text, pictures = to_markdown(notebook)
        files.append(File.generated(config, f"notebooks/{notebook.stem}.md", content=text))
        for picture, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{picture}", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Fit a page to the site."""
    return fit(markdown, page.file.src_uri)


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
        if found := loaded_from_elsewhere(page.read_text(encoding="utf-8")):
            raise PluginError(f"{page.relative_to(config.site_dir)}: loads from another server: {found}")

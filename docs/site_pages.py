"""Text of the pages as the site needs it: links, nested lists, and pages from the root of the checkout.

The pages are written for readers of the repository. `docs/site_hooks.py` passes them through these functions.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOT_PAGES = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
DOWNLOAD = "This page as a notebook"
"""Text of the one link to a notebook that leads to the file itself."""
_LINK = re.compile(r"\[(?P<label>[^\]]*)\]\((?P<target>[^)#:\s]+)(?P<anchor>#[^)]*)?\)")
_ITEM = re.compile(r"(?:[-*]|\d+\.) ")
_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video)\b[^>]*\ssrc=\"?(?:https?:)?//|<link\b(?=[^>]*stylesheet)[^>]*//"
)


def root_page(source: str) -> str:
    """Return a page of the root with its links to docs/ as links of the site."""
    return (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")


def fit(markdown: str, uri: str) -> str:
    """Fit a page to the site.

    Links to root pages and notebooks lead to their pages of the site. Links with a file name as text show the title.
    Links to other files outside docs/ become text. Nested lists are indented further.

    Args:
        markdown: text of the page.
        uri: path of the page within docs/.
    """
    up = "../" * uri.count("/")

    def link(match: re.Match[str]) -> str:
        label, target, anchor = match["label"], match["target"], match["anchor"] or ""
        if target.startswith(f"{up}../"):
            name = target.removeprefix(f"{up}../")
            return f"[{label}]({up}{ROOT_PAGES[name]}{anchor})" if name in ROOT_PAGES else label
        if target.endswith(".ipynb") and label != DOWNLOAD:
            return f"[{label}]({target.removesuffix('ipynb')}md{anchor})"
        if target.endswith(".md") and label == target.rpartition("/")[2]:
            return f"[{_title((ROOT / 'docs' / uri).parent / target)}]({target}{anchor})"
        return match[0]

    return _deeper_lists(_LINK.sub(link, markdown))


def _title(page: Path) -> str:
    """Return the title of a page, up to a colon."""
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").partition(":")[0]


def _deeper_lists(markdown: str) -> str:
    """Double the indentation in lists: the pages indent by two, which is no nested list to Python-Markdown."""
    lines, in_list, in_code = [], False, False
    for line in markdown.split("\n"):
        if line.startswith("```"):
            in_code = not in_code
        if _ITEM.match(line):
            in_list = not in_code
        elif line and not line.startswith(" "):
            in_list = False
        deeper = in_list and not in_code and line.startswith(" ")
        lines.append(line[: len(line) - len(line.lstrip(" "))] + line if deeper else line)
    return "\n".join(lines)


def loaded_from_elsewhere(html: str) -> str:
    """Return the beginning of the first element of a page that another server would supply, or nothing."""
    found = _LOADED.search(html)
    return found[0] if found else ""

"""Templates of the pages: an environment of Jinja2 that escapes every value, and the stylesheets beside them.

`base.html` is the frame of every page: a page extends it and fills its blocks `title`, `style` and `body`. A page with
a script also sets `scripts`, since the content security policy forbids scripts otherwise.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

FOLDER = Path(__file__).parent
THEME = "theme.css"


def render(template: str, **values: object) -> str:
    """Fill a template.

    Args:
        template: path of the template in `odc_gym/pages`, for example `report/report.html`.
        values: values by the names that the template uses. Strings are escaped; `Markup` is taken as it is.

    Raises:
        jinja2.UndefinedError: the template uses a name that has no value.
    """
    return environment().get_template(template).render(**values)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the environment of all pages: values are escaped, and names without a value are errors."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(FOLDER, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["stylesheet"] = stylesheet
    return made


def stylesheet(name: str) -> Markup:
    """Return the text of a stylesheet in `odc_gym/pages`, for the inside of a `style` element."""
    from markupsafe import Markup

    return Markup((FOLDER / name).read_text(encoding="utf-8"))

"""Notebooks of docs/notebooks: run without Jupyter, outputs stored, and converted into pages of the site.

A notebook keeps what its cells print and draw, so that readers see it without running it. The runner plays the code
cells from top to bottom in one namespace and compares the printed text with the stored one. Figures are not compared.

    python docs/notebook_pages.py [--write] [NOTEBOOK ...]      # --write stores outputs that changed
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from site_pages import DOWNLOAD

NOTEBOOKS = sorted((Path(__file__).parent / "notebooks").glob("*.ipynb"))
Cell = dict[str, Any]


def run(notebook: Path) -> list[list[Cell]]:
    """Run the code cells of a notebook in the present folder and return the outputs of each."""
    import matplotlib

    matplotlib.use("Agg")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    return [_run_cell(source(cell), namespace) for cell in code_cells(notebook)]


def _run_cell(code: str, namespace: dict[str, Any]) -> list[Cell]:
    """Run one cell; its last expression is shown as a notebook shows it, and so are its figures."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    out = io.StringIO()
    value = None
    with contextlib.redirect_stdout(out):
        exec(compile(tree, "cell", "exec"), namespace)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)
    outputs: list[Cell] = []
    if out.getvalue():
        outputs.append({"name": "stdout", "output_type": "stream", "text": out.getvalue().splitlines(keepends=True)})
    if value is not None and "matplotlib" not in type(value).__module__:
        data = {"text/plain": repr(value).splitlines(keepends=True)}
        outputs.append({"data": data, "execution_count": None, "metadata": {}, "output_type": "execute_result"})
    return outputs + _figures()


def _figures() -> list[Cell]:
    """Return the open figures of matplotlib as outputs, and close them."""
    if "matplotlib.pyplot" not in sys.modules:
        return []
    from matplotlib import pyplot

    outputs = []
    for number in pyplot.get_fignums():
        picture = io.BytesIO()
        pyplot.figure(number).savefig(picture, dpi=80, metadata={"Software": None})
        data = {"image/png": base64.b64encode(picture.getvalue()).decode()}
        outputs.append({"data": data, "metadata": {}, "output_type": "display_data"})
    pyplot.close("all")
    return outputs


def code_cells(notebook: Path) -> list[Cell]:
    """Return the code cells of a notebook."""
    return [cell for cell in read(notebook)["cells"] if cell["cell_type"] == "code"]


def read(notebook: Path) -> Cell:
    """Read a notebook."""
    content: Cell = json.loads(notebook.read_text(encoding="utf-8"))
    return content


def source(cell: Cell) -> str:
    """Return the text of a cell."""
    return "".join(cell["source"])


def printed(outputs: list[Cell]) -> str:
    """Return the text of the outputs of a cell, printed lines first."""
    return "".join("".join(output.get("text") or output["data"].get("text/plain", ())) for output in outputs)


def write(notebook: Path, outputs: list[list[Cell]]) -> None:
    """Store the outputs of the code cells of a notebook, without numbers of execution."""
    content = read(notebook)
    code = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    for cell, found in zip(code, outputs, strict=True):
        cell["outputs"], cell["execution_count"] = found, None
    notebook.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def to_markdown(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as a Markdown page, and the figures that the page shows by file name."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in read(notebook)["cells"]:
        if cell["cell_type"] == "markdown":
            parts.append(source(cell))
            continue
        parts.append(f"```python\n{source(cell)}\n```")
        if text := printed(cell["outputs"]).rstrip():
            parts.append(f"```text\n{text}\n```")
        for output in cell["outputs"]:
            if picture := output.get("data", {}).get("image/png"):
                name = f"{notebook.stem}-{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode("".join(picture))
                parts.append(f"![Figure drawn by the cell above]({name})")
    parts.insert(1, f"[{DOWNLOAD}]({notebook.name})")
    return "\n\n".join(parts) + "\n", pictures


def main(arguments: list[str]) -> None:
    """Run the named notebooks, all without arguments, and exit with those whose printed text changed."""
    chosen = [Path(name).resolve() for name in arguments if not name.startswith("-")] or NOTEBOOKS
    changed = []
    for notebook in chosen:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            outputs = run(notebook)
        if "--write" in arguments:
            write(notebook, outputs)
        elif [printed(cell["outputs"]) for cell in code_cells(notebook)] != [printed(found) for found in outputs]:
            changed.append(
                f"{notebook.name}: prints other text; run `python docs/notebook_pages.py --write`, and read it"
            )
    sys.exit("\n".join(changed) or 0)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(sys.argv[1:])

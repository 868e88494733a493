"""Runner of the code in the pages, which compares the printed output with the output that the page shows.

The blocks of a page run from top to bottom in a folder of their own. The language of a block decides how it runs.

- `python`: in one namespace. With a first line like `# charge_saver.py` it is saved under that name instead.
- `yaml`: saved under the name in its first line.
- `csv`: data to show. It is saved if a comment before it, `<!-- file: jobs.csv -->`, gives a name.
- `bash`: as commands; `odc-gym` and `python` are those of this checkout.
- `diff`: a change of this project. The page then runs in a copy of the checkout, uncompiled.
- `text`: the output of the block above it. A line `...` stands for any lines, `...` in a line for anything.
  If it begins with `error: `, the command must fail.
- No language: a figure, a formula, or an output that cannot be reproduced.

Comments before a block, which readers do not see: `<!-- not run: why -->` skips it, `<!-- slow -->` leaves it to the
slow tests, and `<!-- in tests: --episodes 20 -> --episodes 2 -->` shortens it.

    python docs/pages.py [--write] [PAGE ...]      # --write puts outputs that changed into the pages
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
COPIED = ("odc_gym", "agents", "configs", "docs", "tests", "pyproject.toml")

LANGUAGES = ("python", "yaml", "csv", "bash", "diff", "text", "")
_BLOCK = re.compile(r"(?P<notes>(?:^<!--.*?-->\n)*)^```(?P<language>.*)\n(?P<code>(?:.*\n)*?)```$", re.MULTILINE)
_NAMED = re.compile(r"# ([\w./-]+\.\w+)\n")
_FILE = re.compile(r"<!-- file: (.+) -->")
_NOT_RUN = re.compile(r"<!-- not run: (.+) -->")
_SHORTER = re.compile(r"<!-- in tests: (.+) -> (.+) -->")


class PageError(Exception):
    """Error in a page: a block that cannot run or that fails."""


@dataclass(frozen=True)
class Block:
    """Fenced block of a page.

    Attributes:
        line: line number of its first line of code.
        language: language of the block, empty without one.
        code: text of the block.
        file: name under which it is saved, empty if it is not.
        not_run: reason why it is not run, empty if it is.
        slow: True if only the slow tests run it.
        shorter: replacements that shorten it in tests.
    """

    line: int
    language: str
    code: str
    file: str = ""
    not_run: str = ""
    slow: bool = False
    shorter: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, line: int, language: str, code: str, notes: str) -> Block:
        """Build a block with the settings of the comments before it."""
        file = _FILE.search(notes) or (_NAMED.match(code) if language in ("python", "yaml") else None)
        reason = _NOT_RUN.search(notes)
        shorter = tuple(_SHORTER.findall(notes))
        slow = "<!-- slow -->" in notes
        return cls(line, language, code, file[1] if file else "", reason[1] if reason else "", slow, shorter)

    def is_run(self, slow: bool) -> bool:
        """Return whether the block does anything when the page runs, with or without slow blocks."""
        runs = not self.not_run and (slow or not self.slow)
        return runs and (bool(self.file) or self.language in ("python", "bash", "diff"))

    @property
    def test_code(self) -> str:
        """Code of the block, shortened for tests."""
        code = self.code
        for long, short in self.shorter:
            code = code.replace(long, short)
        return code


def blocks(page: Path) -> list[Block]:
    """Return all fenced blocks of a page.

    Raises:
        PageError: an unknown language, a file without a name, or a shortening that changes nothing.
    """
    text = page.read_text(encoding="utf-8")
    fenced = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start("code")) + 1
        block = Block.of(line, match["language"], match["code"], match["notes"])
        where = f"{_name(page)}:{line}"
        if block.language not in LANGUAGES:
            raise PageError(f"{where}: language {block.language}: must be one of {', '.join(LANGUAGES[:-1])}, or none")
        if block.language == "yaml" and not block.file:
            raise PageError(f"{where}: a yaml block begins with the name of its file, as in `# my_fleet.yaml`")
        if any(long not in block.code for long, _ in block.shorter):
            raise PageError(f"{where}: what the tests shorten is not in the block")
        fenced.append(block)
    return fenced


def run(page: Path, folder: Path, slow: bool = True) -> dict[int, str]:
    """Run a page in an empty folder, with or without its slow blocks.

    Returns:
        Output of each `python` and `bash` block, by its line.

    Raises:
        PageError: a block fails; the message names its page and line.
    """
    to_run = [block for block in blocks(page) if block.is_run(slow)]
    expected_failures = [code.line for code, shown in outputs(page) if _refused(shown.code)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COVERAGE", "COLUMNS"))}
    checkout, work = ROOT, folder / "work"
    if any(block.language == "diff" for block in to_run):
        checkout = work
        _copy_checkout(work)
        environment["NUMBA_DISABLE_JIT"] = "1"
    work.mkdir(exist_ok=True)
    environment |= {
        "PATH": f"{_commands(folder / 'bin')}{os.pathsep}{environment['PATH']}",
        "PAGE_SESSION": str(folder / "session"),
        "PYTHONPATH": str(checkout),
        "GIT_CEILING_DIRECTORIES": str(folder),
        "OMP_NUM_THREADS": "1",  # more threads make small networks slower
    }
    plan = {
        "page": _name(page),
        "blocks": [asdict(b) | {"code": b.test_code} for b in to_run],
        "refused": expected_failures,
    }
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(Path(__file__)), "--session", str(folder / "plan.json")]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise PageError(done.stderr.strip())
    return {int(line): printed for line, printed in json.loads((folder / "printed.json").read_text("utf-8")).items()}


def outputs(page: Path) -> Iterable[tuple[Block, Block]]:
    """Yield each `text` block with the block whose output it shows."""
    last = None
    for block in blocks(page):
        if block.language == "text":
            if last is None or last.language not in ("python", "bash"):
                raise PageError(f"{_name(page)}:{block.line}: no command before this output")
            yield last, block
        last = block


def differences(page: Path, printed: dict[int, str]) -> list[str]:
    """Return one message for each output of a page that differs from the printed one."""
    return [
        f"{_name(page)}:{shown.line}: the block above it now prints\n{now}"
        f"run `python docs/pages.py --write {_name(page)}`, and read the page again"
        for shown, now in _changed(page, printed)
    ]


def _changed(page: Path, printed: dict[int, str]) -> list[tuple[Block, str]]:
    """Return each output block of a page that differs from the printed output, with that output."""
    shown = [(block, _tidy(printed[code.line])) for code, block in outputs(page) if code.line in printed]
    return [(block, now) for block, now in shown if not matches(block.code, now)]


def matches(shown: str, printed: str) -> bool:
    """Return whether a printed output matches the one that a page shows; a line `...` stands for any lines."""
    lines = (re.escape(line.rstrip()) for line in shown.splitlines())
    pattern = "".join("(?:.*\n)*?" if line == r"\.\.\." else line.replace(r"\.\.\.", ".*") + "\n" for line in lines)
    return re.fullmatch(pattern, printed) is not None


def write(page: Path, printed: dict[int, str]) -> None:
    """Write changed outputs into a page; outputs with `...` are printed for manual editing instead."""
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    for shown, now in reversed(_changed(page, printed)):
        if "..." in shown.code:
            print(f"{_name(page)}:{shown.line}: shows parts of an output; by hand, from\n{now}")
        else:
            lines[shown.line - 1 : shown.line - 1 + shown.code.count("\n")] = now
    page.write_text("".join(lines), encoding="utf-8")


def _tidy(printed: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").splitlines())


def _refused(shown: str) -> bool:
    return shown.startswith("error: ")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT)) if page.is_relative_to(ROOT) else str(page)


def _copy_checkout(folder: Path) -> None:
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)


def _commands(folder: Path) -> Path:
    """Create a folder with the commands `python` and `odc-gym`; the latter is a client of the page's process."""
    folder.mkdir()
    scripts = {
        "odc-gym": f"#!{sys.executable} -S\n{_CLIENT}",
        "python": f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n',
    }
    for name, script in scripts.items():
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


_CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as call, call.makefile("rw") as file:
    call.connect(os.environ["PAGE_SESSION"])
    print(json.dumps(sys.argv[1:]), file=file, flush=True)
    code, out, err = json.loads(file.readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


class _CommandLine(socketserver.StreamRequestHandler):
    """Server that runs `odc-gym` commands of a shell in this process, where imports are already loaded."""

    def handle(self) -> None:
        """Run one command while the thread that runs the page waits for its shell."""
        from odc_gym.cli import main

        out, err, code = io.StringIO(), io.StringIO(), 0
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main(json.loads(self.rfile.readline()))
            except SystemExit as end:
                code = end.code
            except BaseException:
                err.write(traceback.format_exc())
                code = 1
        self.wfile.write(json.dumps([code, out.getvalue(), err.getvalue()]).encode() + b"\n")


def _run_session(plan_file: Path) -> None:
    """Run the blocks of a plan in this process."""
    plan = json.loads(plan_file.read_text(encoding="utf-8"))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    sys.path.insert(0, "")  # finds modules that the page saves
    server = socketserver.ThreadingUnixStreamServer(os.environ["PAGE_SESSION"], _CommandLine)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    printed = {}
    for block in plan["blocks"]:
        where = f"{plan['page']}:{block['line']}"
        try:
            printed[block["line"]] = _run_block(block, where, namespace, block["line"] in plan["refused"])
        except PageError as error:
            sys.exit(f"{where}: {error}")
        except BaseException:  # a SystemExit also counts as a failure
            sys.exit(f"{where}: the block fails\n{traceback.format_exc()}")
    (plan_file.parent / "printed.json").write_text(json.dumps(printed), encoding="utf-8")


def _run_block(block: dict[str, Any], where: str, namespace: dict[str, Any], refused: bool) -> str:
    """Run one block and return its output."""
    if block["file"]:
        path = Path(block["file"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block["code"], encoding="utf-8")
        return ""
    if block["language"] == "python":
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * (block["line"] - 1) + block["code"], where.partition(":")[0], "exec"), namespace)
        return out.getvalue()
    if block["language"] == "diff":
        done = subprocess.run(["git", "apply", "-"], input=block["code"], capture_output=True, text=True)
        if done.returncode:
            raise PageError(f"the diff no longer applies, write it anew: {done.stderr.strip()}")
        for name in [name for name in sys.modules if name.partition(".")[0] == "odc_gym"]:
            del sys.modules[name]  # the next block must import the changed modules
        return ""
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block["code"]], capture_output=True, text=True)
    if bool(done.returncode) != refused:
        raise PageError(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + (done.stderr if refused else "")


def main(arguments: list[str]) -> None:
    """Run the named pages, all without arguments, and exit with their differences."""
    writing = "--write" in arguments
    pages = [Path(name).resolve() for name in arguments if not name.startswith("-")] or PAGES
    wrong = []
    for page in pages:
        with tempfile.TemporaryDirectory() as folder:
            try:
                printed = run(page, Path(folder))
            except PageError as error:
                wrong.append(str(error))
                continue
        if writing:
            write(page, printed)
        else:
            wrong += differences(page, printed)
    sys.exit("\n\n".join(wrong) or 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--session"]:
        _run_session(Path(sys.argv[2]))
    else:
        main(sys.argv[1:])

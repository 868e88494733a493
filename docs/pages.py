"""Run the code of the pages as a reader would, and compare what it prints with what the page shows.

A page is one sitting: its blocks run from top to bottom in a folder of their own, and the language of a block says how.

- `python`: in one namespace. With a first line like `# charge_saver.py` it is saved under that name instead.
- `yaml`: saved under the name in its first line.
- `csv`: data to look at; saved if a comment before it, `<!-- file: jobs.csv -->`, gives a name.
- `bash`: as commands; `odc-gym` and `python` are those of this checkout.
- `diff`: a change of this project. The page then plays in a copy of the checkout, uncompiled.
- `text`: what the block above it prints; a line `...` stands for any lines, `...` in a line for anything.
  Where it begins with `error: `, the command is one that is refused.
- No language: a figure, a formula, an output that nobody can repeat.

Comments before a block, which readers do not see: `<!-- not run: why -->` leaves it out, `<!-- slow -->` leaves it to
the slow tests, and `<!-- in tests: --episodes 20 -> --episodes 2 -->` makes it shorter.

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
    """A page that does not do what it says."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    line: int  # of its first line of code
    language: str
    code: str
    file: str = ""  # the name under which it is saved, if it is
    not_run: str = ""  # why not
    slow: bool = False
    shorter: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, line: int, language: str, code: str, notes: str) -> Block:
        """A block with what the comments before it say."""
        file = _FILE.search(notes) or (_NAMED.match(code) if language in ("python", "yaml") else None)
        reason = _NOT_RUN.search(notes)
        shorter = tuple(_SHORTER.findall(notes))
        slow = "<!-- slow -->" in notes
        return cls(line, language, code, file[1] if file else "", reason[1] if reason else "", slow, shorter)

    def plays(self, slow: bool) -> bool:
        """Whether it does anything when the page is played, slow blocks too or not."""
        runs = not self.not_run and (slow or not self.slow)
        return runs and (bool(self.file) or self.language in ("python", "bash", "diff"))

    @property
    def played(self) -> str:
        """The code as it runs here."""
        code = self.code
        for long, short in self.shorter:
            code = code.replace(long, short)
        return code


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page.

    Raises:
        PageError: a language that nobody runs, a file without a name, a shortening that changes nothing.
    """
    text = page.read_text(encoding="utf-8")
    found = []
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
        found.append(block)
    return found


def run(page: Path, folder: Path, slow: bool = True) -> dict[int, str]:
    """Play a page in an empty folder, with its slow blocks or without.

    Returns:
        What each `python` and `bash` block printed, by its line.

    Raises:
        PageError: a block that fails, in one message with its place.
    """
    to_play = [block for block in blocks(page) if block.plays(slow)]
    expected_failures = [code.line for code, shown in outputs(page) if _refused(shown.code)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COVERAGE", "COLUMNS"))}
    checkout, work = ROOT, folder / "work"
    if any(block.language == "diff" for block in to_play):
        checkout = work
        _copy_checkout(work)
        environment["NUMBA_DISABLE_JIT"] = "1"
    work.mkdir(exist_ok=True)
    environment |= {
        "PATH": f"{_commands(folder / 'bin')}{os.pathsep}{environment['PATH']}",
        "SITTING": str(folder / "sitting"),
        "PYTHONPATH": str(checkout),
        "GIT_CEILING_DIRECTORIES": str(folder),
        "OMP_NUM_THREADS": "1",  # small networks are slower with more
    }
    plan = {
        "page": _name(page),
        "blocks": [asdict(b) | {"code": b.played} for b in to_play],
        "refused": expected_failures,
    }
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(Path(__file__)), "--sitting", str(folder / "plan.json")]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise PageError(done.stderr.strip())
    return {int(line): printed for line, printed in json.loads((folder / "printed.json").read_text("utf-8")).items()}


def outputs(page: Path) -> Iterable[tuple[Block, Block]]:
    """Each `text` block, after the block whose output it shows."""
    last = None
    for block in blocks(page):
        if block.language == "text":
            if last is None or last.language not in ("python", "bash"):
                raise PageError(f"{_name(page)}:{block.line}: no command before this output")
            yield last, block
        last = block


def differences(page: Path, printed: dict[int, str]) -> list[str]:
    """Where a page shows something else than what was printed."""
    return [
        f"{_name(page)}:{shown.line}: the block above it now prints\n{now}"
        f"run `python docs/pages.py --write {_name(page)}`, and read the page again"
        for shown, now in _changed(page, printed)
    ]


def _changed(page: Path, printed: dict[int, str]) -> list[tuple[Block, str]]:
    """Each output that a page shows and that is another one now, and what it is."""
    shown = [(block, _tidy(printed[code.line])) for code, block in outputs(page) if code.line in printed]
    return [(block, now) for block, now in shown if not matches(block.code, now)]


def matches(shown: str, printed: str) -> bool:
    """Whether an output is the one that a page shows; a line `...` stands for any lines."""
    lines = (re.escape(line.rstrip()) for line in shown.splitlines())
    pattern = "".join("(?:.*\n)*?" if line == r"\.\.\." else line.replace(r"\.\.\.", ".*") + "\n" for line in lines)
    return re.fullmatch(pattern, printed) is not None


def write(page: Path, printed: dict[int, str]) -> None:
    """Put what was printed into a page; an output that is shown in parts, with `...`, is for people to change."""
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
    """A folder with `python`, and an `odc-gym` that asks the process of the sitting."""
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
    call.connect(os.environ["SITTING"])
    print(json.dumps(sys.argv[1:]), file=file, flush=True)
    code, out, err = json.loads(file.readline())
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
"""


class _CommandLine(socketserver.StreamRequestHandler):
    """Runs `odc-gym` of a shell in this process, where all is loaded: most of a command's time is its start."""

    def handle(self) -> None:
        """One command; the thread that plays the page waits for its shell meanwhile."""
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


def _sitting(plan_file: Path) -> None:
    """Play the blocks of a plan here, in one process."""
    plan = json.loads(plan_file.read_text(encoding="utf-8"))
    namespace: dict[str, Any] = {"__name__": "__main__"}
    sys.path.insert(0, "")  # modules that the page saves
    server = socketserver.ThreadingUnixStreamServer(os.environ["SITTING"], _CommandLine)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    printed = {}
    for block in plan["blocks"]:
        where = f"{plan['page']}:{block['line']}"
        try:
            printed[block["line"]] = _play(block, where, namespace, block["line"] in plan["refused"])
        except PageError as error:
            sys.exit(f"{where}: {error}")
        except BaseException:  # SystemExit, too, is a block that failed
            sys.exit(f"{where}: the block fails\n{traceback.format_exc()}")
    (plan_file.parent / "printed.json").write_text(json.dumps(printed), encoding="utf-8")


def _play(block: dict[str, Any], where: str, namespace: dict[str, Any], refused: bool) -> str:
    """What one block prints."""
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
            del sys.modules[name]  # what was imported is not what the next block should run
        return ""
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", block["code"]], capture_output=True, text=True)
    if bool(done.returncode) != refused:
        raise PageError(f"exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout + (done.stderr if refused else "")


def main(arguments: list[str]) -> None:
    """Run pages, all if none is named, and say what they get wrong."""
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
    if sys.argv[1:2] == ["--sitting"]:
        _sitting(Path(sys.argv[2]))
    else:
        main(sys.argv[1:])

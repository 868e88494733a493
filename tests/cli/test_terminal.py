"""Output: terminals without UTF-8, and readers that go away."""

import io
import os
import subprocess
import sys

import pytest

from odc_gym.cli import terminal

RUN = "import sys; from odc_gym.cli import main; main(sys.argv[1:])"


def play(*arguments, **environment):
    """Run a command in a process of its own; return the exit code, stdout and stderr as bytes."""
    done = subprocess.run([sys.executable, "-c", RUN, *arguments], capture_output=True, env=os.environ | environment)
    return done.returncode, done.stdout, done.stderr


COMMANDS = [
    ("agents", "sunlit-first"),
    ("scenario", "list"),
    ("scenario", "check", "starter12"),
    ("scenario", "diff", "starter12", "starter18"),
    ("scenario", "show", "starter12"),
    ("trace", "fetch"),
    ("compare", "--help"),
]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_terminals_without_utf8_get_plain_characters(command, encoding):
    """Catches UnicodeEncodeError by a box, a unit or a minus sign."""
    code, out, err = play(*command, PYTHONIOENCODING=encoding, PYTHONUTF8="0", LC_ALL="C")
    assert code == 0 and err == b"" and len(out.split()) > 10
    assert out.decode(encoding).isprintable() or out.count(b"\n") > 1


def test_the_locale_of_posix():
    environment = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code, out, _ = play("scenario", "diff", "starter12", "starter18", **environment)
    assert code == 0 and out.isascii()


def test_every_character_has_a_plain_form(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))
    terminal.prepare_streams()
    sys.stdout.write("−5 °C … ≥ 3 m², 4 µs ± 1 │ é \udcff 衛")
    sys.stdout.flush()
    assert raw.getvalue() == b"-5 degC . >= 3 m2, 4 us +- 1 | e ? ?"


@pytest.mark.parametrize("command", [("agents",), ("scenario", "list"), ("scenario", "show", "starter12")])
def test_a_closed_pipe_ends_quietly(command):
    """Catches `error: Broken pipe`, and the complaint of Python at exit about output that is left."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", RUN, *command], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 1 and done.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk_is_one_line():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-c", RUN, "agents"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2 and done.stderr == "error: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_names(shell):
    code, out, _ = play("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert code == 0 and b"_ODC_GYM_COMPLETE" in out


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("odc-gym compare -a sunl", "sunlit-first"),
        ("odc-gym scenario show suncat", "suncatcher81"),
        ("odc-gym tr", "train"),
    ],
)
def test_bash_gets_names(words, completed):
    code, out, err = play(_ODC_GYM_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1))
    assert completed in out.decode().split(), (code, err)

"""Command `odc-gym warm`: one line says what was ready or built, and where."""

from pathlib import Path

import pytest

from odc_gym.cli import main, warm
from odc_gym.compilation import libraries, modes
from odc_gym.compilation.libraries import Warmed


@pytest.mark.parametrize(
    ("built", "line"),
    [
        ((), "ready: 2 kernels for some-processor, in folder, 0.2 s"),
        (("decide",), "built: decide for some-processor, in folder, 0.2 s"),
        (("decide", "settle"), "built: 2 kernels for some-processor, in folder, 0.2 s"),
    ],
)
def test_the_line_says_what_was_built_and_where(monkeypatch, capsys, built, line):
    result = Warmed(("decide", "settle"), built, "some-processor", Path("folder"), 0.21)
    monkeypatch.setattr(libraries, "warm", lambda: result)
    monkeypatch.setattr(modes, "JIT_MODE", False)
    monkeypatch.setattr(modes, "PYTHON_MODE", False)
    with pytest.raises(SystemExit) as ended:
        main(["warm"])
    assert ended.value.code == 0 and capsys.readouterr().out == line + "\n"


@pytest.mark.parametrize(("mode", "variable"), [("JIT_MODE", "ODC_GYM_JIT"), ("PYTHON_MODE", "NUMBA_DISABLE_JIT")])
def test_modes_without_libraries_have_nothing_to_do(monkeypatch, capsys, mode, variable):
    monkeypatch.setattr(libraries, "warm", pytest.fail)
    monkeypatch.setattr(modes, "JIT_MODE", mode == "JIT_MODE")
    monkeypatch.setattr(modes, "PYTHON_MODE", mode == "PYTHON_MODE")
    warm.warm()
    assert capsys.readouterr().out.startswith(f"nothing to do: with {variable},")

"""Values of options: numbers as people write them, and completion."""

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.cli.values import complete_scenarios, complete_schedulers, complete_traces, process_count, whole_number


@given(st.integers(-(10**17), 10**17))
def test_whole_numbers_are_read_in_every_spelling(number):
    """Catches a number that passes through a float and loses its last digits."""
    for text in (str(number), f"{number:_}", f"{number}e0", f"{number}0e-1", f"{number}.0", number):
        assert whole_number(text) == number


@pytest.mark.parametrize(("text", "number"), [("1e6", 1_000_000), ("3E3", 3000), ("2.5e3", 2500), (" 7 ", 7)])
def test_powers_of_ten(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "x", "1.5", "1e-1", "nan", "inf", "1e99", "1e999999999", "9" * 5000, "1,000", "0x10"]
)
def test_other_text_is_refused(text):
    for read in (whole_number, process_count):
        with pytest.raises(typer.BadParameter, match="must be a whole number"):
            read(text)


def test_auto_is_one_process_per_core():
    assert process_count("auto") is None and process_count("Auto") is None and process_count("2") == 2


def test_names_and_files_are_completed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").touch()
    (tmp_path / "starter.yml").touch()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "runs" / "ppo-1").mkdir(parents=True)
    assert complete_schedulers("sun") == ["sun-aware", "sunlit-first"]
    assert complete_schedulers("zero,m") == ["zero,mpc", "zero,mine.py"] and complete_schedulers("runs/") == [
        "runs/ppo-1/"
    ]
    assert "starter.yml" in complete_scenarios("start") and "starter12" in complete_scenarios("start")
    assert complete_traces("philly") and all(name.startswith("philly") for name in complete_traces("philly"))
    assert complete_scenarios("no") == [] and complete_scenarios("absent/x") == []

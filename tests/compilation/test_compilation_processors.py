"""Choice of the processor that libraries are compiled for."""

import builtins
import io

import pytest

from odc_gym.compilation import processors as module
from odc_gym.compilation.processors import V3_FLAGS, processors, this_processor
from odc_gym.errors import OdcGymError


@pytest.fixture
def computer(monkeypatch):
    """Function that pretends to be a computer with a machine and a list of flags, or without such a list."""

    def pretend(machine, flags=None):
        def opened(path, *args, **kwargs):
            if flags is None:
                raise FileNotFoundError
            return io.StringIO(f"processor\t: 0\nflags\t\t: {' '.join(sorted(flags))}\nbugs\t\t: none\n")

        monkeypatch.delenv("ODC_GYM_PROCESSOR", raising=False)
        monkeypatch.setattr(module.platform, "machine", lambda: machine)
        monkeypatch.setattr(builtins, "open", opened)
        this_processor.cache_clear()
        return this_processor()

    yield pretend
    monkeypatch.undo()
    this_processor.cache_clear()


def test_all_flags_give_the_fast_processor(computer):
    assert computer("x86_64", V3_FLAGS | {"sse4_2", "avx512f"}) == "x86-64-v3"


@pytest.mark.parametrize("flag", sorted(V3_FLAGS))
def test_without_one_flag_the_code_is_the_slow_one(computer, flag):
    """Catches code that ends with an illegal instruction."""
    assert computer("x86_64", V3_FLAGS - {flag}) == "x86-64"


def test_without_a_list_of_flags_the_code_is_the_slow_one(computer):
    assert computer("AMD64") == "x86-64"


def test_other_machines_have_one_processor(computer):
    assert computer("aarch64", {"fp", "asimd"}) == "generic" and processors("arm64") == ("generic",)


def test_a_variable_chooses_the_processor(monkeypatch):
    monkeypatch.setenv("ODC_GYM_PROCESSOR", processors()[-1])
    this_processor.cache_clear()
    assert this_processor() == processors()[-1]
    monkeypatch.setenv("ODC_GYM_PROCESSOR", "z80")
    this_processor.cache_clear()
    with pytest.raises(OdcGymError, match=r"^ODC_GYM_PROCESSOR = z80: must be one of"):
        this_processor()
    this_processor.cache_clear()

"""Libraries, the JIT in this process and plain Python play the same episodes, to the last bit."""

import pytest
from rollout_hashes import hashes_elsewhere

from odc_gym.scenario.files import names

ALL = [f"{name}:{modes}" for name in names() for modes in ("bids:flat", "dials:flat", "assign:dict")]
FEW = ["easy:bids:dict", "easy:dials:flat", "starter12:assign:flat"]
LIBRARY = {"ODC_GYM_JIT": "0", "NUMBA_DISABLE_JIT": "0"}
JIT = {"ODC_GYM_JIT": "1", "NUMBA_DISABLE_JIT": "0"}
PYTHON = {"ODC_GYM_JIT": "0", "NUMBA_DISABLE_JIT": "1"}


def test_plain_python_gives_the_bits_of_the_library():
    """Catches arithmetic that means one thing compiled and another not, such as an integer that overflows."""
    assert hashes_elsewhere(2, FEW, **PYTHON) == hashes_elsewhere(2, FEW, **LIBRARY)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("decisions", "mode"), [(8, JIT), (2, PYTHON)], ids=["jit", "python"])
def test_all_scenarios_give_the_same_bits_in_all_modes(decisions, mode):
    """Catches a field that the interface of libraries reads from a wrong place, and another order of operations."""
    library = hashes_elsewhere(decisions, ALL, **LIBRARY)
    assert hashes_elsewhere(decisions, ALL, **mode) == library
    assert len(set(library.values())) == len(ALL)  # the hashes see the episodes

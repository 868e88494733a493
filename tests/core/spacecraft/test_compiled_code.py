"""The loop over satellites must be SIMD code: with a branch, a call or an alias it is three to five times slower."""

import os
import re
import subprocess
import sys

import pytest

from odc_gym.compilation.keys import ROOT
from odc_gym.compilation.processors import this_processor

ARITHMETIC = r"\bv(?:add|sub|mul|div|max|min|sqrt)pd\b[^\n]*%(?:ymm|zmm)"
ASSEMBLY = """
from flying import fly
from odc_gym.compilation.emission import compiled
print(compiled(fly.function).library.get_asm_str())
"""


@pytest.mark.skipif(this_processor() != "x86-64-v3", reason="counts instructions of this processor")
def test_the_step_of_satellites_is_vectorised():
    """Counts packed double instructions; catches a conditional that compiles to gathers, or a function not inlined."""
    pytest.importorskip("numba")
    settings = {"ODC_GYM_JIT": "1", "NUMBA_DISABLE_JIT": "0", "NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": ""}
    settings["PYTHONPATH"] = os.pathsep.join([str(ROOT.parent), str(ROOT.parent / "tests" / "rigs")])
    done = subprocess.run(
        [sys.executable, "-c", ASSEMBLY], env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(re.findall(ARITHMETIC, done.stdout)) > 100
    assert "gather" not in done.stdout

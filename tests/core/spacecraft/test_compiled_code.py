"""The loop over satellites must be SIMD code: with a branch, a call or an alias it is three to five times slower."""

import re

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest

from odc_gym import _jit
from odc_gym.core.layout.state import (
    PROPAGATOR_ROWS,
    Design,
    Sky,
    State,
    design_rows,
    propagator_rows,
    satellite_rows,
    sky_rows,
)
from odc_gym.core.spacecraft.step import satellites

ARITHMETIC = r"\bv(?:add|sub|mul|div|max|min|sqrt)pd\b[^\n]*%(?:ymm|zmm)"


def has_avx():
    return bool(_jit.COMPILED) and llvm.get_host_cpu_features().get("avx", False)


@pytest.mark.skipif(not has_avx(), reason="no AVX on this machine, or compilation is off")
def test_the_step_of_satellites_is_vectorised():
    """Counts packed double instructions; catches a conditional that compiles to gathers, or a function not inlined."""

    @numba.njit(**_jit.OPTIONS)
    def fly(x, p, e, sky, dt_s, n):
        satellites(satellite_rows(x), design_rows(p), propagator_rows(e), sky_rows(sky), dt_s, n)

    blocks = [
        np.zeros((rows, 16)) for rows in (len(State._fields), len(Design._fields), PROPAGATOR_ROWS, len(Sky._fields))
    ]
    fly.compile(tuple(numba.typeof(a) for a in (*blocks, 60.0, 16)))
    assembly = fly.inspect_asm(fly.signatures[0])
    assert len(re.findall(ARITHMETIC, assembly)) > 100
    assert "gather" not in assembly

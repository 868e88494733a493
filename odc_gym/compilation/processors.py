"""Processors that libraries are compiled for, by their names in LLVM."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

from odc_gym.errors import OdcGymError

V3_FLAGS = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe"}
"""Flags of /proc/cpuinfo that the level x86-64-v3 requires, besides those of x86-64-v2."""
X86 = ("x86-64-v3", "x86-64")


def processors(machine: str | None = None) -> tuple[str, ...]:
    """Return the processors to compile for, the fastest first; `machine` is that of this computer if None."""
    return X86 if (machine or platform.machine()).lower() in ("x86_64", "amd64") else ("generic",)


@cache
def this_processor() -> str:
    """Return the fastest processor of `processors` whose code runs here; the results have the same bits on all.

    The environment variable `ODC_GYM_PROCESSOR` chooses another, for example to compare them.

    Raises:
        OdcGymError: the variable names none of `processors`.
    """
    if chosen := os.environ.get("ODC_GYM_PROCESSOR"):
        if chosen not in processors():
            raise OdcGymError(f"ODC_GYM_PROCESSOR = {chosen}: must be one of {', '.join(processors())}")
        return chosen
    first, *others = processors()
    if not others:
        return first
    try:
        with open(Path("/proc/cpuinfo"), encoding="utf-8") as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:  # another system than Linux
        return others[-1]
    return first if set(flags.split()) >= V3_FLAGS else others[-1]

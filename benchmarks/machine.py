"""Name of the machine on which a benchmark runs."""

from __future__ import annotations

import platform
from pathlib import Path


def cpu() -> str:
    """Return the name of the processor, or the architecture if the system does not tell it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()

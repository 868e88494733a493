"""Cores that this process may use: its affinity, and the limits of its control groups, as containers set them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath


def available_cores(root: Path = Path("/")) -> int:
    """Return the number of cores that this process may use, at least 1.

    Args:
        root: folder in which `proc` and `sys` lie.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = [math.ceil(quota) for quota in _quotas(root)]
    return max(min([affinity, *limits]), 1)


def _quotas(root: Path) -> Iterator[float]:
    """Yield the cores that each control group of this process allows, from the innermost group outwards.

    A file that is missing or holds no number sets no limit. Inside a container the path of the group may be that of the
    host; the group of the container is then the topmost folder.

    Source: the Linux manual page cgroups(7); `cpu.max` and `cpu.cfs_quota_us` in the kernel's documentation.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        inner = PurePosixPath(path.strip("/"))
        for mount in ("cpu", controllers) if controllers else ("", "unified"):
            for group in (inner, *inner.parents):
                with suppress(OSError, ValueError, ZeroDivisionError):
                    quota, period = _quota(root / "sys/fs/cgroup" / mount / group, bool(controllers))
                    if float(quota) > 0.0:
                        yield float(quota) / float(period)


def _quota(group: Path, first_version: bool) -> tuple[str, str]:
    """Read the time that a control group may use in each period, and the period; `max` or -1 sets no limit."""
    if first_version:
        quota, period = (
            (group / f"cpu.cfs_{name}_us").read_text(encoding="utf-8").strip() for name in ("quota", "period")
        )
    else:
        quota, period = (group / "cpu.max").read_text(encoding="utf-8").split()
    return quota, period

"""Cores that a process may use, in containers of both versions of control groups."""

import os

import pytest

from odc_gym import cores


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


def machine(root, groups, **files):
    """A file system with the groups of this process, and files of groups by path under `sys/fs/cgroup`."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


FIRST = "4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n"


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "1600000 100000\n"}, 8),
        ("0::/a/b\n", {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n"}, 3),
        ("0::/../host\n", {"cpu.max": "200000 100000\n"}, 2),
        (FIRST, {"cpu/docker/ab/cpu.cfs_quota_us": "400000\n", "cpu/docker/ab/cpu.cfs_period_us": "100000\n"}, 4),
        (FIRST, {"cpu,cpuacct/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/cpu.cfs_period_us": "50000\n"}, 1),
        (FIRST, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        (FIRST, {"memory/cpu.cfs_quota_us": "1\n", "memory/cpu.cfs_period_us": "1\n"}, 8),
        ("0::/\n", {"cpu.max": "nonsense\n"}, 8),
        ("0::/\n", {"cpu.max": "100000 0\n"}, 8),
        ("", {}, 8),
        ("no colon\n", {}, 8),
    ],
)
def test_limits_of_control_groups(tmp_path, groups, files, expected):
    """Catches one process for each core of the machine in a container that may use two."""
    assert cores.available_cores(machine(tmp_path, groups, **files)) == expected


def test_without_control_groups_the_affinity_counts(tmp_path):
    assert cores.available_cores(tmp_path) == 8

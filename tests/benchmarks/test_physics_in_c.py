"""The compiled physics against the same equations in plain C, which share no code and no compiler with it."""

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from odc_gym.core.layout.state import State

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "physics.py"


@pytest.fixture(scope="module")
def flown():
    """States before, and after a day of the kernel and of the C program."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    spec = importlib.util.spec_from_file_location("physics_in_c", PROGRAM)
    physics = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(physics)
    fleets = physics.Fleets(8)
    kernel, plain_c = ([array.copy() for array in fleets.moving] for _ in range(2))
    nothing = ["cc", *physics.FLAGS, "-E", "-x", "c", os.devnull, "-o", os.devnull]
    if subprocess.run(nothing, check=False).returncode:
        pytest.skip("cc does not know this processor")
    for call in fleets.kernel(kernel) + fleets.plain_c(plain_c):
        call()
    return fleets.moving, kernel, plain_c


def test_both_give_the_same_numbers(flown):
    """Catches: a compiler that reorders floating-point operations, and a change of one of the two programs."""
    _, kernel, plain_c = flown
    for ours, theirs in zip(kernel, plain_c, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_the_day_reaches_governor_heaters_and_protection(flown):
    """Catches: a comparison of branches that never run."""
    (before, *_), (after, *_), _ = flown
    state = State(*after.transpose(1, 0, 2))
    for name in ("governed_s", "heater_j", "sheds", "shed_s", "low_charge_h", "faded_j"):
        assert getattr(state, name).max() > 0.0, name
    assert not np.array_equal(before, after)

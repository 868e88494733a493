"""What many tests share: simulators that are built once."""

import pytest
from hypothesis import settings

from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

# the first call of a compiled function takes its time; the same examples in every run
settings.register_profile("odc-gym", deadline=None, derandomize=True)
settings.load_profile("odc-gym")


@pytest.fixture(scope="session")
def starter12():
    """The default scenario."""
    return Scenario.load("starter12")


@pytest.fixture(scope="session")
def day(starter12):
    """Nine days of `starter12`: three episodes under three policies. Reset before use."""
    return Simulator(starter12, 9)

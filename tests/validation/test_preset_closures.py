"""The presets against a table of satellites worked on paper before the code: light, energy and heat, within rounding.

The table's powers are nameplate, its junctions at 87 C (85 for the edge satellite), without leakage and the back of the
array.
"""

from typing import NamedTuple

import numpy as np
import pytest

from odc_gym.orbits import FluxTable, eclipse_fraction, orbit_period_s
from odc_gym.scenario import Scenario
from odc_gym.scenario_check.design_report import array_ratio
from odc_gym.tables.fleet.design import design_numbers
from odc_gym.tables.fleet.sustainable import Effects, largest_constant_w, radiator_heat_w, thermal_limit_w


class Paper(NamedTuple):
    """Values of one satellite at the worst beta angle of its orbit."""

    scenario: str
    hardware: str
    altitude_km: float
    beta_deg: float
    eclipse_min: float
    energy_ratio: float  # array over what full power needs
    constant: float  # largest constant compute power over peak
    depth: float  # of discharge, by that
    sink_w_m2: tuple[float, float]  # absorbed by a face, mean and peak of the orbit
    junction_c: float
    thermal: float  # largest power by heat over peak


TABLE = [
    Paper("suncatcher81", "suncatcher", 650, 58.6, 19.7, 0.79, 0.76, 0.65, (53, 60), 87, 0.90),
    Paper("ai1-shells", "dawn-dusk-600", 600, 58.8, 20.7, 0.68, 0.67, 0.99, (56, 64), 87, 0.75),
    Paper("ai1-shells", "inclined-650", 650, 0.0, 35.4, 0.55, 0.53, 0.91, (58, 71), 87, 0.75),
    Paper("ai1-shells", "dawn-dusk-1400", 1400, 55.1, 0.0, 0.88, 0.87, 0.00, (35, 41), 87, 0.77),
    Paper("threebody12", "edge", 550, 14.9, 35.2, 0.74, 0.58, 0.42, (82, 235), 85, 0.98),  # peak with reflected light
]
pytestmark = pytest.mark.parametrize("paper", TABLE, ids=[p.hardware for p in TABLE])


def hardware_of(paper):
    return Scenario.load(paper.scenario).hardware[paper.hardware]


def eclipse_of(paper):
    return float(eclipse_fraction(paper.altitude_km * 1e3, np.radians(paper.beta_deg)))


def test_eclipse(paper):
    assert eclipse_of(paper) * orbit_period_s(paper.altitude_km * 1e3) / 60.0 == pytest.approx(
        paper.eclipse_min, abs=0.1
    )


def test_energy(paper):
    """Catches an array, bus or battery of another size than the table's, and losses left out."""
    hardware = hardware_of(paper)
    d, dark, peak = design_numbers(hardware), eclipse_of(paper), hardware.accelerators.peak_w
    period = orbit_period_s(paper.altitude_km * 1e3)
    assert array_ratio(d, peak, dark, d["array_peak_w"]) == pytest.approx(paper.energy_ratio, abs=0.006)
    constant = largest_constant_w(d, period, dark, d["array_peak_w"])
    assert constant / peak == pytest.approx(paper.constant, abs=0.006)
    drawn_j = (constant + d["bus_w"]) / d["eta_pcdu"] * dark * period
    assert drawn_j / d["eta_discharge"] / d["capacity_j"] == pytest.approx(paper.depth, abs=0.012)


def test_heat(paper):
    """Catches a radiator of another size or attitude: the sink is worked from the orbit, the limit from the sink."""
    hardware = hardware_of(paper)
    d, radiator = design_numbers(hardware), hardware.radiator
    table = FluxTable.build(paper.altitude_km * 1e3, attitude=radiator.mode)
    infrared, albedo = table.lookup(np.radians(paper.beta_deg), np.radians(np.arange(360.0)))
    sink = radiator.eps * infrared + radiator.alpha * albedo
    assert (sink.mean(), sink.max()) == pytest.approx(paper.sink_w_m2, abs=2.1)
    heat = radiator_heat_w(d, np.array(paper.sink_w_m2[0]))
    limit = thermal_limit_w(d, paper.junction_c + 273.15, heat, Effects(leakage=False))
    assert float(limit) / hardware.accelerators.peak_w == pytest.approx(paper.thermal, abs=0.02)

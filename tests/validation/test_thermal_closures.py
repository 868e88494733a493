"""Satellites that can be computed by hand: eclipse, energy, heat. Each result agrees within 0.5 %."""

import numpy as np
import pytest
from comparison import compares
from core_rig import Rig, starter
from scipy import constants

from odc_gym.orbits import eclipse_fraction, orbit_period_s
from odc_gym.scenario_check.design_report import radiator_flux_w_m2
from odc_gym.tables.fleet.design import design_numbers
from odc_gym.tables.fleet.sustainable import Effects, largest_constant_w, radiator_heat_w, thermal_limit_w

FACTS_STARTER = starter(solar__area_m2=45.0, radiator__area_m2=7.0, battery__capacity_wh=12000.0)
# 150 kW of compute on 110 m2 of panel, 20 K from junction to radiator, 6 kW of bus
AI1 = starter(
    solar__area_m2=640.0, solar__w_per_m2=250.0, power__bus_w=6000.0, radiator__area_m2=110.0, radiator__eps=0.90,
    thermal__dt_full_k=(9.0, 7.0, 4.0), accelerators__peak_w=150000.0, accelerators__host_w=6000.0,
    accelerators__idle_each_w=2250.0, accelerators__gated_each_w=100.0,
)  # fmt: skip


def test_eclipse_fraction_at_beta_0():
    """Half the angle of Earth seen from 550 km: asin(R / a) / pi = 0.3723."""
    assert float(eclipse_fraction(550e3, 0.0)) == pytest.approx(0.3723, rel=5e-3)
    assert float(eclipse_fraction(550e3, 0.0)) == pytest.approx(np.arcsin(6378.137 / 6928.137) / np.pi, rel=1e-9)


def test_largest_constant_power_of_the_fixture_starter():
    """4.880 kW at beta 0 over an orbit: catches one battery efficiency left out (4.97), or the bus not conditioned."""
    d = design_numbers(FACTS_STARTER)
    f = float(eclipse_fraction(550e3, 0.0))
    found = largest_constant_w(d, orbit_period_s(550e3), f, d["array_peak_w"])
    assert found == pytest.approx(4880.0, rel=5e-3)
    # and by stepping an orbit through the battery by hand
    dt = orbit_period_s(550e3) / 20000
    sun = np.arange(20000) >= f * 20000
    load = (found + d["bus_w"]) / d["eta_pcdu"]
    flow = np.where(sun, d["eta_charge"] * (d["array_peak_w"] - load), -load / d["eta_discharge"])
    assert abs((flow * dt).sum()) < 1e-3 * np.abs(flow * dt).sum()


@compares(
    "Heat", "Flux of a panel with two faces, 250 to 390 K, sink 60 W/m2", "W/m2",
    "Stefan-Boltzmann law, constant of SciPy",
    1e-6, relative=True, package="scipy", note="The flux is 1020.6 W/m2 at 60 C.",
)  # fmt: skip
def test_two_sided_flux():
    """Catches a face, the fins or the sink left out, and another constant."""
    assert radiator_flux_w_m2(FACTS_STARTER, 333.15, 60.0) == pytest.approx(1020.6, rel=5e-3)
    kelvin = np.linspace(250.0, 390.0, 29)
    panel = 2 * 0.92 * (0.88 * constants.Stefan_Boltzmann * kelvin**4 - 60.0)
    return [radiator_flux_w_m2(FACTS_STARTER, t, 60.0) for t in kelvin], panel


def test_thermal_limit_of_a_hundred_kilowatt_satellite():
    """AI1 at 87 C: 120.73 kW, sink 56 W/m2 a face, no leakage; catches bus or conversion loss left out."""
    d = design_numbers(AI1)
    found = thermal_limit_w(d, 87.0 + 273.15, radiator_heat_w(d, np.array(56.0)), Effects(leakage=False))
    assert float(found) == pytest.approx(120_730.0, rel=5e-3)
    # leakage at 87 C is 8.7 % of the power and must cost some of it
    assert 0.85 < float(thermal_limit_w(d, 360.15, radiator_heat_w(d, np.array(56.0)))) / float(found) < 0.97


def test_thermal_limit_is_where_the_recipe_settles():
    """The solver's equilibrium flown by the recipe: catches two thermal models that drift apart."""
    hardware = starter(battery__node__heater_w_kwh=0.0, solar__area_m2=60.0, thermal__plan_c=80.0)
    d = design_numbers(hardware)
    power = float(thermal_limit_w(d, 353.15, radiator_heat_w(d, np.array(70.0))))
    rig = Rig([hardware])
    rig.step(power_w=power, absorbed_w_m2=70.0, steps=1500)
    assert rig["power_w"][0] == pytest.approx(power, rel=1e-5)
    assert rig["junction_k"][0] == pytest.approx(353.15, abs=0.02)

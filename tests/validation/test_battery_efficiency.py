"""Losses of the battery beside cells that PyBaMM cycled, `reference/battery_efficiency.csv`."""

from pathlib import Path

import numpy as np
import pytest
from comparison import compares, pictures
from core_rig import Rig, starter

from odc_gym.constants import ZERO_CELSIUS_K
from odc_gym.physics.battery import cell_loss

TABLE = np.genfromtxt(
    Path(__file__).parent / "reference" / "battery_efficiency.csv",
    delimiter=",", names=True, dtype=None, encoding="utf8", skip_header=2,
)  # fmt: skip
NOMINAL_WH = 5.0 * 3.63
PYBAMM = "PyBaMM 26.10.1.1 (SPMe, Chen2020)"
FITTED = (
    (TABLE["thermal"] == "isothermal") & (TABLE["start_frac"] == 0.9) & (TABLE["ambient_c"] % 20 == 0)
    & (TABLE["charge_min"] > 50) & (TABLE["discharge_min"] > 30)
)  # fmt: skip
"""The cycles that the law was fitted to; the others test it."""
ORBITS = (TABLE["discharge_min"] > 30) & (TABLE["ambient_c"] >= 0) & (TABLE["ambient_c"] <= 40)
LUMPED = TABLE["thermal"] == "lumped"


def loss(temperature_c, power_w):
    """Return the share of a cell's terminal power that is lost one way."""
    a, b = np.array([cell_loss(t + ZERO_CELSIUS_K) for t in np.atleast_1d(temperature_c)]).T
    return a + b * power_w / NOMINAL_WH


def round_trip(rows, temperature="mean_c"):
    """Return energy out over energy in at the terminals, as the recipe accounts for charging and discharging."""
    out, into = loss(rows[temperature], rows["discharge_w"]), loss(rows[temperature], rows["charge_w"])
    return (1.0 - into) / (1.0 + out)


@compares(
    "Battery", "Round-trip efficiency at 0 to 40 °C, 10 to 29 % depth, isothermal cells", "", PYBAMM, 0.006,
    mean_tolerance=0.003,
    note="The law was not fitted to these cycles: intermediate temperatures, fast charge, a lower start.",
)  # fmt: skip
def test_round_trip_of_cycles_that_were_not_fitted():
    """Catches an efficiency that is off by 1 %, temperature in Celsius, and a rate in the wrong unit."""
    rows = TABLE[ORBITS & ~FITTED & ~LUMPED]
    return round_trip(rows), rows["round_trip"]


@compares(
    "Battery", "Round-trip efficiency at 0 to 40 °C ambient, 10 to 29 % depth, self-heating cells", "", PYBAMM, 0.006,
    mean_tolerance=0.003, note="We apply the law at the ambient temperature. The cells are up to 3.5 K warmer.",
)  # fmt: skip
def test_round_trip_by_ambient_temperature():
    rows = TABLE[ORBITS & LUMPED]
    return round_trip(rows, "ambient_c"), rows["round_trip"]


@compares(
    "Battery", "One-way losses at 0 to 40 °C, as a share of terminal power", "", PYBAMM, 0.005,
    note="Losses are relative to the energy at equilibrium. This catches opposite errors of charge and "
    "discharge.",
)  # fmt: skip
def test_one_way_losses():
    rows = TABLE[ORBITS]
    ours = [loss(rows["mean_c"], rows["discharge_w"]), loss(rows["mean_c"], rows["charge_w"])]
    return ours, [rows["loss_discharge"], rows["loss_charge"]]


@compares(
    "Battery", "Round-trip efficiency at -20 to 60 °C and rates of up to 1/h", "", PYBAMM, 0.02, mean_tolerance=0.006,
    note="These are the corners of the range. Losses grow less than in proportion to the rate, so the law "
    "overestimates those of fast cycles.",
)  # fmt: skip
def test_round_trip_in_the_corners():
    rows = TABLE[~ORBITS]
    return round_trip(rows), rows["round_trip"]


@compares(
    "Battery", "Round-trip efficiency of packs in the physics step at 10 to 40 °C, 10 to 29 % depth", "", PYBAMM, 0.006,
    mean_tolerance=0.003, note="The quoted efficiencies leave only the losses of the cells. Temperatures are held.",
)  # fmt: skip
def test_round_trip_of_packs_in_the_recipe():
    """Catches a rate over the wrong capacity, a loss on the wrong side, and the design's temperature for the cells'."""
    rows = TABLE[
        ORBITS
        & ~LUMPED
        & (TABLE["start_frac"] == 0.9)
        & np.isin(TABLE["ambient_c"], (10, 25, 40))
        & (np.abs(TABLE["charge_min"] - 60) < 5)
    ]
    share = 1.0 - loss(25.0, NOMINAL_WH / 3.0)[0]  # where efficiencies are quoted
    watts = {name: 10_000.0 / NOMINAL_WH * rows[name] for name in ("discharge_w", "charge_w")}
    rig = Rig([
        starter(
            battery__eff_charge=share, battery__eff_discharge=share, battery__taper_from=0.999, thermal__leak=0.0,
            battery__node__capacity_kj_k_kwh=1e6, battery__node__heater_w_kwh=0.0, thermal__cold__heater_w=0.0,
            solar__area_m2=100.0, power__bus_w=0.95 * out_w - 1200.0,
        )
        for out_w in watts["discharge_w"]
    ])  # fmt: skip
    rig["battery_k"], rig["charge_frac"] = rows["ambient_c"] + ZERO_CELSIUS_K, 0.9
    rig.step(sunlit=0.0, busy=0.0, steps=35)
    out_j, low = rig["discharged_j"].copy(), rig["charge_frac"].copy()
    sunlit = (watts["discharge_w"] + watts["charge_w"]) / (100.0 * 245.0 * 0.9)
    rig.step(sunlit=sunlit, busy=0.0, steps=50)
    into_j = watts["charge_w"] * 3000.0
    assert out_j == pytest.approx(watts["discharge_w"] * 2100.0, rel=1e-6)
    return out_j / (0.9 - low) / (into_j / (rig["charge_frac"] - low)), rows["round_trip"]


def test_cycles_of_the_table_close():
    """The losses each way make the round trip: catches a cycle that PyBaMM ended before the charge was back."""
    both = (1.0 - TABLE["loss_charge"]) / (1.0 + TABLE["loss_discharge"])
    assert np.abs(both - TABLE["round_trip"]).max() < 1e-4
    assert len(TABLE) == 143 and FITTED.sum() == 30


@pictures(
    "Battery",
    "battery-efficiency",
    "One-way efficiency of cells by rate and temperature. Lines: this environment; dots: PyBaMM "
    "discharging; crosses: PyBaMM charging.",
)
def efficiency():
    """Draw the law beside the isothermal cycles."""
    from figure_style import ORACLE, OURS, legend
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.0, 3.8), layout="constrained")
    rates = np.linspace(0.0, 1.0, 50)
    for k, celsius in enumerate((-10, 0, 10, 25, 40)):
        rows = TABLE[~LUMPED & (TABLE["ambient_c"] == celsius)]
        axes.plot(rates, 1.0 - loss(celsius, rates * NOMINAL_WH), color=f"C{k}", label=f"{celsius} °C")
        axes.plot(rows["discharge_w"] / NOMINAL_WH, 1.0 - rows["loss_discharge"], ".", color=f"C{k}")
        axes.plot(rows["charge_w"] / NOMINAL_WH, 1.0 - rows["loss_charge"], "x", color=f"C{k}", markersize=4)
    axes.set(xlabel="rate over capacity [1/h]", ylabel="one-way efficiency", title="Efficiency by rate and temperature")
    charging = {"linestyle": "none", "marker": "x", "markersize": 4}
    legend(
        axes, {"odc-gym": OURS, "PyBaMM, discharging": ORACLE, "PyBaMM, charging": charging}, ncols=2, loc="lower left"
    )
    return figure

"""Charge and temperature of batteries over a day, beside a battery on paper that SciPy's Radau integrates."""

import functools
import itertools
from datetime import UTC, datetime

import numpy as np
from comparison import compares, pictures
from core_rig import DT_S, Rig, starter
from scipy import constants
from scipy.integrate import solve_ivp

from odc_gym.orbits import Constellation, build_ephemeris

ORBIT, DARK = 96, 36  # steps of a minute
SINK_W_M2 = 60.0
SOLVER = "independent battery model, Radau at 1e-8, SciPy"
KILO, HOUR_S = 1e3, 3600.0
EQUATOR_M, POLE_M = 6378137.0, 6356752.3142


class PaperBattery:
    """A satellite at a constant load: charge and temperature of its battery in continuous time, from its data sheet.

    Losses one way are a constant share. The thermostat is a steep proportional one.
    """

    def __init__(self, hardware):
        battery, power, chips = hardware.battery, hardware.power, hardware.accelerators
        kwh = battery.capacity_wh / KILO
        self.battery, self.node, self.pcdu = battery, battery.node, power.pcdu
        self.load_w = power.bus_w + chips.host_w + chips.count * chips.idle_each_w
        self.array_w = hardware.solar.area_m2 * hardware.solar.w_per_m2 * hardware.solar.eol
        self.capacity_j = battery.capacity_wh * HOUR_S
        self.heat_j_k = self.node.capacity_kj_k_kwh * KILO * kwh
        self.area_m2 = self.node.radiator_m2_kwh * kwh
        self.radiated_w_k4 = self.area_m2 * hardware.radiator.eps * constants.Stefan_Boltzmann

    def heater_w(self, kelvin):
        wanted = 1e4 * (self.node.heater_c + constants.zero_Celsius - kelvin)
        return min(max(wanted, 0.0), self.node.heater_w_kwh * self.battery.capacity_wh / KILO)

    def rates(self, state, sunlit):
        """Return the change of charge and temperature per second."""
        charge, kelvin = map(float, state)
        heater = self.heater_w(kelvin)
        surplus = self.array_w * sunlit - (self.load_w + heater) / self.pcdu
        taper = min(max((1.0 - charge) / (1.0 - self.battery.taper_from), 0.0), 1.0)
        thawed = min(max((kelvin - constants.zero_Celsius) / 5.0, 0.0), 1.0)
        into = min(max(surplus, 0.0), self.battery.c_charge * self.battery.capacity_wh * taper * thawed)
        out = max(-surplus, 0.0)
        lost = into * (1.0 - self.battery.eff_charge) + out * (1.0 / self.battery.eff_discharge - 1.0)
        heat = lost + heater + SINK_W_M2 * self.area_m2 - self.radiated_w_k4 * kelvin**4
        return [(into - out - lost) / self.capacity_j, heat / self.heat_j_k]

    def fly(self, state, lit):
        """Return charge and temperature after each minute of a schedule of light, (T, 2)."""
        found, state = [], np.array(state, float)
        edges = [0, *(np.flatnonzero(np.diff(lit)) + 1).tolist(), len(lit)]
        for begin, end in itertools.pairwise(edges):
            minutes = DT_S * np.arange(1, end - begin + 1)
            solved = solve_ivp(
                lambda _, y, sun=lit[begin]: self.rates(y, sun), (0.0, minutes[-1]), state, "Radau", minutes,
                rtol=1e-8, atol=1e-8, max_step=120.0,
            )  # fmt: skip
            found.append(solved.y.T)
            state = solved.y[:, -1]
        return np.concatenate(found)


LIT = np.where(np.arange(15 * ORBIT) % ORBIT < DARK, 0.0, 1.0)


@functools.cache
def flown():
    """Return charge and temperature of four satellites over a day by the recipe and on paper, (T, S, 2) each.

    At 20 and 40 % depth, at rest beside its heater, and frozen through at the start with a heater that takes hours.
    """
    idle = {"thermal__leak": 0.0, "thermal__cold__heater_w": 0.0, "battery__losses": "constant"}
    fleet = [
        starter(**idle, power__bus_w=2000.0),
        starter(**idle, power__bus_w=2800.0, battery__capacity_wh=8000, battery__eff_charge=0.94),
        starter(**idle, power__bus_w=300.0),
        starter(**idle, power__bus_w=500.0, battery__node__heater_w_kwh=25.0),
    ]
    kelvin = np.array([293.15, 303.15, 288.15, 261.15])
    charge = np.array([0.9, 0.8, 0.95, 0.7])
    rig = Rig(fleet)
    rig["battery_k"], rig["charge_frac"], rig["battery_loss_w"] = kelvin, charge, 0.0
    ours = []
    for lit in LIT:
        rig.step(sunlit=lit, absorbed_w_m2=SINK_W_M2, busy=0.0)
        ours.append(np.stack([rig["charge_frac"], rig["battery_k"]], -1))
    theirs = [PaperBattery(h).fly(start, LIT) for h, *start in zip(fleet, charge, kelvin, strict=True)]
    return np.array(ours), np.stack(theirs, 1)


@compares(
    "Battery", "Charge of four satellites, every minute of 15 orbits", "", SOLVER, 0.005, mean_tolerance=0.001,
    package="scipy", note="The depths are 10 to 40 %, and the efficiencies constant. One battery starts frozen.",
)  # fmt: skip
def test_charge_over_a_day():
    """Catches an efficiency on the wrong side, a taper that ends elsewhere, and a charge below freezing point."""
    ours, theirs = flown()
    assert theirs[..., 0].min() < 0.55 and theirs[..., 0].max() > 0.99
    return ours[..., 0], theirs[..., 0]


@compares(
    "Battery", "Temperature of the same batteries", "K", SOLVER, 0.1, mean_tolerance=0.03, package="scipy",
    note="A heater keeps one battery warm. One thaws from -12 °C.",
)  # fmt: skip
def test_temperature_over_a_day():
    """Catches a node's capacity or radiator by 5 %, heat that arrives twice, and a heater that overshoots."""
    ours, theirs = flown()
    assert theirs[..., 1].min() < 262.0 and theirs[..., 1].max() > 300.0
    return ours[..., 1], theirs[..., 1]


def in_sight(position, sun):
    """Return whether the Sun's centre is in sight past the ellipsoid: nearest point of the ray, on a sphere."""
    stretch = np.array([1.0, 1.0, EQUATOR_M / POLE_M])
    position, ray = position * stretch, (sun - position) * stretch
    along = -(position * ray).sum(-1, keepdims=True) / (ray * ray).sum(-1, keepdims=True)
    nearest = position + np.maximum(along, 0.0) * ray
    return np.linalg.norm(nearest, axis=-1) > EQUATOR_M


@compares(
    "Battery",
    "Charge over one day at 550 and 650 km, June and December, without losses",
    "",
    "sum over rays every 5 s",
    0.005,
    mean_tolerance=0.002,
    note="The oracle counts sunlight if the ray to the Sun's centre clears the ellipsoid.",
)
def test_charge_over_a_day_of_orbits():
    """Whole minutes of light would err by up to 60 s x 5 kW, 0.8 % of the battery, at every crossing."""
    hardware = starter(
        thermal__leak=0.0, thermal__cold__heater_w=0.0, battery__node__radiator_m2_kwh=1e-6, battery__losses="constant",
        battery__eff_charge=1.0, battery__eff_discharge=1.0, battery__c_charge=5.0, battery__taper_from=0.999,
        power__bus_w=2800.0,
    )  # fmt: skip
    ours, theirs = [], []
    for constellation, day in (
        (
            Constellation.walker(altitude_km=550, inclination_deg=53, total=3, planes=3),
            datetime(2027, 6, 21, tzinfo=UTC),
        ),
        (
            Constellation.sun_synchronous(altitude_km=650, local_time_h=18.0, total=1),
            datetime(2030, 12, 21, tzinfo=UTC),
        ),
    ):
        light = build_ephemeris(constellation, start=day, steps=1440)
        fine = build_ephemeris(constellation, start=day, step_s=5.0, steps=17280)
        lit = in_sight(np.stack(fine._xyz, -1), fine._sky.sun_m[1:-2, None])
        rig = Rig([hardware] * lit.shape[1])
        rig["charge_frac"] = charge = np.full(lit.shape[1], 0.8)
        for sunlit in light.sunlit_frac:
            rig.step(sunlit=sunlit, busy=0.0)
            ours.append(rig["charge_frac"].copy())
        paper = PaperBattery(hardware)
        for k, sun in enumerate(lit):
            charge = np.minimum(
                charge + 5.0 * (paper.array_w * sun - paper.load_w / paper.pcdu) / paper.capacity_j, 1.0
            )
            if k % 12 == 11:
                theirs.append(charge)
    return np.concatenate(ours), np.concatenate(theirs)


def test_charging_begins_at_freezing_point():
    """No step that begins at or below 0 °C adds charge, and the first one in light above it does."""
    charge, kelvin = flown()[0][:, 3].T
    gained, before, lit = np.diff(charge), kelvin[:-1], LIT[1:] == 1.0
    assert (gained[before <= 273.15] <= 0.0).all() and (lit & (before <= 273.15)).sum() > 30
    assert (gained[lit & (before > 273.2) & (charge[:-1] < 0.99)] > 0.0).all()


@pictures(
    "Battery",
    "battery-day",
    "Charge and temperature of four batteries over five orbits. Lines: this environment; dots: Radau. A "
    "heater keeps the third at 10 °C. The fourth starts at -12 °C and takes no charge below 0 °C.",
)
def day():
    """Draw the beginning of the day."""
    from figure_style import ORACLE, OURS, legend
    from matplotlib import pyplot

    names = ("20 % deep", "40 % deep", "at rest, heated", "frozen at the start")
    ours, theirs = (values[: 5 * ORBIT] for values in flown())
    figure, axes = pyplot.subplots(1, 2, figsize=(9.0, 4.1), layout="constrained")
    panels = (
        ("charge [share of capacity]", 0.0, "Charge over five orbits"),
        ("temperature [°C]", 273.15, "Temperature over five orbits"),
    )
    for quantity, (panel, (name, zero, title)) in enumerate(zip(axes, panels, strict=True)):
        for s in range(ours.shape[1]):
            panel.plot(np.arange(len(ours)) / 60.0, ours[:, s, quantity] - zero, color=f"C{s}", label=names[s])
            panel.plot(np.arange(0, len(ours), 12) / 60.0, theirs[::12, s, quantity] - zero, ".", color=f"C{s}")
        panel.set(xlabel="time [h]", ylabel=name, title=title)
    legend(axes[0], {"odc-gym": OURS, "Radau": ORACLE}, shared=True, ncols=6)
    return figure

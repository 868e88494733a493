"""Sustainable plan in the full physics with every accelerator busy: it must hold its promised throughput."""

import numpy as np
import pytest
from fields import CLASSES, SAT

from odc_gym.core.settling import settle
from odc_gym.orbits import build_ephemeris
from odc_gym.physics.battery import loss_shares
from odc_gym.simulator.episode_start import busy_mix
from odc_gym.simulator.simulator import Simulator
from odc_gym.tables.fleet.design import design_numbers
from odc_gym.tables.fleet.sustainable import Effects, ThroughputCurve, radiator_heat_w, solve, steady_leakage

ORBITS = 15


class Flown:
    """A day of 24 planes at 53 degrees inclination, which cover all beta angles, with every slot full of the mix."""

    def __init__(self, scenario, date):
        orbit = {"total": 24, "planes": 24, "phasing": 1}
        changes = {f"shells.0.orbit.{name}": value for name, value in orbit.items()} | {"start": {"epoch": date}}
        sim = Simulator(scenario.replace(changes), 1)
        sim.reset([0])
        fleet, skies, n = sim.fleet, sim.tables.skies[0], sim.satellites
        busy, mutable = busy_mix(fleet), sim.mutable
        state, classes, depth_damage = mutable.state[0], mutable.classes[0], sim.parameters.depth_damage
        self.steps = round(fleet.period_s[0] / 60.0)
        charge, junction, rate = [], [], []
        kappa = fleet.mix.kappa[:, None]
        fly = lambda sky, orbits, steps: settle(  # noqa: E731
            state, classes, mutable.points[0], mutable.swings[0], sim.parameters.design[0], sky, fleet.rules,
            depth_damage, 60.0, n, orbits, steps, busy, sim._workspaces()[0],
        )  # fmt: skip
        fly(skies, 10, self.steps)
        for account in (sim.sat.shed_s, sim.sat.trips, sim.sat.governed_s, sim.sat.unserved_j):
            account[0] = 0.0
        for tick in range(ORBITS * self.steps):
            fly(skies[tick : tick + 1], 1, 1)
            charge.append(state[SAT.charge_frac, :n].copy())
            junction.append(state[SAT.junction_k, :n] - 273.15)
            clock = classes[CLASSES.clock, :, :n]
            rate.append((busy[:, :n] * clock / (kappa + (1.0 - kappa) * clock)).sum(0) * state[SAT.duty, :n])
        e = build_ephemeris(fleet.constellation, start=fleet.start_of(0), step_s=60.0, steps=len(charge))
        flux = np.broadcast_to(e.solar_flux_w_m2[:, None] / 1361.0, e.beta_rad.shape)
        self.promised = fleet.shells[0].at(fleet.shells[0].plan.throughput, flux, e.beta_rad).mean(0)
        self.throughput = np.mean(rate, 0)
        self.beta_deg = np.degrees(np.abs(e.beta_rad))
        self.charge = np.array(charge).reshape(ORBITS, self.steps, n)
        self.junction_c = np.array(junction)
        self.state = {name: rows[0, :n] for name, rows in sim.sat._asdict().items()}
        self.soft_depth = fleet.hardware[0].battery.soft_dod


@pytest.fixture(scope="module", params=["2027-06-21", "2027-12-21"])
def flown(request, starter12):
    return Flown(starter12, f"{request.param}T00:00:00")


def test_all_beta_angles_are_flown(flown):
    for beta in (0.0, 30.0, 60.0, 75.0):
        assert np.abs(flown.beta_deg - beta).min() < 3.0


def test_no_shedding_no_trips_no_governor(flown):
    """Catches a plan above what the battery or the radiator can do."""
    for name in ("shed_s", "trips", "governed_s", "unserved_j"):
        assert (flown.state[name] == 0.0).all(), name


def test_junction_stays_at_its_limit(flown):
    """Catches a plan that forgets a source of heat in sunlight: battery losses, reflected light, the array's back."""
    assert flown.junction_c.max() <= 85.0
    assert flown.junction_c.max() > 82.0  # heat binds at high beta: the plan is not timid


def test_depth_of_discharge_stays_soft(flown):
    depth = flown.charge.max(1) - flown.charge.min(1)
    assert depth.max() <= flown.soft_depth + 0.02
    assert depth.max() > 0.25  # the battery is used


def test_charge_is_periodic(flown):
    """Orbits end as they begin, but for the drift of beta: catches an energy balance that misses a loss."""
    peaks = flown.charge.max(1)  # (ORBITS, S)
    assert np.abs(np.diff(peaks, axis=0)).mean(0).max() < 0.006
    assert (peaks[-1] - peaks[0]).min() > -0.02
    assert peaks.min() > 0.85  # it settles near where charging begins to taper, not at the floor


def test_throughput_is_what_the_plan_promises(flown):
    """Busy reference accelerators, computed from the simulated clocks: the score of 100 depends on them."""
    assert flown.throughput == pytest.approx(flown.promised, rel=0.01)
    assert 5.0 < flown.throughput.min() < flown.throughput.max() < 7.5  # of 8: energy binds at low beta, heat at high


@pytest.fixture(scope="module")
def design(starter12):
    return design_numbers(starter12.hardware["odcsat"])


@pytest.fixture(scope="module")
def mix(day):
    return day.fleet.mix


def test_curve_of_throughput_rises_and_ends_at_all_accelerators(design, mix):
    """Throughput at full clock is the number of accelerators."""
    curve = ThroughputCurve.of(design, mix)
    assert (np.diff(curve.power_w) > 0.0).all()
    assert (np.diff(curve.throughput) > 0.0).all()
    assert curve.throughput[-1] == pytest.approx(8.0)
    assert curve.throughput[0] == 0.0
    utilisation = float((mix.share * mix.utilisation).sum())
    dynamic = (7000.0 - 600.0) / 8 - 75.0
    assert curve.power_w[-1] == pytest.approx(600.0 + 8 * (75.0 + utilisation * dynamic))
    assert curve.power_w[0] == pytest.approx(600.0 + 8 * 10.0)
    assert (np.diff(curve.throughput[1:]) / np.diff(curve.power_w[1:]))[-1] < curve.throughput[-1] / curve.power_w[-1]


def plans(design, mix, effects=None, **changes):
    """Return plans at beta 0 for arrays of 0.2 to 1.6 times the design's."""
    array = np.linspace(0.2, 1.6, 29) * design["array_peak_w"]
    ones = np.ones_like(array)
    d = design | changes
    return array, solve(d, mix, 357.15, 0.30, 5739.0, 0.3723 * ones, array, 60.0 * ones, effects or Effects())


def test_more_sunlight_never_holds_less(design, mix):
    _, plan = plans(design, mix)
    assert (np.diff(plan.throughput) >= -1e-9).all()
    assert plan.throughput[-1] > plan.throughput[5] > 0.0


def test_each_limit_lowers_the_plan(design, mix):
    """Switching an effect off cannot hurt: catches limits that are applied the wrong way round."""
    _, full = plans(design, mix)
    for off in ("soft_depth", "c_rates"):
        _, free = plans(design, mix, Effects(**{off: False}))
        assert (free.throughput >= full.throughput - 1e-9).all()
    assert (full.depth[full.keeps_depth] <= 0.30 + 1e-9).all()


def test_energy_of_an_orbit_balances(design, mix):
    """Array energy = bus, compute and battery losses of the plan: worked here from its two powers, leakage off."""
    array, plan = plans(design, mix, Effects(leakage=False))
    f, d = 0.3723, design
    ok = plan.keeps_depth & (plan.sun_w > 1.001 * (d["host_w"] + 80.0)) & (plan.sun_w < 0.98 * plan.sun_w.max())
    assert ok.sum() >= 3
    dark, sun = ((power + d["bus_w"]) / d["eta_pcdu"] for power in (plan.dark_w, plan.sun_w))
    into = array - sun
    lost = [power * (fixed + slope * power) for power, (fixed, slope) in zip((dark, into), shares(d), strict=True)]
    assert ((into - lost[1]) * (1 - f))[ok] == pytest.approx(((dark + lost[0]) * f)[ok], rel=1e-6)


def shares(d):
    """Return losses of discharging and charging as fractions of power at 20 C, and their increase per watt."""
    return [loss_shares(d[base], d["cell_law"], 293.15, d["one_hour_w"]) for base in ("base_out", "base_in")]


def test_least_depth_where_even_gated_chips_break_it(design, mix):
    """A battery of a tenth: the plan says so instead of promising the impossible."""
    _, plan = plans(design, mix, capacity_j=0.1 * design["capacity_j"], rate_charge_w=1e6, rate_discharge_w=1e6)
    assert not plan.keeps_depth.any()
    assert plan.dark_w == pytest.approx(600.0 + 80.0)


@pytest.mark.parametrize("leak", [0.05, 0.10, 0.20])
def test_plan_draws_what_it_can_under_any_leakage(design, mix, leak):
    """Leakage that feeds itself: catches a fixed point that oscillates and promises too much."""
    array, plan = plans(design, mix, leak=leak)
    f, d = 0.3723, design | {"leak": leak}
    sink = radiator_heat_w(d, np.full(array.shape, 60.0))
    out_w = (plan.dark_w * (1.0 + steady_leakage(d, plan.dark_w, sink)) + d["bus_w"]) / d["eta_pcdu"]
    (out_fixed, out_slope), (in_fixed, in_slope) = shares(d)
    cells_w = out_w * (1.0 + out_fixed + out_slope * out_w) * f / (1.0 - f)
    a = 1.0 - in_fixed
    charge_w = (a - np.sqrt(a * a - 4.0 * in_slope * cells_w)) / (2.0 * in_slope)
    drawn_w = (plan.sun_w * (1.0 + steady_leakage(d, plan.sun_w, sink)) + d["bus_w"]) / d["eta_pcdu"]
    ok = plan.keeps_depth & (plan.sun_w > 1.001 * (d["host_w"] + 80.0))
    assert ok.sum() > 10 and (drawn_w + charge_w <= 1.004 * array)[ok].all()


def test_plans_of_many_designs_at_once_are_those_of_each(design, mix):
    """Satellites of different design in one call against one call each."""
    names = {
        "capacity_j": (2e7, 4e7, 5e7),
        "leak": (0.05, 0.2, 0.1),
        "x_v": (0.5, 0.55, 0.6),
        "plan_k": (350, 355, 357),
    }
    each = [design | dict(zip(names, values, strict=True)) for values in zip(*names.values(), strict=True)]
    many = {name: np.array([[d[name]] for d in each]) for name in design}
    f, array, sink = np.array([0.37, 0.2, 0.0]), np.array([7000.0, 8000.0, 6000.0]), np.array([60.0, 70.0, 55.0])
    together = solve(many, mix, many["plan_k"], np.full((3, 1), 0.3), 5739.0, f, array, sink)
    for k, d in enumerate(each):
        alone = solve(d, mix, d["plan_k"], 0.3, 5739.0, f[k : k + 1], array[k : k + 1], sink[k : k + 1])
        for name in ("sun_w", "dark_w", "throughput", "depth"):
            assert getattr(together, name)[k] == pytest.approx(getattr(alone, name)[0], rel=1e-12)

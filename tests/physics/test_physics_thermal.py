import numpy as np
import pytest
from core_rig import FULL_W, Rig, starter
from scipy.optimize import brentq

from odc_gym.physics.thermal import REFERENCE_K, leakage_frac, propagator
from odc_gym.tables.fleet.design import design_numbers

SIGMA = 5.670374419e-8
SINK_W_M2 = 60.0


def steady(d, power_w, sink_w_m2, leak=0.0):
    """Temperatures at which nothing changes [K], leakage given as a share of power: each node in balance on its own."""
    plate_w = power_w * (1.0 + leak)
    conversion = 1.0 / d["eta_pcdu"] - 1.0
    heat = plate_w + (plate_w + d["bus_w"]) * conversion + d["bus_w"]
    radiator = (heat / d["radiation"] + sink_w_m2 * d["absorb_m2"] / d["radiation"]) ** 0.25
    loop = radiator + plate_w / d["g23_on"]
    plate = loop + plate_w / d["g12_on"]
    return np.array([plate, loop, radiator, plate + d["r_junction"] * power_w])


def flown(rig):
    return np.array([rig[name][0] for name in ("plate_k", "loop_k", "radiator_k", "junction_k")])


def hold(rig, steps=1500, **how):
    rig["charge_frac"] = 1.0
    rig.step(steps=steps, **how)


@pytest.mark.parametrize("leak", [0.0, 0.2])
def test_leakage_doubles_and_counts_from_60_c(leak):
    """Catches leakage that is added twice: power quoted at 60 C holds the leakage of 60 C."""
    assert leakage_frac(REFERENCE_K, leak, 1.0 / 30.0) == 0.0
    assert leakage_frac(REFERENCE_K + 30.0, leak, 1.0 / 30.0) == pytest.approx(leak, rel=1e-8)
    assert leakage_frac(REFERENCE_K + 60.0, leak, 1.0 / 30.0) == pytest.approx(3 * leak, rel=1e-8)
    assert leakage_frac(REFERENCE_K - 30.0, leak, 1.0 / 30.0) == pytest.approx(-0.5 * leak, rel=1e-8)


@pytest.mark.parametrize("share", [0.45, 0.6, 0.8])
def test_equilibrium_is_the_closed_form(share):
    """Without leakage the balance of each node is algebra: catches heat that goes missing or is put in twice."""
    hardware = starter(
        thermal__leak=0.0, thermal__cold__bypass_share=0.0, battery__node__heater_w_kwh=0.0, radiator__area_m2=9.0
    )
    rig = Rig([hardware])
    hold(rig, power_w=7000.0 * share, absorbed_w_m2=SINK_W_M2)
    power = rig["power_w"][0]
    assert power == pytest.approx(7000.0 * share, rel=1e-6)
    assert flown(rig) == pytest.approx(steady(design_numbers(hardware), power, SINK_W_M2), abs=0.01)


def test_equilibrium_with_leakage_is_a_fixed_point():
    """Leakage at the temperature it makes: catches leakage of the start of the episode, or of the plate."""
    hardware = starter(solar__area_m2=60.0, battery__node__heater_w_kwh=0.0, radiator__area_m2=9.0)
    d = design_numbers(hardware)
    rig = Rig([hardware])
    hold(rig, power_w=FULL_W, absorbed_w_m2=SINK_W_M2)

    def gap(junction_k):
        leak = 0.10 * (2.0 ** ((junction_k - 333.15) / 30.0) - 1.0)
        return steady(d, 7000.0, SINK_W_M2, leak)[3] - junction_k

    junction = brentq(gap, 300.0, 365.0, xtol=1e-10)
    leak = 0.10 * (2.0 ** ((junction - 333.15) / 30.0) - 1.0)
    assert abs(leak) > 0.02
    assert flown(rig) == pytest.approx(steady(d, 7000.0, SINK_W_M2, leak), abs=0.01)


def test_radiator_alone_at_60_c_rejects_the_closed_form_flux():
    """1020.6 W per square metre of panel at a sink of 60: catches fin effectiveness or a face left out."""
    rig = Rig(
        [starter(thermal__c_kj_k=(8.0, 32.0, 1e7), battery__node__radiator_m2_kwh=1e-9)]
    )  # it hardly cools in a step
    rig.at((333.15, 333.15, 333.15))
    rig.step(power_w=0.0, busy=0.0, absorbed_w_m2=SINK_W_M2)
    per_m2 = (rig["radiated_j"][0] - rig["absorbed_j"][0]) / 60.0 / 6.0
    assert per_m2 == pytest.approx(2 * 0.92 * (0.88 * SIGMA * 333.15**4 - SINK_W_M2), rel=1e-5)
    assert per_m2 == pytest.approx(1020.6, rel=5e-3)


@pytest.mark.parametrize("dt_s", [10.0, 60.0])
@pytest.mark.parametrize("conductance", [(700.0, 1167.0), (21.0, 35.0)])
def test_propagator_is_the_matrix_functions(dt_s, conductance):
    """phi1 and phi2 by eigenvectors: catches an entry in the wrong place, or a whole step where half is meant."""
    g12, g23 = conductance
    c = np.array([8e3, 32e3, 100e3])
    slope = 1.2e-4
    jacobian = np.array([[-g12, g12, 0], [g12, -g12 - g23, g23], [0, g23, -g23 - slope * c[2]]]) / c[:, None]
    values, vectors = np.linalg.eig(jacobian)

    def phi(h, function):
        return (vectors * (h * function(h * values))) @ np.linalg.inv(vectors)

    p = propagator(dt_s, g12, g23, *(1.0 / c), slope)
    h = 0.5 * dt_s
    e = phi(h, lambda z: np.expm1(z) / z)
    m = phi(h, lambda z: (np.expm1(z) - z) / z**2)
    assert np.array(p[:9]).reshape(3, 3) == pytest.approx(e, rel=1e-8)
    assert np.array(p[9:15]) == pytest.approx(m[:, [0, 2]].ravel(), rel=1e-6)
    assert np.array(p[15:]).reshape(2, 3) == pytest.approx(phi(dt_s, lambda z: np.expm1(z) / z)[:2], rel=1e-8)


def test_loop_starts_warm_or_at_work_and_stops_cold():
    """On above 25 C or 100 W, off below 10 C without compute: catches a loop that freezes, or never stops."""
    rig = Rig([starter(accelerators__standby_w=50.0)])

    def loop_after(celsius, before, shed):
        rig.at((273.15 + celsius,) * 3)
        rig["charge_frac"], rig["loop_on"], rig["shed"], rig["off"] = 0.25, before, shed, shed
        rig.step(power_w=0.0, busy=0.0, sunlit=0.0)
        return rig["loop_on"][0]

    assert loop_after(40.0, 0.0, 1.0) == 1.0  # warm
    assert loop_after(15.0, 0.0, 1.0) == 0.0  # between: as before
    assert loop_after(15.0, 1.0, 1.0) == 1.0
    assert loop_after(0.0, 1.0, 1.0) == 0.0  # cold and nothing to do
    assert loop_after(0.0, 0.0, 0.0) == 1.0  # cold, but the chips draw power


def test_standing_loop_keeps_the_plate_warm():
    """3 % of the conductance is left: catches a loop whose state does not reach the propagator."""
    drop = {}
    for on in (0.0, 1.0):
        rig = Rig([starter(accelerators__standby_w=50.0, thermal__cold__bypass_share=0.0)])
        rig.at((290.0, 290.0, 250.0))
        rig["loop_on"], rig["shed"], rig["off"], rig["charge_frac"] = on, 1.0, 1.0, 0.25
        rig.step(power_w=0.0, busy=0.0, sunlit=0.0)
        drop[on] = 290.0 - rig["loop_k"][0]
    assert 0.0 < drop[0.0] < 0.1 * drop[1.0]

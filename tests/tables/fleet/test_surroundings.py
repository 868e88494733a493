"""Sunlight and Earth radiation on arrays and radiators: from the scenario's fields to tables and plans."""

import numpy as np
import pytest
from core_rig import starter

from odc_gym.errors import ScenarioError
from odc_gym.orbits import build_ephemeris
from odc_gym.tables.episode.tables import build_episode
from odc_gym.tables.fleet.design import array_peak_w, design_numbers
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.tables.fleet.plans import steps_of_one_orbit
from odc_gym.tables.fleet.surroundings import Surfaces, illuminate
from odc_gym.tables.fleet.sustainable import Plan, radiator_heat_w, steady_leakage

SOLAR, RADIATOR = "hardware.odcsat.solar", "hardware.odcsat.radiator"
EPOCH = {"start": {"epoch": "2027-02-10T00:00:00"}, "episode.hours": 3}
NAMEPLATE = {f"{SOLAR}.temperature_coefficient_per_k": 0.0}
FIXED_BACK = {"hardware.odcsat.hot_back": {"view_factor": 0.1, "eps": 0.82, "sunlit_k": 340.0, "eclipse_k": 200.0}}
LAWS = [
    {f"{SOLAR}.tracking": "two_axis"},
    {f"{SOLAR}.tracking": "one_axis"},
    *(
        {f"{SOLAR}.tracking": "body_fixed", f"{SOLAR}.normal": normal}
        for normal in ("zenith", "along_track", "cross_track")
    ),
]


def flown(fleet, start, points=30):
    """Return Sun, zenith, flight and orbit normal of every satellite from positions, in the middle of short steps."""
    steps = fleet.clock.total * points
    e = build_ephemeris(fleet.constellation, start=start, step_s=60.0 / points, steps=steps + 1)
    position = e.position_gcrs_m
    middle = 0.5 * (position[1:] + position[:-1])
    zenith = middle / np.linalg.norm(middle, axis=-1, keepdims=True)
    normal = np.cross(position[:-1], position[1:])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    sun = np.broadcast_to(e.sun_direction[:-1, None], zenith.shape)
    flux = e.solar_flux_w_m2[:-1].reshape(-1, points).mean(1)[:, None] / 1361.0
    return {"sun": sun, "zenith": zenith, "along": np.cross(normal, zenith), "normal": normal}, flux


@pytest.fixture(scope="module")
def small(starter12):
    orbit = {"shells.0.orbit.total": 3, "shells.0.orbit.planes": 3, "shells.0.orbit.phasing": 1}
    return starter12.replace(orbit | EPOCH)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: "-".join(law.values()))
def test_tables_hold_the_mean_of_the_step_of_each_law(small, law):
    """Against positions 2 s apart: catches a cosine that is dropped, or taken at the beginning of the step."""
    from datetime import timedelta

    fleet = FleetModel(small.replace(law | NAMEPLATE | {f"{SOLAR}.area_m2": 100.0}))
    tables = build_episode(fleet, 0)
    at, flux = flown(fleet, tables.start - timedelta(seconds=fleet.clock.warm_up_s))
    dot = {name: (at["sun"] * at[name]).sum(-1) for name in ("zenith", "along", "normal")}
    cosine = {
        "two_axis": np.ones_like(dot["zenith"]),
        "one_axis": np.sqrt(1.0 - dot["normal"] ** 2),
        "zenith": dot["zenith"],
        "along_track": dot["along"],
        "cross_track": np.abs(dot["normal"]),
    }[fleet.hardware[0].solar.law]
    degrees = np.degrees(np.arccos(cosine.clip(-1, 1)))
    kelly = np.interp(degrees, [60, 80, 85], [1.0, 0.1 / np.cos(np.radians(80.0)), 0.0])
    mean = (np.maximum(cosine, 0.0) * kelly).reshape(-1, 30, 3).mean(1)
    expected = flux * mean * np.cos(np.radians(2.0))
    assert tables.sky[:, 1, :3] == pytest.approx(expected, abs=1e-3)  # the drift of the node tilts the motion by 8e-4
    assert tables.sky[:, 1, :3].max() > 0.3


def test_two_axes_give_what_they_gave(small):
    """The table is flux x cosine of the pointing error, to the bit of its rounding."""
    fleet = FleetModel(small.replace(NAMEPLATE))
    tables = build_episode(fleet, 0)
    e = build_ephemeris(fleet.constellation, start=tables.start, step_s=60.0, steps=10)
    ours = tables.sky[fleet.clock.warm_up : fleet.clock.warm_up + 10, 1, 0]
    expected = e.solar_flux_w_m2 / 1361.0 * float(np.cos(np.radians(2.0)))
    assert np.abs(ours - expected).max() < 2.0**-19


@pytest.mark.parametrize("law", LAWS[1:], ids=lambda law: "-".join(law.values()))
def test_the_plan_knows_the_law(starter12, law):
    """The plan of an array that points worse holds less, and its satellite holds the plan around an orbit, by hand."""
    area = {f"{SOLAR}.area_m2": 60.0}
    plain, other = (FleetModel(starter12.replace(change | NAMEPLATE | FIXED_BACK | area)) for change in ({}, law))
    d, period = design_numbers(other.hardware[0]), other.period_s[0]
    assert other.sustainable < 0.995 * plain.sustainable
    for beta_deg in (5, 40, 60, 80):
        plan = {name: float(getattr(other.shells[0].plan, name)[2, beta_deg]) for name in Plan.__dataclass_fields__}
        assert plan["throughput"] <= plain.shells[0].plan.throughput[2, beta_deg] + 1e-9
        steps = steps_of_one_orbit(550e3, np.ones(1), np.radians([float(beta_deg)]))
        lit, brought = steps.sunlit_frac[:, 0], illuminate(d, other.surfaces[0], steps)
        array_w = brought.irradiance_frac[:, 0] * lit * d["array_peak_w"]
        compute = lit * plan["sun_w"] + (1.0 - lit) * plan["dark_w"]
        heat = radiator_heat_w(d, (brought.absorbed_w_m2[:, 0] * lit).sum() / lit.sum())
        compute = compute * (1.0 + steady_leakage(d, compute, heat))
        surplus = array_w - (compute + d["bus_w"]) / d["eta_pcdu"]
        into = np.minimum(np.maximum(surplus, 0.0), d["rate_charge_w"]) * d["eta_charge"]
        out = np.maximum(-surplus, 0.0) / d["eta_discharge"]
        charge_j = np.cumsum(np.tile(into - out, 3)) * period / array_w.size
        if plan["keeps_depth"] and plan["throughput"] > 0.0:
            assert charge_j[-1] > -0.01 * d["capacity_j"]  # three orbits
            fall = (np.maximum.accumulate(charge_j) - charge_j)[: 2 * array_w.size].max() / d["capacity_j"]
            assert fall == pytest.approx(plan["depth"], abs=0.02)


BAD = [
    ({f"{SOLAR}.tracking": "body_fixed"}, "hardware.odcsat.solar: normal: must be given where tracking = body_fixed"),
    ({f"{SOLAR}.normal": "zenith"}, "normal = zenith: must be left out where tracking = two_axis"),
    (
        {f"{SOLAR}.tracking": "three_axis"},
        "solar.tracking = three_axis: must be 'two_axis', 'one_axis' or 'body_fixed'",
    ),
    ({f"{SOLAR}.degradation_per_year": 0.02}, "degradation_per_year = 0.02: must not be given together with eol"),
    ({f"{SOLAR}.eol": None, f"{SOLAR}.degradation_per_year": 1.0}, "solar.degradation_per_year = 1.0: must be < 1"),
    ({f"{RADIATOR}.mode": "zenith"}, "faces = 2: must be 1 where mode = zenith, the other face looks to the ground"),
    ({f"{RADIATOR}.mode": "nadir"}, "faces = 2: must be 1 where mode = nadir, the other face looks to the sky"),
    ({f"{RADIATOR}.pointing_error_deg": 90.0}, "radiator.pointing_error_deg = 90.0: must be < 90"),
    ({f"{RADIATOR}.roll_rate_deg_s": 0.0}, "radiator.roll_rate_deg_s = 0.0: must be > 0"),
    (
        {f"{RADIATOR}.roll_rate_deg_s": 0.1, f"{RADIATOR}.mode": "anti_sun", f"{RADIATOR}.faces": 1},
        "roll_rate_deg_s = 0.1: must be left out unless mode = knife_edge and faces = 2",
    ),
    ({f"{SOLAR}.temperature_coefficient_per_k": -0.4}, "temperature_coefficient_per_k = -0.4: must be >= -0.02"),
    ({f"{SOLAR}.w_per_m2": 1100.0}, "w_per_m2 = 1100: must be <= alpha x 1361 = what cells absorb"),
    ({f"{SOLAR}.heat_capacity_j_m2_k": 0.0}, "heat_capacity_j_m2_k = 0.0: must be >= 200"),
    ({"hardware.odcsat.hot_back.sunlit_k": 340.0}, "must hold both sunlit_k and eclipse_k, or none of them"),
    ({"randomise": {f"{RADIATOR}.roll_rate_deg_s": {"low": 0.1, "high": 0.2}}}, "must be the path of a number"),
]


@pytest.mark.parametrize("change, message", BAD)
def test_what_is_wrong_is_told_in_one_line(starter12, change, message):
    with pytest.raises(ScenarioError) as error:
        starter12.replace(change)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_age_of_an_array():
    """2 % a year for ten years leaves 0.817; eol is the same at any age; with neither an array stays new."""
    solar = starter().solar.model_copy
    aged = solar(update={"eol": None, "degradation_per_year": 0.02})
    assert array_peak_w(aged) == 36 * 245
    assert array_peak_w(aged, 10.0) == pytest.approx(36 * 245 * 0.817073, rel=1e-6)
    assert array_peak_w(solar(), 10.0) == array_peak_w(solar()) == pytest.approx(36 * 245 * 0.90)
    assert array_peak_w(solar(update={"eol": None}), 10.0) == 36 * 245


def absorbed(mode, beta_deg, error_deg=0.0, faces=1, eps=0.90, alpha=0.15, altitude_km=550.0, **fields):
    """Return the heat on a face around an orbit [W/m2], mean of faces, without the array's back."""
    changes = {"mode": mode, "pointing_error_deg": error_deg, "faces": faces, "eps": eps, "alpha": alpha} | fields
    hardware = starter(hot_back__view_factor=0.0, **{f"radiator__{name}": value for name, value in changes.items()})
    from odc_gym.scenario import Earth

    surfaces = Surfaces.of(hardware, altitude_km * 1e3, Earth())
    steps = steps_of_one_orbit(altitude_km * 1e3, np.ones(1), np.radians([beta_deg]))
    return illuminate(design_numbers(hardware), surfaces, steps).absorbed_w_m2[:, 0]


def test_a_zenith_face_sees_the_sun_and_not_the_earth():
    """eps .90, alpha .15: 65 W/m2 on average at beta 0, 204 at most, direct Sun alone."""
    heat = absorbed("zenith", 0.0)
    assert heat.mean() == pytest.approx(65.0, abs=0.3)
    assert heat.max() == pytest.approx(204.15, abs=0.1)


def test_a_nadir_face_sees_the_earth_and_the_low_sun():
    """Infrared 237 eps / H^2 everywhere, and the Sun where it stands below the horizontal and is not yet hidden."""
    heat = absorbed("nadir", 0.0, alpha=0.2)
    infrared = 0.90 * 237.0 / (1.0 + 550.0 / 6378.137) ** 2
    assert heat.min() == pytest.approx(infrared, abs=0.01)  # midnight
    before_eclipse = heat[54]  # at 108 deg: the Sun 18 deg below, no lit ground in view
    assert before_eclipse - infrared == pytest.approx(0.2 * 1361 * np.sin(np.radians(18.0)), abs=0.1)


@pytest.mark.parametrize("faces", [1, 2])
def test_a_knife_edge_5_deg_off_takes_24_w_m2_on_the_face_that_sees_the_sun(faces):
    off, on = (absorbed("knife_edge", 80.0, error, faces, alpha=0.20) for error in (5.0, 0.0))
    assert faces * (off - on) == pytest.approx(23.7, abs=0.05)
    dark = absorbed("knife_edge", 0.0, 5.0, faces)[90] - absorbed("knife_edge", 0.0, 0.0, faces)[90]
    assert dark == 0.0


def test_a_cold_array_gives_more_after_an_eclipse(small):
    """The first lit steps of the tables against the same array without a coefficient; far from them both are alike."""
    warm, plain = (build_episode(FleetModel(small.replace(change)), 0).sky for change in ({}, NAMEPLATE))
    assert np.array_equal(warm[:, 0], plain[:, 0])
    gain = warm[:, 1, :3] / plain[:, 1, :3]
    lit = plain[:, 0, :3] == 1.0
    deep = (~lit).mean(0) > 0.3  # short eclipses hardly cool it
    first = (lit[1:] & (plain[:-1, 0, :3] < 1.0))[:, deep]
    assert gain[1:, deep][first].min() > 1.15  # colder than 0 C a minute after sunrise
    assert 0.9 < gain[lit].min() < 1.0  # over the sunlit ground
    assert np.abs(gain[lit].mean() - 1.0) < 0.03  # quoted near its mean temperature


def test_the_back_follows_the_array(small):
    """A view factor of 0.1 against none: eps F eps sigma T^4, warm in sunlight and cold at the end of an eclipse."""
    change = {f"{SOLAR}.pointing_error_deg": 0.0}
    seen, none = (
        build_episode(FleetModel(small.replace(change | {"hardware.odcsat.hot_back.view_factor": f})), 0).sky[:, 2, :3]
        for f in (0.1, 0.0)
    )
    kelvin = ((seen - none) / (0.88 * 0.1 * 0.82 * 5.670374419e-8)) ** 0.25
    assert 195.0 < kelvin.min() < 235.0 and 310.0 < kelvin.max() < 340.0
    sky = build_episode(FleetModel(small.replace(change | FIXED_BACK)), 0).sky[:, :, :3]
    lit = sky[:, 0] == 1.0
    assert (sky[:, 2] - none)[lit] == pytest.approx(54.7, abs=0.05)  # emissivities .88 and .82 at 340 K


def test_a_knife_edge_that_cannot_roll_sees_the_earth(starter12):
    """It must roll half a turn around an orbit, at noon by n / sin beta: 0.063 deg/s in the mean.

    Near noon the plane that is square to the Sun is level, so that a lag there costs little; one that persists costs.
    """
    fleets = {r: FleetModel(starter12.replace({f"{RADIATOR}.roll_rate_deg_s": r})) for r in (None, 0.05, 1.0)}
    steps = steps_of_one_orbit(550e3, np.ones(4), np.radians([0.0, 2.0, 10.0, 60.0]))
    sink = {
        rate: illuminate(design_numbers(fleet.hardware[0]), fleet.surfaces[0], steps).absorbed_w_m2
        for rate, fleet in fleets.items()
    }
    more = (sink[0.05] - sink[None]).max(0)
    assert more[0] < 0.01  # at beta 0 the plane of the edge does not move
    assert 0.05 < more[1] < 1.0 < 3.0 < more[2] < 10.0 and 20.0 < more[3] < 40.0
    assert np.abs(sink[1.0] - sink[None]).max() < 0.5
    throughput = {rate: fleet.shells[0].plan.throughput[2] for rate, fleet in fleets.items()}
    assert throughput[0.05][60] < 0.999 * throughput[None][60]
    assert throughput[1.0] == pytest.approx(throughput[None], rel=1e-3)


def test_tables_know_the_lag(starter12):
    """At the same step of the same episode, a slow knife edge is never cooler."""
    orbit = {"shells.0.orbit.total": 3, "shells.0.orbit.planes": 3, "shells.0.orbit.phasing": 1}
    rate = {f"{RADIATOR}.roll_rate_deg_s": 0.03}
    slow, free = (build_episode(FleetModel(starter12.replace(orbit | EPOCH | c)), 0).sky[:, 2, :3] for c in (rate, {}))
    assert (slow - free).min() > -0.1 and (slow - free).max() > 10.0


def test_a_fleet_that_can_do_nothing_is_told_in_one_line(starter12):
    with pytest.raises(ScenarioError, match="scenario starter12: array, battery or radiator cannot"):
        FleetModel(starter12.replace({f"{SOLAR}.area_m2": 2.0}))

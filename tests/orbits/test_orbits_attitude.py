import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odc_gym.errors import OrbitError
from odc_gym.orbits.attitude import (
    ARRAY_LAWS,
    array_normal,
    cell_response,
    direct_cosine,
    edge_lag_rad,
    edge_roll_rad,
    incidence_cosine,
    toward_sun,
)

ANGLES = st.floats(-10.0, 10.0)
BETAS = st.floats(-np.pi / 2, np.pi / 2)


def frame(beta, angle):
    """Sun, zenith, flight direction and orbit normal as vectors in a fixed frame: noon is x, the normal z."""
    sun = np.array([np.cos(beta), 0.0, np.sin(beta)])
    zenith = np.array([np.cos(angle), np.sin(angle), 0.0])
    normal = np.array([0.0, 0.0, 1.0])
    return sun, zenith, np.cross(normal, zenith), normal


@given(BETAS, ANGLES)
def test_the_suns_direction(beta, angle):
    sun, zenith, along, normal = frame(beta, angle)
    assert np.allclose(toward_sun(beta, angle), [sun @ zenith, sun @ along, sun @ normal], atol=1e-12)


@given(BETAS, ANGLES)
def test_cosines_of_every_law(beta, angle):
    """Catches a law that is dropped, a sign, and sines for cosines."""
    sun, zenith, along, normal = frame(beta, angle)
    expected = {
        "two_axis": 1.0,
        "one_axis": np.cos(beta),
        "zenith": sun @ zenith,
        "along_track": sun @ along,
        "cross_track": abs(sun @ normal),
    }
    assert set(expected) == set(ARRAY_LAWS)
    for law, cosine in expected.items():
        assert incidence_cosine(law, beta, angle) == pytest.approx(cosine, abs=1e-12)
        assert np.linalg.norm(array_normal(law, beta, angle)) == pytest.approx(1.0)


@given(BETAS, ANGLES)
def test_no_turn_about_the_pitch_axis_does_better_than_one_axis(beta, angle):
    sun, zenith, along, _ = frame(beta, angle)
    turn = np.radians(np.arange(0.0, 360.0, 0.5))[:, None]
    best = ((np.cos(turn) * zenith + np.sin(turn) * along) @ sun).max()
    assert incidence_cosine("one_axis", beta, angle) == pytest.approx(best, abs=4e-5)


def test_cells_follow_the_cosine_up_to_60_deg_and_the_kelly_cosine_beyond():
    degrees = np.arange(0.0, 180.0, 0.25)
    cosine = np.cos(np.radians(degrees))
    response = cell_response(cosine)
    assert np.array_equal(response[degrees <= 59.75], cosine[degrees <= 59.75])  # to the bit
    assert response[degrees == 80.0] == pytest.approx(0.100, abs=1e-12)
    assert np.abs(response[degrees >= 85.0]).max() < 1e-15
    assert (np.diff(response) <= 0.0).all() and np.diff(response).min() > -0.01  # falls, without a jump
    assert (response <= np.maximum(cosine, 0.0)).all()


def test_an_unknown_law_lists_the_known_ones():
    with pytest.raises(OrbitError, match="law = sideways: must be one of two_axis, one_axis, zenith"):
        array_normal("sideways", 0.0, 0.0)


@given(st.floats(0.0, np.pi), st.floats(0.0, 1.5))
def test_a_radiators_face_is_turned_towards_the_sun_by_its_error(zenith, error):
    """The pointing error reduces the angle between the Sun and the face, to 0 at least."""
    ideal = {"knife_edge": np.pi / 2, "anti_sun": np.pi, "nadir": np.pi - zenith, "zenith": zenith}
    for attitude, angle in ideal.items():
        cosine = max(0.0, np.cos(max(angle - error, 0.0)))
        assert direct_cosine(attitude, np.cos(zenith), error) == pytest.approx(cosine, abs=1e-7)


def test_a_knife_edge_that_points_well_never_sees_the_sun():
    zenith = np.cos(np.linspace(0.0, np.pi, 50))
    for attitude in ("knife_edge", "anti_sun"):
        assert (direct_cosine(attitude, zenith, 0.0) == 0.0).all()


@given(BETAS, ANGLES)
def test_the_roll_of_a_knife_edge_puts_its_normal_square_to_sun_and_nadir(beta, angle):
    sun, zenith, _, _ = frame(beta, angle)
    east = np.array(
        [0.0, 1.0, 0.0]
    )  # the roll counts from the direction square to the Sun in its plane with the normal
    north = np.cross(sun, east)
    roll = edge_roll_rad(beta, angle)
    normal = np.sin(roll) * -east + np.cos(roll) * north
    assert abs(normal @ sun) < 1e-12 and abs(normal @ zenith) < 1e-12


PERIOD_S, STEP_S = 5739.0, 60.0
TURN = 2.0 * np.pi * STEP_S / PERIOD_S


def tracked(beta_deg, rate_deg_s, steps=191):
    """Lags from vectors at steps of two seconds: the normal turns about the Sun towards the nearer face."""
    beta, lags = np.radians(beta_deg), []
    sun = np.array([np.cos(beta), 0.0, np.sin(beta)])
    normal = np.array([0.0, 0.0, 1.0]) - np.sin(beta) * sun
    normal /= np.linalg.norm(normal)
    for second in range(-int(PERIOD_S) + 1, int(steps * STEP_S), 2):
        angle = second * TURN / STEP_S
        wanted = np.cross(sun, [np.cos(angle), np.sin(angle), 0.0])
        wanted /= np.linalg.norm(wanted)
        wanted = wanted if wanted @ normal >= 0.0 else -wanted
        behind = np.arctan2(np.cross(normal, wanted) @ sun, normal @ wanted)
        turn = np.clip(behind, -np.radians(2 * rate_deg_s), np.radians(2 * rate_deg_s))
        normal = np.cos(turn) * normal + np.sin(turn) * np.cross(sun, normal)
        lags.append(abs(behind - turn))
    return np.degrees(lags[int(PERIOD_S) // 2 :]).reshape(-1, int(STEP_S) // 2).mean(1)


@pytest.mark.parametrize("beta_deg, rate_deg_s", [(5.0, 0.1), (12.0, 0.2), (40.0, 0.05)])
def test_lags_of_a_knife_edge(beta_deg, rate_deg_s):
    """Catches a tracker that turns the long way, faster than it can, or about the wrong axis."""
    shape = (191, 1)
    angle = ((np.arange(191) + 0.5) * TURN)[:, None]
    lag = edge_lag_rad(
        np.full(shape, np.radians(beta_deg)), angle, np.full(shape, TURN), step_s=STEP_S, orbit_steps=96,
        rate_rad_s=np.radians(rate_deg_s),
    )  # fmt: skip
    ours, theirs = np.degrees(lag[96:, 0]), tracked(beta_deg, rate_deg_s)[96:]
    assert theirs.max() > 3.0
    assert np.abs(ours - theirs).mean() < 0.5 and np.abs(ours - theirs).max() < 3.0


def test_a_fast_knife_edge_does_not_lag():
    angle = ((np.arange(96) + 0.5) * TURN)[:, None] * np.ones(3)
    beta = np.radians([[3.0, 30.0, 89.0]]) * np.ones((96, 1))
    lag = edge_lag_rad(beta, angle, np.full((96, 3), TURN), step_s=STEP_S, orbit_steps=96, rate_rad_s=np.radians(5.0))
    assert lag.max() < 1e-9

"""Energy of the array over each crossing of the shadow's edge: 60 s means against rays at every second."""

import numpy as np
from comparison import compares
from orbit_oracles import EPOCHS, ORBITS, positions_m, rays_past_ellipsoid, sampled, sampled_finely

from odc_gym.orbits import orbit_period_s

MINUTES = 150  # every orbit's turn and some more: 127 min at 2000 km


def crossings(ours, theirs, period_min):
    """Return the energy of ours and theirs, both (T,) means over minutes, from one time in full light to the next.

    In parts of the energy that the array makes in the light of one turn.
    """
    whole = np.isin(theirs, (0.0, 1.0)) & (np.abs(ours - theirs) < 1e-12)
    starts = np.flatnonzero(~whole & np.append(True, whole[:-1]))
    ends = np.flatnonzero(~whole & np.append(whole[1:], True)) + 1
    turn = theirs[: round(period_min)].sum()
    parts = [(ours[a:b].sum() / turn, theirs[a:b].sum() / turn) for a, b in zip(starts, ends, strict=True)]
    return [pair for pair, a, b in zip(parts, starts, ends, strict=True) if a > 0 and b < len(ours)]


@compares(
    "Orbits and light",
    "Array energy over a crossing of the shadow's edge at 60 s steps, as a share of the energy of one orbit, 88 orbits",
    "",
    "256 rays to the Sun's disc past the WGS84 ellipsoid, every second",
    2e-4,
    note="0.0002 of the energy of one orbit is 0.8 s of light.",
)
def test_energy_of_a_crossing():
    pairs = []
    for k in range(len(EPOCHS)):
        seconds = sampled_finely(k, 1.0, 60 * MINUTES)
        rays = rays_past_ellipsoid(*positions_m(seconds), rings=8).reshape(MINUTES, 60, -1)
        # the mean of a minute by the trapezoidal rule, whose last end is the next minute's first
        theirs = rays.mean(axis=1)[:-1] + (rays[1:, 0] - rays[:-1, 0]) / 120
        ours = sampled(k).sunlit_frac[: MINUTES - 1]
        for s, orbit in enumerate(ORBITS[k]):
            pairs += crossings(ours[:, s], theirs[:, s], orbit_period_s(1000 * orbit[0]) / 60)
    assert len(pairs) > 150
    return tuple(np.array(pairs).T)

"""The bound on leakage holds on the thermal model itself, under any powers."""

import numpy as np
import pytest

from odc_gym.core.layout.state import PROPAGATOR_ROWS, Design
from odc_gym.optimisation.bound.episode import episode_of
from odc_gym.optimisation.bound.leakage import leakage_lines
from odc_gym.physics.thermal import Nodes, Propagator, half_step
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator

KWH_J = 3.6e6


def thermostat(limit_k):
    """Full power while the junction is below a limit, which makes it as hot as it may be and as cold as it gets."""
    return lambda t, junction_k, full_w: full_w if junction_k < limit_k else 0.0


PROFILES = {
    "constant": lambda t, junction_k, full_w: 0.6 * full_w,
    "low": lambda t, junction_k, full_w: 0.25 * full_w,
    "night and day": lambda t, junction_k, full_w: full_w * ((t // 3000) % 2),
    "bursts": lambda t, junction_k, full_w: full_w * ((t // 300) % 3 == 0),
    "ends cold": lambda t, junction_k, full_w: full_w * (t < 3 * 3600),
    "hot": thermostat(362.0),
    "cool": thermostat(320.0),
}


def fly(simulator, profile):
    """Return heat and power of compute of satellite 0 over the episode under a profile of powers [kWh]."""
    block, clock = simulator.parameters.design[0, :, 0], simulator.fleet.clock
    d = Design(*block[: len(Design._fields)])
    step = Propagator(*block[len(Design._fields) : len(Design._fields) + PROPAGATOR_ROWS])
    nodes = Nodes(d.radiation, d.g12_on, d.g23_on, d.ic1, d.ic2, d.ic3, d.slope3)
    t1, t2, t3 = (float(row[0, 0]) for row in (simulator.sat.plate_k, simulator.sat.loop_k, simulator.sat.radiator_k))
    absorbed = episode_of(simulator, 0, 1800.0).absorbed_w_m2[:, 0]
    full_w = d.host_w + d.accelerators * (d.idle_each_w + d.dynamic_each_w)
    junction_k, heat, power = t1, 0.0, 0.0
    for k in range(clock.episode):
        p = profile(k * clock.dt_s, junction_k, full_w)
        other = d.absorb_m2 * absorbed[k] + (1.0 + d.loss) * min(d.bus_w, d.safe_w) + d.loss * p
        for _ in range(2):
            t1, t2, t3, leak_w = half_step(
                t1, t2, t3, p, 0.0, other, d.loss, d.leak, d.inverse_double_k, d.r_junction, nodes, step
            )
            heat += 0.5 * clock.dt_s * (p + leak_w) / KWH_J
        junction_k = t1 + d.r_junction * p
        power += clock.dt_s * p / KWH_J
    return heat, power


@pytest.mark.parametrize("name", ["starter12", "threebody12", "own-links"])
@pytest.mark.parametrize("hours", [6.0, 24.0])
def test_no_profile_of_powers_leaks_less(name, hours):
    """Catches a sign or a factor of the proof, and steps of integration beyond its margin."""
    simulator = Simulator(Scenario.load(name), episode_hours=hours)
    simulator.reset([20_000])
    episode = episode_of(simulator, 0, 1800.0)
    lines, slack = leakage_lines(episode), []
    for profile in PROFILES.values():
        heat, power = fly(simulator, profile)
        over = lines.share[:, 0] * heat - power - lines.constant[:, 0]
        assert over.min() >= 0.0
        slack.append(over.min() / heat)
    assert heat > 0.0
    assert np.min(slack) < 0.06  # and it is worth having: the least leakage alone is a tenth of the heat

"""Telemetry: the features that satellites measure, and how noise and delay get into what agents see of them.

A reading of a satellite is made at one physics step and seen `delay_steps` later. Its noise is a hash of the episode's
seed, the step of the reading, the satellite and the sensor, so that every scheduler sees the same noise, at any place
of any batch, and again after a state was restored. Everything else that agents see is known where they are: orders,
the dispatcher's books, light, clock.
"""

from odc_gym._jit import routine
from odc_gym.core.layout.state import D, M, R, X
from odc_gym.core.layout.work import K
from odc_gym.interface.observations import SEEN
from odc_gym.physics.counters import joined, standard_normal
from odc_gym.physics.mathematics import clip

NOISE = 201  # purpose of the hash
CHARGE, JUNCTION, RADIATOR, POWER = range(4)  # sensors of a satellite
NOISY = ("charge_frac", "usable_energy_j", "junction_k", "radiator_k", "power_w")
"""Features of a satellite that carry noise."""
AGED = (*NOISY, "clock_granted")
"""Features of a satellite that are as old as `sensing.delay_s`."""
FLEET_MEASURED = ("charge_mean_frac", "charge_least_frac", "junction_margin_k")
"""Features of the fleet that are worked out from those readings."""


@routine
def read(out, at, x, classes, n):
    """True readings of this moment into the rows `at` of a block [row, P]."""
    for s in range(n):
        granted = x[X.clock_cap, s]
        for c in range(classes.shape[1]):
            if classes[K.held, c, s] > 0.0:
                granted = min(granted, classes[K.clock, c, s])
        out[at.charge_frac, s] = x[X.charge_frac, s]
        out[at.junction_k, s] = x[X.junction_k, s]
        out[at.radiator_k, s] = x[X.radiator_k, s]
        out[at.clock_granted, s] = granted * x[X.duty, s]
        out[at.power_w, s] = x[X.power_w, s]


@routine
def remember(past, x, classes, sensors, tick, steps, n):
    """Keep the readings of a physics step if some coming decision will see them.

    Args:
        past: readings on their way, one slot a decision, [slot, reading, P].
        x: state block.
        classes: class block.
        sensors: numbers of `Sensors`.
        tick: physics steps done.
        steps: physics steps a decision.
        n: satellites.
    """
    delay = int(sensors[M.delay_steps])
    if delay > 0 and (tick + delay) % steps == 0:
        read(past[(tick + delay) // steps % past.shape[0]], R, x, classes, n)


@routine
def measure_readings(v, x, p, classes, past, sensors, seed, tick, steps, n):
    """Fill the features [F, P] of a satellite that are measured, noise and delay included.

    Args:
        v: features of satellites, [F, P].
        x: state block.
        p: design block.
        classes: class block.
        past: readings on their way, [slot, reading, P].
        sensors: numbers of `Sensors`.
        seed: of the episode.
        tick: physics steps done.
        steps: physics steps a decision.
        n: satellites.
    """
    delay = int(sensors[M.delay_steps])
    if delay > 0:
        seen = past[tick // steps % past.shape[0]]
        for s in range(n):
            v[SEEN.charge_frac, s] = seen[R.charge_frac, s]
            v[SEEN.junction_k, s] = seen[R.junction_k, s]
            v[SEEN.radiator_k, s] = seen[R.radiator_k, s]
            v[SEEN.clock_granted, s] = seen[R.clock_granted, s]
            v[SEEN.power_w, s] = seen[R.power_w, s]
    else:
        read(v, SEEN, x, classes, n)
    if sensors[M.charge_sigma] + sensors[M.temperature_sigma_k] + sensors[M.power_sigma_frac] > 0.0:
        add_noise(v, sensors, joined(joined(NOISE, seed), tick - delay), n)
    for s in range(n):
        above = v[SEEN.charge_frac, s] - p[D.floor_frac, s]
        v[SEEN.usable_energy_j, s] = above * p[D.capacity_j, s] * p[D.eta_discharge, s]


@routine
def add_noise(v, sensors, key, n):
    """Add the noise of one moment to the readings among the features [F, P]; `key` stands for episode and step."""
    for s in range(n):
        own = joined(key, s)
        charge = v[SEEN.charge_frac, s] + sensors[M.charge_sigma] * standard_normal(joined(own, CHARGE))
        v[SEEN.charge_frac, s] = clip(charge, 0.0, 1.0)
        v[SEEN.junction_k, s] += sensors[M.temperature_sigma_k] * standard_normal(joined(own, JUNCTION))
        v[SEEN.radiator_k, s] += sensors[M.temperature_sigma_k] * standard_normal(joined(own, RADIATOR))
        factor = 1.0 + sensors[M.power_sigma_frac] * standard_normal(joined(own, POWER))
        v[SEEN.power_w, s] *= max(factor, 0.0)

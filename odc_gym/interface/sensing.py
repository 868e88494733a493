"""Telemetry: the features that satellites measure, with noise and delay.

A satellite takes a reading at one physics step, and agents see it `delay_steps` later. The noise of a reading is a hash
of the episode's seed, the step of the reading, the satellite and the sensor. Every scheduler therefore sees the same
noise, in any row of any batch, and again after a state was restored. Agents know all other values exactly: orders, the
dispatcher's records, sunlight and time.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from odc_gym.compilation.decorators import routine
from odc_gym.core.layout.environment import Environment
from odc_gym.core.layout.state import Readings, Sensors, reading_rows
from odc_gym.physics.counters import joined, standard_normal
from odc_gym.physics.mathematics import clip

NOISE = 201  # purpose of the hash
CHARGE, JUNCTION, RADIATOR, POWER = range(4)  # numbers of the sensors of a satellite
NOISY = ("charge_frac", "usable_energy_j", "junction_k", "radiator_k", "power_w")
"""Features of a satellite that carry noise."""
AGED = (*NOISY, "clock_granted")
"""Features of a satellite that are delayed by `sensing.delay_s`."""
FLEET_MEASURED = ("charge_mean_frac", "charge_least_frac", "junction_margin_k")
"""Features of the fleet that are computed from these readings."""


@routine
def read(readings: Readings, env: Environment) -> None:
    """Write the present readings, without noise."""
    sat, classes = env.sat, env.classes
    for s in range(env.num_satellites):
        granted = sat.clock_cap[s]
        for c in range(env.num_classes):
            if classes.held[c, s] > 0.0:
                granted = min(granted, classes.clock[c, s])
        readings.charge_frac[s] = sat.charge_frac[s]
        readings.junction_k[s] = sat.junction_k[s]
        readings.radiator_k[s] = sat.radiator_k[s]
        readings.clock_granted[s] = granted * sat.duty[s]
        readings.power_w[s] = sat.power_w[s]


@routine
def remember(past: np.ndarray, env: Environment, decision_steps: int) -> None:
    """Store the readings of a physics step if a later decision will see them.

    Args:
        past: delayed readings, one slot for each decision, [slot, reading, P]. Written.
        env: the environment.
        decision_steps: physics steps of a decision.
    """
    delay, tick = env.sensors.delay_steps, env.scalars[0]["tick"]
    if delay > 0 and (tick + delay) % decision_steps == 0:
        read(reading_rows(past[(tick + delay) // decision_steps % past.shape[0]]), env)


@routine
def measure_readings(satellite: Any, env: Environment, past: np.ndarray, seed: int, decision_steps: int) -> None:
    """Fill the measured features of satellites, with noise and delay.

    Args:
        satellite: rows of the features of satellites, (P,) each. Written.
        env: the environment.
        past: delayed readings, [slot, reading, P].
        seed: seed of the episode.
        decision_steps: physics steps of a decision.
    """
    delay, tick, n = env.sensors.delay_steps, env.scalars[0]["tick"], env.num_satellites
    if delay > 0:
        seen = reading_rows(past[tick // decision_steps % past.shape[0]])
        for s in range(n):
            satellite.charge_frac[s] = seen.charge_frac[s]
            satellite.junction_k[s] = seen.junction_k[s]
            satellite.radiator_k[s] = seen.radiator_k[s]
            satellite.clock_granted[s] = seen.clock_granted[s]
            satellite.power_w[s] = seen.power_w[s]
    else:
        now_s = Readings(
            satellite.charge_frac,
            satellite.junction_k,
            satellite.radiator_k,
            satellite.clock_granted,
            satellite.power_w,
        )
        read(now_s, env)
    sensors = env.sensors
    if sensors.charge_sigma + sensors.temperature_sigma_k + sensors.power_sigma_frac > 0.0:
        add_noise(satellite, sensors, joined(joined(NOISE, seed), tick - delay), n)
    for s in range(n):
        above = satellite.charge_frac[s] - env.design.floor_frac[s]
        satellite.usable_energy_j[s] = above * env.design.capacity_j[s] * env.design.eta_discharge[s]


@routine
def add_noise(satellite: Any, sensors: Sensors, key: int, n: int) -> None:
    """Add noise to the readings among the features of satellites.

    Args:
        satellite: rows of the features of satellites, (P,) each. Written.
        sensors: parameters of the telemetry.
        key: hash of the episode's seed and the step of the readings.
        n: number of satellites.
    """
    for s in range(n):
        own = joined(key, s)
        charge = satellite.charge_frac[s] + sensors.charge_sigma * standard_normal(joined(own, CHARGE))
        satellite.charge_frac[s] = clip(charge, 0.0, 1.0)
        satellite.junction_k[s] += sensors.temperature_sigma_k * standard_normal(joined(own, JUNCTION))
        satellite.radiator_k[s] += sensors.temperature_sigma_k * standard_normal(joined(own, RADIATOR))
        factor = 1.0 + sensors.power_sigma_frac * standard_normal(joined(own, POWER))
        satellite.power_w[s] *= max(factor, 0.0)

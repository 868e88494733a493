"""Views made by hand, and what actions mean on them."""

from types import SimpleNamespace

import numpy as np

from odc_gym.interface.actions import ActionLayout
from odc_gym.physics.compute import class_clock
from odc_gym.scenario import Scenario

SCENARIO = Scenario.load("starter12")
CLASSES = ("finetuning", "batch", "interactive")
LIMIT_K = 358.15
CAPACITY_J = 3.6e7
PEAK_W = 7000.0


def view_of(num_envs=1, satellites=4, **seen):
    """A fleet at rest in sunlight, with single values or (B, S) arrays replaced by name."""
    shape = (num_envs, satellites)
    observation = {
        "charge_frac": 0.8,
        "junction_k": 330.0,
        "power_w": 3000.0,
        "free": 2.0,
        "clock_sustainable": 0.7,
    }
    ahead = {"time_to_crossing_s": 1800.0, "eclipse_length_s": 2100.0}
    design = {
        "capacity_j": CAPACITY_J,
        "eta_pcdu": 0.95,
        "eta_charge": 0.97,
        "eta_discharge": 0.97,
        "bus_w": 900.0,
        "peak_w": PEAK_W,
        "idle_each_w": 75.0,
        "host_w": 600.0,
        "gated_each_w": 10.0,
        "gated_w": 680.0,
        "dynamic_each_w": 725.0,
        "static": 0.11,
        "v0": 0.70,
        "x_v": 0.55,
        "accelerators": 8.0,
        "x_min": 0.3,
        "floor_frac": 0.2,
        "rate_charge_w": 5000.0,
        "limit_k": LIMIT_K,
        "period_s": 5736.0,
    }
    for table in (observation, ahead, design):
        for name in table:
            table[name] = np.broadcast_to(np.asarray(seen.pop(name, table[name]), float), shape)
    solar = np.broadcast_to(np.asarray(seen.pop("solar_mean_w", 7900.0), float), (num_envs, 4, satellites))
    evenly = ((design["accelerators"] - observation["free"]) / 3.0)[:, None]  # what is not free, over the classes
    observation["running"] = np.broadcast_to(np.asarray(seen.pop("running", evenly), float), (num_envs, 3, satellites))
    waiting = np.broadcast_to(np.asarray(seen.pop("waiting_work_s", 0.0), float), (num_envs, 3))
    observation["waiting_work_s"] = waiting
    scenario = seen.pop("scenario", SCENARIO)
    assert not seen
    return SimpleNamespace(
        observation=observation,
        design=design,
        forecast=ahead | {"solar_mean_w": solar},
        layout=ActionLayout(satellites, 3),
        num_envs=num_envs,
        satellites=satellites,
        class_names=CLASSES,
        scenario=scenario,
        decision_period_s=300.0,
    )


def clocks_of(view, scheduler):
    """Clocks (S,) that the first environment's requests mean."""
    request = view.layout.clocks(scheduler.act(view))[0]
    sustainable = view.observation["clock_sustainable"][0]
    return np.array([class_clock(r, x, 0.3) for r, x in zip(request, sustainable, strict=True)])

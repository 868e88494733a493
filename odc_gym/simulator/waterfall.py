"""Waterfall of accelerator-hours: from the nameplate of a fleet to the work that it delivered in time.

The fleet has `nameplate` accelerator-hours: all installed accelerators, for the whole episode. Each of `LOSSES` takes a
part away, in order, and what is left was delivered in time:

    nameplate = losses + in_time, to 1e-9 of the nameplate

The core counts these parts in accelerator-seconds in each physics step, and samples none of them:

- `off_energy`: working accelerators whose satellite has shed compute for low charge, or is in safe mode after sheds.
- `throttle_energy`: time that jobs lose to clocks below full where heat does not set the clock. The request, the
  sustainable plan or electricity does.
- `off_heat`, `throttle_heat`: accelerators of tripped satellites, and clocks that the heat limit sets.
- `failed`: installed accelerators that do not work. They failed, or their satellite is lost.
- `off_outage`, `off_restart`: satellites out of service, and satellites that restart or are too cold to.
- `idle`: working accelerators with compute on that no job and no replica holds.
- `start`: transfers, waking up and start of jobs. `wait`: jobs that are paused, in reset, cut off from the network, or
  wait for the rest of their gang. `checkpoint`: writing checkpoints.
- `replica_start`: replicas that start, drain, or reach no ground site. `replica_idle`: replicas without requests.
  `replica_pace`: requests that are served slower than at full clock and full batch.
- `lost`: work that stops destroyed, of jobs and of batches of requests. `open`: work of jobs that the episode's end
  leaves without a checkpoint. `late`: work after the deadline, and requests outside their targets.

Credited work is in reference accelerator-seconds, see `core.layout.work`. It is divided by the mean speed at which the
class was executed, or for services by the mean speed of the fleet. Both are exact if all accelerators are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import HOUR_S
from odc_gym.core.layout.work import Rules
from odc_gym.simulator.simulator import Simulator

Floats = npt.NDArray[np.float64]
ENERGY, HEAT, FAULTS, IDLE, LATE = (
    "eclipse and energy",
    "heat",
    "faults, outages, restarts",
    "idle or blocked",
    "late or lost",
)
NAMEPLATE, IN_TIME = "nameplate", "in_time"


class Loss(NamedTuple):
    """One step of the waterfall."""

    name: str
    label: str
    group: str


LOSSES = (
    Loss("off_energy", "Compute shed for low charge", ENERGY),
    Loss("throttle_energy", "Clocks below full: request, plan, electricity", ENERGY),
    Loss("off_heat", "Compute tripped", HEAT),
    Loss("throttle_heat", "Clocks below full: heat limit", HEAT),
    Loss("failed", "Accelerators failed, satellites lost", FAULTS),
    Loss("off_outage", "Satellites out of service", FAULTS),
    Loss("off_restart", "Restarting, or too cold to", FAULTS),
    Loss("idle", "Idle: no job placed", IDLE),
    Loss("start", "Transfers, waking up, start", IDLE),
    Loss("wait", "Waits: gangs, links, resets", IDLE),
    Loss("checkpoint", "Writing checkpoints", IDLE),
    Loss("replica_start", "Replicas starting, draining, cut off", IDLE),
    Loss("replica_idle", "Replicas without requests", IDLE),
    Loss("replica_pace", "Replicas below full clock or batch", IDLE),
    Loss("lost", "Work destroyed by stops", LATE),
    Loss("open", "Work open at the end", LATE),
    Loss("late", "Work after its deadline or target", LATE),
)
"""Losses in the order of the waterfall; the module says how each is defined."""
GROUPS = (ENERGY, HEAT, FAULTS, IDLE, LATE)
PARTS = (NAMEPLATE, *(loss.name for loss in LOSSES), IN_TIME)
"""Names of the parts: the whole, the losses, and what is left."""


class Sizes(NamedTuple):
    """Sizes that the accounts are measured by."""

    nameplate_s: float  # installed accelerators times the length of the episode so far [accelerator-seconds]
    speed: float  # mean speed of the fleet's accelerators [reference's]
    service: npt.NDArray[np.bool_]  # which classes are services, (C,)
    token_s: Floats  # work of a token of each service [reference accelerator-seconds], (C,)


def episode_waterfall(simulator: Simulator, row: int) -> dict[str, float]:
    """Return the waterfall of one episode so far, by the names of `PARTS` [accelerator-hours].

    Args:
        simulator: simulator of the batch.
        row: row of the episode.
    """
    clock, rules = simulator.fleet.clock, Rules(*simulator.fleet.rules)
    length_s = (float(simulator.scalars["tick"][row]) - clock.warm_up) * clock.dt_s
    sizes = Sizes(
        simulator.fleet.accelerators * length_s, simulator.fleet.speed, rules.service > 0.5, np.asarray(rules.token_s)
    )
    satellites = {name: rows[row, : simulator.satellites] for name, rows in simulator.sat._asdict().items()}
    return waterfall(satellites, {name: rows[row] for name, rows in simulator.ledger._asdict().items()}, sizes)


def waterfall(satellites: Mapping[str, Floats], accounts: Mapping[str, Floats], sizes: Sizes) -> dict[str, float]:
    """Return the waterfall of accelerator-hours by the names of `PARTS`.

    Args:
        satellites: accounts of `core.layout.state.State`, (S,) each.
        accounts: accounts of `core.layout.work.Ledger`, (C,) each.
        sizes: sizes of the fleet, and of the classes.

    Raises:
        KeyError: an account is missing.
    """
    living, off_outage, off_energy, off_heat, off_restart = (
        float(satellites[name].sum())
        for name in ("living_s", "off_outage_s", "off_energy_s", "off_heat_s", "off_restart_s")
    )
    off = off_outage + off_energy + off_heat + off_restart
    jobs = {name: account[~sizes.service] for name, account in accounts.items()}
    parts = {
        "nameplate": sizes.nameplate_s,
        "off_energy": off_energy,
        "throttle_energy": float((jobs["throttle_s"] - jobs["heat_throttle_s"]).sum()),
        "off_heat": off_heat,
        "throttle_heat": float(jobs["heat_throttle_s"].sum()),
        "failed": sizes.nameplate_s - living,
        "off_outage": off_outage,
        "off_restart": off_restart,
        "idle": living - off - float(accounts["held_s"].sum()),
        "start": float(jobs["restore_s"].sum()),
        "wait": float(jobs["wait_s"].sum()),
        "checkpoint": float(jobs["writing_s"].sum()),
    }
    made, served = _jobs_s(jobs, sizes.speed), _services_s(accounts, sizes)
    late = {name: made.get(name, 0.0) + served.get(name, 0.0) for name in ("lost", "open", "late", "in_time")}
    found = parts | {name: served[name] for name in ("replica_start", "replica_idle", "replica_pace")} | late
    return {name: found[name] / HOUR_S for name in PARTS}


def _jobs_s(jobs: Mapping[str, Floats], fleet_speed: float) -> dict[str, float]:
    """Divide the executed time of the classes of jobs (C,) by what became of its work [accelerator-seconds]."""
    at_full_clock = jobs["useful_s"] + jobs["replay_s"]
    speed = np.full_like(at_full_clock, fleet_speed)
    np.divide(jobs["executed_s"], at_full_clock, out=speed, where=(at_full_clock > 0.0) & (jobs["executed_s"] > 0.0))
    credited, timely = jobs["credited_s"] / speed, jobs["timely_s"] / speed
    return {
        "lost": float(jobs["replay_s"].sum()),
        "open": float((jobs["useful_s"] - credited).sum()),
        "late": float((credited - timely).sum()),
        "in_time": float(timely.sum()),
    }


def _services_s(accounts: Mapping[str, Floats], sizes: Sizes) -> dict[str, float]:
    """Divide the time of replicas [accelerator-seconds]."""
    of = {name: account[sizes.service] for name, account in accounts.items()}
    busy = of["prefill_s"] + of["decode_s"]
    executed, lost = of["executed_s"] / sizes.speed, of["lost_s"] / sizes.speed
    in_time = of["slo_met"] * sizes.token_s[sizes.service] / sizes.speed
    return {
        "replica_start": float((of["held_s"] - of["ready_s"]).sum()),
        "replica_idle": float((of["ready_s"] - busy).sum()),
        "replica_pace": float((busy - executed).sum()),
        "lost": float(lost.sum()),
        "late": float((executed - lost - in_time).sum()),
        "in_time": float(in_time.sum()),
    }

"""Rig of a few satellites without arriving work: tests add jobs and a network by hand, and play minute by minute."""

import numpy as np
from fields import replace_arrays
from networks import links_of

from odc_gym.core.layout.network import Links
from odc_gym.scenario import Scenario
from odc_gym.scenario.tenants import TIERS
from odc_gym.simulator.simulator import Simulator

HOURS = 4
BASE = {
    "episode.hours": HOURS,
    "episode.decision_period_s": 60,
    "workload.rate_scale": 0.0,
    "dispatch.min_stay_min": 1,
    "faults.enabled": False,
    "workload.classes.finetuning.data_in_gb": 0.0,
    "workload.classes.finetuning.progress.state_gb": 120.0,
    "workload.classes.finetuning.init_s": 0.0,
    "workload.classes.batch.data_in_gb": 0.0,
    "hardware.odcsat.accelerators.wake_s": 0.0,
}


def fleet_of(satellites, **changes):
    """Return `starter12` with the given number of satellites in one plane; names in `changes` have `__` for dots."""
    starter = Scenario.load("starter12")
    orbit = starter.shells[0].orbit.model_dump() | {"total": satellites, "planes": 1, "phasing": 0}
    shells = [{"hardware": "odcsat", "orbit": orbit}]
    return starter.replace(BASE | {"shells": shells} | {k.replace("__", "."): v for k, v in changes.items()})


class Desk:
    """One episode of a few satellites, at its start; `open` opens satellites to new work and closes the others."""

    def __init__(self, satellites, epochs, scenario=None, **network):
        self.sim = Simulator(scenario or fleet_of(satellites), 1)
        self.sim.reset([20_000])
        self.satellites, self.layout = satellites, self.sim.view.layout
        self.network(epochs, **network)
        self.action = self.layout.zeros(1)
        self.rows = int(self.sim.scalars[0]["next_job"])

    def network(self, epochs, **network):
        """Replace the network from now on by a sequence of `(minutes, pairs)`; the last entry holds until the end."""
        first, clock = int(self.sim.scalars["tick"][0]), self.sim.fleet.clock
        (minutes, pairs), *later = epochs
        spans = [(first + minutes, pairs), *later]
        spans[-1] = (clock.total - sum(m for m, _ in spans[:-1]), spans[-1][1])
        replace_arrays(self.sim, links=Links(*(t[None] for t in links_of(spans, self.satellites, **network))))

    @property
    def now(self):
        clock = self.sim.fleet.clock
        return (self.sim.scalars["tick"][0] - clock.warm_up) * clock.dt_s

    def job(self, kind, work_s=1e5, width=1, **columns):
        """Add a job that arrives now; return its row in the job table."""
        row, job = self.rows, self.sim.jobs[0, self.rows]
        self.rows += 1
        job["arrival_s"], job["deadline_s"], job["expiry_s"] = self.now, 1e6, 2e6
        job["class_id"], job["width"], job["total_accelerators"], job["num_satellites"] = (
            self.sim.class_names.index(kind),
            width,
            width,
            1,
        )
        job["work_s"] = job["estimate_s"] = job["duration_s"] = work_s
        job["origin"], job["model"], job["price"], job["tier"] = -1, 0, 1.0, TIERS.index("standard")
        for name, value in columns.items():
            job[name] = value
        run = self.sim.run[0, row]
        run["host"], run["started_s"], run["finished_s"], run["input_at"], run["state_at"] = -1, np.inf, np.inf, -1, -1
        return row

    def gang(self, members, width=1, work_s=1e5, **columns):
        """Add a gang of `members` satellites that arrives now; return its first row. `work_s` is its total work."""
        first = self.job(
            "pretraining", work_s, width, num_satellites=members, total_accelerators=members * width, **columns
        )
        for _ in range(members - 1):
            self.job("pretraining", 0.0, width, num_satellites=0, total_accelerators=0, **columns)
        return first

    def checkpoint(self, row, s, checkpointed_s=1000.0):
        """Give a job checkpointed work, whose checkpoint is stored on satellite `s`."""
        self.sim.run[0, row]["checkpointed_s"], self.sim.run[0, row]["state_at"] = checkpointed_s, s

    def open(self, *satellites, elsewhere=-0.6):
        """Let only these satellites accept new work; the others bid `elsewhere`, which drains them at -1."""
        bids = self.layout.bids(self.action)
        bids[:] = elsewhere
        bids[..., list(satellites)] = 1.0

    def play(self, minutes=1):
        for _ in range(minutes):
            self.sim.step(self.action)

    def run(self, row):
        return self.sim.run[0, row]

    def cargo(self, row):
        return self.sim.mutable.pending_gb[0, :, row]

    def state(self, name):
        return getattr(self.sim.sat, name)[0, : self.satellites]

    def account(self, name):
        return float(getattr(self.sim.ledger, name)[0].sum())

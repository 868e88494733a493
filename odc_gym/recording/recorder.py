"""Recorder: keeps an episode of one environment, or of one row of a batch, while it is played."""

from __future__ import annotations

import math
import platform
from typing import Any

import numpy as np

from odc_gym.core.layout.event_log import LOG, PLACED
from odc_gym.core.layout.samples import NEXT, STOPPED, Samples, no_samples
from odc_gym.core.layout.state import State
from odc_gym.core.layout.work import DONE, ORDERS, RUNNING, STATUS, Classes, Ledger, Rules
from odc_gym.core.spacecraft.conditions import condition_bits
from odc_gym.errors import RecordingError
from odc_gym.interface.rewards import TERMS
from odc_gym.recording.recording import Recording
from odc_gym.recording.schema import (
    ACCOUNT_FIELDS,
    CLASS_FIELDS,
    DESIGN_FIELDS,
    FORMAT,
    FORMAT_VERSION,
    KIND_MEANINGS,
    KINDS,
    MISSED,
    OPTIONAL_SHAPES,
    QUEUE,
    SATELLITE_FIELDS,
    SERVICE_FIELDS,
    SHAPES,
    TERM_NAMES,
)
from odc_gym.simulator.geometry import light_arrays, link_arrays, orbit_arrays
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.sources import versions
from odc_gym.tables.episode.network import ground_sites

FIELDS = np.array([State._fields.index(name) for name in SATELLITE_FIELDS])
CLASS_ROWS = np.array([Classes._fields.index(name) for name in CLASS_FIELDS])
PER_SAMPLE = {name for name, axes in (SHAPES | OPTIONAL_SHAPES).items() if axes.startswith("D+1")}
EVENTS_OF_EACH = 64  # room for events of a row of the job table or of a satellite; a job has 4 in the mean


class Recorder:
    """Recorder of one environment.

        recorder = Recorder(env, agent="mine")
        env.reset(seed=20_000)
        recorder.begin()
        while not recorder.complete:
            env.step(action)
        recording = recorder.finish()

    The compiled decision takes the samples. Environments that share a simulator are recorded one at a time. A batch
    that resets its rows within a step (`SAME_STEP`) cannot be recorded to the end of an episode.

    Args:
        env: environment or batch of this package, wrapped or not, or a simulator.
        row: row of a batch.
        agent: name of the scheduler, for the header.

    Raises:
        RecordingError: `env` has no simulator, or no such row.
    """

    def __init__(self, env: Any, row: int = 0, agent: str = "") -> None:
        inner = getattr(env, "unwrapped", env)
        simulator = inner if isinstance(inner, Simulator) else getattr(inner, "simulator", None)
        if not isinstance(simulator, Simulator):
            raise RecordingError(f"env = {env!r}: must be an environment or batch of odc-gym")
        if not 0 <= row < simulator.num_envs:
            raise RecordingError(f"row = {row}: must be from 0 to {simulator.num_envs - 1}")
        self.simulator, self.row, self.agent = simulator, row, agent
        self.seed: int | None = None  # episode of the recording
        self._samples = no_samples()

    def begin(self) -> None:
        """Begin a recording at the start of an episode, after a reset.

        Raises:
            RecordingError: the row has no episode, or decisions of it were played.
        """
        simulator, row = self.simulator, self.row
        clock = simulator.fleet.clock
        if simulator.seeds[row] < 0 or simulator.scalars["tick"][row] != clock.warm_up:
            raise RecordingError(f"row {row}: a recording begins after a reset, before the first step")
        self.seed = int(simulator.seeds[row])
        self._opening = simulator.mutable.state[row].copy(), simulator.mutable.ledger[row].copy()
        self._open_log()
        self._samples = simulator.samples = _empty_samples(simulator, row, self.seed)
        simulator.observe([row])  # row 0 of the samples

    def _check(self) -> None:
        """Refuse a recording whose environment has played something else since."""
        simulator, row, course = self.simulator, self.row, self._samples.course
        clock, played = simulator.fleet.clock, int(course[NEXT]) - 1
        same = (
            simulator.seeds[row] == self.seed and simulator.scalars["tick"][row] == clock.warm_up + played * clock.steps
        )
        if simulator.samples is not self._samples:
            raise RecordingError(f"row {row}: another recording of the same environments has begun")
        if course[STOPPED] or not same:
            raise RecordingError(f"row {row}: the episode of the recording is over; finish a recording before a reset")

    @property
    def complete(self) -> bool:
        """True if the episode has reached its end."""
        return bool(self.simulator.truncated[self.row])

    def finish(self) -> Recording:
        """Return the recording of the episode so far.

        Raises:
            RecordingError: nothing was recorded, the row has played something else since, or more events happened
                than the log holds.
        """
        if self.seed is None:
            raise RecordingError("the recording has not begun: call begin() after a reset")
        self._check()
        simulator, row = self.simulator, self.row
        samples, count = self._samples, int(self._samples.course[NEXT])
        clock, n = simulator.fleet.clock, simulator.satellites
        decision_s = clock.dt_s * clock.steps
        now_s = (count - 1) * decision_s
        orbit, planes = orbit_arrays(simulator, row)
        sky = {**orbit, **link_arrays(simulator, row)}
        exact = np.stack([self._opening[0][:, :n], simulator.mutable.state[row][:, :n]])
        arrays = {
            "time_s": np.arange(count) * decision_s,
            **_columns("satellite", SATELLITE_FIELDS, samples.satellites[:count, :, :n]),
            **_columns("class", CLASS_FIELDS, samples.classes[:count, :, :, :n]),
            **_columns("account", ACCOUNT_FIELDS, samples.accounts[:count]),
            **_columns("service", SERVICE_FIELDS, samples.services[:count]),
            **_columns("reward", TERM_NAMES, samples.terms[1:count]),
            "action": samples.actions[1:count].copy(),
            **_columns("queue", QUEUE, samples.queue[:count]),
            **{name: light[: (count - 1) * clock.steps] for name, light in light_arrays(simulator, row).items()},
            **{name: values[:count] if name in PER_SAMPLE else values for name, values in sky.items()},
            **_job_columns(simulator, row, now_s),
            **self._event_columns(simulator, now_s),
            **{f"design/{name}": simulator.view.design[name][row].copy() for name in DESIGN_FIELDS},
            "exact/satellite": exact,
            "exact/account": np.stack([self._opening[1], simulator.mutable.ledger[row]]),
        }
        return Recording(self._header(self.seed, count - 1, planes, arrays), arrays)

    def _open_log(self) -> None:
        """Begin the event log of the row with the jobs that run already."""
        simulator, row = self.simulator, self.row
        if not simulator.log.entries.shape[1]:
            simulator.open_log(EVENTS_OF_EACH * (simulator.run.shape[1] + simulator.satellites))
        log, sat = simulator.log, State(*simulator.mutable.state[row])
        log.counts[row] = 0
        log.conditions[row, : simulator.satellites] = [condition_bits(sat, s) for s in range(simulator.satellites)]
        run = simulator.run[row]
        running = np.flatnonzero(run["status"] == RUNNING)
        events = np.zeros(len(running), LOG)
        events["kind"], events["satellite"], events["row"] = PLACED, run["host"][running], running
        self._running = events

    def _events(self) -> np.ndarray:
        """Return the events of the row so far, after those of the jobs that ran at the start."""
        log, row = self.simulator.log, self.row
        count, room = int(log.counts[row]), log.entries.shape[1]
        if count > room:
            raise RecordingError(f"row {row}: {count} events, the log holds {room}")
        return np.concatenate([self._running, log.entries[row, :count]])

    def _event_columns(self, simulator: Simulator, now_s: float) -> dict[str, np.ndarray]:
        """Return the events so far in order of time, with the deadlines that were missed."""
        missed = _missed_deadlines(simulator, self.row, now_s)
        log = self._events()
        late = np.zeros(len(missed), LOG)
        late["time_s"], late["row"] = simulator.jobs[self.row]["deadline_s"][missed], missed
        late["kind"], late["satellite"] = KINDS.index(MISSED), -1
        events = np.concatenate([log, late])
        events = events[np.argsort(events["time_s"], kind="stable")]
        return {
            "event/time_s": events["time_s"].copy(),
            "event/kind": events["kind"].astype(np.int8),
            "event/satellite": events["satellite"].copy(),
            "event/job": events["row"].copy(),
            "event/value": events["value"].copy(),
        }

    def _header(self, seed: int, decisions: int, planes: list[int], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
        simulator, row = self.simulator, self.row
        scenario, fleet, weights = simulator.scenario, simulator.fleet, simulator.parameters.weights
        service = Rules(*fleet.rules).service > 0.5
        return {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "agent": self.agent,
            "seed": seed,
            "score": math.fsum(arrays[f"reward/{name}"].sum() for name in TERM_NAMES),
            "complete": self.complete,
            "scenario_name": scenario.name,
            "description": scenario.description,
            "scenario": scenario.model_dump(mode="json"),
            "action_mode": simulator.action_mode,
            "has_trace": bool(fleet.trace),
            "start": fleet.start_of(seed).isoformat(),
            "decision_period_s": scenario.episode.decision_period_s,
            "step_s": float(fleet.clock.dt_s),
            "decisions": decisions,
            "satellites": simulator.satellites,
            "classes": [{"name": name, "service": bool(service[c])} for c, name in enumerate(simulator.class_names)],
            "terms": [{"name": term.name, "cost": term.cost} for term in TERMS],
            "event_kinds": list(KINDS),
            "event_meanings": KIND_MEANINGS,
            "status": list(STATUS),
            "orders": list(ORDERS),
            "state_fields": list(State._fields),
            "ledger_fields": list(Ledger._fields),
            "load_factor": float(simulator.load_factor[row]),
            "weights": {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in weights._asdict().items()},
            "metrics": episode_metrics(simulator, row),
            "sites": [
                {"name": site.name, "latitude_deg": site.latitude_deg, "longitude_deg": site.longitude_deg}
                for site in ground_sites(scenario)
            ],
            "planes": planes,
            "versions": versions("odc-gym", "numpy", "numba") | {"python": platform.python_version()},
        }


def _empty_samples(simulator: Simulator, row: int, seed: int) -> Samples:
    """Return room for the samples of an episode of a row."""
    rows, (c, lanes) = simulator.decisions + 1, simulator.mutable.classes.shape[2:]
    blocks = (
        ((rows, len(FIELDS), lanes), np.float32), ((rows, len(CLASS_ROWS), c, lanes), np.float32),
        ((rows, len(ACCOUNT_FIELDS), c), np.float64), ((rows, len(SERVICE_FIELDS), c), np.float32),
        ((rows, len(TERM_NAMES)), np.float64), ((rows, simulator.action_size), np.float64),
        ((rows, len(QUEUE)), np.int32),
    )  # fmt: skip
    # `full` writes every page now; pages of `zeros` would be mapped one by one while the episode is played
    course = np.array([row, seed, 0, 0])  # in the order of ROW, SEED, STOPPED, NEXT
    return Samples(course, FIELDS, CLASS_ROWS, *(np.full(shape, 0, dtype) for shape, dtype in blocks))


def _columns(group: str, names: Any, block: np.ndarray) -> dict[str, np.ndarray]:
    """Return the fields of a block (N, field, ...) by name, (N, ...) each."""
    return {f"{group}/{name}": block[:, k].copy() for k, name in enumerate(names)}


def _job_columns(simulator: Simulator, row: int, now_s: float) -> dict[str, np.ndarray]:
    """Return the columns of the rows of the job table that have arrived, as they are now."""
    arrived = np.flatnonzero(simulator.jobs[row]["arrival_s"] <= now_s)
    count = max([int(simulator.scalars["next_job"][row]), *(arrived[-1:] + 1).tolist()])
    tables = simulator.jobs[row][:count], simulator.run[row][:count]
    return {f"job/{name}": table[name].copy() for table in tables for name in table.dtype.names or ()}


def _missed_deadlines(simulator: Simulator, row: int, now_s: float) -> np.ndarray:
    """Return the rows of jobs whose deadline passed in the episode before they were complete."""
    jobs, run = simulator.jobs[row], simulator.run[row]
    is_job = (jobs["num_satellites"] > 0) & ~(Rules(*simulator.fleet.rules).service[jobs["class_id"]] > 0.5)
    due = is_job & (jobs["arrival_s"] <= now_s) & (jobs["deadline_s"] > 0.0) & (jobs["deadline_s"] <= now_s)
    met = (run["status"] == DONE) & (run["finished_s"] <= jobs["deadline_s"])
    return np.flatnonzero(due & ~met)

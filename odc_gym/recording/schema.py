"""Schema of a recording: its arrays, their shapes and units, and its version."""

from __future__ import annotations

from typing import NamedTuple

from odc_gym.core.layout.event_log import EVENT_KINDS
from odc_gym.core.layout.records import JOB
from odc_gym.core.layout.state import Design, Ratings
from odc_gym.core.layout.work import RUN, Ledger, Services
from odc_gym.interface.rewards import TERMS

FORMAT = "odc-gym-recording"
FORMAT_VERSION = 1
"""Version of the schema. A reader reads its own version and those before it."""

HEADER = "header"
"""Name of the array that holds the JSON header, UTF-8."""

MISSED = "missed"
KIND_MEANINGS = {**EVENT_KINDS, MISSED: "the deadline of a job passed before it was complete"}
"""Kinds of events with their meaning: those of the core, then deadlines that passed."""

KINDS = tuple(KIND_MEANINGS)
"""Kinds of events by index."""


class Column(NamedTuple):
    """Unit and meaning of a field."""

    unit: str
    meaning: str


SATELLITE_FIELDS = {
    "charge_frac": Column("1", "stored energy over the battery capacity that is left"),
    "junction_k": Column("K", "hottest part of the chips"),
    "plate_k": Column("K", "chips and cold plates"),
    "loop_k": Column("K", "coolant loop"),
    "radiator_k": Column("K", "radiator"),
    "battery_k": Column("K", "battery cells"),
    "living": Column("accelerators", "accelerators that work"),
    "free": Column("accelerators", "working accelerators that no job holds"),
    "awake": Column("accelerators", "accelerators that are not gated"),
    "reserved": Column("accelerators", "accelerators reserved for the blocked job"),
    "clock_sustainable": Column("1", "largest clock within the power of the sustainable plan, over full clock"),
    "clock_cap": Column("1", "upper limit of the governor on all clocks, over full clock"),
    "duty": Column("1", "share of the step in which jobs run"),
    "power_w": Column("W", "compute power in the last physics step"),
    "heater_w": Column("W", "survival heater in the last physics step"),
    "loop_on": Column("flag", "the pump of the coolant loop runs"),
    "shed": Column("flag", "compute is off until the charge recovers"),
    "tripped": Column("flag", "compute is off until the junction has cooled"),
    "off": Column("flag", "compute is off for any reason"),
    "out": Column("code", "0 in service, 1 out of service, 2 lost for good"),
    "safe_mode_left_s": Column("s", "time until safe mode ends"),
    "capacity_left": Column("1", "battery capacity over nominal"),
    "available_j": Column("J", "array output that could have been used"),
    "used_j": Column("J", "array output that was used"),
    "electric_j": Column("J", "energy drawn by compute, bus, terminals, heaters and conversion"),
    "compute_j": Column("J", "energy drawn by compute and leakage"),
    "heater_j": Column("J", "energy drawn by heaters"),
    "heat_j": Column("J", "heat that electricity put into the satellite"),
    "absorbed_j": Column("J", "heat from Sun and Earth"),
    "radiated_j": Column("J", "heat radiated to space"),
    "discharged_j": Column("J", "energy out of the battery's terminals"),
    "faded_j": Column("J", "stored energy lost as capacity faded"),
    "bus_j": Column("J", "energy that bus and standby wanted"),
    "unserved_j": Column("J", "part of bus_j that was not served"),
    "hot_kh": Column("K h", "junction temperature above its limit, over time"),
    "governed_s": Column("s", "time in which the governor held clocks down"),
    "off_s": Column("s", "time with compute off"),
    "shed_s": Column("s", "time in which compute was shed"),
    "tripped_s": Column("s", "time in which compute was tripped"),
    "out_s": Column("s", "time out of service or lost"),
    "fatigue": Column("1", "battery damage in the episode"),
    "sheds": Column("count", "sheds"),
    "trips": Column("count", "trips"),
    "upsets": Column("count", "upsets of working accelerators"),
    "failures": Column("count", "accelerators that failed for good"),
    "switches": Column("count", "changes of the clock request"),
}
"""Fields of `satellite/`, which are fields of `core.layout.state.State`. Energies, times and counts grow from 0 at the
start of the episode."""

CLASS_FIELDS = {
    "held": Column("accelerators", "accelerators that jobs of the class hold"),
    "busy": Column("accelerators", "mean number of accelerators at work in the last physics step"),
    "clock": Column("1", "granted clock over full clock"),
    "bid": Column("1", "bid of the agent"),
}
"""Fields of `class/`, which are fields of `core.layout.work.Classes`."""

ACCOUNT_FIELDS = Ledger._fields
SERVICE_FIELDS = Services._fields
QUEUE = ("waiting", "running", "sending")
JOB_FIELDS = (*JOB.names, *RUN.names)  # type: ignore[misc]
DESIGN_FIELDS = (*Design._fields, *Ratings._fields)
TERM_NAMES = tuple(term.name for term in TERMS)

SHAPES: dict[str, str] = {
    "time_s": "D+1",
    **{f"satellite/{name}": "D+1,S" for name in SATELLITE_FIELDS},
    **{f"class/{name}": "D+1,C,S" for name in CLASS_FIELDS},
    **{f"account/{name}": "D+1,C" for name in ACCOUNT_FIELDS},
    **{f"service/{name}": "D+1,C" for name in SERVICE_FIELDS},
    **{f"reward/{name}": "D" for name in TERM_NAMES},
    "action": "D,A",
    **{f"queue/{name}": "D+1" for name in QUEUE},
    "sunlit_frac": "T,S",
    "sustainable_w": "T,S",
    "orbit/position_km": "D+1,S,3",
    "orbit/latitude_deg": "D+1,S",
    "orbit/longitude_deg": "D+1,S",
    "orbit/sun": "D+1,3",
    **{f"job/{name}": "J" for name in JOB_FIELDS},
    **{f"event/{name}": "M" for name in ("time_s", "kind", "satellite", "job", "value")},
    **{f"design/{name}": "S" for name in DESIGN_FIELDS},
    "exact/satellite": "2,F,S",
    "exact/account": "2,G,C",
}
"""Axes of every array that a recording must hold: D decisions, T physics steps, S satellites, C classes, A values of
an action, J rows of the job table, M events, F and G fields."""

OPTIONAL_SHAPES: dict[str, str] = {
    "link/epoch": "D+1",
    "link/offset": "E+1",
    "link/a": "L",
    "link/b": "L",
    "link/site": "D+1,S",
}
"""Axes of the arrays of networks with links of their own."""

GROWING = ("account/", "service/", "design/")
"""Groups that later versions of the package may extend: a recording may lack some of their arrays."""

ARRAY_NOTES = {
    "time_s": "seconds since the start of the episode",
    "satellite": "state at each decision, and accounts since the start",
    "class": "jobs of each class on each satellite",
    "account": "accounts of each class since the start",
    "service": "state of each service",
    "reward": "points of each decision; all together are the score",
    "action": "actions of the scheduler",
    "queue": "rows of the job table",
    "sunlit_frac": "share of a physics step in sunlight; compute power of the sustainable plan",
    "orbit": "positions in GCRS, subsatellite points, and the unit vector to the Sun",
    "link": "only with links of the fleet's own: set of links at each decision, first link of each set, pairs of "
    "satellites; ground site of each satellite, -1: none",
    "job": "the job table at the end",
    "event": "events in order of time; satellite and job are -1 where there is none",
    "design": "parameters of the satellites",
    "exact": "all fields at start and end in double precision; the header names them",
}
"""Notes on the groups of arrays, by group, or by name without one."""

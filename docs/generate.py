"""Writer of generated pages, `make docs`.

It writes docs/environment.md, docs/scenario-fields.md, the module list of docs/architecture.md, the table of
docs/scenarios.md, the schema of docs/recording.md, and the parts of the README that docs/index.md holds.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from odc_gym.envs.env import ODCSatEnv
from odc_gym.interface.actions import ACTIONS
from odc_gym.interface.assignment import ASSIGNMENTS
from odc_gym.interface.dials import DIALS
from odc_gym.interface.jobs import QUEUED, QUEUED_CLASS
from odc_gym.interface.observations import FLEET, FLEET_CLASS, SATELLITE, SATELLITE_CLASS, Feature, References
from odc_gym.interface.rewards import TERMS
from odc_gym.interface.sensing import AGED, FLEET_MEASURED, NOISY
from odc_gym.recording.schema import (
    ARRAY_NOTES,
    CLASS_FIELDS,
    KIND_MEANINGS,
    OPTIONAL_SHAPES,
    SATELLITE_FIELDS,
    SHAPES,
)
from odc_gym.scenario import Orbit, Scenario
from odc_gym.scenario.files import names
from odc_gym.scenario.reference import Block, FieldRow, model_blocks
from odc_gym.scenario_check.design_report import design_report
from odc_gym.scenario_check.report_row import shell_prefixes
from odc_gym.training.config import TrainConfig

ROOT = Path(__file__).parents[1]
PAGE, ARCHITECTURE = ROOT / "docs" / "environment.md", ROOT / "docs" / "architecture.md"
SCENARIOS, FIELDS = ROOT / "docs" / "scenarios.md", ROOT / "docs" / "scenario-fields.md"
INDEX, README = ROOT / "docs" / "index.md", ROOT / "README.md"
SHARED = re.compile(r"<!-- shared: (?P<name>[a-z]+) -->\n(?P<text>.*?)<!-- end of shared: (?P=name) -->\n", re.DOTALL)
LINK_OR_PICTURE = re.compile(r"\]\((?![a-z]+:|#)")  # beginning of a target within docs/
BEGIN_SCENARIOS, END_OF_SCENARIOS = "<!-- scenarios: written by make docs -->\n", "<!-- end of scenarios -->\n"
RECORDING = ROOT / "docs" / "recording.md"
BEGIN_SCHEMA, END_OF_SCHEMA = "<!-- schema: written by make docs -->\n", "<!-- end of schema -->\n"
BEGIN_MODULES, END_OF_MODULES = "<!-- house: written by make docs -->\n", "<!-- end of house -->\n"
MANY = 10  # names of arrays in a cell of a table

REFERENCES = {
    "accelerators": "accelerators of the satellite",
    "peak_w": "compute power of the satellite with all accelerators busy at full clock [W]",
    "array_peak_w": "array output at 1361 W/m2, present age [W]",
    "orbit_j": "energy that full power and the bus draw in one orbit [J]",
    "period_s": "orbital period [s]",
    "limit_k": "junction limit [K]",
    "radiator_limit_k": "radiator temperature at which full power puts the junction at its limit [K]",
    "fleet_satellites": "satellites of the fleet",
    "fleet_accelerators": "accelerators of the fleet",
    "widest": "accelerators of the largest satellite",
}

DESCRIPTION = """
A fleet of S satellites carries AI accelerators. Sunlight charges the batteries. The chips heat a pumped loop, and a
radiator rejects the heat to space. Earth's shadow takes the sunlight away, for up to 37 % of an orbit at 550 km. Work
of C classes arrives all day. Every five minutes the agent decides where work runs, at which clock, and in which
order. The fleet of the default scenario is offered more work than its energy and heat allow.

The agent does not control physics directly. A governor limits the junction temperature. A protection sheds compute at
low charge. A dispatcher turns bids into placements. The zero action is a sensible operator: equal bids send work to
the least loaded satellite, and every satellite runs at the clock that it can sustain.

Orbits, sunlight, arrivals and demand do not depend on the agent. They are computed before the episode from its seed,
so that all schedulers face the same conditions in the same episode. [model.md](model.md) describes the physics and
the rules of work. [architecture.md](architecture.md) describes the code.
"""

BID_NOTES = """
With `action_mode="bids"` the action is `Box(-1, 1, (S (C + 1) + 2 C,))`: full control of each satellite. An
environment of the mode `dials` takes such actions too, so that rules can operate it. The order of the flat vector is:
for satellite 0 its C bids, then its clock; the same for satellites 1 to S - 1; then C urgencies; then C clock
offsets. `env.unwrapped.action_names()` names the values in this order, as in `satellite[3].batch.bid`.
`env.unwrapped.view.layout` gives writable views of these parts. Values beyond [-1, 1] are clipped. Values that are
not finite raise an `ActionError`.

- A running job stays on its host for at least `dispatch.min_stay_min`. After that it moves when another satellite's
  score exceeds its host's by `dispatch.migration_margin`. A move costs a checkpoint, the transfer and the start.
- The clock of class c on satellite s follows the request clip(clock_s + offset_c, -1, 1). It is linear between the
  lowest clock (-1), the sustainable clock of this moment (0) and the full clock (+1).
- The dispatcher never sends a job where it would be worthless before its next payable point.
"""

DIAL_NOTES = """
The action is `Box(-5, 5, (4 C + 15,))`: about 25 numbers for the whole fleet, however many satellites it has. An
action is five times the dials, which lie in [-1, 1]. The Gaussian noise with which learners begin, of deviation 1,
therefore moves a dial by a fifth of its range. Values beyond the box are clipped. A rule in the compiled core turns
the dials into an action of the mode `bids` by the last observation. The rule adds up the terms of the table, each a
dial times its scale times the quantity that its meaning names.

- Zero dials are the zero action. Constant dials are a scheduler; the best ones are found by search.
- A learner that explores with noise on bids closes satellites by chance. Noise on dials leaves a sensible rule, so a
  policy learns in minutes.
- Bids lie between `dispatch.close` + 0.1 and 1, so a preference never closes a satellite. Only `kept`, `close_charge`
  and `drain_charge` close satellites, and only `drain_charge` drains them.
- `env.unwrapped.view.actions_of_dials(dials)` returns the action of the mode `bids` that dials stand for now.
- The order is that of `env.unwrapped.view.dials.names`: the dials by class, then those of the fleet. Values that are
  not finite raise an `ActionError`.
"""

ASSIGN_NOTES = """
With `action_mode="assign"` the action is `MultiDiscrete([S + 1] K + [L] S)`: K choices for waiting jobs, then S clock
levels. The K jobs are the first of the queue that some satellite can take now, then the first of the others. K, the
levels and the rule for other jobs are in the scenario's `assign` block.

- An order binds its job for one decision. The job starts on its satellite in the first physics step in which that
  satellite can take it; otherwise it waits. Several jobs may be sent to one satellite. They start while there is
  room.
- Jobs beyond those K, and jobs that arrive between decisions, wait (`assign.others: wait`) or go where the zero
  action would send them (`bids`). Running jobs stay where they are. Bids, urgencies and clock offsets are 0.
- `env.unwrapped.action_masks()` returns the choices that are feasible now, component after component, K (S + 1) + S L
  values. In single environments and native batches, `info["action_mask"]` holds the same mask. The dispatcher uses
  the same function. A masked choice is no error: the job waits for that satellite until the decision ends.
- Batches for stable-baselines3 answer `env_method("action_masks")`, which `sb3_contrib.MaskablePPO` calls.
"""

DICT_NOTES = """
With `observation_mode="dict"` the observation is a Dict with these entries:

- `satellites` (S, {each}): the rows of the first two tables, by satellite;
- `fleet` ({fleet}): the rows of the third and fourth tables;
- `jobs` (K, {job}): a row of features for each of the K waiting jobs that the mode `assign` would place; rows without
  a job are 0;
- `jobs_present` (K,): 1 where there is a job.

`satellites` and `fleet` hold the values of the flat form. The features of `jobs` are:
"""

OBSERVATION_NOTES = """
In the tables, x is the measured value in the given unit. For schedulers that need physical units,
`env.unwrapped.view.observation[name]` holds it. Values are encoded as the tables state and clipped to [-1, 1];
squash(y) is y / (1 + |y|). Observations reveal no future but that of the orbits, and no hidden truth: the remaining
work is the visible estimate.

`env.unwrapped.observation_names()` names the values in order, as in `satellite[3].charge_frac`.
`env.unwrapped.explain(observation)` decodes an observation into a table of names, SI values, units and meanings. Both
batches have these methods too; `explain` takes the observation of one environment.

Jobs and room are measured by one yardstick: accelerators on one satellite, as a share of those of the largest
satellite. `free_half` counts satellites that can take any job of the bands up to 1/2, whatever their own size. A band
holds its upper limit. Satellites whose compute is off count as having no room.

Telemetry may be noisy and delayed, as the scenario's block `sensing` states. By default it is exact.

- These carry noise: {noisy}.
- These and {aged} are delayed by `sensing.delay_s`, rounded up to whole physics steps.
- These are computed from the observations of the satellites: {fleet}.

All other values are exact: orders, sunlight, clock, and the dispatcher's own records. Rewards, KPIs, governor and
protection use the true values. The noise belongs to the episode: all schedulers see the same noise.
"""

REWARD_NOTES = """
The reward is the sum of the terms, in points. A total of 100 points is the value of the work that the fleet can
sustain over the episode, at the scenario's mix of classes. This value is a constant of the scenario. The numbers in
the table are the defaults of the scenario's `reward` block.

A score above 100 is possible if a scheduler does more valuable work than the mix. The environment keeps no running
statistics: the same state and action give the same reward.
"""

INFO = """
| key | when | meaning |
| --- | --- | --- |
| `episode_seed`, `load_factor` | reset | the episode, and its offered work divided by what the fleet can sustain |
| `randomised/<path>` | reset | a random parameter: the value of the episode, or (S,) of each satellite |
| `reward/<term>` | each step | the terms of the reward |
| `cost`, `cost/thermal`, `cost/energy` | each step | the violations as positive numbers, and their sum |
| `action_mask` | reset and each step of the mode `assign` | feasible choices of the next action |
| `episode_metrics` | at the end | KPIs by name, units in the names; see `odc_gym/simulator/metrics.py` |
| `episode_metrics/<name>` | at the end | each KPI again, for recorders of single values |

The Monitor of stable-baselines3 records such values if `info_keywords` names them, as in
`make_vec_env(..., monitor_kwargs={"info_keywords": ("cost", "episode_metrics/charge_least_frac")})`.
"""

RENDERING = """
- `render_mode="rgb_array"`: a picture (600, 960, 3) uint8. Each satellite is a tile, bright in sunlight and dark in
  eclipse, with bars for charge, heat, clock and load. The queue is below. The picture needs no other package.
- `render_mode="ansi"`: a text with one line a satellite and one line a class.

The pictures show the observed values, with the noise and delay of the telemetry. Batches return one picture or text
for each environment. Videos take `metadata["render_fps"]`, 4 decisions a second.
"""

START = """
`reset(seed=n)` begins episode n of the scenario. Its start is a random minute of the scenario's year, hour included,
or the scenario's epoch.
The fleet is in operation: some jobs run, with some age and a checkpoint, and others wait. Batteries and temperatures
are on the periodic solution of the sustainable plan. One orbit under the zero action precedes the episode and does
not count. Work done before the start is never paid.

Episodes 0 to 9 999 are for training, and 10 000 to 19 999 for tests (the test set is the first hundred of them).
Episodes 20 000 and above are for validation. A reset without a seed draws a training episode from the environment's
own generator.

A seed is an integer of at least 0 and less than 2^63. A reset that fails leaves the environment without an episode, and
`step` raises `ResetNeeded` until a reset succeeds. In a batch this concerns the environments that the call should have
reset, also by itself at the end of an episode. The others are as before the call.

`copy.deepcopy`, `pickle` and `cloudpickle` copy an environment or a batch with state, view and generators. The copy is
independent and goes on exactly like the original. Copy a scheduler together with its environment:
`copy.deepcopy((env, scheduler))`. `copy.copy` of an unwrapped environment is a deep copy too; `copy.copy` of a wrapper
of Gymnasium shares the environment inside.
"""

END = """
The time limit truncates an episode after `episode.hours`, which is 24 h or 288 decisions in the default scenario. No
episode terminates. Violations do not end an episode: the governor and load shedding keep the physics valid, and cost
work.
"""

HISTORY = """
- `v0`: first version. It is provisional until release 0.1: until then, a change of dynamics, spaces, defaults or
  reward is listed in the CHANGELOG. After the release, such a change is a new version.
"""


FIELDS_TEXT = """
# Fields of scenarios and training configurations

Written by `make docs` from the models in `odc_gym/scenario` and `odc_gym/training/config.py`; edit those.

This page lists every field with its type, unit, range, default and meaning. [scenarios.md](scenarios.md) describes the
scenarios of the package, [model.md](model.md) the equations, and
[write a scenario](how-to/write-a-scenario.md) the way to a file of your own.

- In a path, `*` stands for a name, as that of a kind of hardware, or for the number of an entry, from 0.
  `--set hardware.*.battery.capacity_wh=9000` changes a field of all kinds.
- "required" marks fields that a complete file gives. A file with `base` gives only what differs, and `null` removes an
  optional block of its base.
- A range holds for each number of a list. Rules between fields are in their meaning; `odc-gym scenario check FILE`
  checks all of them.
- `odc-gym scenario schema` prints the same fields as a JSON schema, for editors.
- `odc-gym scenario new NAME` writes a file with the fields that change most often.
"""
TRAINING_TEXT = """
`odc-gym train` reads a configuration from a file, and `--set` changes its fields: `configs/train/ppo.yaml` has all of
them. `--set env.overrides.PATH=VALUE` changes the scenario of the run.
"""


def page() -> str:
    """Return the page of the environment."""
    env = ODCSatEnv()
    s, c = env.view.satellites, len(env.view.class_names)
    (actions,), (observations,) = env.action_space.shape or (), env.observation_space.shape or ()
    parts = [
        "# ODCSat-v0",
        "Written by `make docs` from the tables of `odc_gym/interface`; edit those, or `docs/generate.py`.",
        table(
            ("", "default scenario", "any scenario"),
            [
                (
                    "action space",
                    f"`Box(-5, 5, ({actions},), float32)`",
                    "4 C + 15 dials; modes `bids` and `assign` below",
                ),
                (
                    "observation space",
                    f"`Box(-1, 1, ({observations},), float32)`",
                    f"S ({len(SATELLITE)} + {len(SATELLITE_CLASS)} C) + {len(FLEET)} + {len(FLEET_CLASS)} C values",
                ),
                ("size", f"S = {s} satellites, C = {c} classes: {', '.join(env.view.class_names)}", ""),
                ("made by", '`gym.make("odc_gym:ODCSat-v0")`', '`gym.make_vec("odc_gym:ODCSat-v0", num_envs=64)`'),
            ],
        ),
        "## Description",
        DESCRIPTION,
        "## Action space",
        "The argument `action_mode` chooses one of three forms: `dials`, the default, `bids` and `assign`.",
        "### Mode `dials`",
        table(
            ("name", "one per", "scale", "meaning"),
            [(f"`{d.name}`", d.per, f"{d.scale:g}", d.meaning) for d in DIALS],
        ),
        DIAL_NOTES,
        "### Mode `bids`",
        table(("name", "one per", "meaning"), [(f"`{a.name}`", a.per, a.meaning) for a in ACTIONS]),
        BID_NOTES,
        "### Mode `assign`",
        table(("name", "one per", "meaning"), [(f"`{a.name}`", a.per, a.meaning) for a in ASSIGNMENTS]),
        ASSIGN_NOTES,
        "## Observation space",
        OBSERVATION_NOTES.format(
            noisy=listed(NOISY), aged=listed([name for name in AGED if name not in NOISY]), fleet=listed(FLEET_MEASURED)
        ),
        *blocks(),
        "### Mode `dict`",
        DICT_NOTES.format(
            each=f"{len(SATELLITE)} + {len(SATELLITE_CLASS)} C",
            fleet=f"{len(FLEET)} + {len(FLEET_CLASS)} C",
            job=f"{len(QUEUED)} + C",
        ),
        features(QUEUED + QUEUED_CLASS, ""),
        "The encodings refer to these quantities:",
        table(("name", "meaning"), [(f"`{name}`", REFERENCES[name]) for name in References._fields]),
        "## Rewards",
        table(
            ("term", "counts as", "meaning"), [(f"`{t.name}`", f"`{t.cost}`" * bool(t.cost), t.meaning) for t in TERMS]
        ),
        REWARD_NOTES,
        "## Info",
        INFO,
        "## Rendering",
        RENDERING,
        "## Starting state",
        START,
        "## Episode end",
        END,
        "## Arguments",
        arguments(),
        "## Version history",
        HISTORY,
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def blocks() -> Iterable[str]:
    """Yield the four blocks of the observation, each as its first position and the table of its features."""
    f, g, h, k = len(SATELLITE), len(SATELLITE_CLASS), len(FLEET), len(FLEET_CLASS)
    each = f"{f} + {g} C"
    yield f"**Satellite**: satellite s begins at place a = s ({each})."
    yield features(SATELLITE, "a")
    yield f"**Satellite and class**: class c of satellite s begins at place b = s ({each}) + {f} + {g} c."
    yield features(SATELLITE_CLASS, "b")
    yield f"**Fleet**: begins at place d = S ({each})."
    yield features(FLEET, "d")
    yield f"**Fleet and class**: class c begins at place e = S ({each}) + {h} + {k} c."
    yield features(FLEET_CLASS, "e")


def features(rows: tuple[Feature, ...], begin: str) -> str:
    """Return the table of the features of one block.

    Args:
        rows: features of the block.
        begin: name of the first position; empty to number positions from 0.
    """
    head = ("place", "name", "unit", "encoded as", "meaning")
    return table(
        head,
        [
            (f"{begin} + {i}" if begin else f"{i}", f"`{f.name}`", f.unit, encoded(f), f.meaning)
            for i, f in enumerate(rows)
        ],
    )


def fields_page() -> str:
    """Return the page of the fields of scenarios and training configurations."""
    parts = [FIELDS_TEXT]
    for title, model, text in (("Scenario", Scenario, ""), ("Training configuration", TrainConfig, TRAINING_TEXT)):
        parts += [f"## {title}", text] if text else [f"## {title}"]
        described = model_blocks(model)
        places = {block.model: block.path for block in described}
        for block in described:
            parts += block_text(block, places)
    return "\n\n".join(part.strip() for part in parts) + "\n"


def block_text(block: Block, places: dict[str, str]) -> Iterable[str]:
    """Yield heading, meaning and table of a block; `places` has the path at which each model is described."""
    if block.path:
        variant = f", `{block.variant}`" if block.variant else ""
        yield f"### `{block.path}`{variant}"
    yield block.meaning
    head = ("field", "type", "unit", "range", "default", "meaning")
    rows = (
        (f"`{f.key}`", field_type(block, f, places), f.unit, f.range, default_of(f), f.meaning) for f in block.fields
    )
    yield table(head, rows)


def field_type(block: Block, field: FieldRow, places: dict[str, str]) -> str:
    """Return the type of a field; a block that is described at another path refers to it."""
    here = f"{block.path}.{field.key}" if block.path else field.key
    elsewhere = [places[name] for name in field.models if places[name].removesuffix(".*") != here]
    return f"{field.type}, as `{elsewhere[0]}`" if elsewhere else field.type


def default_of(field: FieldRow) -> str:
    """Return the default of a field as code, or that it is required."""
    return "required" if field.required else f"`{field.default}`" if field.default else ""


def encoded(feature: Feature) -> str:
    """Return the encoding of a feature as a formula of x."""
    top = f"(x - {plain(feature.offset)})" if feature.offset else "x"
    factors = [plain(feature.scale)] * (feature.scale != 1.0) + [feature.reference] * bool(feature.reference)
    value = f"{top} / {factors[0]}" if len(factors) == 1 else f"{top} / ({' x '.join(factors)})" if factors else top
    return f"squash({value})" if feature.squash else value


def listed(names: Sequence[str]) -> str:
    """Return names in code quotes, joined by commas and "and"."""
    quoted = [f"`{name}`" for name in names]
    return ", ".join(quoted[:-1]) + " and " + quoted[-1] if len(quoted) > 1 else quoted[0]


def plain(value: float | str) -> str:
    """Return a number without trailing zeros, or a name unchanged."""
    return value if isinstance(value, str) else f"{value:g}"


def arguments() -> str:
    """Return the table of the arguments of `gym.make`, from the signature and the docstring of the environment."""
    text = inspect.getdoc(ODCSatEnv) or ""
    described = dict(re.findall(r"^    (\w+): (.+)$", text.split("Args:")[1].split("Raises:")[0], re.MULTILINE))
    signature = inspect.signature(ODCSatEnv.__init__).parameters
    rows = [(f"`{name}`", f"`{p.default!r}`", described[name]) for name, p in signature.items() if name != "self"]
    return table(("argument", "default", "meaning"), rows)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def architecture() -> str:
    """Return docs/architecture.md with the current module list."""
    before, _, rest = ARCHITECTURE.read_text(encoding="utf-8").partition(BEGIN_MODULES)
    after = rest.partition(END_OF_MODULES)[2]
    return f"{before}{BEGIN_MODULES}```\n{module_list()}```\n{END_OF_MODULES}{after}"


def scenarios() -> str:
    """Return docs/scenarios.md with the current table of scenarios."""
    before, _, rest = SCENARIOS.read_text(encoding="utf-8").partition(BEGIN_SCENARIOS)
    after = rest.partition(END_OF_SCENARIOS)[2]
    head = (
        "scenario", "satellites", "orbit", "accelerators each", "beta [deg]", "longest eclipse [min]", "battery [kWh]",
        "array", "radiator", "load", "sustainable", "binds most",
    )  # fmt: skip
    rows = [row for name in names() for row in shells(Scenario.load(name))]
    return f"{before}{BEGIN_SCENARIOS}\n{table(head, rows)}\n\n{END_OF_SCENARIOS}{after}"


def recordings() -> str:
    """Return docs/recording.md with the current schema."""
    before, _, rest = RECORDING.read_text(encoding="utf-8").partition(BEGIN_SCHEMA)
    after = rest.partition(END_OF_SCHEMA)[2]
    groups: dict[tuple[str, str], list[str]] = {}
    for name, axes in (SHAPES | OPTIONAL_SHAPES).items():
        group, _, field = name.rpartition("/")
        groups.setdefault((group, axes), []).append(field)
    arrays = [
        (f"`{group}/`" if group else "", shortened(fields), axes, ARRAY_NOTES.get(group or fields[0], ""))
        for (group, axes), fields in groups.items()
    ]
    columns = [
        (f"`{group}/{name}`", column.unit, column.meaning)
        for group, fields in (("satellite", SATELLITE_FIELDS), ("class", CLASS_FIELDS))
        for name, column in fields.items()
    ]
    kinds = [(f"`{name}`", meaning) for name, meaning in KIND_MEANINGS.items()]
    parts = (
        table(("group", "arrays", "axes", "note"), arrays),
        table(("field", "unit", "meaning"), columns),
        "The fields of `account/`, `service/`, `job/` and `design/` are described in `odc_gym/core/layout`.",
        table(("event", "meaning"), kinds),
    )
    text = "\n\n".join(parts)
    return f"{before}{BEGIN_SCHEMA}\n{text}\n\n{END_OF_SCHEMA}{after}"


def shortened(fields: Sequence[str]) -> str:
    """Return the first names of a long list, with their number."""
    return (
        listed(fields) if len(fields) <= MANY else f"{', '.join(f'`{name}`' for name in fields[:4])} … ({len(fields)})"
    )


def readme() -> str:
    """Return the README with the current text of each part that it shares with docs/index.md.

    Raises:
        KeyError: docs/index.md lacks a part that the README names.
    """
    parts = {match["name"]: match["text"] for match in SHARED.finditer(INDEX.read_text(encoding="utf-8"))}

    def current(match: re.Match[str]) -> str:
        text = LINK_OR_PICTURE.sub("](docs/", parts[match["name"]]).replace("](docs/../", "](")
        return f"<!-- shared: {match['name']} -->\n{text}<!-- end of shared: {match['name']} -->\n"

    return SHARED.sub(current, README.read_text(encoding="utf-8"))


def shells(scenario: Scenario) -> Iterable[tuple[str, ...]]:
    """Yield the table rows of a scenario, one for each shell; the first also holds the values of the fleet."""
    rows_by_name = {row.name: row for row in design_report(scenario)}
    value = {name: row.value for name, row in rows_by_name.items()}
    fleet = (f"{value['load against all together']:.2f}", f"{value['sustainable']:.1f}", str(value["binds most"]))
    for i, (shell, prefix) in enumerate(zip(scenario.shells, shell_prefixes(scenario), strict=True)):
        hardware, orbit = scenario.hardware[shell.hardware], shell.orbit
        shell_rows = {key.removeprefix(prefix): row for key, row in rows_by_name.items() if key.startswith(prefix)}
        yield (
            f"`{scenario.name}`" * (i == 0),
            str(orbit.total),
            orbit_of(orbit),
            f"{hardware.accelerators.count} {hardware.accelerators.kind}",
            f"{shell_rows['least beta'].value:.0f} to {shell_rows['greatest beta'].value:.0f}",
            f"{shell_rows['longest eclipse'].value:.0f}",
            f"{hardware.battery.capacity_wh / 1e3:g}",
            f"{shell_rows['array over its need'].value:.2f}",
            f"{shell_rows['radiator over its need'].value:.2f}",
            *(text * (i == 0) for text in fleet),
        )


def orbit_of(orbit: Orbit) -> str:
    """Return a short description of an orbit."""
    if orbit.pattern == "tle":
        return "element sets"
    if orbit.pattern == "delta" or orbit.pattern == "star":
        return f"{orbit.altitude_km:g} km, {orbit.inclination_deg:g}°, {orbit.planes} planes"
    times = orbit.local_time_h if isinstance(orbit.local_time_h, tuple) else (orbit.local_time_h,)
    clock = " to ".join(f"{int(h)}:{round(h % 1 * 60):02d}" for h in dict.fromkeys((min(times), max(times))))
    kind = "cluster" if orbit.pattern == "cluster" else f"{orbit.planes} plane{'s' * (orbit.planes > 1)}"
    return f"{orbit.altitude_km:g} km, sun-synchronous {clock}, {kind}"


def module_list() -> str:
    """Return one line for each module: its name and the first sentence of its docstring."""
    lines = []
    for folder in ("odc_gym", "agents"):
        for path in sorted((ROOT / folder).rglob("*.py"), key=_packages_last):
            depth = len(path.relative_to(ROOT).parts) - 1
            package = path.name == "__init__.py"
            name = f"{path.parent.name}/" if package else path.name
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            summary = re.split(r"(?<=\.) (?=[A-Z`])", " ".join(docstring.split("\n\n")[0].split()))[0]
            lines.append(f"{'    ' * (depth - package)}{name}".ljust(36) + f" {summary}")
    return "\n".join(lines) + "\n"


def _packages_last(path: Path) -> tuple[object, ...]:
    """Return the sort key of a path: `__init__.py` first, then the modules of a package, then its subpackages."""
    *folders, name = path.parts
    return (*((1, folder) for folder in folders), (0, name != "__init__.py", name))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    FIELDS.write_text(fields_page(), encoding="utf-8")
    ARCHITECTURE.write_text(architecture(), encoding="utf-8")
    SCENARIOS.write_text(scenarios(), encoding="utf-8")
    RECORDING.write_text(recordings(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")

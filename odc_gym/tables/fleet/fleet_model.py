"""Fleet model: tables and parameters that all episodes of a scenario share."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from odc_gym.constants import HOUR_S, MINUTE_S, SOLAR_CONSTANT_W_M2
from odc_gym.core.layout.work import Rules
from odc_gym.errors import ScenarioError
from odc_gym.faults.faults import Condition
from odc_gym.interface.observations import References
from odc_gym.orbits import Constellation, build_ephemeris, orbit_period_s
from odc_gym.scenario import Hardware, Scenario
from odc_gym.seeds import random_stream
from odc_gym.tables.fleet.design import degraded_design, design_numbers, wear_per_year, with_shared_values
from odc_gym.tables.fleet.parameters import (
    design_block,
    model_sizes,
    policy_numbers,
    ratings_block,
    reward_weights,
    rules_block,
    sensor_numbers,
)
from odc_gym.tables.fleet.plans import ShellPlan, class_mix, class_speed, mean_value, offered_by_class
from odc_gym.tables.fleet.serving_tables import services_of, serving_tables
from odc_gym.tables.fleet.surroundings import Surfaces
from odc_gym.workload import Trace

CENSUS_S = 48 * HOUR_S  # history before an episode that supplies the jobs alive at its start
YEAR_SAMPLES = 73  # start dates over which the sustainable output is averaged
START_STREAM = 101  # purpose number of the random stream of start dates


@dataclass(frozen=True)
class Clock:
    """Lengths of decision, warm-up and episode in physics steps.

    Attributes:
        dt_s: physics step [s].
        steps: physics steps of a decision.
        warm_up: physics steps of the warm-up.
        episode: physics steps of the episode.
    """

    dt_s: float
    steps: int
    warm_up: int
    episode: int

    @property
    def total(self) -> int:
        """Physics steps of warm-up and episode."""
        return self.warm_up + self.episode

    @property
    def decisions(self) -> int:
        """Decisions of an episode."""
        return self.episode // self.steps

    @property
    def warm_up_s(self) -> float:
        """Length of the warm-up [s]."""
        return self.warm_up * self.dt_s

    @property
    def episode_s(self) -> float:
        """Length of the episode [s]."""
        return self.episode * self.dt_s


class FleetModel:
    """Fleet of a scenario with the parameters and tables that all its episodes share.

    Attributes:
        scenario: scenario that the fleet belongs to; its `workload.load` is written as `rate_scale`.
        trace: recorded work that replaces classes, or None.
        constellation: S satellites, shell by shell.
        shell_of: index of each satellite's shell, (S,).
        altitude_m: mean altitude of each shell [m].
        hardware: hardware of each shell.
        design_numbers: design numbers of the satellites by name, (S,) each.
        shell_designs: design numbers of the satellites of each shell by name; a float where all are equal, else (N,).
        surfaces: array and radiator of each shell, with the Earth's fluxes on them.
        design: design parameters and propagators of the compiled core, [field, P].
        ratings: ratings that schedulers read beside the design, [field, P].
        rules: class parameters, [rule, C].
        model_gb: sizes of models, (M,) [GB]; the first row stands for no model.
        serving: tables of services.
        policy: parameters of the dispatcher.
        sensors: parameters of the telemetry.
        weights: reward weights.
        references: reference values that observations are relative to.
        mix: class mix.
        shells: sustainable plans, one a shell.
        sustainable: mean sustainable output of the fleet over the year [reference accelerators].
        sustainable_by_shell: the same of each shell.
        reference_value: value of the sustainable output over an episode at the mix; it scores 100.
        stored_value: value that the plan of each shell makes of one more watt-hour [value/Wh].
        period_s: orbital period of each satellite [s], (S,).
        clock: lengths in physics steps.
        clock_frac: common clock of the mean plan.
        class_speed: work rate of an accelerator of each class at that clock [reference's], (C,).
        accelerators: number of accelerators of the fleet.
        widest: number of accelerators of the largest satellite.
        drawn: values that the episode drew, by path, () or (S,); empty for the scenario's own fleet.
        mean_views: mean over the year of the views of each class with captures, computed when first needed.
        condition: condition of the satellites at the episode's start; None if all are new and alike.
    """

    def __init__(self, scenario: Scenario, trace: Trace | None = None) -> None:
        self.scenario, self.trace = scenario, trace
        self.drawn: dict[str, np.ndarray] = {}
        self.mean_views: dict[str, float] = {}
        self.condition: Condition | None = None
        if trace is not None:
            trace.require_classes(scenario.workload)
        groups = [Constellation.from_orbit(shell.orbit) for shell in scenario.shells]
        self.altitude_m = [float(np.mean(group.altitude_m)) for group in groups]
        self.constellation = groups[0]
        for group in groups[1:]:
            self.constellation = self.constellation + group
        self.shell_of = np.repeat(np.arange(len(groups)), [len(g) for g in groups])
        self.hardware = [scenario.hardware[shell.hardware] for shell in scenario.shells]
        self.period_s = np.array([orbit_period_s(altitude) for altitude in self.altitude_m])[self.shell_of]
        self.clock = self._clock(float(self.period_s.max()))
        accelerators = np.array([h.accelerators.count for h in self.hardware])[self.shell_of]
        self.accelerators = int(accelerators.sum())
        self.widest = int(accelerators.max())
        self._build_arrays([design_numbers(h) for h in self.hardware], self.shell_of)
        self.shells = [
            ShellPlan.build(hardware, self.mix, surfaces)
            for hardware, surfaces in zip(self.hardware, self.surfaces, strict=True)
        ]
        self.clock_frac = float(np.mean([shell.clock for shell in self.shells]))
        self.class_speed = self.speed * class_speed(self.mix, self.clock_frac)
        by_satellite = self._over_year(lambda shell: shell.plan.throughput)
        self.sustainable = float(by_satellite.sum())
        self.sustainable_by_shell = [float(by_satellite[self.shell_of == i].sum()) for i in range(len(groups))]
        self._limit_backlog()
        if self.sustainable <= 0.0:
            raise ScenarioError(f"scenario {scenario.name}: array, battery or radiator cannot sustain any compute")
        self.scenario = self._at_load(scenario)
        hours = self.clock.episode_s / HOUR_S
        value = mean_value(scenario.workload, scenario.class_names)
        self.reference_value = self.sustainable * value * hours
        marginal = self._over_year(lambda shell: shell.marginal)
        self.stored_value = value * np.array([marginal[self.shell_of == i].mean() for i in range(len(groups))])
        self.weights = reward_weights(scenario, self.reference_value, self.stored_value[self.shell_of])
        self.references = self._references()

    @property
    def serving_varies(self) -> bool:
        """Whether episodes draw parameters of services, so that each has serving tables of its own."""
        return any(path.startswith("workload.") for path in self.scenario.randomise)

    def _build_arrays(self, designs: list[dict[str, float]], kind_of: Sequence[int] | np.ndarray) -> None:
        """Build the arrays that depend on hardware and workload.

        Args:
            designs: design numbers of each kind of satellite.
            kind_of: kind of each satellite, (S,).
        """
        scenario = self.scenario
        self.mix = class_mix(scenario.workload, scenario.class_names)
        self.surfaces = [
            Surfaces.of(hardware, altitude, scenario.earth)
            for altitude, hardware in zip(self.altitude_m, self.hardware, strict=True)
        ]
        self.design_numbers = {name: np.array([designs[k][name] for k in kind_of]) for name in designs[0]}
        self.shell_designs = [
            with_shared_values({name: value[self.shell_of == i] for name, value in self.design_numbers.items()})
            for i in range(len(self.hardware))
        ]
        self.design = design_block(designs, kind_of, self.clock.dt_s)
        self.ratings = ratings_block(self.design_numbers, self.period_s)
        self.model_gb = model_sizes(scenario)
        services = services_of(scenario, self.trace)
        self.rules = rules_block(scenario, self.accelerators, services)
        self.serving = serving_tables(services)
        self.policy = policy_numbers(scenario)
        self.sensors = sensor_numbers(scenario)

    def varied(
        self,
        scenario: Scenario,
        hardware: list[Hardware],
        kind_of: np.ndarray,
        drawn: dict[str, np.ndarray],
        condition: Condition | None = None,
    ) -> FleetModel:
        """Return the fleet of an episode that draws values of its own.

        The value that scores 100 and the references of observations stay those of this fleet.

        Args:
            scenario: scenario with the values that the episode drew for the whole fleet.
            hardware: hardware of each kind of satellite.
            kind_of: kind of each satellite, (S,).
            drawn: drawn values, by path.
            condition: condition of the satellites at the episode's start.
        """
        varied = copy.copy(self)
        varied.scenario, varied.drawn, varied.condition = self._at_load(scenario), drawn, condition
        designs = [design_numbers(kind, condition.years if condition else 0.0) for kind in hardware]
        if condition is not None:
            damage = condition.years * self.wear_per_year
            conditions = zip(kind_of, condition.living, condition.dynamic_power, condition.leakage, damage, strict=True)
            designs = [degraded_design(designs[k], *(float(v) for v in values)) for k, *values in conditions]
            kind_of = np.arange(self.satellites)
        varied._build_arrays(designs, kind_of)
        varied.class_speed = varied.speed * class_speed(varied.mix, self.clock_frac)
        varied._limit_backlog()
        return varied

    def _at_load(self, scenario: Scenario) -> Scenario:
        """Return a scenario with the `rate_scale` that gives its `load` on the sustainable output of this fleet.

        Raises:
            ScenarioError: the classes of the scenario's own fleet offer no work.
        """
        load, own = scenario.workload.load, self.scenario.workload.model_copy(update={"rate_scale": 1.0})
        if load is None:
            return scenario
        offered = float(offered_by_class(own, self.scenario.class_names).sum())
        if offered <= 0.0:
            raise ScenarioError(f"workload.load = {load:g}: needs a class that offers work, all rates are 0")
        scale = {"rate_scale": load * self.sustainable / offered, "load": None}
        return scenario.model_copy(update={"workload": scenario.workload.model_copy(update=scale)})

    def _limit_backlog(self) -> None:
        """Write the largest backlog of each class into the rules.

        The limit is `backlog_h` hours of the class's share of the sustainable output.
        """
        hours = self.scenario.dispatch.admission.backlog_h
        if hours is not None:
            self.rules[Rules._fields.index("backlog_most_s")] = hours * HOUR_S * self.sustainable * self.mix.share

    @property
    def plans_hold(self) -> bool:
        """True if the plans of `shells` apply to this fleet: no draw changed satellites, Earth or class mix."""
        return self.condition is None and not any(
            path.startswith(("hardware.", "earth.", "workload.classes.")) for path in self.drawn
        )

    @cached_property
    def wear_per_year(self) -> np.ndarray:
        """Damage to each satellite's battery by a year on the sustainable plan, (S,)."""
        batteries = {id(shell): hardware.battery for shell, hardware in zip(self.shells, self.hardware, strict=True)}
        return self._over_year(lambda shell: wear_per_year(batteries[id(shell)], shell.plan.depth, shell.period_s))

    @property
    def satellites(self) -> int:
        """Number of satellites S."""
        return len(self.shell_of)

    @property
    def speed(self) -> float:
        """Mean speed of the fleet's accelerators at full clock [reference's]."""
        return float(
            np.average(self.design_numbers["speed"], weights=np.maximum(self.design_numbers["accelerators"], 1e-9))
        )

    def trace_note(self) -> str | None:
        """Return one line on omitted rows of the trace, and on parts that repeat because an episode is longer.

        None if there is nothing to report.
        """
        if self.trace is None:
            return None
        notes = [part.note(CENSUS_S, self.clock.episode_s) for part in self.trace.jobs.values()]
        notes += [part.note(self.clock.warm_up_s, self.clock.episode_s) for part in self.trace.requests.values()]
        # classes of one file cover the same time, so their notes are equal
        notes = [*self.trace.notes(), *self._as_is_notes(), *dict.fromkeys(note for note in notes if note)]
        return "; ".join(f"{self.trace.path}: {note}" for note in notes) or None

    def _as_is_notes(self) -> list[str]:
        """List notes on parts of the trace that are replayed as recorded: their rows, and jobs too wide to stay whole.

        They also name the classes that stay synthetic.
        """
        if self.trace is None or not self.trace.as_is:
            return []
        parts = {name: part for name, part in self.trace.jobs.items() if part.recorded is not None}
        rows = [f"{part.width.size} jobs of {name}" for name, part in parts.items()]
        rows += [
            f"{part.submit_s.size} requests to {name}"
            for name, part in self.trace.requests.items()
            if part.recorded is not None
        ]
        notes = [f"replays {' and '.join(rows)} as recorded, from the start of the episode and without scaling"]
        replaced = {*self.trace.jobs, *self.trace.requests}
        others = [name for name in self.scenario.class_names if name not in replaced]
        if others and self.scenario.workload.rate_scale > 0:
            notes.append(f"{' and '.join(others)} stay synthetic; --set workload.rate_scale=0 silences them")
        wide = sum(int((part.width > self.widest).sum()) for part in parts.values())
        if wide:
            notes.append(f"{wide} jobs are wider than the largest satellite ({self.widest}) and are split")
        return notes

    def start_of(self, seed: int) -> datetime:
        """Return the start of episode `seed`, UTC: a minute of the scenario's year or days, or its epoch."""
        start = self.scenario.start
        minutes = start.span // timedelta(minutes=1)
        if not minutes:
            return start.first
        return start.first + timedelta(minutes=int(random_stream(seed, START_STREAM).integers(minutes)))

    @cached_property
    def year_sunlight(self) -> tuple[np.ndarray, np.ndarray]:
        """Sunlight relative to 1 au, (N,), and beta angles [rad], (N, S), at the year's start dates."""
        ephemerides = [
            build_ephemeris(self.constellation, start=start, step_s=MINUTE_S, steps=1) for start in self.year_starts()
        ]
        flux = np.array([ephemeris.solar_flux_w_m2[0] for ephemeris in ephemerides]) / SOLAR_CONSTANT_W_M2
        return flux, np.array([ephemeris.beta_rad[0] for ephemeris in ephemerides])

    def _over_year(self, grid_of: Callable[[ShellPlan], np.ndarray]) -> np.ndarray:
        """Return the mean over the year's start dates of a quantity of the plans, for each satellite, (S,).

        Args:
            grid_of: returns the quantity on the plan grid of a shell.
        """
        flux, beta = self.year_sunlight
        mean = np.empty(self.satellites)
        for i, shell in enumerate(self.shells):
            in_shell = self.shell_of == i
            distance = np.broadcast_to(flux[:, None], beta[:, in_shell].shape)
            mean[in_shell] = shell.at(grid_of(shell), distance, beta[:, in_shell]).mean(0)
        return mean

    def year_starts(self) -> list[datetime]:
        """Return the start dates over which the sustainable output is averaged."""
        start = self.scenario.start
        if not start.span:
            return [start.first]
        days = start.days or 365.0
        return [start.first + timedelta(days=days * k / YEAR_SAMPLES) for k in range(YEAR_SAMPLES)]

    def _clock(self, period_s: float) -> Clock:
        """Return the lengths in physics steps; the warm-up covers an orbit in whole decisions."""
        episode = self.scenario.episode
        steps = round(episode.decision_period_s / episode.physics_s)
        warm_up = steps * int(np.ceil(period_s / episode.decision_period_s))
        return Clock(episode.physics_s, steps, warm_up, round(episode.hours * HOUR_S / episode.physics_s))

    def _references(self) -> References:
        """Return the reference values of observations."""
        design = self.design_numbers
        peak = design["peak_w"]
        drop = peak * (design["r_junction"] + 1.0 / design["g12_on"] + 1.0 / design["g23_on"])
        orbit = (peak + design["bus_w"]) / design["eta_pcdu"] * self.period_s
        values = (
            design["accelerators"],
            peak,
            design["array_peak_w"],
            orbit,
            self.period_s,
            design["limit_k"],
            design["limit_k"] - drop,
        )
        fleet = (float(self.satellites), float(self.accelerators), float(self.widest))
        return References(*values, *fleet)

"""Model of a whole scenario: the typed, validated, frozen description of everything that is simulated.

Fields use engineering units that their names state (`capacity_wh`); `odc_gym.tables.fleet` converts them to SI arrays
once. The module `files` reads names, files and overrides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from odc_gym.elements import FIRST_YEAR, LAST_YEAR
from odc_gym.errors import ScenarioError
from odc_gym.scenario import files
from odc_gym.scenario.base import Fraction, Model, NonNegative, Positive
from odc_gym.scenario.changes import override, plain
from odc_gym.scenario.element_files import holds_sets
from odc_gym.scenario.element_times import check_elements, newest_epoch
from odc_gym.scenario.events import (
    EventContext,
    ScriptedEvent,
    site_names,
)
from odc_gym.scenario.faults import Faults
from odc_gym.scenario.hardware import Hardware
from odc_gym.scenario.messages import explain
from odc_gym.scenario.network import Network, ShellLinks
from odc_gym.scenario.orbit import Orbit, TleOrbit
from odc_gym.scenario.places import Place
from odc_gym.scenario.randomise import Draw, check_draws
from odc_gym.scenario.sensing import Sensing
from odc_gym.scenario.workload import (
    CLASS_ORDER,
    JobClass,
    ServiceClass,
    Workload,
)


class Start(Model):
    """Start of episodes: uniform over a year, time of day included; at an epoch; or uniform over the days after it.

    Without year and epoch, episodes of element sets start from their newest epoch.
    """

    exclusive: ClassVar = (("year", "epoch"), ("year", "days"))
    year: Annotated[int, Field(ge=2024, le=2050)] | None = Field(
        default=None, description="year of the random start; give either this or epoch"
    )
    epoch: datetime | None = Field(
        default=None, description="date and time of every start, UTC if without an offset; give either this or year"
    )
    days: Annotated[float, Field(gt=0, le=366)] | None = Field(
        default=None, description="episodes begin at a random minute of so many days from the epoch; null: at the epoch"
    )

    @model_validator(mode="after")
    def _check_year_or_epoch(self) -> Start:
        if self.year is not None and self.epoch is not None:
            raise ValueError("give either year or epoch")
        if self.year is not None and self.days is not None:
            raise ValueError(f"days = {self.days:g}: must not be given together with year")
        if self.epoch is not None and not FIRST_YEAR <= self.epoch.year <= LAST_YEAR:
            raise ValueError(f"epoch = {self.epoch:%Y-%m-%d}: must be in the years {FIRST_YEAR} to {LAST_YEAR}")
        return self

    @property
    def first(self) -> datetime:
        """Earliest start of an episode, UTC."""
        if self.epoch is None:
            return datetime(self.year or 0, 1, 1, tzinfo=UTC)
        return self.epoch.replace(tzinfo=UTC) if self.epoch.tzinfo is None else self.epoch.astimezone(UTC)

    @property
    def span(self) -> timedelta:
        """Time from the first start over which episodes begin; zero if all begin at the epoch."""
        if self.year is not None:
            return datetime(self.year + 1, 1, 1, tzinfo=UTC) - self.first
        return timedelta(days=self.days or 0.0)


class Episode(Model):
    """Length of an episode and of its steps."""

    hours: Annotated[float, Field(gt=0, le=24 * 31)] = Field(
        default=24.0, description="length of an episode; a whole number of decisions"
    )
    physics_s: Annotated[float, Field(ge=10, le=60)] = Field(
        default=60.0, description="physics step, over which power, heat and battery are integrated"
    )
    decision_period_s: Positive = Field(default=300.0, description="time between two actions; a multiple of physics_s")

    @model_validator(mode="after")
    def _check_whole_steps(self) -> Episode:
        if abs(self.decision_period_s / self.physics_s - round(self.decision_period_s / self.physics_s)) > 1e-9:
            raise ValueError(f"decision_period_s must be a multiple of physics_s ({self.physics_s:g})")
        if abs(self.hours * 3600 / self.decision_period_s - round(self.hours * 3600 / self.decision_period_s)) > 1e-9:
            raise ValueError(f"hours must be a whole number of decisions of {self.decision_period_s:g} s")
        return self


class Shell(Model):
    """Group of satellites that share one kind of orbit and one kind of hardware."""

    hardware: str = Field(description="name of the hardware of its satellites, a key of `hardware`")
    orbit: Orbit = Field(description="orbits of its satellites")
    links: ShellLinks | None = Field(default=None, description="values of its optical links that replace the network's")

    @field_validator("orbit", mode="before", json_schema_input_type=Orbit | dict[Literal["tle", "omm"], str])
    @classmethod
    def _expand_orbit(cls, orbit: Any) -> Any:
        return TleOrbit.expanded(orbit) if isinstance(orbit, Mapping) else orbit


class Earth(Model):
    """Radiation from the Earth, and sunlight at 1 au."""

    infrared_w_m2: NonNegative = Field(
        default=237.0, description="infrared radiation of the Earth, uniform over its surface"
    )
    albedo: Fraction = Field(default=0.30, description="share of sunlight that the Earth reflects, diffusely")
    solar_w_m2: Positive = Field(default=1361.0, description="sunlight at 1 au; the distance of the day scales it")


class Admission(Model):
    """Admission of arriving jobs to the queue."""

    backlog_h: Positive | None = Field(
        default=None,
        description="longest backlog: a class refuses jobs when its waiting work would take longer on its share of the "
        "sustainable output",
    )


class Dispatch(Model):
    """Rules that turn bids into placements."""

    load_weight: NonNegative = Field(
        default=1.0, description="weight of a satellite's busy share in its score, bid - load_weight x busy share"
    )
    migration_margin: NonNegative = Field(
        default=1.0, description="lead in score from which a running job moves to another satellite"
    )
    min_stay_min: NonNegative = Field(default=30.0, description="least time of a job on a satellite before it may move")
    close: Annotated[float, Field(ge=-1, le=1)] = Field(
        default=-0.5, description="bid below which a satellite accepts no new work of the class"
    )
    drain: Annotated[float, Field(ge=-1, le=1)] = Field(
        default=-0.8, description="bid below which running work of the class leaves the satellite"
    )
    hold: Annotated[float, Field(ge=-1, le=1)] = Field(
        default=-0.9, description="urgency below which a class is held back"
    )
    queue_age_h: Positive = Field(default=2.0, description="waiting time that doubles a job's rank")
    order: Literal["value", "edf", "least-slack", "fcfs"] = Field(
        default="value",
        description="order of the queue. value: by value, urgency and wait; edf: by deadline; least-slack: by "
        "deadline minus remaining work; fcfs: by arrival",
    )
    reservation: Literal["easy", "none"] = Field(
        default="easy", description="easy: jobs of lower rank must not delay the highest-ranked job that fits nowhere"
    )
    admission: Admission = Field(default=Admission(), description="limits on the jobs that the queue admits")
    fair_share: bool = Field(
        default=False, description="whether tenants that had more than their entitled share rank lower"
    )
    fair_share_h: Positive = Field(default=4.0, description="time over which past use of the fleet counts")

    @model_validator(mode="after")
    def _check_fair_share_order(self) -> Dispatch:
        if self.fair_share and self.order != "value":
            raise ValueError(f"order = {self.order}: must be value with fair_share")
        return self


class Assign(Model):
    """Action mode `assign`: the agent assigns single jobs to satellites, and chooses clocks from levels."""

    k: Annotated[int, Field(ge=1, le=256)] = Field(default=16, description="waiting jobs that agents see and place")
    levels: tuple[Literal["sustainable"] | Annotated[float, Field(gt=0, le=1)], ...] = Field(
        default=("sustainable", 0.3, 0.475, 0.65, 0.825, 1.0),
        min_length=1,
        description="clocks over full clock, or the present sustainable clock",
    )
    others: Literal["wait", "bids"] = Field(
        default="wait", description="treatment of jobs beyond the first k, and of jobs that arrive between decisions"
    )


class Reward(Model):
    """Weights of the reward's terms, in value (reference-accelerator-hours times class value), for any satellite."""

    thermal: NonNegative = Field(
        default=0.0125,
        description="weight of heat above the junction limit, per satellite-hour and reference accelerator",
    )
    unserved: NonNegative = Field(
        default=0.125, description="weight of unserved bus power, per satellite-hour and reference accelerator"
    )
    low_charge: NonNegative = Field(
        default=0.5, description="weight of charge below the floor, per satellite-hour and reference accelerator"
    )
    wear: NonNegative = Field(
        default=2200.0, description="weight of battery wear, per unit of linear fatigue damage and kWh of capacity"
    )
    stored_energy: NonNegative = Field(
        default=0.9213, description="price of stored energy over its marginal value in the sustainable plan"
    )
    stored_energy_curvature: Annotated[float, Field(ge=0, le=0.5)] = Field(
        default=0.15, description="a in the stored energy's worth, price x kWh x (c - a c^2), with c the charge"
    )


class Scenario(Model):
    """Complete description of a simulation.

    Load a scenario by name or path with `Scenario.load`, and change it with `replace`.
    """

    name: str = Field(description="name of the scenario, in tables and file names; not inherited from a base")
    description: str = Field(
        description="one line about the fleet and its purpose, as `odc-gym scenario list` prints it"
    )
    start: Start = Field(default=Start(), description="date and time at which episodes begin")
    episode: Episode = Field(description="length of episodes and of their steps")
    shells: tuple[Shell, ...] = Field(min_length=1, description="groups of satellites, in the order of their numbers")
    hardware: dict[str, Hardware] = Field(min_length=1, description="kinds of satellites by name")
    earth: Earth = Field(default=Earth(), description="radiation from the Earth and the Sun")
    workload: Workload = Field(description="offered work")
    network: Network = Field(description="links between satellites and to the ground")
    dispatch: Dispatch = Field(default=Dispatch(), description="rules of queue and placement")
    assign: Assign = Field(default=Assign(), description="action mode `assign`")
    sensing: Sensing = Field(default=Sensing(), description="noise and age of what agents see")
    reward: Reward = Field(default=Reward(), description="weights of the reward's terms")
    faults: Faults = Field(
        default=Faults(enabled=False), description="upsets, failures and outages; without this block there are none"
    )
    events: tuple[ScriptedEvent, ...] = Field(
        default=(), description="scripted events, at times from the start of the episode"
    )
    randomise: dict[str, Draw] = Field(
        default={}, description="path of a number: distribution that episodes draw it from"
    )

    @model_validator(mode="after")
    def _check_start(self) -> Scenario:
        orbits = [shell.orbit for shell in self.shells]
        if self.start.year is None and self.start.epoch is None:
            epoch = newest_epoch(orbits)
            if epoch is None:
                raise ValueError("start: give either year or epoch")
            # the model is frozen for others: its own validator fills in the start that its element sets imply
            object.__setattr__(self, "start", Start(epoch=epoch, days=self.start.days))
        first, last = self.start.first, self.start.first + self.start.span
        check_elements(orbits, first, last, self.episode.decision_period_s, self.episode.hours)
        return self

    @model_validator(mode="after")
    def _check_hardware_fits(self) -> Scenario:
        for i, shell in enumerate(self.shells):
            if shell.hardware not in self.hardware:
                raise ValueError(f"shells.{i}.hardware = {shell.hardware}: must be one of {', '.join(self.hardware)}")
        widest = max(h.accelerators.count for h in self.hardware.values())
        memory_gb = max(h.accelerators.hbm_gb for h in self.hardware.values())
        for name, c in self.workload.classes.items():
            if isinstance(c, ServiceClass) and c.weights_gb > c.replica_accelerators * memory_gb:
                raise ValueError(
                    f"workload.classes.{name}.weights_gb = {c.weights_gb:g}: must fit the memory of a replica, "
                    f"{c.replica_accelerators} x {memory_gb:g} GB"
                )
            if isinstance(c, JobClass) and c.memory_gb > memory_gb:
                raise ValueError(
                    f"workload.classes.{name}.memory_gb = {c.memory_gb:g}: no accelerator has more than {memory_gb:g}"
                )
            width = max(c.width) if isinstance(c, JobClass) else c.replica_accelerators
            if isinstance(c, JobClass) and c.gang is not None and self.network.links is None:
                raise ValueError(f"workload.classes.{name}.gang: needs network.links, links between satellites")
            if width > widest:
                raise ValueError(
                    f"workload.classes.{name}: {width} accelerators wide, but no satellite has more than {widest}"
                )
        return self

    @model_validator(mode="after")
    def _check_links(self) -> Scenario:
        links = self.network.links
        for i, shell in enumerate(self.shells):
            if shell.links is not None and links is None:
                raise ValueError(f"shells.{i}.links: must not be given without network.links")
            if links is not None and links.topology == "grid" and shell.orbit.pattern in ("cluster", "tle"):
                raise ValueError(
                    f"network.links.topology = grid: must be nearest or mesh, shells.{i} ({shell.orbit.pattern}) has "
                    f"no planes"
                )
        return self

    @model_validator(mode="after")
    def _check_events(self) -> Scenario:
        if not self.events:
            return self
        orbits, sites = [shell.orbit for shell in self.shells], site_names(self.network.ground)
        context = EventContext(
            None if self.start.days else self.start.epoch, orbits, list(self.workload.classes), sites
        )
        for i, event in enumerate(self.events):
            try:
                event.check(context)
            except ValueError as error:
                raise ValueError(f"events.{i}.{error}") from None
        return self

    @model_validator(mode="after")
    def _check_random_values(self) -> Scenario:
        check_draws(self, self.randomise)
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the scenario's classes in the fixed order of class axes."""
        return tuple(name for name in CLASS_ORDER if name in self.workload.classes)

    @classmethod
    def superseded(cls, changes: Mapping[str, Any]) -> set[str]:
        """Return the fields that are not inherited: element sets bring their epoch in place of the base's start."""
        return {"start"} if holds_sets(changes.get("shells")) else set()

    @classmethod
    def load(
        cls, source: str | Path | Scenario | Mapping[str, Any], overrides: dict[str, Any] | None = None
    ) -> Scenario:
        """Read a scenario.

        Args:
            source: a name in `configs/scenarios`, the path of a YAML file, a Scenario, or the mapping that such a file
                or `model_dump` holds.
            overrides: dotted path to value, as in `replace`.

        Raises:
            ScenarioError: the name or a key is unknown, the file is malformed, or a value is not allowed.
        """
        if isinstance(source, Mapping):
            scenario = cls.validated(files.with_base(source, cls))
        else:
            scenario = source if isinstance(source, Scenario) else cls.validated(*files.read(source, cls))
        return scenario.replace(overrides) if overrides else scenario

    def replace(self, overrides: dict[str, Any]) -> Scenario:
        """Return a copy with fields changed; the copy is validated as a whole.

        Args:
            overrides: dotted path to value; `*` stands for every key of a mapping or every entry of a list, as in
                `hardware.*.battery.capacity_wh`. A later path changes what an earlier one has set. A mapping merges as
                in a file with a base: key by key, and None removes a key.

        Raises:
            ScenarioError: a path is unknown or a value is not allowed.
        """
        return self.validated(override(plain(self), overrides, Place((Scenario,))))

    @classmethod
    def validated(cls, data: dict[str, Any], where: str = "") -> Scenario:
        """Build a scenario from plain data.

        Args:
            data: fields by name, as a YAML file holds them.
            where: prefix of the error message.

        Raises:
            ScenarioError: a value is wrong; the message is `path = value: what is allowed`.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ScenarioError((f"{where}: " if where else "") + explain(error, cls)) from None

    def digest(self) -> str:
        """Return a hash of all fields: equal digests mean equal scenarios."""
        return hashlib.blake2b(
            json.dumps(self.model_dump(mode="json"), sort_keys=True).encode(), digest_size=16
        ).hexdigest()

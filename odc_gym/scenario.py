"""A scenario: the typed, validated, frozen description of everything that is simulated.

Fields use engineering units that their names tell (`capacity_wh`); `odc_gym.simulation.tables` converts them to SI arrays once.
The reading of files, names and overrides is in `odc_gym.scenario_files`.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

CLASS_ORDER = ("finetuning", "batch", "interactive")
"""Job classes in the order of every class axis."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Efficiency = Annotated[float, Field(gt=0, le=1)]
Celsius = Annotated[float, Field(gt=-273.15, lt=1000)]


class Model(BaseModel):
    """Frozen, and strict about unknown keys: a misspelt field is an error, never a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Start(Model):
    """When episodes begin: uniform over a year, hour included, or always at one epoch."""

    year: Annotated[int, Field(ge=2024, le=2050)] | None = None
    epoch: datetime | None = Field(default=None, description="UTC; a date without an offset is read as UTC")

    @model_validator(mode="after")
    def _one_of_two(self) -> Start:
        if (self.year is None) == (self.epoch is None):
            raise ValueError("give either year or epoch")
        return self


class Episode(Model):
    """Length of an episode and of its steps."""

    hours: Annotated[float, Field(gt=0, le=24 * 31)] = 24.0
    physics_s: Annotated[float, Field(ge=10, le=60)] = 60.0
    decision_s: Positive = 300.0

    @model_validator(mode="after")
    def _whole_steps(self) -> Episode:
        if abs(self.decision_s / self.physics_s - round(self.decision_s / self.physics_s)) > 1e-9:
            raise ValueError(f"decision_s must be a multiple of physics_s ({self.physics_s:g})")
        if abs(self.hours * 3600 / self.decision_s - round(self.hours * 3600 / self.decision_s)) > 1e-9:
            raise ValueError(f"hours must be a whole number of decisions of {self.decision_s:g} s")
        return self


class WalkerOrbit(Model):
    """Walker pattern i: total/planes/phasing of circular orbits (Walker 1984)."""

    pattern: Literal["delta", "star"]
    altitude_km: Annotated[float, Field(ge=300, le=2000)]
    inclination_deg: Annotated[float, Field(ge=0, le=180)]
    total: Annotated[int, Field(ge=1)]
    planes: Annotated[int, Field(ge=1)]
    phasing: Annotated[int, Field(ge=0)] = 0
    raan_deg: float = 0.0

    @model_validator(mode="after")
    def _divisible(self) -> WalkerOrbit:
        if self.total % self.planes:
            raise ValueError(f"total = {self.total} must be divisible by planes = {self.planes}")
        if self.phasing >= self.planes:
            raise ValueError(f"phasing = {self.phasing} must be below planes = {self.planes}")
        return self


class SunSynchronousOrbit(Model):
    """Sun-synchronous circular orbits, given by the mean local time of the ascending node."""

    pattern: Literal["sun_synchronous"]
    altitude_km: Annotated[float, Field(ge=300, le=2000)]
    local_time_h: Annotated[float, Field(ge=0, lt=24)] | tuple[Annotated[float, Field(ge=0, lt=24)], ...]
    total: Annotated[int, Field(ge=1)]
    planes: Annotated[int, Field(ge=1)] = 1
    phasing: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _divisible(self) -> SunSynchronousOrbit:
        if self.total % self.planes:
            raise ValueError(f"total = {self.total} must be divisible by planes = {self.planes}")
        if isinstance(self.local_time_h, tuple) and len(self.local_time_h) != self.planes:
            raise ValueError(f"local_time_h must be a number or a list of one time a plane ({self.planes})")
        return self


class ClusterOrbit(Model):
    """Satellites within a small radius of one sun-synchronous reference orbit: they share its light."""

    pattern: Literal["cluster"]
    altitude_km: Annotated[float, Field(ge=300, le=2000)]
    local_time_h: Annotated[float, Field(ge=0, lt=24)]
    total: Annotated[int, Field(ge=1)]
    radius_km: Annotated[float, Field(gt=0, le=50)] = 1.0


class TleOrbit(Model):
    """Orbits by two-line elements, propagated by SGP4 within 14 days of their epochs."""

    pattern: Literal["tle"]
    lines: tuple[tuple[str, str], ...] = Field(min_length=1)
    allow_old: bool = Field(default=False, description="propagate beyond 14 days from the elements' epoch")


Orbit = Annotated[WalkerOrbit | SunSynchronousOrbit | ClusterOrbit | TleOrbit, Field(discriminator="pattern")]


class Shell(Model):
    """A group of satellites that fly one kind of orbit with one kind of hardware."""

    hardware: str
    orbit: Orbit


class Solar(Model):
    """Array output at operating temperature, and how well it points."""

    area_m2: Positive
    w_per_m2: Positive = Field(description="electrical output at 1361 W/m2, new, operating temperature")
    eol: Efficiency = Field(description="output left at end of life")
    tracking: Literal["two_axis"] = "two_axis"
    pointing_error_deg: Annotated[float, Field(ge=0, lt=90)] = 0.0


class Power(Model):
    """Power conditioning and the loads that are not compute."""

    pcdu: Efficiency = Field(description="efficiency of conditioning and harness; the loss heats the radiator")
    bus_w: NonNegative = Field(description="pump, attitude control, idle lasers")
    terminal_w: NonNegative = Field(description="extra while a satellite transfers")


class Battery(Model):
    """Battery pack at a fixed temperature."""

    capacity_wh: Positive
    eff_charge: Efficiency
    eff_discharge: Efficiency
    c_charge: Positive = Field(description="largest charging rate, 1/h")
    c_discharge: Positive = Field(description="largest discharging rate, 1/h")
    floor: Fraction = Field(description="charge below which compute is shed")
    restore: Fraction = Field(description="charge at which shed compute returns")
    soft_dod: Annotated[float, Field(gt=0, le=1)] = Field(
        description="depth of discharge that the sustainable plan keeps"
    )
    taper_from: Annotated[float, Field(gt=0, lt=1)] = Field(
        description="charge from which charging tapers to 0 at full"
    )
    temperature_c: Annotated[float, Field(ge=-20, le=60)]

    @model_validator(mode="after")
    def _ordered(self) -> Battery:
        if not 0.02 < self.floor < self.restore < 1:
            raise ValueError(
                f"must hold 0.02 < floor < restore < 1, got floor = {self.floor}, restore = {self.restore}"
            )
        return self


class Radiator(Model):
    """Deployed radiator panel; `knife_edge` keeps its edge to the Sun and to nadir."""

    area_m2: Positive = Field(description="panel area; each face radiates")
    faces: Literal[1, 2]
    mode: Literal["knife_edge"] = "knife_edge"
    eps: Efficiency = Field(description="infrared emissivity")
    alpha: Fraction = Field(description="solar absorptivity")
    fin: Efficiency = Field(description="fin effectiveness")


class HotBack(Model):
    """The warm back of the solar array as the radiator sees it."""

    view_factor: Fraction
    eps: Fraction
    sunlit_k: Positive
    eclipse_k: Positive


class Thermal(Model):
    """Three nodes: plate (chips and cold plate), pumped loop, radiator."""

    c_kj_k: tuple[Positive, Positive, Positive] = Field(description="heat capacities of plate, loop, radiator")
    dt_full_k: tuple[Positive, Positive, Positive] = Field(
        description="temperature steps at full power: junction-plate, plate-loop, loop-radiator"
    )
    limit_c: Celsius = Field(description="junction limit: a violation counts above it")
    throttle_c: Celsius = Field(description="junction temperature that the governor holds")
    trip_c: Celsius = Field(description="junction temperature that switches the satellite's compute off")
    plan_c: Celsius = Field(default=84.0, description="junction temperature that the sustainable plan keeps")
    reset_c: Celsius = Field(default=75.0, description="junction temperature below which a trip resets")
    reset_min: Positive = Field(default=15.0, description="time after which a trip resets at the latest")
    leak: Fraction = Field(description="leakage share of power at 60 C")
    double_k: Positive = Field(description="temperature rise that doubles leakage")
    loop_on_c: Celsius = 25.0
    loop_off_c: Celsius = 10.0
    loop_on_w: NonNegative = 100.0
    off_conductance: Fraction = Field(default=0.03, description="conductance left when the loop stands")

    @model_validator(mode="after")
    def _ordered(self) -> Thermal:
        if not self.reset_c < self.limit_c < self.throttle_c < self.trip_c or self.plan_c > self.limit_c:
            raise ValueError("must hold reset_c < limit_c < throttle_c < trip_c and plan_c <= limit_c")
        return self


class Accelerators(Model):
    """Accelerators of one satellite and their power law (see `odc_gym.physics.compute`)."""

    count: Annotated[int, Field(ge=1, le=1024)]
    kind: str
    speed: Positive = Field(default=1.0, description="work rate at full clock over that of the reference, an H200")
    peak_w: Positive = Field(description="all accelerators and host at full clock and utilisation 1, at 60 C")
    idle_each_w: NonNegative
    gated_each_w: NonNegative
    gate_after_s: Positive = 300.0
    host_w: NonNegative
    standby_w: NonNegative = Field(description="host on standby, while shed or tripped")
    x_min: Annotated[float, Field(ge=0.05, lt=1)] = Field(description="lowest clock over full clock")
    static: Fraction = Field(description="share of dynamic power that does not follow the clock")
    v0: Efficiency = Field(description="lowest voltage over full voltage")
    x_v: Annotated[float, Field(ge=0, lt=1)] = Field(description="clock at which voltage begins to rise")
    bf16_tflops: Positive
    hbm_gb: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Accelerators:
        if self.peak_w <= self.host_w + self.count * self.idle_each_w:
            raise ValueError(f"peak_w = {self.peak_w:g} must exceed host_w + count * idle_each_w")
        if self.gated_each_w > self.idle_each_w:
            raise ValueError(f"gated_each_w = {self.gated_each_w:g} must not exceed idle_each_w = {self.idle_each_w:g}")
        return self


class Hardware(Model):
    """One kind of satellite."""

    solar: Solar
    power: Power
    battery: Battery
    radiator: Radiator
    hot_back: HotBack
    thermal: Thermal
    accelerators: Accelerators


class Earth(Model):
    """The planet's radiation and the Sun's at 1 au."""

    infrared_w_m2: NonNegative = 237.0
    albedo: Fraction = 0.30
    solar_w_m2: Positive = 1361.0


class Duration(Model):
    """Lognormal run time at full clock, with a limit."""

    median: Positive
    sigma: NonNegative
    cut: Positive = Field(description="longest duration; longer draws count as this one, as under a run-time limit")


class Slack(Model):
    """Deadline minus arrival, uniform: in hours, or as a multiple of the job's duration."""

    low: Positive
    high: Positive
    of: Literal["duration", "hour"]

    @model_validator(mode="after")
    def _ordered(self) -> Slack:
        if self.high < self.low:
            raise ValueError(f"high = {self.high:g} must not be below low = {self.low:g}")
        return self


class Checkpoints(Model):
    """Work becomes safe when a checkpoint is written; a job that is told to stop writes one."""

    kind: Literal["checkpoint"]
    every_min: Positive
    stall_s: NonNegative
    state_gb: NonNegative


class Chunks(Model):
    """Work becomes safe when a chunk is finished; an open chunk is dropped when the job stops."""

    kind: Literal["chunk"]
    every_min: Positive


Progress = Annotated[Checkpoints | Chunks, Field(discriminator="kind")]


class JobClass(Model):
    """A class of jobs that arrive, run for a while on some accelerators of one satellite, and leave."""

    kind: Literal["job"]
    utilisation: Efficiency = Field(description="dynamic power over that of peak while it runs")
    clock_sensitivity: Fraction = Field(description="kappa: 1 compute-bound, 0 memory-bound")
    value: Positive = Field(description="value of one reference-accelerator-hour")
    jobs_per_h: NonNegative
    width: dict[Annotated[int, Field(ge=1)], Positive] = Field(min_length=1, description="accelerators: probability")
    duration_h: Duration
    slack: Slack
    hold_back: Fraction = Field(default=0.0, description="share of the value paid only on completion")
    progress: Progress
    init_s: NonNegative = 0.0
    data_in_gb: NonNegative = 0.0
    movable: bool = True

    @model_validator(mode="after")
    def _probabilities(self) -> JobClass:
        if abs(sum(self.width.values()) - 1) > 1e-6:
            raise ValueError(f"width: probabilities must sum to 1, got {sum(self.width.values()):g}")
        return self


class ServiceClass(Model):
    """A class that serves a demand for tokens with resident replicas."""

    kind: Literal["service"]
    utilisation: Efficiency
    clock_sensitivity: Fraction
    value: Positive = Field(description="value of one reference-accelerator-hour served within target")
    output_tokens_per_min: NonNegative
    accelerator_ms_per_token: Positive = Field(
        description="reference accelerator time of an output token with its mean input"
    )
    replica_accelerators: Annotated[int, Field(ge=1)]
    weights_gb: NonNegative
    start_s: NonNegative
    target_s: NonNegative = Field(description="wait up to which a token is paid in full")
    patience_s: Positive = Field(description="wait at which a token is abandoned")
    headroom: Efficiency = Field(default=0.8, description="share of a replica's rate that the autoscaler plans with")
    scale_down_min: NonNegative = 15.0
    queue_value: Positive = Field(default=2.0, description="value by which a wanted replica queues")

    @model_validator(mode="after")
    def _ordered(self) -> ServiceClass:
        if self.patience_s <= self.target_s:
            raise ValueError(f"patience_s = {self.patience_s:g} must exceed target_s = {self.target_s:g}")
        return self


WorkClass = Annotated[JobClass | ServiceClass, Field(discriminator="kind")]


class Region(Model):
    """Where work comes from: a time zone and a share."""

    utc_offset_h: Annotated[float, Field(ge=-12, le=14)]
    share: Positive


class Profile(Model):
    """Hour-of-day shape of arrivals: mean 1, two harmonics, flattened by `amplitude`."""

    amplitude: NonNegative
    floor: Fraction
    daily: tuple[float, float] = Field(description="amplitude and peak hour of the 24 h harmonic")
    half_daily: tuple[float, float] = Field(description="amplitude and peak hour of the 12 h harmonic")


class Burst(Model):
    """Gamma-distributed rate factors, mean 1: an hourly one with memory, and one of ten minutes."""

    hour_variance: NonNegative
    ten_minute_variance: NonNegative
    ar: Annotated[float, Field(ge=0, lt=1)]
    demand_noise: NonNegative


class Workload(Model):
    """All the work that is offered."""

    classes: dict[str, WorkClass] = Field(min_length=1)
    regions: dict[str, Region] = Field(min_length=1)
    profile: Profile
    burst: Burst
    estimate_sigma: NonNegative = Field(description="lognormal error of the visible estimate of a job's work, mean 1")
    rate_scale: NonNegative = Field(default=1.0, description="multiplies the rate of every class")

    @model_validator(mode="after")
    def _known_classes(self) -> Workload:
        for name in self.classes:
            if name not in CLASS_ORDER:
                raise ValueError(f"classes.{name}: unknown key; must be one of {', '.join(CLASS_ORDER)}")
        return self


class Backbone(Model):
    """An external relay mesh that every satellite can reach."""

    rate_gbps: Positive = Field(description="per satellite, shared equally by its transfers")
    latency_s: NonNegative


class Network(Model):
    """How data reaches satellites."""

    backbone: Backbone


class Dispatch(Model):
    """The rules that turn bids into placements."""

    load_weight: NonNegative = 1.0
    migration_margin: NonNegative = 1.0
    min_stay_min: NonNegative = 30.0
    close: Annotated[float, Field(ge=-1, le=1)] = -0.5
    drain: Annotated[float, Field(ge=-1, le=1)] = -0.8
    hold: Annotated[float, Field(ge=-1, le=1)] = Field(default=-0.9, description="urgency below which a class is held")
    queue_age_h: Positive = Field(default=2.0, description="wait that doubles a job's rank")
    order: Literal["value", "edf", "least-slack", "fcfs"] = "value"


class Reward(Model):
    """Weights of the reward's terms, in value (reference-accelerator-hours times class value)."""

    thermal: NonNegative = 0.10
    unserved: NonNegative = 1.0
    low_charge: NonNegative = 4.0
    wear: NonNegative = Field(default=2.2e4, description="per unit of linear fatigue damage of one battery")
    stored_energy_per_kwh: NonNegative = 1.3
    stored_energy_curvature: Annotated[float, Field(ge=0, le=0.5)] = 0.15


class Scenario(Model):
    """Everything that is simulated.

    Load one by name or path with `Scenario.load`, change it with `replace`.
    """

    name: str
    description: str
    start: Start
    episode: Episode
    shells: tuple[Shell, ...] = Field(min_length=1)
    hardware: dict[str, Hardware] = Field(min_length=1)
    earth: Earth = Earth()
    workload: Workload
    network: Network
    dispatch: Dispatch = Dispatch()
    reward: Reward = Reward()

    @model_validator(mode="after")
    def _consistent(self) -> Scenario:
        for i, shell in enumerate(self.shells):
            if shell.hardware not in self.hardware:
                raise ValueError(f"shells.{i}.hardware = {shell.hardware}: must be one of {', '.join(self.hardware)}")
        widest = max(h.accelerators.count for h in self.hardware.values())
        for name, c in self.workload.classes.items():
            width = max(c.width) if isinstance(c, JobClass) else c.replica_accelerators
            if width > widest:
                raise ValueError(
                    f"workload.classes.{name}: {width} accelerators wide, but no satellite has more than {widest}"
                )
        return self

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the scenario's classes in the fixed order of class axes."""
        return tuple(name for name in CLASS_ORDER if name in self.workload.classes)

    @classmethod
    def load(cls, source: str | Path | Scenario, overrides: dict[str, Any] | None = None) -> Scenario:
        """Read a scenario.

        Args:
            source: a name in `configs/scenarios`, the path of a YAML file, or a Scenario.
            overrides: dotted path to value, as in `replace`.

        Raises:
            ScenarioError: unknown name, malformed file, unknown key or a value that is not allowed.
        """
        from odc_gym.scenario_files import read

        scenario = source if isinstance(source, Scenario) else read(source)
        return scenario.replace(overrides) if overrides else scenario

    def replace(self, overrides: dict[str, Any]) -> Scenario:
        """A copy with fields changed, validated as a whole.

        Args:
            overrides: dotted path to value; `*` stands for every key of a mapping or every entry of a list, as in
                `hardware.*.battery.capacity_wh`.

        Raises:
            ScenarioError: unknown path or a value that is not allowed.
        """
        from odc_gym.scenario_files import replace

        return replace(self, overrides)

    def digest(self) -> str:
        """A hash of all fields: equal digests mean equal scenarios."""
        return hashlib.blake2b(
            json.dumps(self.model_dump(mode="json"), sort_keys=True).encode(), digest_size=16
        ).hexdigest()

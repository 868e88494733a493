"""Workload: classes of jobs and services, with their arrivals, sizes and values."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from odc_gym.scenario.arrivals import Arrivals, Burst, Profile, RequestArrivals
from odc_gym.scenario.base import Efficiency, Fraction, Model, NonNegative, Positive, UtcOffset
from odc_gym.scenario.captures import Captures
from odc_gym.scenario.engine import Engine
from odc_gym.scenario.gangs import Gang
from odc_gym.scenario.paths import key_hint
from odc_gym.scenario.sizes import JobSizes, RequestSizes
from odc_gym.scenario.surges import Surges
from odc_gym.scenario.tenants import Tenant, Tiers

CLASS_ORDER = ("pretraining", "finetuning", "batch", "interactive", "edge")
"""Classes in the order of every class axis."""


class Duration(Model):
    """Lognormal run time at full clock, with an upper limit."""

    median: Positive = Field(description="median run time on reference accelerators at full clock [h]")
    sigma: NonNegative = Field(description="standard deviation of the logarithm")
    cut: Positive = Field(description="longest run time [h]; longer draws are set to it, as under a run-time limit")


class Slack(Model):
    """Deadline minus arrival, uniform: in hours, or as a multiple of the job's duration."""

    low: Positive = Field(description="least slack, in durations or hours")
    high: Positive = Field(description="greatest slack, in durations or hours")
    of: Literal["duration", "hour"] = Field(description="unit of low and high: the job's duration, or an hour")

    @model_validator(mode="after")
    def _check_order(self) -> Slack:
        if self.high < self.low:
            raise ValueError(f"high = {self.high:g} must not be below low = {self.low:g}")
        return self


class Checkpoints(Model):
    """Progress by checkpoints: work is safe when a checkpoint is written.

    A job that is told to stop writes a checkpoint first.
    """

    kind: Literal["checkpoint"] = Field(description="progress by checkpoints")
    interval: Literal["fixed", "young-daly"] = Field(
        default="fixed",
        description="young-daly: sqrt(2 x stall x mean time between unforeseen stops), as observed so far",
    )
    every_min: Positive = Field(description="work between checkpoints; the upper limit of it with young-daly")
    stall_s: NonNegative = Field(description="time for which work stops while a checkpoint is written")
    state_gb: NonNegative = Field(description="size of a checkpoint, which a job takes to another satellite")


class Chunks(Model):
    """Progress by chunks: work is safe when a chunk is finished.

    An unfinished chunk is lost when the job stops.
    """

    kind: Literal["chunk"] = Field(description="progress by chunks")
    every_min: Positive = Field(description="work in a chunk, on the reference at full clock")


OpenFraction = Annotated[float, Field(gt=0, lt=1)]
Progress = Annotated[Checkpoints | Chunks, Field(discriminator="kind")]


class JobClass(Model):
    """Class of jobs that arrive, run for a while on accelerators of one satellite or of a gang, and leave."""

    exclusive: ClassVar = (("duration_h", "sizes"),)
    kind: Literal["job"] = Field(description="class of jobs")
    utilisation: Efficiency = Field(description="dynamic power over peak dynamic power while a job runs")
    clock_sensitivity: Fraction = Field(description="kappa: 1 compute-bound, 0 memory-bound")
    value: Positive = Field(description="value of one reference-accelerator-hour")
    jobs_per_h: NonNegative = Field(description="mean rate of arrivals")
    width: dict[Annotated[int, Field(ge=1)], Positive] = Field(
        min_length=1, description="number of accelerators, on each satellite of a gang: probability"
    )
    duration_h: Duration | None = Field(default=None, description="run time by a lognormal; give either this or sizes")
    arrivals: Arrivals | None = Field(default=None, description="arrival process; null: that of the workload")
    sizes: JobSizes | None = Field(
        default=None, description="run times by a law of their own; give either this or duration_h"
    )
    gang: Gang | None = Field(default=None, description="gang settings, for jobs that span several satellites")
    captures: Captures | None = Field(
        default=None, description="capture settings, for jobs that arise on satellites, where their data lies"
    )
    slack: Slack = Field(description="deadline minus arrival")
    decay_min: Positive | None = Field(
        default=None,
        description="age at which a job's value has decayed to 1/e; jobs are then paid by age, not by deadline",
    )
    hold_back: Fraction = Field(default=0.0, description="share of the value paid only on completion")
    progress: Progress = Field(description="points up to which work is safe")
    init_s: NonNegative = Field(default=0.0, description="time to start after the data has arrived")
    data_in_gb: NonNegative = Field(default=0.0, description="size of the input")
    data_out_gb: NonNegative = Field(
        default=0.0, description="size of results; the share held back is paid when they reach the ground"
    )
    memory_gb: NonNegative = Field(default=0.0, description="memory used on each of its accelerators")
    models: dict[str, Positive] = Field(
        default={}, description="model that a job needs, one of the workload's models: probability"
    )
    movable: bool = Field(default=True, description="whether a running job may move to another satellite")
    failed_frac: Fraction = Field(default=0.0, description="share of jobs that end early by a failure of their own")
    failed_after: OpenFraction = Field(default=0.15, description="mean share of its work that such a job does")
    cancelled_frac: Fraction = Field(default=0.0, description="share of jobs that their users cancel")
    cancelled_after: OpenFraction = Field(default=0.6, description="mean share of its work that such a job does")

    @model_validator(mode="after")
    def _check_fields(self) -> JobClass:
        if self.failed_frac + self.cancelled_frac > 1.0:
            raise ValueError(
                f"failed_frac + cancelled_frac = {self.failed_frac + self.cancelled_frac:g}: must be at most 1"
            )
        if abs(sum(self.width.values()) - 1) > 1e-6:
            raise ValueError(f"width: probabilities must sum to 1, got {sum(self.width.values()):g}")
        if self.models and abs(sum(self.models.values()) - 1) > 1e-6:
            raise ValueError(f"models: probabilities must sum to 1, got {sum(self.models.values()):g}")
        if self.data_out_gb > 0 and self.hold_back == 0:
            raise ValueError(f"data_out_gb = {self.data_out_gb:g}: needs hold_back > 0, the share paid on delivery")
        if (self.duration_h is None) == (self.sizes is None):
            raise ValueError("give either duration_h or sizes")
        if self.gang is not None and self.captures is not None:
            raise ValueError("give either gang or captures, because captured data is processed on its own satellite")
        return self


class ServiceClass(Model):
    """Class that serves a demand for tokens with resident replicas."""

    kind: Literal["service"] = Field(description="class of requests, served by replicas")
    utilisation: Efficiency = Field(
        description="dynamic power over peak dynamic power while replicas work; the engine may set each phase"
    )
    clock_sensitivity: Fraction = Field(
        description="kappa: 1 compute-bound, 0 memory-bound; the engine may set each phase"
    )
    value: Positive = Field(description="value of one reference-accelerator-hour served within target")
    output_tokens_per_min: NonNegative = Field(description="mean demand")
    arrivals: RequestArrivals | None = Field(
        default=None, description="arrival process of requests; null: those of a pool of many users. Needs sizes"
    )
    sizes: RequestSizes | None = Field(default=None, description="tokens of requests; given together with arrivals")
    accelerator_ms_per_token: Positive = Field(
        description="reference accelerator time of an output token, its mean input included"
    )
    prefill_ms_per_token: NonNegative = Field(
        default=0.8, description="reference accelerator time of an input token; weights the requests of a trace"
    )
    input_tokens_per_output: NonNegative = Field(
        default=5.474,
        description="mean input tokens for each output token; with the last two it gives the decoding time",
    )
    replica_accelerators: Annotated[int, Field(ge=1)] = Field(description="accelerators of a replica, on one satellite")
    weights_gb: NonNegative = Field(description="size of the model's weights")
    start_s: NonNegative = Field(description="time to start a replica after its weights have arrived")
    target_s: NonNegative = Field(description="time to the first token up to which a request is paid in full")
    patience_s: Positive = Field(description="waiting time after which a request is abandoned")
    engine: Engine = Field(default=Engine(), description="inference engine of a replica")
    headroom: Efficiency = Field(default=0.8, description="share of a replica's rate that the autoscaler plans to use")
    scale_down_min: NonNegative = Field(
        default=15.0, description="time of surplus after which the autoscaler retires replicas"
    )
    queue_value: Positive = Field(default=2.0, description="value that ranks a wanted replica in the queue")

    @model_validator(mode="after")
    def _check_order(self) -> ServiceClass:
        if self.patience_s <= self.target_s:
            raise ValueError(f"patience_s = {self.patience_s:g} must exceed target_s = {self.target_s:g}")
        if (self.arrivals is None) != (self.sizes is None):
            raise ValueError("give both arrivals and sizes, or neither")
        prefill_ms = self.prefill_ms_per_token * self.input_tokens_per_output
        if prefill_ms >= self.accelerator_ms_per_token:
            raise ValueError(
                f"prefill_ms_per_token * input_tokens_per_output = {prefill_ms:g} "
                f"must be below accelerator_ms_per_token = {self.accelerator_ms_per_token:g}"
            )
        return self

    @property
    def decode_ms_per_token(self) -> float:
        """Reference accelerator time of an output token, its input excluded [ms]."""
        return self.accelerator_ms_per_token - self.prefill_ms_per_token * self.input_tokens_per_output


WorkClass = Annotated[JobClass | ServiceClass, Field(discriminator="kind")]


class Region(Model):
    """Origin of work: a time zone, and a share."""

    utc_offset_h: UtcOffset = Field(description="local time minus UTC")
    share: Positive = Field(description="share of the work, relative to other regions")


class StoredModel(Model):
    """Model that jobs share.

    It is uploaded from the ground once, and stays on the satellite while there is room.
    """

    gb: NonNegative = Field(description="size of the model")


class Workload(Model):
    """All the work that is offered."""

    exclusive: ClassVar = (("load", "rate_scale"),)

    models: dict[str, StoredModel] = Field(default={}, description="models that classes refer to")
    classes: dict[str, WorkClass] = Field(
        min_length=1, description="classes of work by name, of pretraining, finetuning, batch, interactive and edge"
    )
    regions: dict[str, Region] = Field(min_length=1, description="origins of work by name")
    profile: Profile = Field(description="rate by the hour of the day")
    burst: Burst = Field(description="random factors on the rate")
    estimate_sigma: NonNegative = Field(description="lognormal error of the visible estimate of a job's work, mean 1")
    rate_scale: NonNegative = Field(default=1.0, description="factor on the rate of every class")
    load: Positive | None = Field(
        default=None,
        description="mean offered work over the work that the fleet can sustain, in place of rate_scale: it sets the "
        "factor on the rate of every class",
    )
    surges: Surges = Field(default=Surges(), description="random surges")
    tenants: dict[str, Tenant] = Field(
        default={"everyone": Tenant()}, min_length=1, description="owners of jobs by name"
    )
    tiers: Tiers = Field(default=Tiers(), description="value of each tier's work over its class's")

    @model_validator(mode="after")
    def _check_references(self) -> Workload:
        if self.load is not None and self.rate_scale != 1.0:
            raise ValueError(f"load = {self.load:g}: must not be given together with rate_scale = {self.rate_scale:g}")
        for name, work_class in self.classes.items():
            for model in work_class.models if isinstance(work_class, JobClass) else ():
                if model not in self.models:
                    raise ValueError(f"classes.{name}.models.{model}: unknown key{key_hint(model, self.models)}")
            if name not in CLASS_ORDER:
                raise ValueError(f"classes.{name}: unknown key; must be one of {', '.join(CLASS_ORDER)}")
        for name in self.surges.classes:
            if name not in self.classes:
                raise ValueError(f"surges.classes = {name}: must be one of {', '.join(self.classes)}")
        return self

"""A generator that is fitted to a trace: how its arrivals scatter, and how big they are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np

from odc_gym.constants import DAY_S, HOUR_S
from odc_gym.errors import TraceError
from odc_gym.scenario import Arrivals, Burst, CoxArrivals, JobSizes, Profile, Region, RequestSizes, Workload
from odc_gym.scenario.sizes import Mixture
from odc_gym.trace_fits.clients import fit_clients
from odc_gym.trace_fits.cox import fit_cox
from odc_gym.trace_fits.mmpp import fit_mmpp
from odc_gym.trace_fits.segment import Floats, SizeSample, TraceSegment, split_wide_jobs
from odc_gym.trace_fits.sizes import fit_law, fit_width_correlation, fit_widths, mean_width_weight
from odc_gym.trace_fits.tuning import tune_to_dispersion
from odc_gym.workload.arrivals import draw_arrivals, fluid_approximation
from odc_gym.workload.sizes import conditional_width_shares, law_quantiles, width_distribution
from odc_gym.workload.streams import Period

ArrivalModel = Literal["cox", "mmpp", "clients"]
ARRIVAL_MODELS: tuple[ArrivalModel, ...] = ("cox", "mmpp", "clients")
MIN_CLIENTS = 3  # fewer are not told apart
MAX_SINGLE_ARRIVALS = 200_000  # arrivals that are drawn one by one; of more, counts are
SHARES = (np.arange(8192) + 0.5) / 8192
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
STREAM_NAME = "fitted"
ARRIVAL_PARAMETERS = {"cox": 12, "mmpp": 9, "clients": 11}  # numbers that are fitted, with the rate


@dataclass(frozen=True)
class FittedGenerator:
    """What is fitted to a part of a trace.

    Attributes:
        rate_per_h: mean rate [1/h].
        arrivals: how they scatter about it.
        sizes: of jobs or of requests.
        width: of jobs: shares by number of accelerators; empty for requests.
    """

    rate_per_h: float
    arrivals: Arrivals
    sizes: JobSizes | RequestSizes
    width: dict[int, float]

    def scenario_fields(self) -> dict[str, Any]:
        """The same as fields of a class of a scenario; the level of a service stays that of its scenario."""
        fields: dict[str, Any] = {}
        if self.width:  # null takes the lognormal of a base away
            fields = {"jobs_per_h": round(self.rate_per_h, 4), "width": self.width, "duration_h": None}
        return fields | {
            "arrivals": self.arrivals.model_dump(mode="json", exclude_none=True),
            "sizes": self.sizes.model_dump(mode="json"),
        }


def parse_model(name: str | None) -> ArrivalModel | None:
    """The name of a model, checked.

    Raises:
        TraceError: there is none of that name.
    """
    for known in ARRIVAL_MODELS:
        if name == known:
            return known
    if name is None:
        return None
    raise TraceError(f"--model {name}: must be one of {', '.join(ARRIVAL_MODELS)}")


def default_model(segment: TraceSegment) -> ArrivalModel:
    """The model that suits a part: clients where they are known, else a Cox process where there are days."""
    if segment.clients is not None and len(segment.clients) >= MIN_CLIENTS:
        return "clients"
    return "cox" if segment.daily and segment.span_s >= 2 * DAY_S else "mmpp"


def fit_generator(
    segment: TraceSegment, model: ArrivalModel | None = None, widest: int | None = None
) -> FittedGenerator:
    """The generator of a model that is fitted to a part.

    Args:
        segment: of a trace.
        model: of the arrivals; None takes the one that suits the part.
        widest: accelerators beyond which jobs are cut into pieces first, as a scenario needs them; None leaves them.

    Raises:
        TraceError: the part is too short for the model, or has no clients.
    """
    jobs = "work_s" in segment.sizes
    chosen = model or default_model(segment)
    if chosen == "cox" and not (segment.daily and segment.span_s >= 2 * DAY_S):
        raise TraceError("--model cox: must be fitted to two days or more")
    if chosen == "clients" and segment.clients is None:
        raise TraceError("--model clients: must be fitted to a day or more of requests whose clients are known")
    arrivals = fit_arrivals(segment, chosen, fit_cron=jobs)
    if not jobs:
        laws = {name: fit_law(segment.sizes[name], whole=True) for name in ("input_tokens", "output_tokens")}
        return FittedGenerator(segment.rate_per_h, arrivals, RequestSizes.model_validate(laws), {})
    pieces = 1.0
    if widest is not None:
        segment, pieces = split_wide_jobs(segment, widest)
    duration, width = segment.sizes["duration_s"], fit_widths(segment.sizes["width"])
    rho = fit_width_correlation(duration, segment.sizes["width"])
    hours = duration._replace(value=duration.value / HOUR_S, mass=duration.mass / HOUR_S)
    law = fit_law(hours, mean_width_weight(width, rho))
    return FittedGenerator(
        segment.rate_per_h * pieces, arrivals, JobSizes(duration_h=law, width_correlation=rho), width
    )


def fit_arrivals(segment: TraceSegment, model: ArrivalModel, fit_cron: bool) -> Arrivals:
    """The arrivals of a model that are fitted to a part, tuned so that draws of its length are as bursty as it is.

    Args:
        segment: observed.
        model: of the arrivals.
        fit_cron: whether a Cox process may have arrivals by the clock.
    """

    def fit_with_factors(factor: Floats) -> Arrivals:
        if model == "cox":
            return fit_cox(segment, fit_cron, factor)
        return fit_clients(segment, factor) if model == "clients" else fit_mmpp(segment, factor)

    def draw(arrivals: Arrivals, seed: int) -> TraceSegment:
        return draw_arrival_segment(segment.rate_per_h, arrivals, segment, seed)

    return tune_to_dispersion(fit_with_factors, draw, segment)


def size_samples(generator: FittedGenerator) -> dict[str, SizeSample]:
    """The sizes of a generator by quantity, as evenly as its laws have them; tokens are whole, and at least 0."""
    if isinstance(generator.sizes, RequestSizes):
        laws = {"input_tokens": generator.sizes.input_tokens, "output_tokens": generator.sizes.output_tokens}
        tokens = {name: np.rint(law_quantiles(law, SHARES)) for name, law in laws.items()}
        return {name: SizeSample(value, np.ones(value.size), value) for name, value in tokens.items()}
    law = width_distribution(generator.width)
    share = conditional_width_shares(law, generator.sizes.width_correlation, SHARES)
    duration_s = np.repeat(law_quantiles(generator.sizes.duration_h, SHARES) * HOUR_S, law[0].size)
    width = np.tile(law[0].astype(np.float64), SHARES.size)
    frequency, mass = share.ravel(), duration_s * width
    return {
        n: SizeSample(v, frequency, mass) for n, v in (("duration_s", duration_s), ("width", width), ("work_s", mass))
    }


def draw_segment(
    generator: FittedGenerator, template: TraceSegment, sizes: dict[str, SizeSample], seed: int
) -> TraceSegment:
    """The same as `drawn_arrivals`, with the sizes of the generator."""
    return replace(draw_arrival_segment(generator.rate_per_h, generator.arrivals, template, seed), sizes=sizes)


def draw_arrival_segment(rate_per_h: float, arrivals: Arrivals, template: TraceSegment, seed: int) -> TraceSegment:
    """Arrivals over the span and by the clock of a part, without sizes.

    Args:
        rate_per_h: mean rate [1/h].
        arrivals: how they scatter about it.
        template: whose clock, span and windows are taken.
        seed: of the draws.
    """
    start = MONDAY + timedelta(days=template.weekday or 0, seconds=template.begin_s if template.daily else 0.0)
    period = Period(_flat_workload(), seed, start, 0.0, template.span_s)
    edge_s = np.arange(template.counts.size + 1, dtype=np.float64) * template.window_s
    if rate_per_h * template.span_s / HOUR_S <= MAX_SINGLE_ARRIVALS:
        time_s = np.sort(draw_arrivals(arrivals, STREAM_NAME, rate_per_h, period))
        time_s = time_s[(time_s >= 0) & (time_s < template.span_s)]
        counts, gaps_s = np.histogram(time_s, edge_s)[0].astype(np.float64), np.diff(time_s)
    else:
        expected, scatter = fluid_approximation(arrivals, STREAM_NAME, period, edge_s)
        expected *= rate_per_h * template.window_s / HOUR_S
        normal = np.random.default_rng(seed).standard_normal(expected.size)
        counts, gaps_s = np.maximum(np.rint(expected + np.sqrt(scatter * expected) * normal), 0.0), np.empty(0)
    return TraceSegment(counts, template.window_s, template.begin_s, template.weekday, template.daily, gaps_s, {})


def _flat_workload() -> Workload:
    """What arrivals need of a workload where they have a profile and a burst of their own: one region, by its clock."""
    flat = Profile(amplitude=0, floor=0, daily=(0, 0), half_daily=(0, 0))
    calm = Burst(hour_variance=0, ten_minute_variance=0, ar=0)
    return Workload.model_construct(
        classes={},
        regions={"here": Region(utc_offset_h=0, share=1)},
        profile=flat,
        burst=calm,
        estimate_sigma=0.0,
        rate_scale=1.0,
    )


def parameter_counts(generator: FittedGenerator) -> dict[str, int]:
    """How many numbers were fitted, by what they describe; the rate counts with the arrivals."""
    counts = {"arrivals": ARRIVAL_PARAMETERS[generator.arrivals.kind]}
    if isinstance(generator.arrivals, CoxArrivals) and generator.arrivals.cron is None:
        counts["arrivals"] -= 2
    laws = {name: law for name, law in generator.sizes if name != "width_correlation"}
    counts |= {
        name: 3 * len(law.lognormals) if isinstance(law, Mixture) else 2 * len(law) - 2 for name, law in laws.items()
    }
    return counts | {"width": len(generator.width)} if generator.width else counts

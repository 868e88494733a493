"""Fit of a workload generator to a segment of a trace: random arrivals, and distributions of sizes."""

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
MIN_CLIENTS = 3  # with fewer, the arrivals are fitted as one stream
MAX_SINGLE_ARRIVALS = 200_000  # most arrivals that are drawn one by one; beyond that, counts are drawn
SHARES = (np.arange(8192) + 0.5) / 8192
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
STREAM_NAME = "fitted"
ARRIVAL_PARAMETERS = {"cox": 12, "mmpp": 9, "clients": 11}  # fitted numbers, with the rate


@dataclass(frozen=True)
class FittedGenerator:
    """Generator that is fitted to a segment of a trace.

    Attributes:
        rate_per_h: mean arrival rate [1/h].
        arrivals: random process of the arrivals about that rate.
        sizes: distributions of the sizes of jobs or requests.
        width: shares of jobs by number of accelerators; empty for requests.
    """

    rate_per_h: float
    arrivals: Arrivals
    sizes: JobSizes | RequestSizes
    width: dict[int, float]

    def scenario_fields(self) -> dict[str, Any]:
        """Return the generator as fields of a class of a scenario.

        A service keeps the demand level of its scenario.
        """
        fields: dict[str, Any] = {}
        if self.width:  # null removes the lognormal of a base scenario
            fields = {"jobs_per_h": round(self.rate_per_h, 4), "width": self.width, "duration_h": None}
        return fields | {
            "arrivals": self.arrivals.model_dump(mode="json", exclude_none=True),
            "sizes": self.sizes.model_dump(mode="json"),
        }


def parse_model(name: str | None) -> ArrivalModel | None:
    """Check the name of an arrival model and return it.

    Raises:
        TraceError: no model has that name.
    """
    for known in ARRIVAL_MODELS:
        if name == known:
            return known
    if name is None:
        return None
    raise TraceError(f"--model {name}: must be one of {', '.join(ARRIVAL_MODELS)}")


def default_model(segment: TraceSegment) -> ArrivalModel:
    """Return the arrival model that suits a segment.

    It is `clients` for a segment with several known clients, `cox` for a daily segment of two days or
    more, and `mmpp` otherwise.
    """
    if segment.clients is not None and len(segment.clients) >= MIN_CLIENTS:
        return "clients"
    return "cox" if segment.daily and segment.span_s >= 2 * DAY_S else "mmpp"


def fit_generator(
    segment: TraceSegment, model: ArrivalModel | None = None, widest: int | None = None
) -> FittedGenerator:
    """Fit a generator to a segment.

    Args:
        segment: segment of a trace.
        model: arrival model; None takes the one that suits the segment.
        widest: most accelerators of a job. Wider jobs are split first, as a scenario needs. None keeps them whole.

    Raises:
        TraceError: the segment is too short for the model, or has no clients.
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
    """Fit an arrival model to a segment, and tune it until draws of that length are as bursty as the segment.

    Args:
        segment: the observed segment.
        model: arrival model.
        fit_cron: whether a Cox process may have cron arrivals.
    """

    def fit_with_factors(factor: Floats) -> Arrivals:
        if model == "cox":
            return fit_cox(segment, fit_cron, factor)
        return fit_clients(segment, factor) if model == "clients" else fit_mmpp(segment, factor)

    def draw(arrivals: Arrivals, seed: int) -> TraceSegment:
        return draw_arrival_segment(segment.rate_per_h, arrivals, segment, seed)

    return tune_to_dispersion(fit_with_factors, draw, segment)


def size_samples(generator: FittedGenerator) -> dict[str, SizeSample]:
    """Return the sizes of a generator by quantity, at evenly spaced quantiles of its distributions.

    Tokens are whole numbers of at least 0.
    """
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
    """Draw a segment as `draw_arrival_segment` does, with the sizes of the generator."""
    return replace(draw_arrival_segment(generator.rate_per_h, generator.arrivals, template, seed), sizes=sizes)


def draw_arrival_segment(rate_per_h: float, arrivals: Arrivals, template: TraceSegment, seed: int) -> TraceSegment:
    """Draw arrivals over the span and on the clock of a segment, without sizes.

    Args:
        rate_per_h: mean arrival rate [1/h].
        arrivals: random process of the arrivals about that rate.
        template: segment whose clock, span and windows are used.
        seed: seed of the draws.
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
    """Return a workload with one region and flat rates.

    Arrivals that have a profile and a burst of their own need no more of a workload.
    """
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
    """Return how many numbers were fitted, by what they describe; the rate counts with the arrivals."""
    counts = {"arrivals": ARRIVAL_PARAMETERS[generator.arrivals.kind]}
    if isinstance(generator.arrivals, CoxArrivals) and generator.arrivals.cron is None:
        counts["arrivals"] -= 2
    laws = {name: law for name, law in generator.sizes if name != "width_correlation"}
    counts |= {
        name: 3 * len(law.lognormals) if isinstance(law, Mixture) else 2 * len(law) - 2 for name, law in laws.items()
    }
    return counts | {"width": len(generator.width)} if generator.width else counts

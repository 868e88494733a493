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
from odc_gym.trace_fits.part import Floats, Part, Sizes, in_parts
from odc_gym.trace_fits.sizes import fit_law, fit_width_correlation, fit_widths, weight_by_width
from odc_gym.trace_fits.tuning import tuned
from odc_gym.workload.arrivals import draw_arrivals, flow
from odc_gym.workload.sizes import at_shares, width_law, width_shares_at
from odc_gym.workload.streams import Period

Model = Literal["cox", "mmpp", "clients"]
MODELS: tuple[Model, ...] = ("cox", "mmpp", "clients")
FEW_CLIENTS = 3  # fewer are not told apart
SINGLE = 200_000  # arrivals that are drawn one by one; of more, counts are
SHARES = (np.arange(8192) + 0.5) / 8192
MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
NAME = "fitted"
ARRIVALS = {"cox": 12, "mmpp": 9, "clients": 11}  # numbers that are fitted, with the rate


@dataclass(frozen=True)
class Generator:
    """What is fitted to a part of a trace.

    Attributes:
        per_h: mean rate [1/h].
        arrivals: how they scatter about it.
        sizes: of jobs or of requests.
        width: of jobs: shares by number of accelerators; empty for requests.
    """

    per_h: float
    arrivals: Arrivals
    sizes: JobSizes | RequestSizes
    width: dict[int, float]

    def block(self) -> dict[str, Any]:
        """The same as fields of a class of a scenario; the level of a service stays that of its scenario."""
        fields: dict[str, Any] = {}
        if self.width:  # null takes the lognormal of a base away
            fields = {"jobs_per_h": round(self.per_h, 4), "width": self.width, "duration_h": None}
        return fields | {
            "arrivals": self.arrivals.model_dump(mode="json", exclude_none=True),
            "sizes": self.sizes.model_dump(mode="json"),
        }


def known_model(name: str | None) -> Model | None:
    """The name of a model, checked.

    Raises:
        TraceError: there is none of that name.
    """
    for known in MODELS:
        if name == known:
            return known
    if name is None:
        return None
    raise TraceError(f"--model {name}: must be one of {', '.join(MODELS)}")


def model_for(part: Part) -> Model:
    """The model that suits a part: clients where they are known, else a Cox process where there are days."""
    if part.clients is not None and len(part.clients) >= FEW_CLIENTS:
        return "clients"
    return "cox" if part.daily and part.span_s >= 2 * DAY_S else "mmpp"


def fit(part: Part, model: Model | None = None, widest: int | None = None) -> Generator:
    """The generator of a model that is fitted to a part.

    Args:
        part: of a trace.
        model: of the arrivals; None takes the one that suits the part.
        widest: accelerators beyond which jobs are cut into pieces first, as a scenario needs them; None leaves them.

    Raises:
        TraceError: the part is too short for the model, or has no clients.
    """
    jobs = "work_s" in part.sizes
    chosen = model or model_for(part)
    if chosen == "cox" and not (part.daily and part.span_s >= 2 * DAY_S):
        raise TraceError("--model cox: must be fitted to two days or more")
    if chosen == "clients" and part.clients is None:
        raise TraceError("--model clients: must be fitted to a day or more of requests whose clients are known")
    arrivals = fit_arrivals(part, chosen, cron_too=jobs)
    if not jobs:
        laws = {name: fit_law(part.sizes[name], whole=True) for name in ("input_tokens", "output_tokens")}
        return Generator(part.rate_per_h, arrivals, RequestSizes.model_validate(laws), {})
    pieces = 1.0
    if widest is not None:
        part, pieces = in_parts(part, widest)
    duration, width = part.sizes["duration_s"], fit_widths(part.sizes["width"])
    rho = fit_width_correlation(duration, part.sizes["width"])
    hours = duration._replace(value=duration.value / HOUR_S, mass=duration.mass / HOUR_S)
    law = fit_law(hours, weight_by_width(width, rho))
    return Generator(part.rate_per_h * pieces, arrivals, JobSizes(duration_h=law, width_correlation=rho), width)


def fit_arrivals(part: Part, model: Model, cron_too: bool) -> Arrivals:
    """The arrivals of a model that are fitted to a part, tuned so that draws of its length are as bursty as it is.

    Args:
        part: observed.
        model: of the arrivals.
        cron_too: whether a Cox process may have arrivals by the clock.
    """

    def fitted(factor: Floats) -> Arrivals:
        if model == "cox":
            return fit_cox(part, cron_too, factor)
        return fit_clients(part, factor) if model == "clients" else fit_mmpp(part, factor)

    def draw(arrivals: Arrivals, seed: int) -> Part:
        return drawn_arrivals(part.rate_per_h, arrivals, part, seed)

    return tuned(fitted, draw, part)


def drawn_sizes(generator: Generator) -> dict[str, Sizes]:
    """The sizes of a generator by quantity, as evenly as its laws have them; tokens are whole, and at least 0."""
    if isinstance(generator.sizes, RequestSizes):
        laws = {"input_tokens": generator.sizes.input_tokens, "output_tokens": generator.sizes.output_tokens}
        tokens = {name: np.rint(at_shares(law, SHARES)) for name, law in laws.items()}
        return {name: Sizes(value, np.ones(value.size), value) for name, value in tokens.items()}
    law = width_law(generator.width)
    share = width_shares_at(law, generator.sizes.width_correlation, SHARES)
    duration_s = np.repeat(at_shares(generator.sizes.duration_h, SHARES) * HOUR_S, law[0].size)
    width = np.tile(law[0].astype(np.float64), SHARES.size)
    often, mass = share.ravel(), duration_s * width
    return {n: Sizes(v, often, mass) for n, v in (("duration_s", duration_s), ("width", width), ("work_s", mass))}


def drawn(generator: Generator, like: Part, sizes: dict[str, Sizes], seed: int) -> Part:
    """The same as `drawn_arrivals`, with the sizes of the generator."""
    return replace(drawn_arrivals(generator.per_h, generator.arrivals, like, seed), sizes=sizes)


def drawn_arrivals(per_h: float, arrivals: Arrivals, like: Part, seed: int) -> Part:
    """Arrivals over the span and by the clock of a part, without sizes.

    Args:
        per_h: mean rate [1/h].
        arrivals: how they scatter about it.
        like: whose clock, span and windows are taken.
        seed: of the draws.
    """
    start = MONDAY + timedelta(days=like.weekday or 0, seconds=like.begin_s if like.daily else 0.0)
    period = Period(_workload(), seed, start, 0.0, like.span_s)
    edge_s = np.arange(like.counts.size + 1, dtype=np.float64) * like.window_s
    if per_h * like.span_s / HOUR_S <= SINGLE:
        time_s = np.sort(draw_arrivals(arrivals, NAME, per_h, period))
        time_s = time_s[(time_s >= 0) & (time_s < like.span_s)]
        counts, gaps_s = np.histogram(time_s, edge_s)[0].astype(np.float64), np.diff(time_s)
    else:
        expected, scatter = flow(arrivals, NAME, period, edge_s)
        expected *= per_h * like.window_s / HOUR_S
        normal = np.random.default_rng(seed).standard_normal(expected.size)
        counts, gaps_s = np.maximum(np.rint(expected + np.sqrt(scatter * expected) * normal), 0.0), np.empty(0)
    return Part(counts, like.window_s, like.begin_s, like.weekday, like.daily, gaps_s, {})


def _workload() -> Workload:
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


def parameters(generator: Generator) -> dict[str, int]:
    """How many numbers were fitted, by what they describe; the rate counts with the arrivals."""
    told = {"arrivals": ARRIVALS[generator.arrivals.kind]}
    if isinstance(generator.arrivals, CoxArrivals) and generator.arrivals.cron is None:
        told["arrivals"] -= 2
    laws = {name: law for name, law in generator.sizes if name != "width_correlation"}
    told |= {
        name: 3 * len(law.lognormals) if isinstance(law, Mixture) else 2 * len(law) - 2 for name, law in laws.items()
    }
    return told | {"width": len(generator.width)} if generator.width else told

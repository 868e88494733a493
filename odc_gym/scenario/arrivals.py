"""How arrivals of a class scatter about their mean rate, where the workload's own rule does not do.

The mean rate is always that of the class (`jobs_per_h`, `output_tokens_per_min`) times `rate_scale`: what stands here
is the shape, and has mean 1.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from odc_gym.scenario.base import Fraction, Model, NonNegative, Positive

ArCoefficient = Annotated[float, Field(ge=0, lt=1)]


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
    ar: ArCoefficient
    demand_noise: NonNegative = 0.0


class Cron(Model):
    """Arrivals by the clock: at each full period, as many as their share of the rate asks for."""

    share: Fraction = Field(description="of all arrivals")
    period_s: Annotated[float, Field(ge=1)]
    jitter_s: NonNegative = Field(default=1.0, description="they come up to this late")


class CoxArrivals(Model):
    """A doubly stochastic Poisson process: profile of the day x day of the week x gamma factors."""

    kind: Literal["cox"]
    profile: Profile | None = Field(default=None, description="instead of the workload's")
    burst: Burst | None = Field(default=None, description="instead of the workload's")
    weekend: Positive = Field(default=1.0, description="rate of a Saturday or Sunday over that of a weekday")
    array_mean: Annotated[float, Field(ge=1)] = Field(
        default=1.0, description="mean number that come at once; geometric"
    )
    cron: Cron | None = None


class MmppArrivals(Model):
    """A Markov-modulated Poisson process: the rate jumps between states."""

    kind: Literal["mmpp"]
    rates: tuple[NonNegative, ...] = Field(min_length=2, max_length=3, description="of the states, in any unit")
    switch_per_s: tuple[tuple[NonNegative, ...], ...] = Field(
        description="rate of jumps from the state of a row to that of a column [1/s]; the diagonal counts nothing"
    )

    @model_validator(mode="after")
    def _check_switch_rates(self) -> MmppArrivals:
        n = len(self.rates)
        if len(self.switch_per_s) != n or any(len(row) != n for row in self.switch_per_s):
            raise ValueError(f"switch_per_s must have {n} rows of {n} numbers, as there are {n} rates")
        if max(self.rates) == 0:
            raise ValueError("rates must not all be 0")
        if any(math.fsum(row) - row[i] <= 0 for i, row in enumerate(self.switch_per_s)):
            raise ValueError("switch_per_s must let every state be left")
        return self


class ClientArrivals(Model):
    """Clients with shares of a power law, each a renewal process whose rate is drawn anew in every window."""

    kind: Literal["clients"]
    number: Annotated[int, Field(ge=1, le=1000)]
    zipf: NonNegative = Field(description="the k-th client's share goes with k^-zipf")
    gaps: Literal["gamma", "weibull"] = Field(default="gamma", description="law of the gaps between arrivals")
    gap_cv: Positive = Field(description="standard deviation of gaps over their mean, at a steady rate")
    window_s: Annotated[float, Field(ge=60, le=3600)] = 600.0
    rate_variance: NonNegative = Field(description="of a client's gamma-distributed rate factor, mean 1")
    ar: ArCoefficient = Field(description="memory of that factor from one window to the next")
    profile: Profile | None = Field(default=None, description="instead of the workload's")
    weekend: Positive = 1.0


Arrivals = Annotated[CoxArrivals | MmppArrivals | ClientArrivals, Field(discriminator="kind")]


def _reject_cron(arrivals: Arrivals) -> Arrivals:
    if isinstance(arrivals, CoxArrivals) and arrivals.cron is not None:
        raise ValueError("cron: must not be given for requests")
    return arrivals


RequestArrivals = Annotated[Arrivals, AfterValidator(_reject_cron)]
"""Of services, whose requests come in too large numbers to be told one by one."""

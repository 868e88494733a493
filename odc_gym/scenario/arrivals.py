"""Arrival processes: the scatter of a class's arrivals about their mean rate, as an alternative to the workload's rule.

The mean rate always comes from the class (`jobs_per_h`, `output_tokens_per_min`) times `rate_scale`. The models here
describe the shape, whose mean is 1.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from odc_gym.scenario.base import Fraction, Hour, Model, NonNegative, Positive

ArCoefficient = Annotated[float, Field(ge=0, lt=1)]


class Profile(Model):
    """Shape of arrivals by hour of the day: mean 1, two harmonics, flattened by `amplitude`."""

    amplitude: NonNegative = Field(description="factor on both harmonics: 0 flat, 1 as given")
    floor: Fraction = Field(description="least rate over the mean rate")
    daily: tuple[float, Hour] = Field(description="amplitude, and local hour of the peak, of the 24 h harmonic")
    half_daily: tuple[float, Hour] = Field(description="amplitude, and local hour of a peak, of the 12 h harmonic")


class Burst(Model):
    """Gamma-distributed rate factors of mean 1: an autocorrelated hourly factor, and a ten-minute factor."""

    hour_variance: NonNegative = Field(description="variance of the hourly factor")
    ten_minute_variance: NonNegative = Field(description="variance of the ten-minute factor")
    ar: ArCoefficient = Field(description="correlation of the hourly factor from hour to hour, of its normal score")
    demand_noise: NonNegative = Field(
        default=0.0, description="standard deviation of a service's demand over its mean, minute by minute"
    )


class Cron(Model):
    """Scheduled arrivals: each full period brings as many as their share of the rate requires."""

    share: Fraction = Field(description="share of all arrivals")
    period_s: Annotated[float, Field(ge=1)] = Field(description="period of the schedule")
    jitter_s: NonNegative = Field(default=1.0, description="largest delay after the full period")


class CoxArrivals(Model):
    """Doubly stochastic Poisson process: daily profile x day of the week x gamma factors."""

    kind: Literal["cox"] = Field(description="doubly stochastic Poisson process")
    profile: Profile | None = Field(default=None, description="replaces the workload's profile")
    burst: Burst | None = Field(default=None, description="replaces the workload's burst")
    weekend: Positive = Field(default=1.0, description="rate of a Saturday or Sunday over that of a weekday")
    array_mean: Annotated[float, Field(ge=1)] = Field(
        default=1.0, description="mean size of a simultaneous batch; geometric"
    )
    cron: Cron | None = Field(default=None, description="scheduled arrivals; null: none")


class MmppArrivals(Model):
    """Markov-modulated Poisson process: the rate jumps between states."""

    kind: Literal["mmpp"] = Field(description="Markov-modulated Poisson process")
    rates: tuple[NonNegative, ...] = Field(min_length=2, max_length=3, description="rates of the states, in any unit")
    switch_per_s: tuple[tuple[NonNegative, ...], ...] = Field(
        description="rate of jumps from the state of a row to that of a column [1/s]; the diagonal is ignored"
    )

    @model_validator(mode="after")
    def _check_switch_rates(self) -> MmppArrivals:
        n = len(self.rates)
        if len(self.switch_per_s) != n or any(len(row) != n for row in self.switch_per_s):
            raise ValueError(f"switch_per_s must have {n} rows of {n} numbers, as there are {n} rates")
        if max(self.rates) == 0:
            raise ValueError("rates must not all be 0")
        if any(math.fsum(row) - row[i] <= 0 for i, row in enumerate(self.switch_per_s)):
            raise ValueError("switch_per_s must have a rate > 0 out of every state")
        return self


class ClientArrivals(Model):
    """Clients whose shares follow a power law; each is a renewal process with a new random rate in every window."""

    kind: Literal["clients"] = Field(description="renewal processes of single clients")
    number: Annotated[int, Field(ge=1, le=1000)] = Field(description="number of clients")
    zipf: NonNegative = Field(description="the share of client k is proportional to k^-zipf")
    gaps: Literal["gamma", "weibull"] = Field(default="gamma", description="distribution of the gaps between arrivals")
    gap_cv: Positive = Field(description="standard deviation over mean of the gaps, at a steady rate")
    window_s: Annotated[float, Field(ge=60, le=3600)] = Field(
        default=600.0, description="time after which a client draws a new rate"
    )
    rate_variance: NonNegative = Field(description="variance of a client's gamma-distributed rate factor of mean 1")
    ar: ArCoefficient = Field(description="autocorrelation of that factor from one window to the next")
    profile: Profile | None = Field(default=None, description="replaces the workload's profile")
    weekend: Positive = Field(default=1.0, description="rate of a Saturday or Sunday over that of a weekday")


Arrivals = Annotated[CoxArrivals | MmppArrivals | ClientArrivals, Field(discriminator="kind")]


def _reject_cron(arrivals: Arrivals) -> Arrivals:
    if isinstance(arrivals, CoxArrivals) and arrivals.cron is not None:
        raise ValueError("cron: must not be given for requests")
    return arrivals


RequestArrivals = Annotated[Arrivals, AfterValidator(_reject_cron)]
"""Arrivals of a service's requests; they are too many to be simulated one by one, so cron is not allowed."""

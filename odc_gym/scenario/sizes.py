"""Sizes of jobs and requests, as alternatives to one lognormal: quantile functions and mixtures of lognormals."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, Discriminator, Field, Tag

from odc_gym.scenario.base import Fraction, Model, Positive


def _check_knots(knots: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if knots[0][0] != 0 or knots[-1][0] != 1:
        raise ValueError("must begin at share 0 and end at share 1")
    for (p, low), (q, high) in pairwise(knots):
        if q <= p or high < low:
            raise ValueError(
                f"shares must rise and values must not fall, got [{p:g}, {low:g}] before [{q:g}, {high:g}]"
            )
    return knots


Knots = Annotated[tuple[tuple[Fraction, Positive], ...], Field(min_length=2), AfterValidator(_check_knots)]
"""Quantile function: pairs of a share and the value below which that share lies; log-linear between two pairs."""


class Mixture(Model):
    """Mixture of lognormals with an upper limit."""

    lognormals: tuple[tuple[Positive, Positive, Positive], ...] = Field(
        min_length=1, max_length=8, description="weight, median and sigma of each; weights count relative to their sum"
    )
    cut: Positive = Field(description="upper limit; larger draws are set to it")


def _law_tag(law: Any) -> str:
    return "mixture" if isinstance(law, dict | Mixture) else "knots"


Law = Annotated[Annotated[Knots, Tag("knots")] | Annotated[Mixture, Tag("mixture")], Discriminator(_law_tag)]
"""Distribution of a size: a quantile function if it is a list, or a mixture of lognormals if it is a mapping."""


def mean_of(law: Law, power: int = 1) -> float:
    """Return the mean of a power of a draw.

    Between two knots a and b it is (b^n - a^n) / (n ln(b / a)), the mean of a log-uniform law. For a lognormal whose
    draws are cut at a limit, it is the limited expected value.

    Source: Klugman, Panjer and Willmot, Loss Models, 4th ed. (2012), appendix A.5.1.
    """
    if isinstance(law, Mixture):
        weight = math.fsum(w for w, _, _ in law.lognormals)
        return math.fsum(w / weight * _limited_moment(m, s, law.cut, power) for w, m, s in law.lognormals)
    total = 0.0
    for (p, low), (q, high) in pairwise(law):
        a, b = low**power, high**power
        # for nearly equal knots, the quotient loses digits, but the mean of both does not
        total += (q - p) * ((b - a) / math.log(b / a) if b > 1.001 * a else (a + b) / 2)
    return total


def _limited_moment(median: float, sigma: float, cut: float, power: int) -> float:
    z, scaled_sigma = math.log(cut / median) / sigma, power * sigma
    below = math.exp(power * math.log(median) + scaled_sigma**2 / 2) * math.erfc((scaled_sigma - z) / math.sqrt(2)) / 2
    return below + cut**power * math.erfc(z / math.sqrt(2)) / 2


class JobSizes(Model):
    """Run times of jobs at full clock, and their correlation with widths."""

    duration_h: Law = Field(
        description="run time at full clock: pairs of a share and the value below which it lies, or a mixture"
    )
    width_correlation: Annotated[float, Field(gt=-1, lt=1)] = Field(
        default=0.0,
        description="correlation of the normal scores of run time and width: a Gaussian copula, which keeps both laws",
    )


class RequestSizes(Model):
    """Tokens of requests; prompt and answer are independent."""

    input_tokens: Law = Field(
        description="tokens of a prompt: pairs of a share and the value below which it lies, or a mixture"
    )
    output_tokens: Law = Field(description="tokens of an answer, in the same form")

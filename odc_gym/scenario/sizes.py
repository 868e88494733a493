"""How big jobs and requests are, where a lognormal does not do: quantile functions of few knots."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field

from odc_gym.scenario.base import Model, Positive

LEVELS = (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.97, 0.99, 0.997, 1.0)
"""Shares of draws that lie below the knots of a quantile function; close where the tail holds most of the mass."""


def _rising(knots: tuple[float, ...]) -> tuple[float, ...]:
    if len(knots) != len(LEVELS):
        raise ValueError(f"must have {len(LEVELS)} knots, at the shares {', '.join(f'{q:g}' for q in LEVELS)}")
    if any(b < a for a, b in pairwise(knots)):
        raise ValueError("knots must not fall")
    return knots


Knots = Annotated[tuple[Positive, ...], AfterValidator(_rising)]
"""Values below which the shares LEVELS of all draws lie; the logarithm is linear in the share between two of them."""


def mean_of(knots: tuple[float, ...], power: int = 1) -> float:
    """Mean of a power of a draw: between two knots a and b it is (b^n - a^n) / (n ln(b / a)), a log-uniform's."""
    total = 0.0
    for (low, high), (p, q) in zip(pairwise(knots), pairwise(LEVELS), strict=True):
        a, b = low**power, high**power
        # nearly equal knots: the quotient loses its digits, their mean does not
        total += (q - p) * ((b - a) / math.log(b / a) if b > 1.001 * a else (a + b) / 2)
    return total


class JobSizes(Model):
    """Run times at full clock, and how they go with widths."""

    duration_h: Knots = Field(description="quantile function")
    width_correlation: Annotated[float, Field(gt=-1, lt=1)] = Field(
        default=0.0, description="of the normal scores of run time and width: a Gaussian copula, which keeps both laws"
    )


class RequestSizes(Model):
    """Tokens of requests; prompt and answer are independent."""

    input_tokens: Knots = Field(description="quantile function")
    output_tokens: Knots = Field(description="quantile function")

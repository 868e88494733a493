"""Gangs: jobs that span several satellites."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from odc_gym.scenario.base import Fraction, Model, NonNegative, Positive


class Gang(Model):
    """Jobs on several satellites that are joined by links between satellites for long enough.

    A gang runs on all of its satellites or on none, and they work in step with each other.
    """

    satellites: dict[Annotated[int, Field(ge=2, le=64)], Positive] = Field(
        min_length=1, description="number of satellites: probability; the class's width is taken on each satellite"
    )
    hops: Annotated[int, Field(ge=1)] = Field(default=1, description="most links from its first satellite to any other")
    lasting_min: NonNegative = Field(
        default=60.0, description="least time for which those links must last when the gang starts"
    )
    sync_gb: NonNegative = Field(description="size of the gradients that all satellites sum up in each iteration")
    iteration_s: Positive = Field(description="compute time of an iteration at the reference's full clock")
    overlap: Fraction = Field(default=0.5, description="share of that compute time that overlaps with the exchange")

    @model_validator(mode="after")
    def _check_probabilities(self) -> Gang:
        if abs(sum(self.satellites.values()) - 1) > 1e-6:
            raise ValueError(f"satellites: probabilities must sum to 1, got {sum(self.satellites.values()):g}")
        return self

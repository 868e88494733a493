"""Jobs that span several satellites."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from odc_gym.scenario.base import Fraction, Model, NonNegative, Positive


class Gang(Model):
    """Jobs on several satellites that own links join for long enough: all of them or none, in step with each other."""

    satellites: dict[Annotated[int, Field(ge=2, le=64)], Positive] = Field(
        min_length=1, description="satellites: probability; the class's width is what a job takes on each"
    )
    hops: Annotated[int, Field(ge=1)] = Field(default=1, description="links from its first satellite to any other")
    lasting_min: NonNegative = Field(default=60.0, description="for which those links must last when it starts")
    sync_gb: NonNegative = Field(description="gradients that all satellites sum up in an iteration")
    iteration_s: Positive = Field(description="compute of an iteration at the reference's full clock")
    overlap: Fraction = Field(default=0.5, description="share of that compute behind which the exchange hides")

    @model_validator(mode="after")
    def _check_probabilities(self) -> Gang:
        if abs(sum(self.satellites.values()) - 1) > 1e-6:
            raise ValueError(f"satellites: probabilities must sum to 1, got {sum(self.satellites.values()):g}")
        return self

"""Surges: random periods in which more work arrives than usual."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from odc_gym.scenario.base import Model, Positive


class UniformRange(Model):
    """Range from which a number is drawn uniformly."""

    low: Positive = Field(description="lower end")
    high: Positive = Field(description="upper end")

    @model_validator(mode="after")
    def _check_order(self) -> UniformRange:
        if self.high < self.low:
            raise ValueError(f"high = {self.high:g} must not be below low = {self.low:g}")
        return self


class Surges(Model):
    """Surges that begin at random: for some hours, the rate of arrivals and the demand are multiplied."""

    per_week: Annotated[float, Field(ge=0, le=168)] = Field(default=0.0, description="mean number of surges; 0: none")
    factor: UniformRange = Field(
        default=UniformRange(low=1.5, high=3.0),
        description="range of the factor on the rate of arrivals and on the demand",
    )
    hours: UniformRange = Field(default=UniformRange(low=1.0, high=6.0), description="range of the duration")
    classes: tuple[str, ...] = Field(default=(), description="affected classes; all if empty")

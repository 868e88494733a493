"""Surges: random periods in which more work arrives than usual."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from odc_gym.scenario.base import Model, Positive


class UniformRange(Model):
    """Range from which a number is drawn uniformly."""

    low: Positive
    high: Positive

    @model_validator(mode="after")
    def _check_order(self) -> UniformRange:
        if self.high < self.low:
            raise ValueError(f"high = {self.high:g} must not be below low = {self.low:g}")
        return self


class Surges(Model):
    """Surges that begin at random: for some hours, the rate of arrivals and the demand are multiplied."""

    per_week: Annotated[float, Field(ge=0, le=168)] = Field(default=0.0, description="mean number of surges; 0: none")
    factor: UniformRange = UniformRange(low=1.5, high=3.0)
    hours: UniformRange = UniformRange(low=1.0, high=6.0)
    classes: tuple[str, ...] = Field(default=(), description="affected classes; all if empty")

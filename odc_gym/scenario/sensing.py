"""Sensing: noise and age of the measurements that agents see."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from odc_gym.scenario.base import Fraction, Model, NonNegative


class Sensing(Model):
    """Noise and age of telemetry.

    Agents see the noisy and delayed values. Metrics, rewards, governor and protection use the true ones.
    """

    charge_sigma: Fraction = Field(default=0.0, description="standard deviation of charge over capacity")
    temperature_sigma_k: NonNegative = Field(default=0.0, description="standard deviation of temperatures")
    power_sigma_frac: Fraction = Field(default=0.0, description="standard deviation of power over its value")
    delay_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=0.0, description="age of measurements when agents see them, rounded up to whole physics steps"
    )

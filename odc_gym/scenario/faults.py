"""Faults: upsets by radiation, failures of chips, satellites and links, and the effects of a mission's age."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from odc_gym.scenario.base import Latitude, Longitude, Model, NonNegative, Positive

Sigma = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, le=1e4)]


class Anomaly(Model):
    """South Atlantic Anomaly: a Gaussian bell over latitude and longitude, added to the rate elsewhere."""

    latitude_deg: Latitude = Field(default=-26.0, description="latitude of the centre")
    longitude_deg: Longitude = Field(default=-50.0, description="longitude of the centre")
    latitude_width_deg: Positive = Field(default=12.0, description="standard deviation of the bell in latitude")
    longitude_width_deg: Positive = Field(default=25.0, description="standard deviation of the bell in longitude")
    contrast: NonNegative = Field(default=50.0, description="rate at the centre over the rate far away, less 1")


class Outages(Model):
    """Temporary outages of satellites: compute and links are off, and the bus is in safe mode.

    The satellites stay in orbit.
    """

    per_satellite_year: Rate = Field(default=0.0, description="rate of outages in service; 0: none")
    mean_hours: Positive = Field(default=6.0, description="mean length; exponential")


class Loss(Model):
    """Permanent losses of satellites within an episode."""

    per_satellite_year: Rate = Field(default=0.0, description="rate of losses in service; 0: none")


class LinkOutages(Model):
    """Temporary outages of the satellites' optical terminals."""

    outages_per_link_year: Rate = Field(
        default=0.0, description="rate of outages in service, for the terminals of each satellite"
    )
    mean_minutes: Positive = Field(default=30.0, description="mean length; exponential")


class Weather(Model):
    """Weather at ground sites, independent from site to site: a site in bad weather serves no satellite."""

    bad_frac: Annotated[float, Field(ge=0, le=0.95)] = Field(
        default=0.0, description="share of time with bad weather; 0: none"
    )
    mean_hours: Positive = Field(default=6.0, description="mean length of bad weather; exponential")


class SafeMode(Model):
    """Safe mode after repeated sheds: compute stays off for hours."""

    sheds: Annotated[int, Field(ge=0, le=4)] = Field(
        default=0, description="number of sheds that trigger safe mode; 0: never"
    )
    within_h: Positive = Field(default=6.0, description="longest time from the first to the last of these sheds")
    hours: Positive = Field(default=4.0, description="duration of safe mode")


class Faults(Model):
    """Upsets and failures of an episode, and the initial condition of its fleet. Chips are accelerators."""

    enabled: bool = Field(default=True, description="false: this block has no effect")
    upsets_per_chip_year: Rate = Field(
        default=3.0, description="mean rate of upsets that stop a job, over a sun-synchronous orbit at 650 km"
    )
    altitude_exponent: Annotated[float, Field(ge=0, le=8)] = Field(
        default=4.0, description="exponent k of the rate's growth (altitude / 650 km)^k"
    )
    anomaly: Anomaly = Field(default=Anomaly(), description="South Atlantic Anomaly")
    reset_s: NonNegative = Field(
        default=120.0, description="duration of the power cycle after an upset, before the job restarts"
    )
    hard_failures_per_chip_year: Rate = Field(default=0.09, description="rate at which chips fail for good")
    mission_age_years: Annotated[float, Field(ge=0, le=20)] = Field(
        default=0.0, description="time in orbit before the episode, which ages chips, satellites, cells and arrays"
    )
    satellite_loss_per_year: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.02, description="rate at which satellites lost their compute before the episode"
    )
    dynamic_power_sigma: Sigma = Field(
        default=0.0, description="standard deviation of the logarithm of a satellite's dynamic power at equal speed"
    )
    leakage_sigma: Sigma = Field(
        default=0.0, description="standard deviation of the logarithm of a satellite's leakage"
    )
    outages: Outages = Field(default=Outages(), description="temporary outages of satellites")
    loss: Loss = Field(default=Loss(), description="permanent losses of satellites within the episode")
    links: LinkOutages = Field(default=LinkOutages(), description="temporary outages of optical terminals")
    weather: Weather = Field(default=Weather(), description="bad weather over ground sites")
    safe_mode: SafeMode = Field(default=SafeMode(), description="safe mode after repeated sheds")

"""What breaks: upsets by radiation, failures of chips, satellites and links, and what a mission's age has done."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from odc_gym.scenario.base import Model, NonNegative, Positive

Sigma = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(ge=0, le=1e4)]


class Anomaly(Model):
    """The South Atlantic Anomaly: a bell over latitude and longitude on top of the rate elsewhere."""

    latitude_deg: Annotated[float, Field(ge=-90, le=90)] = -26.0
    longitude_deg: Annotated[float, Field(ge=-180, le=180)] = -50.0
    latitude_width_deg: Positive = Field(default=12.0, description="standard deviation of the bell")
    longitude_width_deg: Positive = 25.0
    contrast: NonNegative = Field(default=50.0, description="rate at the centre over that far away, less 1")


class Outages(Model):
    """Satellites that are out for a while: their compute and links are off and the bus is in safe mode; they fly on."""

    per_satellite_year: Rate = Field(default=0.0, description="outages that begin, by time in service; 0: none")
    mean_hours: Positive = Field(default=6.0, description="length, exponential")


class Loss(Model):
    """Satellites that are lost for good within an episode."""

    per_satellite_year: Rate = 0.0


class LinkOutages(Model):
    """Optical terminals of satellites that are out for a while."""

    outages_per_link_year: Rate = Field(default=0.0, description="by time in service, for each satellite's own links")
    mean_minutes: Positive = Field(default=30.0, description="length, exponential")


class Weather(Model):
    """Weather over ground sites: while it is bad a site serves nobody. Sites are independent of each other."""

    bad_frac: Annotated[float, Field(ge=0, le=0.95)] = Field(default=0.0, description="share of the time; 0: never")
    mean_hours: Positive = Field(default=6.0, description="length of bad weather, exponential")


class SafeMode(Model):
    """Compute stays off for hours after it was shed repeatedly, the bus in safe mode."""

    sheds: Annotated[int, Field(ge=0, le=4)] = Field(default=0, description="sheds that lead to it; 0: none do")
    within_h: Positive = Field(default=6.0, description="time from the first of them to the last")
    hours: Positive = Field(default=4.0, description="how long it lasts")


class Faults(Model):
    """Upsets and failures of an episode, and the state in which its fleet is found. Chips are accelerators."""

    enabled: bool = Field(default=True, description="false: nothing of this block happens")
    upsets_per_chip_year: Rate = Field(
        default=3.0, description="upsets that stop a job, mean over a sun-synchronous orbit at 650 km"
    )
    altitude_exponent: Annotated[float, Field(ge=0, le=8)] = Field(
        default=4.0, description="k of the rate's growth (altitude / 650 km)^k"
    )
    anomaly: Anomaly = Anomaly()
    reset_s: NonNegative = Field(default=120.0, description="power cycle after an upset, before the job starts again")
    hard_failures_per_chip_year: Rate = 0.09
    mission_age_years: Annotated[float, Field(ge=0, le=20)] = Field(
        default=0.0, description="time in orbit before the episode, in which chips, satellites, cells and arrays aged"
    )
    satellite_loss_per_year: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.02, description="rate at which satellites are lost to compute before the episode"
    )
    dynamic_power_sigma: Sigma = Field(
        default=0.0, description="spread of a satellite's dynamic power at equal speed, of the logarithm"
    )
    leakage_sigma: Sigma = Field(default=0.0, description="the same of its leakage")
    outages: Outages = Outages()
    loss: Loss = Loss()
    links: LinkOutages = LinkOutages()
    weather: Weather = Weather()
    safe_mode: SafeMode = SafeMode()

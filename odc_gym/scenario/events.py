"""Scripted events: outages, losses, storms and surges at times chosen by the scenario's author.

Times count from the start of the episode, because episodes begin at random dates: "06:00" is six hours after the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, PlainSerializer, PlainValidator, model_validator

from odc_gym.constants import HOUR_S
from odc_gym.scenario.base import Model, NonNegative, Positive, clock_hours
from odc_gym.scenario.network import Ground
from odc_gym.scenario.orbit import Orbit
from odc_gym.scenario.strict_types import date_and_time
from odc_gym.sites import SITES

_EVENT_TIME_FORMATS = "must be hours from the episode's start, as a number or 'HH:MM', or a date and time in ISO 8601"


def _parse_event_time(value: Any) -> float | datetime:
    """Return hours from the start, or a date; a date without an offset is read as UTC."""
    value = clock_hours(value)
    if isinstance(value, str | date):
        try:
            value = date_and_time(value)
        except ValueError:
            raise ValueError(_EVENT_TIME_FORMATS) from None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < float("inf"):
        raise ValueError(_EVENT_TIME_FORMATS)
    return float(value)


EventTime = Annotated[float | datetime, PlainValidator(_parse_event_time), PlainSerializer(lambda at: at)]


class EventContext(NamedTuple):
    """Names and times that events may refer to: epoch, orbit of each shell, classes of work, and ground sites."""

    epoch: datetime | None
    orbits: Sequence[Orbit]
    classes: Sequence[str]
    sites: Sequence[str]


class Event(Model):
    """Base of all scripted events: the time at which they begin."""

    at: EventTime = Field(
        description="hours from the episode's start, or 'HH:MM'; or a date, where episodes begin at `start.epoch`"
    )

    def check(self, context: EventContext) -> None:
        """Reject an event that no episode can play.

        Raises:
            ValueError: the event refers to something unknown; the message lists what is known.
        """
        self.begin_s(context.epoch)

    def begin_s(self, epoch: datetime | None) -> float:
        """Return the beginning of the event in seconds from the start of the episode.

        Raises:
            ValueError: a date is given although episodes begin at random, or it lies before the episode.
        """
        if not isinstance(self.at, datetime):
            return self.at * HOUR_S
        if epoch is None:
            raise ValueError(f"at = {self.at}: a date needs start.epoch; episodes that begin at random take 'HH:MM'")
        begin = (self.at - (epoch if epoch.tzinfo else epoch.replace(tzinfo=UTC))).total_seconds()
        if begin < 0.0:
            raise ValueError(f"at = {self.at}: must not be before the episode, which begins at {epoch}")
        return begin


class SatelliteEvent(Event):
    """Event that affects satellites, given by their numbers, by a shell, or by a plane of a shell."""

    satellites: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        default=(), description="numbers from 0, counted shell by shell and plane by plane"
    )
    shell: Annotated[int, Field(ge=0)] | None = Field(default=None, description="number of the shell, from 0")
    plane: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="number of the plane in the shell, from 0"
    )

    @model_validator(mode="after")
    def _check_satellites(self) -> SatelliteEvent:
        if bool(self.satellites) == (self.shell is not None or self.plane is not None):
            raise ValueError("must name either satellites, or a shell, or a plane, or a plane of a shell")
        return self

    def check(self, context: EventContext) -> None:
        """Reject the event if it begins before the episode or names unknown satellites."""
        super().check(context)
        self.affected_satellites(context.orbits)

    def affected_satellites(self, orbits: Sequence[Orbit]) -> tuple[int, ...]:
        """Return the numbers of the affected satellites, given the orbit of each shell.

        Raises:
            ValueError: the satellites, the shell or the plane do not exist.
        """
        sizes = [num_satellites(orbit) for orbit in orbits]
        for s in self.satellites:
            if s >= sum(sizes):
                raise ValueError(f"satellites = {s}: must be {_index_range(sum(sizes))}")
        if self.satellites:
            return self.satellites
        if self.shell is None and len(orbits) > 1:
            raise ValueError(f"plane = {self.plane}: shell must be given as well, {_index_range(len(orbits))}")
        shell = self.shell or 0
        if shell >= len(orbits):
            raise ValueError(f"shell = {shell}: must be {_index_range(len(orbits))}")
        first, planes = sum(sizes[:shell]), num_planes(orbits[shell])
        if self.plane is None:
            return tuple(range(first, first + sizes[shell]))
        if self.plane >= planes:
            raise ValueError(f"plane = {self.plane}: must be {_index_range(planes)}, of shell {shell}")
        per_plane = sizes[shell] // planes
        return tuple(range(first + self.plane * per_plane, first + (self.plane + 1) * per_plane))


class SatelliteOutage(SatelliteEvent):
    """Satellites that are out for some hours, and come back."""

    what: Literal["satellite-outage"] = Field(description="compute and links of the satellites are off")
    hours: Positive = Field(description="duration")


class SatelliteLoss(SatelliteEvent):
    """Satellites that are lost for good."""

    what: Literal["satellite-loss"] = Field(description="the satellites are lost for good")


class LinkOutage(SatelliteEvent):
    """Satellites whose optical terminals are out for some hours."""

    what: Literal["link-outage"] = Field(description="optical terminals of the satellites are off")
    hours: Positive = Field(description="duration")


class BadWeather(Event):
    """Bad weather over a ground site for some hours."""

    what: Literal["bad-weather"] = Field(description="the ground site serves no satellite")
    hours: Positive = Field(description="duration")
    site: str = Field(description="name of the ground site")

    def check(self, context: EventContext) -> None:
        """Reject the event if it begins before the episode or names an unknown site."""
        super().check(context)
        if self.site not in context.sites:
            allowed = f"must be one of {'; '.join(context.sites)}" if context.sites else "network.ground has no sites"
            raise ValueError(f"site = {self.site}: {allowed}")


class RadiationStorm(Event):
    """Hours in which upsets of all satellites are more frequent, as in a storm of solar protons."""

    what: Literal["radiation-storm"] = Field(description="upsets are more frequent")
    hours: Positive = Field(description="duration")
    factor: NonNegative = Field(description="factor on the rate of upsets")


class Surge(Event):
    """Hours in which more work arrives."""

    what: Literal["surge"] = Field(description="more work arrives")
    hours: Positive = Field(description="duration")
    factor: NonNegative = Field(description="factor on the rate of arrivals and on the demand")
    classes: tuple[str, ...] = Field(default=(), description="affected classes; all if empty")

    def check(self, context: EventContext) -> None:
        """Reject the event if it begins before the episode or names unknown classes."""
        super().check(context)
        for name in self.classes:
            if name not in context.classes:
                raise ValueError(f"classes = {name}: must be one of {', '.join(context.classes)}")


ScriptedEvent = Annotated[
    SatelliteOutage | SatelliteLoss | LinkOutage | BadWeather | RadiationStorm | Surge, Field(discriminator="what")
]


def site_names(ground: Ground | None) -> tuple[str, ...]:
    """Return the names of a network's ground sites, in the order of the site axis."""
    if ground is None:
        return ()
    if isinstance(ground.sites, str):
        return tuple(str(site.name) for site in SITES[ground.sites])
    return tuple(site.name for site in ground.sites)


def num_satellites(orbit: Orbit) -> int:
    """Return the number of satellites of a shell."""
    return orbit.total


def num_planes(orbit: Orbit) -> int:
    """Return the number of planes of a shell; clusters and element sets count as one.

    Satellites are numbered plane by plane.
    """
    return getattr(orbit, "planes", 1)


def _index_range(count: int) -> str:
    """Return the range of indices of `count` items, for an error message."""
    return f"0 to {count - 1}" if count > 1 else "0"

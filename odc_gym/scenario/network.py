"""Network: relay backbone, optical links between satellites, and gateways on the ground."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from odc_gym.scenario.base import Latitude, Longitude, Model, NonNegative, Positive, SiteAltitude


class Backbone(Model):
    """External relay mesh that every satellite can reach."""

    rate_gbps: Positive = Field(description="rate of each satellite, shared equally by its transfers")
    latency_s: NonNegative = Field(description="latency of its routes")


Terminals = Annotated[int, Field(ge=1, le=16)]


class OpticalLinks(Model):
    """Optical links between satellites that see each other and have a free terminal."""

    topology: Literal["grid", "nearest", "mesh"] = Field(
        description="grid: neighbours along the plane, and the same slot of neighbouring planes; "
        "nearest: the shortest links first; mesh: pairs that never lose each other, those that stay nearest first"
    )
    rate_gbps: Positive = Field(
        default=100.0, description="rate of a link in each direction, shared equally by its transfers"
    )
    terminals: Terminals = Field(default=3, description="most links of a satellite at once")
    max_range_km: Positive = Field(default=5000.0, description="greatest length of a link")
    grazing_altitude_km: Annotated[float, Field(ge=0, le=250)] = Field(
        default=80.0, description="least height of a line of sight above the ellipsoid"
    )
    acquisition_s: NonNegative = Field(
        default=20.0, description="time before a new link carries data, rounded up to whole physics steps"
    )
    hop_latency_s: NonNegative = Field(
        default=0.001, description="switching time at each hop, in addition to the light time"
    )


class ShellLinks(Model):
    """Link values of one shell that replace the network's."""

    rate_gbps: Positive | None = Field(
        default=None, description="rate of the shell's links; null: that of network.links"
    )
    terminals: Terminals | None = Field(
        default=None, description="most links of its satellites; null: those of network.links"
    )


class GroundStation(Model):
    """Ground site that satellites can send to."""

    name: str = Field(description="name of the site, as events refer to it")
    latitude_deg: Latitude = Field(description="latitude of the site, north positive")
    longitude_deg: Longitude = Field(description="longitude of the site, east positive")
    altitude_m: SiteAltitude = Field(default=0.0, description="height of the site above the ellipsoid")
    antennas: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="satellites that the site serves at once; null: those of `ground`"
    )


def _sites_tag(sites: Any) -> str:
    return "named" if isinstance(sites, str) else "listed"


Sites = Annotated[
    Annotated[Literal["gateways", "polar"], Tag("named")]
    | Annotated[tuple[GroundStation, ...], Field(min_length=1), Tag("listed")],
    Discriminator(_sites_tag),
]


class Ground(Model):
    """Ground sites, which connect to the terrestrial network."""

    sites: Sites = Field(default="gateways", description="list of sites, or the name of a list in `odc_gym.sites`")
    min_elevation_deg: Annotated[float, Field(ge=0, lt=90)] = Field(
        default=25.0, description="least elevation of a satellite above a site's horizon"
    )
    rate_gbps: Positive = Field(default=96.0, description="rate of the link between one satellite and one antenna")
    antennas: Annotated[int, Field(ge=1)] = Field(default=15, description="satellites that a site can serve at once")
    latency_s: NonNegative = Field(default=0.01, description="latency of the terrestrial network behind a site")


class Network(Model):
    """Network between satellites and the ground, with at least one way to the ground."""

    backbone: Backbone | None = Field(default=None, description="relay mesh of another operator; null: none")
    links: OpticalLinks | None = Field(default=None, description="links between satellites; null: none")
    ground: Ground | None = Field(default=None, description="ground sites; null: none")

    @model_validator(mode="after")
    def _check_ground_access(self) -> Network:
        if self.backbone is None and self.ground is None:
            raise ValueError("must have a way to the ground: backbone or ground")
        return self

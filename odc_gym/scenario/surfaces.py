"""What of a satellite faces the Sun and the Earth: array and radiator."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from odc_gym.scenario.base import Efficiency, Fraction, Model, Positive

Degrees = Annotated[float, Field(ge=0, lt=90)]


class Solar(Model):
    """Array output at operating temperature and its age, and how well it points."""

    area_m2: Positive
    w_per_m2: Positive = Field(description="electrical output at 1361 W/m2, new, operating temperature")
    eol: Efficiency | None = Field(default=None, description="output left at end of life, at any age of the mission")
    degradation_per_year: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None, description="output lost in each year of the mission's age; an alternative to eol"
    )
    tracking: Literal["two_axis", "one_axis", "body_fixed"] = Field(
        default="two_axis", description="one_axis turns about the normal of the orbit plane"
    )
    normal: Literal["zenith", "along_track", "cross_track"] | None = Field(
        default=None,
        description="where the cells of a body_fixed array look; cross_track to the Sun's side of the orbit plane",
    )
    pointing_error_deg: Degrees = 0.0

    @property
    def law(self) -> str:
        """How it points, one of `odc_gym.orbits.attitude.ARRAY_LAWS`."""
        return self.normal or self.tracking

    @model_validator(mode="after")
    def _one_of_each(self) -> Solar:
        if self.eol is not None and self.degradation_per_year is not None:
            raise ValueError(f"degradation_per_year = {self.degradation_per_year:g}: must not be given beside eol")
        if self.tracking == "body_fixed" and self.normal is None:
            raise ValueError("normal: must be given where tracking = body_fixed")
        if self.tracking != "body_fixed" and self.normal is not None:
            raise ValueError(f"normal = {self.normal}: must be left out where tracking = {self.tracking}")
        return self


class Radiator(Model):
    """Radiator panel.

    `knife_edge` keeps its edge to the Sun and to nadir; the one face of the other modes looks away from the Sun
    (`anti_sun`), to the ground (`nadir`), or to the sky (`zenith`).
    """

    area_m2: Positive = Field(description="panel area; each face radiates")
    faces: Literal[1, 2]
    mode: Literal["knife_edge", "anti_sun", "nadir", "zenith"] = "knife_edge"
    pointing_error_deg: Degrees = Field(default=0.0, description="by which a face is turned towards the Sun")
    eps: Efficiency = Field(description="infrared emissivity")
    alpha: Fraction = Field(description="solar absorptivity")
    fin: Efficiency = Field(description="fin effectiveness")

    @model_validator(mode="after")
    def _one_face(self) -> Radiator:
        if self.mode != "knife_edge" and self.faces != 1:
            other = {"anti_sun": "at the Sun", "nadir": "to the sky", "zenith": "to the ground"}[self.mode]
            raise ValueError(f"faces = {self.faces}: must be 1 where mode = {self.mode}, the other face looks {other}")
        return self


class HotBack(Model):
    """The warm back of the solar array as the radiator sees it."""

    view_factor: Fraction
    eps: Fraction
    sunlit_k: Positive
    eclipse_k: Positive

"""Surfaces of a satellite that face the Sun and the Earth: solar array and radiator."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from odc_gym.scenario.base import Celsius, Efficiency, Fraction, Model, Positive

SUNLIGHT_W_M2 = 1361.0  # at which array output is quoted
PointingError = Annotated[float, Field(ge=0, lt=90)]


class Solar(Model):
    """Solar array: output at operating temperature, its degradation with age, and its pointing."""

    area_m2: Positive = Field(description="area of the cells")
    w_per_m2: Positive = Field(description="electrical output at 1361 W/m2, new, operating temperature")
    eol: Efficiency | None = Field(
        default=None, description="share of output left at end of life, applied at any age of the mission"
    )
    degradation_per_year: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None, description="share of output lost in each year of the mission's age; an alternative to eol"
    )
    tracking: Literal["two_axis", "one_axis", "body_fixed"] = Field(
        default="two_axis",
        description="direction of the array. two_axis: to the Sun; one_axis: turned about the orbit's normal; "
        "body_fixed: along `normal`",
    )
    normal: Literal["zenith", "along_track", "cross_track"] | None = Field(
        default=None,
        description="direction of the cells of a body_fixed array; cross_track is on the Sun's side of the orbit plane",
    )
    pointing_error_deg: PointingError = Field(
        default=0.0, description="angle between the array and its direction; it costs its cosine"
    )
    temperature_coefficient_per_k: Annotated[float, Field(ge=-0.02, le=0.02)] = Field(
        default=0.0,
        description="relative change of output for each kelvin; silicon -0.004, triple junction -0.0022",
    )
    operating_c: Celsius = Field(default=40.0, description="temperature of the array at which its output is quoted")
    alpha: Efficiency = Field(default=0.75, description="solar absorptivity of the cells, electricity included")
    eps: Efficiency = Field(
        default=0.82, description="infrared emissivity of the cells; hot_back.eps is that of the back"
    )
    back_alpha: Fraction = Field(default=0.5, description="solar absorptivity of the back")
    heat_capacity_j_m2_k: Annotated[float, Field(ge=200, le=1e6)] = Field(
        default=3000.0, description="areal heat capacity: thin blankets 1500, rigid panels 5000"
    )

    @property
    def law(self) -> str:
        """Tracking law, one of `odc_gym.orbits.attitude.ARRAY_LAWS`."""
        return self.normal or self.tracking

    @model_validator(mode="after")
    def _check_exclusive_fields(self) -> Solar:
        if self.eol is not None and self.degradation_per_year is not None:
            raise ValueError(
                f"degradation_per_year = {self.degradation_per_year:g}: must not be given together with eol"
            )
        if self.tracking == "body_fixed" and self.normal is None:
            raise ValueError("normal: must be given where tracking = body_fixed")
        if self.tracking != "body_fixed" and self.normal is not None:
            raise ValueError(f"normal = {self.normal}: must be left out where tracking = {self.tracking}")
        return self

    @model_validator(mode="after")
    def _check_absorbed_power(self) -> Solar:
        if self.w_per_m2 > SUNLIGHT_W_M2 * self.alpha:
            raise ValueError(f"w_per_m2 = {self.w_per_m2:g}: must be <= alpha x {SUNLIGHT_W_M2:g} = what cells absorb")
        return self


class Radiator(Model):
    """Radiator panel.

    `knife_edge` keeps its edge towards the Sun and nadir. The other modes have one face, which looks away from the Sun
    (`anti_sun`), to the ground (`nadir`), or to the sky (`zenith`).
    """

    area_m2: Positive = Field(description="panel area; each face radiates")
    faces: Literal[1, 2] = Field(description="number of faces that radiate; 1 unless mode = knife_edge")
    mode: Literal["knife_edge", "anti_sun", "nadir", "zenith"] = Field(
        default="knife_edge",
        description="attitude. knife_edge: its edge to the Sun and to nadir; the others: one face away from the "
        "Sun, to the ground, or to the sky",
    )
    pointing_error_deg: PointingError = Field(
        default=0.0, description="angle by which a face is turned towards the Sun"
    )
    roll_rate_deg_s: Positive | None = Field(
        default=None, description="largest rate at which a knife edge rolls about the Sun's direction; null: no limit"
    )
    eps: Efficiency = Field(description="infrared emissivity")
    alpha: Fraction = Field(description="solar absorptivity")
    fin: Efficiency = Field(description="fin effectiveness")

    @model_validator(mode="after")
    def _check_faces(self) -> Radiator:
        if self.mode != "knife_edge" and self.faces != 1:
            other = {"anti_sun": "at the Sun", "nadir": "to the sky", "zenith": "to the ground"}[self.mode]
            raise ValueError(f"faces = {self.faces}: must be 1 where mode = {self.mode}, the other face looks {other}")
        if self.roll_rate_deg_s is not None and (self.mode, self.faces) != ("knife_edge", 2):
            raise ValueError(
                f"roll_rate_deg_s = {self.roll_rate_deg_s:g}: must be left out unless mode = knife_edge and faces = 2"
            )
        return self


class HotBack(Model):
    """Warm back of the solar array as seen by the radiator, at fixed temperatures or at the array's own."""

    view_factor: Fraction = Field(description="view factor from a face of the radiator to the back of the array")
    eps: Fraction = Field(description="infrared emissivity of the back")
    sunlit_k: Positive | None = Field(
        default=None, description="its temperature in sunlight; null: from the array's heat balance"
    )
    eclipse_k: Positive | None = Field(
        default=None, description="its temperature in eclipse; given together with sunlit_k"
    )

    @model_validator(mode="after")
    def _check_temperatures(self) -> HotBack:
        if (self.sunlit_k is None) != (self.eclipse_k is None):
            raise ValueError("must hold both sunlit_k and eclipse_k, or none of them")
        return self

"""Hardware of a satellite: power, battery, thermal nodes and accelerators."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from odc_gym.scenario.base import Celsius, Efficiency, Fraction, Model, NonNegative, Positive
from odc_gym.scenario.surfaces import HotBack, Radiator, Solar


class Power(Model):
    """Power conditioning, and the loads other than compute."""

    pcdu: Efficiency = Field(description="efficiency of power conditioning and harness; the loss heats the radiator")
    bus_w: NonNegative = Field(description="load of pump, attitude control and idle lasers")
    safe_w: NonNegative | None = Field(
        default=None, description="bus load in safe mode, while compute is shed; null: same as bus_w"
    )
    terminal_w: NonNegative = Field(description="extra load while a satellite transfers data")


class BatteryNode(Model):
    """Thermal node of the battery, with a small radiator beside the main one and a heater; values are for each kWh."""

    capacity_kj_k_kwh: Positive = Field(default=7.7, description="heat capacity: 130 Wh/kg at 1 kJ/(kg K)")
    radiator_m2_kwh: Positive = Field(
        default=0.04, description="area of its radiator, which has the attitude of the main one"
    )
    heater_w_kwh: NonNegative = Field(default=15.0, description="largest power of the heater")
    heater_c: Celsius = Field(default=10.0, description="temperature that the heater keeps")


class Battery(Model):
    """Battery pack. Efficiencies hold at 25 C and a rate of 1/3 per hour, converters included."""

    capacity_wh: Positive = Field(description="capacity when new")
    eff_charge: Efficiency = Field(description="efficiency of charging")
    eff_discharge: Efficiency = Field(description="efficiency of discharging")
    losses: Literal["nmc811", "constant"] = Field(
        default="nmc811", description="change of losses with temperature and rate: that of NMC811 cells, or none"
    )
    c_charge: Positive = Field(description="largest charging rate over capacity [1/h]")
    c_discharge: Positive = Field(description="largest discharging rate over capacity [1/h]")
    floor: Fraction = Field(description="state of charge below which compute is shed")
    restore: Fraction = Field(description="state of charge at which shed compute returns")
    soft_dod: Annotated[float, Field(gt=0, le=1)] = Field(
        description="depth of discharge that the sustainable plan keeps"
    )
    ageing: Literal["xu2018", "saft"] = Field(
        default="xu2018",
        description="law of ageing. xu2018: by depth, charge, temperature and time; "
        "saft: by depth alone, pessimistic for deep cycles",
    )
    taper_from: Annotated[float, Field(gt=0, lt=1)] = Field(
        description="state of charge from which charging power tapers, to 0 at full charge"
    )
    temperature_c: Annotated[float, Field(ge=-20, le=60)] = Field(
        description="battery temperature that the sustainable plan assumes"
    )
    node: BatteryNode = Field(default=BatteryNode(), description="thermal node of the battery")

    @model_validator(mode="after")
    def _check_order(self) -> Battery:
        if not 0.02 < self.floor < self.restore < 1:
            raise ValueError(
                f"must hold 0.02 < floor < restore < 1, got floor = {self.floor}, restore = {self.restore}"
            )
        return self


class ColdSide(Model):
    """Protection of an idle satellite from cold: a radiator bypass for the coolant, and a survival heater."""

    bypass_c: Celsius = Field(default=15.0, description="loop temperature that the bypass keeps")
    bypass_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.998, description="largest share of the flow that bypasses the radiator"
    )
    heater_w: NonNegative = Field(default=0.0, description="largest power of the survival heater")
    heater_c: Celsius = Field(default=0.0, description="loop temperature that the heater keeps")
    start_c: Celsius = Field(
        default=-10.0, description="loop temperature from which compute may restart, for a satellite with a heater"
    )

    @model_validator(mode="after")
    def _check_order(self) -> ColdSide:
        if not self.start_c < self.heater_c < self.bypass_c:
            raise ValueError(
                f"must hold start_c < heater_c < bypass_c, got {self.start_c:g}, {self.heater_c:g}, {self.bypass_c:g}"
            )
        return self


class Thermal(Model):
    """Three thermal nodes: plate (chips and cold plate), pumped loop, radiator."""

    c_kj_k: tuple[Positive, Positive, Positive] = Field(description="heat capacities of plate, loop, radiator")
    dt_full_k: tuple[Positive, Positive, Positive] = Field(
        description="temperature steps at full power: junction-plate, plate-loop, loop-radiator"
    )
    limit_c: Celsius = Field(description="junction limit; a temperature above it counts as a violation")
    throttle_c: Celsius = Field(description="junction temperature that the governor enforces")
    trip_c: Celsius = Field(description="junction temperature that switches the satellite's compute off")
    plan_c: Celsius = Field(default=84.0, description="junction temperature that the sustainable plan keeps")
    reset_c: Celsius = Field(default=75.0, description="junction temperature below which a trip resets")
    reset_min: Positive = Field(default=15.0, description="time after which a trip resets at the latest")
    leak: Fraction = Field(description="leakage share of power at a junction temperature of 60 C")
    double_k: Positive = Field(description="temperature rise that doubles leakage")
    loop_on_c: Celsius = Field(default=25.0, description="plate temperature above which the loop's pump starts")
    loop_off_c: Celsius = Field(
        default=10.0, description="plate temperature below which the pump stops, unless compute needs it"
    )
    loop_on_w: NonNegative = Field(default=100.0, description="compute power above which the pump starts")
    off_conductance: Fraction = Field(
        default=0.03, description="share of the conductance that is left when the loop is off"
    )
    cold: ColdSide = Field(default=ColdSide(), description="protection from cold")

    @model_validator(mode="after")
    def _check_order(self) -> Thermal:
        if not self.reset_c < self.limit_c < self.throttle_c < self.trip_c or self.plan_c > self.limit_c:
            raise ValueError("must hold reset_c < limit_c < throttle_c < trip_c and plan_c <= limit_c")
        return self


class Accelerators(Model):
    """Accelerators of one satellite, and their power law (see `odc_gym.physics.compute`)."""

    count: Annotated[int, Field(ge=1, le=1024)] = Field(description="number of accelerators")
    kind: str = Field(description="name of the accelerator, for tables")
    speed: Positive = Field(default=1.0, description="work rate at full clock over that of the reference, an H200")
    peak_w: Positive = Field(description="power of host and all accelerators at full clock and utilisation 1, at 60 C")
    idle_each_w: NonNegative = Field(description="power of an idle accelerator at 60 C")
    gated_each_w: NonNegative = Field(description="power of a gated accelerator")
    gate_after_s: Positive = Field(default=300.0, description="idle time after which accelerators are gated")
    wake_s: NonNegative = Field(default=0.0, description="time from gated to ready for work, at idle power")
    host_w: NonNegative = Field(description="power of the host while compute is on")
    standby_w: NonNegative = Field(description="host power on standby, while compute is off")
    restart_s: NonNegative = Field(default=0.0, description="time from the end of a shed or trip until compute is back")
    x_min: Annotated[float, Field(ge=0.05, lt=1)] = Field(description="lowest clock over full clock")
    static: Fraction = Field(description="share of dynamic power that is independent of the clock")
    v0: Annotated[float, Field(ge=0.4, le=1)] = Field(description="lowest voltage over full voltage")
    x_v: Annotated[float, Field(ge=0, lt=1)] = Field(description="clock at which voltage begins to rise")
    bf16_tflops: Positive = Field(description="dense 16-bit rate of one; only the KPI of compute uses it")
    hbm_gb: Positive = Field(description="memory of one")

    @model_validator(mode="after")
    def _check_order(self) -> Accelerators:
        if self.peak_w <= self.host_w + self.count * self.idle_each_w:
            raise ValueError(f"peak_w = {self.peak_w:g} must exceed host_w + count * idle_each_w")
        if self.gated_each_w > self.idle_each_w:
            raise ValueError(f"gated_each_w = {self.gated_each_w:g} must not exceed idle_each_w = {self.idle_each_w:g}")
        return self


class Hardware(Model):
    """Hardware of one kind of satellite."""

    solar: Solar = Field(description="solar array")
    power: Power = Field(description="power conditioning and loads of the bus")
    battery: Battery = Field(description="battery pack")
    radiator: Radiator = Field(description="radiator panel")
    hot_back: HotBack = Field(description="back of the array as the radiator sees it")
    thermal: Thermal = Field(description="thermal nodes and limits")
    accelerators: Accelerators = Field(description="accelerators and their host")
    storage_gb: Positive = Field(default=30_000.0, description="storage for models between jobs")

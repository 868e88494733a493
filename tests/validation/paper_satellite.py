"""Thermal model of a satellite by hand: three nodes from its data sheet, not from the numbers of the simulation."""

from typing import NamedTuple

from scipy import constants

from odc_gym.scenario import Hardware

STEEP = 100.0  # of thermostats: they close the gap with a time constant of 10 ms
QUOTED_K = 60.0 + constants.zero_Celsius  # junction temperature at which powers are quoted


class Paper(NamedTuple):
    """Heat capacities [J/K], conductances [W/K] with the loop running and standing, radiator, leakage."""

    capacity: tuple[float, float, float]
    running: tuple[float, float]
    standing: tuple[float, float]
    radiation: float  # [W/K4]
    panel_m2: float
    above_plate: float  # junction over plate [K/W]
    leak: float
    double_k: float
    efficiency: float  # of conditioning
    bypass: tuple[float, float]  # loop temperature [K], largest share of the radiator's flow
    heater: tuple[float, float]  # loop temperature [K], largest power [W]

    @classmethod
    def of(cls, hardware: Hardware) -> "Paper":
        """Build the satellite of given hardware."""
        thermal, radiator, peak = hardware.thermal, hardware.radiator, hardware.accelerators.peak_w
        (junction, plate, loop), cold = thermal.dt_full_k, thermal.cold
        panel = radiator.area_m2 * radiator.faces * radiator.fin
        return cls(
            tuple(1000.0 * c for c in thermal.c_kj_k),
            (peak / plate, peak / loop),
            (thermal.off_conductance * peak / plate, thermal.off_conductance * peak / loop),
            constants.Stefan_Boltzmann * radiator.eps * panel,
            panel,
            junction / peak,
            thermal.leak,
            thermal.double_k,
            hardware.power.pcdu,
            (cold.bypass_c + constants.zero_Celsius, cold.bypass_share),
            (cold.heater_c + constants.zero_Celsius, cold.heater_w),
        )

    def leakage_w(self, power_w: float, plate_k: float) -> float:
        """Return the leakage beyond the quoted power at 60 C."""
        above = plate_k + self.above_plate * power_w - QUOTED_K
        return power_w * self.leak * (2.0 ** (above / self.double_k) - 1.0)

    def kept_w(self, nodes, loop_on: bool) -> tuple[float, float]:
        """Return the powers of a steep thermostat in the loop's heater and of a steep bypass valve [W]."""
        _, loop, radiator = map(float, nodes)
        to_radiator = (self.running if loop_on else self.standing)[1] * max(loop - radiator, 0.0)
        (set_k, share), (heater_k, most) = self.bypass, self.heater
        bypassed = min(max(STEEP * self.capacity[1] * (set_k - loop), 0.0), share * to_radiator)
        return min(max(STEEP * self.capacity[1] * (heater_k - loop), 0.0), most), bypassed

    def rates(self, nodes, loop_on: bool, power_w: float, bus_w: float, loop_w: float, other_w: float) -> list[float]:
        """Return the change of plate, loop and radiator [K/s].

        `loop_w` warms the loop, `other_w` the radiator beside all that the bus draws and what conversion loses.
        """
        plate, loop, radiator = map(float, nodes)  # NumPy's scalars are slow
        leak = self.leakage_w(power_w, plate)
        first, second = self.running if loop_on else self.standing
        a, b = first * (plate - loop), second * (loop - radiator)
        conversion = (power_w + leak + bus_w) * (1.0 / self.efficiency - 1.0)
        outside = conversion + bus_w + other_w - self.radiation * radiator**4
        flows = (power_w + leak - a, a - b + loop_w, b + outside)
        return [flow / capacity for flow, capacity in zip(flows, self.capacity, strict=True)]

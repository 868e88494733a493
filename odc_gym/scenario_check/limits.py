"""Limits of a fleet's output: accelerators, energy and heat, each alone and all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from odc_gym.constants import SOLAR_CONSTANT_W_M2, ZERO_CELSIUS_K
from odc_gym.orbits import eclipse_fraction
from odc_gym.scenario_check.report_row import shell_prefixes
from odc_gym.tables.fleet.design import design_numbers
from odc_gym.tables.fleet.fleet_model import FleetModel
from odc_gym.tables.fleet.plans import offered_by_class, steps_of_one_orbit
from odc_gym.tables.fleet.surroundings import Surfaces, illuminate, mean_sunlit_response
from odc_gym.tables.fleet.sustainable import ThroughputCurve, largest_constant_w, radiator_heat_w, thermal_limit_w

_SLOTS = "slots"
_NEAR = 0.999  # share of the slots from which a limit counts as none


@dataclass(frozen=True)
class Limits:
    """Output that satellites could sustain by each limit alone, mean over the year [reference accelerators].

    Attributes:
        name: name of the shell as in the report's rows, or `fleet`.
        slots: output of all accelerators at full clock.
        energy: output by energy alone.
        heat: output by heat alone.
        sustained: output by all limits together.
        full_speed: whether each accelerator is as fast as the reference.
    """

    name: str
    slots: float
    energy: float
    heat: float
    sustained: float
    full_speed: bool

    @property
    def alone(self) -> dict[str, float]:
        """Output by each limit alone."""
        return {_SLOTS: self.slots, "energy": self.energy, "heat": self.heat}

    @property
    def binding(self) -> tuple[str, str | None]:
        """Limit that binds most, and the one that binds next; None if the others suffice for all accelerators."""
        first, second, _ = sorted(self.alone, key=lambda name: self.alone[name])
        return first, second if self.alone[second] < _NEAR * self.slots else None

    @property
    def sentence(self) -> str:
        """Limit that binds, output beside the accelerators, and the limit that is next, as a sentence."""
        return self._sentence(" accelerators" if self.full_speed else " reference accelerators")

    @property
    def line(self) -> str:
        """Name and sentence without the unit, as a line of a list."""
        return f"- {self.name}: {self._sentence('')}"

    def _sentence(self, unit: str) -> str:
        first, second = self.binding
        output = f"{_figure(self.sustained)} of {_figure(self.slots)}"
        if first == _SLOTS:
            return f"Accelerators bind: {output} sustained; energy and heat suffice."
        other = "heat" if first == "energy" else "energy"
        rest = f"{second} is next" if second else f"{other} suffices"
        return f"{first.capitalize()} binds: {output}{unit} sustained; {rest}."


def limit_sentences(fleet: FleetModel) -> list[str]:
    """Return the answer of a check: the limit of the fleet and of its shells, and the offered work, one line each."""
    shells = limits_by_shell(fleet, year_betas_rad(fleet))
    whole = of_fleet(shells)
    lines = [whole.sentence]
    if len(shells) > 1:
        lines += [shell.line for shell in shells]
    offered = float(offered_by_class(fleet.scenario.workload, fleet.scenario.class_names).sum())
    return [
        *lines,
        f"Offered work: {_figure(offered)} accelerators, {offered / whole.sustained:.2f} times the sustained.",
    ]


def year_betas_rad(fleet: FleetModel) -> list[np.ndarray]:
    """Return unsigned angles between Sun and orbit planes at the year's start dates, one array a shell [rad]."""
    _, beta = fleet.year_sunlight
    return [np.abs(beta[:, fleet.shell_of == i]).ravel() for i in range(len(fleet.shells))]


def limits_by_shell(fleet: FleetModel, betas_rad: Sequence[np.ndarray]) -> list[Limits]:
    """Return the limits of each shell.

    Args:
        fleet: fleet of a scenario.
        betas_rad: unsigned angles between Sun and orbit planes over the year, one array a shell [rad].
    """
    found = []
    names = [prefix.removesuffix(": ") for prefix in shell_prefixes(fleet.scenario)]
    for i, betas in enumerate(betas_rad):
        hardware, surfaces = fleet.hardware[i], fleet.surfaces[i]
        design = design_numbers(hardware)
        curve = ThroughputCurve.of(design, fleet.mix)
        dark = eclipse_fraction(surfaces.altitude_m, betas)
        array = mean_array_w(design, surfaces, betas) * fleet.scenario.earth.solar_w_m2 / SOLAR_CONSTANT_W_M2
        period = fleet.shells[i].period_s
        powers = [largest_constant_w(design, period, float(f), float(a)) for f, a in zip(dark, array, strict=True)]
        grid = np.linspace(betas.min(), betas.max(), 10)  # the limit hardly changes with beta
        limits = curve.at(np.array([float(constant_limit_w(fleet, i, b)) for b in grid]))
        satellites = float((fleet.shell_of == i).sum())
        chips = hardware.accelerators
        found.append(
            Limits(
                names[i],
                satellites * chips.count * chips.speed,
                satellites * float(curve.at(np.array(powers)).mean()),
                satellites * float(np.interp(betas, grid, limits).mean()),
                fleet.sustainable_by_shell[i],
                chips.speed == 1.0,
            )
        )
    return found


def of_fleet(shells: Sequence[Limits]) -> Limits:
    """Return the limits of a whole fleet."""
    return Limits(
        "fleet",
        sum(shell.slots for shell in shells),
        sum(shell.energy for shell in shells),
        sum(shell.heat for shell in shells),
        sum(shell.sustained for shell in shells),
        all(shell.full_speed for shell in shells),
    )


def mean_array_w(design: dict[str, float], surfaces: Surfaces, betas_rad: np.ndarray) -> np.ndarray:
    """Return the array output at 1 au and operating temperature, mean over the sunlit part of orbits [W], (N,)."""
    steps = steps_of_one_orbit(surfaces.altitude_m, np.ones(1), betas_rad)
    return design["array_peak_w"] * mean_sunlit_response(surfaces.array_law, steps)


def constant_limit_w(fleet: FleetModel, i: int, beta_rad: float) -> np.ndarray:
    """Return the thermal limit with leakage and the mean sink of an orbit at one beta angle [W]."""
    hardware, surfaces = fleet.hardware[i], fleet.surfaces[i]
    design = design_numbers(hardware)
    sink = illuminate(
        design, surfaces, steps_of_one_orbit(surfaces.altitude_m, np.ones(1), np.array([beta_rad]))
    ).absorbed_w_m2.mean()
    return thermal_limit_w(design, hardware.thermal.plan_c + ZERO_CELSIUS_K, radiator_heat_w(design, sink))


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 1000.0 else f"{value:.3g}"

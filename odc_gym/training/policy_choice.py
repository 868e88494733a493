"""Policy of a training run by its configuration: its class, its arguments, and the dials at which it begins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odc_gym.dial_files import dials_of, family, read_dials, roles_of
from odc_gym.interface.dials import ACTION_RANGE, DIALS
from odc_gym.policies.natures import natures_of
from odc_gym.scenario import Scenario
from odc_gym.simulator.simulator import Simulator
from odc_gym.training.assign_policy import AssignPolicy
from odc_gym.training.config import TrainConfig
from odc_gym.training.dial_policy import DialPolicy
from odc_gym.training.fleet_policy import FleetPolicy
from odc_gym.training.policies import HeldNoisePolicy


def policy_of(config: TrainConfig, simulator: Simulator) -> tuple[Any, dict[str, Any]]:
    """Return the class and the arguments of the policy of a run.

    Raises:
        SchedulerError: `start_dials` names no file of dials.
    """
    if config.policy == "AssignPolicy":
        return AssignPolicy, {"width": config.width}
    common: dict[str, Any] = {"noise_correlation": config.noise_correlation}
    on_dials = config.env.action_mode == "dials"
    if config.policy == "FleetPolicy":
        natures = natures_of(simulator.scenario)
        common |= {"satellites": simulator.satellites, "natures": natures, "width": config.width}
        return (DialPolicy if on_dials else FleetPolicy), common | (
            _on_dials(config, simulator) if on_dials else {"log_std": _log_std_of_bids(config)}
        )
    common |= {"net_arch": config.net_arch.model_dump()}
    if not on_dials:
        return HeldNoisePolicy, common | {"log_std": _log_std_of_bids(config, simulator)}
    own = _on_dials(config, simulator)
    own["log_std"] = own["log_std"][:1] * simulator.action_size
    if own["start"] is not None:
        own["start"] = (ACTION_RANGE * dials_of(np.array(own["start"]), roles_of(simulator.scenario))).tolist()
    return HeldNoisePolicy, common | own


def start_of(config: TrainConfig, scenario: Scenario) -> NDArray[np.float64] | None:
    """Return the role vector at which a run begins, (R,); None for the zero action.

    Raises:
        SchedulerError: `start_dials` names no file of dials.
    """
    if config.start_dials is None:
        return None
    return read_dials(family(scenario.name) if config.start_dials == "tuned" else config.start_dials).vector


def base_of(config: TrainConfig, scenario: Scenario) -> NDArray[np.float64] | None:
    """Return the role vector of the dials to whose actions a policy adds its own, (R,); None if there are none.

    Raises:
        SchedulerError: as of `start_of`.
    """
    return start_of(config, scenario) if config.env.action_mode == "bids" else None


def _on_dials(config: TrainConfig, simulator: Simulator) -> dict[str, Any]:
    """Return `log_std` for each kind of dial, and the role vector `start`."""
    log_std, start = config.log_std_init.dial + math.log(ACTION_RANGE), start_of(config, simulator.scenario)
    return {"log_std": [log_std] * len(DIALS), "start": None if start is None else start.tolist()}


def _log_std_of_bids(config: TrainConfig, simulator: Simulator | None = None) -> list[float]:
    """Return `log_std` for each kind of component of the mode `bids`, or for each component in a simulator."""
    log_std = config.log_std_init
    if simulator is None:
        return [log_std.bid, log_std.clock, log_std.urgency, log_std.offset]
    classes = len(simulator.class_names)
    of_satellite = [*[log_std.bid] * classes, log_std.clock]
    return [*of_satellite * simulator.satellites, *[log_std.urgency] * classes, *[log_std.offset] * classes]

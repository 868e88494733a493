"""Parameter arrays of the compiled core, built from a scenario: design, class rules, dispatcher and reward weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from odc_gym.constants import HOUR_S, KWH_J, MINUTE_S, WH_J, YEAR_S
from odc_gym.core.layout.rewards import Weights
from odc_gym.core.layout.state import Design, Ratings, Readings, Sensors, padded
from odc_gym.core.layout.work import ORDERS, Policy, Rules, Tenants
from odc_gym.physics.thermal import Propagator
from odc_gym.scenario import Checkpoints, Faults, Gang, JobClass, Scenario, ServiceClass, Workload
from odc_gym.scenario.paths import resolve_path
from odc_gym.tables.fleet.design import governor_gain, propagators
from odc_gym.tables.fleet.serving_tables import Service, services_of, serving_rules
from odc_gym.workload import offered_rate


def design_block(kinds: Sequence[dict[str, float]], kind_of: Sequence[int] | np.ndarray, dt_s: float) -> np.ndarray:
    """Return design and propagators of the satellites, [field, P].

    Padding lanes repeat the last satellite, so that their values are valid.

    Args:
        kinds: design numbers by name, for each kind of satellite.
        kind_of: kind of each satellite, (S,).
        dt_s: physics step [s].
    """
    columns = []
    stacked = propagators({name: np.array([d[name] for d in kinds]) for name in kinds[0]}, dt_s)
    for d, *numbers in zip(kinds, *(np.array(p).T.tolist() for p in stacked), strict=True):
        on, off = (Propagator(*row) for row in numbers)
        gains = {"gain_on": governor_gain(d, on), "gain_off": governor_gain(d, off)}
        columns.append([*((d | gains)[field] for field in Design._fields), *on, *off])
    return _padded_lanes(np.array(columns).T[:, np.asarray(kind_of)])


def ratings_block(numbers: Mapping[str, np.ndarray], period_s: np.ndarray) -> np.ndarray:
    """Return the ratings of the satellites, [field, P].

    Args:
        numbers: design numbers by name, (S,) each.
        period_s: orbital period of each satellite [s], (S,).
    """
    idle_w, gated_w = (numbers["host_w"] + numbers["accelerators"] * numbers[f"{k}_each_w"] for k in ("idle", "gated"))
    return _padded_lanes(np.array(Ratings(numbers["peak_w"], period_s, idle_w, gated_w)))


def _padded_lanes(block: np.ndarray) -> np.ndarray:
    """Extend a block [field, S] to [field, P] by repeats of the last satellite."""
    satellites = block.shape[1]
    return np.ascontiguousarray(block[:, np.minimum(np.arange(padded(satellites)), satellites - 1)])


def rules_block(scenario: Scenario, accelerators: int, services: Sequence[Service | None] | None = None) -> np.ndarray:
    """Return the class parameters, [rule, C].

    Args:
        scenario: scenario.
        accelerators: number of accelerators of the fleet, which limits the number of replicas.
        services: service of each class, or None; by default `serving_tables.services_of(scenario)`.
    """
    columns = []
    first = 0
    for name, service in zip(scenario.class_names, services or services_of(scenario), strict=True):
        c = scenario.workload.classes[name]
        rule = dict.fromkeys(Rules._fields, 0.0)
        rule |= {"utilisation": c.utilisation, "kappa": c.clock_sensitivity, "value": c.value, "queue_value": c.value}
        rule["backlog_most_s"] = np.inf
        rule["offered"] = scenario.workload.rate_scale * offered_rate(c)
        rule["widest"] = float(c.replica_accelerators if isinstance(c, ServiceClass) else max(c.width))
        rule |= (
            _job_rules(c, scenario.episode.physics_s)
            if isinstance(c, JobClass)
            else _service_rules(c, accelerators, first)
        )
        rule |= serving_rules(*service) if service else {}
        first += int(rule["replicas"])
        rule["model"] = float(own_model(scenario, name))
        columns.append([rule[field] for field in Rules._fields])
    return np.array(columns).T.copy()


def own_model(scenario: Scenario, name: str) -> int:
    """Return the row of a service's weights in the table of models, or 0 for other classes.

    Row 0 of the table stands for no model. The models of the workload follow, then the weights of services in order of
    class.
    """
    services = [c for c in scenario.class_names if isinstance(scenario.workload.classes[c], ServiceClass)]
    return 1 + len(scenario.workload.models) + services.index(name) if name in services else 0


def model_sizes(scenario: Scenario) -> np.ndarray:
    """Return the sizes of the models in the order that `own_model` describes, (M,) [GB]."""
    classes = [scenario.workload.classes[name] for name in scenario.class_names]
    weights = [c.weights_gb for c in classes if isinstance(c, ServiceClass)]
    return np.array([0.0, *(model.gb for model in scenario.workload.models.values()), *weights])


def _gang_rules(gang: Gang, physics_s: float) -> dict[str, float]:
    return {
        "gang_hops": float(gang.hops),
        "lasting_steps": float(np.ceil(gang.lasting_min * MINUTE_S / physics_s)),
        "sync_gb": gang.sync_gb,
        "iteration_s": gang.iteration_s,
        "overlap": gang.overlap,
    }


def _job_rules(c: JobClass, physics_s: float) -> dict[str, float]:
    saves = isinstance(c.progress, Checkpoints)
    return {
        "hold_back": c.hold_back,
        "unit_s": c.progress.every_min * MINUTE_S,
        "adapts": float(isinstance(c.progress, Checkpoints) and c.progress.interval == "young-daly"),
        "stall_s": c.progress.stall_s if isinstance(c.progress, Checkpoints) else 0.0,
        "state_gb": c.progress.state_gb if isinstance(c.progress, Checkpoints) else 0.0,
        "saves": float(saves),
        "yields": float(not saves),
        "movable": float(c.movable),
        "init_s": c.init_s,
        "data_gb": c.data_in_gb,
        "result_gb": c.data_out_gb,
        "memory_gb": c.memory_gb,
        "decay_s": (c.decay_min or 0.0) * MINUTE_S,
    } | ({} if c.gang is None else _gang_rules(c.gang, physics_s))


def _service_rules(c: ServiceClass, accelerators: int, first: int) -> dict[str, float]:
    return {
        "queue_value": c.queue_value,
        "service": 1.0,
        "init_s": c.start_s,
        "memory_gb": c.weights_gb / c.replica_accelerators,
        "token_s": c.accelerator_ms_per_token / 1000.0,
        "target_s": c.target_s,
        "patience_s": c.patience_s,
        "headroom": c.headroom,
        "scale_down_s": c.scale_down_min * MINUTE_S,
        "replicas": float(accelerators // c.replica_accelerators),
        "first": float(first),
    }


def tenants_block(workload: Workload, b: int) -> np.ndarray:
    """Return the initial block of Tenants for `b` environments, [b, field, N]."""
    weight = np.array([tenant.weight for tenant in workload.tenants.values()])
    return np.repeat(np.array(Tenants(np.zeros(weight.size), weight / weight.sum()))[None], b, 0)


def policy_numbers(scenario: Scenario) -> Policy:
    """Return the parameters of the dispatcher."""
    dispatch, safe = scenario.dispatch, scenario.faults.safe_mode
    tiers = {tenant.tier for tenant in scenario.workload.tenants.values()}
    sheds = safe.sheds if scenario.faults.enabled else 0
    return Policy(
        float(dispatch.load_weight), float(dispatch.migration_margin), dispatch.min_stay_min * MINUTE_S,
        float(dispatch.close),
        float(dispatch.drain), float(dispatch.hold), dispatch.queue_age_h * HOUR_S, ORDERS.index(dispatch.order),
        dispatch.reservation == "easy", {"guaranteed", "spot"} <= tiers,
        dispatch.fair_share_h * HOUR_S if dispatch.fair_share else 0.0,
        float(scenario.episode.physics_s), float(scenario.faults.reset_s), _stops_per_s(scenario.faults),
        sheds, safe.within_h * HOUR_S, safe.hours * HOUR_S,
    )  # fmt: skip


def _stops_per_s(faults: Faults) -> float:
    """Return the rate of upsets and hard failures of an accelerator that the scenario states [1/s]."""
    return (faults.upsets_per_chip_year + faults.hard_failures_per_chip_year) / YEAR_S if faults.enabled else 0.0


def sensor_numbers(scenario: Scenario) -> Sensors:
    """Return the parameters of the telemetry."""
    sensing = scenario.sensing
    delay_steps = _delay_steps(scenario, sensing.delay_s)
    return Sensors(sensing.charge_sigma, sensing.temperature_sigma_k, sensing.power_sigma_frac, delay_steps)


def past_shape(scenario: Scenario) -> tuple[int, int]:
    """Return the number of slots of delayed readings, and the number of readings.

    A slot holds the readings of one decision. The slots suffice for the largest delay that an episode can draw.
    """
    drawn = [d.high for path, d in scenario.randomise.items() if ("sensing", "delay_s") in resolve_path(scenario, path)]
    delay = _delay_steps(scenario, max([scenario.sensing.delay_s, *drawn]))
    steps = round(scenario.episode.decision_period_s / scenario.episode.physics_s)
    return (delay // steps + 1 if delay else 0), len(Readings._fields)


def _delay_steps(scenario: Scenario, delay_s: float) -> int:
    """Return a delay in whole physics steps, rounded up."""
    return int(np.ceil(delay_s / scenario.episode.physics_s - 1e-9))


def reward_weights(scenario: Scenario, reference_value: float, stored_value: np.ndarray) -> Weights:
    """Return the weights of the reward.

    Args:
        scenario: scenario.
        reference_value: value that scores 100.
        stored_value: value that the plan of each satellite makes of one more watt-hour, (S,) [value/Wh].
    """
    reward = scenario.reward
    lanes = np.zeros(padded(len(stored_value)))
    lanes[: len(stored_value)] = reward.stored_energy * stored_value / WH_J
    derived: dict[str, Any] = {
        "wear_per_j": reward.wear / KWH_J,
        "stored_per_j": lanes,
        "stored_curvature": reward.stored_energy_curvature,
        "points": 100.0 / reference_value,
    }
    own: dict[str, Any] = {name: getattr(reward, name) for name in Weights._fields if name not in derived}
    return Weights(**own, **derived)

"""KPIs of an episode, with units in their names."""

from __future__ import annotations

import math

import numpy as np

from odc_gym.constants import HOUR_S, WH_J, YEAR_H
from odc_gym.core.layout.state import LOST
from odc_gym.core.layout.work import TRANSFER_ITEMS, Rules
from odc_gym.physics.ageing import damage_until
from odc_gym.simulator.job_metrics import job_metrics
from odc_gym.simulator.simulator import Simulator

TERA_PER_EXA = 1e6
MOST_YEARS = 100.0
CAUSES = {
    "checkpoint": "writing_s",
    "replay": "replay_s",
    "restore": "restore_s",
    "wait": "wait_s",
    "throttle": "throttle_s",
}  # for which held time is lost, and its account
END_OF_LIFE_FRAC = 0.8  # of the capacity of a battery


def episode_metrics(simulator: Simulator, row: int) -> dict[str, float]:
    """KPIs of one episode so far.

    Those of jobs are in `job_metrics`.
    `years_to_80_percent` is the time until the first battery of the fleet has 80 % of its capacity left, if it ages on
    as in the episode, at most 100. Energy per accelerator-hour is what bus, compute and leakage drew, conversion left
    out, over the credited work.
    `ettr_<class>` is the effective share of the time for which the jobs of a class hold accelerators, see
    `core.jobs.time_accounting`, and `lost_to_<cause>_frac_<class>` what became of the rest: writing of checkpoints,
    replay of lost work, restore (transfer, waking up, start), wait and throttle.
    `slo_<class>` of a service is the share of tokens served within their targets; `ttft_<class>` and `tpot_<class>`
    that of the time to the first token and per token alone, and `prefill_<class>_frac`, `decode_<class>_frac` the share
    of the time that replicas spend at each. `work_eflop` converts the work at the accelerators' peak rate, dense bf16.
    `upsets` counts those of living accelerators, `resets` the jobs and replicas that they stopped, `living_frac` what
    works at the end over what was installed. `available_frac` is the share of satellite-hours in which compute was on;
    `outage_h` counts those out of service, lost satellites included. `lost_to_faults` is the work lost to upsets and
    hard failures, those to outages, sheds and trips are beside it.

    Args:
        simulator: the batch.
        row: which of its episodes.

    Returns:
        Name to value.
    """
    n = simulator.satellites
    x = {name: rows[row, :n] for name, rows in simulator.sat._asdict().items()}
    account = {name: rows[row] for name, rows in simulator.ledger._asdict().items()}
    design = simulator.view.design
    clock = simulator.fleet.clock
    hours = max((float(simulator.scalars["tick"][row]) - clock.warm_up) * clock.dt_s / HOUR_S, 1e-9)
    credited_h = float(account["credited_s"].sum()) / HOUR_S
    bus_wh = float((x["electric_j"] * design["eta_pcdu"][row]).sum()) / WH_J
    wanted = float(x["bus_j"].sum())
    result = {
        "load_factor": float(simulator.load_factor[row]),
        "value": float(account["paid"].sum()),
        "work_accelerator_h": credited_h,
        "work_eflop": credited_h * HOUR_S * _reference_tflops(simulator) / TERA_PER_EXA,
        "work_of_sustainable": credited_h / (simulator.fleet.sustainable * hours),
        "lost_accelerator_h": float(account["lost_s"].sum()) / HOUR_S,
        "energy_wh_per_accelerator_h": bus_wh / credited_h if credited_h > 0 else 0.0,
        "curtailed_solar_frac": 1.0 - float(x["used_j"].sum()) / max(float(x["available_j"].sum()), 1e-9),
        "charge_least_frac": float(x["charge_least"].min()),
        "equivalent_cycles": float((x["discharged_j"] / design["capacity_j"][row]).mean()),
        "fatigue": float(x["fatigue"].mean()),
        "years_to_80_percent": _years_to_80_percent(x, {name: rows[row] for name, rows in design.items()}, hours),
        "junction_most_c": float(x["junction_most"].max()) - 273.15,
        "degree_h": float(x["hot_kh"].sum()),
        "shed_h": float(x["shed_s"].sum()) / HOUR_S,
        "trips": float(x["trips"].sum()),
        "sheds": float(x["sheds"].sum()),
        "available_frac": 1.0 - float(x["off_s"].sum()) / (n * hours * HOUR_S),
        "outage_h": float(x["out_s"].sum()) / HOUR_S,
        "safe_mode_h": float(x["safe_mode_s"].sum()) / HOUR_S,
        "lost_satellites": float((x["out"] == LOST).sum()),
        "governed_h": float(x["governed_s"].sum()) / HOUR_S,
        "unserved_frac": float(x["unserved_j"].sum()) / max(wanted, 1e-9),
        "clock_switches": float(x["switches"].sum()),
        "moves": float(account["moved"].sum()),
        "drains": float(account["drained"].sum()),
        "evictions": float(account["evicted"].sum()),
        "forced_stops": float(account["forced"].sum()),
        "foreseen_stops": float(account["foreseen"].sum()),
        "yields": float(account["yielded"].sum()),
        "upsets": float(x["upsets"].sum()),
        "resets": float(account["resets"].sum()),
        "lost_to_faults_accelerator_h": float(account["fault_lost_s"].sum()) / HOUR_S,
        "lost_to_outages_accelerator_h": float(account["outage_lost_s"].sum()) / HOUR_S,
        "lost_to_sheds_accelerator_h": float(account["shed_lost_s"].sum()) / HOUR_S,
        "lost_to_trips_accelerator_h": float(account["trip_lost_s"].sum()) / HOUR_S,
        "failed_accelerators": float(x["failures"].sum()),
        "living_frac": float(x["living"].sum()) / simulator.fleet.accelerators,
        "link_gb": float(sum(account[f"{part}_gb"].sum() for part in TRANSFER_ITEMS)),
        **{f"{part}_gb": float(account[f"{part}_gb"].sum()) for part in TRANSFER_ITEMS},
        "dropped_gb": float(account["dropped_gb"].sum()),
    }
    return result | _by_class(simulator, row, account) | job_metrics(simulator, row)


def _years_to_80_percent(x: dict[str, np.ndarray], design: dict[str, np.ndarray], hours: float) -> float:
    """Years until the first battery is at the end of its life, from the damage done in the hours of the episode."""
    ahead = damage_until(END_OF_LIFE_FRAC, design["film_frac"], design["linear_frac"]) - x["damage"]
    years = ahead / np.maximum(x["fatigue"] / hours * YEAR_H, 1e-12)
    return float(np.clip(years, 0.0, MOST_YEARS).min())


def _reference_tflops(simulator: Simulator) -> float:
    """Peak rate behind a reference-accelerator-second [TFLOP/s]: that of the fleet's accelerators over their speed."""
    kinds = [simulator.fleet.hardware[i].accelerators for i in simulator.fleet.shell_of]
    rate = math.fsum(a.count * a.bf16_tflops for a in kinds)
    return rate / math.fsum(a.count * a.speed for a in kinds)


def _by_class(simulator: Simulator, row: int, account: dict[str, np.ndarray]) -> dict[str, float]:
    service = Rules(*simulator.fleet.rules).service > 0.5
    result = {}
    for c, name in enumerate(simulator.class_names):
        result[f"value_{name}"] = float(account["paid"][c])
        result[f"work_{name}_accelerator_h"] = float(account["credited_s"][c]) / HOUR_S
        if service[c]:
            result[f"tokens_{name}"] = float(account["served"][c])
            result[f"slo_{name}"] = float(account["slo_met"][c] / max(account["arrived"][c], 1e-9))
            result[f"ttft_{name}"] = float(account["ttft_met"][c] / max(account["arrived"][c], 1e-9))
            result[f"tpot_{name}"] = float(account["tpot_met"][c] / max(account["arrived"][c], 1e-9))
            for phase in ("prefill", "decode"):
                share = float(account[f"{phase}_s"][c] / max(account["ready_s"][c], 1e-9))
                result[f"{phase}_{name}_frac"] = share
            result[f"abandoned_{name}_frac"] = float(account["abandoned"][c] / max(account["arrived"][c], 1e-9))
            continue
        result |= _effective_time(name, {k: float(values[c]) for k, values in account.items()})
    return result


def _effective_time(name: str, account: dict[str, float]) -> dict[str, float]:
    """Where the time that a class of jobs held went, shares of 1; all of it is effective where it held none."""
    held = max(account["held_s"], 1e-9)
    lost = {f"lost_to_{cause}_frac_{name}": account[row] / held for cause, row in CAUSES.items()}
    return {f"ettr_{name}": account["useful_s"] / held if account["held_s"] > 0.0 else 1.0, **lost}

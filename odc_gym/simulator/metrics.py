"""KPIs of an episode, with units in their names; `job_metrics` adds those of jobs and tenants."""

from __future__ import annotations

import math
from functools import lru_cache

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
}  # cause for which held time is lost, and the ledger account that counts it
END_OF_LIFE_FRAC = 0.8  # remaining capacity at which a battery is at the end of its life


def episode_metrics(simulator: Simulator, row: int) -> dict[str, float]:
    """Compute the KPIs of one episode so far.

    Names state the unit: `_accelerator_h` reference accelerator-hours, `_h` satellite-hours, `_frac` a share of 1, and
    `_gb` gigabytes. Other names are counts or ratios, unless a unit is given below.

    Work and value:

    - `load_factor`: offered work over the work that the fleet can sustain.
    - `value`: value paid [value units of the scenario].
    - `work_accelerator_h`: credited work.
    - `work_eflop`: credited work at the accelerators' peak rate in dense bf16 [EFLOP].
    - `work_of_sustainable`: credited work over the sustainable work of the fleet.
    - `lost_accelerator_h`: work that stops took away.
    - `lost_to_faults_accelerator_h`, `lost_to_outages_accelerator_h`, `lost_to_sheds_accelerator_h`,
      `lost_to_trips_accelerator_h`: parts of it, by cause. Faults are upsets and hard failures.

    Energy, batteries and heat:

    - `energy_wh_per_accelerator_h`: energy of compute, leakage, bus, terminals and heaters, without conversion losses,
      over the credited work [Wh per reference accelerator-hour].
    - `curtailed_solar_frac`: share of the available array output that was not used.
    - `unserved_frac`: share of the energy of bus and standby that was not served.
    - `charge_least_frac`: least charge of a battery.
    - `equivalent_cycles`: discharged energy over battery capacity, mean of the satellites.
    - `fatigue`: battery damage in the episode, mean of the satellites.
    - `years_to_80_percent`: time until the first battery has 80 % of its capacity left, if all age on as in the
      episode; at most 100 [years].
    - `junction_most_c`: highest junction temperature [C].
    - `degree_h`: junction temperature over its limit, summed over time and satellites [K h].

    Protection and availability, summed over satellites:

    - `sheds`, `trips`: numbers of sheds for low charge, and of trips for heat.
    - `shed_h`: time for which compute was shed.
    - `available_frac`: share of satellite-hours in which compute was on.
    - `outage_h`: time out of service; lost satellites are included.
    - `safe_mode_h`: time in safe mode.
    - `governed_h`: time in which the governor held clocks below the request.
    - `lost_satellites`: number of satellites that are lost for good.
    - `clock_switches`: number of changes of the clock request.

    Stops of jobs and replicas, as counts:

    - `moves`: moves to a better satellite.
    - `drains`: departures from satellites that the agent drains.
    - `yields`: jobs that left at a payable point for a job of higher rank.
    - `evictions`: jobs and replicas on satellites whose compute went off.
    - `forced_stops`, `foreseen_stops`: stops by surprise, and stops that were known in advance.
    - `resets`: jobs and replicas that an upset stopped.

    Accelerators and network:

    - `upsets`: number of upsets of working accelerators.
    - `failed_accelerators`: number of accelerators that failed for good.
    - `living_frac`: accelerators that work at the end over those installed.
    - `weights_gb`, `input_gb`, `state_gb`, `result_gb`: data that arrived, by kind; `link_gb` is their sum.
    - `dropped_gb`: data that was still to come when its job left.

    Each class has `value_<class>` and `work_<class>_accelerator_h`. Each service also has these:

    - `tokens_<class>`: number of tokens served.
    - `slo_<class>`: share of the arrived tokens that were served within both targets.
    - `ttft_<class>`, `tpot_<class>`: the same for the target of the time to the first token, or per token, alone.
    - `prefill_<class>_frac`, `decode_<class>_frac`: shares of the replicas' time in prefill and in decode.
    - `abandoned_<class>_frac`: share of the arrived tokens whose requests were abandoned.

    Each class of jobs also has these, as shares of the time for which its jobs hold accelerators:

    - `ettr_<class>`: effective time; see `core.jobs.time_accounting`.
    - `lost_to_<cause>_frac_<class>`: lost time, by cause: `checkpoint` (writing), `replay` of lost work, `restore`
      (transfer, waking up, start), `wait` and `throttle`.

    `job_metrics` lists the KPIs of jobs and tenants, which are included.

    Args:
        simulator: simulator of the batch.
        row: row of the episode.

    Returns:
        Values by name.
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
    """Return the years until the first battery is at the end of its life, if all age on as in the episode.

    Args:
        x: state of the satellites by name, (S,) each.
        design: design of the satellites by name, (S,) each.
        hours: length of the episode so far [h].
    """
    ahead = _life(design["film_frac"].tobytes(), design["linear_frac"].tobytes()) - x["damage"]
    years = ahead / np.maximum(x["fatigue"] / hours * YEAR_H, 1e-12)
    return float(np.clip(years, 0.0, MOST_YEARS).min())


@lru_cache(maxsize=64)
def _life(film_frac: bytes, linear_frac: bytes) -> np.ndarray:
    """Return the damage to each battery at the end of its life, (S,); it is the same for all episodes of most fleets.

    Args:
        film_frac: bytes of the (S,) shares of capacity that follow the film, as in `physics.ageing`.
        linear_frac: bytes of the (S,) shares that fall linearly.
    """
    return damage_until(END_OF_LIFE_FRAC, np.frombuffer(film_frac), np.frombuffer(linear_frac))


def _reference_tflops(simulator: Simulator) -> float:
    """Return the peak rate of the reference accelerator [TFLOP/s].

    It is the peak rate of the fleet's accelerators over their speed relative to the reference.
    """
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
    """Return the effective share and the lost shares of the time for which a class of jobs holds accelerators.

    The effective share is 1 if the class has held none.

    Args:
        name: name of the class.
        account: ledger accounts of the class.
    """
    held = max(account["held_s"], 1e-9)
    lost = {f"lost_to_{cause}_frac_{name}": account[row] / held for cause, row in CAUSES.items()}
    return {f"ettr_{name}": account["useful_s"] / held if account["held_s"] > 0.0 else 1.0, **lost}

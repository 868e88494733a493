"""Effects of the simulator, and the direction in which the programme of the bound takes each of them.

`modelled_names` derives the names of the effects from the code and the schema of scenarios. A test fails if one of them
has no row here, or if docs/bound.md shows other rows.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

EXACT = "exact"
RELAXED = "relaxed"
DROPPED = "dropped"
NONE = "no effect"
PROVEN = "proven"
CHECKED = "checked"


class Effect(NamedTuple):
    """An effect of the simulator in the programme.

    Attributes:
        name: name of the effect.
        covers: names of `modelled_names` that it covers, separated by spaces.
        direction: `exact`, `relaxed` (never to the disadvantage of a scheduler), `dropped` (likewise), or `no effect`
            on the score other than through effects of other rows.
        standing: `proven`: follows from the code; `checked`: rests on an inequality that tests check on trajectories.
        how: what the programme has in its place.
    """

    name: str
    covers: str
    direction: str
    standing: str
    how: str


EFFECTS = (
    Effect(
        "Pay of jobs",
        "reward:compute job:value job:kind service:kind workload:tiers workload:tenants job:progress",
        RELAXED,
        PROVEN,
        "Each unit of work is paid by the lateness at the beginning of its cell, not at its later checkpoint. Work "
        "that is never checkpointed is paid too.",
    ),
    Effect(
        "Share held back",
        "job:hold_back",
        RELAXED,
        PROVEN,
        "It is paid for each unit, by the lateness at the earliest time at which the job can end, or at the work if "
        "that is later. A job that cannot end within the episode gets none.",
    ),
    Effect(
        "Deadlines, decay and expiry",
        "job:slack job:decay_min",
        RELAXED,
        PROVEN,
        "The lateness of the simulator at the beginning of a cell; no work after the step of expiry.",
    ),
    Effect(
        "Work of a job",
        "advance_jobs job:duration_h job:sizes job:failed_frac job:failed_after job:cancelled_frac "
        "job:cancelled_after workload:estimate_sigma",
        EXACT,
        PROVEN,
        "At most the true work beyond the last checkpoint before the episode. Work since then may be done, and paid, "
        "again.",
    ),
    Effect(
        "Arrivals",
        "admit_arrivals job:jobs_per_h job:arrivals service:arrivals workload:classes workload:regions "
        "workload:profile workload:burst workload:rate_scale workload:load workload:surges scenario:events "
        "scenario:workload",
        EXACT,
        PROVEN,
        "Job table and demand of the episode. No job is refused.",
    ),
    Effect(
        "Start of jobs",
        "job:init_s service:start_s",
        RELAXED,
        PROVEN,
        "A job that does not run yet works `init_s` after its arrival at the earliest. It holds no accelerators "
        "before. Replicas start at once.",
    ),
    Effect(
        "Width of jobs",
        "place_waiting_jobs job:width service:replica_accelerators job:memory_gb",
        RELAXED,
        PROVEN,
        "A job works at the full clock of the fastest accelerators on its width at most. Its work may be spread over "
        "any satellites in any parts: no fragmentation, no memory.",
    ),
    Effect(
        "Gangs",
        "requeue_disconnected_gangs job:gang",
        RELAXED,
        PROVEN,
        "A gang does the sum of what its members could do alone: no neighbourhood, no slowest member, no exchange.",
    ),
    Effect(
        "Queue, drains, moves and preemption",
        "rerank drain_and_move preempt hold_others evict_from_off_satellites "
        "scenario:dispatch scenario:assign job:movable",
        DROPPED,
        PROVEN,
        "Work starts, stops and moves at any time without delay, data or loss.",
    ),
    Effect(
        "Transfers and network",
        "count_transfers transfer_data job:data_in_gb job:data_out_gb job:models "
        "workload:models job:captures scenario:network hardware:storage_gb",
        DROPPED,
        PROVEN,
        "All data is everywhere. Results arrive when the work ends. Terminals draw no power.",
    ),
    Effect(
        "Checkpoints and lost work",
        "checkpoint_before_shed",
        DROPPED,
        PROVEN,
        "Writing takes no time. Only work that is not lost later counts, and it takes accelerators once.",
    ),
    Effect(
        "Upsets",
        "apply_upsets",
        RELAXED,
        PROVEN,
        "Upsets cost nothing. Hard failures remove their accelerators when they happen: they are the same for every "
        "scheduler.",
    ),
    Effect(
        "Outages and lost satellites",
        "apply_outages",
        RELAXED,
        PROVEN,
        "No work while a satellite is out. It draws the least of bus and standby power.",
    ),
    Effect(
        "Demand of services",
        "serve_requests service:output_tokens_per_min service:accelerator_ms_per_token "
        "service:prefill_ms_per_token service:input_tokens_per_output service:sizes service:patience_s",
        RELAXED,
        PROVEN,
        "Tokens are served once, after the beginning of the cell of their arrival. The backlog of a cell is limited by "
        "the patience at the largest rate of the fleet.",
    ),
    Effect(
        "Pay of services",
        "service:value service:target_s late_value",
        RELAXED,
        CHECKED,
        "Full value for all that a cell serves up to its own demand and what a pool holds at once; `late_value` for "
        "the rest. Checked: a lost batch is taken back at the full value of what it was paid.",
    ),
    Effect(
        "Replicas",
        "autoscale service:headroom service:scale_down_min service:queue_value service:weights_gb",
        DROPPED,
        PROVEN,
        "Any part of the accelerators serves, at any time.",
    ),
    Effect(
        "Capacity of services",
        "service:engine service_load live_batch live_requests mean_batch prefill_excess request_s "
        "residual_s stretch worth_slots",
        RELAXED,
        CHECKED,
        "Replicas work at full batches, at which a token takes least time and energy. Live requests are a store of "
        "one batch for each replica that fits in the fleet. Checked: pools that shrink and grow gain no more than "
        "that, and replicas are busy for at least their load.",
    ),
    Effect(
        "Accelerators",
        "hardware:accelerators",
        EXACT,
        PROVEN,
        "Time at work of all classes within the accelerators that work in each cell.",
    ),
    Effect(
        "Clocks",
        "update_requested_clocks class_clock clock_of_dynamic dynamic_frac speed_frac job:utilisation "
        "job:clock_sensitivity service:utilisation service:clock_sensitivity job:kind",
        RELAXED,
        PROVEN,
        "The polygon outside the law of power and work. Each class and cell has its own mix of clocks.",
    ),
    Effect(
        "Idle power",
        "idle_power_w",
        RELAXED,
        PROVEN,
        "Accelerators at work draw idle power, all others that of gated ones. Host and bus draw power in proportion to "
        "the accelerators at work, above that of a satellite whose compute is off.",
    ),
    Effect(
        "Light and arrays",
        "array_power_w hardware:solar scenario:earth scenario:shells scenario:start",
        EXACT,
        PROVEN,
        "The table of the episode. Light of a cell serves any load of the same cell.",
    ),
    Effect(
        "Conditioning and bus",
        "physics hardware:power heater_w",
        RELAXED,
        PROVEN,
        "The efficiency of the simulator. The bus takes the least of its powers; heaters draw none.",
    ),
    Effect(
        "Battery",
        "charge_limit_w discharge_limit_w loss_shares loss_w hardware:battery",
        RELAXED,
        PROVEN,
        "Capacity at the start of the episode, limits of rate (discharge plus a tenth), losses at the best temperature "
        "by tangents. No taper, no frost; charge down to zero.",
    ),
    Effect(
        "Heat",
        "bypass_gain bypass_limit_w bypassed_k governed_power_w half_step loop_at_end radiating_node "
        "hardware:radiator hardware:hot_back hardware:thermal",
        DROPPED,
        PROVEN,
        "No limit by temperature: neither governor nor trips.",
    ),
    Effect(
        "Leakage",
        "leakage_frac",
        RELAXED,
        CHECKED,
        "In each cell at least that of infinitely cold chips. Over the episode at least that of chips as warm as the "
        "heat that they must radiate makes them. Checked: no node is hotter than 5 K above a trip or colder than "
        "200 K, and steps of integration change no more than 0.2 % of the heat.",
    ),
    Effect(
        "Sheds, trips and safe mode",
        "enter_safe_mode",
        RELAXED,
        PROVEN,
        "Compute may be off at any time and come back without delay. It never has to.",
    ),
    Effect(
        "Violations",
        "reward:thermal reward:energy",
        RELAXED,
        PROVEN,
        "Only power of bus and standby that is not served costs: the cost of the charge at which that can "
        "happen. All other violations are dropped, as they are never gains.",
    ),
    Effect(
        "Wear",
        "reward:wear count_cycles charge_stress temperature_stress capacity_left",
        DROPPED,
        PROVEN,
        "It costs nothing. Where batteries fade, wear costs more than the share of charge that the fade spares.",
    ),
    Effect(
        "Stored energy",
        "reward:stored_energy reward_terms",
        RELAXED,
        PROVEN,
        "Its value at the end by tangents, that at the start exactly.",
    ),
    Effect(
        "Variation, faults before the episode, length",
        "scenario:randomise scenario:faults scenario:episode scenario:hardware",
        EXACT,
        PROVEN,
        "All numbers are those of the episode, drawn ones and the remaining hardware included.",
    ),
    Effect(
        "Telemetry and bookkeeping",
        "scenario:sensing scenario:name scenario:description scenario:reward "
        "log_conditions record_queue update_tenant_usage update_averages remember forget_orders "
        "open_decision decode_action observe",
        NONE,
        PROVEN,
        "The programme knows all of the future, and the weights of the reward.",
    ),
)
"""Effects in the order of docs/bound.md."""


def modelled_names() -> set[str]:
    """Return the names of all modelled effects, derived from the code and the schema of scenarios.

    These are the functions that a decision calls, the functions of `physics` that the core imports, the terms of the
    reward, the blocks of a scenario and of its workload and hardware, and the fields of job classes and services.
    """
    from pydantic import BaseModel

    from odc_gym.interface.rewards import TERMS
    from odc_gym.scenario import Hardware, JobClass, Scenario, ServiceClass, Workload

    blocks: dict[str, type[BaseModel]] = {
        "scenario": Scenario,
        "workload": Workload,
        "hardware": Hardware,
        "job": JobClass,
        "service": ServiceClass,
    }
    fields = {f"{prefix}:{name}" for prefix, model in blocks.items() for name in model.model_fields}
    return fields | {f"reward:{term.name}" for term in TERMS} | _called_functions() | _physics_functions()


def _package() -> Path:
    return Path(__file__).parents[2]


def _called_functions() -> set[str]:
    """Return the functions of core and interface that `decide` calls, those of arrays and prefetches excepted."""
    tree = ast.parse((_package() / "core" / "decision.py").read_text(encoding="utf-8"))
    rooms = ("odc_gym.core.jobs", "odc_gym.core.serving", "odc_gym.core.spacecraft", "odc_gym.interface")
    known = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(rooms):
            known |= {alias.name for alias in node.names}
    (decide,) = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "decide")
    called = {
        node.func.id for node in ast.walk(decide) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    return (called & known) - {"are_finite", "total", "now_of", "mark_transfers"}


def _physics_functions() -> set[str]:
    """Return the functions of `physics` that the core imports, without plain mathematics and constants."""
    found: set[str] = set()
    for path in (_package() / "core").rglob("*.py"):
        if path.name == "array_temperature.py":
            continue  # it makes a table before the episode
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = str(node.module) if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("odc_gym.physics.") and not module.endswith("mathematics"):
                found |= {alias.name for alias in node.names if alias.name.islower()}  # type: ignore[attr-defined]
    return found


def table() -> str:
    """Return the effects as a table in Markdown, as docs/bound.md shows them."""
    lines = ["| effect | direction | standing | in the programme |", "| --- | --- | --- | --- |"]
    lines += [f"| {row.name} | {row.direction} | {row.standing} | {row.how} |" for row in EFFECTS]
    return "\n".join(lines)

"""Accelerators: the time that they work, the clocks at which they do, and the work that they do for whom.

Time at work is in accelerator-hours, by group, class, clock and cell. The clocks are the vertices of `clock_law`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from odc_gym.constants import HOUR_S
from odc_gym.optimisation.bound.clock_law import SAMPLES, outer_vertices
from odc_gym.optimisation.bound.episode import Episode
from odc_gym.optimisation.bound.jobs import WorkCells, class_and_cell
from odc_gym.optimisation.bound.program import Program
from odc_gym.optimisation.bound.services import ServiceWork
from odc_gym.physics.compute import dynamic_frac, speed_frac
from odc_gym.physics.serving import live_batch, stretch

KW = 1e-3


@dataclass(frozen=True)
class TimeAtWork:
    """Variables of the time at work, and what an hour of it draws.

    Attributes:
        variable: indices, (N, T) for N vertices of all groups and classes.
        group: group, (N,).
        class_id: class, (N,).
        power_kw: power of an accelerator above that of a gated one, (N,) [kW].
        work: work of an accelerator-hour, (N,) [reference accelerator-hours].
    """

    variable: np.ndarray
    group: np.ndarray
    class_id: np.ndarray
    power_kw: np.ndarray
    work: np.ndarray


class Chip(NamedTuple):
    """Accelerator of a group, with the best value of its satellites for each number.

    Attributes:
        clock: sampled clocks, (K,).
        dynamic_kw: dynamic power at these clocks and utilisation 1, (K,) [kW].
        awake_kw: power of an accelerator without work above that of a gated one [kW].
        speed: work at full clock over that of the reference.
        hbm_gb: memory.
    """

    clock: np.ndarray
    dynamic_kw: np.ndarray
    awake_kw: float
    speed: float
    hbm_gb: float


def add_accelerators(
    program: Program, episode: Episode, cells: WorkCells, jobs: np.ndarray, services: ServiceWork
) -> TimeAtWork:
    """Add the time at work, the accelerators that there are, and the rule that work takes time.

    Args:
        program: the programme.
        episode: facts of the episode.
        cells: work of the jobs by cell.
        jobs: variables of this work, (V,).
        services: work of the services.
    """
    chips = [chip_of(episode, g) for g in range(episode.groups)]
    options = [
        (g, c, power, work)
        for g, chip in enumerate(chips)
        for c in range(len(episode.class_names))
        for power, work in vertices_of(episode, chip, c)
    ]
    group, class_id, power, work = (np.array(column) for column in zip(*options, strict=True))
    there = episode.total(episode.grid.sums(episode.living)).T * (episode.grid.step_s / HOUR_S)  # (G, T)
    variable = program.variables("time at work", there[group])
    program.add(program.limits("accelerators", there)[group], variable, 1.0)
    done = program.limits("work takes time", np.zeros((len(episode.class_names), episode.grid.cells)))
    program.add(done[class_id], variable, -work[:, None])
    program.add(done[class_and_cell(cells)], jobs, 1.0)
    program.add(done[episode.service], services.work.T, 1.0)
    program.add(done[episode.service], services.live.T, -1.0)
    program.add(done[episode.service, 1:], services.live[:-1].T, 1.0)
    return TimeAtWork(variable, group, class_id, power, work)


def chip_of(episode: Episode, g: int) -> Chip:
    """Return the accelerator of a group."""
    design, chosen = episode.design, episode.group == g
    static, v0, x_min = (float(row[chosen].min()) for row in (design.static, design.v0, design.x_min))
    clock = np.linspace(x_min, 1.0, SAMPLES)
    laws = {(static, v0, float(x_v)) for x_v in design.x_v[chosen]}  # the power at a clock is not monotone in x_v
    dynamic = np.min([[dynamic_frac(x, *law) for x in clock.tolist()] for law in laws], axis=0)
    return Chip(
        clock,
        KW * float(design.dynamic_each_w[chosen].min()) * dynamic,
        KW * max(0.0, float((design.idle_each_w - design.gated_each_w)[chosen].min())),
        float(design.speed[chosen].max()),
        float(design.hbm_gb[chosen].max()),
    )


def vertices_of(episode: Episode, chip: Chip, c: int) -> np.ndarray:
    """Return power and work of an accelerator at the vertices of the law of a class, (V, 2).

    Powers are in kilowatts above a gated accelerator, work is over that of the reference at full clock.
    """
    rules = episode.rules
    if episode.service[c]:
        share, pace = service_law(episode, chip, c)
    else:
        share, pace = np.ones(SAMPLES), np.array([speed_frac(x, float(rules.kappa[c])) for x in chip.clock.tolist()])
    return outer_vertices(chip.awake_kw + rules.utilisation[c] * chip.dynamic_kw * share, chip.speed * pace)


def service_law(episode: Episode, chip: Chip, c: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the power of a replica at full batches over that of its class, and its work, (K,) each by clock.

    At full batches a unit of work takes least time and least energy: smaller batches decode for longer.
    """
    rules, width = episode.rules, int(episode.jobs["width"][int(episode.rules.first[c])])
    batch = max(1.0, live_batch(chip.hbm_gb * width, rules.weights_gb[c], rules.context_gb[c], rules.batch[c]))
    clocks = chip.clock.tolist()
    prefill = rules.prefill_s[c] * np.array([stretch(rules.prefill_kappa[c], x) for x in clocks])
    decode = np.array([stretch(rules.decode_kappa[c], x) for x in clocks])
    decode *= rules.base_s[c] / batch + rules.each_s[c]
    request_s = prefill + decode
    share = (rules.prefill_power[c] * prefill + rules.decode_power[c] * decode) / request_s
    return share, rules.request_tokens[c] * rules.token_s[c] / width / request_s

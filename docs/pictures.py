"""Drawer of the pictures of the guide and of the model: one satellite, three orbits of it, and the life of a job.

    python docs/pictures.py [NAME ...]      # all without arguments

`figures/day.png` is the output of `examples/plot_a_day.py`. `docs/validate.py` draws the pictures of the validation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import numpy as np
from figure_style import COLOURS, STYLE, legend, save
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from numpy.typing import NDArray

from odc_gym.constants import ZERO_CELSIUS_K

FIGURES = Path(__file__).parent / "figures"
ORBITS, STEP_S = 3.0, 60.0
Point = tuple[float, float]


def satellite() -> Figure:
    """Draw the energy and the heat of one satellite as boxes and arrows."""
    figure, axes = _diagram(9.6, 4.1, "Energy and heat of one satellite")
    energy, heat = COLOURS[0], COLOURS[1]
    boxes = {
        "Sun": (0.5, 3.3, "Sun"), "array": (2.8, 3.3, "solar array\nangle, temperature, age"),
        "bus": (5.3, 3.3, "conditioning\none efficiency"), "battery": (5.3, 1.7, "battery\nrate, temperature, age"),
        "compute": (8.0, 3.3, "accelerators\nclock, leakage, upsets"), "plate": (8.0, 2.25, "plate"),
        "loop": (8.0, 1.4, "pumped loop"), "radiator": (8.0, 0.5, "radiator"),
        "Earth": (2.8, 0.5, "Earth"), "space": (9.25, 0.5, "space"),
    }  # fmt: skip
    _boxes(axes, boxes)
    _arrow(axes, boxes, "Sun", "array", "eclipse", energy)
    _arrow(axes, boxes, "array", "bus", "", energy)
    _arrow(axes, boxes, "bus", "compute", "", energy)
    _arrow(axes, boxes, "bus", "battery", "charge,\ndischarge", energy, both=True)
    _arrow(axes, boxes, "compute", "plate", "", heat)
    _arrow(axes, boxes, "plate", "loop", "", heat)
    _arrow(axes, boxes, "loop", "radiator", "", heat)
    _arrow(axes, boxes, "radiator", "space", "", heat)
    _arrow(axes, boxes, "Earth", "radiator", "infrared and reflected sunlight", heat)
    _arrow(axes, boxes, "Earth", "array", "infrared and\nreflected sunlight", heat)
    axes.plot([], [], color=energy, label="electricity and light")
    axes.plot([], [], color=heat, label="heat")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 0.36))
    return figure


def orbits() -> Figure:
    """Draw three orbits of satellite 0 of `starter12` under the zero action."""
    minutes, values = _flight()
    figure, axes = pyplot.subplots(4, 1, figsize=(9.0, 7.4), sharex=True, layout="constrained")
    axes[0].plot(minutes, values["array_w"] / 1e3, label="solar array")
    axes[0].plot(minutes, values["power_w"] / 1e3, label="accelerators and host")
    axes[0].set(ylabel="power [kW]", title="Three orbits of a satellite of starter12 under the zero action")
    axes[1].plot(minutes, values["charge_frac"] * 100.0, label="battery")
    axes[1].set(ylabel="charge [%]")
    axes[2].plot(minutes, values["clock_granted"] * 100.0, label="lowest clock of running work")
    axes[2].set(ylabel="clock [% of full]")
    axes[3].plot(minutes, values["junction_k"] - ZERO_CELSIUS_K, label="hottest chip")
    axes[3].plot(minutes, values["radiator_k"] - ZERO_CELSIUS_K, label="radiator")
    axes[3].set(xlabel="time [min]", ylabel="temperature [°C]", xlim=(0.0, minutes[-1]))
    for panel in axes:
        low, high = panel.get_ylim()
        high += 0.25 * (high - low)  # room for the legend
        dark = values["sunlit_frac"] < 0.5
        panel.fill_between(
            minutes,
            low,
            high,
            where=dark,
            facecolor="#dfe2ea",
            edgecolor="#a9b1c2",
            linewidth=0.6,
            zorder=0,
            label="eclipse",
        )
        panel.set_ylim(low, high)
        legend(panel, loc="upper right", ncols=3)
    return figure


def _flight() -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Return the times [min] of three orbits, and values of satellite 0 by name, one a minute."""
    import gymnasium

    env = gymnasium.make("odc_gym:ODCSat-v0", decision_period_s=STEP_S, episode_hours=6)
    env.reset(seed=20_000)
    view, simulator = env.unwrapped.view, env.unwrapped.simulator  # type: ignore[attr-defined]
    names = ("sunlit_frac", "power_w", "charge_frac", "clock_granted", "junction_k", "radiator_k")
    rows = []
    for _ in range(int(ORBITS * view.design["period_s"][0, 0] / STEP_S)):
        before_j = float(simulator.sat.available_j[0, 0])
        env.step(np.zeros(env.action_space.shape or ()))
        array_w = (float(simulator.sat.available_j[0, 0]) - before_j) / STEP_S
        rows.append([*(float(view.observation[name][0, 0]) for name in names), array_w])
    columns = np.array(rows).T
    return np.arange(len(rows)) * STEP_S / 60.0, dict(zip((*names, "array_w"), columns, strict=True))


def job() -> Figure:
    """Draw the life of a job, from its arrival to its pay."""
    figure, axes = _diagram(9.0, 4.1, "The life of a job")
    boxes = {
        "arrival": (0.9, 3.5, "arrival"), "queue": (2.8, 3.5, "queue\norder, reservation"),
        "data": (5.2, 3.5, "data arrives\nmodel, input, state"), "run": (7.6, 3.5, "runs\nat the granted clock"),
        "safe": (7.6, 2.0, "payable point\ncheckpoint or chunk"), "results": (7.6, 0.5, "results\nto the ground"),
        "paid": (5.2, 0.5, "paid\nby lateness"), "gone": (0.9, 1.2, "refused,\nexpired"),
    }  # fmt: skip
    _boxes(axes, boxes)
    agent, rules, fault = COLOURS[2], COLOURS[0], COLOURS[1]
    _arrow(axes, boxes, "arrival", "queue", "", rules)
    _arrow(axes, boxes, "queue", "data", "bid", agent)
    _arrow(axes, boxes, "data", "run", "", rules)
    _arrow(axes, boxes, "run", "safe", "", rules)
    _arrow(axes, boxes, "safe", "results", "end", rules)
    _arrow(axes, boxes, "results", "paid", "", rules)
    _arrow(axes, boxes, "safe", "paid", "part of the pay", rules)
    _arrow(axes, boxes, "safe", "queue", "stop: the rest of the work waits again", fault, bend=-0.12)
    _arrow(axes, boxes, "queue", "gone", "worthless", rules)
    for colour, text in ((agent, "the agent decides"), (rules, "rules"), (fault, "drain, shed, trip, upset, outage")):
        axes.plot([], [], color=colour, label=text)
    axes.legend(loc="lower left", bbox_to_anchor=(0.15, 0.0))
    return figure


def _diagram(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """Return a figure with one panel without axes, in units of inches."""
    figure, axes = pyplot.subplots(figsize=(width, height), layout="constrained")
    axes.set(xlim=(0.0, width), ylim=(0.0, height - 0.2), title=title)
    axes.set_axis_off()
    axes.set_xticks([])
    axes.set_yticks([])
    return figure, axes


def _boxes(axes: Axes, boxes: Mapping[str, tuple[float, float, str]]) -> None:
    """Draw boxes with their texts, each centred on its point."""
    for x, y, text in boxes.values():
        wide, high = _size(text)
        axes.add_patch(
            FancyBboxPatch(
                (x - wide / 2, y - high / 2), wide, high, "round,pad=0,rounding_size=0.08",
                facecolor="#f3f5fa", edgecolor="#5b6478", linewidth=1.0,
            )
        )  # fmt: skip
        axes.text(x, y, text, ha="center", va="center", fontsize=9, linespacing=1.25)


def _size(text: str) -> Point:
    """Return the width and the height of a box."""
    lines = text.splitlines()
    return max(len(line) for line in lines) * 0.072 + 0.24, 0.2 * len(lines) + 0.18


def _arrow(
    axes: Axes, boxes: Mapping[str, tuple[float, float, str]], begin: str, end: str, text: str, colour: str,
    both: bool = False, bend: float = 0.0,
) -> None:  # fmt: skip
    """Draw an arrow between two boxes, with a text at its middle."""
    a, b = boxes[begin], boxes[end]
    start, stop = _edge(a, b), _edge(b, a)
    style = "<|-|>" if both else "-|>"
    axes.add_patch(
        FancyArrowPatch(
            start, stop, arrowstyle=style, mutation_scale=11, color=colour, linewidth=1.5, shrinkA=1, shrinkB=1,
            connectionstyle=f"arc3,rad={bend}",
        )
    )  # fmt: skip
    x = (start[0] + stop[0]) / 2 + bend * (stop[1] - start[1]) / 2
    y = (start[1] + stop[1]) / 2 - bend * (stop[0] - start[0]) / 2
    axes.text(x, y, text, ha="center", va="center", fontsize=8, bbox={"facecolor": "white", "pad": 1, "linewidth": 0})


def _edge(box: tuple[float, float, str], towards: tuple[float, float, str]) -> Point:
    """Return the point at which the line from the centre of a box towards another leaves it."""
    wide, high = _size(box[2])
    dx, dy = towards[0] - box[0], towards[1] - box[1]
    scale = min(wide / 2 / abs(dx) if dx else np.inf, high / 2 / abs(dy) if dy else np.inf)
    return box[0] + scale * dx, box[1] + scale * dy


PICTURES: dict[str, Callable[[], Figure]] = {"satellite": satellite, "orbits": orbits, "job": job}


def main(names: Sequence[str]) -> None:
    """Draw the named pictures, all without names."""
    if unknown := [name for name in names if name not in PICTURES]:
        sys.exit(f"error: picture {unknown[0]}: must be one of {', '.join(PICTURES)}")
    for name in names or PICTURES:
        with pyplot.rc_context(STYLE):
            save(PICTURES[name](), FIGURES / f"model-{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Command `odc-gym video`: one episode under one scheduler as a GIF or an MP4."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odc_gym.cli.common import (
    Force,
    Overrides,
    ScenarioArgument,
    ScenarioOption,
    TraceAsIs,
    TraceFiles,
    TraceFormats,
    chosen_scenario,
    load,
    progress,
    trace_files,
)
from odc_gym.cli.record import DEFAULT_AGENT, FIRST_WATCHED, Agent, Seed
from odc_gym.errors import OdcGymError

if TYPE_CHECKING:
    from odc_gym.rendering.picture import Painter
    from odc_gym.simulator.simulator import Simulator

SMALLEST, LARGEST = (320, 180), (3840, 2160)


def video(
    scenario: ScenarioArgument = None,
    scenario_option: ScenarioOption = None,
    agent: Agent = DEFAULT_AGENT,
    seed: Seed = FIRST_WATCHED,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File to write, .gif or .mp4.")] = Path(
        "day.gif"
    ),
    fps: Annotated[
        float | None,
        typer.Option(metavar="N", help="Pictures a second, 1 to 60.", show_default="a day takes 24 s"),
    ] = None,
    size: Annotated[
        str, typer.Option(metavar="WIDTHxHEIGHT", help="Size of the pictures, even numbers of pixels.")
    ] = "1280x720",
    hours: Annotated[
        float | None, typer.Option(metavar="H", help="Hours to show.", show_default="the whole episode")
    ] = None,
    overrides: Overrides = None,
    trace: TraceFiles = None,
    trace_format: TraceFormats = None,
    trace_as_is: TraceAsIs = False,
    force: Force = False,
) -> None:
    """Play one episode under one scheduler, and write a video with a picture of each decision.

    Needs pygame and pillow, or imageio-ffmpeg for MP4: the extra `render`.
    """
    from odc_gym.agents import scheduler_factory
    from odc_gym.evaluation.files import require_free
    from odc_gym.evaluation.worker import RequiredEnvironment
    from odc_gym.rendering import render_fps
    from odc_gym.rendering.picture import Painter
    from odc_gym.rendering.video import video_writer
    from odc_gym.scenario.files import parse_overrides

    write = video_writer(output)
    painter = Painter(checked_size(size))
    if fps is not None and not 1.0 <= fps <= 60.0:
        raise OdcGymError(f"--fps {fps:g}: must be from 1 to 60")
    require_free(output, force)
    loaded = load(chosen_scenario(scenario, scenario_option), parse_overrides(overrides or []))
    files = trace_files(trace, trace_format, trace_as_is)
    factory = scheduler_factory(agent)
    simulator = RequiredEnvironment.of_factory(loaded, factory).build_simulator(1, files)
    decisions = shown_decisions(simulator, hours)
    rate = fps or render_fps(simulator.view.decision_period_s)
    with progress("decisions") as update:
        write(output, episode_pictures(painter, simulator, factory, seed, decisions, update), rate)
    shown, megabytes = (decisions + 1) / rate, output.stat().st_size / 1e6
    typer.echo(f"{output}: episode {seed} of {loaded.name} under {factory.name}, {shown:.0f} s, {megabytes:.1f} MB")


def checked_size(text: str) -> tuple[int, int]:
    """Return width and height of a text such as 1280x720.

    Raises:
        OdcGymError: it is no size, or one that is not allowed.
    """
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    allowed = all(
        low <= value <= high and value % 2 == 0 for low, value, high in zip(SMALLEST, size, LARGEST, strict=True)
    )
    if not allowed:
        (w0, h0), (w1, h1) = SMALLEST, LARGEST
        raise OdcGymError(f"--size {text}: must be WIDTHxHEIGHT, even numbers from {w0}x{h0} to {w1}x{h1}")
    return size


def shown_decisions(simulator: Simulator, hours: float | None) -> int:
    """Return the number of decisions that a video shows.

    Raises:
        OdcGymError: there are no such hours in the episode.
    """
    from odc_gym.constants import HOUR_S

    if hours is None:
        return simulator.decisions
    period_s = simulator.view.decision_period_s
    decisions = round(hours * HOUR_S / period_s) if 0.0 < hours < 1e6 else 0
    if not 1 <= decisions <= simulator.decisions:
        longest = simulator.decisions * period_s / HOUR_S
        raise OdcGymError(f"--hours {hours:g}: must be from {period_s / HOUR_S:.3g} to {longest:g}")
    return decisions


def episode_pictures(
    painter: Painter, simulator: Simulator, factory: Any, seed: int, decisions: int, update: Callable[[int, int], None]
) -> Iterator[Any]:
    """Yield the picture of the start, and one after each decision.

    Args:
        painter: painter of the pictures.
        simulator: simulator of one environment.
        factory: scheduler.
        seed: number of the episode.
        decisions: number of decisions to play.
        update: function of (decisions done, total).
    """
    import numpy as np

    scheduler = factory(simulator.view)
    simulator.reset([seed])
    scheduler.reset(simulator.view, np.ones(1, np.bool_), np.array([seed], np.int64))
    score = 0.0
    yield painter.picture(simulator, 0, score, factory.name)
    for k in range(decisions):
        simulator.step(scheduler.act(simulator.view))
        score += simulator.row_reward(0)
        yield painter.picture(simulator, 0, score, factory.name)
        update(k + 1, decisions)

"""CZML of a recording, for Cesium and other globes: orbits, and telemetry as properties; this needs czml3."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from odc_gym.constants import KM_M, ZERO_CELSIUS_K
from odc_gym.errors import RecordingError
from odc_gym.evaluation.files import write_text
from odc_gym.recording.recording import Recording

MOST_SATELLITES = 500  # a globe shows no more without stutter
POLYNOMIAL_DEGREE = 7  # 5-minute samples of a low orbit are 19 degrees apart
SPEED = 600  # seconds of the episode in a second
TRAIL_S = 2700.0
LIT, HOT = [255, 214, 90, 255], [197, 50, 10, 255]


def write_czml(recording: Recording, folder: Path) -> list[Path]:
    """Write a recording to `orbits.czml`, and return the file.

    Raises:
        RecordingError: the fleet is too large for a globe.
    """
    from czml3 import Document, Packet
    from czml3.properties import Clock, Color, Label, Point, Position
    from czml3.properties import Path as Trail

    header, time_s = recording.header, recording["time_s"]
    if header["satellites"] > MOST_SATELLITES:
        raise RecordingError(f"export = czml: satellites = {header['satellites']}: must be <= {MOST_SATELLITES}")
    start = datetime.fromisoformat(header["start"])
    interval = f"{_iso(start)}/{_iso(start + timedelta(seconds=float(time_s[-1])))}"
    clock = Clock(currentTime=_iso(start), multiplier=SPEED)
    title = f"{header['scenario_name']}, {header['agent']}, episode {header['seed']}"
    packets = [Packet(id="document", name=title, version="1.0", clock={"interval": interval, **clock.to_dict()})]
    position_m = recording["orbit/position_km"].astype(np.float64) * KM_M
    hot = recording["satellite/junction_k"] > recording["design/limit_k"]
    colours = np.where(hot[..., None], HOT, LIT)
    for s in range(header["satellites"]):
        packets.append(
            Packet(
                id=f"satellite-{s}",
                name=f"satellite {s}",
                availability=interval,
                position=Position(
                    referenceFrame="INERTIAL", epoch=_iso(start), interpolationAlgorithm="LAGRANGE",
                    interpolationDegree=POLYNOMIAL_DEGREE, cartesian=_samples(time_s, position_m[:, s]),
                ),
                point=Point(pixelSize=8, color=Color(epoch=_iso(start), rgba=_samples(time_s, colours[:, s]))),
                label=Label(text=str(s), font="11pt sans-serif"),
                path=Trail(leadTime=0, trailTime=TRAIL_S, width=1),
                properties=_telemetry(recording, s, _iso(start)),
            )
        )  # fmt: skip
    path = folder / "orbits.czml"
    write_text(path, Document(packets=packets).dumps())
    return [path]


def _telemetry(recording: Recording, s: int, epoch: str) -> dict[str, dict[str, object]]:
    """Return charge, temperature and power of a satellite as properties that change with time."""
    values = {
        "charge_frac": recording["satellite/charge_frac"][:, s],
        "junction_c": recording["satellite/junction_k"][:, s] - ZERO_CELSIUS_K,
        "compute_w": recording["satellite/power_w"][:, s],
    }
    time_s = recording["time_s"]
    return {name: {"epoch": epoch, "number": _samples(time_s, each[:, None])} for name, each in values.items()}


def _samples(time_s: np.ndarray, values: np.ndarray) -> list[float]:
    """Return times and values (N, K) in the order of CZML: a time, then its K values."""
    flat: list[float] = np.column_stack([time_s, values]).round(3).ravel().tolist()
    return flat


def _iso(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")

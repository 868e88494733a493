"""Run in a replay page: satellites, classes, reward and actions under one scheduler."""

from __future__ import annotations

from typing import Any

import numpy as np

from odc_gym.constants import HOUR_S, ZERO_CELSIUS_K
from odc_gym.interface.actions import ActionLayout
from odc_gym.interface.dials import ACTION_RANGE, DialLayout
from odc_gym.pages.replay.detail import Detail
from odc_gym.pages.replay.jobs import pack_jobs
from odc_gym.pages.replay.packing import Packer
from odc_gym.recording import Recording

FLAGS = ("shed", "tripped", "off", "out", "hot", "governed", "safe_mode", "lost")
"""Bits of the conditions of a satellite within the bin before a sample."""
LOST = 2  # value of satellite/out


def pack_run(pack: Packer, recording: Recording, prefix: str, samples: np.ndarray, detail: Detail) -> dict[str, Any]:
    """Pack a run, and return its part of the manifest.

    Args:
        pack: block that receives the arrays.
        recording: the run.
        prefix: beginning of the names of its arrays.
        samples: indices of the samples that the page has, from 0 to the last.
        detail: what the page leaves out.
    """
    _pack_satellites(pack, recording, prefix, samples, detail.fine)
    _pack_work(pack, recording, prefix, samples)
    actions = _pack_actions(pack, recording, prefix, samples) if detail.actions else None
    return {
        "prefix": prefix,
        "score": recording.score,
        "metrics": {name: float(value) for name, value in recording.header["metrics"].items()},
        "actions": actions,
        **pack_jobs(pack, recording, prefix, detail.jobs),
    }


def _pack_satellites(pack: Packer, recording: Recording, prefix: str, samples: np.ndarray, fine: bool) -> None:
    """Pack the quantities of satellites, each a series (N, S)."""
    dtype, most = ("uint16", 65_535) if fine else ("uint8", 255)
    get = {
        name: recording[f"satellite/{name}"][samples].astype(np.float64)
        for name in ("charge_frac", "junction_k", "living", "electric_j", "available_j")
    }
    held = recording["class/held"][samples]
    pack.put(f"{prefix}charge", get["charge_frac"], dtype, 1e-4 if fine else 1 / 250, series=True)
    pack.put(f"{prefix}junction", get["junction_k"] - ZERO_CELSIUS_K, dtype, 0.01 if fine else 0.7, -60, series=True)
    pack.put(f"{prefix}clock", granted_clock(recording)[samples], dtype, 1e-4 if fine else 1 / 250, series=True)
    pack.put(f"{prefix}living", get["living"], "uint16", series=True)
    pack.put(f"{prefix}held", held, "uint8" if held.max(initial=0) < 256 else "uint16", series=True)
    for name, account in (("draw_w", "electric_j"), ("solar_w", "available_j")):
        power = _mean_power(get[account], recording["time_s"][samples])
        pack.put(f"{prefix}{name}", power, dtype, max(float(power.max(initial=0)), 1.0) / most, series=True)
    pack.put(f"{prefix}flags", _flags(recording, samples), "uint8", series=True)


def granted_clock(recording: Recording) -> np.ndarray:
    """Return the lowest clock granted to running work times the duty, 0 without running work, (D + 1, S)."""
    clock = np.where(recording["class/held"] > 0, recording["class/clock"], np.inf).min(1)
    running = np.isfinite(clock) & (recording["satellite/off"] == 0)
    granted: np.ndarray = np.where(running, clock, 0.0) * recording["satellite/duty"]
    return granted


def _mean_power(energy_j: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Return the mean power in the bin before each sample [W]; the first sample repeats the second."""
    if len(time_s) < 2:
        return np.zeros_like(energy_j)
    power = np.diff(energy_j, axis=0) / np.diff(time_s)[:, None]
    return np.concatenate([power[:1], power])


def _flags(recording: Recording, samples: np.ndarray) -> np.ndarray:
    """Return the bits of `FLAGS` that held at some decision of the bin before each sample, (N, S)."""
    get = {name: recording[f"satellite/{name}"] for name in ("shed", "tripped", "off", "out", "safe_mode_left_s")}

    def grew(account: str) -> np.ndarray:
        values = recording[f"satellite/{account}"]
        return np.diff(values, axis=0, prepend=values[:1]) > 0

    hot = (recording["satellite/junction_k"] > recording["design/limit_k"]) | grew("hot_kh")
    held = (
        get["shed"] > 0, get["tripped"] > 0, get["off"] > 0, get["out"] > 0, hot, grew("governed_s"),
        get["safe_mode_left_s"] > 0, get["out"] == LOST,
    )  # fmt: skip
    bits = sum(condition.astype(np.uint8) << k for k, condition in enumerate(held))
    begins = np.concatenate([[0], samples[:-1] + 1]) if len(samples) > 1 else samples
    return np.bitwise_or.reduceat(np.asarray(bits, np.uint8), begins, axis=0)


def _pack_work(pack: Packer, recording: Recording, prefix: str, samples: np.ndarray) -> None:
    """Pack the sums of the reward and the waiting work."""
    terms = [term["name"] for term in recording.header["terms"]]
    rewards = np.stack([recording[f"reward/{name}"] for name in terms], 1)
    sums = np.concatenate([np.zeros((1, len(terms))), np.cumsum(rewards, axis=0)])
    pack.put(f"{prefix}terms", sums[samples], "float32")
    waiting_h = recording["account/backlog_now_s"][samples] / HOUR_S
    pack.put(
        f"{prefix}waiting_h", waiting_h, "uint16", max(float(waiting_h.max(initial=0)) / 65_535, 0.01), series=True
    )


def _pack_actions(pack: Packer, recording: Recording, prefix: str, samples: np.ndarray) -> dict[str, Any]:
    """Pack the action that began each bin; the arrays have one entry for each bin."""
    header, action = recording.header, recording["action"][samples[:-1]]
    n, classes = header["satellites"], len(header["classes"])
    sustainable = recording["satellite/clock_sustainable"][samples]
    pack.put(f"{prefix}sustainable", sustainable, "uint8", 1 / 250, series=True)
    if header["action_mode"] == "bids":
        layout = ActionLayout(n, classes)
        pack.put(f"{prefix}action/bid", layout.bids(action), "int8", 0.01, series=True)
        pack.put(f"{prefix}action/clock", layout.clocks(action), "int8", 0.01, series=True)
        pack.put(f"{prefix}action/urgency", layout.urgency(action), "int8", 0.01, series=True)
        pack.put(f"{prefix}action/offset", layout.offsets(action), "int8", 0.01, series=True)
        return {"mode": "bids"}
    if header["action_mode"] == "dials":
        pack.put(f"{prefix}action/dial", np.clip(action / ACTION_RANGE, -1.0, 1.0), "int8", 0.01, series=True)
        return {"mode": "dials", "names": DialLayout(tuple(each["name"] for each in header["classes"])).names}
    slots = action.shape[1] - n
    sent = np.stack([(action[:, :slots] == s).sum(1) for s in range(n)], 1)
    pack.put(f"{prefix}action/sent", sent, "uint16", series=True)
    pack.put(f"{prefix}action/level", action[:, slots:], "uint8", series=True)
    return {"mode": "assign", "levels": list(map(str, header["scenario"]["assign"]["levels"]))}

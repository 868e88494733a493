"""Page of a replay: the recordings of an episode in one HTML file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from odc_gym.evaluation.files import write_text
from odc_gym.pages.replay.bundle import BUNDLE
from odc_gym.pages.replay.detail import Detail, levels
from odc_gym.pages.replay.episode import pack_episode
from odc_gym.pages.replay.orbits import Orbits, find_orbits
from odc_gym.pages.replay.packing import Packer
from odc_gym.pages.replay.run import FLAGS, pack_run
from odc_gym.pages.replay.runs import require_same_episode, run_names
from odc_gym.pages.templates import render
from odc_gym.recording import Recording, read_recording

MOST_BYTES = 1_500_000
"""Size that a page keeps to, by leaving out detail."""
PAGE_VERSION = 1


class ReplayPage(NamedTuple):
    """Text of a page and what it holds."""

    html: str
    detail: Detail
    names: list[str]  # names of the runs

    @property
    def left_out(self) -> str:
        """What the page leaves out to stay small, or an empty text."""
        detail = self.detail
        parts = (
            (detail.stride > 1, f"{detail.stride - 1} of {detail.stride} decisions"),
            (not detail.jobs, "single jobs"),
            (not detail.actions, "actions"),
        )
        return ", ".join(words for left_out, words in parts if left_out)


def write_replay(path: str | Path, recordings: Sequence[str | Path]) -> ReplayPage:
    """Write the replay page of recordings of one episode, as a whole or not at all.

    Args:
        path: the HTML file.
        recordings: files of recordings.

    Raises:
        RecordingError: a file cannot be read, or the recordings show different episodes.
        OSError: the page cannot be written.
    """
    page = make_replay([read_recording(each) for each in recordings], [str(each) for each in recordings])
    write_text(Path(path), page.html)
    return page


def make_replay(recordings: Sequence[Recording], names: Sequence[str] | None = None) -> ReplayPage:
    """Make the replay page of recordings of one episode, with as much detail as `MOST_BYTES` allow.

    Args:
        recordings: the runs, in the order in which the page shows them.
        names: names of the recordings for messages.

    Raises:
        RecordingError: the recordings show different episodes.
    """
    require_same_episode(recordings, names or [f"recording {k + 1}" for k in range(len(recordings))])
    header = recordings[0].header
    decisions, satellites = int(header["decisions"]), int(header["satellites"])
    orbits = find_orbits(recordings[0])
    html, detail = "", Detail(1, True, True, True)
    for detail in levels(decisions, satellites * decisions * len(recordings), MOST_BYTES):
        html = _render(recordings, orbits, detail)
        if len(html.encode()) <= MOST_BYTES:
            break
    return ReplayPage(html, detail, run_names(recordings))


def _render(recordings: Sequence[Recording], orbits: Orbits, detail: Detail) -> str:
    from markupsafe import Markup

    pack = Packer()
    samples = np.arange(0, int(recordings[0].header["decisions"]) + 1, detail.stride)
    manifest: dict[str, Any] = {
        "version": PAGE_VERSION,
        **pack_episode(pack, recordings[0], orbits, samples),
        "events": recordings[0].header["event_kinds"],
        "status": recordings[0].header["status"],
        "flags": FLAGS,
        "runs": [
            {"agent": name, **pack_run(pack, recording, f"{k}/", samples, detail)}
            for k, (name, recording) in enumerate(zip(run_names(recordings), recordings, strict=True))
        ],
    }
    manifest["arrays"] = pack.entries
    return render(
        "replay/replay.html",
        scripts=True,
        title=f"{manifest['scenario']}, episode {manifest['seed']}: odc-gym replay",
        manifest=Markup(script_json(manifest)),
        data=Markup(pack.base64()),
        bundle=Markup(BUNDLE.read_text(encoding="utf-8")),
    )


def script_json(value: Any) -> str:
    """Return a value as JSON that may stand inside a `script` element: ASCII, and without `<`, `>` and `&`."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text

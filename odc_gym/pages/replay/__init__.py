"""Replay pages: recordings of one episode as an HTML file that opens from disk and needs no network.

    from odc_gym.pages.replay import write_replay
    from odc_gym.recording import record_episode, write_recording
    write_recording("zero.npz", record_episode("starter12", "zero", overrides={"episode.hours": 1}))
    write_replay("replay.html", ["zero.npz"])

`packing` makes one compressed block of all arrays; `episode`, `run` and `jobs` choose what lies in it. `page` puts it
into the template beside the scripts. The scripts' sources lie in `scripts/`; `make scripts` bundles them into
`replay.bundle.js`, which is committed. docs/replay.md describes the page.
"""

from odc_gym.pages.replay.page import ReplayPage, make_replay, write_replay

__all__ = ["ReplayPage", "make_replay", "write_replay"]

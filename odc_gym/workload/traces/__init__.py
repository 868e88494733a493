r"""Recorded traces of clusters and services: reading their files, and replaying them in an episode.

`read_trace` recognises the format of a file and reads its rows strictly. `replay` selects the rows of an episode, and
scales them to the share of the load that the class has in the scenario.

    from pathlib import Path

    from odc_gym.workload.traces import read_trace, replay

    Path("jobs.csv").write_text("arrival_s,duration_s,accelerators\n60,3600,8\n7200,600,1\n")
    trace = read_trace("jobs.csv").jobs["finetuning"]
    rows = replay(trace, ratio=1.0, seed=1, time_of_day_s=0.0, before_s=0.0, after_s=86400.0)
    print(trace.offered_rate, rows.arrival_s)
"""

from odc_gym.workload.traces.formats import FORMATS, TraceSource, as_trace, join_traces, read_trace
from odc_gym.workload.traces.recorded import JobTrace, Outcome, Rejection, RequestTrace, Trace
from odc_gym.workload.traces.replay import Replay, keyed_uniform, replay, replay_as_is, splitmix64
from odc_gym.workload.traces.source import FileSources, TraceFile, trace_files

__all__ = [
    "FORMATS",
    "FileSources",
    "JobTrace",
    "Outcome",
    "Rejection",
    "Replay",
    "RequestTrace",
    "Trace",
    "TraceFile",
    "TraceSource",
    "as_trace",
    "join_traces",
    "keyed_uniform",
    "read_trace",
    "replay",
    "replay_as_is",
    "splitmix64",
    "trace_files",
]

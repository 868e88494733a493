"""Traces of real clusters and services: reading their files, and replaying them at a class's share of the load."""

from odc_gym.workload.traces.formats import TraceSource, as_trace, join_traces, read_trace
from odc_gym.workload.traces.recorded import JobTrace, Outcome, Rejection, RequestTrace, Trace
from odc_gym.workload.traces.replay import Replay, keyed_uniform, replay, splitmix64

__all__ = [
    "JobTrace",
    "Outcome",
    "Rejection",
    "Replay",
    "RequestTrace",
    "Trace",
    "TraceSource",
    "as_trace",
    "join_traces",
    "keyed_uniform",
    "read_trace",
    "replay",
    "splitmix64",
]

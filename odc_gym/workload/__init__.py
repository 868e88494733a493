"""Tables of the work that is offered: jobs, demand for services, and traces of real clusters."""

from odc_gym.workload.generator import draw_jobs
from odc_gym.workload.jobs import JOB, offered_rate
from odc_gym.workload.services import draw_demand, planning_demand, replay_demand
from odc_gym.workload.surges import RateWindow, draw_surges, mean_rate_factor, scripted_windows
from odc_gym.workload.tenants import mean_price
from odc_gym.workload.traces import Trace, TraceSource, as_trace, read_trace

__all__ = [
    "JOB",
    "RateWindow",
    "Trace",
    "TraceSource",
    "as_trace",
    "draw_demand",
    "draw_jobs",
    "draw_surges",
    "mean_price",
    "mean_rate_factor",
    "offered_rate",
    "planning_demand",
    "read_trace",
    "replay_demand",
    "scripted_windows",
]

"""Workload tables of an episode: jobs, token demand of services, surges, and traces of real clusters.

A workload offers jobs and token demand. Random processes draw both for each class, or a recorded trace replaces them.
Each class has random streams of its own, keyed by the seed of the episode and the name of the class.

    from datetime import UTC, datetime

    from odc_gym.scenario import Scenario
    from odc_gym.workload import draw_jobs

    workload = Scenario.load("starter12").workload
    start = datetime(2027, 3, 1, tzinfo=UTC)
    jobs = draw_jobs(workload, ["finetuning", "batch"], seed=1, start=start, before_s=0.0, after_s=86400.0, widest=8)
    print(len(jobs), jobs["work_s"].sum() / 3600)
"""

from odc_gym.workload.generator import draw_jobs
from odc_gym.workload.jobs import JOB, offered_rate
from odc_gym.workload.services import draw_demand, planning_demand, replay_demand
from odc_gym.workload.surges import RateWindow, draw_surges, mean_rate_factor, scripted_windows
from odc_gym.workload.tenants import mean_price
from odc_gym.workload.traces import Trace, TraceFile, TraceSource, as_trace, read_trace

__all__ = [
    "JOB",
    "RateWindow",
    "Trace",
    "TraceFile",
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

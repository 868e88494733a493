"""Replay as recorded: exactly the rows of the file, at their times and sizes, and sources of traces with options."""

from datetime import UTC, datetime

import numpy as np
import pytest

from odc_gym.errors import TraceError
from odc_gym.scenario import Scenario
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import Simulator
from odc_gym.workload import TraceFile, as_trace, draw_jobs, replay_demand
from odc_gym.workload.services import equivalent_tokens
from odc_gym.workload.traces import trace_files

START = datetime(2027, 3, 4, 5, 17, tzinfo=UTC)
HOUR, DAY = 3600.0, 86400.0
HEADER = "arrival_s,duration_s,accelerators,class\n"
THREE = f"{HEADER}4000,1200,2,finetuning\n60,1800.25,4,finetuning\n600.5,900,1,finetuning\n"


@pytest.fixture(scope="module")
def starter():
    return Scenario.load("starter12")


@pytest.fixture
def as_is(tmp_path):
    def read(*texts):
        files = []
        for k, text in enumerate(texts):
            path = tmp_path / f"trace{k}.csv"
            path.write_text(text)
            files.append({"path": str(path), "as_is": True})
        return as_trace(files)

    return read


def drawn(scenario, trace, seed=20_000, hours=24.0, before_s=2 * DAY):
    jobs = draw_jobs(scenario.workload, scenario.class_names, seed, START, before_s, hours * HOUR, 8, trace)
    names = np.array(scenario.class_names)[jobs["class_id"]]
    return {name: jobs[names == name] for name in scenario.class_names}


@pytest.mark.parametrize("seed", [0, 1, 20_000])
def test_three_jobs_are_replayed_exactly(starter, as_is, seed):
    """Catches thinning, copies, other times of day and repetition of a trace that is wanted as it is."""
    busy = starter.replace({"workload.rate_scale": 2.5})
    jobs = drawn(busy, as_is(THREE), seed)
    three = jobs["finetuning"]
    assert three["arrival_s"].tolist() == [60, 600.5, 4000]
    assert three["duration_s"].tolist() == [1800.25, 900, 1200]
    assert three["width"].tolist() == [4, 1, 2] and three["work_s"].tolist() == [7201, 900, 2400]
    assert len(jobs["batch"]) > 100  # the other classes stay synthetic


def test_rate_scale_zero_silences_the_synthetic_classes(starter, as_is):
    jobs = drawn(starter.replace({"workload.rate_scale": 0.0}), as_is(THREE))
    assert {name: len(rows) for name, rows in jobs.items()} == {"interactive": 0, "finetuning": 3, "batch": 0}


def test_dates_begin_at_the_first_row_of_all_files(starter, as_is):
    times = ("2027-03-20T12:00:00Z", "2027-03-20T12:10:00Z")
    jobs = HEADER + "".join(f"{time},60,1,finetuning\n" for time in times)
    later = HEADER + "2027-03-20T15:00:00+02:00,60,1,batch\n"
    trace = drawn(starter, as_is(jobs, later))
    assert trace["finetuning"]["arrival_s"].tolist() == [0, 600] and trace["batch"]["arrival_s"].tolist() == [3600]


def test_a_longer_trace_is_played_window_by_window_with_its_history(starter, as_is):
    """Catches rows that no episode plays, and windows that differ between the classes of a file."""
    text = HEADER + "".join(f"{600 * k + 7200},300,1,{('batch', 'finetuning')[k % 2]}\n" for k in range(60))
    trace = as_is(text)
    seen = []
    for seed in range(10, 20):
        jobs = drawn(starter, trace, seed, hours=1, before_s=0.0)
        own = np.concatenate([jobs["batch"], jobs["finetuning"]])["arrival_s"]
        assert len(own[own >= 0]) == 6
        seen += sorted(own[own >= 0] + HOUR * (2 + seed % 10))
    assert seen == [600.0 * k + 7200 for k in range(60)]
    assert (
        trace.jobs["batch"].note(0.0, HOUR).startswith("is longer than an episode; episode number n plays window n mo")
    )
    history = drawn(starter, trace, 11, hours=1, before_s=HOUR)["batch"]["arrival_s"]
    assert history.min() < 0  # the rows before the window


def test_requests_of_seconds_are_replayed_exactly(starter, as_is):
    """Catches the minute that a trace has to cover for scaling."""
    trace = as_is("arrival_s,input_tokens,output_tokens\n130,1155,211\n130.5,100,20\n7195,10,5\n").requests[
        "interactive"
    ]
    service = starter.workload.classes["interactive"]
    demand = replay_demand(service, trace, starter.workload, 5, START, HOUR, 2 * HOUR, 60.0)
    tokens = equivalent_tokens(service, trace.input_tokens, trace.output_tokens)
    assert np.flatnonzero(demand).tolist() == [62, 179]
    assert demand[62] == tokens[0] + tokens[1] and demand[179] == tokens[2]
    one = as_is("arrival_s,input_tokens,output_tokens\n30,10,5\n").requests["interactive"]
    assert replay_demand(service, one, starter.workload, 5, START, HOUR, HOUR, 60.0).sum() == tokens[2]


def test_an_episode_counts_three_jobs(starter, as_is):
    """Catches jobs that reach the tables but not the metrics."""
    quiet = starter.replace({"workload.rate_scale": 0.0})
    simulator = Simulator(quiet, 1, as_is(THREE), episode_hours=2)
    simulator.reset([20_000])
    table = simulator.jobs[0]
    own = table[np.isfinite(table["arrival_s"]) & (table["num_satellites"] > 0)]
    assert own["arrival_s"][np.isfinite(own["arrival_s"]) & (own["work_s"] > 0)].tolist() == [60, 600.5, 4000]
    assert "replays 3 jobs of finetuning as recorded" in simulator.fleet.trace_note()
    while not simulator.truncated.all():
        simulator.step(np.zeros((1, simulator.action_size), np.float32))
    metrics = episode_metrics(simulator, 0)
    assert sum(metrics[f"{end}_finetuning"] for end in ("completed", "failed", "cancelled", "expired", "refused")) == 3


# ---- sources


def test_sources_are_paths_records_or_mappings():
    record = TraceFile("a.csv", "jobs", True)
    assert trace_files(["a.csv", record.document(), record]) == (TraceFile("a.csv"), record, record)
    assert trace_files(None) == () and TraceFile("a.csv").document() == "a.csv"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"path": "a.csv", "asis": True}, "trace: unknown field 'asis'; must be one of path, format, as_is"),
        ({"path": "a.csv", "as_is": "yes"}, "trace.as_is = 'yes': must be true or false"),
        ({"as_is": True}, "trace.path = None: must be the path of a file"),
        ({"path": "a.csv", "format": 5}, "trace.format = 5: must be a name"),
        (5, "trace = 5: must be a path"),
        ([5], "trace = 5: must be a path"),
    ],
)
def test_wrong_sources_are_told(source, said):
    with pytest.raises(TraceError) as caught:
        as_trace(source)
    assert str(caught.value).startswith(said)

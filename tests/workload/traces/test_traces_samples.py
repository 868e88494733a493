"""Readers on samples of real traces: rows, sums and quantiles equal those that NumPy computes from the file."""

import csv
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from trace_rows import rejected_rows

from odc_gym.workload import read_trace

SHARED = Path(__file__).parents[3].parent / "shared" / "traces"
LEVELS = (0.01, 0.1, 0.5, 0.9, 0.99)


def sample(*parts):
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip("the sample is not at hand")
    return path


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def same(read, expected):
    """Return whether two columns have the same values in any order."""
    read, expected = np.sort(np.asarray(read, float)), np.sort(np.asarray(expected, float))
    assert read.size == expected.size
    assert np.array_equal(np.quantile(read, LEVELS), np.quantile(expected, LEVELS))
    assert read.sum() == pytest.approx(expected.sum(), rel=1e-12)


def test_philly():
    path = sample("philly_2017", "philly_jobs_sep_nov.csv")
    rows, trace = table(path), read_trace(path)
    jobs = trace.jobs["finetuning"]
    assert (jobs.submit_s.size, rejected_rows(trace)) == (61_340, 0)
    same(jobs.duration_s, [float(row["duration"]) for row in rows])
    same(jobs.width, [int(row["num_gpus"]) for row in rows])
    same(jobs.duration_s * jobs.width, [float(row["gpu_time"]) for row in rows])
    times = np.array([row["timestamp"].replace(" ", "T") for row in rows], "datetime64[s]").astype(float)
    assert np.array_equal(jobs.submit_s + jobs.begin_s, np.sort(times))
    clusters = Counter(row["cluster"] for row in rows)
    assert {jobs.tenants[k]: n for k, n in enumerate(np.bincount(jobs.tenant))} == clusters and len(clusters) == 5


def test_openb():
    path = sample("alibaba_openb_2023", "pods_first60pct.csv")
    rows, trace = table(path), read_trace(path)
    jobs = trace.jobs["finetuning"]
    assert jobs.submit_s.size + rejected_rows(trace) == 4891
    ran = [row for row in rows if int(row["num_gpu"]) and row["scheduled_time"]]
    same(jobs.duration_s, [int(row["deletion_time"]) - int(row["scheduled_time"]) for row in ran])
    same(jobs.width, [int(row["num_gpu"]) for row in ran])
    same(jobs.submit_s, [int(row["creation_time"]) for row in ran])
    assert trace.rejected["without GPUs"].rows == sum(row["num_gpu"] == "0" for row in rows) == 713
    never = sum(row["num_gpu"] != "0" and row["scheduled_time"] == "" for row in rows)
    assert trace.rejected["that was never scheduled"].rows == never == 405


@pytest.mark.parametrize(
    ("name", "count", "published"),
    [
        # median and mean of input and output over the whole hour; the sample is its first half
        ("code_first30min.csv", 5_740, (1469, 2048, 13, 28)),
        ("conv_first30min.csv", 10_108, (1020, 1155, 129, 211)),
    ],
)
def test_azure(name, count, published):
    path = sample("azure_llm_2023", name)
    rows, requests = table(path), read_trace(path).requests["interactive"]
    assert requests.submit_s.size == len(rows) == count
    same(requests.input_tokens, [int(row["ContextTokens"]) for row in rows])
    same(requests.output_tokens, [int(row["GeneratedTokens"]) for row in rows])
    times = np.array([row["TIMESTAMP"].replace(" ", "T") for row in rows], "datetime64[ns]").astype(np.int64)
    expected_s = np.sort(times - times.min()) / 1e9
    assert np.abs(requests.submit_s - expected_s).max() < 1e-3  # times are rounded to the grid
    columns = (requests.input_tokens, requests.output_tokens)
    found = [value for column in columns for value in (np.median(column), column.mean())]
    assert found == pytest.approx(published, rel=0.1)


def test_mooncake():
    path = sample("mooncake_2024", "conversation_first30min.jsonl")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    requests = read_trace(path).requests["interactive"]
    assert requests.submit_s.size == len(rows) == 5719
    same(requests.input_tokens, [row["input_length"] for row in rows])
    same(requests.output_tokens, [row["output_length"] for row in rows])
    assert np.abs(requests.submit_s - np.sort([row["timestamp"] for row in rows]) / 1000).max() < 1e-3


def test_swf():
    path = sample("swf_lublin256", "lublin_256_first5000.swf")
    rows = np.loadtxt(path, comments=";")
    jobs = read_trace(path).jobs["finetuning"]
    assert jobs.submit_s.size == len(rows) == 5000
    same(jobs.duration_s, rows[:, 3])
    same(jobs.width, rows[:, 4])
    assert np.array_equal(jobs.submit_s, rows[:, 1]) and jobs.estimate_s is None


def test_servegen_rates_and_lengths():
    folder = sample("servegen_2025", "mm-image")
    requests = read_trace(folder).requests["interactive"]
    rates = {path.name[6:-10]: np.loadtxt(path, delimiter=",", usecols=(0, 1)) for path in folder.glob("*-trace.csv")}
    assert set(requests.tenants) == set(rates) and (requests.daily, requests.span_s) == (True, 86400)
    for name, table_of in rates.items():
        mine = requests.tenant == requests.tenants.index(name)
        counts = np.histogram(requests.submit_s[mine], np.arange(0, 86401, 600))[0]
        expected = np.rint(table_of[:, 1] * 600)
        assert counts.sum() == expected.sum()
        assert np.abs(counts - expected).max() < 10  # rounding of times may move a burst across an edge
        [lengths] = json.loads((folder / f"chunk-{name}-dataset.json").read_text()).values()
        pmf = np.array(lengths["output_tokens"].strip("{}").replace(":", ",").split(","), float).reshape(-1, 2)
        error = np.sqrt(np.var(requests.output_tokens[mine]) / mine.sum())
        assert abs(requests.output_tokens[mine].mean() - pmf[:, 0] @ pmf[:, 1]) < 4 * error

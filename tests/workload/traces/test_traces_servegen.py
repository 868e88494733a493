"""Requests drawn from ServeGen's rates and lengths."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from odc_gym.errors import TraceError
from odc_gym.workload import read_trace
from odc_gym.workload.traces import servegen
from odc_gym.workload.traces.servegen import WINDOW_S, ClientWindow, draw_arrival_places

FOLDER = Path(__file__).parent / "fixtures" / "servegen"


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(FOLDER, tmp_path / "clients")


def of(requests, tenant):
    mine = requests.tenant == requests.tenants.index(tenant)
    return requests.submit_s[mine], requests.input_tokens[mine], requests.output_tokens[mine]


def test_each_window_has_the_requests_of_its_rate_and_their_lengths():
    trace = read_trace(FOLDER)
    requests = trace.requests["interactive"]
    assert requests.tenants == ("busy", "quiet") and trace.remark is None
    assert (requests.span_s, requests.daily) == (1800, False) and np.all(np.diff(requests.submit_s) >= 0)
    busy_s, busy_in, busy_out = of(requests, "busy")
    assert np.histogram(busy_s, [0, 600, 1200, 1800])[0].tolist() == [1200, 600, 0]
    quiet_s, quiet_in, quiet_out = of(requests, "quiet")
    assert np.histogram(quiet_s, [0, 600, 1200, 1800])[0].tolist() == [0, 60, 12]
    # text tokens, and as many images as their count gives
    first = busy_s < 600
    assert stats.binomtest(int(np.sum(busy_in[first] == 610)), 1200, 0.75).pvalue > 1e-3
    assert set(busy_in[first]) == {10, 610} and set(busy_in[~first]) == {20} and set(busy_out[~first]) == {2}
    counts = [np.sum(busy_out[first] == tokens) for tokens in (1, 3, 5)]
    assert sum(counts) == 1200 and stats.chisquare(counts, [600, 300, 300]).pvalue > 1e-3
    # empty windows of lengths are skipped, so the lengths of 900 s also hold before them
    assert set(quiet_in) == {100, 200} and set(quiet_out) == {7}


def test_the_draws_are_the_clients_own(folder):
    whole, again = (read_trace(path).requests["interactive"] for path in (FOLDER, folder))
    assert np.array_equal(whole.submit_s, again.submit_s) and np.array_equal(whole.input_tokens, again.input_tokens)
    alone = read_trace(folder / "chunk-busy-trace.csv").requests["interactive"]
    submit_s, input_tokens, output_tokens = of(whole, "busy")
    assert np.array_equal(alone.submit_s, submit_s) and np.array_equal(alone.output_tokens, output_tokens)
    assert np.array_equal(alone.input_tokens, input_tokens) and alone.span_s == 1800


@pytest.mark.parametrize(
    ("family", "shape", "law"),
    [
        ("Gamma", 0.3, stats.gamma(0.3)),
        ("Gamma", 4.0, stats.gamma(4.0)),
        ("Weibull", 0.6, stats.weibull_min(0.6)),
        ("Weibull", 2.0, stats.weibull_min(2.0)),
    ],
)
def test_gaps_have_the_published_law(family, shape, law):
    place = draw_arrival_places(ClientWindow(0.0, 20_000, family, shape), 1.0, np.random.default_rng(1))
    gaps = np.diff(place, prepend=0)
    assert place.size == 20_000 and place[-1] < 1
    assert stats.kstest(gaps / gaps.mean() * law.mean(), law.cdf).statistic < 0.0135  # 0.1 % of correct draws exceed it


@pytest.mark.parametrize("family", ["Gamma", "Weibull"])
def test_a_share_of_the_requests_is_drawn_as_if_the_others_had_been_left_out(family):
    window, rng = ClientWindow(0.0, 40_000, family, 0.4), np.random.default_rng(2)
    drawn = draw_arrival_places(window, 0.1, rng)
    whole = draw_arrival_places(window, 1.0, rng)
    thinned = whole[rng.random(whole.size) < 0.1]
    assert abs(drawn.size - 4000) < 4 * np.sqrt(3600)
    assert stats.ks_2samp(np.diff(drawn), np.diff(thinned)).pvalue > 1e-3


def test_more_requests_than_fit_are_a_share_with_the_same_lengths(monkeypatch):
    monkeypatch.setattr(servegen, "MAX_REQUESTS", 500)
    trace = read_trace(FOLDER)
    requests = trace.requests["interactive"]
    assert trace.remark == "0.267 of its 1872 requests are drawn, at random"
    assert abs(requests.submit_s.size - 500) < 4 * np.sqrt(500)
    assert trace.notes() == [trace.remark]


def test_a_day_of_windows_is_a_day(folder):
    rows = "".join(f"{600 * k},0.05,1,Gamma,1,20\n" for k in range(144))
    (folder / "chunk-busy-trace.csv").write_text(rows)
    requests = read_trace(folder / "chunk-busy-trace.csv").requests["interactive"]
    assert (requests.daily, requests.span_s, requests.submit_s.size) == (True, 144 * WINDOW_S, 144 * 30)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("trace.csv", "", ": the file is empty"),
        ("trace.csv", "0,1,1,Gamma,1", ":1: expected 6 columns, got 5"),
        ("trace.csv", "0,1,1,Gamma,1,1\n300,1,1,Gamma,1,1", ":2: column 't': expected the next multiple of 600 s"),
        ("trace.csv", "0,1,1,Gamma,1,1\n0,1,1,Gamma,1,1", ":2: column 't': expected the next multiple of 600 s"),
        ("trace.csv", "0,-1,1,Gamma,1,1", ":1: column 'rate': expected requests a second >= 0, got '-1'"),
        ("trace.csv", "0,1,1,Pareto,1,1", ":1: column 'family': expected Gamma or Weibull, or nothing"),
        ("trace.csv", "0,1,1,,0,0", ":1: column 'family': expected a family and a shape above 0 at a rate above 0"),
        ("dataset.json", "", ":1: not readable as JSON: "),
        ("dataset.json", '{"0": {"input_tokens": "{5', ":1: not readable as JSON: "),
        ("dataset.json", "{}", ": expected a window with lengths of prompts and answers, got none"),
        ("dataset.json", '{"0": {"input_tokens": "{}", "output_tokens": "{}"}}', ": expected a window with lengths"),
        ("dataset.json", '{"0": {"input_tokens": "{5: 0.4}"}}', ": window '0': 'input_tokens': expected {tokens: "),
        ("dataset.json", '{"0": {"input_tokens": "{5: x}"}}', ": window '0': 'input_tokens': expected {tokens: "),
        ("dataset.json", '{"0": {"input_tokens": "{5: 0.5, 6}"}}', ": window '0': 'input_tokens': expected {tokens: "),
        ("dataset.json", '{"0": {"input_tokens": "{-5: 1}"}}', ": window '0': 'input_tokens': expected {tokens: "),
        ("dataset.json", '{"0": {"input_tokens": [5]}}', ": window '0': 'input_tokens': expected {tokens: "),
        ("dataset.json", '{"soon": {}}', ": window 'soon': expected the second in which it begins and an object"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(folder, name, data, said):
    path = folder / f"chunk-busy-{name}"
    path.write_text(data)
    with pytest.raises(TraceError) as caught:
        read_trace(folder)
    assert str(caught.value).startswith(f"{path}{said}") and "\n" not in str(caught.value)


def test_a_client_has_two_files(folder):
    (folder / "chunk-busy-dataset.json").unlink()
    with pytest.raises(TraceError, match=r"chunk-busy-dataset.json: no such file$"):
        read_trace(folder)

"""Demand from recorded requests: weight of a request, replayed stretch, and mean and bursts after scaling."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from odc_gym.errors import ScenarioError, TraceError
from odc_gym.scenario import Scenario
from odc_gym.workload import read_trace, replay_demand
from odc_gym.workload.services import equivalent_tokens
from odc_gym.workload.traces.collecting import RequestCollector
from odc_gym.workload.traces.recorded import RequestTrace
from odc_gym.workload.traces.replay import replay

START = datetime(2027, 3, 4, 5, 17, tzinfo=UTC)
HOUR, DAY = 3600.0, 86400.0
PATH = Path("made.csv")
AZURE = Path(__file__).parents[3].parent / "shared" / "traces" / "azure_llm_2023"


@pytest.fixture(scope="module")
def starter():
    return Scenario.load("starter12").workload


def made(arrival_s, tokens_in=1155, tokens_out=211):
    arrival_s = np.asarray(arrival_s, float)
    requests = RequestCollector(PATH)
    requests.extend(arrival_s, *(np.broadcast_to(tokens, arrival_s.shape) for tokens in (tokens_in, tokens_out)), "one")
    return requests.trace().requests["interactive"]


@pytest.fixture(scope="module")
def bursty():
    """Return 18 hours of requests at 2 or 22 a minute, alternating every few minutes."""
    rng = np.random.default_rng(0)
    rate = np.repeat(rng.permutation(np.tile([2.0, 22.0], 108)), 5)
    minute = np.repeat(np.arange(rate.size), rng.poisson(rate))
    arrival_s = np.sort(60.0 * (minute + rng.random(minute.size)))
    return made(arrival_s, rng.integers(1, 4000, arrival_s.size), rng.integers(1, 900, arrival_s.size))


def rows_of(trace, ratio, seed, after=4 * HOUR, before=0.0):
    return replay(trace, ratio, seed, 0.0, before, after)


def counts_of(trace, ratio, seeds, after=4 * HOUR):
    """Return the requests a minute, (seeds, minutes)."""
    edges = np.arange(0.0, after + 1, 60.0)
    return np.array([np.histogram(rows_of(trace, ratio, seed, after).arrival_s, edges)[0] for seed in seeds])


def demand_of(workload, trace, seed, step=60.0, before=HOUR, after=4 * HOUR, **changes):
    service = workload.classes["interactive"].model_copy(update=changes)
    return replay_demand(service, trace, workload, seed, START, before, after, step)


def share_of(workload, trace, ratio):
    """Return fields of a service with this multiple of the trace's load."""
    tokens = equivalent_tokens(workload.classes["interactive"], trace.input_tokens, trace.output_tokens)
    return {"output_tokens_per_min": ratio * tokens.sum() / trace.span_s * 60}


# ---- weight of a request


def test_the_mean_request_weighs_its_output_and_prefill_counts(starter):
    service = starter.classes["interactive"]
    # decode and prefill come from the same measurements: step of a batch of 64 on 8 accelerators
    assert service.decode_ms_per_token == pytest.approx((29.9 + 0.31 * 64) * 8 / 64, rel=2e-3)
    tokens = equivalent_tokens(service, np.array([1155.0, 2000.0, 0.0, 0.0]), np.array([211.0, 20.0, 1000.0, 0.0]))
    assert tokens[0] == pytest.approx(211, rel=1e-3)
    assert tokens[1] == pytest.approx((0.8 * 2000 + 6.22 * 20) / 10.6, rel=1e-3)
    assert tokens[2] == pytest.approx(1000 * 6.22 / 10.6, rel=1e-3)
    assert tokens[3] == 0
    bare = service.model_copy(update={"prefill_ms_per_token": 0.0})
    assert equivalent_tokens(bare, np.array([5000.0]), np.array([77.0])).tolist() == [77.0]


def test_prefill_must_leave_time_to_decode():
    with pytest.raises(ScenarioError, match=r"input_tokens_per_output = 10\.948 must be below accelerator_ms"):
        Scenario.load("starter12", {"workload.classes.interactive.prefill_ms_per_token": 2.0})


# ---- the window


def test_a_request_falls_into_the_step_in_which_it_arrives(starter):
    trace = made([0.0, 30.0, 125.0, 200.0], tokens_in=0, tokens_out=[10, 20, 40, 80])
    rows = rows_of(trace, 1.0, 7, after=300.0, before=120.0)
    weight = 6.2208 / 10.6 * np.array([10, 20, 40, 80])
    expected = np.zeros(7)
    for row, arrival_s in zip(rows.row, rows.arrival_s, strict=True):
        expected[int((arrival_s + 120) // 60)] += weight[row]
    demand = demand_of(starter, trace, 7, before=120.0, after=300.0, **share_of(starter, trace, 1.0))
    np.testing.assert_allclose(demand, expected, atol=0.01)
    assert np.count_nonzero(expected) >= 4


@given(seed=st.integers(0, 2**63), after=st.integers(1, 40), before=st.sampled_from([0.0, 600.0, 5700.0]))
def test_a_short_trace_repeats_without_gap_or_seam(seed, after, before):
    trace = made(60.0 * np.arange(30))  # half an hour with a request a minute; the span includes a last gap
    rows = rows_of(trace, 1.0, seed, after * HOUR, before)
    assert trace.span_s == 1800 and trace.repeats(before, after * HOUR)
    assert abs(rows.row.size - (before + after * HOUR) / 60) <= 1
    np.testing.assert_allclose(np.diff(rows.arrival_s), 60.0)
    assert np.all(np.diff(rows.row) % 30 == 1)
    assert rows.arrival_s[0] >= -before and rows.arrival_s[-1] < after * HOUR


def test_the_instant_is_chosen_evenly_on_a_ring(bursty):
    """Catches windows that are kept inside the trace: its middle would count more than its ends."""
    assert not bursty.repeats(2 * HOUR, 4 * HOUR) and bursty.note(2 * HOUR, 4 * HOUR) is None
    first = []
    for seed in range(1000):
        rows = rows_of(bursty, 1.0, seed, 4 * HOUR, 2 * HOUR)
        assert np.all((np.diff(rows.row) == 1) | (np.diff(rows.row) == 1 - bursty.submit_s.size))
        assert np.unique(rows.row).size == rows.row.size  # a trace that is long enough never repeats a row
        first.append(rows.row[0])
    phase = bursty.submit_s[first] / bursty.span_s
    assert stats.kstest(phase, "uniform").pvalue > 1e-4


def test_a_repeated_trace_says_so():
    trace = made(60.0 * np.arange(30))
    assert trace.note(5700.0, DAY) == (
        "covers 30 min where an episode needs 25.6 h, so it repeats from an instant that the seed chooses"
    )


def test_requests_of_whole_days_keep_the_hour(starter):
    trace = made(3600.0 * np.arange(72) + 900.0, tokens_in=0, tokens_out=np.tile(np.arange(1, 25), 3))
    assert trace.daily and trace.span_s == 3 * DAY
    for seed in range(5):
        demand = demand_of(starter, trace, seed, step=HOUR, before=0.0, **share_of(starter, trace, 1.0))
        # the episode begins at 05:17, so that its hours hold the requests of 06:15, 07:15, ...
        np.testing.assert_allclose(demand, 6.2208 / 10.6 * np.array([7, 8, 9, 10]), atol=0.01)


# ---- scaling


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0, 2.5, 5.0])
def test_mean_demand_is_the_share_of_the_class(starter, bursty, ratio):
    changes = share_of(starter, bursty, ratio)
    means = np.array([demand_of(starter, bursty, seed, **changes).mean() for seed in range(150)])
    assert abs(means.mean() - changes["output_tokens_per_min"]) <= 4 * stats.sem(means)
    halved = starter.model_copy(update={"rate_scale": 0.5})
    half = np.array([demand_of(halved, bursty, seed, **changes).mean() for seed in range(150)])
    assert abs(half.mean() - changes["output_tokens_per_min"] / 2) <= 4 * stats.sem(half)


@pytest.mark.parametrize("ratio", [0.1, 0.4, 0.9])
def test_thinning_scales_the_excess_of_the_dispersion(bursty, ratio):
    """Keeping each request with probability p makes var / mean of the counts 1 + p (IDC - 1)."""
    dispersion = [counts.var() / counts.mean() for counts in (counts_of(bursty, r, range(300)) for r in (1.0, ratio))]
    assert dispersion[0] == pytest.approx(1 + 100 / 12, rel=0.15)  # of the two rates: 1 + variance / mean
    assert dispersion[1] == pytest.approx(1 + ratio * (dispersion[0] - 1), rel=0.08)


@pytest.mark.parametrize("copies", [2, 5])
def test_superposition_keeps_the_dispersion(bursty, copies):
    """Copies from different instants add means and variances alike."""
    one, many = (counts_of(bursty, ratio, range(300)) for ratio in (1.0, float(copies)))
    assert many.mean() == pytest.approx(copies * one.mean(), rel=0.05)
    assert many.var() / many.mean() == pytest.approx(one.var() / one.mean(), rel=0.15)


def test_every_repetition_and_copy_is_thinned_anew():
    rows = rows_of(made(60.0 * np.arange(30)), 0.5, 11, after=40 * 1800.0)
    times_kept = np.bincount(rows.row, minlength=30)
    # binomial: 40 repetitions of one half; the same half each time would give counts of 0 or 40
    assert times_kept.min() >= 8 and times_kept.max() <= 32
    many = rows_of(made(60.0 * np.arange(30)), 2.5, 11)
    assert np.unique(many.key).size == many.key.size


def test_scaling_leaves_sizes_and_pairs_as_they_are(bursty):
    for ratio in (0.3, 2.5):
        rows = np.concatenate([rows_of(bursty, ratio, seed).row for seed in range(5)])
        assert stats.ks_2samp(bursty.input_tokens[rows], bursty.input_tokens).pvalue > 1e-4
        assert stats.ks_2samp(bursty.output_tokens[rows], bursty.output_tokens).pvalue > 1e-4


def test_no_token_is_lost_or_counted_twice(starter, bursty):
    """The total demand is exactly that of the kept requests, for any step."""
    changes = share_of(starter, bursty, 2.5)
    service = starter.classes["interactive"].model_copy(update=changes)
    weight = equivalent_tokens(service, bursty.input_tokens, bursty.output_tokens)
    for seed in range(5):
        rows = replay(bursty, 2.5, seed, 0.0, HOUR, 4 * HOUR)
        sums = {demand_of(starter, bursty, seed, step=step, **changes).sum() for step in (10.0, 60.0, 300.0)}
        assert sums == {weight[rows.row].sum()}


def test_demand_is_stable_and_more_load_adds_requests(starter, bursty):
    assert demand_of(starter, bursty, 3).tobytes() == demand_of(starter, bursty, 3).tobytes()
    assert not np.array_equal(demand_of(starter, bursty, 3), demand_of(starter, bursty, 4))
    few, more = (demand_of(starter, bursty, 3, **share_of(starter, bursty, ratio)) for ratio in (2.2, 2.8))
    assert np.all(few <= more) and few.sum() < more.sum()


def test_too_small_a_trace_is_refused(starter):
    trace = made(60.0 * np.arange(30), tokens_in=0, tokens_out=1)
    with pytest.raises(TraceError) as caught:
        demand_of(starter, trace, 0)
    assert str(caught.value) == (
        "made.csv: offers 4.3e-06 of the load that 'interactive' has in the scenario; must be at least a 64th; "
        "--trace-as-is replays it unscaled"
    )


@pytest.mark.parametrize(("name", "copies"), [("conv_first30min.csv", 2), ("code_first30min.csv", 5)])
def test_azure_samples_serve_the_scenarios_demand(starter, name, copies):
    if not (AZURE / name).is_file():
        pytest.skip("the sample is not at hand")
    trace = read_trace(AZURE / name).requests["interactive"]
    assert isinstance(trace, RequestTrace)
    ratio = 137800 / share_of(starter, trace, 1.0)["output_tokens_per_min"]
    assert np.ceil(ratio) == copies
    days = np.array([demand_of(starter, trace, seed, before=0.0, after=DAY) for seed in range(10)])
    assert days.mean() == pytest.approx(137800, rel=2e-3)
    assert days.mean(1).std() < 0.01 * 137800  # every window holds the whole trace many times
    alone, scaled = (counts_of(trace, r, range(30), after=2 * HOUR) for r in (1.0, ratio))
    kept = ratio / copies
    assert scaled.var() / scaled.mean() == pytest.approx(1 + kept * (alone.var() / alone.mean() - 1), rel=0.2)

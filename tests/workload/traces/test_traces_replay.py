"""Replay of traces at a class's share of the load."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from odc_gym.errors import TraceError
from odc_gym.scenario import Scenario
from odc_gym.workload import Trace, draw_jobs, offered_rate, read_trace
from odc_gym.workload.traces.recorded import JobTrace
from odc_gym.workload.traces.replay import keyed_uniform, replay, splitmix64

START = datetime(2027, 3, 4, 5, 17, tzinfo=UTC)
HOUR, DAY = 3600.0, 86400.0
PHILLY = Path(__file__).parents[3].parent / "shared" / "traces" / "philly_2017" / "philly_jobs_sep_nov.csv"
with_philly = pytest.mark.skipif(not PHILLY.is_file(), reason="the Philly sample is not at hand")


@pytest.fixture(scope="module")
def starter():
    return Scenario.load("starter12").workload


# ---- keyed randomness


def test_splitmix64_gives_the_published_sequences():
    # the generator's n-th output is the mix of seed + (n - 1) * golden gamma
    gamma = 0x9E3779B97F4A7C15
    for seed, expected in (
        (0, [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]),
        (1234567, [6457827717110365317, 3203168211198807973, 9817491932198370423]),
    ):
        states = np.array([(seed + n * gamma) % 2**64 for n in range(3)], np.uint64)
        assert splitmix64(states).tolist() == expected


def test_keyed_uniform_is_uniform_for_consecutive_keys():
    values = [keyed_uniform(np.arange(100_000, dtype=np.uint64), purpose) for purpose in (1, 2)]
    assert stats.kstest(values[0], "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(values)[0, 1]) < 0.015
    assert abs(np.corrcoef(values[0][1:], values[0][:-1])[0, 1]) < 0.015


# ---- replaying


def made(submit_h, duration_h, width=1):
    submit = np.sort(np.asarray(submit_h, float)) * HOUR
    return JobTrace(
        where="made.csv",
        class_name="finetuning",
        submit_s=submit,
        span_s=float(np.ceil(submit[-1] / DAY + 1e-9)) * DAY,
        daily=True,
        duration_s=np.broadcast_to(np.asarray(duration_h, float) * HOUR, submit.shape),
        width=np.broadcast_to(np.int32(width), submit.shape),
    )


@pytest.fixture(scope="module")
def steady():
    """Return 30 days of a one-hour job every five minutes: 12 accelerator-hours an hour."""
    return made(np.arange(30 * 288) / 12, 1.0)


@pytest.mark.parametrize("rate", [0.0, 0.6, 6.0, 12.0, 13.0, 30.0, 36.0])
def test_mean_load_is_the_one_asked_for(steady, rate):
    episodes = [replay(steady, rate / 12, seed, 20_000.0, 0.0, DAY) for seed in range(200)]
    counts = np.array([np.sum(rows.arrival_s >= 0) for rows in episodes])
    copies = max(1, np.ceil(rate / 12))
    kept = rate / 12 / copies
    spread = np.sqrt(288 * copies * kept * (1 - kept) / counts.size)  # binomial
    assert abs(counts.mean() - 24 * rate) <= 4 * spread + 1e-9


@given(
    seed=st.integers(0, 2**63), time_of_day=st.integers(0, 86399), days=st.integers(1, 12), after_h=st.floats(1, 100)
)
def test_times_of_day_are_kept_whatever_the_window(seed, time_of_day, days, after_h):
    trace = made(np.arange(days * 24) + 0.25, 0.5)
    rows = replay(trace, 1.0, seed, float(time_of_day), 10 * HOUR, after_h * HOUR)
    clock = (rows.arrival_s + time_of_day) % DAY
    np.testing.assert_allclose(clock, trace.submit_s[rows.row] % DAY, atol=1e-6)
    assert np.all(np.diff(rows.arrival_s) >= 0)
    # every hour of the window has its job
    inside = rows.arrival_s[rows.arrival_s >= -10 * HOUR]
    assert abs(inside.size - (10 + after_h)) <= 1
    np.testing.assert_allclose(np.diff(inside), HOUR)


def test_days_are_chosen_evenly_within_the_trace(steady):
    origin = []
    for seed in range(2000):
        rows = replay(steady, 1.0, seed, 6 * HOUR, 48 * HOUR, 24 * HOUR)
        origin.append(steady.submit_s[rows.row[-1]] - rows.arrival_s[-1])
    day, count = np.unique((np.array(origin) - 6 * HOUR) / DAY, return_counts=True)
    assert day.tolist() == list(range(2, 29))  # 48 h of history before, 24 h of episode behind
    assert stats.chisquare(count).pvalue > 1e-4


def test_copies_are_of_different_days(steady):
    rows = replay(steady, 3.0, 5, 0.0, 0.0, DAY)
    inside = rows.row[rows.arrival_s >= 0]
    assert np.unique(inside).size == inside.size == 3 * 288
    assert np.unique(rows.key).size == rows.key.size


def test_long_jobs_from_before_the_history_are_kept():
    # one-hour jobs every hour, and on day 1 one of 100 h: at a fifth of full speed it lives 500 h
    trace = made(np.arange(40 * 24), np.where(np.arange(40 * 24) == 30, 100.0, 1.0))
    for seed in range(30):
        rows = replay(trace, 1.0, seed, 0.0, 48 * HOUR, DAY)
        origin = trace.submit_s[rows.row[-1]] - rows.arrival_s[-1]
        age_h = (origin - 48 * HOUR) / HOUR - 30  # age of the long job when the history begins
        old = rows.row[rows.arrival_s < -48 * HOUR]
        assert (30 in old) == (0 < age_h < 500)
        if age_h > 5:  # the trace began more than five hours before, so old short jobs are those of the last five hours
            assert np.sum(old != 30) == 5  # the fifth one ends at that instant


def test_short_traces_repeat_and_say_so(steady):
    short = made(np.arange(48), 1.0)
    assert short.repeats(48 * HOUR, DAY)
    assert short.note(48 * HOUR, DAY) == "covers 2 days where an episode needs 4 days, so it repeats"
    assert steady.note(48 * HOUR, DAY) is None


def test_too_small_a_trace_is_refused():
    with pytest.raises(TraceError) as caught:
        replay(made([3.0], 1.0), 960.0, 0, 0.0, 0.0, DAY)
    says = (
        "made.csv: offers 0.001 of the load that 'finetuning' has in the scenario; must be at least a 64th; "
        "--trace-as-is replays it unscaled"
    )
    assert str(caught.value) == says


def jobs_of(workload, seed, trace, after=24 * HOUR, widest=8):
    trace = trace and Trace("made.csv", jobs={trace.class_name: trace})
    return draw_jobs(workload, ("finetuning", "batch", "interactive"), seed, START, 48 * HOUR, after, widest, trace)


def test_a_trace_replaces_its_class_only(starter, steady):
    plain, replayed = jobs_of(starter, 3, None), jobs_of(starter, 3, steady)
    assert np.array_equal(plain[plain["class_id"] == 1], replayed[replayed["class_id"] == 1])
    own = replayed[replayed["class_id"] == 0]
    assert np.all(own["duration_s"] == 3600)
    assert np.all(np.diff(replayed["arrival_s"]) >= 0)
    inside = own[own["arrival_s"] >= -48 * HOUR]
    assert inside.size == pytest.approx(72 * offered_rate(starter.classes["finetuning"]), rel=0.05)


def test_replayed_jobs_follow_the_rules_of_the_class(starter, steady):
    jobs = np.concatenate([j[j["class_id"] == 0] for j in (jobs_of(starter, seed, steady) for seed in range(30))])
    ratio = (jobs["deadline_s"] - jobs["arrival_s"]) / jobs["duration_s"]
    assert stats.kstest((ratio - 2) / 8, "uniform").pvalue > 1e-4
    assert np.all(jobs["expiry_s"] - jobs["deadline_s"] == jobs["deadline_s"] - jobs["arrival_s"])
    error = np.log(jobs["estimate_s"] / jobs["work_s"])
    assert stats.kstest((error + 0.045) / 0.3, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(ratio, error)[0, 1]) < 0.02


def test_replay_is_stable(starter, steady):
    assert np.array_equal(jobs_of(starter, 3, steady), jobs_of(starter, 3, steady))
    assert not np.array_equal(jobs_of(starter, 3, steady), jobs_of(starter, 4, steady))
    rare = starter.model_copy(update={"rate_scale": 0.1})
    kept, all_kept = (jobs_of(w, 3, steady) for w in (rare, rare.model_copy(update={"rate_scale": 0.2})))
    kept, all_kept = (j[j["class_id"] == 0] for j in (kept, all_kept))
    assert 0 < kept.size < all_kept.size
    assert np.isin(kept["arrival_s"], all_kept["arrival_s"]).all()  # more load only adds jobs


def test_classes_of_one_file_are_thinned_apart_on_the_same_days(steady):
    other = replace(steady, class_name="batch")
    mine, theirs = (replay(part, 0.5, 5, 0.0, 0.0, 20 * DAY) for part in (steady, other))
    common = np.intersect1d(mine.row, theirs.row).size / mine.row.size
    assert 0.45 < common < 0.55
    assert steady.submit_s[mine.row[0]] - mine.arrival_s[0] == steady.submit_s[theirs.row[0]] - theirs.arrival_s[0]


def test_wide_jobs_are_split(starter):
    wide = made(np.arange(30 * 24), 1.0, width=20)
    jobs = jobs_of(starter, 3, wide)
    own = jobs[(jobs["class_id"] == 0) & (jobs["arrival_s"] >= -48 * HOUR)]
    assert set(own["width"]) == {8, 4}
    arrivals, parts = np.unique(own["arrival_s"], return_counts=True)
    assert np.all(parts % 3 == 0)
    assert own["work_s"].sum() == pytest.approx(20 * 3600 * parts.sum() / 3)
    assert arrivals.size <= 72


@with_philly
def test_philly_offers_the_classes_share_of_the_load(starter):
    trace = read_trace(PHILLY)
    loads = []
    for seed in range(400):
        jobs = draw_jobs(starter, ("finetuning",), seed, START, 0.0, DAY, 8, trace)
        loads.append(jobs["work_s"][jobs["arrival_s"] >= 0].sum() / 3600 / 24)
    # a few jobs of weeks have most of the work, so the mean of 400 daily loads has a standard error of about 7 %
    error = stats.sem(loads)
    assert error < 0.1 * 40.4
    assert abs(np.mean(loads) - 40.4) < 4 * error
    assert jobs["width"].max() <= 8

"""Ids, units and optional values of traces, in all formats alike."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odc_gym.errors import TraceError
from odc_gym.workload import as_trace, read_trace
from odc_gym.workload.traces import FORMATS

tmp = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
ids = st.lists(
    st.one_of(st.from_regex(r"[0-9]{1,20}", fullmatch=True), st.sampled_from(["1.0", "1", "01", "1e3"])),
    min_size=1, max_size=12, unique=True,
)  # fmt: skip
junk = st.sampled_from(
    ["UNLIMITED", "Partition_Limit", "-1", "-5", "nan", "inf", "", "None", "N/A", "1-00:00:00", "1e99"]
)


def own(user, asked="", outcome=""):
    return f"0,60,1,{user},{asked},{outcome}\n"


def swf(user, asked="-1", status="1", group="1"):
    return f"1 0 5 60 1 -1 -1 1 {asked or '-1'} -1 {status or '-1'} {user or '-1'} {group or '-1'} -1 1 -1 -1 -1\n"


def philly_json(users, status="Pass"):
    ran = {"start_time": "2017-10-09 07:05:00", "end_time": "2017-10-09 07:06:00", "detail": [{"gpus": ["gpu0"]}]}
    job = {"status": status, "submitted_time": "2017-10-09 07:00:00", "attempts": [ran]}
    return json.dumps([job | {"vc": user} for user in users])


PHILLY = "timestamp,duration,num_gpus,gpu_time,cluster\n"
OPENB = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
)
OWN = "arrival_s,duration_s,accelerators,tenant,estimate_s,outcome\n"
BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
WITH_IDS = {
    "own": lambda users: OWN + "".join(own(user) for user in users),
    "swf": lambda users: "; x\n" + "".join(swf(user) for user in users),
    "philly": lambda users: PHILLY + "".join(f"2017-10-09 07:01:55,66,1,66,{user}\n" for user in users),
    "philly as published": philly_json,
    "openb": lambda users: OPENB + "".join(f"a,1,1,1,1000,,{user},Failed,5,20,10\n" for user in users),
    "burstgpt": lambda users: BURST + "".join(f"{60 * k},{u},1,1,2,x\n" for k, u in enumerate([*users, users[0]])),
}


@pytest.mark.parametrize("write", WITH_IDS.values(), ids=WITH_IDS)
@tmp
@given(users=ids)
def test_different_ids_are_different_tenants(tmp_path, write, users):
    """Catches ids that pass through a float or `:g`, so that users 1234567 and 1234568 become one tenant."""
    path = tmp_path / "trace"
    path.write_text(write(users))
    trace = read_trace(path)
    (part,) = [*trace.jobs.values(), *trace.requests.values()]
    assert part.tenants == tuple(users)


def test_ids_in_json_may_be_numbers(tmp_path):
    path = tmp_path / "trace.json"
    path.write_text(philly_json([12345678901234567890, 12345678901234567891, None]))
    trace = read_trace(path).jobs["finetuning"]
    assert trace.tenants == ("12345678901234567890", "12345678901234567891") and trace.tenant.tolist() == [0, 1, -1]


WITH_OPTIONS = {
    "own": lambda a, b, c: OWN + own("", a, b) + own(c),
    "swf": lambda a, b, c: f"; UnixStartTime: {a}\n" + swf("3", a, b, c) + swf(c, b, a, a),
    "philly as published": lambda a, b, c: philly_json([a, b, None], c),
    "philly": lambda a, b, c: PHILLY + f"2017-10-09 07:01:55,66,1,{a},{b}\n",
    "openb": lambda a, b, c: OPENB + f"a,{a},{b},1,{c},,{a},{b},5,20,10\na,{a},{b},1,1000,,{b},{a},5,{b},{c}\n",
    "burstgpt": lambda a, b, c: BURST + f"0,{a},1,1,{b},{c}\n90,{b},1,1,2,{c}\n",
}


@pytest.mark.parametrize("write", WITH_OPTIONS.values(), ids=WITH_OPTIONS)
@tmp
@given(a=junk, b=junk, c=junk)
def test_optional_values_without_sense_never_refuse_a_file(tmp_path, write, a, b, c):
    """Catches a log that is refused because one optional value is UNLIMITED, UNKNOWN, negative or not a number."""
    path = tmp_path / "trace"
    path.write_text(write(*(text.replace(" ", "") for text in (a, b, c))))
    read_trace(path)


def test_values_that_count_as_absent_are_counted_and_told(tmp_path):
    path = tmp_path / "trace"
    path.write_text(OWN + own("a", "UNLIMITED") + own("b", "-1", "done") + own("", ""))
    trace = read_trace(path)
    assert {column: (n, int(where.rpartition(":")[2]), text) for column, (n, where, text) in trace.absent.items()} == {
        "estimate_s": (2, 2, "UNLIMITED"),
        "outcome": (1, 3, "done"),
    }
    assert trace.notes()[0] == "2 values of 'estimate_s' count as absent (first 'UNLIMITED' in line 2)"
    path.write_text("; UnixStartTime: UNKNOWN\n" + swf("-1", "-1") + swf("7", "Partition_Limit", "9"))
    trace = read_trace(path)
    assert {column: absence.values for column, absence in trace.absent.items()} == {
        "UnixStartTime": 1, "requested time": 1, "status": 1,
    }  # fmt: skip
    assert trace.jobs["finetuning"].tenants == ("7",)


def test_logs_longer_than_five_years_are_read_and_their_unit_is_told(tmp_path):
    """Catches the refusal of a long log, and a log in milliseconds that nobody hears of."""
    path = tmp_path / "log.swf"
    six_years_s = 6 * 365.25 * 86400
    path.write_text("; x\n" + swf("1") + swf("1").replace("1 0 5", f"2 {six_years_s:.0f} 5"))
    trace = read_trace(path)
    assert trace.jobs["finetuning"].submit_s.tolist() == [0, six_years_s]
    assert trace.notes() == ["covers 6.0 years if its times are seconds, 2.2 days if they are ms"]


# ---- unit of times in JSON lines


KEYS = {
    "three keys": {},
    "mooncake": {"hash_ids": [0]},
    "bailian": {"chat_id": 1, "parent_chat_id": -1, "type": "text", "turn": 1, "hash_ids": [0]},
}


def lines(times, keys):
    rows = ({"timestamp": time, "input_length": 5, "output_length": 7} | keys for time in times)
    return "".join(json.dumps(row) + "\n" for row in rows)


@tmp
@given(
    keys=st.sampled_from(list(KEYS.values())),
    whole=st.booleans(),
    milliseconds=st.booleans(),
    gap=st.floats(0.002, 60),
    count=st.integers(3, 400),
)
def test_times_are_never_read_by_a_factor_of_1000(tmp_path, keys, whole, milliseconds, gap, count):
    """Catches a file in seconds that is read as milliseconds, or the reverse."""
    times_s = [round(k * gap, 0 if whole and not milliseconds else 3) for k in range(count)]
    times = [round(1000 * t) for t in times_s] if milliseconds else [int(t) if whole else t for t in times_s]
    path = tmp_path / "requests.jsonl"
    path.write_text(lines(times, keys))
    right = "mooncake" if milliseconds else "bailian"
    try:
        requests = read_trace(path).requests["interactive"]
    except TraceError as error:
        assert "must cover at least 60 s" in str(error) or "--trace-format" in str(error)
    else:
        assert requests.submit_s[-1] == pytest.approx(times_s[-1], abs=0.01)
    named = as_trace({"path": path, "format": right, "as_is": True}).requests["interactive"]
    assert named.submit_s[-1] == pytest.approx(times_s[-1], abs=0.01)


@pytest.mark.parametrize(
    ("keys", "times", "found"),
    [
        ("bailian", [3.6 * k for k in range(2000)], 7196.4),
        ("mooncake", [3000 * (k // 5) for k in range(2000)], 1197),
        ("mooncake", [3.6 * k for k in range(2000)], None),
        ("three keys", [3.6 * k for k in range(2000)], None),
        ("three keys", [3600 * k for k in range(2000)], None),
        ("bailian", [30 * k for k in range(9000)], None),  # one request in 30 s, or 33 a second
    ],
)
def test_published_files_are_recognised_and_uncertain_units_are_named(tmp_path, keys, times, found):
    path = tmp_path / "requests.jsonl"
    path.write_text(lines(times, KEYS[keys]))
    if found is None:
        with pytest.raises(TraceError, match=r"may be in milliseconds \(.*mooncake\) or seconds \(.*bailian\); name"):
            read_trace(path)
    else:
        assert read_trace(path).requests["interactive"].submit_s[-1] == pytest.approx(found, abs=0.001)


def test_a_format_can_be_named(tmp_path):
    path = tmp_path / "requests.jsonl"
    path.write_text(lines([3.6 * k for k in range(100)], {}))
    assert read_trace(path, "bailian").requests["interactive"].submit_s[-1] == pytest.approx(356.4, abs=0.001)
    with pytest.raises(TraceError, match=r"trace format = baillian: must be one of philly, .*; did you mean bailian"):
        read_trace(path, "baillian")
    with pytest.raises(TraceError, match="'jobs' \\(your own jobs\\): "):
        read_trace(path, "jobs")
    assert len({known.name for known in FORMATS}) == len(FORMATS)

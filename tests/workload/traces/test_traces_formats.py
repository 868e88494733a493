"""Public formats on hand-written, compressed and malformed files, and the memory that reading takes."""

import gzip
import tracemalloc
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from trace_rows import rejected_rows

from odc_gym.errors import TraceError
from odc_gym.scenario import Scenario
from odc_gym.workload import as_trace, draw_jobs, read_trace
from odc_gym.workload.traces import Outcome

FIXTURES = Path(__file__).parent / "fixtures"
FILES = ("philly_jobs.json", "openb_pods.csv", "log.swf", "azure_2024.csv", "burstgpt.csv", "mooncake.jsonl")
DAY = 86400.0


@pytest.fixture
def write(tmp_path):
    def write_file(data, name="trace"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write_file


def text(name):
    return (FIXTURES / name).read_text(encoding="utf-8")


def parts(trace):
    return [*trace.jobs.values(), *trace.requests.values()]


def numbers(trace):
    names = ("submit_s", "duration_s", "width", "outcome", "tenant", "input_tokens", "output_tokens")
    return [
        [p.span_s, p.daily, p.tenants, *(np.array(getattr(p, n, None)).tolist() for n in names)] for p in parts(trace)
    ]


def rejected(trace):
    return {why: (rows, int(where.rpartition(":")[2])) for why, (rows, where) in trace.rejected.items()}


def tenants(part):
    return [part.tenants[k] if k >= 0 else None for k in part.tenant]


# ---- reading


def test_philly_as_published():
    trace = read_trace(FIXTURES / "philly_jobs.json")
    jobs = trace.jobs["finetuning"]
    assert jobs.submit_s.tolist() == [DAY - 1, DAY + 7 * 3600, 2 * DAY + 6 * 3600] and jobs.span_s == 3 * DAY
    assert jobs.width.tolist() == [1, 4, 1]
    # 4 GPUs for 600 s and 2 for 1200 s are 4800 GPU-seconds; the attempt without a start does not count
    assert jobs.duration_s.tolist() == [30, 1200, 45]
    assert jobs.outcome.tolist() == [Outcome.CANCELLED, Outcome.COMPLETED, Outcome.FAILED]
    assert tenants(jobs) == ["south", "north", "east"] and jobs.estimate_s is None
    assert rejected(trace) == {
        "that never started": (1, 10),
        "whose end was not recorded": (1, 11),
        "with an attempt that ends before it starts": (1, 13),
        "of duration 0": (1, 15),
        "without an attempt whose times and GPUs were recorded": (1, 17),
    }
    assert rejected_rows(trace) == 5


def test_openb_pods():
    trace = read_trace(FIXTURES / "openb_pods.csv")
    jobs = trace.jobs["finetuning"]
    assert jobs.submit_s.tolist() == [90000 - DAY, 100000 - DAY, 200000 - DAY] and jobs.span_s == 2 * DAY
    assert (jobs.width.tolist(), jobs.duration_s.tolist()) == ([1, 8, 1], [3600, 60, 99998])
    assert jobs.outcome.tolist() == [Outcome.COMPLETED, Outcome.FAILED, Outcome.UNKNOWN]
    assert tenants(jobs) == ["LS", "BE", "LS"]
    assert rejected(trace) == {
        "without GPUs": (2, 3),
        "that was never scheduled": (1, 6),
        "whose end was not recorded": (1, 7),
        "of duration 0": (1, 8),
        "that ends before it starts": (1, 9),
    }


def test_standard_workload_format():
    trace = read_trace(FIXTURES / "log.swf")
    jobs = trace.jobs["finetuning"]
    start = 1_000_000_000 % DAY
    assert jobs.submit_s.tolist() == [start + 10, start + 20, start + 70, start + 90000] and jobs.span_s == 2 * DAY
    assert jobs.width.tolist() == [2, 2, 1, 2]  # allocated or else requested processors over 4, rounded up
    assert jobs.duration_s.tolist() == [600, 30.5, 100, 50]
    assert np.array_equal(jobs.estimate_s, [1200, np.nan, np.nan, 40], equal_nan=True)
    assert jobs.outcome.tolist() == [Outcome.COMPLETED, Outcome.FAILED, Outcome.CANCELLED, Outcome.UNKNOWN]
    assert tenants(jobs) == ["3", None, "4", "4"]
    assert rejected(trace) == {
        "that never ran": (2, 9),
        "without processors": (1, 11),
        "for a part of a job": (1, 12),
        "without a submission time": (1, 14),
    }


def test_azure_2024_with_offsets_and_without_fractions():
    requests = read_trace(FIXTURES / "azure_2024.csv").requests["interactive"]
    assert requests.submit_s.tolist() == [0, 59.75, 120.25] and not requests.daily
    assert (requests.input_tokens.tolist(), requests.output_tokens.tolist()) == ([2100, 80, 900], [5, 15, 0])


def test_burstgpt_with_and_without_the_columns_of_its_third_release(write):
    trace = read_trace(FIXTURES / "burstgpt.csv")
    requests = trace.requests["interactive"]
    assert (requests.submit_s.tolist(), requests.span_s) == ([0, 40.5, 120], 180)
    assert (requests.input_tokens.tolist(), requests.output_tokens.tolist()) == ([400, 1000, 7], [20, 200, 9])
    assert tenants(requests) == ["ChatGPT", "GPT-4", "ChatGPT"]
    assert rejected(trace) == {
        "that failed, with 0 response tokens": (2, 4),
        "whose total tokens are not the sum": (1, 5),
    }
    rows = [row.split(",") for row in text("burstgpt.csv").splitlines()]
    first = read_trace(write("\n".join(",".join([row[0], *row[3:]]) for row in rows)))
    assert numbers(first) == numbers(trace)


def test_mooncake_times_are_milliseconds():
    requests = read_trace(FIXTURES / "mooncake.jsonl").requests["interactive"]
    assert (requests.submit_s.tolist(), requests.span_s) == ([0, 3, 63.5], 95.25)
    assert (requests.input_tokens.tolist(), requests.output_tokens.tolist()) == ([500, 1025, 2048], [7, 40, 300])


def test_own_jobs_may_have_tenants_estimates_and_outcomes(write):
    header = "arrival_s,duration_s,accelerators,outcome,estimate_s,tenant\n"
    jobs = read_trace(write(header + "0,60,1,Failed,90,x\n5,60,1,unknown,,\n")).jobs["finetuning"]
    assert (jobs.outcome.tolist(), tenants(jobs)) == ([Outcome.FAILED, Outcome.UNKNOWN], ["x", None])
    assert np.array_equal(jobs.estimate_s, [90, np.nan], equal_nan=True)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("disguise", [
    lambda data: b"\xef\xbb\xbf" + data,
    gzip.compress,
    lambda data: gzip.compress(b"\xef\xbb\xbf" + data),
    lambda data: data.replace(b"\n", b"\r\n"),
    lambda data: b"\n \n" + data + b"\n",
    lambda data: data.rstrip(b"\n"),
], ids=["bom", "gzip", "gzip and bom", "crlf", "blank lines", "no last newline"])  # fmt: skip
def test_disguises_of_the_same_file(write, name, disguise):
    assert numbers(read_trace(write(disguise((FIXTURES / name).read_bytes())))) == numbers(read_trace(FIXTURES / name))


# ---- errors


JOB = '{"status": "Pass", "vc": "a", "submitted_time": "2017-10-09 07:00:00", "attempts": %s}'
RAN = '{"start_time": "2017-10-09 07:05:00", "end_time": "%s", "detail": [{"gpus": ["gpu0"]}]}'


def philly(end, job=JOB):
    """Return a list of one job with one attempt."""
    return f"[{job % f'[{RAN % end}]'}]"


SWF = "1 10 5 600 8 -1 -1 8 1200 -1 1 3 1 -1 1 -1 -1 -1"
OPENB = text("openb_pods.csv").splitlines()[0] + "\n"
BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"


@pytest.mark.parametrize(("data", "said"), [
    # Philly: truncated, a wrong key, wrong types, other units
    ("[", ":1: expected a JSON object, got 'the end of the file'"),
    ("[]", ": no jobs"),
    (f"[{JOB % '[]'},\n{{}}]", ":2: column 'submitted_time': expected a time like "),
    ('[{"status": "Pass", "vc": "a"}]', ":1: nearest format is 'philly' (Philly jobs, original): lacks 'su"),
    (f"[{JOB % '[]'},\n{JOB % '[]'}", ":2: expected ']', got 'the end of the file'"),
    (f"[{JOB % '[]'},\n{JOB % '[]'} {JOB % '[]'}]", ":2: expected ']', got "),
    (f"[{JOB % '[]'},\n" + (JOB % "[]")[:40], ":2: the object that begins here is not readable: "),
    (f"[{JOB % '[]'}, 5]", ":1: expected a JSON object, got '5]'"),
    (f"[{JOB % '[]'}]\nx", ":2: expected the end of the file, got 'x'"),
    (f"[{JOB % '{}'}]", ":1: column 'attempts': expected a list of objects, got '{}'"),
    (f"[{JOB % '[5]'}]", ":1: column 'attempts': expected a list of objects, got '[5]'"),
    (philly("1507532700"), ":1: column 'end_time': expected a time like "),
    (f"[{JOB.replace('2017-10-09 07:00:00', '1507532700') % '[]'}]", ":1: column 'submitted_time': expected"),
    (philly("2019-10-09 07:05:00"), ":1: column 'attempts': expected at most 366 days, got 730 days"),
    (f"[{JOB % '[]'}]", ": no jobs; 1 row left out: that never started (first in line 1)"),
    # openb
    (OPENB + "a,1,1,1,1000,,LS,Running,5e9,6e9,5e9", ":2: column 'creation_time': expected seconds since"),
    (OPENB + "a,1,1,1,1000,,LS,Running,-5,20,10", ":2: column 'creation_time': expected seconds since"),
    (OPENB + "a,1,1,1,0,,LS,Running,5,20,10", ":2: column 'gpu_milli': expected 0 just where num_gpu is 0, got '0'"),
    (OPENB + "a,1,1,0.5,1000,,LS,Running,5,20,10", ":2: column 'num_gpu': expected a whole number from 0"),
    (OPENB + "a,1,1,1,1000,,LS,Running,5,100000000,10", ":2: column 'deletion_time': expected at most 366 days of run"),
    (OPENB + "a,1,1,1,1000,,LS,Runn", ":2: expected 11 columns, got 8"),
    # SWF
    ("; x\n" + SWF[:-3], ":2: expected 18 columns, got 17"),
    ("; x\n" + SWF.replace("600", "abc"), ":2: column 'run time': expected seconds from 0 to 31622400, or -1"),
    ("; x\n" + SWF.replace("600", "-7"), ":2: column 'run time': expected seconds from 0 to 31622400, or -1, got '-7'"),
    ("; x\n" + SWF.replace(" 600 ", " 86400000 "), ":2: column 'run time': expected seconds from 0"),
    ("; x\n" + SWF.replace("1 10 5", "1 5000000000 5"), ":2: column 'submit time': expected seconds from 0"),
    ("; x\n; ProcessorsPerAccelerator: 0\n" + SWF, ":2: ProcessorsPerAccelerator: expected a number above 0"),
    ("; only comments\n", ": no jobs"),
    # BurstGPT
    (BURST + "5000000000,ChatGPT,1,1,2,x", ":2: column 'Timestamp': expected seconds since the trace"),
    (BURST + "-5,ChatGPT,1,1,2,x", ":2: column 'Timestamp': expected seconds since the trace began"),
    (BURST + "5,ChatGPT,1,,2,x", ":2: column 'Response tokens': expected a whole number"),
    (BURST + "5,ChatGPT,1,1", ":2: expected 6 columns, got 4"),
    (BURST + "5,ChatGPT,1,0,1,x", ": no requests; 1 row left out: that failed"),
    # Mooncake
    ('{"timestamp": 0, "input_length": 5, "output_le', ":1: not readable as JSON: "),
    ('{"timestamp": 0, "input_length": 5}', ":1: nearest format is 'mooncake' (Mooncake requests): lacks 'out"),
    ('{"timestamp": 0, "input_length": 5, "output_length": 5}\n{"timestamp": 0}', ":2: column 'input_length': expect"),
    ('{"timestamp": -1, "input_length": 5, "output_length": 5}', ":1: column 'timestamp': expected milliseconds"),
    ('{"timestamp": "0", "input_length": 5, "output_length": 5}', ":1: column 'timestamp': expected milliseconds"),
    ('{"timestamp": 0, "input_length": 5.5, "output_length": 5}', ":1: column 'input_length': expected a whole number"),
    ('{"timestamp": 0, "input_length": 5, "output_length": true}', ":1: column 'output_length': expected a whole"),
    ('{"timestamp": 0, "input_length": 5, "output_length": 5}\n[1]', ":2: expected a JSON object, got '[1]'"),
    ('{"timestamp": 1800, "input_length": 5, "output_length": 5, "hash_ids": []}', ": 1 requests within 0 s; must"),
    # any
    ("x" * 2**20, ":1: expected lines of less than 1048576 characters"),
    (gzip.compress(text("log.swf").encode(), mtime=0)[:-9], ": not readable as gzip: "),
    (b"[\0", ": expected text in UTF-8, got binary data"),
    (text("burstgpt.csv").encode("utf-16"), ": expected text in UTF-8, got binary data"),
])  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(write, data, said):
    path = write(data)
    with pytest.raises(TraceError) as caught:
        read_trace(path)
    message = str(caught.value)
    assert message.startswith(f"{path}{said}") and "\n" not in message and message.isprintable()


def test_an_object_over_many_chunks_is_one(write):
    long = JOB.replace('"a"', '"' + "a" * 300_000 + '"')
    trace = read_trace(write(philly("2017-10-09 07:06:00", long)))
    assert trace.jobs["finetuning"].duration_s.tolist() == [60]


# ---- several files


def test_several_files_replace_what_each_holds(write):
    paths = [FIXTURES / "log.swf", FIXTURES / "mooncake.jsonl"]
    both = as_trace(paths)
    assert numbers(both) == [numbers(read_trace(path))[0] for path in paths]
    assert rejected_rows(both) == 5 and f"{paths[0]}: that never ran" in both.rejected
    with pytest.raises(TraceError, match=r"openb_pods.csv: replaces 'finetuning', which .*log.swf replaces already"):
        as_trace([FIXTURES / "log.swf", FIXTURES / "openb_pods.csv"])
    assert as_trace(None) is None and as_trace(both) is both


# ---- estimates in replay


def test_what_users_asked_for_is_the_visible_estimate(write):
    starter = Scenario.load("starter12").workload
    rows = "".join(f"{600 * k},{100 + k},2,{[300, 7, ''][k % 3]}\n" for k in range(2016))
    plain = "".join(f"{600 * k},{100 + k},2\n" for k in range(2016))
    header = "arrival_s,duration_s,accelerators"
    asked, free = (
        draw_jobs(starter, ["finetuning"], 20_000, datetime(2027, 3, 4), 3600.0, DAY, 8, read_trace(write(data)))
        for data in (f"{header},estimate_s\n{rows}", f"{header}\n{plain}")
    )
    assert len(asked) > 50 and np.array_equal(asked["work_s"], free["work_s"])
    kind = (np.rint(asked["duration_s"]).astype(int) - 100) % 3
    assert np.all(asked["estimate_s"][kind == 0] == 300 * 2)
    assert np.all(asked["estimate_s"][kind == 1] == 60 * 2)  # requests of less than a minute count as a minute
    assert np.array_equal(asked["estimate_s"][kind == 2], free["estimate_s"][kind == 2])


# ---- memory


def azure_rows(count):
    start = datetime(2024, 5, 10)
    for k in range(count):
        yield f"{start + timedelta(seconds=0.37 * k)}+00:00,{k % 4000},{k % 300}\n"


def philly_rows(count):
    for k in range(count):
        end = f"2017-10-09 08:{k % 60:02d}:00"
        yield ("[" if k == 0 else ",") + "\n" + JOB % f"[{RAN % end}]"
    yield "\n]"


def swf_rows(count):
    return (f"{k} {k} 0 60 4 -1 -1 4 90 -1 1 {k % 50} 1 -1 1 -1 -1 -1\n" for k in range(count))


@pytest.mark.parametrize(
    ("head", "rows", "packed"),
    [
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n", azure_rows, False),
        ("TIMESTAMP,ContextTokens,GeneratedTokens\n", azure_rows, True),
        ("", philly_rows, False),
        ("", swf_rows, True),
    ],
    ids=["csv", "csv under gzip", "json", "swf under gzip"],
)
def test_memory_is_a_few_numbers_a_row(tmp_path, head, rows, packed):
    peaks = {}
    for count in (500, 2000):
        data = (head + "".join(rows(count))).encode()
        path = tmp_path / str(count)
        path.write_bytes(gzip.compress(data, 1) if packed else data)
        del data
        tracemalloc.start()
        assert parts(read_trace(path))[0].submit_s.size == count
        peaks[count] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # numbers of a row and their copies during sorting; a tuple would take 200 B or more, the text of a row 50 B
    assert peaks[2000] - peaks[500] < 120 * 1500
    assert peaks[2000] < 1_000_000

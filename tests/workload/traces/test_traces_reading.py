"""Reading of traces: detection of formats, compressed and marked files, and one-line errors for malformed files."""

import gzip
import re
import time
from pathlib import Path

import pytest
from trace_rows import rejected_rows

from odc_gym.errors import TraceError
from odc_gym.scenario import Scenario
from odc_gym.workload import read_trace
from odc_gym.workload.traces.formats import FORMATS

DAY = 86400.0
ROOT = Path(__file__).parents[3]
SHARED = ROOT.parent / "shared" / "traces"

PHILLY = (
    "timestamp,duration,num_gpus,gpu_time,cluster\n"
    "2017-10-09 07:01:55,66.0,1,66.0,a\n"
    "2017-10-08 23:59:59,100,4,400,b\n"
    "2017-10-09 07:01:55,7.5,2,15.0,a\n"
    "2017-10-10 00:00:00,0,2,0,a\n"
)
AZURE = (
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 23:59:30.0000000,100,20\n"
    "2023-11-16 23:58:59.2500000,7,0\n"
    "2023-11-17 00:00:59.2500000,0,1\n"
)
JOBS = (
    "arrival_s,duration_s,accelerators,class\n"
    "90000.5,66.5,1,batch\n"
    "86400,100,4,finetuning\n"
    "260000,7,2,batch\n"
)  # fmt: skip
REQUESTS = "arrival_s,input_tokens,output_tokens\n500.5,7,0\n440.5,100,20\n560.5,0,1\n"
GOOD = {"philly": PHILLY, "azure": AZURE, "jobs": JOBS, "requests": REQUESTS}
HEADERS = {name: text.split("\n")[0] + "\n" for name, text in GOOD.items()}


@pytest.fixture
def write(tmp_path):
    def write_file(data, name="trace.csv"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write_file


def fails(path):
    with pytest.raises(TraceError) as caught:
        read_trace(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


def columns(trace):
    """Return all numbers of a trace."""
    parts = [*trace.jobs.values(), *trace.requests.values()]
    names = ("submit_s", "duration_s", "width", "input_tokens", "output_tokens")
    return [(p.class_name, p.span_s, p.daily, *(getattr(p, n).tolist() for n in names if hasattr(p, n))) for p in parts]


# ---- each format on rows written by hand


def test_philly_jobs(write):
    trace = read_trace(write(PHILLY))
    assert (list(trace.jobs), dict(trace.requests), rejected_rows(trace)) == (["finetuning"], {}, 1)
    jobs = trace.jobs["finetuning"]
    assert jobs.submit_s.tolist() == [DAY - 1, DAY + 7 * 3600 + 115, DAY + 7 * 3600 + 115]
    assert jobs.duration_s.tolist() == [100, 66, 7.5]  # ties keep the order of the file
    assert jobs.width.tolist() == [4, 1, 2]
    assert (jobs.span_s, jobs.daily) == (2 * DAY, True)
    assert jobs.offered_rate == pytest.approx((400 + 66 + 15) / (2 * DAY))
    with pytest.raises(ValueError, match="read-only"):
        jobs.submit_s[0] = 0


def test_azure_requests(write):
    trace = read_trace(write(AZURE))
    assert (dict(trace.jobs), list(trace.requests)) == ({}, ["interactive"])
    requests = trace.requests["interactive"]
    assert requests.submit_s.tolist() == [0.0, 30.75, 120.0]
    assert requests.input_tokens.tolist() == [7, 100, 0] and requests.output_tokens.tolist() == [0, 20, 1]
    assert (requests.span_s, requests.daily) == (
        180.0,
        False,
    )  # two gaps of a minute on average, and one after the last row
    with pytest.raises(ValueError, match="read-only"):
        requests.input_tokens[0] = 1


def test_requests_of_a_day_and_more_keep_the_hour(write):
    long = read_trace(write("arrival_s,input_tokens,output_tokens\n1000090000,1,1\n1000000000.25,2,3\n"))
    requests = long.requests["interactive"]
    assert (requests.span_s, requests.daily) == (2 * DAY, True)
    assert requests.submit_s.tolist() == [1e9 % DAY + 0.25, 1e9 % DAY + 90000]


def test_own_jobs_of_several_classes_share_one_clock(write):
    trace = read_trace(write(JOBS))
    assert list(trace.jobs) == ["batch", "finetuning"]
    batch, finetuning = trace.jobs["batch"], trace.jobs["finetuning"]
    assert batch.submit_s.tolist() == [3600.5, 260000 - DAY] and finetuning.submit_s.tolist() == [0.0]
    assert batch.duration_s.tolist() == [66.5, 7] and batch.width.tolist() == [1, 2]
    assert batch.span_s == finetuning.span_s == 3 * DAY
    assert (batch.where.rpartition(":")[2], finetuning.where.rpartition(":")[2]) == ("2", "3")


def test_class_is_optional_and_columns_are_free_in_order(write):
    trace = read_trace(write("accelerators, arrival_s ,duration_s\n4,3600,10\n"))
    jobs = trace.jobs["finetuning"]
    assert (jobs.submit_s.tolist(), jobs.duration_s.tolist(), jobs.width.tolist()) == ([3600], [10], [4])
    for name, text in GOOD.items():
        rows = [",".join(reversed(line.split(","))) for line in text.splitlines()]
        turned = read_trace(write("\n".join(rows), f"{name}.csv"))
        assert columns(turned) == columns(read_trace(write(text)))


def test_rows_need_not_be_sorted(write):
    for text in (AZURE, REQUESTS):
        header, *rows = text.splitlines()
        assert columns(read_trace(write("\n".join([header, *sorted(rows)])))) == columns(read_trace(write(text)))


def test_times_with_an_offset_are_turned_into_utc(write):
    moved = AZURE.replace("2023-11-16 23:59:30.0000000", "2023-11-17T01:59:30+02:00").replace(
        "59.2500000,7", "59.25Z,7"
    )
    assert columns(read_trace(write(moved))) == columns(read_trace(write(AZURE)))


@pytest.mark.parametrize("good", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: gzip.compress(text.encode()),
        lambda text: gzip.compress(b"\xef\xbb\xbf" + text.encode()),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\n\n").encode() + b"\n",
        lambda text: text.rstrip("\n").encode(),
        lambda text: re.sub(r"(\d)\n", r'"\1"\n', re.sub(r",([^,\n]*)\n", r',"\1"\n', text)).encode(),
    ],
    ids=["bom", "gzip", "gzip and bom", "crlf", "blank lines", "no last newline", "quotes"],
)
def test_disguises_of_the_same_file(write, good, disguise):
    assert columns(read_trace(write(disguise(good), "other.csv.gz"))) == columns(read_trace(write(good)))


# ---- errors


CLOCK = "expected a time like 2017-10-09 07:01:55"
ARRIVAL = "expected seconds since a midnight UTC, from 0 to the year 2100, or 2027-03-20T12:00:00Z"
DURATION = "expected seconds > 0, at most 366 days"
RUN = "expected seconds >= 0, at most 366 days"
WIDTH = "expected a whole number from 1 to 1000000"
TOKENS = "expected a whole number from 0 to 10000000"


@pytest.mark.parametrize(
    ("kind", "row", "said"),
    [
        ("philly", "2017-10-09 07:01:55,abc,1,66.0,a", f"column 'duration': {RUN}, got 'abc'"),
        ("philly", "2017-10-09 07:01:55,-5,1,-5,a", f"column 'duration': {RUN}, got '-5'"),
        ("philly", "2017-10-09 07:01:55,nan,1,nan,a", f"column 'duration': {RUN}, got 'nan'"),
        ("philly", "2017-10-09 07:01:55,inf,1,inf,a", f"column 'duration': {RUN}, got 'inf'"),
        ("philly", "2017-10-09 07:01:55,6_6,1,66,a", f"column 'duration': {RUN}, got '6_6'"),
        ("philly", "2017-10-09 07:01:55,,1,66,a", f"column 'duration': {RUN}, got ''"),
        ("philly", "2017-10-09 07:01:55,66,0,0,a", f"column 'num_gpus': {WIDTH}, got '0'"),
        ("philly", "2017-10-09 07:01:55,66,1.5,99,a", f"column 'num_gpus': {WIDTH}, got '1.5'"),
        ("philly", "2017-10-09 07:01:55,66,2,66,a", "column 'gpu_time': expected duration * num_gpus = 132, got '66'"),
        ("philly", "2017-10-09,66,1,66,a", f"column 'timestamp': {CLOCK}, got '2017-10-09'"),
        ("philly", "2017-13-09 07:01:55,66,1,66,a", f"column 'timestamp': {CLOCK}, got '2017-13-09 07:01:55'"),
        ("philly", "2017-10-09 07:01:55,66", "expected 5 columns, got 2"),
        ("philly", "2017-10-09 07:01:55,66,1,66,a,b", "expected 5 columns, got 6"),
        ("philly", '2017-10-09 07:01:55,66,1,66,"a', "not readable as CSV: unexpected end of data"),
        ("azure", "1700158726679,374,44", f"column 'TIMESTAMP': {CLOCK}, got '1700158726679'"),
        ("azure", "2023-11-16 18:15:46.6805900,374.5,44", f"column 'ContextTokens': {TOKENS}, got '374.5'"),
        ("azure", "2023-11-16 18:15:46.6805900,374,-1", f"column 'GeneratedTokens': {TOKENS}, got '-1'"),
        ("azure", "2023-11-16 18:15:46.6805900,374,nan", f"column 'GeneratedTokens': {TOKENS}, got 'nan'"),
        ("azure", "2023-11-16 18:15:46.6805900,374", "expected 3 columns, got 2"),
        ("azure", "2023-11-16 18:15:4", "expected 3 columns, got 1"),
        ("azure", "2023-11-16 18:15:46.6805900,374,44,1", "expected 3 columns, got 4"),
        ("jobs", "1700158726679,60,1,batch", f"column 'arrival_s': {ARRIVAL}, got '1700158726679'"),
        ("jobs", "-1,60,1,batch", f"column 'arrival_s': {ARRIVAL}, got '-1'"),
        ("jobs", "nan,60,1,batch", f"column 'arrival_s': {ARRIVAL}, got 'nan'"),
        (
            "jobs",
            "2017-10-09 07:01:55,60,1,batch",
            "column 'arrival_s': expected seconds as in the rows before, got dates",
        ),
        ("jobs", "2017-10-09,60,1,batch", f"column 'arrival_s': {ARRIVAL}, got '2017-10-09'"),
        ("jobs", "5,0,1,batch", f"column 'duration_s': {DURATION}, got '0'"),
        ("jobs", "5,inf,1,batch", f"column 'duration_s': {DURATION}, got 'inf'"),
        ("jobs", "5,3600000000,1,batch", f"column 'duration_s': {DURATION}, got '3600000000'"),
        ("jobs", "5,60,0,batch", f"column 'accelerators': {WIDTH}, got '0'"),
        ("jobs", "5,60,1000001,batch", f"column 'accelerators': {WIDTH}, got '1000001'"),
        ("jobs", "5,60,1, ", "column 'class': expected the name of a job class, got ' '"),
        ("jobs", "5,60,1", "expected 4 columns, got 3"),
        ("requests", "1700158726679,1,1", f"column 'arrival_s': {ARRIVAL}, got '1700158726679'"),
        ("requests", "5,10000001,1", f"column 'input_tokens': {TOKENS}, got '10000001'"),
        ("requests", "5,1,1_0", f"column 'output_tokens': {TOKENS}, got '1_0'"),
        ("requests", "5;1;1", "expected 3 columns, got 1"),
    ],
)
def test_malformed_rows_are_told_in_one_line(write, kind, row, said):
    first = GOOD[kind].splitlines()[1]
    assert fails(write(f"{HEADERS[kind]}{first}\n{row}\n")) == f":3: {said}"


def test_text_in_messages_is_short_and_printable(write):
    message = fails(write(HEADERS["philly"] + "2017-10-09 07:01:55,\x1b[31m" + "9x" * 500 + ",1,66.0,a\n"))
    assert message.isprintable()
    assert len(message) < 150


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", ":1: the file is empty; `odc-gym trace formats` lists the formats"),
        (b"\n\n", ":1: the file is empty; `odc-gym trace formats` lists the formats"),
        (b"a,b\n1,2\n", ":1: got 'a,b'; expected a header such as arrival_s,duration_s,accelerators["),
        (b"\narrival_s,duration_s\n1,2\n", ":2: nearest format is 'jobs' (your own jobs): lacks 'accelerators'"),
        (
            b"arrival_s,duration_s,accelerators,klass\n",
            ":1: nearest format is 'jobs' (your own jobs): column 'klass' is unknown; did you mean 'class'?",
        ),
        (
            b"arrival_s,arrival_s,duration_s,accelerators\n",
            ":1: nearest format is 'jobs' (your own jobs): column 'arrival_s' occurs twice",
        ),
        (b"1,2,3\n4,5,6\n", ":1: got '1,2,3'; expected a header such as "),
        (PHILLY[:60].encode(), ":2: expected 5 columns, got 1"),
        (HEADERS["philly"].encode(), ": no jobs"),
        (
            HEADERS["philly"].encode() + b"2017-10-09 07:01:55,0,1,0,a\n",
            ": no jobs; 1 row left out: of duration 0 (first in line 2)",
        ),
        (HEADERS["jobs"].encode(), ": no jobs"),
        (HEADERS["azure"].encode(), ": no requests"),
        (HEADERS["requests"].encode() + b"0,1,1\n59.5,1,1\n", ": 2 requests within 59.5 s; must cover at least 60 s"),
        (HEADERS["requests"].encode() + b"0,0,0\n90,0,0\n", ": no request has tokens"),
        (b"\x89PNG\r\n\x1a\n\0\0", ": expected text in UTF-8, got binary data"),
        (b"timestamp,\0duration\n", ": expected text in UTF-8, got binary data"),
        (AZURE.encode("utf-16"), ": expected text in UTF-8, got binary data"),
        (JOBS.replace("batch", "b\xe4tch").encode("latin-1"), ": expected text in UTF-8, got binary data"),
        (gzip.compress(AZURE.encode(), mtime=0)[:-20], ": not readable as gzip: "),
        (b"\x1f\x8b" + b"nonsense" * 4, ": not readable as gzip: "),
    ],
)
def test_files_that_are_no_trace(write, data, said):
    assert fails(write(data)).startswith(said)


def test_an_unknown_header_names_the_own_formats_and_the_list(write):
    """Catches a wall of all formats, in which nobody finds the own ones."""
    message = fails(write("a,b\n1,2\n"))
    assert "arrival_s,duration_s,accelerators[,class][,tenant][,estimate_s][,outcome]" in message
    assert message.endswith("`odc-gym trace formats` lists the formats")


def test_paths_that_are_no_file(tmp_path):
    assert fails(tmp_path) == ": is a folder, expected a file, or a folder of ServeGen's clients"
    assert fails(tmp_path / "absent.csv") == ": no such file"


def test_classes_that_the_scenario_lacks_are_told_with_the_line(write):
    workload = Scenario.load("starter12").workload
    path = write(JOBS.replace("finetuning", "interactive"))
    read_trace(write(JOBS, "good.csv")).require_classes(workload)
    with pytest.raises(TraceError) as caught:
        read_trace(path).require_classes(workload)
    assert str(caught.value) == (
        f"{path}:3: replaces the job class 'interactive', but the scenario has finetuning, batch"
    )
    jobs_only = workload.model_copy(update={"classes": {"batch": workload.classes["batch"]}})
    for text, said in (
        (AZURE, "the service 'interactive', but the scenario has none"),
        (PHILLY, "but the scenario has"),
    ):
        with pytest.raises(TraceError, match=said):
            read_trace(write(text)).require_classes(jobs_only)


# ---- the page, and samples of the real traces


def test_the_page_has_every_format():
    page = (ROOT / "docs" / "traces.md").read_text(encoding="utf-8")
    assert [known.title for known in FORMATS if known.layout not in page] == []


def sample(*parts):
    path = SHARED.joinpath(*parts)
    if not path.is_file():
        pytest.skip("the sample is not at hand")
    return path


def test_philly_sample_is_read_whole_and_quickly():
    path = sample("philly_2017", "philly_jobs_sep_nov.csv")
    begin = time.perf_counter()
    trace = read_trace(path)
    assert time.perf_counter() - begin < 5  # 0.3 s on an idle machine
    jobs = trace.jobs["finetuning"]
    assert (jobs.submit_s.size, rejected_rows(trace)) == (61_340, 0)
    assert jobs.span_s == 88 * DAY
    assert jobs.width.max() == 32

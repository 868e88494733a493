"""Dialects of the own CSV formats: the same jobs in every accepted spelling, and refusals where a value is unclear."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odc_gym.errors import TraceError
from odc_gym.workload import read_trace

NAMES = ("arrival_s", "duration_s", "accelerators", "class")
SPELLINGS = (str, str.upper, str.title, lambda name: name.replace("_", " "), lambda name: f' "{name}" ')
tmp = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

jobs_lists = st.lists(
    st.tuples(
        st.integers(0, 10**7).map(lambda k: k / 8),
        st.integers(1, 10**6).map(lambda k: k / 4),
        st.integers(1, 64),
        st.sampled_from(["finetuning", "batch"]),
    ),
    min_size=1,
    max_size=8,
)
dialects = st.fixed_dictionaries(
    {
        "separator": st.sampled_from([",", ";", "\t"]),
        "spelling": st.sampled_from(SPELLINGS),
        "index": st.sampled_from([None, "", "Unnamed: 0"]),
        "trailing": st.booleans(),
        "comments": st.booleans(),
        "end": st.sampled_from(["\n", "\r\n"]),
        "bom": st.booleans(),
        "comma": st.booleans(),
        "hint": st.booleans(),
        "order": st.permutations(range(4)),
    }
)


def written(jobs, d):
    """Return a file of jobs in a dialect."""
    rows = [[f"{job[0]}", f"{job[1]}", str(job[2]), job[3]] for job in jobs]
    if d["comma"] and d["separator"] != ",":
        rows = [[cell.replace(".", ",") for cell in row[:2]] + row[2:] for row in rows]
    rows = [[d["spelling"](name) for name in NAMES], *rows]
    lines = []
    for k, row in enumerate(rows):
        cells = [row[place] for place in d["order"]]
        if d["index"] is not None:
            cells.insert(0, d["index"] if k == 0 else str(k - 1))
        lines.append(d["separator"].join(cells) + d["separator"] * d["trailing"])
        if d["comments"]:
            lines.append("# a note")
    head = [*(["sep=" + d["separator"]] if d["hint"] else []), *(["# first"] if d["comments"] else [])]
    return ("\ufeff" * d["bom"] + d["end"].join([*head, *lines]) + d["end"]).encode()


def contents(path):
    trace = read_trace(path)
    found = []
    for name, part in trace.jobs.items():
        times = part.submit_s + part.begin_s
        found += zip(times.tolist(), part.duration_s.tolist(), part.width.tolist(), itertools.repeat(name))
    return sorted(found)


@tmp
@given(jobs=jobs_lists, dialect=dialects)
def test_every_dialect_gives_the_same_jobs_or_none(tmp_path, jobs, dialect):
    """Catches refused index columns, trailing commas, capitals, separators and comments, and misread decimals."""
    path = tmp_path / "jobs.csv"
    path.write_bytes(written(jobs, dialect))
    try:
        assert contents(path) == sorted(jobs)
    except TraceError as error:  # three decimals may be thousands, and a first column of names may begin with '#'
        assert dialect["separator"] != "," and "column '" in str(error), error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arrival_s;duration_s;accelerators\n1,800;60;1\n", "column 'arrival_s': expected seconds"),
        ("arrival_s;duration_s;accelerators\n0,5;1.800;1\n", "column 'duration_s': expected seconds"),
        ("arrival_s;duration_s;accelerators\n0,5;60;1,000\n", "column 'accelerators': expected a whole"),
        ("arrival_s;duration_s;accelerators\n0,5;60;1.000\n", "column 'accelerators': expected a whole"),
        ("arrival_s,duration_s,accelerators\n1,800,60,1\n", "expected 3 columns, got 4"),
        ("tenant,arrival_s,duration_s,accelerators\n#5,0,60,1\n", "begins with '#': may be a comment or a row"),
        ("arrival_s,duration_s,accelerators,\n0,60,1,batch\n", "expected 3 columns, got 4"),
        ("arrival_s,duration_s,accelerator\n0,60,1\n", "'accelerator' is unknown; did you mean 'accelerators'?"),
        ("arrival_s,duration_s,gpus\n0,60,1\n", "column 'gpus' is unknown; lacks 'accelerators'"),
        ("arrival_s;input_tokens\n0;60\n", "nearest format is 'requests' (your own requests): lacks 'output_tokens'"),
        ('{"arrival_s": 0, "duration_s": 60, "accelerators": 1}\n', "'jobs' (your own jobs), but as CSV with a header"),
        ('[{"arrival_s": 0, "duration_s": 60, "accelerators": 1}]\n', "'jobs' (your own jobs), but as CSV with a head"),
        ('{"name": 1}\n', "expected one of the JSON formats philly, mooncake, bailian; "),
        (
            "Timestamp,Model,Request tokens,Total tokens,Log Type\n",
            "nearest format is 'burstgpt' (BurstGPT requests): ",
        ),
    ],
)
def test_unclear_files_are_refused_with_the_odd_column(tmp_path, text, said):
    """Catches thousands read as decimals, a factor of 1000, and a wall of all formats in place of the odd column."""
    path = tmp_path / "trace"
    path.write_text(text)
    with pytest.raises(TraceError) as caught:
        read_trace(path)
    message = str(caught.value).removeprefix(str(path))
    assert said in message and "\n" not in message and len(message) < 300


def test_dates_and_seconds_are_the_same_jobs(tmp_path):
    path = tmp_path / "jobs.csv"
    times = ("2027-03-20T12:00:00Z", "2027-03-20 14:10:00.5+02:00", "2027-03-20T13:00", "2027-03-20t09:30:00-0500")
    path.write_text("arrival_s,duration_s,accelerators\n" + "".join(f"{time},60,1\n" for time in times))
    dates = contents(path)
    noon = 1_805_544_000
    seconds = (noon, noon + 600.5, noon + 3600, noon + 9000)
    path.write_text("arrival_s,duration_s,accelerators\n" + "".join(f"{time},60,1\n" for time in seconds))
    assert dates == contents(path) and [job[0] for job in dates] == list(seconds)


def test_pandas_writes_whole_numbers_with_a_decimal(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text("arrival_s,duration_s,accelerators\n0.0,60.0,4.0\n")
    assert contents(path) == [(0.0, 60.0, 4, "finetuning")]

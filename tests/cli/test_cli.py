import json
import re
import subprocess
import sys
from types import ModuleType

import pytest
import yaml

from odc_gym import cli
from odc_gym.agents import scheduler_names
from odc_gym.cli import compare
from odc_gym.cli.train import _workers as workers_of
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import names


def run(capsys, *arguments):
    """Exit code, stdout and stderr of a command in this process."""
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    out, err = capsys.readouterr()
    return exit_.value.code, out, err


def refused(capsys, *arguments):
    """The one line of a command that ends with exit code 2."""
    code, out, err = run(capsys, *arguments)
    assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1, (code, out, err)
    return err.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("compare",),
        ("inspect",),
        ("agents",),
        ("scenario",),
        ("scenario", "list"),
        ("scenario", "check"),
        ("scenario", "diff"),
        ("trace",),
        ("trace", "info"),
        ("trace", "fetch"),
        ("trace", "formats"),
        ("train",),
        ("record",),
        ("watch",),
        ("video",),
    ],
)
def test_every_command_explains_itself(capsys, command):
    code, out, _ = run(capsys, *command, "--help")
    assert code == 0 and "Usage: odc-gym" in out and len(out.split()) > 20


def test_help_loads_nothing_heavy():
    script = """
import sys
try:
    from odc_gym.cli import main
    main(["compare", "--help"])
except SystemExit:
    heavy = {"numba", "scipy", "torch", "skyfield", "matplotlib"} & set(sys.modules)
    assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_scenarios_are_listed_with_descriptions(capsys):
    code, out, _ = run(capsys, "scenario", "list")
    assert code == 0 and "starter12" in out and "12 satellites" in out


def test_a_shown_scenario_can_be_loaded_again(capsys, tmp_path):
    code, out, _ = run(
        capsys,
        "scenario",
        "show",
        "starter12",
        "--set",
        "hardware.*.battery.capacity_wh=9000",
        "--set",
        "episode.hours=6",
    )
    path = tmp_path / "mine.yaml"
    path.write_text(out)
    assert code == 0 and yaml.safe_load(out)["hardware"]["odcsat"]["battery"]["capacity_wh"] == 9000
    overrides = {"hardware.odcsat.battery.capacity_wh": 9000, "episode.hours": 6}
    assert Scenario.load(path) == Scenario.load("starter12", overrides)


def test_agents_are_listed_one_a_line_and_described_in_full(capsys, tmp_path):
    code, out, _ = run(capsys, "agents")
    listed = [line.split()[0] for line in out.splitlines()]
    assert code == 0 and set(listed) == set(scheduler_names()) and "asks for the full clock" in out
    assert max(map(len, out.splitlines())) <= 80
    code, out, _ = run(capsys, "agents", "fixed-clock(0.7)")
    assert code == 0 and "clock = 0.75 (0 to 1)" in out and "controls    clocks" in out
    assert "source      after Phoenix" in run(capsys, "agents", "sunlit-first")[1]
    assert "needs       dispatch.order = edf" in run(capsys, "agents", "earliest-deadline")[1]
    mine = tmp_path / "picky.py"
    mine.write_text(PICKY)
    assert "Does nothing, for twelve satellites." in run(capsys, "agents", str(mine))[1]
    assert refused(capsys, "agents", "fixed-clok").endswith("; did you mean fixed-clock?")


def test_a_training_run_is_described(capsys, tmp_path):
    (tmp_path / "config.yaml").write_text("scenario: starter18\n")
    (tmp_path / "model.zip").touch()
    code, out, _ = run(capsys, "agents", str(tmp_path))
    assert code == 0 and "Policy FleetPolicy" in out and "starter18" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("scenario", "show", "moon"), "scenario = moon: must be one of"),
        (("scenario", "show", "starter12", "--set", "episode.hours"), "--set episode.hours: must look like path=value"),
        (("scenario", "show", "starter12", "--set", "episode.hours=-1"), "episode.hours = -1: must be > 0"),
        (("compare", "--agents", "zero,nobody"), "scheduler = nobody: must be one of"),
        (("compare", "--agents", "zero,zero"), "--agents: zero is named twice"),
        (("compare", "--agents", "all,zero"), "--agents: zero is named twice"),
        (("compare", "--agents", "zero=idle,zero"), "--agents: zero names a group and a scheduler"),
        (("compare", "--agents", "zero,fixed-clock(2)"), "clock = 2: must be a number from 0 to 1"),
        (("compare", "--agents", "governor(1,charge_band_frac=7),zero"), "charge_band_frac = 7: must be a number from"),
        (
            ("compare", "--agents", "g=governor(heat_band_k=1e+1)+zero(1)"),
            "scheduler = zero(1): zero has no parameters",
        ),
        (("compare", "--agents", "zero,"), "--agents = zero,: must be names, files or folders with ',' between them"),
        (("compare", "--episodes", "0"), "episodes = 0: must be >= 1"),
        (("compare", "--episodes", "101"), "must lie within one suite of seeds"),
        (("compare", "--trace", "absent.csv"), "--trace absent.csv: no such file"),
        (("compare", "--trace", __file__, "--trace", "absent.csv"), "--trace absent.csv: no such file"),
        (("compare", "--trace-as-is"), "--trace-as-is: needs --trace FILE"),
        (("compare", "--trace-format", "jobs"), "--trace-format: needs --trace FILE"),
        (
            ("compare", "--trace", __file__, "--trace-format", "jobs", "--trace-format", "swf"),
            "--trace-format: given 2 times for 1 files; give one, or one for each",
        ),
        (("trace", "info", __file__, "--trace-format", "jobz"), "trace format = jobz: must be one of philly, "),
        (
            ("compare", "--agents", "zero", "--baseline", "idle"),
            "--baseline = idle: must be one of the compared schedulers (zero)",
        ),
        (("compare", "--workers", "0"), "workers = 0: must be a whole number >= 1"),
        (("compare", "--scenario", "moon"), "scenario = moon: must be one of"),
        (("compare", "--json", "no/such/folder.json"), "must be a file in an existing folder"),
    ],
)
def test_bad_input_is_one_line(capsys, arguments, message):
    assert message in refused(capsys, *arguments)


def test_an_existing_report_is_not_overwritten(capsys, tmp_path):
    path = tmp_path / "out.json"
    path.write_text("mine")
    assert "exists; add --force to replace it" in refused(capsys, "compare", "--json", str(path))
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("compare", "--agent", "zero"), "No such option: --agent; did you mean --agents?; see odc-gym compare --help"),
        (("agnets",), "No such command 'agnets'. Did you mean 'agents'?; see odc-gym --help"),
        (("scenario", "chek"), "Did you mean 'check'"),
        (("compare", "--episodes"), "Option '--episodes' requires an argument."),
        (("compare", "--episodes", "1.5"), "1.5 must be a whole number, such as 1000000"),
        (("compare", "--workers", "many"), "many must be a whole number >= 1, or auto"),
        (("compare", "--workers", "2.5"), "2.5 must be a whole number >= 1, or auto"),
        (("train", "-n", "a million"), "a million must be a whole number"),
        (("scenario", "show", "startr12"), "or the path of a .yaml file; did you mean starter12?"),
        (("compare", "-s", "Starter18"), "; did you mean starter18?"),
        (("compare", "zer"), "; did you mean zero?"),
        (("train", "--config", "maskable-ppo"), "; did you mean maskable_ppo?"),
        (("train", "--trace", "a.csv", "--trace", "b.csv"), "--trace a.csv: no such file"),
        (("scenario", "check"), "scenario = none: name one"),
        (("scenario", "check", "starter12", "-s", "starter18"), "scenario = starter12 and starter18: name one"),
        (("inspect",), "--agents = none: name at least one scheduler"),
    ],
)
def test_a_wrong_command_line_is_one_line_with_the_closest_name(capsys, arguments, message):
    """Catches usage errors in a box of several lines, and refusals without a hint."""
    assert message in refused(capsys, *arguments)


def test_a_missing_file_is_told_its_closest_neighbour(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("my.yaml", "jobs.csv", "ppo_mine.yaml"):
        (tmp_path / name).touch()
    assert refused(capsys, "scenario", "check", "my.yml").endswith("; did you mean my.yaml?")
    assert refused(capsys, "compare", "--trace", "job.csv").endswith("no such file; did you mean jobs.csv?")
    assert refused(capsys, "train", "-c", "ppo-mine.yaml").endswith("; did you mean ppo_mine.yaml?")


def test_version_and_short_help(capsys):
    code, out, _ = run(capsys, "--version")
    assert code == 0 and re.fullmatch(r"odc-gym \S+\n", out)
    assert run(capsys, "scenario", "check", "-h")[:2] == run(capsys, "scenario", "check", "--help")[:2]


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "odc_gym", "agents"], capture_output=True, text=True)
    assert done.returncode == 0 and "sun-aware" in done.stdout, done.stderr


def test_schedulers_and_scenarios_are_given_alike(capsys, tmp_path):
    """Catches a command that takes only one of the two spellings."""
    assert run(capsys, "scenario", "show", "-s", "starter18") == run(capsys, "scenario", "show", "starter18")
    for arguments in (("zero", "--agents", "idle"), ("zero", "idle"), ("-a", "zero,idle")):
        out = tmp_path / "out.json"
        played = ("--episodes", "1", "--first-seed", "20_000", "--set", "episode.hours=1", "--workers", "1")
        code, _, err = run(capsys, "compare", *arguments, *played, "--json", str(out), "--force")
        assert code == 0 and set(json.loads(out.read_text())["agents"]) == {"zero", "idle"}, err
    assert "scheduler = nobody: must be" in refused(capsys, "inspect", "-a", "zero,nobody", "-s", "starter18")


@pytest.fixture
def training(monkeypatch):
    """A stand-in for the training loop that keeps what it was called with."""
    module = ModuleType("odc_gym.training.run")
    module.calls = []
    module.train = lambda **arguments: module.calls.append(arguments) or "runs/one"
    monkeypatch.setitem(sys.modules, "odc_gym.training.run", module)
    return module


def test_train_hands_its_options_on(capsys, training):
    code, out, _ = run(
        capsys, "train", "--seed", "3", "-n", "1000", "-o", "here", "--set", "ppo.gamma=0.98", "--test-episodes", "0"
    )
    assert code == 0 and out == "runs/one\n"
    (call,) = training.calls
    assert (
        call["seed"] == 3
        and call["n_timesteps"] == 1000
        and str(call["output"]) == "here"
        and call["overrides"] == {"ppo.gamma": 0.98}
    )
    assert call["config"] is None and call["resume"] is None


def test_train_takes_scenario_trace_and_large_numbers_like_the_others(capsys, training, tmp_path):
    trace = tmp_path / "jobs.csv"
    trace.touch()
    options = ("-s", "starter18", "--trace", str(trace), "-n", "1e6", "--seed", "1_0", "--test-episodes", "0")
    assert run(capsys, "train", *options)[0] == 0
    (call,) = training.calls
    assert call["overrides"] == {"scenario": "starter18", "env.trace": [str(trace)]}
    assert call["n_timesteps"] == 1_000_000 and call["seed"] == 10


def test_interrupts_end_with_one_line(capsys, training):
    def interrupted(**arguments):
        raise KeyboardInterrupt

    training.train = interrupted
    assert run(capsys, "train") == (130, "", "interrupted\n")


def test_train_without_its_libraries_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "odc_gym.training.run", None)
    with pytest.raises(ModuleNotFoundError, match="odc_gym"):
        cli.main(["train"])  # a fault of the package is not dressed up as a missing library
    monkeypatch.delitem(sys.modules, "odc_gym.training.run")

    class Missing:
        def find_spec(self, name, path=None, target=None):
            if name == "odc_gym.training.run":
                raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    assert refused(capsys, "train") == "training needs torch: pip install 'odc-gym[rl]'"


def test_check_prints_closures_and_writes_json(capsys, tmp_path):
    path = tmp_path / "check.json"
    code, out, _ = run(capsys, "scenario", "check", "starter12", "--json", str(path))
    data = json.loads(path.read_text())
    assert code == 0 and len(data) >= 5
    assert all(name in out and row.keys() == {"value", "unit", "note"} for name, row in data.items())
    assert out.startswith("Energy binds: 75.7 of 96 accelerators sustained; heat is next.\n")
    assert data["binds most"]["value"] == "energy" and data["binds next"]["value"] == "heat"


@pytest.mark.parametrize("name", ["ai1-shells", "starter12-randomised", "storm"])
def test_check_fits_eighty_columns(capsys, monkeypatch, name):
    """Catches tables as wide as their longest note, and one line of satellites for several kinds."""
    code, out, _ = run(capsys, "scenario", "check", name)
    assert code == 0 and max(map(len, out.splitlines())) <= 80 and " binds: " in out.splitlines()[0]
    monkeypatch.setenv("COLUMNS", "120")
    code, wide, _ = run(capsys, "scenario", "check", name)
    assert 80 < max(map(len, wide.splitlines())) <= 120 and len(wide.splitlines()) < len(out.splitlines())


COMPARE = (
    "compare",
    "--agents",
    "full-clock,zero",
    "--episodes",
    "2",
    "--first-seed",
    "20000",
    "--set",
    "episode.hours=1",
)


def test_compare_prints_a_table_and_writes_json(capsys, tmp_path):
    path = tmp_path / "out.json"
    code, out, err = run(capsys, *COMPARE, "--workers", "1", "--json", str(path))
    data = json.loads(path.read_text())
    assert code == 0 and err == "" and "minus zero" in out and out.startswith("peak12: zero scores highest")
    assert out.splitlines()[-2].startswith("Verdict (2 episodes; too few") and max(map(len, out.splitlines())) <= 80
    assert (
        data["seeds"] == [20_000, 20_001]
        and data["agents"].keys() == {"full-clock", "zero"}
        and data["baseline"] == "zero"
    )


def test_short_trace_says_that_it_repeats_and_load_is_told_by_episode(capsys, tmp_path):
    rows = [f"2017-10-0{1 + k // 24} {k % 24:02d}:00:00,36000.0,4,144000.0,abc" for k in range(48)]
    trace = tmp_path / "short.csv"
    trace.write_text("timestamp,duration,num_gpus,gpu_time,cluster\n" + "\n".join(rows) + "\n")
    arguments = ("compare", "--agents", "zero", "--episodes", "2", "--first-seed", "20000", "--workers", "1")
    code, out, _ = run(capsys, *arguments, "--set", "episode.hours=1", "--trace", str(trace))
    printed = " ".join(out.split())
    assert code == 0
    assert "so it repeats" in printed
    assert "load factor by episode: 20000 " in printed


def test_a_trace_of_requests_is_played_and_says_that_it_repeats(capsys, tmp_path):
    rows = "".join(f"2023-11-16 18:{k // 60:02d}:{k % 60:02d}.5,900,400\n" for k in range(900))
    trace = tmp_path / "requests.csv"
    trace.write_text(f"TIMESTAMP,ContextTokens,GeneratedTokens\n{rows}")
    arguments = ("compare", "--agents", "zero", "--episodes", "3", "--first-seed", "20000", "--workers", "1")
    code, out, _ = run(capsys, *arguments, "--set", "episode.hours=1", "--trace", str(trace))
    printed = " ".join(out.split())
    assert code == 0
    assert "covers 15 min where an episode needs 2.67 h, so it repeats from an instant that the seed chooses" in printed
    assert "load factor by episode: 20000 " in printed and "medium load" in printed


def test_two_traces_are_played_at_once_and_rows_left_out_are_told(capsys, tmp_path):
    jobs, requests = tmp_path / "jobs.csv", tmp_path / "requests.csv"
    rows = "".join(
        f"2017-10-0{1 + k // 24} {k % 24:02d}:00:00,{k % 24 * 900},4,{k % 24 * 3600},abc\n" for k in range(216)
    )
    jobs.write_text(f"timestamp,duration,num_gpus,gpu_time,cluster\n{rows}")
    rows = "".join(f"{k},900,400\n" for k in range(900))
    requests.write_text(f"arrival_s,input_tokens,output_tokens\n{rows}")
    arguments = ("compare", "--agents", "zero", "--episodes", "1", "--first-seed", "20000", "--workers", "1")
    traces = ("--trace", str(jobs), "--trace", str(requests))
    code, out, _ = run(capsys, *arguments, "--set", "episode.hours=1", *traces)
    printed = " ".join(out.split())
    assert code == 0
    assert "trace jobs.csv and requests.csv: " in printed
    assert "9 rows left out: " in printed and "of duration 0 (first in line 2)" in printed


def test_three_recorded_jobs_are_compared_as_they_are(capsys, tmp_path):
    """Catches a small trace that is refused, thinned or repeated although it is wanted as recorded."""
    trace, data = tmp_path / "three.csv", tmp_path / "data.json"
    trace.write_text("arrival_s;duration_s;accelerators\n0;600;4\n60,5;900;1\n600;300;2\n")
    arguments = ("compare", "--agents", "zero", "--episodes", "2", "--first-seed", "20000", "--workers", "1")
    options = ("--trace", str(trace), "--trace-format", "jobs", "--trace-as-is", "--set", "workload.rate_scale=0")
    code, out, err = run(capsys, *arguments, "--set", "episode.hours=1", *options, "--json", str(data))
    printed = " ".join(out.split())
    assert code == 0, err
    assert "trace three.csv as recorded: " in printed and "replays 3 jobs of finetuning as recorded" in printed
    found = json.loads(data.read_text())
    assert found["trace"] == {"path": str(trace), "format": "jobs", "as_is": True}
    assert found["agents"]["zero"]["by_episode"]["metrics"]["completed_finetuning"] == [3, 3]


def test_formats_are_listed_by_the_names_that_the_options_take(capsys):
    code, out, _ = run(capsys, "trace", "formats")
    assert code == 0 and all(f" {name} " in out for name in ("philly-csv", "swf", "bailian", "jobs", "requests"))


def test_malformed_trace_is_one_line_with_file_line_and_column(capsys, tmp_path):
    trace = tmp_path / "broken.csv"
    trace.write_text("timestamp,duration,num_gpus,gpu_time,cluster\n2017-10-01 00:00:00,abc,1,1.0,x\n")
    line = refused(capsys, "compare", "--agents", "zero", "--episodes", "1", "--workers", "1", "--trace", str(trace))
    assert "broken.csv:2: column 'duration'" in line


SHORT = ("--set", "episode.hours=1", "--set", "shells.0.orbit.total=3", "--workers", "1")


def test_inspect_prints_its_tables_and_writes_the_numbers(capsys, tmp_path):
    out = tmp_path / "inspection.json"
    cli.app(["inspect", "full-clock", "zero", "--episodes", "2", *SHORT, "--json", str(out)], standalone_mode=False)
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("clock frozen", "urgency: saturated", "moves per job", "compute: variance"))
    data = json.loads(out.read_text())
    assert data["zero"]["frozen"]["bid"]["mean"] == 0.0 and data["full-clock"]["actions"]["clock"]["saturated"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("nobody",), "scheduler = nobody: must be"),
        (("zero", "--episodes", "0"), "episodes = 0: must be >= 1"),
        (("zero", "--trace", "absent.csv"), "--trace absent.csv: no such file"),
        (("zero", "--json", "absent/file.json"), "must be a file in an existing folder"),
    ],
)
def test_inspect_refuses_in_one_line(capsys, arguments, text):
    assert text in refused(capsys, "inspect", *arguments)


PICKY = """
from odc_gym.agents import scheduler
from odc_gym.errors import SchedulerError

@scheduler("picky")
class Picky:
    '''Does nothing, for twelve satellites.'''
    def __init__(self, view):
        if view.layout.satellites != 12:
            raise SchedulerError("made for 12 satellites")
    def reset(self, view, mask, seeds): pass
    def act(self, view):
        return view.layout.zeros(view.num_envs)
"""


def test_several_scenarios_are_compared_stored_and_written(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "picky.py").write_text(PICKY)
    two = tmp_path / "two.yaml"
    two.write_text(yaml.safe_dump(small_fleet().model_dump(mode="json")))
    arguments = (*COMPARE, "--agents", "full-clock,zero,picky.py", "-s", "starter12,two.yaml", "--workers", "1")
    arguments += ("--store", "kept", "--json", "out.json", "--force")
    code, out, err = run(capsys, *arguments, "--markdown", "out.md", "--html", "out.html")
    assert code == 0 and err == "" and "picky.py cannot operate two: made for 12 satellites." in out
    assert "2 scenarios, 2 episodes of each: mean scores" in out
    data = json.loads((tmp_path / "out.json").read_text())
    assert list(data["scenarios"]) == ["starter12", "two"] and list(data["scenarios"]["two"]["agents"]) == [
        "full-clock",
        "zero",
    ]
    assert data["across"]["absent"] == {"two": {"picky.py": "made for 12 satellites"}}
    text = (tmp_path / "out.md").read_text()
    command = text.split("```\n")[1].strip()
    assert command == (
        "odc-gym compare --scenario starter12,two.yaml --agents full-clock,zero,picky.py --episodes 2 "
        "--first-seed 20000 --set episode.hours=1"
    )
    page = (tmp_path / "out.html").read_text()
    assert "<h1>2 scenarios: " in page and "picky.py cannot operate two: made for 12 satellites." in page
    assert f"<pre>{command}</pre>" in page
    assert "odc-gym record two.yaml --agent " in page and " --set episode.hours=1 -o two-" in page
    # what the document says reproduces it, and nothing is played for it
    monkeypatch.setattr("odc_gym.evaluation.worker.rollout", None)
    code, out, _ = run(capsys, *command.split()[1:], "--store", "kept", "--workers", "1", "--markdown", "-")
    assert code == 0 and out == text
    # alone, a scenario that a scheduler cannot operate is an error
    line = refused(capsys, *COMPARE, "--agents", "zero,picky.py", "-s", "two.yaml", "--workers", "1")
    assert line == "made for 12 satellites"


def small_fleet():
    """starter12 with six satellites, and work for them."""
    changes = {"name": "two", "shells.0.orbit.total": 6, "workload.rate_scale": 0.5}
    return Scenario.load("starter12", changes)


def test_all_scenarios_of_the_package():
    assert [fleet.name for fleet in compare._scenarios(["all"], [])] == names(large=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-s", "starter12,moon"), "scenario = moon: must be one of"),
        (("-s", "starter12,,moon"), "--scenario = starter12,,moon: must be names, files or folders with"),
        (("-s", "starter12", "-s", "starter12"), "starter12 comes twice"),
        (
            ("-s", "starter12,starter18", "--set", "shells.2.hardware=x"),
            "starter12: shells.2.hardware: unknown key '2'",
        ),
        (("-s", "all", "-a", "zero", "--baseline", "idle"), "--baseline = idle: must be one of the compared"),
        (("--store", __file__), "must be a folder, or the name of a new one"),
        (("--markdown", __file__), "exists; add --force to replace it"),
        (("--html", __file__), "exists; add --force to replace it"),
    ],
)
def test_mistakes_in_several_scenarios_are_one_line(capsys, arguments, message):
    assert message in refused(capsys, "compare", *arguments)


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a,b", ["a", "b"]), ("a(0.7, 2), b", ["a(0.7, 2)", "b"]), ("f(x=(1,2)),g", ["f(x=(1,2))", "g"])],
)
def test_lists_are_split_outside_parentheses(text, parts):
    assert compare._split(text, ",", "--agents") == parts


def test_scenarios_are_compared_field_by_field(capsys, tmp_path):
    path = tmp_path / "diff.json"
    change = ("--set", "hardware.*.battery.capacity_wh=9000", "--set", "start={epoch: 2026-06-21}")
    code, out, _ = run(capsys, "scenario", "diff", "starter12", "starter12", *change, "--json", str(path))
    lines = {
        cells[1].strip(): [cell.strip() for cell in cells[2:4]]
        for cells in (line.split("│") for line in out.splitlines())
        if len(cells) == 5
    }
    assert code == 0 and lines["hardware.odcsat.battery.capacity_wh"] == ["10000.0", "9000.0"]
    assert lines["start.year"][1] == "null"
    data = json.loads(path.read_text())
    assert data["differences"].keys() == lines.keys()
    assert data["differences"]["hardware.odcsat.battery.capacity_wh"] == {"a": 10000.0, "b": 9000.0}


def test_a_field_that_a_scenario_lacks_is_a_dash(capsys, tmp_path):
    shells = small_fleet().model_dump(mode="json")["shells"]
    mine = tmp_path / "mine.yaml"
    mine.write_text(yaml.safe_dump(small_fleet().model_dump(mode="json") | {"shells": shells * 2}))
    code, out, _ = run(capsys, "scenario", "diff", "starter12", str(mine))
    assert code == 0 and re.search(r"shells\.1\.hardware +│ - +│ odcsat", out)


def test_equal_scenarios_are_told_so_and_mistakes_refused(capsys):
    code, out, _ = run(capsys, "scenario", "diff", "starter12", "starter12")
    assert code == 0 and out == "starter12 and starter12 do not differ\n"
    assert "scenario = moon: must be one of" in refused(capsys, "scenario", "diff", "starter12", "moon")
    assert "earth.moon: unknown key" in refused(
        capsys, "scenario", "diff", "starter12", "starter12", "--set", "earth.moon=1"
    )


def test_a_short_comparison_after_training_starts_no_processes():
    """Catches processes that take longer to start than the episodes to play, and a long comparison on one core."""
    assert workers_of(Scenario.load("starter12"), 20) == 1
    assert workers_of(Scenario.load("starter12"), 200) is None
    assert workers_of(Scenario.load("suncatcher81"), 20) is None

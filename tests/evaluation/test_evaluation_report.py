import json
import math
import re
from dataclasses import replace
from html import unescape
from io import StringIO

import numpy as np
import pytest
import report_rig
from markdown_it import MarkdownIt
from report_rig import HOSTILE
from rich.console import Console

from odc_gym.errors import OdcGymError
from odc_gym.evaluation import document, markdown, print_report, statistics, write_document
from odc_gym.evaluation.files import require_free
from odc_gym.evaluation.results import Comparison, SchedulerResult
from odc_gym.evaluation.summary import choose_baseline, load_strata, select_episodes, summarise
from odc_gym.scenario import Scenario

N = 30


@pytest.fixture(scope="module")
def comparison():
    rng = np.random.default_rng(0)
    fleet = rng.normal(80.0, 10.0, N)
    wait = np.where(np.arange(N) % 3 == 0, np.nan, 600.0)

    def result(gain):
        score = fleet + gain + rng.normal(0.0, 0.5, N)
        return SchedulerResult(
            score,
            {"compute": score + 1.0, "thermal": np.full(N, -1.0)},
            {"wait_p50_s": wait, "none_s": np.full(N, np.nan)},
        )

    results = {
        "full-clock": result(0.0),
        "good": result(3.0),
        "same": result(0.0),
        "r1": result(1.0),
        "r2": result(2.0),
    }
    return Comparison(
        Scenario.load("starter12"),
        np.arange(10_000, 10_000 + N),
        results,
        rng.uniform(0.9, 1.3, N),
        None,
        {"ppo": ("r1", "r2")},
    )


def printed(comparison, baseline="full-clock", by_load=False, all_metrics=True, width=160):
    console = Console(file=StringIO(), width=width)
    print_report(console, [comparison], baseline, by_load, all_metrics)
    return console.file.getvalue()


def test_document_has_the_agreed_keys_and_is_json(comparison):
    data = json.loads(json.dumps(document(comparison, "full-clock"), allow_nan=False))
    assert {"scenario", "seeds", "agents", "bound"} <= data.keys()
    assert data["scenario"] == "starter12" and data["seeds"] == list(range(10_000, 10_030)) and data["bound"] is None
    assert list(data["agents"]) == ["full-clock", "good", "same", "r1", "r2", "ppo"]
    good = data["agents"]["good"]
    scores = comparison.results["good"].score
    assert good["score"] == scores.tolist()
    assert good["mean"] == pytest.approx(scores.mean())
    assert good["iqm"] == pytest.approx(np.sort(scores)[7:23].mean())
    assert good["worst_tenth"] == pytest.approx(np.sort(scores)[:3].mean())
    assert good["ci95"][0] < good["mean"] < good["ci95"][1]
    assert good["metrics"] == {"wait_p50_s": 600.0, "none_s": None}
    assert good["by_episode"]["metrics"]["wait_p50_s"][:2] == [None, 600.0]
    assert good["terms"]["thermal"] == -1.0 and good["normalised"] is None
    assert data["load"] == comparison.load.tolist() and data["versions"]["numpy"] == np.__version__


def test_training_runs_are_one_entry_with_its_own_interval(comparison):
    data = document(comparison, "full-clock")
    ppo, runs = data["agents"]["ppo"], np.stack([comparison.results[run].score for run in ("r1", "r2")])
    assert ppo["runs"] == ["r1", "r2"] and ppo["score"] == pytest.approx(runs.mean(axis=0).tolist())
    expected = statistics.paired_difference(runs, comparison.results["full-clock"].score)
    assert data["paired"]["ppo"]["full-clock"]["ci95"] == [expected.low, expected.high]


def test_every_pair_is_compared_both_ways(comparison):
    paired = document(comparison, "full-clock")["paired"]
    assert paired["good"]["full-clock"]["excludes_zero"] and not paired["same"]["full-clock"]["excludes_zero"]
    assert paired["good"]["same"]["mean"] == pytest.approx(-paired["same"]["good"]["mean"])
    assert paired["good"]["same"]["probability_of_improvement"] == pytest.approx(1.0)


def test_rows_are_ordered_and_differ_from_the_baseline_only_where_they_should(comparison):
    table = summarise(comparison, "full-clock")
    assert [row.score.value for row in table] == sorted((row.score.value for row in table), reverse=True)
    by_name = {row.name: row for row in table}
    assert by_name["full-clock"].paired is None and by_name["good"].paired.value == pytest.approx(3.0, abs=0.5)
    assert by_name["ppo"].runs == 2


def test_the_table_tells_who_is_better_and_what_is_open(comparison):
    text = printed(comparison)
    lines = {line.split("  ")[0]: line for line in reversed(text.splitlines())}
    assert "better" in lines["good"] and "open" in lines["same"] and "ppo (2 runs)" in text
    assert text.startswith("starter12: good scores highest, 81.87; +2.95 over full-clock: better.\n")
    assert "\nVerdict (30 episodes): good is better than full-clock, +2.9" in text and text.endswith(").\n")
    assert ", and better than r2, +" in text.splitlines()[-1]
    assert "ppo: only 2 training runs; take 5 or more for a claim." in text and "too few" not in text
    assert "600" in lines["wait_p50_s"] and "reward/compute" in lines and "nan" not in text
    assert "low load" not in text


def parsed(text):
    """Parse a text in GitHub's Markdown into the heading, the title and the cells of each table."""
    heading, paragraph, tables = "", "", []
    for block in text.split("\n\n"):
        if block.startswith("## "):
            heading = block[3:]
        elif block.startswith("| "):
            lines = [re.split(r"(?<!\\)\|", line)[1:-1] for line in block.splitlines()]
            cells = [[re.sub(r"\\(.)", r"\1", cell.strip()) for cell in line] for line in lines]
            assert len({len(line) for line in cells}) == 1 and set("".join(cells[1])) <= set("-:")
            tables.append((heading, paragraph, [cells[0], *cells[2:]]))
        paragraph = block
    return tables


def numbers_in(cell):
    """Numbers of a cell such as `+2.40 (1.85 to 2.97)`."""
    return [float(number) for number in re.findall(r"[-+]?\d+\.\d+", cell)]


def test_markdown_holds_the_figures_and_what_reproduces_them(comparison):
    text = markdown([comparison], "full-clock", False, "odc-gym compare --episodes 30")
    assert text.startswith("starter12: good scores highest")
    assert "\n\n```\nodc-gym compare --episodes 30\n```\n\npython " in text and f"numpy {np.__version__}" in text
    (heading, title, scores), _ = parsed(text)
    assert text == markdown([comparison], "full-clock", False, "odc-gym compare --episodes 30")
    assert heading == "starter12" and title.startswith("starter12: 30 episodes (10000 to 10029)")
    for line, row in zip(scores[1:], summarise(comparison, "full-clock"), strict=True):
        found = dict(zip(("name", "score", "gap", "verdict", "worst", "chance"), line, strict=True))
        assert found["name"] == (f"{row.name} (2 runs)" if row.runs > 1 else row.name)
        ends = [row.score.value, row.score.low, row.score.high]
        assert numbers_in(found["score"]) == pytest.approx(ends, abs=0.005)
        if row.paired is not None:
            ends = [row.paired.value, row.paired.low, row.paired.high]
            assert numbers_in(found["gap"]) == pytest.approx(ends, abs=0.005)
            assert float(found["chance"]) == pytest.approx(row.improvement.value, abs=0.005)
    assert text.splitlines()[-1].startswith("Verdict (30 episodes): good is better than full-clock, +2.9")
    *_, kpis = parsed(markdown([comparison], "full-clock", False, "x", all_metrics=True))
    assert (
        dict(zip(kpis[2][0], next(line for line in kpis[2] if line[0] == "wait_p50_s"), strict=True))["good"] == "600"
    )


def test_markdown_of_strata_and_scenarios_has_every_table(comparison):
    other = replace(comparison, scenario=comparison.scenario.replace({"name": "other"}))
    found = parsed(markdown([comparison, other], "full-clock", True, "x"))
    assert [heading for heading, _, _ in found] == ["starter12"] * 5 + ["other"] * 5 + ["across scenarios"] * 8
    assert all(
        f"{part} load" in title for part, (_, title, _) in zip(("low", "medium", "high"), found[-6::2], strict=True)
    )
    across = {line[0]: line for line in found[-8][2]}
    assert across["good"][1].endswith(" *") and across["good"][1] == across["good"][2]


def test_equal_results_are_equal_markdown_unless_dated(comparison):
    arguments = ([comparison], "full-clock", False, "x")
    assert markdown(*arguments) == markdown(*arguments) and ", 2026-01-02." in markdown(*arguments, "2026-01-02")


def test_markdown_shows_signs_as_they_are(comparison):
    odd = replace(comparison, results={"a|b*c<d": comparison.results["good"]}, groups={}, absent={"x": "needs *all*"})
    text = markdown([odd], "a|b*c<d", False, "x")
    assert parsed(text)[0][2][1][0] == "a|b*c<d" and "needs \\*all\\*" in text


def test_wide_tables_are_printed_in_parts_with_the_names_of_rows(comparison):
    long = {f"scheduler{k}": comparison.results["good"] for k in range(9)}
    text = printed(replace(comparison, results=long, groups={}), "scheduler0", width=70)
    assert "(1 of 3)" in text and "(3 of 3)" in text and "…" not in text
    lines = text.splitlines()
    assert max(map(len, lines)) <= 70
    heads = [line.split()[4:] for line in lines if line.startswith("reward term or KPI")]
    assert [name for head in heads for name in head] == list(long)
    assert sum("wait_p50_s" in line for line in lines) == 3


def test_a_narrow_console_keeps_the_columns_that_decide(comparison):
    """Catches a table that is split, or wider than a terminal, where optional columns and long names could give way."""
    wide, narrow = (printed(comparison, all_metrics=False, width=width) for width in (120, 80))
    for column in ("worst tenth", "P(better)"):
        assert column in wide and column not in narrow
    assert max(map(len, narrow.splitlines())) <= 80 and "of 2)" not in narrow and "verdict" in narrow
    results = {
        "full-clock": comparison.results["full-clock"],
        "runs/2026-11-30/fullest-battery": comparison.results["good"],
    }
    text = printed(replace(comparison, results=results, groups={}), all_metrics=False, width=80)
    assert (
        max(map(len, text.splitlines())) <= 80
        and "\nruns/2026-11-30/fullest-  8" in text
        and "\nbattery  " in text
        and "of 2)" not in text
    )


def test_headline_kpis_are_in_groups_and_the_rest_waits_for_all_metrics(comparison):
    kpis = {
        "work_accelerator_h": np.full(N, 1700.0),
        "tokens_chat": np.full(N, 1e6),
        "slo_chat": np.full(N, 0.5),
        "charge_least_frac": np.full(N, 0.125),
        "moves": np.full(N, 7.0),
    }
    results = {"zero": replace(comparison.results["good"], metrics=kpis)}
    text = printed(replace(comparison, results=results, groups={}), "zero", all_metrics=False)
    shown = [line.rsplit(maxsplit=1) for line in text.splitlines() if re.match("[a-z]+: .*[0-9]$", line)]
    assert shown == [
        ["work: done, accelerator-h", "1700"],
        ["service: chat, %", "50.0"],
        ["battery: least charge, %", "12.5"],
    ]
    assert "moves" not in text and "reward/" not in text and "--all-metrics" in text
    assert text.splitlines()[-1].endswith("no other scheduler is compared.")


def test_strata_are_thirds_of_the_load(comparison):
    parts = load_strata(comparison.load)
    assert list(parts) == ["low", "medium", "high"] and [len(part) for part in parts.values()] == [10, 10, 10]
    assert sorted(np.concatenate(list(parts.values()))) == list(range(N))
    assert comparison.load[parts["low"]].max() <= comparison.load[parts["medium"]].min()
    assert comparison.load[parts["medium"]].max() <= comparison.load[parts["high"]].min()
    assert load_strata(np.ones(2)) == {}
    text = printed(comparison, by_load=True)
    assert all(f"{name} load: factor" in text for name in parts)


def test_select_keeps_episodes_together(comparison):
    part = select_episodes(comparison, np.array([3, 7]))
    assert part.seeds.tolist() == [10_003, 10_007]
    assert part.results["good"].score.tolist() == comparison.results["good"].score[[3, 7]].tolist()
    assert part.results["good"].metrics["wait_p50_s"].tolist()[1] == 600.0


def test_one_episode_is_reported_without_intervals(comparison):
    part = select_episodes(comparison, np.array([4]))
    text = printed(part)
    assert "Verdict (1 episode; too few for a claim, take 10 or more): " in text and "nan" not in text
    data = json.loads(json.dumps(document(part, "full-clock"), allow_nan=False))
    assert data["agents"]["good"]["ci95"] is None and data["paired"]["good"]["same"]["excludes_zero"] is False


def test_baseline_is_zero_when_it_is_compared_else_full_clock():
    assert choose_baseline(["full-clock", "good", "zero"]) == "zero"
    assert choose_baseline(["good", "full-clock"]) == "full-clock"
    assert choose_baseline(["good", "full-clock"], "good") == "good"
    assert choose_baseline(["good", "ppo"]) == "good"
    with pytest.raises(OdcGymError, match="baseline = nobody: must be one of the compared schedulers"):
        choose_baseline(["good"], "nobody")


def test_files_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "out.json"
    write_document(path, {"a": [1, None]})
    assert json.loads(path.read_text()) == {"a": [1, None]}
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_document(path, {"a": math.nan})
    assert json.loads(path.read_text()) == {"a": [1, None]} and list(tmp_path.iterdir()) == [path]


def test_existing_files_are_kept_unless_forced(tmp_path):
    path = tmp_path / "out.json"
    require_free(path, force=False)
    path.touch()
    with pytest.raises(OdcGymError, match="exists; add --force to replace it"):
        require_free(path, force=False)
    require_free(path, force=True)
    for bad in (tmp_path / "nowhere" / "out.json", tmp_path):
        with pytest.raises(OdcGymError, match="must be a file in an existing folder"):
            require_free(bad, force=True)


def test_names_are_text_in_markdown():
    """Catches markup in names: tags, links, emphasis, cells that end early, and commands that end their block."""
    found = report_rig.comparison((HOSTILE, f"b{HOSTILE}"))
    command = f"odc-gym compare '{HOSTILE}\n```\n<script>alert(2)</script>'"
    html = (
        MarkdownIt("commonmark", {"html": True})
        .enable("table")
        .render(markdown([found], HOSTILE, False, command, None, True))
    )
    assert "<script" not in html and "<a " not in html and "<em>" not in html
    text = unescape(re.sub(r"<[^>]+>", "", html))
    assert text.count(f"b{HOSTILE}") > 2 and command in text
    columns = {row.count("<td") for row in html.split("<tr>") if "<td" in row and f"minus {HOSTILE}" not in row}
    assert len(columns) == 2  # of the scores, and of the KPIs

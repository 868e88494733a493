import json
import math
import re
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
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


def printed(comparison, baseline="full-clock", by_load=False):
    console = Console(file=StringIO(), width=160)
    print_report(console, [comparison], baseline, by_load)
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
    lines = {line.split("│")[1].strip(): line for line in text.splitlines() if "│" in line}
    assert "better" in lines["good"] and "open" in lines["same"] and "ppo (2 runs)" in text
    assert "good minus full-clock: +2.9" in text and "30 episodes): better." in text and "good minus r2: +" in text
    assert "ppo: only 2 training runs; take 5 or more for a claim." in text and "Only 30" not in text
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


def test_markdown_holds_the_figures_and_what_reproduces_them(comparison):
    text = markdown([comparison], "full-clock", False, "odc-gym compare --episodes 30")
    assert text.startswith("```\nodc-gym compare --episodes 30\n```\n\npython ") and f"numpy {np.__version__}" in text
    (heading, title, scores), (_, _, kpis) = parsed(text)
    assert heading == "starter12" and title.startswith("starter12: 30 episodes (10000 to 10029)")
    for line, row in zip(scores[1:], summarise(comparison, "full-clock"), strict=True):
        found = dict(
            zip(("name", "score", "ci", "gap", "gap_ci", "verdict", "iqm", "worst", "chance"), line, strict=True)
        )
        assert found["name"] == (f"{row.name} (2 runs)" if row.runs > 1 else row.name)
        assert float(found["score"]) == pytest.approx(row.score.value, abs=0.005)
        assert [float(end) for end in found["ci"].split(" to ")] == pytest.approx(
            [row.score.low, row.score.high], abs=0.005
        )
        if row.paired is not None:
            assert float(found["gap"]) == pytest.approx(row.paired.value, abs=0.005)
            assert float(found["chance"]) == pytest.approx(row.improvement.value, abs=0.005)
    assert dict(zip(kpis[0], next(line for line in kpis if line[0] == "wait_p50_s"), strict=True))["good"] == "600"
    assert "- good minus full-clock: +2.9" in text


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
    console = Console(file=StringIO(), width=70)
    print_report(console, [comparison], "full-clock", False)
    text = console.file.getvalue()
    assert "(1 of 2)" in text and "(2 of 2)" in text and "…" not in text
    lines = text.splitlines()
    assert max(map(len, lines)) <= 70
    heads = [re.split("[┃│]", line)[2:-1] for line in lines if line.startswith("┃")]
    assert [cell.strip() for head in heads[-2:] for cell in head] == [
        row.name for row in summarise(comparison, "full-clock")
    ]
    assert sum("wait_p50_s" in line for line in lines) == 2


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
    assert "Only 1 episode:" in text and "nan" not in text
    data = json.loads(json.dumps(document(part, "full-clock"), allow_nan=False))
    assert data["agents"]["good"]["ci95"] is None and data["paired"]["good"]["same"]["excludes_zero"] is False


def test_baseline_is_full_clock_when_it_plays():
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

"""Report page: what it says is what the comparison found, everything is text, and the file stands alone."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from report_rig import HOSTILE, comparison

from odc_gym.evaluation import document, documents
from odc_gym.pages.report.page import Origin, comparison_page
from odc_gym.pages.report.waterfall_chart import waterfall_rows
from odc_gym.pages.report.words import claim, ranked, weaknesses
from odc_gym.scenario import Scenario

VOID = {"meta", "link", "br", "img", "input", "hr", "rect", "path", "circle", "line"}
COMMAND = "odc-gym compare --agents full-clock,zero,good"


class Reader(HTMLParser):
    """Reads a page: its elements, attributes and text; elements that are not closed raise."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data


def plain(page):
    return re.sub(r"\s+", " ", Reader(page).text)


def made(found, **origin):
    """Page of a comparison, from JSON data as another program would read it."""
    data = json.loads(json.dumps(document(found, found.names[0]), allow_nan=False))
    return comparison_page(data, [found.scenario], Origin(COMMAND, {}, **origin))


@pytest.fixture(scope="module")
def found():
    return comparison()


@pytest.fixture(scope="module")
def page(found):
    return made(found)


def test_the_page_begins_with_a_verdict_that_can_be_quoted(found, page):
    """Catches a verdict on another scheduler, and one without its interval."""
    doc = document(found, "full-clock")
    first = plain(page).split("Ranking")[0]
    assert claim(doc, ranked(doc)) in first
    low, high = doc["paired"]["good"]["full-clock"]["ci95"]
    assert f"good scores {doc['agents']['good']['mean']:.1f}" in first
    assert f"({low:.1f} to {high:.1f}) over full-clock, better" in first and "over zero, better" in first


def test_level_schedulers_are_called_open():
    """Catches a difference that is not resolved and reads as a victory."""
    found = comparison(("full-clock", "zero"), 3)
    found.results["zero"].score[:] = found.results["full-clock"].score + np.array([-3.0, 1.0, 3.0])
    text = claim(document(found, "full-clock"), ["zero", "full-clock"])
    assert "over full-clock, open" in text and "better" not in text
    assert "3 episodes: too few for a claim" in plain(made(found))


def test_what_the_best_is_worse_at_is_said(found, page):
    """Catches a report that praises only; the rig makes late jobs rise with the score."""
    doc = document(found, "full-clock")
    named = {weakness.rival: weakness.labels for weakness in weaknesses(doc, ranked(doc))}
    assert set(named) == {"full-clock", "zero"} and all("service: jobs late" in labels for labels in named.values())
    assert "good is worse than full-clock at" in plain(page)
    means = [100 * found.results[name].metrics["deadline_miss_frac"].mean() for name in ("good", "zero")]
    assert f"service: jobs late, %: {means[0]:.1f}, zero {means[1]:.1f}" in plain(page)


def test_the_bars_of_the_waterfall_join(found):
    """Catches a bar that does not begin where the one before ended, and groups that are not the sum of their parts."""
    rows = waterfall_rows(document(found, "full-clock"), ["good", "full-clock"])
    groups = [row for row in rows if row.kind == "group"]
    assert len(groups) == 5 and [row.kind for row in (rows[0], rows[-1])] == ["total", "total"]
    for k in range(2):
        ends = [rows[0].bars[k].width] + [row.bars[k].at for row in groups]
        starts = [row.bars[k].at + row.bars[k].width for row in groups] + [rows[-1].bars[k].width]
        np.testing.assert_allclose(ends, starts, atol=0.02)
        for n, group in enumerate(groups):
            inner = [row.bars[k] for row in rows if row.kind == "part" and row.group == n]
            assert sum(bar.width for bar in inner) == pytest.approx(group.bars[k].width, abs=0.1)


def test_figures_stand_in_text_and_not_only_in_pictures(found, page):
    """Catches tables without captions, pictures without labels, and KPIs that only a picture shows."""
    text, reader = plain(page), Reader(page)
    assert reader.tags.count("caption") == reader.tags.count("table") >= 6
    labels = [value for tag, name, value in reader.attributes if tag == "svg" and name == "aria-label"]
    hidden = [value for tag, name, value in reader.attributes if tag == "svg" and name == "aria-hidden"]
    assert len(labels) + len(hidden) == reader.tags.count("svg") and all(labels)
    for label in ("Delivered in time", "Heat radiated to space", "service: interactive, %", "battery: least charge, %"):
        assert label in text
    assert "All fields of the scenario" in text and "physics_s:" in text and COMMAND in text
    assert document(found, "zero")["scenario_digest"] in text and "numpy" in text and "10000 to 10011" in text


def test_nothing_leaves_the_file(page):
    """Catches scripts, and everything that a browser would load."""
    reader = Reader(page)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(reader.tags)
    assert not [row for row in reader.attributes if row[1] in ("src", "srcset", "action") or row[1].startswith("on")]
    links = [value for tag, name, value in reader.attributes if name == "href"]
    assert all(value.startswith("#") for value in links)
    assert not re.search(r"https?://", page) and len(page.encode()) < 200_000


def test_names_are_text_wherever_they_stand(tmp_path):
    """Catches markup in the name or description of a scenario, of a scheduler, in a command, and in a reason."""
    scenario = Scenario.load("starter12").replace({"name": HOSTILE, "description": HOSTILE})
    hostile = comparison((f"a{HOSTILE}", f"b{HOSTILE}"), scenario=scenario, absent={f"c{HOSTILE}": HOSTILE})
    other = comparison((f"a{HOSTILE}", f"b{HOSTILE}"))
    single = comparison_page(
        document(hostile, f"a{HOSTILE}"), [scenario], Origin(f"odc-gym {HOSTILE}", {}, (HOSTILE,), tmp_path, (HOSTILE,))
    )
    several = comparison_page(
        documents([hostile, other], f"a{HOSTILE}"), [scenario, other.scenario], Origin(HOSTILE, {})
    )
    for each in (single, several):
        reader = Reader(each)
        assert "script" not in reader.tags and "<script" not in each
        assert f"b{HOSTILE}" in reader.text and f"odc-gym {HOSTILE}"[-20:] in reader.text
    assert f"c{HOSTILE} cannot operate {HOSTILE}: {HOSTILE}." in Reader(several).text


def test_several_scenarios_have_a_block_each():
    """Catches blocks with the figures of another scenario, and links that lead nowhere."""
    one = comparison()
    two = comparison(scenario=Scenario.load("overload"), absent={"lost": "another fleet"})
    text = comparison_page(documents([one, two], "zero"), [two.scenario, one.scenario], Origin(COMMAND, {}))
    assert "2 scenarios: good scores highest on average" in plain(text)
    assert "It leads in 2 of 2: starter12 and overload." in plain(text)
    assert "lost cannot operate overload: another fleet." in plain(text)
    targets = {value for _, name, value in Reader(text).attributes if name == "id"}
    links = {value[1:] for _, name, value in Reader(text).attributes if name == "href"}
    assert links and links <= targets
    assert plain(text).index("Scenario starter12") < plain(text).index("Scenario overload")


def test_worst_episodes_name_the_commands_that_show_them(found, tmp_path):
    """Catches another episode, a scheduler that `record` does not know, and a link to a file that is not there."""
    worst = 10_000 + int(np.argmin(found.results["good"].score))
    text = made(found, options=("--set", "episode.hours=6"), folder=tmp_path)
    for name in ("good", "full-clock"):
        file = f"starter12-{worst}-{name}.npz"
        assert f"odc-gym record starter12 --agent {name} --seed {worst} --set episode.hours=6 -o {file}" in plain(text)
    files = f"starter12-{worst}-good.npz starter12-{worst}-full-clock.npz"
    assert f"odc-gym replay {files} -o starter12-{worst}.html" in plain(text)
    assert ">replay</a>" not in text
    (tmp_path / f"starter12-{worst}.html").touch()
    assert made(found, folder=tmp_path).count(f'<a href="starter12-{worst}.html">replay</a>') == 1


def test_groups_of_training_runs_count_once():
    """Catches single runs in the ranking beside their group, and commands with the name of a group."""
    found = comparison(("full-clock", "r1", "r2"), groups={"ppo": ("r1", "r2")})
    doc = document(found, "full-clock")
    assert ranked(doc) == ["ppo", "full-clock"]
    assert "--agent r1 " in plain(made(found))


@pytest.mark.parametrize("names", [("zero",), ("zero", "full-clock")])
def test_one_episode_and_one_scheduler_are_enough(names):
    """Catches divisions by zero, and intervals that do not exist."""
    text = plain(made(comparison(names, 1)))
    assert "over 1 episode" in text and not re.search(r"\bnan\b", text)


def test_a_document_without_accounts_has_no_empty_sections(found):
    """Catches a page that fails on results without waterfall and energy flow."""
    data = document(found, "zero")
    for agent in data["agents"].values():
        del agent["waterfall_accelerator_h"], agent["energy_kwh"]
    text = plain(comparison_page(data, [found.scenario], Origin(COMMAND, {})))
    assert "Where the accelerator-hours go" not in text and "Energy and heat" not in text


def test_a_training_shows_how_it_learned(found):
    """Catches a curve that is upside down, and the last validation in the place of the best."""
    learning = ((0.0, 80.0), (1e5, 90.0), (2e5, 85.0))
    text = made(found, learning=learning, remarks=("Training gained +9.",))
    assert "Training gained +9." in plain(text) and "90.00 after 100\u202f000 decisions" in Reader(text).text
    heights = [float(point.split()[1]) for point in re.search(r'class="line" d="M([^"]+)"', text)[1].split("L")]
    assert heights[1] < heights[2] < heights[0]
    assert "Learning" not in plain(made(found))

"""Replay page in a browser: Chromium shows it from disk, and its numbers are those of the recording."""

import json
import re
import shutil
import time

import numpy as np
import pytest
from recorded_modes import recorded_in

from odc_gym.envs import ODCSatEnv
from odc_gym.pages.replay import make_replay
from odc_gym.recording import Recording
from odc_gym.simulator.simulator import ACTION_MODES

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install selenium")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and its driver: apt install chromium-driver"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
FLAGS = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "hide-scrollbars", "force-device-scale-factor=1",
)  # fmt: skip
WAIT_S = 20.0
QUIET_S = 1.5


class Browser:
    """Chromium without a screen, and the page it shows."""

    def __init__(self, driver, folder):
        self.driver, self.folder = driver, folder

    def open(self, page, address="", width=1440, height=900, dark=False):
        """Write a page to a file and show it."""
        file = self.folder / "replay.html"
        file.write_text(page.html, encoding="utf-8")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get_log("performance"), self.driver.get_log("browser")
        self.driver.get(f"file://{file}{address}")
        self.wait("document.documentElement.dataset.ready === 'true' && replay.spent.length > 0")

    def run(self, script, *values):
        return self.driver.execute_script(script, *values)

    def wait(self, condition):
        """Wait until an expression holds."""
        end = time.monotonic() + WAIT_S
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < end, f"{condition} never held"
            time.sleep(0.05)

    def text(self, name):
        return self.run("return document.getElementById(arguments[0]).textContent", name)

    def seek(self, t):
        self.run("replay.seek(arguments[0])", t)
        self.settle()

    def settle(self):
        """Wait until the frame that was asked for is drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))"
        )

    def press(self, key):
        self.driver.find_element("tag name", "body").send_keys(key)
        self.settle()

    def drag(self, node, start, end):
        """Drag from one place of an element to another, given from its left upper corner."""
        from selenium.webdriver.common.action_chains import ActionChains

        half = node.size["width"] / 2, node.size["height"] / 2
        chain = ActionChains(self.driver, duration=20)
        chain.move_to_element_with_offset(node, round(start[0] - half[0]), round(start[1] - half[1])).click_and_hold()
        chain.move_by_offset(round(end[0] - start[0]), round(end[1] - start[1])).release().perform()
        self.settle()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield Browser(driver, tmp_path_factory.mktemp("page"))
    driver.quit()


@pytest.fixture(scope="module")
def page(recorded):
    return make_replay(recorded)


@pytest.fixture
def shown(browser, page):
    browser.open(page)
    return browser


def number(text):
    return float(re.search(r"-?\d+(\.\d+)?", text.replace("\u2212", "-").replace("\u202f", "")).group())


def test_it_loads_from_disk_and_requests_nothing_else(shown):
    """Catches fonts, pictures and scripts from a network, and errors of the scripts."""
    messages = [json.loads(entry["message"])["message"] for entry in shown.driver.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert [url.split("#")[0] for url in asked] == [f"file://{shown.folder}/replay.html"]
    assert shown.run("return performance.getEntriesByType('resource').length") == 0
    assert shown.driver.get_log("browser") == []


def test_numbers_of_the_page_equal_the_recording(shown, recorded):
    """Catches fields that are exchanged, wrong times and wrong units."""
    for run, recording in enumerate(recorded):
        score = np.cumsum(sum(recording[f"reward/{term['name']}"] for term in recording.header["terms"]))
        for k in (1, 40, 95):
            shown.run(
                "replay.state.run = arguments[0]; replay.state.rival = 1 - arguments[0]; replay.redraw(true)", run
            )
            shown.seek(k * 300.0)
            assert abs(number(shown.text(f"score{run}")) - score[k - 1]) <= 0.051
            assert shown.text("elapsed").startswith(f"+{k * 5 // 60:02d}:{k * 5 % 60:02d}")
            rows = table(shown)
            assert len(rows) == 12
            for s, row in enumerate(rows):
                assert abs(number(row[3]) - 100 * recording["satellite/charge_frac"][k, s]) <= 0.51
                assert abs(number(row[4]) - (recording["satellite/junction_k"][k, s] - 273.15)) <= 0.06
                assert number(row[6]) == recording["class/held"][k, :, s].sum()
                assert abs(number(row[9]) - recording["orbit/latitude_deg"][k, s]) <= 0.11
                off = recording["satellite/off"][k, s] > 0
                assert (row[1] in ("shed", "tripped", "restarting", "out of service")) == off


def cells(browser, body):
    """Texts of a table, row by row."""
    script = "return [...document.getElementById(arguments[0]).rows].map(r => [...r.cells].map(c => c.textContent))"
    return browser.run(script, body)


def table(browser):
    """Cells of the table of satellites."""
    from selenium.webdriver.common.keys import Keys

    browser.press("t")
    rows = cells(browser, "table-body")
    browser.press(Keys.ESCAPE)
    return rows


@pytest.mark.parametrize("orbits", ["circular", "eccentric"])
def test_sub_satellite_points_lie_within_a_pixel(browser, recorded, eccentric, orbits):
    """Catches a turned Earth, a wrong frame, and orbits that drift from the ephemeris."""
    recording = recorded[0] if orbits == "circular" else eccentric
    browser.open(make_replay([recording]))
    longitude, latitude = recording["orbit/longitude_deg"].tolist(), recording["orbit/latitude_deg"].tolist()
    points = [[s, k * 300, longitude[k][s], latitude[k][s]] for k in range(0, 97, 4) for s in range(12)]
    apart = browser.run(
        """return arguments[0].map(([s, t, longitude, latitude]) => {
            const { below } = replay.project(s, t), [x, y] = replay.onMap(longitude, latitude, t);
            return Math.hypot(below[0] - x, below[1] - y);
        })""",
        points,
    )
    assert max(apart) < 0.25  # a pixel of a fine screen; an error of 0.12 degrees


def test_a_satellite_stands_over_its_sub_satellite_point(shown):
    """Catches satellites and map that turn differently: a satellite at the middle of the disc covers its own point."""
    found = shown.run(
        """const out = [];
        for (let t = 0; t < 28800; t += 300) for (let s = 0; s < 12; s++) {
            const p = replay.project(s, t), [x0, y0] = [p.below[0], p.below[1]];
            out.push([p.x, p.y, x0, y0, p.hidden, p.radius]);
        }
        const c = document.getElementById('globe');
        return { out, w: c.clientWidth, h: c.clientHeight };"""
    )
    middle = np.array([found["w"] / 2, found["h"] / 2 + 2])
    close = 0
    for x, y, x0, y0, hidden, radius in found["out"]:
        away = np.hypot(*(np.array([x, y]) - middle))
        if not hidden and away < 0.5 * radius:
            close += 1
            # the same direction from the middle of the disc, further out by the height of the orbit, or its antipode
            assert np.hypot(x - x0, y - y0) < 0.1 * away + 1.5
    assert close > 20


def test_the_slider_moves_the_time(shown):
    """Catches a slider that stops before the ends of the episode."""
    scrub = shown.driver.find_element("id", "scrub")
    width = scrub.size["width"]
    for share in (0.25, 0.75):
        shown.drag(scrub, (20, 20), (8 + share * (width - 16), 20))
        assert abs(shown.run("return replay.state.t") / (8 * 3600) - share) < 0.01
        assert int(scrub.get_attribute("aria-valuenow")) == round(shown.run("return replay.state.t"))
    shown.drag(scrub, (20, 20), (width - 2, 20))
    assert shown.text("elapsed").startswith("+08:00")


def test_a_click_chooses_a_satellite_and_its_row(shown):
    from selenium.webdriver.common.action_chains import ActionChains

    globe = shown.driver.find_element("id", "globe")
    places = shown.run("return [...Array(12).keys()].map(s => replay.project(s))")
    alone = next(
        s for s, p in enumerate(places)
        if s and not p["hidden"] and all(np.hypot(p["x"] - q["x"], p["y"] - q["y"]) > 30 for q in places if q is not p)
    )  # fmt: skip
    offset = [round(places[alone]["x"] - globe.size["width"] / 2), round(places[alone]["y"] - globe.size["height"] / 2)]
    ActionChains(shown.driver).move_to_element_with_offset(globe, *offset).click().perform()
    shown.settle()
    assert shown.run("return replay.state.satellite") == alone
    assert shown.text("satname") == f"Satellite {alone}"
    assert shown.run("return replay.state.follow")  # a click does not turn the globe


def test_colour_by_changes_the_globe_and_the_address(shown):
    pixels = "return document.getElementById('globe').toDataURL()"
    before = shown.run(pixels)
    shown.driver.find_element("css selector", "[data-q=junction]").click()
    shown.settle()
    assert shown.run(pixels) != before
    shown.wait("location.hash.includes('q=junction')")
    assert shown.text("high") == "95 °C"


def test_nothing_is_drawn_and_no_timer_runs_while_nothing_changes(shown):
    """Catches a page that keeps a core busy while it is only looked at."""
    time.sleep(QUIET_S)  # the address and the sentence for screen readers follow the last change
    shown.run(
        """window.calls = 0;
        for (const name of ['requestAnimationFrame', 'setTimeout', 'setInterval']) {
            const original = window[name];
            window[name] = (...values) => { window.calls += 1; return original(...values); };
        }"""
    )
    frames = shown.run("return replay.spent.length")
    time.sleep(QUIET_S)
    assert shown.run("return [replay.spent.length, window.calls]") == [frames, 0]


def test_playing_moves_on_and_stops_at_the_end(shown):
    shown.seek(8 * 3600 - 600)
    shown.press(" ")
    shown.wait("!replay.state.playing && replay.state.t === replay.episode.end_s")


def test_keys_do_what_the_help_says(shown):
    """Catches keys that do nothing, or scroll the page instead."""
    from selenium.webdriver.common.keys import Keys

    shown.seek(3600.0)
    expected = (
        (Keys.ARROW_RIGHT, "t", 3900), (Keys.ARROW_LEFT, "t", 3600), (Keys.ARROW_DOWN, "satellite", 1),
        (Keys.ARROW_UP, "satellite", 0), (Keys.END, "t", 8 * 3600), (Keys.HOME, "t", 0), ("c", "quantity", "junction"),
        ("2", "run", 1), ("1", "run", 0), ("3", "both", True), ("3", "both", False),
    )  # fmt: skip
    for key, field, value in expected:
        shown.press(key)
        assert shown.run("return replay.state[arguments[0]]", field) == value, key
    shown.press("n")
    later = shown.run("return replay.state.t")
    shown.press("n")
    assert shown.run("return replay.state.t") > later > 0
    shown.press("p")
    assert shown.run("return replay.state.t") == later
    shown.press("?")
    assert shown.run("return document.getElementById('keys').open")


def test_the_address_is_a_link_to_what_is_shown(browser, page):
    browser.open(page, "#t=3.5&run=1&q=clock&sat=7&both=1")
    assert browser.run("const s = replay.state; return [s.t, s.run, s.quantity, s.satellite, s.both]") == [
        12_600, 1, "clock", 7, True,
    ]  # fmt: skip
    browser.open(page, "#t=x&run=9&q=nothing&sat=-4")  # wrong values are left out
    assert browser.run("const s = replay.state; return [s.t, s.run, s.quantity, s.satellite]") == [0, 0, "charge", 0]


def test_filters_hide_kinds_of_events(shown, recorded):
    names = recorded[0].header["event_kinds"]
    kinds = {names[k] for k in recorded[0]["event/kind"]}
    chips = shown.run("return [...document.querySelectorAll('#chips button')].map(b => b.dataset.kind)")
    assert set(chips) == kinds
    for kind in chips:
        if shown.run("return !replay.state.hidden.has(arguments[0])", kind):
            shown.driver.find_element("css selector", f"[data-kind={kind}]").click()
            shown.settle()
    assert shown.run("return document.querySelectorAll('#list .event').length") == 0
    shown.driver.find_element("css selector", "[data-kind=finished]").click()
    shown.seek(4 * 3600.0)
    texts = shown.run("return [...document.querySelectorAll('#list .event')].map(e => e.textContent)")
    assert texts and all("finished" in text for text in texts)


def test_the_difference_is_that_of_the_scores(shown, recorded):
    shown.seek(8 * 3600)
    rows = cells(shown, "terms")
    assert abs(number(rows[-1][-1]) - (recorded[0].score - recorded[1].score)) <= 0.051
    for row, term in zip(rows, recorded[0].header["terms"], strict=False):
        name = f"reward/{term['name']}"
        assert abs(number(row[-1]) - (recorded[0][name].sum() - recorded[1][name].sum())) <= 0.051


def test_the_decision_shows_what_the_agent_asked(shown, recorded):
    """Catches bids of another satellite, class or decision."""
    from odc_gym.interface.actions import ActionLayout

    action = recorded[0]["action"]
    layout = ActionLayout(12, 3)
    spread = np.ptp(layout.bids(action), axis=1)  # where the classes have different bids
    most = [np.unravel_index(each, spread.shape) for each in np.argsort(spread, axis=None)[-3:]]
    for k, s in [(3, 0), *((int(k), int(s)) for k, s in most)]:
        shown.run("replay.state.satellite = arguments[0]", s)
        shown.seek(k * 300 + 10)
        rows = cells(shown, "asked")
        values = [number(row[2]) for row in rows]
        expected = [*layout.bids(action)[k, :, s], layout.clocks(action)[k, s]]
        assert np.abs(np.array(values) - expected).max() <= 0.011


def test_names_appear_as_text(browser, recorded):
    """Catches a name from a file that runs as code."""
    bad = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
    header = recorded[0].header | {"scenario_name": bad, "agent": bad, "description": bad}
    header["classes"] = [each | {"name": bad} for each in header["classes"]]
    browser.open(make_replay([Recording(header, recorded[0].arrays)]))
    browser.press("t")
    assert browser.run("return window.hacked") is None
    assert browser.text("name").startswith(bad)
    assert browser.run("return document.images.length") == 0
    assert browser.run("return document.title").startswith(bad)


def test_one_run_has_no_difference(browser, recorded):
    browser.open(make_replay(recorded[:1]))
    assert browser.text("difference-of") == "gang-aware"
    browser.press("3")
    assert not browser.run("return replay.state.both")
    assert browser.driver.get_log("browser") == []


def test_three_runs_have_a_button_each_and_a_choice_of_rivals(browser, recorded):
    browser.open(make_replay([*recorded, recorded[0]]))
    assert browser.run("return document.querySelectorAll('#runs [data-run]').length") == 3
    browser.press("3")
    assert browser.run("return [replay.state.run, replay.state.rival]") == [2, 0]
    browser.run("const a = document.getElementById('against'); a.value = 1; a.dispatchEvent(new Event('change'))")
    browser.settle()
    assert "minus full-clock" in browser.text("difference-of")


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_shows_it_without_scrolling_sideways(browser, page, dark):
    browser.open(page, width=390, height=844, dark=dark)
    assert browser.run("return document.documentElement.scrollWidth") <= 390
    colour = browser.run("return getComputedStyle(document.body).backgroundColor")
    browser.press("d")  # the other of light and dark
    other = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (colour == "rgb(14, 17, 21)") == dark and (other == "rgb(14, 17, 21)") != dark


def test_every_control_has_a_name(shown):
    """Catches buttons that screen readers can only call "button"."""
    nameless = shown.run(
        """const named = node =>
            node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || node.textContent.trim();
        return [...document.querySelectorAll('button, select, [role=slider], [role=img], dialog')]
            .filter(node => !named(node)).map(node => node.outerHTML)"""
    )
    assert nameless == []
    time.sleep(1.0)
    assert "satellites in sunlight" in shown.text("live")


def test_a_recording_that_stops_early_is_shown(browser, stopped):
    """Catches divisions by an episode of length 0, and samples beyond the last."""
    for recording in stopped:
        browser.open(make_replay([recording]))
        for key in ("c", "b", "n", "t"):
            browser.press(key)
        assert browser.driver.get_log("browser") == []
        assert browser.text("elapsed") == f"+00:00 of {recording.header['decisions'] * 5} min"


@pytest.mark.parametrize("action_mode", ACTION_MODES)
def test_the_decision_of_every_mode_is_that_of_the_recording(browser, action_mode):
    """Catches: a mode whose actions the page takes for those of another one, and errors of the scripts about it."""
    recording = recorded_in(action_mode)
    browser.open(make_replay([recording]))
    for k in (0, 7, 20):
        browser.seek(k * recording.header["decision_period_s"] + 1.0)
        rows = cells(browser, "asked")
        action = recording["action"][k]
        if action_mode == "dials":
            names = ODCSatEnv("starter12", action_mode="dials").action_names()
            dials = np.clip(action / 5, -1, 1)
            wanted = {name.removeprefix("fleet."): value for name, value in zip(names, dials, strict=True)}
            shown = {row[0]: number(row[2]) for row in rows}
            assert set(shown) >= {name for name, value in wanted.items() if abs(value) > 0.01}
            assert all(abs(shown[name] - wanted[name]) < 0.011 for name in shown)
        elif action_mode == "bids":
            assert abs(number(rows[0][2]) - action[0]) < 0.011 and len(rows) == 4
        else:
            assert rows[0][0] == "clock level" and number(rows[1][1]) == (action[:-12] == 0).sum()
    assert browser.driver.get_log("browser") == []

"""The block `randomise` of a scenario: allowed paths, and errors of one line."""

import pytest
import yaml

from odc_gym.errors import ScenarioError
from odc_gym.scenario import Draw, Scenario
from odc_gym.scenario.files import parse_overrides
from odc_gym.scenario.paths import resolve_path, with_value

STARTER = Scenario.load("starter12")
CAPACITY = "hardware.odcsat.battery.capacity_wh"
DRAW = {"low": 8000, "high": 12000}


def refusal(block):
    with pytest.raises(ScenarioError) as caught:
        STARTER.replace({"randomise": block})
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_same_block_in_a_file_in_overrides_and_on_the_command_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"base": "starter12", "name": "starter12", "randomise": {CAPACITY: DRAW}}))
    items = ["--set", f"randomise.{CAPACITY}={{dist: uniform, low: 8000, high: 12000}}"]
    from_file = Scenario.load(path)
    assert from_file.randomise == {CAPACITY: Draw(dist="uniform", low=8000, high=12000, per="episode")}
    assert STARTER.replace({f"randomise.{CAPACITY}": DRAW}) == from_file
    assert STARTER.replace({"randomise": {CAPACITY: DRAW}}) == from_file
    assert STARTER.replace(parse_overrides(items[1:])) == from_file
    assert STARTER.randomise == {}


def test_fields_of_a_draw_change_and_the_block_goes():
    random = STARTER.replace({f"randomise.{CAPACITY}": DRAW})
    changed = random.replace({f"randomise.{CAPACITY}.per": "satellite", f"randomise.{CAPACITY}.low": 9000})
    assert changed.randomise[CAPACITY] == Draw(low=9000, high=12000, per="satellite")
    slack = "workload.classes.batch.slack.low"  # a path that ends like a field of a draw
    assert STARTER.replace({f"randomise.{slack}": {"low": 3, "high": 5}}).randomise[slack].low == 3
    assert random.replace({"randomise": {CAPACITY: None}}) == random.replace({"randomise": None}) == STARTER


def test_a_file_takes_a_draw_of_its_base_away(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("base: starter12-randomised\nname: mine\nrandomise: {earth.albedo: null}\n")
    theirs = Scenario.load("starter12-randomised").randomise
    assert Scenario.load(path).randomise == {k: v for k, v in theirs.items() if k != "earth.albedo"}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("hardware.odcsat.batery.capacity_wh", "unknown key 'batery'; did you mean battery?"),
        ("hardware.other.battery.capacity_wh", "unknown key 'other'; known: odcsat"),
        ("workload.classes.*.patience_s", "unknown key 'patience_s' in workload.classes.finetuning; "),
        ("hardware.odcsat.battery", "must be the path of a number"),
        ("hardware.odcsat.radiator.mode", "must be the path of a number"),
        ("hardware.odcsat.accelerators.count", "must not be random, it is a count or a choice"),
        ("hardware.odcsat.radiator.faces", "must not be random, it is a count or a choice"),
        ("workload.classes.interactive.replica_accelerators", "must not be random, it is a count or a choice"),
        ("hardware.odcsat.accelerators.bf16_tflops", "must not be random, no episode depends on it"),
        ("hardware.odcsat.accelerators.bf16_tflops", "must not be random, no episode depends on it"),
        ("workload.classes.finetuning.width.1", "must not be random, probabilities must sum to 1"),
        ("workload.classes.finetuning.value", "must not be random, scores are measured in it"),
        ("workload.classes.finetuning.hold_back", "must not be random, scores are measured in it"),
        ("workload.classes.interactive.queue_value", "must not be random, scores are measured in it"),
        *(
            (path, "must be a path in hardware, earth, workload, network, sensing")
            for path in (
                "name", "shells.0.orbit.altitude_km", "episode.hours", "start.year", "dispatch.load_weight",
                "reward.wear", "assign.k", "randomise.x", "",
            )
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_random(path, why):
    assert refusal({path: {"low": 1, "high": 2}}).startswith(f"randomise.{path}: {why}")


@pytest.mark.parametrize(
    ("draw", "line"),
    [
        ({"low": -5, "high": 12000}, ".low = -5: must be > 0"),
        ({"low": 12000, "high": 8000}, ": low = 12000: must be < high = 8000"),
        ({"low": 8000, "high": 8000}, ": low = 8000: must be < high = 8000"),
        ({"low": 0, "high": 8000, "dist": "log_uniform"}, ": low = 0: must be > 0 with dist = log_uniform"),
        ({"low": 8000, "high": "a lot"}, ".high = a lot: must be a valid number"),
        ({"low": 8000, "high": float("inf")}, ".high = inf: must be a finite number"),
        ({"low": 8000}, ".high: is missing"),
        ({"low": 8000, "hihg": 12000}, ".hihg: unknown key; did you mean high?"),
        ({**DRAW, "hi": 1}, ".hi: unknown key; did you mean high?"),
        ({**DRAW, "dist": "normal"}, ".dist = normal: must be 'uniform' or 'log_uniform'"),
        ({**DRAW, "per": "shell"}, ".per = shell: must be 'episode' or 'satellite'"),
        (3, " = 3: must be a mapping of fields"),
    ],
)
def test_what_a_draw_cannot_be(draw, line):
    assert refusal({CAPACITY: draw}) == f"randomise.{CAPACITY}{line}"


def test_a_field_of_a_draw_that_is_not_there():
    with pytest.raises(ScenarioError, match=rf"^randomise\.{CAPACITY}\.low: unknown key"):
        STARTER.replace({f"randomise.{CAPACITY}.low": 3})
    with pytest.raises(ScenarioError, match=r"^randomise\.x = 3: must be a mapping of fields$"):
        STARTER.replace({"randomise.x": 3})


def test_only_satellites_draw_for_themselves():
    line = refusal({"earth.albedo": {"low": 0.2, "high": 0.4, "per": "satellite"}})
    assert line == "randomise.earth.albedo.per = satellite: must be episode outside hardware"


def test_both_ends_go_through_the_field_and_the_rules_of_the_whole():
    assert refusal({"earth.albedo": {"low": 0.2, "high": 1.4}}) == "randomise.earth.albedo.high = 1.4: must be <= 1"
    line = refusal({"hardware.*.battery.floor": {"low": 0.2, "high": 0.4}})
    assert line.startswith("randomise.hardware.*.battery.floor.high = 0.4: hardware.odcsat.battery: must hold 0.02 < ")
    line = refusal({"workload.classes.interactive.weights_gb": {"low": 100, "high": 400}})
    assert line == (
        "randomise.workload.classes.interactive.weights_gb.high = 400: must fit the memory of a replica, 2 x 141 GB"
    )


def test_ends_that_only_clash_together_are_found():
    """The file has floor 0.20 and restore 0.30: each draw alone keeps the rule, both together break it."""
    floor, restore = "hardware.*.battery.floor", "hardware.odcsat.battery.restore"
    line = refusal({floor: {"low": 0.2, "high": 0.28}, restore: {"low": 0.25, "high": 0.35}})
    assert line.startswith(f"randomise: {floor} = 0.28, {restore} = 0.25: must hold 0.02 < floor < restore < 1")
    STARTER.replace({"randomise": {floor: {"low": 0.2, "high": 0.24}, restore: {"low": 0.25, "high": 0.35}}})


def test_a_number_is_random_once():
    again = {"low": 8500, "high": 9000}
    assert refusal({"hardware.*.battery.capacity_wh": DRAW, CAPACITY: again}) == (
        f"randomise.{CAPACITY}: {CAPACITY} is already drawn by hardware.*.battery.capacity_wh"
    )


def test_a_path_stands_for_places_and_a_copy_leaves_the_original():
    assert resolve_path(STARTER, "hardware.*.thermal.c_kj_k.*") == {
        ("hardware", "odcsat", "thermal", "c_kj_k", str(i)): v for i, v in enumerate((8.0, 32.0, 100.0))
    }
    copy = with_value(STARTER, ("hardware", "odcsat", "thermal", "c_kj_k", "1"), 40.0)
    assert copy.hardware["odcsat"].thermal.c_kj_k == (8.0, 40.0, 100.0)
    assert copy == STARTER.replace({"hardware.odcsat.thermal.c_kj_k.1": 40.0}) and copy != STARTER
    assert STARTER.hardware["odcsat"].thermal.c_kj_k == (8.0, 32.0, 100.0)

"""Recorder: the recording agrees with the simulator's own accounts, and recording changes nothing."""

from datetime import datetime, timedelta
from importlib.resources import files

import gymnasium as gym
import numpy as np
import pytest
from recorded_modes import recorded_in
from recount import recount

from odc_gym.agents import make_scheduler
from odc_gym.errors import RecordingError
from odc_gym.recording import Recorder, record_episode
from odc_gym.recording.repetition import repeated_steps
from odc_gym.scenario import Scenario
from odc_gym.scenario.files import names
from odc_gym.simulator.metrics import episode_metrics
from odc_gym.simulator.simulator import ACTION_MODES, Simulator

SHORT = {"episode.hours": 6.0}
CASES = [("starter12", "gang-aware"), ("starter12", "full-clock"), ("storm", "random"), ("suncatcher81", "random")]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(case))
def recording(request):
    scenario, agent = request.param
    return record_episode(scenario, agent, 20_000, overrides=SHORT)


def assert_recounted(recording):
    """Assert that score and KPIs follow from the arrays of the recording."""
    figures, metrics = recount(recording), recording.header["metrics"]
    assert figures["score"] == pytest.approx(recording.score, abs=1e-9)
    wrong = {
        name: (value, metrics[name])
        for name, value in figures.items()
        if name in metrics and value != pytest.approx(metrics[name], rel=1e-9, abs=1e-9)
    }
    assert wrong == {}
    assert len(set(figures) & set(metrics)) >= 25


def test_score_and_kpis_are_recounted_from_the_file(recording):
    """Catches: a field recorded in a wrong place or unit, an event without its account, or an account without event."""
    assert_recounted(recording)


@pytest.mark.slow
@pytest.mark.parametrize("agent", ["random", "full-clock"])
@pytest.mark.parametrize("scenario", names(large=False))
def test_score_and_kpis_of_every_preset_are_recounted(scenario, agent):
    """Catches: a stop or a condition that only some fleets have, and that is not logged."""
    recording = record_episode(scenario, agent, 20_002, overrides=SHORT)
    assert_recounted(recording)
    assert sum(1 for _ in repeated_steps(recording)) == recording.header["decisions"] + 1


def test_segments_hold_what_the_satellites_hold(recording):
    """Catches: a placement or a departure that is not logged, or logged for another satellite or row."""
    segments, width = recording.segments, recording["job/width"]
    shape = len(recording.class_names), recording.header["satellites"]
    class_id = recording["job/class_id"][segments["job"]]
    compared = 0
    for k, now in enumerate(recording["time_s"].tolist()):
        held, changes = np.zeros(shape), np.zeros(shape)
        there = (segments["begin_s"] < now) & (segments["end_s"] > now)
        np.add.at(held, (class_id[there], segments["satellite"][there]), width[segments["job"][there]])
        at_now = (segments["begin_s"] == now) | (segments["end_s"] == now)  # before the sample, or after it
        np.add.at(changes, (class_id[at_now], segments["satellite"][at_now]), 1)
        same = changes == 0
        compared += same.sum()
        np.testing.assert_array_equal(held[same], recording["class/held"][k][same], err_msg=f"decision {k}")
    assert compared > 0.5 * recording["class/held"].size


def test_recording_changes_nothing():
    """Catches: a sample or an event log that writes into the state."""
    scenario = Scenario.load("storm", SHORT)
    plain, recorded = Simulator(scenario), Simulator(scenario)
    for simulator in (plain, recorded):
        simulator.reset([3])
    recorder = Recorder(recorded)
    recorder.begin()
    rng = np.random.default_rng(0)
    for _ in range(plain.decisions):
        action = rng.uniform(-1, 1, (1, plain.action_size))
        plain.step(action)
        recorded.step(action)
        assert np.array_equal(plain.observation, recorded.observation)
    for name, array in plain.mutable._asdict().items():
        assert np.array_equal(array, getattr(recorded.mutable, name)), name
    assert recorder.finish().header["metrics"] == episode_metrics(plain, 0)


def test_a_row_of_a_batch_gives_the_recording_of_a_single_environment():
    """Catches: samples or events of another row."""
    batch = gym.make_vec("odc_gym:ODCSat-v0", num_envs=3, scenario="starter12", action_mode="bids", overrides=SHORT)
    batch.reset(seed=[20_000, 20_001, 20_002])
    scheduler = make_scheduler("gang-aware", batch)
    recorder = Recorder(batch, row=1, agent="gang-aware")
    recorder.begin()
    while not recorder.complete:
        batch.step(scheduler.act(batch.unwrapped.simulator.view))
    row, alone = recorder.finish(), record_episode("starter12", "gang-aware", 20_001, overrides=SHORT)
    for name, array in alone.arrays.items():
        assert np.array_equal(row[name], array, equal_nan=True), name


def test_the_recorded_actions_repeat_the_episode(recording):
    """Catches: actions that are rounded, or recorded one decision early or late."""
    steps = sum(1 for _ in repeated_steps(recording))
    assert steps == recording.header["decisions"] + 1


@pytest.mark.parametrize("action_mode", ACTION_MODES)
def test_recorded_actions_of_every_mode_repeat_the_episode(action_mode):
    """Catches: an action space that the repetition takes for that of another mode."""
    recording = recorded_in(action_mode)
    assert recording.header["action_mode"] == action_mode
    assert sum(1 for _ in repeated_steps(recording)) == recording.header["decisions"] + 1


def test_a_changed_reward_is_found_by_the_repetition(recording):
    """Catches: a repetition that compares nothing."""
    changed = type(recording)(recording.header, recording.arrays | {"reward/wear": recording["reward/wear"] + 1.0})
    with pytest.raises(RecordingError, match="decision 0: reward"):
        list(repeated_steps(changed))


@pytest.mark.parametrize("k", [0, -1])
def test_positions_and_sun_are_those_of_skyfield(recording, k):
    """Catches: positions of the warm-up, of another frame, of another satellite or of another instant."""
    from skyfield.api import load, load_file, wgs84
    from skyfield.constants import AU_KM
    from skyfield.positionlib import Geocentric

    start = datetime.fromisoformat(recording.header["start"])
    instant = start + timedelta(seconds=float(recording["time_s"][k]))
    time = load.timescale(builtin=True).from_datetime(instant)
    for s in (0, recording.header["satellites"] - 1):
        position = Geocentric(recording["orbit/position_km"][k, s].astype(float) / AU_KM, t=time, center=399)
        place = wgs84.geographic_position_of(position)
        assert place.latitude.degrees == pytest.approx(recording["orbit/latitude_deg"][k, s], abs=0.01)
        assert place.longitude.degrees == pytest.approx(recording["orbit/longitude_deg"][k, s], abs=0.01)
    planets = load_file(str(files("skyfield_data") / "data" / "de421.bsp"))
    try:
        sun = planets["earth"].at(time).observe(planets["sun"]).apparent().xyz.km
    finally:
        planets.close()
    np.testing.assert_allclose(recording["orbit/sun"][k], sun / np.linalg.norm(sun), atol=1e-5)


@pytest.mark.parametrize(
    ("begin", "end", "account", "field"),
    [
        ("shed", "restored", "shed_s", "shed"),
        ("tripped", "recovered", "tripped_s", "tripped"),
        ("out", "back", "out_s", "out"),
    ],
)
def test_conditions_last_as_long_as_their_accounts(recording, begin, end, account, field):
    """Catches: a begin or an end that is logged late, twice, for another satellite, or not at all."""
    events, now = recording.table("events"), recording["time_s"][-1]
    for s in range(recording.header["satellites"]):
        mine = events["satellite"] == s
        begins = events["time_s"][mine & (events["kind"] == begin)].tolist()
        ends = events["time_s"][mine & (events["kind"] == end)].tolist()
        begins = [0.0, *begins] if recording[f"satellite/{field}"][0, s] > 0.0 else begins
        ends = [*ends, now] if len(ends) < len(begins) else ends
        assert len(begins) == len(ends)
        assert sum(ends) - sum(begins) == pytest.approx(recording[f"satellite/{account}"][-1, s], rel=1e-6)


def test_wrong_use_is_one_line():
    """Catches: recordings that begin in the middle of an episode, or go on in the next one."""
    env = gym.make("odc_gym:ODCSat-v0", overrides=SHORT)
    with pytest.raises(RecordingError, match=r"row = 1: must be from 0 to 0"):
        Recorder(env, row=1)
    with pytest.raises(RecordingError, match="must be an environment"):
        Recorder(object())
    recorder = Recorder(env)
    with pytest.raises(RecordingError, match="after a reset"):
        recorder.begin()
    with pytest.raises(RecordingError, match="has not begun"):
        recorder.finish()
    env.reset(seed=20_000)
    recorder.begin()
    env.step(env.action_space.sample() * 0)
    with pytest.raises(RecordingError, match="before the first step"):
        recorder.begin()
    env.reset(seed=20_001)
    with pytest.raises(RecordingError, match="the episode of the recording is over"):
        recorder.finish()


def begun(num_envs=2, row=0):
    """A simulator in its first episodes, with a recording of a row that has two decisions."""
    simulator = Simulator(Scenario.load("starter12", SHORT), num_envs)
    simulator.reset(range(num_envs))
    recorder = Recorder(simulator, row=row)
    recorder.begin()
    zero = np.zeros((num_envs, simulator.action_size))
    for _ in range(2):
        simulator.step(zero)
    return simulator, recorder, zero


def test_a_recording_does_not_go_on_after_its_episode_begins_anew():
    """Catches: samples of two runs of one episode in one recording."""
    simulator, recorder, zero = begun()
    assert len(recorder.finish()["time_s"]) == 3  # a recording may be read before its end
    simulator.reset([0, 1])
    for _ in range(4):
        simulator.step(zero)
    with pytest.raises(RecordingError, match="the episode of the recording is over"):
        recorder.finish()


def test_a_recording_does_not_go_on_after_a_jump():
    """Catches: a sample at a time at which the recording does not wait for one."""
    simulator, recorder, zero = begun()
    state = simulator.get_state()
    simulator.step(zero)
    simulator.set_state(state)
    with pytest.raises(RecordingError, match="the episode of the recording is over"):
        recorder.finish()
    for _ in range(2):
        simulator.step(zero)
    with pytest.raises(RecordingError, match="the episode of the recording is over"):
        recorder.finish()


def test_the_other_rows_do_not_stop_a_recording():
    """Catches: samples of another row, and a recording that any reset stops."""
    simulator, recorder, zero = begun(row=1)
    simulator.reset([7], rows=[0])
    simulator.step(zero)
    recording = recorder.finish()
    assert len(recording["time_s"]) == 4 and recording.header["seed"] == 1


def test_a_second_recording_takes_over():
    """Catches: two recordings that share their samples."""
    simulator, first, _ = begun()
    simulator.reset([0, 1])
    second = Recorder(simulator, row=1)
    second.begin()
    with pytest.raises(RecordingError, match="another recording"):
        first.finish()
    assert len(second.finish()["time_s"]) == 1

"""The picture of a fleet shows its numbers: alarms with a second sign, bars, strips, and fleets of every size."""

import copy
import pickle

import numpy as np
import pytest
from painted import count, painted, places, snapshot, spread

from odc_gym.rendering.history import CHARGE, SCORE, History
from odc_gym.rendering.picture import Painter
from odc_gym.rendering.strips import axes_of, levels, window
from odc_gym.rendering.theme import ALARM, CLASSES, RAMP

FLEET = np.s_[490:, :470]
QUEUE = np.s_[520:, 476:816]


@pytest.mark.parametrize("satellites", [1, 2, 12, 24, 81, 1000])
def test_fleets_of_every_size_are_pictures_of_one_size(satellites):
    """Catches layouts that a fleet does not fit, and cells that are left out."""
    cool = painted(snapshot(satellites), spread(satellites))
    hot = painted(snapshot(satellites, junction_k=np.full(satellites, 370.0)), spread(satellites))
    assert cool.shape == hot.shape == (720, 1280, 3) and cool.dtype == np.uint8
    assert count(hot[FLEET], ALARM) - count(cool[FLEET], ALARM) > satellites


def test_equal_courses_give_equal_pictures_and_pictures_are_copies():
    """Catches a picture that the next one changes, and what is left of an earlier picture."""
    first, second = Painter(), Painter()
    course = [painted(snapshot(decision=k, score=float(k)), spread(12), first) for k in range(3)]
    again = [painted(snapshot(decision=k, score=float(k)), spread(12), second) for k in range(3)]
    assert all(np.array_equal(a, b) for a, b in zip(course, again, strict=True))
    assert not np.array_equal(course[0], course[2])


def test_heat_below_the_limit_is_a_ramp_and_beyond_it_an_alarm():
    """Catches an alarm at the wrong limit, and a ramp that runs backwards."""
    below, beyond = (painted(snapshot(1, junction_k=np.array([k])), spread(1))[FLEET] for k in (357.9, 358.1))
    assert count(beyond, ALARM) > count(below, ALARM) and count(below, RAMP[-1]) > 0
    assert count(painted(snapshot(1, junction_k=np.array([293.0])), spread(1))[FLEET], RAMP[0]) > 0


def test_alarms_on_the_map_have_a_second_sign():
    """Catches marks that colour alone tells apart."""
    marks = Painter().map.marks
    for radius in (9.0, 2.5):
        shapes = []
        for hot, state in ((False, "sun"), (True, "sun"), (False, "SHED"), (False, "OUT")):
            mark = marks._mark((radius, 30, hot, 8, False, state))
            grey = marks.pygame.surfarray.array_alpha(mark).astype(int) * 1000
            grey += marks.pygame.surfarray.array3d(mark).astype(int).sum(2)
            shapes.append(grey)
        assert len({shape.tobytes() for shape in shapes}) == 4
    low, full = (marks._mark((9.0, 30, False, charge, False, "sun")) for charge in (2, 16))
    assert marks.pygame.surfarray.array3d(low).sum() < marks.pygame.surfarray.array3d(full).sum()


def test_bars_of_load_and_queue_are_as_long_as_their_values():
    """Catches classes that are mixed up, and bars of another scale."""
    few, many = np.zeros((3, 12)), np.zeros((3, 12))
    few[1], many[1] = 2, 8
    amounts = [count(painted(snapshot(running=held), spread(12))[FLEET], CLASSES["batch"]) for held in (few, many)]
    assert amounts[1] / amounts[0] == pytest.approx(4.0, rel=0.1)
    work = [np.array([hours, 0.0, 0.0]) * 3600.0 for hours in (0.0, 48.0, 96.0, 192.0, 9000.0)]
    bars = [count(painted(snapshot(waiting_work_s=each), spread(12))[QUEUE], CLASSES["finetuning"]) for each in work]
    full = bars[3] - bars[0]  # two hours of 96 accelerators
    assert (bars[1] - bars[0]) / full == pytest.approx(0.25, abs=0.02) and bars[3] == bars[4]


def test_a_history_forgets_what_lies_ahead_of_an_earlier_decision():
    """Catches strips of the episode before, and of decisions that a restored state has not yet made."""
    history = History(288)
    for k in (0, 1, 5):
        history.add(snapshot(decision=k, score=float(k)))
    assert history.known(0).tolist() == [0, 1, 5] and history.known(1).tolist() == [1, 5]
    assert history.values[5, CHARGE].tolist() == [50.0] * 5
    history.add(snapshot(decision=1, score=9.0))
    assert history.known(0).tolist() == [0, 1] and history.values[1, SCORE] == 9.0
    painter = Painter()
    late = painted(snapshot(decision=100), spread(12), painter)
    again = painted(snapshot(decision=2), spread(12), painter)
    assert np.array_equal(again, painted(snapshot(decision=2), spread(12))) and not np.array_equal(late, again)


def test_strips_roll_after_a_day_and_show_the_whole_of_a_shorter_episode():
    """Catches a week in one strip, and axes that change with every picture."""
    assert window(snapshot(decision=100)) == (0.0, 288.0)
    assert window(snapshot(decision=10, hours=2)) == (0.0, 24.0)
    assert window(snapshot(decision=500, hours=168)) == (212.0, 500.0)
    history = History(288)
    seen = set()
    for k in range(20):
        history.add(snapshot(decision=k, score=float(k)))
        seen.add(axes_of(snapshot(decision=k), history))
    assert len(seen) == 1
    charge = seen.pop()[0]
    (x0, y0), (x1, y1) = charge.points(np.array([0, 288]), np.array([0.0, 100.0])).tolist()
    assert x0 < x1 and y0 > y1


def test_levels_of_an_axis_are_round_and_few():
    for low, high in ((0.0, 100.0), (-60.0, 100.0), (20.0, 95.0), (0.0, 3.3), (0.0, 107.9), (-400.0, 100.0)):
        found = levels(low, high)
        assert 3 <= len(found) <= 6 and found[0] >= low and found[-1] <= high + 1e-9


def test_any_name_is_a_text():
    """Catches names that the font refuses, and names that cover the date."""
    for name in ("<script>alert(1)</script>", "a\0b\nc", "x" * 300, "日本 ☃", ""):
        what = snapshot()._replace(scenario=name, scheduler=name)
        assert painted(what, spread(12)).shape == (720, 1280, 3)
    long = painted(snapshot()._replace(scenario="x" * 300), spread(12))
    assert np.array_equal(long[:40, 832:], painted(snapshot(), spread(12))[:40, 832:])


@pytest.mark.parametrize("size", [(320, 180), (640, 480), (1920, 1080)])
def test_pictures_have_the_size_that_is_asked_for(size):
    assert painted(snapshot(), spread(12), Painter(size)).shape == (size[1], size[0], 3)


def test_another_user_of_pygame_may_end_it():
    """Catches fonts that die with the window of another wrapper."""
    painter = Painter()
    before = painted(snapshot(), spread(12), painter)
    painter.board.pygame.quit()
    changed = painted(snapshot(decision=1, score=77.7), spread(12), painter)
    assert not np.array_equal(before, changed)
    painter.board.pygame.quit()
    painter.board.pygame.font.init()
    assert painted(snapshot(decision=2, score=55.5), spread(12), painter).shape == before.shape


def test_copies_and_pickles_begin_without_history():
    painter = Painter((640, 360))
    painted(snapshot(), spread(12), painter)
    for again in (copy.deepcopy(painter), pickle.loads(pickle.dumps(painter))):
        assert again.size == (640, 360) and again._drawn == {}


def test_rows_of_a_batch_keep_their_own_history():
    """Catches rows whose strips are mixed up."""
    painter = Painter()
    for k in range(3):
        for row in (0, 1):
            painter.paint(row, snapshot(decision=k, score=float(k * row)), lambda: places([0.0] * 12, range(12)))
    assert painter._drawn[0].history.values[2, SCORE] == 0.0 and painter._drawn[1].history.values[2, SCORE] == 2.0

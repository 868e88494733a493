"""Selection and scaling of the stretch of a trace that an episode replays.

A trace is scaled to its class's share of the offered load. Rows are thinned for less load, and several stretches are
superposed for more. Times and durations are never compressed, since they decide which jobs fit into an orbit.
"""

from __future__ import annotations

import math
import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.constants import DAY_S
from odc_gym.errors import TraceError
from odc_gym.workload.jobs import round_to_grid
from odc_gym.workload.traces.recorded import Floats, RecordedArrivals

Keys = npt.NDArray[np.uint64]

MAX_COPIES = 64
_MASK = 2**64 - 1
_DAY, _COPY, _KEEP, _INSTANT = 1, 2, 3, 4  # purposes of keyed draws


class Replay(NamedTuple):
    """Rows of a trace that an episode replays.

    Attributes:
        row: (N,) indices in the trace.
        key: (N,) random keys of these appearances of the rows in this episode.
        arrival_s: (N,) arrivals from the start of the episode [s].
    """

    row: npt.NDArray[np.int64]
    key: Keys
    arrival_s: Floats


def replay(
    trace: RecordedArrivals, ratio: float, seed: int, time_of_day_s: float, before_s: float, after_s: float
) -> Replay:
    """Select an episode's stretch of a trace and scale it to a mean offered load.

    For a daily trace the seed selects the day, and the trace's clock then agrees with the episode's time of day. The
    stretch and its history lie inside the trace if the trace is long enough; otherwise the trace is repeated without
    end. A shorter trace has no hour of day and is used as a ring, so that all its parts count equally. The seed selects
    the instant. Rows before the history are kept if they would still run at a fifth of full speed.

    For less load than the trace's, each row is kept with one probability. For more load, as many copies as needed are
    superposed and thinned alike. Copies of a daily trace start on different days until all days are used, and then on
    the same days again. Copies of a shorter trace start at random instants.

    Args:
        trace: the trace.
        ratio: wanted mean offered load over that of the trace.
        seed: seed of the episode.
        time_of_day_s: time of day of the episode's start [s].
        before_s: length of the history [s].
        after_s: length of the episode [s].

    Returns:
        The selected rows; those of one copy are in order of arrival.

    Raises:
        TraceError: more than 64 copies would be needed.
    """
    copies = max(1, math.ceil(ratio))
    if copies > MAX_COPIES:
        offers = f"offers {1 / ratio:.2g} of the load that '{trace.class_name}' has in the scenario"
        raise TraceError(
            f"{trace.where}: {offers}; must be at least a {MAX_COPIES}th; --trace-as-is replays it unscaled"
        )
    episode = splitmix64(np.array([seed & _MASK], np.uint64))
    # the class is part of the key, so that the classes of one file are selected independently
    class_key = _mix_keys(_mix_keys(episode, _COPY), zlib.crc32(trace.class_name.encode()))
    parts = []
    for copy, origin_s in enumerate(_copy_starts(trace, episode, copies, time_of_day_s, before_s, after_s)):
        copy_key = _mix_keys(class_key, copy)
        for period in _repetitions(trace, origin_s, before_s, after_s):
            start_s = origin_s - period * trace.span_s  # start of the episode on the clock of this repetition
            row = trace.rows(start_s - before_s, start_s + after_s)
            key = splitmix64(_mix_keys(copy_key, period & _MASK) ^ splitmix64(row.astype(np.uint64)))
            kept = keyed_uniform(key, _KEEP) < ratio / copies
            parts.append(Replay(row[kept], key[kept], trace.submit_s[row[kept]] - start_s))
    return Replay(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def replay_as_is(trace: RecordedArrivals, seed: int, before_s: float, after_s: float) -> Replay:
    """Select the recorded rows of an episode, at their recorded times and without scaling.

    The trace's origin becomes the start of the episode. A trace that is longer than an episode is divided into windows
    of an episode's length, and episode number n replays window n modulo their number. Windows before the first row do
    not count. Rows before the window are its history, as in `replay`.

    Args:
        trace: a trace with `recorded`.
        seed: seed of the episode.
        before_s: length of the history [s].
        after_s: length of the episode [s].
    """
    assert trace.recorded is not None
    windows = trace.recorded.windows(after_s)
    window = windows[seed % len(windows)]
    start_s = trace.recorded.origin_s - trace.begin_s + window * after_s  # of the episode, on the trace's clock
    row = trace.rows(start_s - before_s, start_s + after_s)
    episode = splitmix64(np.array([seed & _MASK], np.uint64))
    class_key = _mix_keys(_mix_keys(episode, _COPY), zlib.crc32(trace.class_name.encode()))
    key = splitmix64(class_key ^ splitmix64(row.astype(np.uint64)))
    return Replay(row, key, round_to_grid(trace.submit_s[row] - start_s))


def _copy_starts(
    trace: RecordedArrivals, episode: Keys, copies: int, time_of_day_s: float, before_s: float, after_s: float
) -> list[float]:
    """Return the start of each copy of the episode on the trace's clock [s]."""
    if trace.daily:
        first, last = 0, round(trace.span_s / DAY_S) - 1
        if not trace.repeats(before_s, after_s):
            first = math.ceil((before_s - time_of_day_s) / DAY_S)
            last = math.floor((trace.span_s - after_s - time_of_day_s) / DAY_S)
        days = np.arange(first, last + 1, dtype=np.int64)
        days = days[np.argsort(_mix_keys(_mix_keys(episode, _DAY), days.astype(np.uint64)), kind="stable")]
        return [float(days[copy % days.size]) * DAY_S + time_of_day_s for copy in range(copies)]
    uniform = keyed_uniform(_mix_keys(episode, np.arange(copies, dtype=np.uint64)), _INSTANT)
    return [float(origin_s) for origin_s in round_to_grid(trace.span_s * uniform)]


def _repetitions(trace: RecordedArrivals, origin_s: float, before_s: float, after_s: float) -> range:
    """Return the repetitions of the trace that overlap the episode.

    A daily trace that is long enough has only repetition 0.
    """
    if trace.daily and not trace.repeats(before_s, after_s):
        return range(1)
    oldest_s = origin_s - before_s - trace.max_lifetime_s
    return range(math.floor(oldest_s / trace.span_s), math.floor((origin_s + after_s) / trace.span_s) + 1)


def splitmix64(x: Keys) -> Keys:
    """Return the first number of a SplitMix64 generator in each state x: a bijection that scatters (N,) 64-bit words.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def keyed_uniform(key: Keys, purpose: int) -> Floats:
    """Return uniform numbers in (0, 1) that depend on key and purpose alone, (N,)."""
    # 52 bits and half a step keep the numbers off both ends
    return ((_mix_keys(key, purpose) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _mix_keys(key: Keys, value: int | Keys) -> Keys:
    """Return keys that combine keys with a value or with other keys."""
    # one word is an array too, since scalars would warn of the intended overflow
    return splitmix64(key ^ splitmix64(np.atleast_1d(np.asarray(value, np.uint64))))

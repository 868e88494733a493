"""Job traces of real clusters: reading them, and choosing and scaling the window that an episode replays.

A trace is scaled to its class's share of the offered load by thinning rows or by laying several days of it over each
other, never by compressing times or durations: those decide what fits into an orbit.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from odc_gym.errors import TraceError

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]

DAY_S = 86400.0
SLOWEST = 0.2  # share of full speed at which an old job is still reckoned with
MAX_COPIES = 64

PHILLY = ("timestamp", "duration", "num_gpus", "gpu_time", "cluster")
_EPOCH = datetime(1970, 1, 1)
_MASK = 2**64 - 1
_DAY, _COPY, _KEEP = 1, 2, 3  # purposes of keyed draws
_T = TypeVar("_T", int, float)


@dataclass(frozen=True, eq=False)
class Trace:
    """The jobs of a trace that replaces one class of a workload; N jobs in order of submission.

    Attributes:
        name: the file's name without suffixes.
        path: the file.
        class_name: class that the trace replaces.
        midnight: midnight before the first submission, on the trace's own clock.
        submit_s: (N,) submissions since `midnight` [s]; modulo a day, the local time of day.
        duration_s: (N,) run times [s].
        width: (N,) accelerators.
        span_s: whole days that the rows cover [s].
        rejected: rows left out because their duration is 0.
    """

    name: str
    path: str
    class_name: str
    midnight: datetime
    submit_s: Floats
    duration_s: Floats
    width: npt.NDArray[np.int32]
    span_s: float
    rejected: int

    @property
    def offered_rate(self) -> float:
        """Mean offered load [accelerator-hours per hour]."""
        return float(np.sum(self.duration_s * self.width)) / self.span_s

    def repeats(self, before_s: float, after_s: float) -> bool:
        """Whether an episode with this history and length [s] is longer than the trace, whatever its time of day."""
        return self.span_s < before_s + after_s + DAY_S

    def note(self, before_s: float, after_s: float) -> str | None:
        """One line for people where the trace has to be repeated, else None."""
        if not self.repeats(before_s, after_s):
            return None
        days, needed = self.span_s / DAY_S, math.ceil((before_s + after_s + DAY_S) / DAY_S)
        return f"{self.path}: covers {days:.0f} days where an episode with its history needs {needed}, so it repeats"


def read_trace(path: str | Path) -> Trace:
    """Read a job trace; the header tells its format, and gzip and a byte-order mark are undone.

    Known: the flattened Philly trace (`timestamp,duration,num_gpus,gpu_time,cluster`), which replaces `finetuning`.

    Raises:
        TraceError: no such file, an unknown format, or the first malformed row, in one line.
    """
    path = Path(path)
    lines = _lines(path, _text(path))
    header = tuple(field.strip() for field in next(lines, (1, []))[1])
    if header != PHILLY:
        got = f"got '{_short(','.join(header))}'" if header else "the file is empty"
        raise TraceError(f"{path}:1: expected the header '{','.join(PHILLY)}', {got}")
    return _read_philly(path, lines)


def _text(path: Path) -> str:
    if path.is_dir():
        raise TraceError(f"{path}: is a folder, expected a CSV file")
    if not path.is_file():
        raise TraceError(f"{path}: no such file")
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TraceError(f"{path}: expected a CSV file in UTF-8, got binary data") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TraceError(f"{path}: not readable as gzip: {error}") from None
    except OSError as error:
        raise TraceError(f"{path}: not readable: {error.strerror}") from None
    if "\0" in text:
        raise TraceError(f"{path}: expected a CSV file in UTF-8, got binary data")
    return text


def _lines(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Line number and fields of each row that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for fields in reader:
            if fields:
                yield reader.line_num, fields
    except csv.Error as error:
        raise TraceError(f"{path}:{reader.line_num}: not readable as CSV: {error}") from None


def _read_philly(path: Path, lines: Iterator[tuple[int, list[str]]]) -> Trace:
    rows, rejected = [], 0
    for line, fields in lines:
        row = _philly_row(fields, f"{path}:{line}")
        if row[1] > 0:
            rows.append(row)
        else:
            rejected += 1
    if not rows:
        raise TraceError(f"{path}: no jobs below the header" + (f" but {rejected} of duration 0" if rejected else ""))
    rows.sort(key=lambda row: row[0])
    midnight_s = math.floor(rows[0][0] / DAY_S) * DAY_S
    submit_s = np.array([row[0] for row in rows]) - midnight_s
    duration_s = np.array([row[1] for row in rows])
    width = np.array([row[2] for row in rows], np.int32)
    for column in (submit_s, duration_s, width):
        column.flags.writeable = False
    return Trace(
        name=path.name.split(".")[0],
        path=str(path),
        class_name="finetuning",
        midnight=_EPOCH + timedelta(seconds=midnight_s),
        submit_s=submit_s,
        duration_s=duration_s,
        width=width,
        span_s=(math.floor(submit_s[-1] / DAY_S) + 1) * DAY_S,
        rejected=rejected,
    )


def _philly_row(fields: list[str], where: str) -> tuple[float, float, int]:
    """Submission on the trace's clock since 1970 [s], duration [s] and accelerators of one row."""
    if len(fields) != len(PHILLY):
        raise TraceError(f"{where}: expected {len(PHILLY)} columns, got {len(fields)}")
    submit_s = _parse(fields, 0, where, _clock_s, "a time like 2017-10-09 07:01:55")
    duration_s = _parse(fields, 1, where, _seconds, "seconds > 0")
    width = _parse(fields, 2, where, _accelerators, "a whole number >= 1")
    gpu_time_s = _parse(fields, 3, where, _seconds, "seconds > 0")
    # a duration rounded to full seconds may be half a second off on every accelerator
    if abs(gpu_time_s - duration_s * width) > 1e-6 * gpu_time_s + width:
        expected = f"duration * num_gpus = {duration_s * width:.10g}"
        raise TraceError(f"{where}: column 'gpu_time': expected {expected}, got '{_short(fields[3])}'")
    return submit_s, duration_s, width


def _parse(fields: list[str], column: int, where: str, parse: Callable[[str], _T], expected: str) -> _T:
    try:
        return parse(fields[column])
    except ValueError:
        name, got = PHILLY[column], _short(fields[column])
        raise TraceError(f"{where}: column '{name}': expected {expected}, got '{got}'") from None


def _clock_s(text: str) -> float:
    if len(text) != 19:  # fromisoformat also takes plain dates, weeks and offsets
        raise ValueError(text)
    return (datetime.fromisoformat(text) - _EPOCH).total_seconds()


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf or "_" in text:
        raise ValueError(text)
    return value


def _accelerators(text: str) -> int:
    value = int(text)
    if not 1 <= value < 2**31 or "_" in text:
        raise ValueError(text)
    return value


def _short(text: str) -> str:
    """User text fit for one line of an error message."""
    line = "".join(c if c.isprintable() else "?" for c in text)
    return line if len(line) <= 60 else line[:57] + "..."


class Replay(NamedTuple):
    """Rows of a trace that an episode replays.

    Attributes:
        row: (N,) index in the trace.
        key: (N,) random key of this appearance of the row in this episode.
        arrival_s: (N,) from the start of the episode [s].
    """

    row: npt.NDArray[np.int64]
    key: Keys
    arrival_s: Floats


def replay(
    trace: Trace, wanted_rate: float, seed: int, time_of_day_s: float, before_s: float, after_s: float
) -> Replay:
    """Choose an episode's window of a trace and scale it to a mean offered load.

    The seed chooses the day; the trace's clock then reads the episode's time of day. The window with its history lies
    inside the trace where the trace is long enough, otherwise the trace is repeated without end. Of the rows before the
    history those are kept that would still run at a fifth of full speed. Less load than the trace's is got by keeping
    each row with one probability; more by as many copies as needed, each of another day as far as there are days,
    thinned alike; beyond that the same days serve again.

    Args:
        trace: the trace.
        wanted_rate: mean offered load [accelerator-hours per hour].
        seed: the episode.
        time_of_day_s: of the episode's start [s].
        before_s: history [s].
        after_s: length of the episode [s].

    Returns:
        The rows; those of one copy are in order of arrival.

    Raises:
        TraceError: more than 64 copies would be needed.
    """
    ratio = wanted_rate / trace.offered_rate
    copies = max(1, math.ceil(ratio))
    if copies > MAX_COPIES:
        offers = f"offers {trace.offered_rate:.3g} of the {wanted_rate:.3g} accelerator-hours an hour that are wanted"
        raise TraceError(f"{trace.path}: {offers}; must be at least a {MAX_COPIES}th")
    episode = splitmix64(np.array([seed & _MASK], np.uint64))
    days = _days(trace, episode, time_of_day_s, before_s, after_s)
    parts = []
    for copy in range(copies):
        origin_s = float(days[copy % days.size]) * DAY_S + time_of_day_s
        copy_key = _mix(_mix(episode, _COPY), copy)
        for period in _periods(trace, origin_s, before_s, after_s):
            arrival_s = trace.submit_s + (period * trace.span_s - origin_s)
            end_s = arrival_s + trace.duration_s / SLOWEST
            row = np.flatnonzero((arrival_s < after_s) & (end_s > -before_s))
            key = _mix(_mix(copy_key, period & _MASK), row.astype(np.uint64))
            kept = keyed_uniform(key, _KEEP) < ratio / copies
            parts.append(Replay(row[kept], key[kept], arrival_s[row[kept]]))
    return Replay(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _days(trace: Trace, episode: Keys, time_of_day_s: float, before_s: float, after_s: float) -> npt.NDArray[np.int64]:
    """Days of the trace on which the episode may start, in the episode's random order."""
    first, last = 0, round(trace.span_s / DAY_S) - 1
    if not trace.repeats(before_s, after_s):
        first = math.ceil((before_s - time_of_day_s) / DAY_S)
        last = math.floor((trace.span_s - after_s - time_of_day_s) / DAY_S)
    days = np.arange(first, last + 1, dtype=np.int64)
    return days[np.argsort(_mix(_mix(episode, _DAY), days.astype(np.uint64)), kind="stable")]


def _periods(trace: Trace, origin_s: float, before_s: float, after_s: float) -> range:
    """Repetitions of the trace that reach into the episode: just the trace itself where it is long enough."""
    if not trace.repeats(before_s, after_s):
        return range(1)
    oldest_s = origin_s - before_s - float(trace.duration_s.max()) / SLOWEST
    return range(math.floor(oldest_s / trace.span_s), math.floor((origin_s + after_s) / trace.span_s) + 1)


def splitmix64(x: Keys) -> Keys:
    """The first number of a SplitMix64 generator in each state x: a bijection of (N,) 64-bit words that scatters them.

    Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def keyed_uniform(key: Keys, purpose: int) -> Floats:
    """Uniform numbers, the same for the same key and purpose whatever else is drawn: (N,) in (0, 1)."""
    # 52 bits and a half: neither end is reached
    return ((_mix(key, purpose) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _mix(key: Keys, value: int | Keys) -> Keys:
    # arrays even for one word: scalars would warn of the overflow that is meant here
    return splitmix64(key ^ splitmix64(np.atleast_1d(np.asarray(value, np.uint64))))

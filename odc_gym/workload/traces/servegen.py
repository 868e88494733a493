"""Format of ServeGen's clients: request rates in windows of ten minutes, and distributions of request lengths.

A client has two files, `chunk-NAME-trace.csv` and `chunk-NAME-dataset.json`. Its rate gives the number of requests in
each window. The gaps between them have the published family and shape, and are stretched to fill the window. Lengths
are drawn from the distributions of that time. All clients together replace the class interactive, each as a tenant.

The draws depend on the client's name alone. The same files therefore always give the same requests, which an episode
replays like any others. Weeks of hundreds of requests a second would not fit into memory. Beyond `MAX_REQUESTS`
requests a random share of them is drawn, and a note gives that share.

Source: Xiang et al., "ServeGen: workload characterization and generation of large language model serving in
production", NSDI 2026.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from odc_gym.errors import TraceError
from odc_gym.workload.traces.collecting import Absences, RequestCollector
from odc_gym.workload.traces.lengths import Lengths
from odc_gym.workload.traces.reading import RELATIVE, Column, Format, parse_arrival_s, parse_rows, parse_seconds
from odc_gym.workload.traces.recorded import Floats, Trace
from odc_gym.workload.traces.text import Sample, csv_rows

MAX_REQUESTS = 2**23  # most requests that are drawn; they take 160 MB
WINDOW_S = 600.0
FAMILIES = ("Gamma", "Weibull")
_TRACE_NAME = re.compile(r"chunk-([\w-]+)-trace\.csv")


def _parse_family(text: str) -> str | None:
    if text not in ("", *FAMILIES):
        raise ValueError(text)
    return text or None


COLUMNS = (
    Column("t", parse_arrival_s, RELATIVE),
    Column("rate", parse_seconds, "requests a second >= 0"),
    Column("cv", str, "a number"),
    Column("family", _parse_family, "Gamma or Weibull, or nothing where the rate is 0"),
    Column("shape", parse_seconds, "a number >= 0"),
    Column("scale", str, "a number"),
)


class ClientWindow(NamedTuple):
    """Ten minutes of a client.

    Attributes:
        begin_s: begin [s].
        requests: number of requests.
        family: family of the gaps.
        shape: shape of the gaps.
    """

    begin_s: float
    requests: int
    family: str
    shape: float


def _matches(sample: Sample) -> bool:
    return _TRACE_NAME.fullmatch(sample.path.name) is not None


def client_files(folder: Path) -> list[Path]:
    """Return the rate files of the clients in a folder, sorted by name."""
    return sorted(path for path in folder.glob("chunk-*-trace.csv") if _TRACE_NAME.fullmatch(path.name))


def _read(path: Path, named: bool) -> Trace:
    files = client_files(path) if path.is_dir() else [path]
    windows = [window for file in files for window in _windows(file)]
    expected = sum(window.requests for window in windows)
    share = min(1.0, MAX_REQUESTS / max(1, expected))
    requests = RequestCollector(path)
    for file in files:
        found = _TRACE_NAME.fullmatch(file.name)
        name = found.group(1) if found else file.name
        lengths = Lengths(file.with_name(f"chunk-{name}-dataset.json"))
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence(zlib.crc32(name.encode()))))
        for window in _windows(file):
            if window.requests:
                places = draw_arrival_places(window, share, rng)
                tokens = lengths.draw(window.begin_s, places.size, rng)
                requests.extend(window.begin_s + WINDOW_S * places, *tokens, name)
    remark = f"{share:.3g} of its {expected} requests are drawn, at random" if share < 1 else None
    begin_s, end_s = min(w.begin_s for w in windows), max(w.begin_s for w in windows) + WINDOW_S
    return requests.trace((begin_s, end_s), remark)


def _windows(path: Path) -> Iterator[ClientWindow]:
    """Yield the windows of a client.

    Raises:
        TraceError: the file is malformed or empty, or its windows are not ten minutes.
    """
    before = -1
    rows = parse_rows(path, csv_rows(path), [c.name for c in COLUMNS], COLUMNS, Absences(path))
    for line, (begin_s, rate, _, family, shape, _) in rows:
        if begin_s % WINDOW_S or begin_s <= before:
            raise TraceError(f"{path}:{line}: column 't': expected the next multiple of 600 s, got '{begin_s:g}'")
        before = begin_s
        requests = round(rate * WINDOW_S)
        if requests and not (family and shape):
            raise TraceError(f"{path}:{line}: column 'family': expected a family and a shape above 0 at a rate above 0")
        yield ClientWindow(begin_s, requests, family or "", shape)
    if before < 0:
        raise TraceError(f"{path}: the file is empty")


def draw_arrival_places(window: ClientWindow, share: float, rng: np.random.Generator) -> Floats:
    """Draw the places of a window's kept requests, from 0 to 1 and in order: (N,).

    Each request is kept with probability `share`. The gaps around all requests of the window, kept or not, add up to
    the window. Gaps between kept requests are sums of gaps. A sum of gamma variates is drawn as one gamma variate.
    """
    count = window.requests
    kept = _draw_kept(count, share, rng)
    if window.family == "Gamma":
        skipped = np.diff(kept, prepend=0, append=count + 1)
        elapsed = np.cumsum(rng.standard_gamma(window.shape * skipped))
        return np.asarray(elapsed[:-1] / elapsed[-1], np.float64)
    elapsed = np.cumsum(rng.weibull(window.shape, count + 1))
    return np.asarray(elapsed[kept - 1] / elapsed[-1], np.float64)


def _draw_kept(count: int, share: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw which of the requests 1 to `count` are kept, each with probability `share`."""
    if share == 1:
        return np.arange(1, count + 1)
    kept = np.cumsum(rng.geometric(share, int(count * share + 10 * (count * share) ** 0.5 + 20)))
    return kept[kept <= count]


FORMAT = Format(
    "servegen",
    "ServeGen clients",
    "a folder of chunk-NAME-trace.csv and chunk-NAME-dataset.json",
    "interactive",
    (),
    (),
    _matches,
    _read,
)

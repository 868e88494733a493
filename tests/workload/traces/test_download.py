"""Download of public traces from a file server on loopback: complete and right files are kept, others discarded."""

import hashlib
import re
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from odc_gym.cli import main
from odc_gym.errors import OdcGymError
from odc_gym.workload.traces import download as public_traces
from odc_gym.workload.traces.download import PUBLIC_TRACES, PublicTrace, fetch, locate_trace

DATA = b"arrival_s,input_tokens,output_tokens\n" + b"".join(b"%d,300,20\n" % k for k in range(4000))
NAME = "made-2026"


class Server(BaseHTTPRequestHandler):
    """Handler that answers as its server prescribes, and records the requested paths."""

    def do_GET(self):
        self.server.asked.append(self.path)
        how = self.server.how
        self.send_response(404 if how == "404" else 200)
        body = DATA if how in ("right", "broken") else b"other" * 9
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if how == "broken" else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch, tmp_path):
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        running.how, running.asked = "right", []
        thread = Thread(target=partial(running.serve_forever, poll_interval=0.01))
        thread.start()
        monkeypatch.setenv("NO_PROXY", "*")
        monkeypatch.setattr(public_traces, "BASE_URL", f"http://127.0.0.1:{running.server_address[1]}")
        monkeypatch.setattr(public_traces, "_cache", lambda: tmp_path / "cache")
        trace = PublicTrace("made", "none", "a/b", "c" * 40, "d/e.csv", len(DATA), hashlib.sha256(DATA).hexdigest())
        monkeypatch.setitem(PUBLIC_TRACES, NAME, trace)
        yield running
        running.shutdown()
        thread.join()


def test_a_trace_is_fetched_once_and_found_by_name(server, tmp_path):
    told = []
    with pytest.raises(OdcGymError, match=f"^{NAME}: not fetched yet; `odc-gym trace fetch {NAME}` downloads it$"):
        locate_trace(Path(NAME))
    file = fetch(NAME, progress=lambda done, total: told.append((done, total)))
    assert file == tmp_path / "cache" / f"{NAME}.csv" == locate_trace(Path(NAME)) and file.read_bytes() == DATA
    assert server.asked == [f"/a/b/{'c' * 40}/d/e.csv"]
    assert told[-1] == (len(DATA), len(DATA)) and all(done <= total for done, total in told)
    assert fetch(NAME) == file and len(server.asked) == 1
    file.write_bytes(DATA[:-1])  # the file is damaged
    assert fetch(NAME).read_bytes() == DATA and len(server.asked) == 2
    assert locate_trace(Path("jobs.csv")) == Path("jobs.csv")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("404", "not downloaded: the server answers 404"),
        ("wrong", f"not kept: what came has another SHA-256 than {hashlib.sha256(DATA).hexdigest()}"),
        ("broken", "not downloaded: the connection broke before the file was whole"),
    ],
)
def test_what_does_not_come_whole_and_right_is_not_kept(server, tmp_path, how, said):
    server.how = how
    with pytest.raises(OdcGymError) as caught:
        fetch(NAME, tmp_path / "to")
    assert str(caught.value) == f"{public_traces.BASE_URL}/{PUBLIC_TRACES[NAME].url_path}: {said}"
    assert list((tmp_path / "to").iterdir()) == []


def test_without_a_network_that_is_told_in_one_line(server, tmp_path, monkeypatch):
    monkeypatch.setattr(public_traces, "BASE_URL", "http://127.0.0.1:9")  # the discard port, which has no listener
    with pytest.raises(OdcGymError, match=r": not downloaded: no connection to the server$"):
        fetch(NAME, tmp_path)


def test_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OdcGymError, match=r"file: not writable: "):
        fetch(NAME, tmp_path / "file")


def test_the_command_downloads_lists_and_refuses(server, tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["trace", "fetch", NAME, "--to", str(tmp_path / "to")])
    assert left.value.code in (0, None)
    assert capsys.readouterr().out.strip() == str(tmp_path / "to" / f"{NAME}.csv")
    with pytest.raises(SystemExit):
        main(["trace", "fetch"])
    listed = capsys.readouterr().out
    assert all(name in listed and trace.licence in listed for name, trace in PUBLIC_TRACES.items())
    with pytest.raises(SystemExit) as left:
        main(["trace", "fetch", "absent"])
    assert left.value.code == 2 and capsys.readouterr().err.startswith(
        "error: trace = absent: must be one of azure-llm-"
    )


def test_the_table_pins_every_file():
    for name, trace in PUBLIC_TRACES.items():
        assert re.fullmatch(r"[a-z0-9-]+", name) and re.fullmatch(r"[0-9a-f]{40}", trace.commit)
        assert re.fullmatch(r"[0-9a-f]{64}", trace.sha256) and trace.size > 100_000
        assert public_traces.file_name(name).startswith(f"{name}.")

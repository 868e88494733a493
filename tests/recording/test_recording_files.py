"""Files of recordings: a round trip, and one line for everything that is no recording."""

import io
import json
import zipfile

import numpy as np
import pytest

from odc_gym.errors import RecordingError
from odc_gym.recording import Recording, read_recording, record_episode, write_recording
from odc_gym.recording.schema import FORMAT_VERSION, HEADER, SHAPES


@pytest.fixture(scope="module")
def recording():
    return record_episode("starter12", "zero", 20_000, overrides={"episode.hours": 1.0})


@pytest.fixture
def file(recording, tmp_path):
    path = tmp_path / "day.npz"
    write_recording(path, recording)
    return path


def with_header(path, **changes):
    """Write the recording again with other values in its header; None removes a value."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    header = json.loads(arrays[HEADER].tobytes()) | changes
    text = json.dumps({name: value for name, value in header.items() if value is not None}).encode()
    np.savez(path, **(arrays | {HEADER: np.frombuffer(text, np.uint8)}))


def with_array(path, name, array):
    """Write the recording again with another array; None removes it."""
    with np.load(path) as stored:
        arrays = {each: stored[each] for each in stored.files} | {name: array}
    np.savez(path, **{each: value for each, value in arrays.items() if value is not None})


def test_a_file_holds_the_recording(recording, file):
    """Catches: an array that is rounded, renamed or left out."""
    read = read_recording(file)
    assert read.header == recording.header
    assert set(read.arrays) == set(recording.arrays)
    assert all(np.array_equal(read[name], recording[name], equal_nan=True) for name in read.arrays)
    assert set(SHAPES) <= set(read.arrays)


@pytest.mark.parametrize("length", [0, 1, 100, 5000, -1000, -22, -1])
def test_a_truncated_file_is_one_line(file, length):
    """Catches: a traceback of zipfile, zlib or NumPy."""
    whole = file.read_bytes()
    file.write_bytes(whole[:length])
    with pytest.raises(RecordingError, match=r"day\.npz: ") as caught:
        read_recording(file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_are_one_line_or_harmless(file, seed):
    """Catches: a traceback of the reader for any damage."""
    data = bytearray(file.read_bytes())
    rng = np.random.default_rng(seed)
    for place in rng.integers(len(data), size=8):
        data[place] ^= int(rng.integers(1, 256))
    file.write_bytes(data)
    try:
        read_recording(file)
    except RecordingError as error:
        assert str(error).startswith(str(file)) and "\n" not in str(error)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": FORMAT_VERSION + 1}, "reads up to 1; update odc-gym"),
        ({"format_version": "1"}, "must be a whole number from 1"),
        ({"format": "something"}, "is no recording of odc-gym"),
        ({"satellites": None}, "header satellites = None: must be int"),
        ({"decisions": 7}, r"array time_s: shape \(13,\), must be \(D\+1\) = \(8,\)"),
        ({"seed": True}, "header seed = True: must be int"),
        ({"classes": []}, "array class/held: shape"),
    ],
)
def test_a_wrong_header_is_one_line(file, changes, message):
    """Catches: a newer schema that is read as if it were this one, and values that later code stumbles on."""
    with_header(file, **changes)
    with pytest.raises(RecordingError, match=message):
        read_recording(file)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("satellite/charge_frac", None, "array satellite/charge_frac is missing"),
        ("satellite/charge_frac", np.zeros((13, 11)), r"must be \(D\+1,S\) = \(13, 12\)"),
        ("event/kind", np.zeros(3, "U4"), "of numbers"),
        ("job/class_id", np.full(9, 99), "array job/"),
        ("link/epoch", np.zeros(2), r"must be \(D\+1\)"),
    ],
)
def test_a_wrong_array_is_one_line(file, name, array, message):
    """Catches: shapes and indices that later code stumbles on."""
    with_array(file, name, array)
    with pytest.raises(RecordingError, match=message):
        read_recording(file)


def test_a_file_of_an_earlier_version_lacks_later_accounts(file):
    """Catches: a new account that makes all recordings of earlier versions unreadable."""
    with_array(file, "account/heat_throttle_s", None)
    read = read_recording(file)
    assert "heat_throttle_s" not in read.table("accounts") and "paid" in read.table("accounts")
    with pytest.raises(RecordingError, match="account/heat_throttle_s: not in the recording"):
        read["account/heat_throttle_s"]


def test_other_files_are_one_line(tmp_path):
    """Catches: pickles that are loaded, and messages of other libraries."""
    for name, data in (("a.npz", b""), ("b.npz", b"hello"), ("c.npz", b"PK\x03\x04junk")):
        (tmp_path / name).write_bytes(data)
    np.save(tmp_path / "d.npy", np.zeros(3))
    np.savez(tmp_path / "e.npz", x=np.zeros(3))
    np.savez(tmp_path / "f.npz", **{HEADER: np.array([object()], object)})
    with zipfile.ZipFile(tmp_path / "g.npz", "w") as archive:
        archive.writestr(f"{HEADER}.npy", io.BytesIO(b"\x93NUMPY\x01\x00").getvalue())
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(RecordingError, match=path.name):
            read_recording(path)
    with pytest.raises(RecordingError, match=r"no such file; did you mean .*a\.npz"):
        read_recording(tmp_path / "aa.npz")


def test_an_interrupted_write_leaves_the_old_file(recording, file, monkeypatch):
    """Catches: a file that is written in place."""
    before = file.read_bytes()
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_recording(file, recording)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_unknown_names_are_one_line(recording):
    """Catches: KeyErrors of arrays and tables."""
    with pytest.raises(RecordingError, match="did you mean satellite/charge_frac"):
        recording["satellite/charge_fra"]
    with pytest.raises(RecordingError, match="must be one of satellites"):
        recording.table("satelites")
    assert isinstance(recording, Recording)

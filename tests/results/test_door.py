"""The door: what is no regular file, too large, too deep, or asks for more memory than it may is refused by name."""

from __future__ import annotations

import io
import json
import os
import socket
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.networks import load as load_network
from supnorm.problem.problem_file import read_specification
from supnorm.results import BadInput
from supnorm.results.arrays import read_arrays
from supnorm.results.door import read_json, reading
from supnorm.results.guard import SETTING, memory_bounded

LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no RLIMIT_DATA elsewhere")


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def plugged(folder: Path) -> Path:
    before = Path.cwd()
    os.chdir(folder)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind("plug")
    finally:
        os.chdir(before)
    return folder / "plug"


def linked(folder: Path) -> Path:
    (folder / "link").symlink_to("/dev/zero")
    return folder / "link"


KINDS: dict[str, Any] = {
    "a pipe": fifo,
    "a device": lambda folder: Path("/dev/zero"),
    "a folder": lambda folder: folder,
    "a socket": plugged,
    "no such file": lambda folder: folder / "none",
    "is a device": linked,
    "not UTF-8": lambda folder: folder / os.fsdecode(b"bad\xff.toml"),
    "too long": lambda folder: folder / ("a" * 5000),
    "null": lambda folder: folder / "a\0b",
}
READERS: dict[str, Any] = {
    "problem": read_specification,
    "json": read_json,
    "npz": read_arrays,
    "network": load_network,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_regular_file(tmp_path: Path, kind: str, reader: str) -> None:
    path = KINDS[kind](tmp_path)
    begun = time.monotonic()
    with pytest.raises(BadInput) as caught:
        READERS[reader](path)
    assert kind in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert time.monotonic() - begun < 60  # a pipe or a device would be read for ever


@pytest.mark.parametrize(
    "fault",
    [
        ValueError("a\nb"), RecursionError(), MemoryError(), OverflowError("x"), KeyError("k"), EOFError(),
        RuntimeError("\x1b[2J"), OSError(5, "broken"), zipfile.BadZipFile("z"),
    ],
)  # fmt: skip
def test_whatever_a_reader_raises_is_the_file_s_fault(tmp_path: Path, fault: Exception) -> None:
    (tmp_path / "f").write_bytes(b"1")
    with pytest.raises(BadInput) as caught, reading(tmp_path / "f", hint="cannot be read as F"):
        raise fault
    said = str(caught.value)
    assert said.startswith(f"{tmp_path / 'f'} cannot be read as F: ")
    assert said.isprintable()


@LINUX
def test_memory_is_refused_inside_and_given_back(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    with pytest.raises(BadInput, match=f"more memory than .*{SETTING}"), reading(tmp_path / "f"):
        np.ones(400_000_000)  # 3.2 GB
    with memory_bounded(1_000_000_000), pytest.raises(MemoryError), memory_bounded(10_000_000_000):
        np.ones(400_000_000)  # the outermost holds
    assert np.empty(400_000_000).size


def claiming(path: Path, shape: tuple[int, ...], dtype: str = "<f8", data: bytes = b"") -> Path:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": shape, "fortran_order": False, "descr": dtype})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header.getvalue() + data)
    return path


@pytest.mark.parametrize(
    ("shape", "dtype", "data", "said"),
    [
        ((10**13,), "<f8", b"", "claims the shape"),
        ((10**9, 10**9, 10**9), "<f8", b"", "claims the shape"),
        ((-1,), "<f8", b"", "claims the shape"),
        ((3,), "<f8", b"1" * 16, "claims the shape"),
        ((1,), "<c16", b"1" * 16, "complex128; real numbers"),
        ((1,), "|O", b"", "Python objects"),
        ((), "<U2", b"{\0\0\0\xff\xff\xff\xff", "a holds text with characters that do not exist"),
        ((), ">U1", b"\x00\x11\0\0", "a holds text with characters that do not exist"),
        ((1_500_000,), "<f8", bytes(12_000_000), "asks for 0.012 GB, more than the 0.01 GB"),
    ],
)
def test_headers_that_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Any, dtype: str, data: bytes, said: str
) -> None:
    monkeypatch.setenv(SETTING, "0.01")
    with pytest.raises(BadInput, match=said):
        read_arrays(claiming(tmp_path / "a.npz", shape, dtype, data))


def test_orders_and_types_are_read_back(tmp_path: Path) -> None:
    arrays = {
        "c": np.arange(6.0).reshape(2, 3), "f": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.float64(2.0), "text": np.array("word"), "none": np.zeros((0, 3)), "big": np.arange(3, dtype=">i4"),
    }  # fmt: skip
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_arrays(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.slow
def test_depth_and_size_of_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("[" * 50 + "]" * 50)
    read_json(path)
    for depth in (70, 900, 100_000):
        path.write_text("[" * depth + "]" * depth)
        with pytest.raises(BadInput, match="nested too deeply"):
            read_json(path)
    path.write_text(json.dumps("a" * 65_000_000))
    with pytest.raises(BadInput, match="65 MB, more than the 64 MB"):
        read_json(path)
    monkeypatch.setenv(SETTING, "0.1")
    assert len(read_json(path)) == 65_000_000
    monkeypatch.setenv(SETTING, "much")
    with pytest.raises(BadInput, match=SETTING):
        read_json(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a = " + "[" * 100 + "]" * 100, "nested too deeply"),
        ("a = " + "1" * 5000, "not valid TOML"),
        ("[domain]\nx = [0, 0x" + "f" * 5000 + "]\n[reference]\npython = 'a.py:f'", "x.high"),
        ("title = 0x" + "f" * 5000 + "\n[reference]\npython = 'a.py:f'", "an integer of thousands of digits"),
        ("title = '''" + "a" * 2_000_000 + "'''", "more than the 2 MB"),
    ],
)
def test_problem_files_of_odd_sizes(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "problem.toml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_specification(path)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 600

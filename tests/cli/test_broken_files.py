"""Every reader on broken files, in a process that ends when one takes over ten seconds of processor time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.soundness.doors import READ
from tests.broken_readers import KINDS

import supnorm
from supnorm.sources.model_file import KNOWN

ROOT = Path(supnorm.__file__).parents[2]
QUICK = ("problem", "law", "store", "t.csv", "net.npz")
NEEDS = {
    "net.onnx": "onnxruntime",
    "net.pt2": "torch",
    "t.parquet": "pyarrow",
    "t.nc": "h5netcdf",
    "certificate": "flint",
}
limited = pytest.mark.skipif(not hasattr(signal, "SIGPROF"), reason="no limit of processor time here")


def outcomes(folder: Path, count: int, *kinds: str) -> list[str]:
    """What came of each case; the last line is without an outcome where the process ended."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.broken_readers", str(folder), str(count), *kinds], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert done.returncode == 0, f"{done.returncode} at {lines[-1:]}: {done.stderr[-500:]}"
    return lines


def assert_each_ends_as_it_should(lines: list[str], expected: int) -> None:
    wrong = [line for line in lines if line.rpartition(": ")[2] not in ("read", "refused")]
    assert not wrong, "\n".join(wrong)
    assert len(lines) == expected
    assert sum(line.endswith("refused") for line in lines) > expected / 4


@pytest.mark.slow
@limited
def test_readers_of_numpy_and_text_end_on_broken_files(tmp_path: Path) -> None:
    assert_each_ends_as_it_should(outcomes(tmp_path, 8, *QUICK), 8 * len(QUICK))


@limited
@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_reader_ends_on_broken_files(tmp_path: Path, kind: str) -> None:
    if kind in NEEDS:
        pytest.importorskip(NEEDS[kind])
    assert_each_ends_as_it_should(outcomes(tmp_path, 60, kind), 60)


def test_each_kind_of_file_that_is_opened_is_broken_here_and_by_the_campaign() -> None:
    """But TorchScript, which runs only where it is trusted: the campaign tries that it is refused."""
    suffixes = {word for word in KNOWN.replace(",", " ").split() if word.startswith(".")}
    assert suffixes <= {Path(name).suffix for name in READ}
    assert suffixes - {".pt"} <= {Path(kind).suffix for kind in KINDS}

"""Every reader on broken files, in a process that ends when one takes over ten seconds of processor time."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from benchmarks.soundness.doors import READ
from benchmarks.soundness.fuzz import LIKED, SPARSE, read_corpus
from benchmarks.soundness.readers import KINDS

import supnorm
from supnorm.sources.model_file import KNOWN

ROOT = Path(supnorm.__file__).parents[2]
CORPUS = ROOT / "benchmarks" / "soundness" / "corpus.zip"
NEEDS = {
    "net.onnx": "onnxruntime",
    "net.pt2": "torch",
    "t.parquet": "pyarrow",
    "t.nc": "h5netcdf",
    "certificate": "flint",
    "certificate.json": "flint",
    "certificate.jsonl": "flint",
}
limited = pytest.mark.skipif(not hasattr(signal, "SIGPROF"), reason="no limit of processor time here")


@pytest.fixture(scope="module")
def counts() -> dict[str, dict[str, int]]:
    """What `benchmarks.soundness.fuzz` counts for each kind of file, in one process that imports the libraries once."""
    kinds = [kind for kind in sorted(KINDS) if kind not in NEEDS or find_spec(NEEDS[kind])]
    words = [word for kind in kinds for word in ("--kind", kind)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soundness.fuzz", *words, "--replay", str(CORPUS), "--sparse", "--count", "30"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-500:]
    said = re.findall(r"^(\S+): [\d,]+ executions, (\{.*?\})", done.stdout, re.MULTILINE)
    assert [kind for kind, _ in said] == kinds
    return {kind: ast.literal_eval(numbers) for kind, numbers in said}


@limited
@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_reader_ends_on_broken_files_and_on_those_that_were_kept(
    kind: str, counts: dict[str, dict[str, int]]
) -> None:
    if kind in NEEDS:
        pytest.importorskip(NEEDS[kind])
    kept = read_corpus(CORPUS)[kind][:: SPARSE if kind in LIKED else 1]
    assert sum(counts[kind].values()) == 30 + len(kept)
    assert counts[kind]["refused"] > 15


@limited
@pytest.mark.slow
def test_a_reader_that_is_wrong_is_found(tmp_path: Path) -> None:
    """An exception, a process that ends, odd words: each is counted, and the next file is read."""
    code = """
import os, sys
from pathlib import Path
from benchmarks.soundness import fuzz, readers
from supnorm.results import BadInput
def read(path):
    data = path.read_bytes()
    if data == b"raise": raise ValueError("this")
    if data == b"end": os._exit(0)
    if data == b"die": os.abort()
    refusal = BadInput("refused")
    if data == b"odd": refusal.args = ("two\\nlines",)
    raise refusal
readers.KINDS["k"] = readers.Kind("k.csv", lambda folder: (folder.mkdir(), (folder / "k.csv").write_bytes(b"good")), read)
one = fuzz.Fuzzer("k", Path(sys.argv[1]) / "k", 0, [])
one.replay([b"a", b"raise", b"b", b"end", b"die", b"odd", b"c"])
print([found["why"][:20] for found in one.wrong], dict(one.counts))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()[-1]
    assert "'wrong': 4, 'refused': 3" in said or "'refused': 3, 'wrong': 4" in said, done.stdout


@limited
@pytest.mark.slow
def test_time_is_shared_and_a_breaking_that_does_not_end_is_no_execution(tmp_path: Path) -> None:
    """Of two kinds with the shares 1 and 3; the breaking of one in ten files of the first kind ends its process."""
    code = """
import argparse, os, sys
from pathlib import Path
from benchmarks.soundness import fuzz, readers
def breaks(rng, data):
    if rng.random() < 0.1: os.abort()
    return data + rng.bytes(2)
def make(folder): folder.mkdir(); (folder / "k.csv").write_bytes(b"good")
readers.KINDS.clear()
readers.KINDS["a"] = readers.Kind("k.csv", make, lambda path: None, 1, "", (breaks,))
readers.KINDS["b"] = readers.Kind("k.csv", make, lambda path: None, 3, "")
fuzz.SLICE = 0.25
given = argparse.Namespace(seed=0, seconds=4.0, kind=None, corpus=None, replay=None, sparse=False, found=None, save=False)
campaign = fuzz.Campaign(given, Path(sys.argv[1]))
campaign.timed()
a, b = campaign.fuzzers["a"], campaign.fuzzers["b"]
print(a.wrong, b.wrong, b.spent > a.spent, 0 < a.counts["read"] < a.done, b.counts["read"] == b.done)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "[] [] True True True", done.stdout
    assert re.match(r"[\d,]+ executions in [\d,]+ s, 0 wrong; about [\d,]+ in 4 s", lines[0])


BREAK = """
import json, sys, zipfile
from pathlib import Path

from benchmarks.soundness import broken_files, fuzz

folder, told = Path(sys.argv[1]), {}
for kind in sys.argv[2:]:
    one = fuzz.Fuzzer(kind, folder / kind, 0, [])
    told[kind] = {}
    for way in {*one.ways, *((broken_files.broken_npy,) if one.path.suffix == ".npz" else ())}:
        data = one.good
        if way is broken_files.broken_npy:
            with zipfile.ZipFile(one.path) as archive:
                data = archive.read(archive.namelist()[0])
        told[kind][way.__name__] = len({way(broken_files.Quick(seed), data) for seed in range(20)})
seeded = [fuzz.Fuzzer("runs", folder / name, seed, []) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
same = [[one._broken(number).hex() for number in range(20)] for one in seeded]
print(json.dumps([told, same]))
"""
Broken = tuple[dict[str, dict[str, int]], list[list[str]]]
FILES = sorted({kind.file: name for name, kind in KINDS.items()}.values())


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Broken:
    """How many different files each way makes of the good one, of 20, and the files of three seeds, two of them the same.

    In a process of its own: JAX, which other tests have imported, warns of a fork.
    """
    kinds = [kind for kind in FILES if all(find_spec(NEEDS.get(n, "json")) for n in (kind, KINDS[kind].file))]
    done = subprocess.run(
        [sys.executable, "-c", BREAK, str(tmp_path_factory.mktemp("good")), *kinds], cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told, same = json.loads(done.stdout.splitlines()[-1])
    return told, same


@pytest.mark.slow
@pytest.mark.parametrize("kind", FILES)
def test_each_way_breaks_the_good_file(kind: str, broken: Broken) -> None:
    """The campaign breaks bytes where a way fails: a function of NumPy that was gone went unnoticed like that."""
    told, _ = broken
    if kind not in told:
        pytest.skip("its package is missing")
    assert told[kind]
    assert min(told[kind].values()) > 10, told[kind]


@pytest.mark.slow
def test_the_same_seed_breaks_the_same_files(broken: Broken) -> None:
    _, (first, again, other) = broken
    assert first == again != other


def test_each_kind_of_file_that_is_opened_is_broken_here_and_by_the_campaign() -> None:
    """But TorchScript, which runs only where it is trusted: the campaign tries that it is refused."""
    suffixes = {word for word in KNOWN.replace(",", " ").split() if word.startswith(".")}
    assert suffixes <= {Path(name).suffix for name in READ}
    assert suffixes - {".pt"} <= {Path(kind.file).suffix for kind in KINDS.values()}

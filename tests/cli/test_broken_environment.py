"""What the system refuses (processes, open files, folders that are read-only) is told in one line and is no verdict."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from supnorm import supervisor
from supnorm.auditing.audit import _import_ahead
from supnorm.cli.lock import demand_free
from supnorm.cli.main import run
from supnorm.evaluation import EvaluationStore
from supnorm.results import BadInput, NotWritten, system_limits, unfinished
from supnorm.results.door import read_bytes, read_json
from supnorm.results.status import ExitCode
from supnorm.results.writing import demand_writable


def test_a_mark_that_cannot_be_written_leaves_the_word_to_the_verb(tmp_path, monkeypatch) -> None:
    """An audit into a folder that had become read-only ended as if work had been done: exit 3, about a file of marks."""

    def refused(*given: object) -> None:
        raise NotWritten("read-only")

    (tmp_path / "result.json").write_text("{}")
    monkeypatch.setattr(unfinished, "write_whole", refused)
    entered = False
    with unfinished.marked(tmp_path, "audit"):
        entered = True
    assert entered


def test_a_process_that_cannot_be_started_is_no_verdict(monkeypatch, capsys) -> None:
    """Python's own traceback ends with exit code 1, which reads as an error above the tolerance."""

    def refused() -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(supervisor.os, "fork", refused)
    assert supervisor.supervise(lambda: 0, forks=True) == ExitCode.BAD_INPUT
    assert "no process can be started" in capsys.readouterr().err


def chained() -> ImportError:
    error = ImportError("a package does not load")
    error.__cause__ = OSError(errno.EMFILE, os.strerror(errno.EMFILE), "lib.so")
    return error


LIMITS = [
    (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "ulimit -n"),
    (BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN)), "ulimit -u"),
    (OSError(errno.EFBIG, os.strerror(errno.EFBIG)), "ulimit -f"),
    (RuntimeError("can't start new thread"), "ulimit -u"),
    (ImportError(f"lib.so: cannot open shared object file: {os.strerror(errno.EMFILE)}"), "ulimit -n"),
    (
        FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"),
        "name one in TMPDIR",
    ),
    (chained(), "(lib.so): allow more open files (ulimit -n)"),
    (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "allow more memory (ulimit -v)"),
    (MemoryError("of 8 GB"), "not enough memory (of 8 GB): allow more memory (ulimit -v)"),
    (ImportError("lib.so: failed to map segment from shared object"), "not enough memory to load a library"),
]


@pytest.mark.parametrize(("error", "remedy"), LIMITS, ids=range(len(LIMITS)))
def test_a_limit_of_the_system_is_no_bug_of_supnorm(error, remedy, monkeypatch, capsys) -> None:
    """It was "a bug in supnorm", exit 70."""

    def refused(given: list[str]) -> int:
        raise error

    monkeypatch.setattr(sys.modules["supnorm.cli.main"], "_result", refused)
    assert run(["audit", "problem.toml"]) == ExitCode.INTERRUPTED
    said = capsys.readouterr().err
    assert remedy in said
    assert "bug" not in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_what_the_system_does_not_permit_is_no_bug_of_supnorm(number, monkeypatch, capsys) -> None:
    """The default folder of a run, which is not on the command line, and which nobody may search, was one, exit 70."""

    def refused(given: list[str]) -> int:
        raise PermissionError(number, os.strerror(number), "problem-run/fit.json")

    monkeypatch.setattr(sys.modules["supnorm.cli.main"], "_result", refused)
    assert run(["audit", "problem.toml"]) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert said == f"supnorm: problem-run/fit.json cannot be used: {os.strerror(number)}; give another name\n"


@pytest.mark.parametrize("room", [True, False])
def test_a_library_that_cannot_be_loaded_is_no_bug_where_there_is_no_room_for_it(
    room, monkeypatch, capsys
) -> None:
    """llvmlite drops the reason."""

    def refused(given: list[str]) -> int:
        raise OSError("Could not find/load shared object file 'libllvmlite.so'")

    main = sys.modules["supnorm.cli.main"]
    monkeypatch.setattr(main, "_result", refused)
    monkeypatch.setattr(main, "_keep_traceback", lambda: Path("nowhere"))
    monkeypatch.setattr(system_limits, "LIBRARY", 1 if room else 1 << 62)
    assert run(["fields", "p.nc", "t.nc"]) == (ExitCode.OUR_BUG if room else ExitCode.INTERRUPTED)
    assert ("allow more memory (ulimit -v)" in capsys.readouterr().err) != room


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", ["supnorm.cli.check", "supnorm.results.schemas"]
)  # at the start, and by the verb
def test_a_compiled_file_that_was_cut_off_is_named(module: str, tmp_path: Path) -> None:
    """A full disk left it, and each later command ended with a traceback, or as a bug of supnorm."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-m", "supnorm", "schema", "audit"]
    assert (
        subprocess.run(command, env=environment, capture_output=True, timeout=300, check=False).returncode
        == 0
    )
    (path,) = tmp_path.rglob(f"{module.replace('.', '/')}.*.pyc")
    path.write_bytes(path.read_bytes()[:200])
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == ExitCode.INTERRUPTED
    assert f"{path} was cut off, as by a full disk: delete it" in done.stderr
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


def test_a_package_that_is_imported_ahead_fails_without_a_word(capsys) -> None:
    """With few file handles its traceback was printed."""
    _import_ahead("no_such_package_of_supnorm")
    assert capsys.readouterr() == ("", "")


def test_a_file_that_nobody_may_read_is_not_said_to_be_damaged(tmp_path, monkeypatch) -> None:
    def refused(*given: object, **named: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    (tmp_path / "claim.json").write_text("{}")
    monkeypatch.setattr(Path, "read_text", refused)
    with pytest.raises(BadInput, match=r"claim.json cannot be read: Permission denied"):
        read_json(tmp_path / "claim.json")


def test_a_file_that_is_written_at_the_end_is_asked_for_before_the_work_starts(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    demand_writable(tmp_path / "new" / "sheet.html", "--sheet")
    demand_writable(tmp_path / "file", "--sheet")
    for path, why in ((tmp_path, "it is a folder"), (tmp_path / "file" / "sheet.html", "is no folder")):
        with pytest.raises(BadInput, match=f"--sheet .* cannot be written: .*{why}"):
            demand_writable(path, "--sheet")


@pytest.mark.parametrize(
    "words", [["check", "c.json", "--sheet"], ["compare-runs", "a", "b", "--out"], ["report", "a", "--out"]]
)
def test_verbs_refuse_such_a_file_first(words, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.json").write_text("{}")
    Path("file").write_text("")
    assert run([*words, "file/out.html"]) == ExitCode.BAD_INPUT
    assert "file/out.html cannot be written" in capsys.readouterr().err


def test_a_loop_is_compiled_where_no_file_of_it_can_be_kept(monkeypatch) -> None:
    """`supnorm fields` was "a bug in supnorm" for a user without a folder to write to."""
    numba = pytest.importorskip("numba")
    from supnorm.fields import compiled

    real = numba.njit

    def njit(*functions: object, **options: bool) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return real(*functions, **options)

    with monkeypatch.context() as patch:
        patch.setattr(compiled.numba, "njit", njit)
        loop = compiled._cached(lambda x: x + 1.0)
    assert loop(1.0) == 2.0
    left = [OSError(errno.EFBIG, "File too large"), OSError(errno.ENOSPC, "No space left on device")]

    def function(x: float) -> float:
        if left:
            raise left.pop()
        return x

    assert compiled._called(function, (3.0,)) == 3.0


def test_a_traceback_that_no_folder_takes_is_told(monkeypatch, capsys) -> None:
    """Looking for a folder of temporary files raised an error of its own, and Python printed both tracebacks."""

    def refused(*given: object, **more: object) -> int:
        raise FileNotFoundError(errno.ENOENT, "no folder")

    def broken(given: list[str]) -> int:
        raise IndexError("of its own")

    monkeypatch.setattr(sys.modules["supnorm.cli.main"], "_result", broken)
    monkeypatch.setattr(Path, "write_text", refused)
    monkeypatch.setattr("tempfile.gettempdir", refused)
    assert run(["audit", "problem.toml"]) == ExitCode.OUR_BUG
    assert "IndexError: of its own; the traceback is in nowhere" in capsys.readouterr().err


@contextmanager
def few_handles(left: int) -> Iterator[None]:
    """Inside, this process can open ``left`` files."""
    resource = pytest.importorskip("resource")
    before, opened = resource.getrlimit(resource.RLIMIT_NOFILE), []
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, os.listdir("/dev/fd"))) + 10, before[1]))
    try:
        while True:
            try:
                opened.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                break
        for _ in range(left):
            os.close(opened.pop())
        yield
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def _opened(folder: Path) -> None:
    EvaluationStore(folder / "good.sqlite", "f").close()


OPENS: dict[str, Callable[[Path], object]] = {
    "store": _opened,
    "fingerprint": lambda folder: EvaluationStore.fingerprint_of(folder / "good.sqlite"),
    "blank": lambda folder: EvaluationStore.is_blank(folder / "good.sqlite"),
    "json": lambda folder: read_json(folder / "good.json"),
    "bytes": lambda folder: read_bytes(folder / "good.json"),
    "lock": demand_free,
}


@pytest.mark.parametrize("left", [0, 1, 2, 3])
@pytest.mark.parametrize("what", OPENS)
def test_a_good_file_is_not_called_bad_where_handles_are_short(what, left, tmp_path) -> None:
    """A good store was "not a store of evaluations", or "damaged: leave --resume out", which would pay for it again."""
    EvaluationStore(tmp_path / "good.sqlite", "f").close()
    (tmp_path / "good.json").write_text("{}")
    try:
        with few_handles(left):
            OPENS[what](tmp_path)
    except NotWritten as why:
        said = str(why)
        assert "no fault of its own" in said
        assert "ulimit -n" in said
    OPENS[what](tmp_path)  # and it is as it was

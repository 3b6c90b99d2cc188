"""One run at a time works in a folder: on one machine, on several, and whichever verbs both are."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell

from supnorm.cli.folder import run_folder, work_in
from supnorm.cli.lock import FILE, lock
from supnorm.results import BadInput
from supnorm.results.unfinished import RESULTS

fcntl = pytest.importorskip("fcntl")


@contextmanager
def locked_by_another(path: Path) -> Iterator[None]:
    """What another process has: `flock` belongs to an opened file and not to a process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT if path.name == FILE else os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


def is_locked(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


PROBLEMS = {"compare": ("problem.toml", "problem.toml"), "fields": ("p.nc", "t.nc"), "reproduce": ("list",)}
VERBS = (
    "audit",
    "budget",
    "certify",
    "claim",
    "compare",
    "fields",
    "fit",
    "guard",
    "repair",
    "reproduce",
    "rollout",
)


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_starts_beside_a_run_at_work(shell: Shell, verb: str) -> None:
    """Nor does it leave anything: a mark would say that the result of the run at work is none."""
    folder = shell.folder / "run"
    folder.mkdir()
    for name in RESULTS.get(verb, ()):
        (folder / name).write_text("{}")
    before = sorted(folder.iterdir())
    for path in (folder, folder / FILE):
        with locked_by_another(path):
            done = shell.run(verb, *PROBLEMS.get(verb, ("problem.toml",)), "--out", "run", "--quiet")
            assert (done.code, "another run is at work in this folder" in done.line) == (2, True)
    (folder / FILE).unlink()
    assert sorted(folder.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["compare", "guard", "repair"])
def test_a_folder_is_locked_while_audits_inside_of_it_run(
    shell: Shell, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another run replaced the audit of the first one after it was made and before it was used."""
    held = []

    def audit(*given: Any, **options: Any) -> None:
        held.append(is_locked(shell.folder / "run"))
        raise BadInput("enough")

    for module in ("audit_first", "compare"):
        monkeypatch.setattr(f"supnorm.cli.{module}.run_audit", audit)
    done = shell.run(verb, *PROBLEMS.get(verb, ("problem.toml",)), "--out", "run", "--quiet")
    assert (done.code, set(held)) == (2, {True})
    assert not (shell.folder / "run").exists()


def test_a_folder_that_another_run_makes_meanwhile_is_not_shared(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs that are started at once both see no folder; reading the problem took time between this and the lock."""
    from supnorm.sources import open_problem

    problem, folder = open_problem(shell.folder / "problem.toml"), shell.folder / "run"
    seen = []
    monkeypatch.setattr("supnorm.cli.folder.relocation_for", lambda *given: seen.append(is_locked(folder)))
    with run_folder(folder, problem, resume=False, named=True):
        assert is_locked(folder)
    assert seen == [True]
    assert not is_locked(folder)
    with pytest.raises(BadInput, match="has no run"), run_folder(shell.folder / "other", problem, True, True):
        pass
    assert not (shell.folder / "other").exists()


def test_the_file_says_who_is_at_work_and_goes_with_the_run(tmp_path: Path) -> None:
    with work_in(tmp_path / "run"), work_in(tmp_path / "run"):  # the same process may lock it twice
        assert f"process {os.getpid()} of " in (tmp_path / "run" / FILE).read_text()
        (tmp_path / "run").rename(tmp_path / "run.1")
    assert not (tmp_path / "run.1" / FILE).exists()


def test_the_file_of_a_killed_run_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("process 77 of another-machine")
    with work_in(tmp_path):
        assert str(os.getpid()) in (tmp_path / FILE).read_text()
    assert not (tmp_path / FILE).exists()


def test_where_folders_are_locked_for_one_machine_the_file_is_locked_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EBADF, "no lock of a folder")
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked_by_another(tmp_path / FILE):
        (tmp_path / FILE).write_text("process 77 of another-machine\x1b[2J")
        with (
            pytest.raises(BadInput, match=r"\(process 77 of another-machine.*2J\)") as refused,
            ExitStack() as locks,
        ):
            lock(tmp_path, locks)
    assert "\x1b" not in str(refused.value)
    with work_in(tmp_path):
        assert (tmp_path / FILE).exists()


def test_a_file_that_is_none_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    for make in (
        lambda path: path.symlink_to(tmp_path / "precious"),
        lambda path: path.mkdir(),
    ):
        make(tmp_path / FILE)
        with work_in(tmp_path):
            assert is_locked(tmp_path)
        (tmp_path / FILE).rename(tmp_path / "was")
        (tmp_path / "was").unlink() if (tmp_path / "was").is_symlink() else (tmp_path / "was").rmdir()
    assert (tmp_path / "precious").read_text() == "mine"

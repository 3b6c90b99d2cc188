"""A disk that is full, a folder that has vanished or is read-only: one line, exit 3, what was stored goes on."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell
from tests.cli.test_interrupted import SLOW

import supnorm
from supnorm.evaluation import EvaluationStore
from supnorm.planning.learning_curve.training_run import TrainingRun
from supnorm.planning.learning_curve.trainings import append_run, read_runs
from supnorm.results import BadInput, NotWritten
from supnorm.results import writing as files

pytestmark = pytest.mark.slow  # processes of their own

ARGUMENTS = ("audit", "problem.toml", "--evaluations", "100", "--seed", "4", "--out", "run", "--no-power")


def full(monkeypatch: pytest.MonkeyPatch, ends: str | tuple[str, ...]) -> None:
    """No file whose name ends so can be written."""
    replace = os.replace

    def refused(source: str, target: Path) -> None:
        if str(target).endswith(ends):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", refused)


PROVED = """
[model]
python = "proved.py:model"
[reference]
python = "proved.py:truth"
[error]
tolerance = 0.1
[domain]
a = { low = 0.0, high = 1.0 }
"""
FUNCTIONS = """
import numpy as np
def truth(x): return np.sin(2 * x[:, 0])
def model(x): return np.sin(2 * x[:, 0]) + 0.01 * x[:, 0]
"""
VERBS = {
    "audit": (["audit", "problem.toml", "--evaluations", "300"], "result.json", "worst found"),
    "page": (["audit", "problem.toml", "--evaluations", "300"], "report.html", "worst found"),
    "fit": (
        ["fit", "problem.toml", "--method", "polynomial", "--max-evaluations", "100"],
        "fit.json",
        "polynomial",
    ),
    "budget": (["budget", "problem.toml", "--calls", "500", "--out", "run"], "budget.json", "tolerance"),
    "certify": (["certify", "proved.toml"], "certificate.json", "upper bound"),
    "certify, its numbers": (["certify", "proved.toml"], "certify.json", "proved"),
    "compare": (
        ["compare", "problem.toml", "problem.toml", "--evaluations", "300"],
        "compare.json",
        "worst found",
    ),
}


@pytest.mark.parametrize("quiet", [False, True], ids=["", "quiet"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_at_the_end_loses_the_file_and_not_the_words(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, verb: str, quiet: bool
) -> None:
    """It was "a bug in supnorm", and what was found was gone."""
    arguments, ends, words = VERBS[verb]
    (shell.folder / "proved.toml").write_text(PROVED)
    (shell.folder / "proved.py").write_text(FUNCTIONS)
    with monkeypatch.context() as patched:
        full(patched, ends)
        done = shell.run(*arguments, *(["--quiet"] if quiet else []))
    assert done.code == 3, done.err
    assert words in done.out, "also with --quiet: the work is paid for, and it is nowhere else"
    last = done.err.strip().splitlines()[-1]
    assert f"{ends} cannot be written: No space left on device" in last
    assert "what was stored before is kept" in last
    assert not list(shell.folder.rglob(ends))
    assert not list(shell.folder.rglob("supnorm-crash.txt"))


def test_a_full_disk_at_the_last_look_at_opened_files_loses_no_report(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = EvaluationStore.look

    def refused(store: EvaluationStore, last: bool = False) -> None:
        look(store, last)
        if last:
            raise NotWritten(f"{store.path} cannot be written: no space left")

    (shell.folder / "proved.toml").write_text(PROVED)
    (shell.folder / "proved.py").write_text(FUNCTIONS)
    monkeypatch.setattr(EvaluationStore, "look", refused)
    done = shell.run("audit", "proved.toml", "--evaluations", "100", "--no-power", "--out", "run")
    assert done.code == 3, done.err
    assert "worst found" in done.out
    assert done.err.strip().splitlines()[-1].endswith("cannot be written: no space left")
    assert json.loads((shell.folder / "run" / "result.json").read_text())["sup"]["lower"] > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # other tests have imported JAX
def test_a_disk_that_is_full_while_the_search_runs_ends_it_in_good_order(shell: Shell) -> None:
    """The store cannot grow; the report is small enough."""
    resource = pytest.importorskip("resource")
    shell.write(SLOW)
    log = shell.folder / "log.txt"
    environment = {**os.environ, "SUPNORM_TEST_LOG": str(log), "SUPNORM_TEST_SLEEP": "0.06"}
    environment["PYTHONPATH"] = str(Path(supnorm.__file__).parent.parent)
    command = [sys.executable, "-m", "supnorm", *ARGUMENTS]
    limit = 250_000  # bytes of a file: some sixty of 279 calls; with 150,000 it was fifteen, or fewer than a report needs
    done = subprocess.run(
        command, cwd=shell.folder, env=environment, capture_output=True, text=True, timeout=600, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)),
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "cannot be written" in done.stdout + done.stderr
    assert "bug" not in done.stderr
    assert "worst found" in done.stdout
    before = len(log.read_text().splitlines())
    with sqlite3.connect(shell.folder / "run" / "evaluations.sqlite") as store:
        kept = store.execute("SELECT SUM(n) FROM batches").fetchone()[0]
    assert 0 < kept < before
    log.unlink()
    resumed = shell.run(*ARGUMENTS, "--resume", SUPNORM_TEST_LOG=str(log), SUPNORM_TEST_SLEEP="0.002")
    assert resumed.code == 1, resumed.err
    document = json.loads((shell.folder / "run" / "result.json").read_text())
    assert document["status"]["code"] == "tolerance-exceeded"


def test_a_folder_that_vanishes_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite goes on writing into a file that has no name any more."""
    shell.write(SLOW)
    monkeypatch.setenv("SUPNORM_TEST_LOG", str(shell.folder / "log.txt"))
    monkeypatch.setenv("SUPNORM_TEST_SLEEP", "0.02")
    append, calls = EvaluationStore.append, []

    def vanishing(self: EvaluationStore, *arguments: object) -> None:
        calls.append(1)
        if len(calls) == 4:
            shutil.rmtree(shell.folder / "run")
        append(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(EvaluationStore, "append", vanishing)
    done = shell.run(*ARGUMENTS)
    assert done.code == 3, done.err
    document = json.loads((shell.folder / "run" / "result.json").read_text())  # made again for what was found
    assert document["status"]["code"] == "interrupted"
    assert "evaluations.sqlite cannot be written: it has vanished" in document["status"]["advice"]
    for said in (done.err, document["status"]["advice"]):  # they promised that --resume goes on
        assert "without --resume" in said
        assert "goes on" not in said
        assert "are kept" not in said
    assert document["sup"]["lower"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["database or disk is full", "database is locked", "disk I/O error"])
def test_a_store_that_cannot_be_written_ends_the_search_in_good_order(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    shell.write(SLOW)
    monkeypatch.setenv("SUPNORM_TEST_LOG", str(shell.folder / "log.txt"))
    monkeypatch.setenv("SUPNORM_TEST_SLEEP", "0.02")
    writing, calls = EvaluationStore._writing, []

    class Fails:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None:
            raise files.not_written("evaluations.sqlite", fault)

    def failing(self: EvaluationStore) -> object:
        calls.append(1)
        return Fails() if len(calls) > 14 else writing(self)

    monkeypatch.setattr(EvaluationStore, "_writing", failing)
    done = shell.run(*ARGUMENTS)
    assert done.code == 3, done.err
    assert fault in json.loads((shell.folder / "run" / "result.json").read_text())["status"]["advice"]


def test_a_fault_of_sqlite_is_not_written(tmp_path: Path) -> None:
    import numpy as np

    store = EvaluationStore(tmp_path / "e.sqlite", "p")
    store.append("reference", "search", np.ones((1, 2)), np.ones((1, 1)), {}, 1.0)
    other = sqlite3.connect(tmp_path / "e.sqlite", isolation_level=None)
    store._connection.execute("PRAGMA busy_timeout=10")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(NotWritten, match="locked"):
        store.append("reference", "search", np.zeros((1, 2)), np.ones((1, 1)), {}, 1.0)
    other.execute("ROLLBACK")
    store.append("reference", "search", np.zeros((1, 2)), np.ones((1, 1)), {}, 1.0)
    assert store.points == 2
    other.close()
    store.close()


@pytest.mark.parametrize(
    "code", ["SQLITE_READONLY", "SQLITE_IOERR_SHMSIZE", "SQLITE_FULL", "SQLITE_CANTOPEN", "SQLITE_BUSY"]
)
def test_a_store_that_cannot_be_begun_is_no_store_of_another_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """It was "not a store of evaluations", and its empty files were left."""
    why = sqlite3.OperationalError("the disk says no")
    why.sqlite_errorcode = getattr(sqlite3, code)

    def prepared(self: EvaluationStore, fingerprint: str) -> None:
        self.path.with_name(f"{self.path.name}-wal").write_bytes(b"")
        raise why

    monkeypatch.setattr(EvaluationStore, "_prepared", prepared)
    refused = NotWritten if code in ("SQLITE_IOERR_SHMSIZE", "SQLITE_FULL") else BadInput  # exit codes 3, 2
    with pytest.raises(refused, match="cannot be written: the disk says no; free the disk or the file"):
        EvaluationStore(tmp_path / "s.sqlite", "f")
    assert not [*tmp_path.iterdir()]
    (tmp_path / "s.sqlite").write_bytes(b"")
    with pytest.raises(refused, match="cannot be written"):
        EvaluationStore(tmp_path / "s.sqlite", "f")
    assert (tmp_path / "s.sqlite").exists()  # what was there before stays


@pytest.mark.parametrize("where", ["the store", "the folder"])
def test_a_disk_that_is_full_at_the_start_ends_as_one_that_fills_up_later(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """It was bad input, exit code 2. A store that was there before has its name again."""
    assert shell.run(*ARGUMENTS, "--cost", "expensive").code == 1
    before = (shell.folder / "run" / "evaluations.sqlite").read_bytes()
    arguments = ARGUMENTS

    def no_store(self: EvaluationStore, fingerprint: str) -> None:
        why = sqlite3.OperationalError("database or disk is full")
        why.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise why

    def no_folder(self: Path, *given: Any, **named: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if where == "the store":
        monkeypatch.setattr(EvaluationStore, "_prepared", no_store)
    else:
        monkeypatch.setattr(Path, "mkdir", no_folder)
        arguments = tuple("new" if word == "run" else word for word in ARGUMENTS)
    done = shell.run(*arguments)
    assert done.code == 3, done.err
    assert "free the disk" in done.line
    assert done.line.endswith("or choose another --out")
    assert (shell.folder / "run" / "evaluations.sqlite").read_bytes() == before
    assert not [*(shell.folder / "run").glob("*.old*")]


def test_a_line_that_was_cut_off_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    """Killed while it wrote, resumed, and resumed again: the second time the file was refused."""
    path = tmp_path / "runs.jsonl"
    first, second = TrainingRun(32, 8, 0, 1.0, 2.0, 3.0), TrainingRun(64, 8, 0, 1.0, 2.0, 3.0)
    append_run(path, first)
    with path.open("a") as file:
        file.write('{"samples": 64, "wid')
    assert read_runs(path) == [first]
    append_run(path, second)
    assert read_runs(path) == [first, second]


def test_a_page_that_cannot_be_drawn_takes_no_result_away(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is ours and said so; the answer of the run is printed, and its files are there."""

    def broken(*given: Any) -> None:
        raise ArithmeticError("a chart")

    monkeypatch.setattr("supnorm.pages.write_page", broken)
    done = shell.run("audit", "problem.toml", "--evaluations", "100", "--no-power", "--out", "run", "--json")
    assert done.code == 70
    assert "ArithmeticError: a chart" in done.err
    assert json.loads(done.out)["sup"] == json.loads((shell.folder / "run/result.json").read_text())["sup"]


@pytest.mark.parametrize("ends", ["a/result.json", "b/result.json", "b/report.html"])
def test_compare_prints_the_table_of_what_was_finished(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """Nothing was printed of an audit that was finished and could not be written."""
    for name in ("a", "b"):
        shell.write(
            ("truth.py:model", f"truth.py:{'model' if name == 'a' else 'agrees'}"), name=f"{name}.toml"
        )
    with monkeypatch.context() as patched:
        full(patched, ends)
        done = shell.run("compare", "a.toml", "b.toml", "--evaluations", "300", "--out", "both")
    rows = [line for line in done.out.splitlines() if "model" in line or "agrees" in line]
    assert len(rows) >= (1 if ends.startswith("a") else 2), done.out
    assert "tolerance exceeded" in done.out
    assert done.code == 1  # an error above the tolerance was found: a release gate sees it
    last = done.err.strip().splitlines()[-1]
    assert f"{ends} cannot be written: No space left on device" in last
    assert last.endswith("run the same command with --resume")
    assert (shell.folder / "both" / "compare.json").exists()


def test_compare_without_an_error_above_the_tolerance_ends_as_not_written(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write(("truth.py:model", "truth.py:agrees"), name="a.toml")
    shell.write(("truth.py:model", "truth.py:agrees"), name="b.toml")
    with monkeypatch.context() as patched:
        full(patched, "result.json")
        done = shell.run("compare", "a.toml", "b.toml", "--evaluations", "300", "--out", "both")
    assert done.code == 3, done.err
    assert "agrees" in done.out


def certified(shell: Shell, monkeypatch: pytest.MonkeyPatch, ends: tuple[str, ...], *options: str) -> Any:
    """What certify leaves when no file with such an ending can be written."""
    (shell.folder / "proved.toml").write_text(PROVED)
    (shell.folder / "proved.py").write_text(FUNCTIONS)
    (shell.folder / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(shell.folder / "temporary"))
    with monkeypatch.context() as patched:
        full(patched, ends)
        return shell.run("certify", "proved.toml", *options, "--out", "run", "--json")


@pytest.mark.parametrize("full_at", ["run/norms-certificate.json", "run/problem.toml"])
@pytest.mark.parametrize("older", [False, True])
def test_a_proof_of_several_parts_that_has_no_room_is_written_elsewhere_too(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, full_at: str, older: bool
) -> None:
    """It was printed, and lost."""
    options = ("--norm", "sup")
    if older:
        (shell.folder / "proved.toml").write_text(PROVED)
        (shell.folder / "proved.py").write_text(FUNCTIONS)
        assert shell.run("certify", "proved.toml", *options, "--out", "run").code == 0
        shutil.rmtree(shell.folder / "temporary", ignore_errors=True)
    done = certified(shell, monkeypatch, (full_at,), *options)
    assert done.code == 3
    held = Path(json.loads(done.out)["certificate"])
    assert held.parent.parent == shell.folder / "temporary"
    assert f"make room and mkdir -p run && mv {held} run/norms-certificate.json, then" in done.err
    (shell.folder / "run").mkdir(exist_ok=True)
    shutil.move(held, shell.folder / "run" / "norms-certificate.json")
    again = shell.run("certify", "proved.toml", *options, "--out", "run", "--resume", "--json")
    assert again.code == 0, again.err
    assert (shell.folder / "run" / "norms.json").exists()


NORMS = "run/norms-certificate.json"


def _older_norms(shell: Shell) -> str:
    """A proof of a norm in the folder that is tighter than what `certified` asks for; its text."""
    (shell.folder / "proved.toml").write_text(PROVED)
    (shell.folder / "proved.py").write_text(FUNCTIONS)
    assert shell.run("certify", "proved.toml", "--norm", "rms", "--ratio", "1.001", "--out", "run").code == 0
    return (shell.folder / NORMS).read_text()


def test_the_told_command_keeps_an_older_proof_that_could_not_be_set_aside(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that is read-only no file can be renamed: the command wrote the new proof over the older, tighter one."""
    older = _older_norms(shell)
    done = certified(
        shell, monkeypatch, (NORMS, f"{NORMS}.old", "run/problem.toml"), "--norm", "rms", "--ratio", "1.5"
    )
    assert done.code == 3
    command = done.err.partition("make room and ")[2].partition(", then")[0]
    subprocess.run(command, shell=True, check=True, cwd=shell.folder)
    assert (shell.folder / f"{NORMS}.old").read_text() == older
    assert (shell.folder / NORMS).read_text() != older


def test_a_proof_of_several_parts_that_goes_on_from_a_checkpoint_sets_an_older_one_aside(
    shell: Shell,
) -> None:
    """It was written over."""
    older = _older_norms(shell)
    done = shell.run("certify", "proved.toml", "--norm", "rms", "--ratio", "1.5", "--out", "loose")
    assert done.code == 0, done.err
    shutil.copy(shell.folder / "loose/norms-certificate.json", shell.folder / "run/norms-checkpoint.json")
    done = shell.run("certify", "proved.toml", "--norm", "rms", "--ratio", "1.5", "--out", "run", "--resume")
    assert done.code == 0, done.err
    assert (shell.folder / f"{NORMS}.old").read_text() == older


@pytest.mark.parametrize("full_at", ["run/problem.toml", "run/certificate.json"])
def test_a_proof_is_not_lost_beside_an_older_one(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, full_at: str
) -> None:
    """Where an older certificate lay in the folder, the new proof was taken for written."""
    (shell.folder / "proved.toml").write_text(PROVED)
    (shell.folder / "proved.py").write_text(FUNCTIONS)
    assert shell.run("certify", "proved.toml", "--out", "run").code == 0
    done = certified(shell, monkeypatch, (full_at,), "--ratio", "1.001")
    assert done.code == 3
    assert Path(json.loads(done.out)["certificate"]).parent.parent == shell.folder / "temporary"


def test_a_proof_that_has_no_room_is_written_elsewhere_and_put_back_without_proving_again(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The JSON was printed and the proof was lost."""
    done = certified(shell, monkeypatch, ("run/certificate.json",))
    assert done.code == 3
    held = Path(json.loads(done.out)["certificate"])
    assert held.parent.parent == shell.folder / "temporary"
    command = done.err.partition("make room and ")[2].partition(", then")[0]
    assert command == f"mkdir -p run && mv {held} run/certificate.json"
    (shell.folder / "run").mkdir(exist_ok=True)
    shutil.move(held, shell.folder / "run" / "certificate.json")
    again = shell.run("certify", "proved.toml", "--out", "run", "--resume", "--json")
    assert again.code == 0, again.err
    assert json.loads(again.out)["sup"] == json.loads(done.out)["sup"]
    assert (shell.folder / "run" / "certify.json").exists()


VANISHING = {
    "certify": (["certify", "proved.toml"], "problem.toml"),
    "proof": (["certify", "proved.toml"], "certificate.json"),
    "norms": (["certify", "proved.toml", "--norm", "sup"], "norms-certificate.json"),
    "fit": (["fit", "problem.toml", "--method", "polynomial", "--max-evaluations", "100"], "model.npz"),
    "audit": (["audit", "problem.toml", "--evaluations", "300"], "result.json"),
}


@pytest.mark.parametrize("case", VANISHING)
def test_a_folder_that_vanishes_while_files_are_written_is_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """The next file made it again: a proof was told with its exit code, and its certificate was gone without a word."""
    (shell.folder / "proved.toml").write_text(PROVED)
    (shell.folder / "proved.py").write_text(FUNCTIONS)
    arguments, first = VANISHING[case]
    replace, gone = os.replace, []

    def vanishing(source: str, target: Path) -> None:
        replace(source, target)
        if Path(target).name == first and Path(target).parent.name == "run" and not gone:
            gone.append(target)
            shutil.rmtree(shell.folder / "run")

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "replace", vanishing)
        done = shell.run(*arguments, "--out", "run", "--json")
    assert gone
    assert done.code == 3, done.err
    assert "it has vanished again" in done.err.strip().splitlines()[-1]
    assert json.loads(done.out)
    if case == "proof":
        assert Path(json.loads(done.out)["certificate"]).exists()


@pytest.mark.parametrize("begun", [True, False])
def test_a_proof_that_has_no_room_anywhere_says_what_is_left(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    if begun:
        (shell.folder / "run").mkdir()
        (shell.folder / "run" / "checkpoint.json").write_text("{}")
    done = certified(shell, monkeypatch, ("run/certificate.json", "proof.json"))
    assert done.code == 3
    assert json.loads(done.out)["status"]["code"] == "within-tolerance"
    words = "--resume goes on from there" if begun else "lost: make room and run the same command again"
    assert done.line.endswith(words)
    assert (shell.folder / "run" / "checkpoint.json").exists() == begun

"""Names on the command line that no file can have, and what is no regular file where a run looks for its own files."""

from __future__ import annotations

import json
import os
import sqlite3
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import supnorm as sn
from supnorm.certification.error_program import error_program
from supnorm.certification.resume import load_bracket
from supnorm.certification.statement_tie import statement_mismatch, values_for_statement
from supnorm.certification.tie import NO_CERTIFICATE, mismatch
from supnorm.cli.folder import held_fingerprint, same_run
from supnorm.cli.main import run
from supnorm.evaluation import EvaluationStore
from supnorm.evaluation.caller import Caller
from supnorm.planning.learning_curve.trainings import read_runs
from supnorm.problem import Domain, Function, Problem
from supnorm.problem.problem_file import read_specification
from supnorm.results import BadInput
from supnorm.results.door import faults_of
from supnorm.results.status import NotWritten
from supnorm.supervisor import outcome

pytestmark = pytest.mark.slow  # processes of their own

LONG, BYTES = "a" * 5000, os.fsdecode(b"bad\xff")
NAMES = (
    LONG,
    f"sub/{LONG}",
    f"{LONG}/sub",
    "b/" * 3000,
    BYTES,
    "/dev/null",
    "/dev/null/x",
    "p.toml",
    "p.toml/x",
    "loop",
    "a\0b",
)
QUICK = ["--evaluations", "100", "--no-power", "--quiet"]
VERBS = (
    ["audit", "p.toml", *QUICK, "--out"],
    ["audit", "p.toml", *QUICK, "--resume", "--out"],
    ["certify", "p.toml", "--seconds", "1", "--out"],
    ["certify", "p.toml", "--seconds", "1", "--resume", "--out"],
    ["fit", "p.toml", "--max-evaluations", "50", "--seconds", "1", "--quiet", "--out"],
    ["compare", "p.toml", "p.toml", *QUICK, "--out"],
    ["budget", "p.toml", "--smoothness", "2", "--tolerance", "0.1", "--out"],
    ["demo", "peak", "--out"],
    ["report"],
    ["replay"],
    ["replay", "run", "--problem"],
    ["check"],
    ["check", "cert.json", "--problem"],
    ["audit"],
    ["certify"],
    ["fit"],
    ["budget"],
)
PROBLEM = """
[model]
python = "f.py:model"
[reference]
python = "f.py:truth"
[domain]
x = [0.0, 1.0]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "p.toml").write_text(PROBLEM)
    (tmp_path / "f.py").write_text("def truth(x):\n    return x\n\n\ndef model(x):\n    return x * x\n")
    (tmp_path / "loop").symlink_to("loop")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_name_that_no_file_can_have_is_bad_input(
    verb: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in NAMES:
        if name == "p.toml" and verb[-1] in ("audit", "certify", "fit", "budget", "check", "--problem"):
            continue  # that is what they want, or reject with exit 1
        assert run([*verb, name]) == 2, (verb, name[:40])
        said = capsys.readouterr().err.strip().splitlines()
        assert len(said) == 1, said
        assert said[0].startswith("supnorm: ")
        assert "bug" not in said[0]
        assert len(said[0]) < 2000
    assert not (folder / "supnorm-crash.txt").exists()


def test_a_null_character_in_a_problem_file(folder: Path) -> None:
    for text in (
        'title = "a\\u0000"\n',
        '[audit]\npower = { runs = "\\u0000" }\n',
        '[domain]\n"a\\u0000" = [0.0, 1.0]\n',
    ):
        (folder / "p.toml").write_text(text)
        with pytest.raises(BadInput, match="not valid TOML: a string holds a null character"):
            read_specification(folder / "p.toml")


def pair() -> Problem:
    return Problem(Function(lambda x: x * x), Function(lambda x: x), Domain(x=(0.0, 1.0)))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_pipes_and_devices_where_a_run_looks_for_its_files(folder: Path) -> None:
    """None of them is waited for, or read without an end."""
    os.mkfifo(folder / "pipe")
    error, problem = error_program(pair()), pair()
    for name in ("pipe", "/dev/zero", str(folder), "loop"):
        with pytest.raises(BadInput, match="cannot be read"):
            load_bracket(Path(name), error, None, lambda x: np.ones(len(x), bool))  # type: ignore[arg-type]
        for compare in (mismatch, statement_mismatch):
            assert "cannot be read" in str(compare(name, problem))
        if name != "loop":  # nothing is there
            with pytest.raises(BadInput, match="cannot be read"):
                read_runs(name)
        (folder / "run").mkdir(exist_ok=True)
        (folder / "run" / "result.json").symlink_to(name if name.startswith("/") else folder / name)
        assert held_fingerprint(folder / "run") is None
        (folder / "run" / "result.json").unlink()
    for text in ("[" * 100_000, '{"schema": 3}', "9" * 5000, '{"digest": [], "schema": "\\ud800"}'):
        (folder / "c.json").write_text(text)
        with pytest.raises(BadInput, match="start without resume"):
            load_bracket(folder / "c.json", error, None, lambda x: np.ones(len(x), bool))  # type: ignore[arg-type]
        for compare in (mismatch, statement_mismatch):
            assert compare(folder / "c.json", problem) == NO_CERTIFICATE
        (folder / "runs.jsonl").write_text(text + "\n{}\n")
        with pytest.raises(BadInput, match="line 1 is not a run of a learning curve"):
            read_runs(folder / "runs.jsonl")


def test_a_batch_that_lies_is_refused_before_its_numbers_are_read(folder: Path) -> None:
    """A point of 20 MB would be held three times."""
    path = folder / "evaluations.sqlite"
    EvaluationStore(path, "f").close()
    held = sqlite3.connect(path)
    held.execute("INSERT INTO batches VALUES (1, 'model', '', 1, zeroblob(20000000), zeroblob(8), '{}', 0.0)")
    held.commit()
    held.close()
    store = EvaluationStore(path, "f")
    tracemalloc.start()
    with pytest.raises(BadInput, match="does not have their numbers"):
        store.load("model")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 5_000_000
    store.close()


def test_the_supervisor_obeys_no_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    """What was being called when a process ended holds names of the user's."""
    page = SimpleNamespace(verdict=None, in_call="calling \x1b[2Jmodel\r\n")
    assert outcome(page, 9) == 3  # type: ignore[arg-type]
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\r" not in said
    assert len(said.splitlines()) == 1


def test_a_damaged_result_of_an_audit_is_the_file_s_fault_once_the_proof_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("flint")
    assert run(["audit", "p.toml", *QUICK, "--out", "run"]) == 0
    whole = json.loads((folder / "run" / "result.json").read_text())
    for part, value in (
        ("tolerance", "x"),
        ("tolerance", {}),
        ("charts", [1]),
        ("peaks", whole["peaks"] * 2),
    ):
        (folder / "run" / "result.json").write_text(json.dumps(whole | {part: value}))
        capsys.readouterr()
        code = run(["certify", "p.toml", "--seconds", "30", "--ratio", "1.5", "--out", "run"])
        said = capsys.readouterr().err
        assert code in (0, 2, 4), (part, value)
        assert code != 2 or "run/result.json" in said.splitlines()[-1]
        assert "bug" not in said
        (folder / "run" / "certificate.json").unlink(missing_ok=True)
    broken = json.loads(json.dumps(whole))
    broken["charts"]["histogram"] = {"edges": [[1], 2], "counts": "x"}
    broken["charts"]["cuts"] = [3]
    (folder / "run" / "result.json").write_text(json.dumps(broken))
    assert run(["certify", "p.toml", "--seconds", "30", "--ratio", "1.5", "--out", "run"]) == 2
    assert (folder / "run" / "certificate.json").exists()


def test_the_words_of_mismatch_tell_what_a_file_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was missing or unreadable was "not a well-formed certificate", and so was a proof of the other kind."""
    problem = Problem(Function(lambda x: x * x), Function(lambda x: x), Domain(x=(0.0, 1.0)))
    sn.certify(problem, ratio=2.0).save("one.json")
    sn.certify_norms(problem, seconds=1.0).save("several.json")
    assert mismatch("one.json", problem) is None
    assert statement_mismatch("several.json", problem) is None
    assert "several parts, which" in str(mismatch("several.json", problem))
    assert "one bound, which" in str(statement_mismatch("one.json", problem))
    with pytest.raises(BadInput, match="several parts"):
        values_for_statement("one.json", problem, 4)
    Path("cut.json").write_bytes(Path("several.json").read_bytes()[:-40])
    Path("none.json").write_bytes(b"\xff" * 10)
    for compare in (mismatch, statement_mismatch):
        assert compare("missing.json", problem) == "the certificate missing.json: no such file"
        assert compare("cut.json", problem) == compare("none.json", problem) == NO_CERTIFICATE

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    monkeypatch.setattr(Path, "open", denied)
    for compare in (mismatch, statement_mismatch):
        assert compare("cut.json", problem) == "the certificate cut.json cannot be read: Permission denied"


def test_facts_of_a_store_that_are_no_numbers(folder: Path) -> None:
    for text in ("\x0024", "nan", "-1", "inf", "9" * 400, "x"):
        path = folder / "s.sqlite"
        path.unlink(missing_ok=True)
        store = EvaluationStore(path, "f")
        store.remember("seconds a point, model", text)
        store.remember("asked for", text)
        with pytest.raises(BadInput, match="not a store of evaluations"):
            Caller(pair().model, "model", store)
        with pytest.raises(BadInput, match="damaged"):
            same_run(store, {"seed": 1.0}, folder)
        store.close()


def test_a_store_that_is_damaged_where_it_is_written(folder: Path) -> None:
    path = folder / "s.sqlite"
    store = EvaluationStore(path, "f")
    for i in range(300):
        x = np.full((20, 1), float(i))
        store.append("model", "search", x, x, {}, 0.0)
    store.close()
    with path.open("r+b") as file:  # all but the schema and the facts, with their seals
        size = path.stat().st_size
        file.seek(4096 * 5)
        file.write(b"\xff" * (size - 4096 * 5))
    store = EvaluationStore(path, "f")
    with pytest.raises(BadInput, match="not a store of evaluations"):
        store.append("model", "search", x, x, {}, 0.0)
    store.close()


def test_a_disk_that_is_full_is_not_the_fault_of_a_file_that_is_read() -> None:
    with pytest.raises(NotWritten), faults_of("run/result.json"):
        raise NotWritten("report.html cannot be written")

"""Killed at any moment, a run goes on: same result, nothing evaluated twice but the batch in flight."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import SMALL_SEARCHES, TRUTH, Shell, stored
from tests.cli.test_exit_codes import REFERENCE, wait_for_lines

from supnorm.evaluation.spot_check import POINTS

TIMES = {"seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished", "command", "cost"}
TIMES |= {"versions"}  # of the packages that are loaded: this process has loaded more
ARGUMENTS = ("audit", "problem.toml", "--quiet", "--evaluations", "100", "--seed", "4")
SLOW = (REFERENCE, 'python = "truth.py:logged"\nper_point = true')


def result(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "result.json").read_text())
    document["planned"].pop("seconds", None)  # at what a call took
    return {k: v for k, v in document.items() if k not in TIMES}


def points(log: Path) -> Counter[str]:
    return Counter(log.read_text().splitlines())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Counter[str]]:
    """The uninterrupted run: its result, and the points where it called the reference."""
    folder = tmp_path_factory.mktemp("whole")
    shell = Shell(folder, None, SMALL_SEARCHES)
    (folder / "truth.py").write_text(TRUTH)
    shell.write(SLOW)
    log = folder / "log.txt"
    assert shell.finish(*ARGUMENTS, "--out", "run", SUPNORM_TEST_LOG=str(log)).code == 1
    assert sum(points(log).values()) > 100
    return result(folder / "run"), points(log)


@pytest.mark.slow
@pytest.mark.xdist_group("resume")
@pytest.mark.usefixtures("small_searches")
@pytest.mark.parametrize("kills", [(3,), (60,), (25, 25)], ids=["early", "late", "twice"])
def test_kill_9_and_resume(
    shell: Shell, whole: tuple[dict[str, Any], Counter[str]], kills: tuple[int, ...]
) -> None:
    shell.write(SLOW)
    called: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for i, after in enumerate(kills):
        log = shell.folder / f"{i}.txt"
        resume = ["--resume"] if i else []
        here = {"SUPNORM_TEST_LOG": str(log), "SUPNORM_TEST_HOLD": str(after)}
        process = shell.start(*ARGUMENTS, "--out", "run", *resume, **here)
        wait_for_lines(log, after)
        process.kill()
        process.communicate()
        called += points(log)
        kept = stored(shell.folder / "run")
        lost += Counter(point for point in points(log) if point not in kept)
    assert not (shell.folder / "run" / "result.json").exists()
    log = shell.folder / "last.txt"
    resumed = shell.run(*ARGUMENTS, "--out", "run", "--resume", SUPNORM_TEST_LOG=str(log))
    assert resumed.code == 1, resumed.err
    called += points(log)
    expected, once = whole
    assert result(shell.folder / "run") == expected
    # What was called beyond the uninterrupted run was in flight at a kill, or is looked at again after it.
    repeated = called - once
    assert (repeated - lost).total() <= POINTS * len(kills), repeated
    assert lost.total() <= 8 * len(kills)  # a batch, which is stored when it has come back


@pytest.mark.slow
@pytest.mark.usefixtures("small_searches")
def test_resuming_a_finished_run_evaluates_only_the_witness_again(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write(SLOW)
    monkeypatch.setenv("SUPNORM_TEST_SLEEP", "0.002")
    log = shell.folder / "log.txt"
    monkeypatch.setenv("SUPNORM_TEST_LOG", str(log))
    assert shell.run(*ARGUMENTS, "--out", "run").code == 1
    before, first = points(log), result(shell.folder / "run")
    log.unlink()
    assert shell.run(*ARGUMENTS, "--out", "run", "--resume").code == 1
    assert result(shell.folder / "run") == first
    assert sum(points(log).values()) < 0.15 * sum(before.values())


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("first", "then", "named"),
    [
        (["--seed", "1"], ["--seed", "2"], "--seed 1, but you ask for --seed 2"),
        (
            ["--evaluations", "300"],
            ["--evaluations", "400"],
            "--evaluations 300, but you ask for --evaluations 400",
        ),
        (["--evaluations", "300"], ["--seconds", "1"], "--evaluations 300, no --seconds"),
    ],
)
def test_resuming_with_another_seed_or_budget_is_refused(
    shell: Shell, first: list[str], then: list[str], named: str
) -> None:
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run", *first).code == 1
    before = result(shell.folder / "run")
    refused = shell.run("audit", "problem.toml", "--quiet", "--out", "run", "--resume", *then)
    assert refused.code == 2
    assert named in refused.err
    assert len(refused.err.strip().splitlines()) == 1
    assert result(shell.folder / "run") == before
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run", "--resume", *first).code == 1


@pytest.mark.slow
@pytest.mark.usefixtures("small_searches")
def test_without_resume_an_older_store_is_set_aside_and_not_lost(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.write(SLOW)
    monkeypatch.setenv("SUPNORM_TEST_SLEEP", "0.002")
    monkeypatch.setenv("SUPNORM_TEST_LOG", str(shell.folder / "log.txt"))
    folder = shell.folder / "run"
    sizes = []
    for _ in range(3):
        assert shell.run("audit", "problem.toml", "--quiet", "--evaluations", "100", "--out", "run").code == 1
        sizes.append(len(list(folder.glob("evaluations.sqlite*"))))
    kept = {p.name for p in folder.glob("evaluations.sqlite*") if not p.name.endswith(("-wal", "-shm"))}
    assert len(kept) == 3, kept  # "an older store never lost"


@pytest.mark.slow
def test_a_moved_run_is_replayed_and_its_page_rebuilt(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 1
    shutil.move(shell.folder / "run", shell.folder / "elsewhere")
    (shell.folder / "elsewhere" / "report.html").unlink()
    assert shell.run("report", "elsewhere").code == 0
    assert "<html" in (shell.folder / "elsewhere" / "report.html").read_text()


FIT = ("fit", "problem.toml", "--method", "polynomial", "--max-evaluations", "100", "--quiet")


@pytest.mark.slow
def test_a_killed_fit_goes_on_with_what_was_paid_for(shell: Shell) -> None:
    shell.write(SLOW)
    quick = {"SUPNORM_TEST_SLEEP": "0.004"}
    whole = shell.run(*FIT, "--out", "whole", SUPNORM_TEST_LOG=str(shell.folder / "whole.txt"), **quick)
    assert whole.code == 0, whole.err
    process = shell.start(*FIT, "--out", "run", SUPNORM_TEST_LOG=str(shell.folder / "killed.txt"), **quick)
    wait_for_lines(shell.folder / "killed.txt", 60)
    process.kill()
    process.communicate()
    log = shell.folder / "resumed.txt"
    resumed = shell.run(*FIT, "--out", "run", "--resume", SUPNORM_TEST_LOG=str(log), **quick)
    assert resumed.code == 0, resumed.err
    first, second = (json.loads((shell.folder / n / "fit.json").read_text()) for n in ("whole", "run"))
    assert second["evaluations"] == first["evaluations"]
    assert second["winner"]["sup"] == first["winner"]["sup"]
    assert [c["method"] for c in second["candidates"]] == [c["method"] for c in first["candidates"]]
    once = sum(points(shell.folder / "whole.txt").values())
    assert sum(points(log).values()) < once  # what had been stored was not called again


@pytest.mark.slow
def test_compare_goes_on_with_the_models_that_are_done(shell: Shell) -> None:
    arguments = ("compare", "problem.toml", "problem.toml", "--evaluations", "300", "--json", "--out", "both")
    first = json.loads(shell.run(*arguments).out)
    assert json.loads(shell.run(*arguments, "--resume").out) == first
    assert not list((shell.folder / "both").rglob("*.old"))


def test_a_store_that_a_kill_left_blank_is_no_run_and_not_set_aside(shell: Shell) -> None:
    """It was called damaged, though the line of the interrupt had said how to go on."""
    shell.write()
    (shell.folder / "run").mkdir()
    path = shell.folder / "run" / "evaluations.sqlite"
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode=WAL")
    arguments = ("audit", "problem.toml", "--evaluations", "100", "--no-power", "--out", "run", "--quiet")
    assert (
        shell.run(*arguments, "--resume").line
        == "supnorm: --resume: run has no run; leave --resume out to start one"
    )
    assert shell.run(*arguments).code in (0, 1)
    assert not list((shell.folder / "run").glob("*.old*"))


@pytest.mark.parametrize("verb", ["guard", "compare"])
def test_a_damaged_store_is_not_begun_anew_by_a_run_that_asks_to_go_on(shell: Shell, verb: str) -> None:
    """What was paid for was computed again without a word; of an audit and a fit the store was refused by name."""
    folder = shell.folder / "run" / ("" if verb == "guard" else "a")
    folder.mkdir(parents=True)
    (folder / "evaluations.sqlite").write_bytes(b"SQLite format 3" + bytes(5000))
    given = [shell.write(name="a.toml"), *([shell.write(name="b.toml")] if verb == "compare" else [])]
    if verb == "guard":
        assert shell.run("audit", "a.toml", "--evaluations", "300", "--out", "audited", "--quiet").code == 1
    more = ["--report", "audited"] if verb == "guard" else []
    done = shell.run(verb, *given, *more, "--out", "run", "--resume", "--quiet")
    assert done.code == (2 if verb == "guard" else 1)  # the other model of a comparison is wrong
    assert "is damaged, or no store of evaluations" in done.err
    assert not list(folder.glob("*.old*"))

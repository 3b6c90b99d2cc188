"""``supnorm claim``: lines, JSON, files, exit codes, the ledger and its gallery."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Shell
from tests.schema import demand_as_published

from supnorm import pages
from supnorm.claims import Claim
from supnorm.cli import claim
from supnorm.cli.folder import undisturbed
from supnorm.interrupts import INTERRUPTS
from supnorm.results import BadInput, Interrupted

TEXT = """
title = "A series"
[claim]
says = "The series is accurate to the printed number."
source = "this test"
published = "a number"
of = "x - x^3/6"
reference = "numpy"
second = "numpy, again"
[model]
python = "code.py:series"
[reference]
python = "code.py:truth"
[recheck]
python = "code.py:again"
[error]
tolerance = 0.01
[domain]
x = [0.0, 1.0]
[audit]
evaluations = 500
power = false
"""
CODE = """
import numpy as np
def series(x): return x[:, 0] - x[:, 0] ** 3 / 6
def truth(x): return np.sin(x[:, 0])
def again(x): return np.sin(x[:, 0]) + 1e-9
same = truth
def contradicts(x): return series(x)
"""
FALSE = ("tolerance = 0.01", "tolerance = 0.008")


@pytest.fixture
def ledger(shell: Shell) -> Shell:
    put(shell, "true")
    return shell


def put(shell: Shell, name: str, *changes: tuple[str, str]) -> Path:
    """A claim in ``claims/NAME/claim.toml``, with parts replaced."""
    folder = shell.folder / "claims" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "code.py").write_text(CODE)
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    (folder / "claim.toml").write_text(text)
    return folder / "claim.toml"


@pytest.mark.slow
def test_a_claim_that_holds_and_its_files(ledger: Shell) -> None:
    done = ledger.run("claim", "claims/true/claim.toml", "--report")
    assert done.code == 0
    assert done.out.startswith("not-refuted: The claim is a number.")
    assert "“The series is accurate to the printed number.” (this test)" in done.out
    folder = ledger.folder / "true-claim"
    for name in ("claim.json", "badge.svg", "claims.html", "audit/report.html", "audit/result.json"):
        assert (folder / name).exists(), name
    record = json.loads((folder / "claim.json").read_text())
    demand_as_published((folder / "claim.json").read_text())
    assert record["command"] == "supnorm claim claims/true/claim.toml"
    assert "not refuted" in (folder / "badge.svg").read_text()
    page = (folder / "claims.html").read_text()
    assert 'href="./audit/report.html"' in page
    assert not re.search(r'(src|href)="https?:', page)


@pytest.mark.slow
def test_a_claim_that_is_false_and_one_without_a_second_reference(ledger: Shell) -> None:
    put(ledger, "false", FALSE)
    done = ledger.run("claim", "claims/false/claim.toml", "--json", "--out", "f")
    assert done.code == 1
    record = json.loads(done.out)
    assert record["status"]["code"] == "refuted"
    assert record["worst"]["confirmed"] is True
    assert record["worst"]["x"] == {"x": 1.0}
    alone = put(ledger, "alone", FALSE, ('second = "numpy, again"\n', ""),
                ('[recheck]\npython = "code.py:again"\n', ""))  # fmt: skip
    done = ledger.run("claim", alone, "--json")
    assert done.code == 4
    assert json.loads(done.out)["status"]["code"] == "unconfirmed"
    doubted = put(
        ledger, "doubted", ("tolerance = 0.01", "tolerance = 0.005"), ("code.py:again", "code.py:contradicts")
    )
    assert ledger.run("claim", doubted, "--quiet").code == 5


def test_the_verdict_of_an_earlier_run_is_marked_where_the_last_one_was_refused(shell: Shell) -> None:
    """claim.json said not-refuted beside a claim that was edited and not judged, without a word about it."""
    file = put(shell, "true")
    run = lambda: shell.run("claim", file, "--out", "run", "--quiet", "--evaluations", "200").code  # noqa: E731
    assert run() == 0
    mark = shell.folder / "run" / "unfinished-claim.json"
    assert not mark.exists()
    whole = file.read_text()
    file.write_text(whole.replace("tolerance = 0.01", "tolerance = 0.008"))
    assert run() == 2
    assert "fingerprint" in json.loads(mark.read_text())["why"]
    file.write_text(whole)
    assert run() == 0
    assert not mark.exists()


@pytest.mark.slow
def test_no_proof_of_an_older_run_stays_beside_another_verdict(shell: Shell) -> None:
    """The certificate of the series that was proved stood beside the verdict on another series, and `check` accepted it."""
    file = put(
        shell,
        "true",
        ('second = "numpy, again"', "prove = 20.0"),
        ('[recheck]\npython = "code.py:again"\n', ""),
    )
    run = lambda: shell.run("claim", str(file), "--out", "run", "--quiet")  # noqa: E731
    assert run().code == 0
    assert (shell.folder / "run" / "certificate.json").exists()
    file.write_text(file.read_text().replace("tolerance = 0.01", "tolerance = 0.008"))
    (shell.folder / "run" / "audit").rename(shell.folder / "run" / "older")
    assert run().code == 4
    assert not (shell.folder / "run" / "certificate.json").exists()


@pytest.mark.slow
def test_options_of_the_search(ledger: Shell) -> None:
    done = ledger.run(
        "claim", "claims/true/claim.toml", "--evaluations", "300", "--seed", "4", "--json", "--out", "o"
    )
    record = json.loads(done.out)
    assert record["seed"] == 4
    assert record["evaluations"] < 500
    assert record["command"] == "supnorm claim claims/true/claim.toml --out o --evaluations 300 --seed 4"


@pytest.mark.slow
def test_a_missing_package_is_no_fault_and_its_code_is_not_run(ledger: Shell) -> None:
    path = put(
        ledger, "away", ('of = "x', 'package = "no-such-package"\nneeds = ["no-such-package>=2,<3"]\nof = "x')
    )
    (path.parent / "code.py").write_text("raise SystemExit('this ran')")
    done = ledger.run("claim", path)
    assert done.code == 4
    assert "no-such-package is not installed, or in a version that the claim does not take" in done.out
    whole = ledger.run("claim", "claims", "--all")
    assert whole.code == 0
    assert "pip install 'no-such-package>=2,<3'" in whole.out
    assert not (ledger.folder / "claims-run" / "away").exists()


@pytest.mark.slow
def test_a_version_that_the_claim_does_not_take_is_as_good_as_none(ledger: Shell) -> None:
    path = put(
        ledger, "newer", ("of = ", 'needs = ["numpy>=99"]\nof = '), ("code.py:series", "code.py:nowhere")
    )
    done = ledger.run("claim", path)
    assert done.code == 4
    assert (
        "numpy is not installed, or in a version that the claim does not take: pip install 'numpy>=99'"
        in done.out
    )


@pytest.mark.slow
def test_the_ledger_runs_all_and_goes_on(ledger: Shell) -> None:
    put(ledger, "false", FALSE)
    put(ledger, "broken", ("code.py:series", "code.py:nothing"))
    (ledger.folder / "claims" / "README.md").write_text("no claim")
    done = ledger.run("claim", "claims", "--all", "--report")
    assert done.code == 2  # a file that could not be run; the others were
    lines = done.out.splitlines()
    assert re.search(r"^false +a number +0\.008138 +1\.02 +refuted$", done.out, re.MULTILINE)
    assert any(line.startswith("broken: ") and "nothing" in line for line in lines)
    folder = ledger.folder / "claims-run"
    text = (folder / "claims.json").read_text()
    demand_as_published(text)
    record = json.loads(text)
    assert record["verdicts"] == {"failed": 1, "not-refuted": 1, "refuted": 1}
    page = (folder / "claims.html").read_text()
    assert 'href="false/audit/report.html"' in page
    assert 'class="sortable claims"' in page
    written = (folder / "false" / "claim.json").stat().st_mtime_ns
    put(ledger, "broken")  # mended
    put(ledger, "true", ("evaluations = 500", "evaluations = 500"), ("tolerance = 0.01", "tolerance = 0.02"))
    again = ledger.run("claim", "claims", "--all", "--resume", "--json", "--out", "claims-run")
    assert again.code == 1
    assert json.loads(again.out)["verdicts"] == {"not-refuted": 2, "refuted": 1}
    assert (folder / "false" / "claim.json").stat().st_mtime_ns == written
    assert json.loads((folder / "true" / "claim.json").read_text())["tolerance"] == 0.02


@pytest.mark.slow
def test_a_ledger_that_is_resumed_with_another_search_judges_again(ledger: Shell) -> None:
    """--seed 4 --evaluations 20000 --resume printed the verdict of 300 evaluations, and the command had neither."""
    run = lambda *more: ledger.run("claim", "claims", "--all", "--cost", "cheap", "--json", *more)  # noqa: E731
    first = json.loads(run("--evaluations", "300", "--seed", "3").out)
    assert first["command"] == "supnorm claim claims --all --evaluations 300 --seed 3 --cost cheap"
    again = json.loads(run("--evaluations", "300", "--seed", "3", "--resume").out)
    assert again["rows"] == first["rows"]
    other = json.loads(run("--evaluations", "300", "--seed", "4", "--resume").out)["rows"][0]
    assert (other["seed"], other["evaluations"]) == (4, first["rows"][0]["evaluations"])
    more = json.loads(run("--seed", "4", "--resume").out)["rows"][0]
    assert more["evaluations"] > other["evaluations"]


@pytest.mark.slow
def test_a_ledger_says_what_does_not_end_as_before(ledger: Shell) -> None:
    put(ledger, "changed", ("[model]", '[claim.known]\nverdict = "refuted"\n[model]'))
    done = ledger.run("claim", "claims", "--all", "--quiet")
    assert done.code == 0
    record = json.loads((ledger.folder / "claims-run" / "claims.json").read_text())
    assert "One does not end as written down before: changed." in record["status"]["advice"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ([('says = "The series is accurate to the printed number."\n', "")], "says"),
        ([("[claim]", "[claim]\nsaid = 3")], "unknown key claim.said"),
        ([("tolerance = 0.01", 'kind = "absolute"')], "tolerance"),
        ([("code.py:again", "code.py:truth")], "the reference once more"),
        ([("code.py:again", "./code.py:truth")], "the reference once more"),
        ([("code.py:again", "code.py:same")], "the reference once more"),
        ([('second = "numpy, again"\n', "")], "or neither of them"),
        ([("[model]", "[claim.known]\nverdict = 3\n[model]")], "known.verdict"),
    ],
)
def test_a_malformed_claim_is_refused_in_one_line(ledger: Shell, changes, complaint: str) -> None:
    refused = ledger.run("claim", put(ledger, "wrong", *changes))
    assert refused.code == 2
    assert complaint in refused.line
    assert "claim.toml" in refused.line


def test_what_is_no_claim_is_refused(ledger: Shell) -> None:
    assert "[claim] is missing" in ledger.run("claim", "problem.toml").line
    assert "give a claim file" in ledger.run("claim").line
    assert "a folder needs --all" in ledger.run("claim", "claims").line
    assert "--all takes a folder" in ledger.run("claim", "claims/true/claim.toml", "--all").line
    (ledger.folder / "empty").mkdir()
    assert "no claims here" in ledger.run("claim", "empty", "--all").line
    twin = put(ledger, "false")
    (twin.parent.parent / "False.toml").write_text(twin.read_text())
    assert "two claims named 'False'" in ledger.run("claim", "claims", "--all").line
    assert "has no run" in ledger.run("claim", "claims/true/claim.toml", "--resume").line


def test_the_problem_of_a_claim_can_be_audited_by_itself(ledger: Shell) -> None:
    assert ledger.run("audit", "claims/true/claim.toml", "--quiet", "--no-power").code == 0


@pytest.mark.slow
def test_an_edited_claim_does_not_take_over_an_older_run(ledger: Shell) -> None:
    path = put(ledger, "true")
    assert ledger.run("claim", path, "--quiet", "--out", "held").code == 0
    (path.parent / "code.py").write_text(CODE.replace("/ 6", "/ 5"))
    assert "another problem" in ledger.run("claim", path, "--resume", "--out", "held").line


@pytest.mark.slow
def test_a_ledger_that_is_resumed_judges_a_claim_with_other_words_again(ledger: Shell) -> None:
    """Words, and what a proof may spend, are not part of the problem."""
    put(ledger, "false", FALSE)
    arguments = ("claim", "claims", "--all", "--quiet", "--out", "held")
    assert ledger.run(*arguments).code == 1
    put(
        ledger, "false", FALSE, ('published = "a number"', 'published = "a number"\nnot_comparable = "units"')
    )
    put(ledger, "true", ("of = ", "prove = 1.0\nof = "), ('says = "The', 'says = "A'))
    assert ledger.run(*arguments, "--resume").code == 0
    record = json.loads((ledger.folder / "held" / "claims.json").read_text())
    assert record["verdicts"]["not-comparable"] == 1
    assert record["rows"][1]["says"].startswith("A series")
    remarks = [remark["text"] for remark in record["rows"][1]["remarks"]]
    assert record["rows"][1]["proof"] is not None or any("proof" in text for text in remarks)


@pytest.mark.slow
def test_a_ledger_that_is_resumed_judges_a_claim_again_whose_calls_open_another_file(ledger: Shell) -> None:
    path = put(ledger, "true")
    lazy = "def series(x): return x[:, 0] - float((Path(__file__).parent / 'c.txt').read_text()) * x[:, 0] ** 3\n"
    (path.parent / "code.py").write_text("from pathlib import Path\n" + CODE + lazy)
    (path.parent / "c.txt").write_text("0.1666")
    arguments = ("claim", "claims", "--all", "--quiet", "--out", "held")
    assert ledger.run(*arguments).code == 0
    (path.parent / "c.txt").write_text("0.2666")
    assert ledger.run(*arguments, "--resume").code == 1


@pytest.mark.slow
def test_an_edited_verdict_is_judged_again_when_a_ledger_is_resumed(ledger: Shell) -> None:
    """A refuted claim whose file said that it was not refuted gave a row, a page and an exit code that said so."""
    put(ledger, "true", FALSE)
    run = lambda *more: ledger.run("claim", "claims", "--all", "--out", "all", *more).code  # noqa: E731
    assert run() == 1
    file = ledger.folder / "all" / "true" / "claim.json"
    for code, error in (("not-refuted", None), ("proved", 0.001), ("not-refuted", 0.001)):
        held = json.loads(file.read_text())
        held["status"] = {"code": code, "advice": "", "exit": 0}
        held["worst"]["error"] = error or held["worst"]["error"]
        file.write_text(json.dumps(held))
        assert run("--resume") == 1
        assert json.loads(file.read_text())["status"]["code"] == "refuted"


@pytest.mark.slow
def test_what_was_judged_with_another_version_of_a_package_is_not_resumed(ledger: Shell) -> None:
    path = put(ledger, "true", ("of = ", 'needs = ["numpy"]\nof = '))
    assert ledger.run("claim", path, "--quiet", "--out", "one").code == 0
    assert ledger.run("claim", "claims", "--all", "--quiet", "--out", "all").code == 0
    for held in ("one/claim.json", "all/true/claim.json"):
        text = (ledger.folder / held).read_text()
        old = re.sub(r'("installed": \{\s*"numpy": )"[^"]*"', r'\1"0.1"', text)
        assert old != text
        (ledger.folder / held).write_text(old)
    refused = ledger.run("claim", path, "--resume", "--out", "one")
    assert refused.code == 2
    assert "numpy 0.1" in refused.line
    assert ledger.run("claim", "claims", "--all", "--resume", "--quiet", "--out", "all").code == 0
    again = json.loads((ledger.folder / "all/true/claim.json").read_text())
    assert again["installed"]["numpy"] != "0.1"


def test_a_ledger_of_which_nothing_could_be_run_decides_nothing(shell: Shell) -> None:
    put(shell, "missing", ("of = ", 'needs = ["no-such-package"]\nof = '))
    assert shell.run("claim", "claims", "--all", "--quiet").code == 4


def test_an_interrupted_ledger_says_once_how_to_go_on(ledger: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(*_: object) -> None:
        raise Interrupted(f"the audit is kept: {claim.AGAIN}")

    monkeypatch.setattr(claim, "_entry", cut_short)
    done = ledger.run("claim", "claims", "--all", "--quiet")
    assert done.code == 3
    assert done.err.count("--resume") == 1


def test_all_without_a_folder_is_of_the_source_tree_also_where_the_package_is_a_copy(
    ledger: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "__file__", "/usr/lib/python3/site-packages/supnorm/cli/claim.py")
    monkeypatch.chdir(ledger.folder)
    with pytest.raises(BadInput, match="go to the source tree"):  # a folder of the user is not taken for it
        claim._of_source_tree()
    package = ledger.folder / "src/supnorm/__init__.py"
    package.parent.mkdir(parents=True)
    package.touch()
    assert claim._of_source_tree().resolve() == ledger.folder / "claims"


@pytest.mark.parametrize("text", ["[[[", "title = 'no claim'\n[model]\npython = 'code.py:series'\n"])
def test_a_file_that_is_no_claim_is_told_before_anything_is_searched(ledger: Shell, text: str) -> None:
    put(ledger, "zero").write_text(text)  # the last one by its name
    done = ledger.run("claim", "claims", "--all", "--quiet", "--out", "held")
    assert done.code == 2
    assert "claims/zero/claim.toml" in done.line
    assert not (ledger.folder / "held" / "true").exists()


@pytest.mark.slow
@pytest.mark.parametrize("made", ["", "an error of an import"])
def test_a_request_while_the_code_of_a_claim_is_loaded_keeps_those_that_were_judged(
    ledger: Shell, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    """It ended the ledger without a result; where the import made another error of it, the claim was "failed"."""
    put(ledger, "zuletzt")
    opened = Claim.open

    def interrupted(file: Path, **options: Any) -> Claim:
        if "zuletzt" in str(file):
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                if made:
                    raise BadInput(made) from None
                raise
        return opened(file, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Claim, "open", interrupted)
        INTERRUPTS.listen([signal.SIGINT], lambda: None)
        done = ledger.run("claim", "claims", "--all", "--quiet")
        signal.signal(signal.SIGINT, signal.default_int_handler)
    assert (done.code, done.line) == (
        3,
        "supnorm: interrupted at zuletzt; run the same command with --resume",
    )
    record = json.loads((ledger.folder / "claims-run" / "claims.json").read_text())
    assert (record["status"]["code"], [row["name"] for row in record["rows"]]) == ("interrupted", ["true"])
    assert ledger.run("claim", "claims", "--all", "--resume").code == 0


@pytest.mark.slow
def test_a_request_while_a_claim_is_written_ends_the_ledger(
    ledger: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While files were written Ctrl-C was ignored: a ledger of thirty claims went on with the next one."""
    put(ledger, "zuletzt")
    written = pages.write_badge

    def interrupted(record: Any, path: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        written(record, path)

    with monkeypatch.context() as patch:
        patch.setattr(pages, "write_badge", interrupted)
        assert ledger.run("claim", "claims", "--all").code == 3
    record = json.loads((ledger.folder / "claims-run" / "claims.json").read_text())
    assert (record["status"]["code"], [row["name"] for row in record["rows"]]) == ("interrupted", ["true"])
    assert ledger.run("claim", "claims", "--all", "--resume").code == 0


def test_a_request_while_the_last_files_are_written_is_over_with_the_command(
    ledger: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        INTERRUPTS.poll()  # of the next part
    assert ledger.run("claim", "nowhere.toml").code == 3  # bad input while a request waits
    INTERRUPTS.poll()  # the next command hears nothing of it

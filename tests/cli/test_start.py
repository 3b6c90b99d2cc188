"""What a new user meets first: numbers as people write them, names that are nearly right, completion in the shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from tests.cli.conftest import Shell

from supnorm.cli.main import run
from supnorm.problem.file_schema import problem_schema
from supnorm.results.option import whole_number


@pytest.mark.parametrize(("text", "number"), [("1e5", 100_000), ("2.5e3", 2500), ("100.0", 100), (" 7 ", 7)])
def test_a_whole_number_may_have_an_exponent(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["1.5", "1e-3", "1e30", "nan", "inf", "1e999999999", "", "five"])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        whole_number(text)


def test_evaluations_with_an_exponent(shell: Shell) -> None:
    given = shell.run("audit", "problem.toml", "--evaluations", "1e3", "--json")
    assert given.code == 1
    assert '"evaluations": 1000' in given.out


@pytest.mark.parametrize("words", [["audti"], ["audit", "x.toml", "--evaluation", "5"], ["schema", "adit"]])
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2
    said = capsys.readouterr().err
    assert "audit" in said or "--evaluations" in said
    assert "ean" in said or "Possible" in said


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("line", "offered"), [("supnorm aud", "audit"), ("supnorm audit --ev", "--evaluations")]
)
def test_the_shell_completes_verbs_and_options(line: str, offered: str) -> None:
    asked = {
        "_SUPNORM_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "supnorm"], env=os.environ | asked, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.split()) == (0, [offered]), done.stderr


def test_code_of_a_problem_that_exits_within_typer_is_no_verdict(shell: Shell) -> None:
    """`sys.exit(0)` of a command line that the file of a reference runs must not pass for a good end."""
    code = "import typer\ntyper.run(lambda: None)\ndef truth(x): return x[:, 0]\n"
    (shell.folder / "truth.py").write_text(code + "model = truth\n")
    assert shell.run("audit", "problem.toml").code == 2


def test_the_schema_of_the_problem_file_is_printed(shell: Shell) -> None:
    given = shell.run("schema", "problem")
    assert given.code == 0
    assert json.loads(given.out) == problem_schema()
    assert shell.run("schema", "problem", "--keys").code == 2

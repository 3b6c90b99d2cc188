"""``supnorm certify --property``: answers, exit codes, files, resume, and what ``check --problem`` says of them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.cli.conftest import Shell

from supnorm.certification.statement import tighter
from supnorm.cli.statement import _tighter
from supnorm.results import ExitCode

MODEL = """
import numpy as np
def model(x): return np.tanh(x[:, 0] * np.log(x[:, 1] + 1)) + 0.1 * x[:, 0]
def truth(x): return model(x) + 1e-4 * np.sin(5 * x[:, 0])
"""
PROBLEM = """
[model]
python = "m.py:model"
[reference]
python = "m.py:truth"
[domain]
T = { low = 0.2, high = 2.0 }
p = { low = 0.5, high = 20.0, scale = "log" }
[error]
tolerance = 1e-9
"""


@pytest.fixture
def work(shell: Shell) -> Shell:
    (shell.folder / "m.py").write_text(MODEL)
    (shell.folder / "problem.toml").write_text(PROBLEM)
    return shell


@pytest.mark.slow
def test_properties_are_proved_and_the_file_is_about_the_problem(work: Shell) -> None:
    done = work.run(
        "certify",
        "problem.toml",
        "--property",
        "positive",
        "--property",
        "monotone:p",
        "--json",
        "--out",
        "run",
    )
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert record["schema"] == "supnorm.properties/1"
    assert [a["status"] for a in record["answers"]] == ["proved", "proved"]
    assert record == json.loads((work.folder / "run" / "properties.json").read_text())
    checked = work.run("check", "run/properties-certificate.json", "--problem", "problem.toml")
    assert checked.code == 0, checked.out
    assert "ACCEPTED: the statement follows from its 2 parts" in checked.out
    assert "output 0: monotone in p: proved" in checked.out
    again = work.run(
        "certify",
        "problem.toml",
        "--property",
        "positive",
        "--property",
        "monotone:p",
        "--out",
        "run",
        "--resume",
    )
    assert again.code == 0
    (work.folder / "m.py").write_text(MODEL.replace("0.1 * x", "0.2 * x"))
    other = work.run("check", "run/properties-certificate.json", "--problem", "problem.toml")
    assert other.code == 1
    assert "the program of its model is not that of the problem" in other.out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "first", "other", "about"),
    [
        ("--property", "positive", "monotone:p", "properties: positive"),
        ("--norm", "w1inf", "rms", "norms: error, slope"),
    ],
)
def test_a_proof_is_not_written_over_by_one_of_another_question(
    work: Shell, option: str, first: str, other: str, about: str
) -> None:
    """With --resume another property or norm took the place of a proof that may have taken hours, without a word."""
    (work.folder / "problem.toml").write_text(PROBLEM.replace("tolerance = 1e-9", ""))
    begin = ("certify", "problem.toml", "--out", "run", "--quiet", option)
    assert work.run(*begin, first, "--seconds", "2").code in (0, 4)
    (path,) = (work.folder / "run").glob("*-certificate.json")
    before = path.read_bytes()
    refused = work.run(*begin, other, "--resume")
    assert (refused.code, path.read_bytes()) == (2, before)
    assert f"it is about other {about}; ask for these too" in refused.line
    assert work.run(*begin, first, option, other, "--resume", "--seconds", "2").code in (0, 4)
    held = json.loads(before)["parts"].keys()
    assert held <= json.loads(path.read_text())["parts"].keys()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "stem"), [(("--property", "lipschitz"), "properties"), (("--norm", "sup"), "norms")]
)
def test_a_tighter_older_proof_stays(asked: tuple[str, str], stem: str, work: Shell) -> None:
    """A looser proof took its name, and the page and the file of the folder stated the larger bound."""
    path = work.folder / "run" / f"{stem}-certificate.json"
    (work.folder / "problem.toml").write_text(PROBLEM.replace("tolerance = 1e-9", ""))

    def claims() -> dict[str, tuple[float, float]]:
        held = json.loads(path.read_text())["claims"]
        return {k: (float.fromhex(c["lower"]), float.fromhex(c["upper"])) for k, c in held.items()}

    assert work.run("certify", "problem.toml", *asked, "--ratio", "1.01", "--out", "run").code == 0
    tight = claims()
    loose = work.run("certify", "problem.toml", *asked, "--ratio", "2", "--out", "run")
    assert loose.code == 0
    assert "is tighter than this one: it was proved again, and stays" in loose.err
    assert all(tight[k][0] <= low <= high <= tight[k][1] for k, (low, high) in claims().items())
    assert not path.with_name(f"{path.name}.old").exists()
    assert work.run("check", f"run/{path.name}", "--problem", "problem.toml").code == 0
    (work.folder / "m.py").write_text(MODEL.replace("0.1", "0.2"))  # the file is of another problem now
    other = work.run("certify", "problem.toml", *asked, "--ratio", "2", "--out", "run")
    assert other.code == 0
    assert "stays" not in other.err
    assert work.run("check", f"run/{path.name}", "--problem", "problem.toml").code == 0


@pytest.mark.slow
def test_a_refuted_property_has_exit_code_1_also_of_its_file(work: Shell) -> None:
    done = work.run("certify", "problem.toml", "--property", "monotone:-T", "--out", "run")
    assert done.code == 1
    assert "y rises as T grows: the model gives" in done.out
    assert not (work.folder / "run" / "properties-checkpoint.json").exists()
    checked = work.run("check", "run/properties-certificate.json")
    assert checked.code == 1
    assert "ACCEPTED, REFUTED" in checked.out


@pytest.mark.slow
def test_an_undecided_property_has_exit_code_4(work: Shell) -> None:
    (work.folder / "m.py").write_text(MODEL + "def flat(x): return x[:, 0] ** 2 + 0.0 * x[:, 1]\n")
    (work.folder / "problem.toml").write_text(
        PROBLEM.replace("m.py:model", "m.py:flat")
        .replace("low = 0.2", "low = -0.7")
        .replace("m.py:truth", "m.py:flat")
    )
    done = work.run(
        "certify", "problem.toml", "--property", "bounded:0:inf", "--seconds", "2", "--out", "run"
    )
    assert done.code == 4, done.out + done.err
    assert "undecided" in done.out
    assert "the rest lies in T in" in done.out
    assert "go on with" in done.out
    assert work.run("check", "run/properties-certificate.json").code == 4


@pytest.mark.slow
def test_bad_properties_are_one_line(work: Shell) -> None:
    for options, words in (
        (("--property", "rising"), "is no property"),
        (("--property", "monotone:q"), "there is no input"),
        (("--property", "positive", "--tolerance", "1"), "take no --tolerance"),
        (("--property", "positive", "--resume"), "there is no"),
        (("--property", "positive", "--norm", "rms"), "not both"),
        (("--norm", "l1"), "norms must be some of"),
    ):
        done = work.run("certify", "problem.toml", *options)
        assert done.code == 2
        assert words in done.err
        assert done.err.count("\n") == 1


@pytest.mark.slow
def test_norms_are_proved_and_the_file_is_about_the_problem(work: Shell) -> None:
    done = work.run("certify", "problem.toml", "--norm", "rms", "--norm", "sup", "--out", "run")
    assert done.code == 0, done.err
    assert "sup of the error" in done.out
    assert "rms of y, uniform (log-uniform in p)" in done.out
    record = json.loads((work.folder / "run" / "norms.json").read_text())
    assert record["schema"] == "supnorm.norms/1"
    sup, rms = record["norms"]
    assert sup["lower"] <= 1e-4 <= sup["upper"] <= 1.1 * sup["lower"]
    assert 0.0 < rms["lower"] <= rms["upper"] <= 1.1 * rms["lower"] < sup["lower"]
    checked = work.run(
        "check", "run/norms-certificate.json", "--problem", "problem.toml", "--tolerance", "1e-3"
    )
    assert checked.code == 0, checked.out
    assert "root mean square error of output 0" in checked.out
    assert work.run("check", "run/norms-certificate.json", "--tolerance", "1e-6").code == 1


@pytest.mark.slow
def test_outputs_have_the_names_that_the_problem_gives(work: Shell) -> None:
    """The one output was "y", though [reference] named it."""
    path = work.folder / "problem.toml"
    path.write_text(PROBLEM.replace('python = "m.py:truth"', 'python = "m.py:truth"\noutputs = ["v"]'))
    done = work.run("certify", "problem.toml", "--property", "bounded:0:2@v", "--out", "run")
    assert done.code == 0, done.err
    assert "v stays within the limits" in done.out
    checked = work.run("check", "run/properties-certificate.json", "--problem", "problem.toml")
    assert checked.code == 0, checked.out


@pytest.mark.parametrize("status", [ExitCode.UNDECIDED, ExitCode.INTERRUPTED])
def test_a_tighter_proof_that_was_not_proved_again_is_told_of(
    status: ExitCode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C there lost the new proof, and after an interrupted run a looser one took the name without a word."""
    monkeypatch.setattr("supnorm.certification.statement.stated_claims", lambda path: {"sup": (1.0, 2.0)})
    made = SimpleNamespace(claims={"sup": (1.0, 3.0)}, integrals={}, believed=())
    result: Any = SimpleNamespace(statement=made, status=SimpleNamespace(exit=status))

    def interrupted(*given: Any) -> Any:
        raise KeyboardInterrupt

    assert _tighter(Path("a-certificate.json"), result, interrupted) is None
    assert "says a tighter bound, but was not proved again" in capsys.readouterr().err


def test_of_an_equation_the_bound_of_the_error_decides() -> None:
    """The size of the reference, which follows from the proof, may be a wider bracket beside a smaller bound."""
    one = {"error": (1.0, 1.1), "reference": (0.1, 0.6)}
    assert tighter(one, {"error": (0.9, 1.2), "reference": (0.2, 0.3)})
    assert not tighter(one, {"error": (0.9, 1.1), "reference": (0.2, 0.3)})
    assert not tighter(one, {"error": (1.0, 1.05), "reference": (0.0, 9.0)})

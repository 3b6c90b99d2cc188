"""`supnorm budget`: numbers of every kind, several learning curves on workers, data that fool, one line for bad input."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import Shell, stored
from tests.cli.test_exit_codes import REFERENCE, wait_for_lines

from supnorm.cli.budget import _contents
from supnorm.evaluation.spot_check import POINTS
from supnorm.planning import LearningCurve, PlanningCalls, SmoothClass
from supnorm.results.option import options_of

TRAINERS = """
import numpy as np
def nearest(x, y, width, seed):
    return lambda u: y[((u[:, None] - x) ** 2).sum(axis=2).argmin(axis=1)]
"""


def names(rows: list[dict[str, object]]) -> str:
    return "; ".join(str(row["name"]) for row in rows)


def test_every_number_of_the_theory_has_an_option(shell: Shell) -> None:
    done = shell.run(
        "budget", "--inputs", "2", "--smoothness", "2", "--tolerance", "1e-2", "--scales", "1,5,30", "--noise", "0.1",
        "--rho", "2,3", "--composition", "2:4,2:1", "--manifold", "1", "--stability", "4", "--network", "6,32,0.5", "--json",
    )  # fmt: skip
    data = json.loads(done.out)
    said = names(data["guarantee"]) + names(data["construction"])
    words = (
        "this shape",
        "composition",
        "low-dimensional",
        "noisy values",
        "tensor grid",
        "physics-informed",
    )
    for word in words:
        assert word in said
    assert data["caveats"][7]["outcome"]["text"].startswith("holds: |error| <= 4 |residual|")
    wide = shell.run("budget", "--inputs", "2", "--smoothness", "2", "--tolerance", "1e-2", "--json")
    assert json.loads(wide.out)["guarantee"][0]["log10"] < data["guarantee"][0]["log10"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--network", "6,32"), "--network must be LAYERS,WIDTH,C"), (("--rho", "2,x"), "--rho wants numbers"),
        (("--composition", "2,4"), "wants pairs"),
        (("--learning-curve", "network"), "--learning-curve needs a function"),
        (("--network", "2,4,1"), "at least 3 affine layers"),
        (("--rho", "2"), "rho must be 2 numbers above 1"), (("--rho", "2,1"), "rho must be 2 numbers above 1"),
    ],
)  # fmt: skip
def test_bad_numbers_are_one_line(shell: Shell, options: tuple[str, ...], message: str) -> None:
    done = shell.run("budget", "--inputs", "2", "--smoothness", "2", "--tolerance", "0.1", *options)
    assert done.code == 2
    assert message in done.line


@pytest.mark.parametrize("option", ["smoothness", "rho", "noise", "composition", "manifold", "inputs"])
def test_numbers_of_a_class_beside_a_function_are_refused(shell: Shell, option: str) -> None:
    """All but two were ignored in silence."""
    done = shell.run("budget", "problem.toml", f"--{option}", "2:4" if option == "composition" else "2")
    assert done.code == 2
    assert f"--{option} is for numbers alone" in done.line


def test_every_field_of_a_request_is_an_option_with_its_help(shell: Shell) -> None:
    """Default and help text stand in the dataclass alone."""
    shown = " ".join(shell.run("budget", "--help").out.split())
    for cls in (SmoothClass, LearningCurve, PlanningCalls):
        assert options_of(cls)
        for name, option in options_of(cls).items():
            assert f"{option.name} " in shown
            assert option.help in shown
            assert f"{name}: {option.help}" in str(cls.__doc__)
    assert "[default: 32,64,128,256,512,1024,2048]" in shown


def test_counts_beyond_all_numbers_are_given_by_their_logarithm(shell: Shell) -> None:
    """A picture as input: the cells of a side overflowed."""
    done = shell.run("budget", "--inputs", "50000", "--smoothness", "2", "--tolerance", "1e-3", "--json")
    rows = {row["name"]: row for row in json.loads(done.out)["construction"]}
    grid = rows["piecewise Chebyshev interpolation on a grid"]
    assert "× 10³⁷⁶³ cells a side" in grid["source"]
    assert 1e8 < grid["log10"] < 1e9


def test_a_folder_that_cannot_be_made_is_one_line(shell: Shell) -> None:
    (shell.folder / "gone").symlink_to(shell.folder / "nowhere")
    done = shell.run("budget", "problem.toml", "--out", "gone/run", "--calls", "500")
    assert done.code == 2
    assert "--out gone/run cannot be written" in done.line


def test_what_a_table_lacks_is_said(shell: Shell) -> None:
    problem = (
        '[reference]\nfile = "t.csv"\n[error]\ntolerance = 0.1\n[domain]\na = [0.0, 1.0]\nb = [0.0, 1.0]\n'
    )
    (shell.folder / "table.toml").write_text(problem)
    x = np.random.default_rng(0).random((60, 2))
    rows = [f"{a},{b},{a * b if i >= 7 else 'nan'}" for i, (a, b) in enumerate(x)]
    (shell.folder / "t.csv").write_text("\n".join(["a,b,y", *rows]))
    data = json.loads(shell.run("budget", "table.toml", "--json").out)
    assert data["notes"][0]["text"].startswith(
        "The table has 53 rows (7 more have no value and are left out)"
    )
    assert "in place of the table" in data["status"]["advice"]
    (shell.folder / "t.csv").write_text("\n".join(["a,b,y", *rows[:20]]))
    done = shell.run("budget", "table.toml")
    assert done.code == 2
    assert "at least 20 rows with a value of y, got 13 of 20" in done.line


@pytest.mark.slow
def test_learning_curves_are_named_and_compared(shell: Shell) -> None:
    (shell.folder / "mine.py").write_text(TRAINERS)
    options = ("--training-sizes", "16,32,64", "--trainings", "2", "--calls", "2000", "--tolerance", "0.05")
    done = shell.run(
        "budget", "problem.toml", "--learning-curve", "polynomial,mine.py:nearest", *options, "--out", "run"
    )
    assert "trainings to go, about" in done.err
    data = json.loads((shell.folder / "run" / "budget.json").read_text())
    assert [curve["name"] for curve in data["learning_curves"]] == [
        "least-squares polynomial",
        "mine.py:nearest",
    ]
    assert "least-squares polynomial is" in data["caveats"][4]["outcome"]["text"]
    again = shell.run(
        "budget",
        "problem.toml",
        "--learning-curve",
        "polynomial,mine.py:nearest",
        *options,
        "--out",
        "run",
        "--resume",
    )
    assert again.err == ""  # nothing is trained again
    afresh = shell.run(
        "budget", "problem.toml", "--learning-curve", "polynomial,mine.py:nearest", *options, "--out", "run"
    )
    assert afresh.err.count("6 of 6") == 2  # without --resume everything is
    two = shell.run("budget", "problem.toml", "--learning-curve", "polynomial", "--widths", "4,8", *options)
    assert two.code == 2
    assert "give one width, or at least 3" in two.line


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--network", "100,1000,10"), 2), (("--network", "100,1000,10", "--smoothness", "2"), 0),
        (("--smoothness", "0.01", "--tolerance", "1e-4"), 2), (("--smoothness", "0.5", "--tolerance", "1e300"), 2),
        (("--fourier", "1e300", "--norm", "l2"), 2), (("--fourier", "1e-300"), 0),
    ],
)  # fmt: skip
def test_counts_beyond_float64_are_no_bug_of_supnorm(
    shell: Shell, options: tuple[str, ...], code: int
) -> None:
    done = shell.run("budget", "--inputs", "3", "--tolerance", "1e-2", *options)
    assert "bug" not in done.err
    assert done.code == code
    assert code == 0 or "float64" in done.line


def test_what_float64_does_not_hold_is_named(shell: Shell) -> None:
    """The statement of the network was missing beside the others, without a word; so was all of its group."""
    options = ("--inputs", "3", "--smoothness", "2", "--tolerance", "1e-2")
    whole = shell.run("budget", *options).out
    lost = shell.run("budget", *options, "--network", "100,1000,10").out
    said = "Left out, because their numbers at this tolerance leave the range of float64: samples, networks of this shape."
    assert said in lost
    assert "Left out" not in whole
    steep = shell.run("budget", *options[:-1], "1e-2", "--norm", "100", "--smoothness", "5").out
    assert "float64: samples, n derivatives." in steep
    assert "piecewise Chebyshev interpolation on a grid" in steep


def test_an_edited_trainer_is_another_one(tmp_path: Path) -> None:
    """--resume took the trainings of the code before an edit for those of the code after it."""
    file = tmp_path / "mine.py"
    file.write_text(TRAINERS)
    words = f"polynomial, {file}:nearest"
    before = _contents(words)
    assert before == _contents(words) != ""
    file.write_text(TRAINERS.replace("argmin", "argmax"))
    assert _contents(words) != before
    assert _contents("polynomial,network") == ""


@pytest.mark.slow
def test_workers_train_the_same(shell: Shell) -> None:
    (shell.folder / "mine.py").write_text(TRAINERS)
    learning_curves = []
    for workers in ("1", "2"):
        done = shell.run(
            "budget", "problem.toml", "--learning-curve", "mine.py:nearest", "--training-sizes", "16,32,64",
            "--trainings", "2", "--calls", "2000", "--workers", workers, "--json",
        )  # fmt: skip
        learning_curves.append(json.loads(done.out)["learning_curves"][0]["training_sizes"])
    assert learning_curves[0] == learning_curves[1]


def test_fooling_functions_vanish_at_the_data(shell: Shell) -> None:
    rows = "\n".join(f"{i / 40},{0.5 + (i * 7 % 41) / 41}" for i in range(41))
    (shell.folder / "seen.csv").write_text("a,b\n" + rows)
    with (shell.folder / "problem.toml").open("a") as file:
        file.write('\n[data]\nfile = "seen.csv"\n')
    done = shell.run("budget", "problem.toml", "--calls", "2000", "--json")
    fooling_functions = json.loads(done.out)["fooling_functions"]
    assert fooling_functions[0]["points"] == 41
    assert fooling_functions[0]["height"] > 0
    assert 0.5 <= fooling_functions[0]["peak"]["b"] <= 2.0


SLOW = (REFERENCE, 'python = "truth.py:logged"\nper_point = true')
QUICK = {"SUPNORM_TEST_SLEEP": "0.005"}  # of a call: 756 of them take 4 s


@pytest.mark.slow
def test_a_slow_function_is_told_about(shell: Shell) -> None:
    """Nothing was printed for minutes."""
    shell.write(SLOW)
    log = shell.folder / "log.txt"
    said = shell.finish("budget", "problem.toml", "--calls", "500", SUPNORM_TEST_LOG=str(log), **QUICK)
    lines = said.err.splitlines()
    assert re.match(r"budget of A bump: about 756 calls, \S+ m?s each: about \S+ s; ", lines[0])
    assert lines[0].endswith(" s; --out DIR would keep them")
    assert lines[1].lstrip().split(" calls, ")[0].endswith(" of about 756")
    assert lines[1].endswith(" left")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_budget_that_is_stopped_leaves_its_report(shell: Shell, name: str) -> None:
    """JSON and page of what was measured, and a command that repeats it with the cost that was decided."""
    shell.write(SLOW)
    log = shell.folder / "log.txt"
    arguments = ("budget", "problem.toml", "--calls", "500", "--out", "run")
    process = shell.start(*arguments, SUPNORM_TEST_LOG=str(log), SUPNORM_TEST_HOLD="650", **QUICK)
    wait_for_lines(log, 650)  # the first 256 points twice, for their time, and some of the profile
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=300)
    assert process.returncode == 3, err
    assert "Traceback" not in err
    found = json.loads((shell.folder / "run" / "budget.json").read_text())
    assert (found["status"]["code"], found["status"]["exit"]) == ("interrupted", 3)
    assert found["verdict"]["word"] == "undecided"
    assert found["cost"]["by"] == "measured"
    assert f"--cost {found['cost']['seconds']!r} " in found["command"]
    assert "You stopped the budget" in (shell.folder / "run" / "budget.html").read_text()


@pytest.mark.slow
def test_ctrl_c_keeps_the_calls_and_resume_uses_them(shell: Shell) -> None:
    shell.write(SLOW)
    arguments = ("budget", "problem.toml", "--calls", "500")
    logs = {name: shell.folder / f"{name}.txt" for name in ("whole", "stopped", "resumed", "nowhere")}
    whole = shell.run(*arguments, "--out", "whole", "--json", SUPNORM_TEST_LOG=str(logs["whole"]), **QUICK)
    assert whole.err == ""
    for name, options, message in (
        (
            "stopped",
            ("--out", "run"),
            "evaluations and trainings are kept in run: run the same command with --resume",
        ),
        ("nowhere", (), "without --out nothing is kept"),
    ):
        here = {"SUPNORM_TEST_LOG": str(logs[name]), "SUPNORM_TEST_HOLD": "600", **QUICK}
        process = shell.start(*arguments, *options, **here)
        wait_for_lines(logs[name], 600)  # the first 256 points twice, for their time
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=300)
        assert process.returncode == 3
        assert err.splitlines()[-1].startswith("supnorm: interrupted; ")
        assert message in err.splitlines()[-1]
    kept = stored(shell.folder / "run")
    assert kept
    log = str(logs["resumed"])
    again = shell.run(*arguments, "--out", "run", "--resume", "--quiet", SUPNORM_TEST_LOG=log, **QUICK)
    assert again.out + again.err == ""
    assert again.code == whole.code
    called = {name: Counter(log.read_text().splitlines()) for name, log in logs.items()}
    assert set(called["stopped"]) | set(called["resumed"]) == set(called["whole"])
    # Looked at again: is it the same function?
    assert sum(called["resumed"][point] for point in kept) <= POINTS
    assert called["resumed"].total() <= len(set(called["whole"]) - kept) + POINTS  # and the others once
    first, second = (json.loads((shell.folder / n / "budget.json").read_text()) for n in ("whole", "run"))
    assert second["verdict"] == first["verdict"]
    assert second["construction"] == first["construction"]


def test_a_budget_says_where_its_page_is(shell: Shell) -> None:
    numbers = ("budget", "--inputs", "2", "--smoothness", "2", "--tolerance", "1e-3")
    out = shell.run(*numbers, "--out", "run").out
    assert out.splitlines()[-1] == f"saved in run; open {Path('run/budget.html')}"
    assert "saved in" not in shell.run(*numbers).out
    assert json.loads(shell.run(*numbers, "--out", "run", "--json").out)["schema"].startswith(
        "supnorm.budget"
    )

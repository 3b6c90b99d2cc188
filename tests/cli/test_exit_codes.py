"""Exit codes are a contract; bad input is one line with file, key, what was got and the remedy."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Shell

import supnorm.auditing
import supnorm.pages
from supnorm.cli.main import run
from supnorm.results import BadInput

REFERENCE = 'python = "truth.py:truth"'
MODEL = 'python = "truth.py:model"'


@pytest.mark.slow
def test_0_and_1_say_whether_the_tolerance_holds(shell: Shell) -> None:
    assert shell.run("audit", "problem.toml", "--quiet").code == 1
    shell.write(("tolerance = 0.1", "tolerance = 0.5"))
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "wide").code == 0
    shell.write(("tolerance = 0.1", ""))
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "none").code == 0


@pytest.mark.slow
def test_the_same_codes_come_out_of_the_program_itself(shell: Shell) -> None:
    done = shell.finish("audit", "problem.toml", "--json")
    assert done.code == 1
    assert json.loads(done.out)["status"]["code"] == "tolerance-exceeded"
    done = shell.finish("audit", "none.toml")
    assert done.code == 2
    assert "no such file" in done.line


@pytest.mark.parametrize("last", ["sys.exit(0)", "sys.exit(3)", "raise SystemExit"])
def test_2_for_a_file_that_ends_the_program_while_imported(shell: Shell, last: str) -> None:
    truth = shell.folder / "truth.py"
    truth.write_text(f"{truth.read_text()}\nimport sys\n{last}\n")
    done = shell.run("audit", "problem.toml", "--json")
    assert (done.code, done.out) == (2, "")
    for word in ("[model]", "truth.py, line", "sys.exit", "__main__"):
        assert word in done.line


@pytest.mark.sampled(1)
@pytest.mark.parametrize("code", ["0", "3", ""])
@pytest.mark.parametrize("side", [MODEL, REFERENCE])
@pytest.mark.parametrize("per_point", ["", "\nper_point = true"])
def test_a_call_that_ends_the_program_is_a_failure_of_its_point(
    shell: Shell, side: str, code: str, per_point: str
) -> None:
    """The model is 0.3 off at a = 0.3; calls end near a = 1."""
    name = "model" if side == MODEL else "truth"
    truth = shell.folder / "truth.py"
    truth.write_text(
        truth.read_text()
        + f"""
import sys
def ends(x):
    x = np.atleast_2d(x)
    if (x[:, 0] > 0.9).any(): sys.exit({code})
    return {name}(x)
"""
    )
    shell.write((side, f'python = "truth.py:ends"{per_point}'))
    done = shell.run("audit", "problem.toml", "--json", "--evaluations", "400")
    assert done.code == 1
    failures = json.loads(done.out)["failures"]
    assert failures["causes"][0]["message"].startswith(f"SystemExit: sys.exit({code}) (truth.py, line ")
    assert failures["causes"][0]["x"]["a"] > 0.9


@pytest.mark.parametrize(
    ("key", "function"), [("mask", "def ends(x)"), ("constraint", "def ends(x)"), ("law", "def ends(n, rng)")]
)
def test_2_for_other_functions_that_end_the_program(shell: Shell, key: str, function: str) -> None:
    truth = shell.folder / "truth.py"
    truth.write_text(f"{truth.read_text()}\nimport sys\n{function}: sys.exit(0)\n")
    table = {"mask": "", "constraint": "[constraints]", "law": "[law]"}[key]
    line = "tolerance = 0.1\n" + (f'{table}\npython = "truth.py:ends"' if table else 'mask = "truth.py:ends"')
    shell.write(("tolerance = 0.1", line))
    done = shell.run("audit", "problem.toml", "--json")
    assert (done.code, done.out) == (2, "")
    assert key in done.line
    assert "sys.exit(0)" in done.line


def test_an_exit_that_arrives_at_the_program_is_never_a_verdict(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supnorm.auditing, "audit", lambda *_, **__: sys.exit(0))
    done = shell.run("audit", "problem.toml", "--quiet")
    assert done.code == 2
    assert "sys.exit(0)" in done.line


def test_4_when_nothing_has_a_value(shell: Shell) -> None:
    shell.write((REFERENCE, 'python = "truth.py:nowhere"'))
    done = shell.run("audit", "problem.toml", "--json")
    assert done.code == 4
    assert json.loads(done.out)["status"]["code"] == "no-value"


@pytest.mark.sampled(1)
@pytest.mark.parametrize(("second", "code"), [("agrees", 1), ("contradicts", 5)])
def test_5_when_the_second_reference_agrees_with_the_model(shell: Shell, second: str, code: int) -> None:
    shell.write(("[error]", f'[recheck]\npython = "truth.py:{second}"\n[error]'))
    assert shell.run("audit", "problem.toml", "--quiet").code == code


def test_70_for_a_bug_of_ours_with_its_traceback_in_a_file(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(supnorm.auditing, "audit", broken)
    done = shell.run("audit", "problem.toml", "--quiet")
    assert done.code == 70
    assert "a bug in supnorm: IndexError: list index out of range" in done.line
    text = (shell.folder / "supnorm-crash.txt").read_text()
    assert "Traceback" in text
    assert "in broken" in text


@pytest.mark.slow
def test_3_after_an_interruption_with_the_way_to_go_on(shell: Shell) -> None:
    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    log = shell.folder / "log.txt"
    here = {"SUPNORM_TEST_LOG": str(log), "SUPNORM_TEST_HOLD": "30"}
    process = shell.start("audit", "problem.toml", "--out", "run", "--quiet", **here)
    wait_for_lines(log, 30)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 3
    assert "--out run --resume" in err
    assert len(err.strip().splitlines()) == 1


def wait_for_lines(log: Path, n: int) -> None:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if log.exists() and len(log.read_text().splitlines()) >= n:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {n} lines in {log} within five minutes")


# -- bad input: (what is replaced, by what, what the line names) ------------------------------------------

BAD: dict[str, tuple[str, str, list[str]]] = {
    "unknown key": ("tolerance = 0.1", "tolerence = 0.1", ["problem.toml", "error.tolerence", "tolerance"]),
    "low >= high": ("low = 0.5", "low = 2.5", ["problem.toml", "[domain] b", "low = 2.5", "below"]),
    "NaN bound": ("high = 2.0", "high = nan", ["problem.toml", "[domain] b", "nan", "finite"]),
    "infinite bound": ("high = 2.0", "high = inf", ["problem.toml", "[domain] b", "inf", "finite"]),
    "log axis": (
        'low = 0.0, high = 1.0, unit = "m"',
        'low = 0.0, high = 1.0, scale = "log"',
        ["problem.toml", "[domain] a", "low > 0"],
    ),
    "outputs": (MODEL, 'python = "truth.py:two"', ["problem.toml", "2 outputs", "reference"]),
    "inputs": (
        REFERENCE,
        'python = "truth.py:three_inputs"\nper_point = true',
        ["problem.toml", "reference", "3|three|argument|input"],
    ),
    "raises everywhere": (
        REFERENCE,
        'python = "truth.py:raises"',
        ["problem.toml", "reference", "ArithmeticError: no convergence in 50 steps"],
    ),
    "no such function": (REFERENCE, 'python = "truth.py:truht"', ["problem.toml", "[reference]", "truht"]),
    "no such file": (MODEL, 'file = "net.onnx"', ["problem.toml", "[model]", "net.onnx"]),
    "dropout": (MODEL, 'python = "truth.py:dropout"', ["problem.toml", "model", "random", "model.eval()"]),
    "batch-dependent": (MODEL, 'python = "truth.py:batched"', ["model", "depends on the other points"]),
    "tolerance": ("tolerance = 0.1", "tolerance = -1.0", ["problem.toml", "[error]", "tolerance", "-1"]),
    "floor": ("tolerance = 0.1", 'kind = "relative"', ["problem.toml", "[error]", "floor"]),
    "error raises": ("tolerance = 0.1", 'python = "truth.py:bad_error"', ["error", "KeyError"]),
    "mask raises": ("tolerance = 0.1", 'mask = "truth.py:bad_mask"', ["mask", "KeyError"]),
    "sampler raises": ("[error]", '[law]\npython = "truth.py:bad_sampler"\n[error]', ["law", "KeyError"]),
    "constraint raises": (
        "[error]",
        '[constraints]\npython = "truth.py:bad_constraint"\n[error]',
        ["bad_constraint", "KeyError"],
    ),
    "signed constraint": (
        "[error]",
        '[constraints]\npython = "truth.py:truth"\n[error]',
        ["constraint", "booleans", "float64"],
    ),
    "floor of an absolute error": ("tolerance = 0.1", "floor = 0.1", ["[error]", "floor", "relative"]),
    "values and ends": ("low = 0.5", "values = [1.0, 2.0], low = 0.5", ["domain.b", "low", "values"]),
    "names of outputs": (REFERENCE, REFERENCE + '\noutputs = ["u", "u"]', ["reference", "different", "u"]),
    "units of outputs": (
        REFERENCE,
        'python = "truth.py:two"\noutput_units = ["K"]',
        ["reference", "output_units", "1", "2"],
    ),
    "no TOML": ("[error]", "[error", ["problem.toml", "TOML"]),
    "no command": (
        REFERENCE,
        'command = ["./no-such-program"]',
        ["problem.toml", "[reference]", "no-such-program"],
    ),
}


@pytest.mark.sampled(8)
@pytest.mark.parametrize("name", BAD)
def test_2_for_bad_input_in_one_line(shell: Shell, name: str) -> None:
    old, new, named = BAD[name]
    shell.write((old, new))
    done = shell.run("audit", "problem.toml", "--out", "run")
    assert done.code == 2, done.err
    for word in named:
        assert any(w in done.line for w in word.split("|")), (word, done.line)
    assert not (shell.folder / "run" / "result.json").exists()


@pytest.mark.parametrize("name", ["missing file", "folder", "binary"])
def test_2_for_a_problem_file_that_is_none(shell: Shell, name: str) -> None:
    path = {"missing file": Path("none.toml"), "folder": Path(), "binary": Path("data.toml")}[name]
    Path("data.toml").write_bytes(bytes(range(256)))
    done = shell.run("audit", path)
    assert done.code == 2
    assert str(path) in done.line


@pytest.mark.parametrize(
    "arguments",
    [
        ["audit"],
        ["audit", "problem.toml", "--evaluations", "5"],
        ["audit", "problem.toml", "--sede", "1"],
        ["frobnicate"],
    ],
    ids=["no file", "too few evaluations", "unknown option", "unknown verb"],
)
def test_2_for_a_command_line_that_is_none(shell: Shell, arguments: list[str]) -> None:
    done = shell.run(*arguments)
    assert done.code == 2
    # The help that lists the options of this verb, where there is such a verb.
    assert done.line.endswith("see supnorm audit --help" if "audit" in arguments else "see supnorm --help")


# The program, what the message names, and its time limit: those that answer get as long as Python takes to start on a
# busy machine.
PROGRAMS = {
    "garbage": ("print('hello world')", "not a line of numbers", 60),
    "silent": ("import sys; sys.stdin.read()", "no answer|without|answers", 0.1),
    "hangs": ("import time; time.sleep(600)", "timeout|no answer within", 0.1),
    "dies": ("import sys; sys.exit('no licence')", "no licence", 60),
}


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", PROGRAMS)
def test_2_for_a_command_that_never_answers(shell: Shell, name: str) -> None:
    code, named, timeout = PROGRAMS[name]
    (shell.folder / "solver.py").write_text(code)
    import sys

    shell.write((REFERENCE, f'command = ["{sys.executable}", "solver.py"]\ntimeout = {timeout}'))
    start = time.monotonic()
    done = shell.run("audit", "problem.toml", "--out", "run")
    assert done.code == 2
    assert any(w in done.line for w in named.split("|")), done.line
    assert "reference" in done.line
    assert time.monotonic() - start < 300  # and not the 600 s that one of them sleeps


@pytest.mark.parametrize("suffix", [".pt2", ".pt", ".onnx", ".npz", ".pkl"])
def test_2_for_model_files_that_are_something_else_and_nothing_runs(shell: Shell, suffix: str) -> None:
    import pickle

    ran = shell.folder / "ran"
    command = f"open({str(ran)!r}, 'w').close()"
    payload = type("Payload", (), {"__reduce__": lambda self: (exec, (command,))})()
    (shell.folder / f"net{suffix}").write_bytes(pickle.dumps(payload))
    shell.write((MODEL, f'file = "net{suffix}"'))
    done = shell.run("audit", "problem.toml")
    assert done.code == 2
    assert f"net{suffix}" in done.line
    assert not ran.exists()


def test_2_for_a_truncated_onnx_file(shell: Shell) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["x"], ["y"], keepdims=1)],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    whole = helper.make_model(graph).SerializeToString()
    assert onnx.load_from_string(whole) is not None
    (shell.folder / "net.onnx").write_bytes(whole[: len(whole) // 2])
    shell.write((MODEL, 'file = "net.onnx"'))
    done = shell.run("audit", "problem.toml")
    assert done.code == 2
    assert "net.onnx" in done.line


# -- folders ----------------------------------------------------------------------------------------------


CHANGES = {
    "domain": ("high = 2.0", "high = 2.5"),
    "reference": (REFERENCE, 'python = "truth.py:agrees"'),
    "tolerance": ("tolerance = 0.1", "tolerance = 0.2"),
    "constraints": ("[error]", '[constraints]\npython = "truth.py:left"\n[error]'),
    "mask": ("tolerance = 0.1", 'tolerance = 0.1\nmask = "truth.py:left"'),
    "law": ("[error]", '[law]\npython = "truth.py:low"\n[error]'),
}


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize("change", CHANGES)
def test_2_for_a_folder_of_another_problem_and_it_is_kept(shell: Shell, change: str) -> None:
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 1
    before = (shell.folder / "run" / "result.json").read_bytes()
    shell.write(CHANGES[change])
    done = shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    assert done.code == 2
    assert "another problem" in done.line
    assert "choose another --out, or move or delete that folder" in done.line
    assert (shell.folder / "run" / "result.json").read_bytes() == before


@pytest.mark.slow
def test_the_default_folder_of_a_problem_that_was_edited_is_renamed(shell: Shell) -> None:
    assert shell.run("audit", "problem.toml", "--quiet").code == 1
    held = next(p for p in shell.folder.iterdir() if p.name.endswith("-run"))
    before = (held / "result.json").read_bytes()
    for number, change in enumerate(("domain", "tolerance"), 1):
        shell.write(CHANGES[change])
        done = shell.run("audit", "problem.toml", "--json")
        assert done.code == 1
        assert f"{held.name}.{number}" in done.line
        assert "another problem" in done.line
    assert (shell.folder / f"{held.name}.1" / "result.json").read_bytes() == before
    assert (shell.folder / f"{held.name}.2" / "result.json").exists()
    shell.write()
    done = shell.run("audit", "problem.toml", "--quiet", "--resume")
    assert (done.code, "leave --resume out" in done.line) == (2, True)
    assert not (shell.folder / f"{held.name}.3").exists()


LATE = {
    "several tolerances": ("tolerance = 0.1", "tolerance = [0.1, 0.2]"),
    "no model": (f"[model]\n{MODEL}", ""),
    "random model": (MODEL, 'python = "truth.py:dropout"'),
}


@pytest.mark.slow
@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("verb", "change"),
    [
        ("audit", "several tolerances"),
        ("audit", "no model"),
        ("audit", "random model"),
        ("certify", "several tolerances"),
        ("certify", "no model"),
        ("fit", "several tolerances"),
    ],
)
def test_a_problem_that_is_refused_late_moves_no_good_run(shell: Shell, verb: str, change: str) -> None:
    """The default folder keeps its name until there is something to put in its place."""
    few = {"fit": ("--method", "polynomial", "--max-evaluations", "100")}.get(verb, ())
    assert shell.run(verb, "problem.toml", "--quiet", *few).code in (0, 1)
    held = {p.relative_to(shell.folder): p.stat().st_mtime_ns for p in shell.folder.rglob("*")}
    shell.write(LATE[change])
    edited = Path("problem.toml"), Path("truth.py"), Path("__pycache__")
    done = shell.run(verb, "problem.toml", "--quiet", *few)
    assert done.code == 2
    if change == "several tolerances":
        assert "problem.toml: [error] tolerance has 2 numbers for 1 output" in done.line
    after = {p.relative_to(shell.folder): p.stat().st_mtime_ns for p in shell.folder.rglob("*")}
    folder = shell.folder.name
    marks = {
        Path(f"{folder}-{end}/unfinished-{verb}.json") for end in ("run", verb)
    }  # what `supnorm report` reads
    assert set(after) - marks == set(held)
    assert set(after) & marks
    for path in set(held) - {*edited}:
        if path.is_relative_to("__pycache__") or (shell.folder / path).is_dir():
            continue
        assert after[path] == held[path], path
    assert done.line  # one line: nothing is said to have been renamed


@pytest.mark.slow
def test_a_refused_run_puts_its_own_older_store_back(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 1
    names = {p.name for p in (shell.folder / "run").iterdir()}

    def refused(*_: object, **__: object) -> None:
        raise BadInput("refused")

    monkeypatch.setattr(supnorm.auditing, "audit", refused)
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 2
    assert {p.name for p in (shell.folder / "run").iterdir()} == names | {"unfinished-audit.json"}


def test_a_budget_that_is_refused_says_which_file_and_leaves_nothing(shell: Shell) -> None:
    shell.write(LATE["several tolerances"])
    done = shell.run("budget", "problem.toml", "--quiet", "--calls", "500", "--out", "plan")
    assert done.code == 2
    assert "problem.toml: [error] tolerance has 2 numbers for 1 output" in done.line
    assert not (shell.folder / "plan").exists()


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("verb", ["audit", "fit", "budget"])
def test_2_for_a_folder_where_another_run_is_at_work(shell: Shell, verb: str) -> None:
    fcntl = pytest.importorskip("fcntl")
    run = shell.folder / "run"
    run.mkdir()
    descriptor = os.open(run, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    done = shell.run(verb, "problem.toml", "--quiet", "--out", "run")
    assert (done.code, "run: another run is at work in this folder" in done.line) == (2, True)
    assert not list(run.iterdir())
    os.close(descriptor)  # what the end of a process does
    small = {"fit": ("--method", "polynomial", "--max-evaluations", "100"), "budget": ("--calls", "500")}
    done = shell.run(verb, "problem.toml", "--quiet", "--out", "run", *small.get(verb, ()))
    assert done.code in (0, 1, 4), done.err


@pytest.mark.slow
def test_the_default_folder_of_a_run_at_work_is_not_renamed(shell: Shell) -> None:
    fcntl = pytest.importorskip("fcntl")
    assert shell.run("audit", "problem.toml", "--quiet").code == 1
    held = next(p for p in shell.folder.iterdir() if p.name.endswith("-run"))
    shell.write(CHANGES["tolerance"])
    descriptor = os.open(held, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    for verb in ("audit", "certify"):
        done = shell.run(verb, "problem.toml", "--quiet")
        assert (done.code, "another run is at work" in done.line) == (2, True)
    os.close(descriptor)
    assert not held.with_name(f"{held.name}.1").exists()


def test_ctrl_c_while_files_are_written_leaves_no_older_page(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = supnorm.pages.write_page

    def interrupted(report: object, path: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        page(report, path)  # type: ignore[arg-type]

    monkeypatch.setattr(supnorm.pages, "write_page", interrupted)
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 1
    assert (shell.folder / "run" / "report.html").exists()


@pytest.mark.slow
def test_a_run_that_fails_at_once_leaves_nothing_behind(shell: Shell) -> None:
    shell.write(("truth.py:model", "truth.py:raises"))
    for out in ((), ("--out", "run")):
        assert shell.run("audit", "problem.toml", "--quiet", *out).code == 2
    assert not [p for p in shell.folder.iterdir() if p.is_dir() and p.name.endswith("run")]
    shell.write()
    done = shell.run("audit", "problem.toml", "--quiet", "--out", "run")
    assert done.code == 1


@pytest.mark.slow
def test_the_code_of_the_reference_is_part_of_the_problem(shell: Shell) -> None:
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 1
    truth = shell.folder / "truth.py"
    truth.write_text(truth.read_text() + "\nA = 1\n")
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 2


@pytest.mark.slow
def test_a_budget_is_not_part_of_the_problem(shell: Shell) -> None:
    assert shell.run("audit", "problem.toml", "--quiet", "--out", "run").code == 1
    again = shell.run(
        "audit", "problem.toml", "--quiet", "--out", "run", "--evaluations", "500", "--seed", "3"
    )
    assert again.code == 1


def test_2_for_a_folder_that_is_a_file_and_for_nothing_to_resume(shell: Shell) -> None:
    done = shell.run("audit", "problem.toml", "--out", "truth.py")
    assert (done.code, "truth.py is a file" in done.line) == (2, True)
    done = shell.run("audit", "problem.toml", "--out", "fresh", "--resume")
    assert (done.code, "has no run" in done.line) == (2, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "verb",
    [
        ["audit", "problem.toml"],
        ["certify", "problem.toml"],
        ["fit", "problem.toml"],
        ["compare", "problem.toml", "problem.toml"],
        ["budget", "--inputs", "3", "--smoothness", "2", "--tolerance", "1e-3"],
        ["budget", "problem.toml"],
        ["demo"],
    ],
    ids=" ".join,
)
def test_2_for_any_verb_whose_folder_cannot_be_one(shell: Shell, verb: list[str]) -> None:
    """Said before anything is computed."""
    before = (shell.folder / "truth.py").read_text()
    for out in ("truth.py", "truth.py/sub"):
        done = shell.run(*verb, "--out", out)
        assert done.code == 2
        assert "truth.py is a file; give a folder" in done.line
    assert (shell.folder / "truth.py").read_text() == before


@pytest.mark.parametrize("error", ["tolerance = [1.0, 2.0]", 'kind = "scaled"\nscale = [0.1, 0.2]'])
@pytest.mark.parametrize("declared", ["", "declared = { bound = 30.0 }"])
def test_2_for_numbers_per_output_that_do_not_fit(shell: Shell, error: str, declared: str) -> None:
    shell.write(
        ("tolerance = 0.1", error),
        ("[error]", declared + "\n[error]"),
        ("[audit]\nevaluations = 1000\npower = false\n", ""),
    )
    done = shell.run("certify", "problem.toml", "--quiet")
    assert done.code == 2
    assert "has 2 numbers for 1 output; give 1" in done.line


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("option", ["--json", "--no-power"])
def test_2_where_standard_output_cannot_be_written(shell: Shell, option: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from supnorm.cli import main; main()", "audit", "problem.toml", option],
            cwd=shell.folder,
            env={**os.environ, "PYTHONPATH": str(Path(supnorm.__file__).parent.parent)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
        )
    assert done.returncode == 2
    assert "supnorm: cannot write to standard output: No space left on device" in done.stderr.splitlines()[-1]
    assert "bug" not in done.stderr
    assert not (shell.folder / "supnorm-crash.txt").exists()


def test_run_never_raises(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(supnorm.auditing, "audit", interrupted)
    assert run(["audit", "problem.toml", "--quiet"]) == 3
    monkeypatch.setattr(supnorm.sources, "open_problem", interrupted)  # where no verb catches it
    assert run(["certify", "problem.toml", "--quiet"]) == 3


@pytest.mark.slow
def test_a_ctrl_c_that_python_drops_is_sent_again() -> None:
    """Raised in a destructor it is printed and forgotten, unless the program's hook hears of it."""
    code = """
import importlib, sys, time
main = importlib.import_module("supnorm.cli.main")
class Falls:
    def __del__(self):
        raise KeyboardInterrupt
def work(arguments):
    Falls()
    time.sleep(20)
    return 0
if sys.argv[1] == "plain":
    Falls()
    sys.exit(0)
main.run = lambda arguments: 3 if _interrupted() else 0
def _interrupted():
    try:
        work([])
    except KeyboardInterrupt:
        return True
main.main([])
"""
    plain, ours = (
        subprocess.run(
            [sys.executable, "-c", code, how], capture_output=True, text=True, check=False, timeout=600
        )
        for how in ("plain", "ours")
    )
    assert (plain.returncode, "KeyboardInterrupt" in plain.stderr) == (0, True)
    assert (ours.returncode, ours.stderr) == (3, "")


def test_3_for_a_ctrl_c_while_the_verbs_are_imported() -> None:
    code = """
import runpy, sys
class Interrupts:
    def find_spec(self, name, path, target=None):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupts())
runpy.run_module("supnorm", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "supnorm: interrupted\n")


@pytest.mark.slow
def test_python_m_supnorm_is_the_program(tmp_path: Path) -> None:
    missing = tmp_path / "certificate.json"
    done = subprocess.run(
        [sys.executable, "-m", "supnorm", "check", str(missing)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert str(missing) in done.stderr


@pytest.mark.slow
def test_a_closed_pipe_is_no_pass(tmp_path: Path) -> None:
    """The reader of the summary has gone: nobody got the verdict."""
    (tmp_path / "code.py").write_text("def m(x): return x[:, 0]\n\n\ndef r(x): return x[:, 0] * 1.01\n")
    (tmp_path / "problem.toml").write_text(
        '[model]\npython = "code.py:m"\n[reference]\npython = "code.py:r"\n[domain]\nx = [0.0, 1.0]\n'
    )
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "supnorm", "audit", "problem.toml", "--evaluations", "500"]
    done = subprocess.run(command, cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.returncode == 2
    assert "standard output was closed" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("words", ["", "boom"])
def test_what_the_code_prints_is_no_part_of_the_json(shell: Shell, words: str) -> None:
    """Banners of models, compiled codes and what they start stood before the JSON: it could not be read."""
    talk = "    import os, subprocess\n    print('python')\n    os.write(1, b'compiled')\n"
    talk += "    subprocess.run(['echo', 'started'])\n"
    fails = "    raise ArithmeticError('boom')\n" if words else ""
    with (shell.folder / "truth.py").open("a") as file:
        file.write(f"def loud(x):\n{talk}{fails}    return truth(x)\n")
    shell.write(('"truth.py:model"', '"truth.py:loud"'))
    done = subprocess.run(
        [sys.executable, "-m", "supnorm", "audit", "problem.toml", "--json", "--evaluations", "100"],
        cwd=shell.folder, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    for said in ("python\n", "compiled", "started"):
        assert said in done.stderr
        assert said not in done.stdout
    if words:
        assert (done.returncode, done.stdout) == (2, "")
        assert "boom" in done.stderr.splitlines()[-1]
    else:
        assert json.loads(done.stdout)["status"]["code"] == "nothing-found"


def test_a_problem_file_with_a_byte_order_mark_is_read(shell: Shell) -> None:
    """Editors of Windows put one there."""
    path = shell.write()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert shell.run("audit", path, "--quiet").code == 1


def test_an_output_that_code_has_closed_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr("os.dup2", lambda *_: None)
    assert run(["schema", "problem"]) == 2
    assert capsys.readouterr().err == "supnorm: standard output was closed before everything was written\n"

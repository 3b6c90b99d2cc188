"""Ctrl-C, SIGTERM and SIGHUP: the work is kept, in every verb, with and without workers."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Shell
from tests.cli.test_exit_codes import REFERENCE, wait_for_lines
from tests.cli.test_supervisor import wait_for_none

import supnorm as sn
from supnorm.interrupts import INTERRUPTS

pytestmark = [
    pytest.mark.slow,  # processes of their own
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="signals of POSIX"),
]
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
SLOW = (REFERENCE, 'python = "truth.py:logged"\nper_point = true')
WIDE = ("tolerance = 0.1", "tolerance = 0.5")
TIMES = {
    "seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished", "command", "pace", "time",
}  # fmt: skip


def load(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def stopped(shell: Shell, process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """A process after a signal: its exit code and what it said."""
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert "Traceback" not in err, err
    return process.returncode, err


def appears(path: Path) -> None:
    """Wait for a file, however busy the machine is."""
    end = time.monotonic() + 300
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.05)


def wait_for_progress(process: subprocess.Popen[str], word: str) -> None:
    assert process.stderr is not None
    while line := process.stderr.readline():
        if word in line:
            return
    raise AssertionError(f"it ended before {word!r}")


# -- audit --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS[:2])  # a terminal that is closed sends the third one
def test_an_audit_of_a_cheap_pair_keeps_what_it_found(shell: Shell, number: signal.Signals) -> None:
    """1.5 million evaluations, and even where the worst point was, were lost."""
    shell.write(WIDE)
    process = shell.start("audit", "problem.toml", "--evaluations", "50000000", "--out", "run")
    assert process.stderr is not None
    wait_for_progress(process, "worst so far 0.3")
    code, err = stopped(shell, process, number)
    assert code == 3, err
    assert "--out run --resume" in err
    document = load(shell.folder / "run" / "result.json")
    assert document["command"].endswith("--out run --resume")
    assert (document["status"]["code"], document["status"]["exit"]) == ("interrupted", 3)
    assert "Stopped by you after" in document["status"]["advice"]
    assert document["sup"]["lower"] == pytest.approx(0.3, rel=1e-2)
    assert document["witness"]["x"]["a"] == pytest.approx(0.3, abs=5e-3)
    assert document["plain_sample"]["n"] > 1000
    assert "the audit was stopped" in document["power_left_out"] or document["power_left_out"] == ""
    assert (shell.folder / "run" / "points.csv").read_text().count("\n") > 1
    assert "Interrupted" in (shell.folder / "run" / "report.html").read_text()


@pytest.mark.usefixtures("small_searches")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupted_audit_of_long_calls_reports_those_that_came_back(shell: Shell, workers: str) -> None:
    """The witness is not called again: that may take as long as the user does not want to wait."""
    shell.write(SLOW)
    log = shell.folder / "log.txt"
    process = shell.start(
        "audit", "problem.toml", "--quiet", "--out", "run", "--workers", workers,
        SUPNORM_TEST_LOG=str(log), SUPNORM_TEST_SLEEP="0.1", SUPNORM_TEST_HOLD="40",
    )  # fmt: skip
    wait_for_lines(log, 40)
    code, err = stopped(shell, process, signal.SIGINT)
    assert code == 3, err
    document = load(shell.folder / "run" / "result.json")
    assert document["status"]["code"] == "interrupted"
    assert document["sup"]["lower"] > 0
    calls = log.read_text().splitlines()
    at = document["witness"]["x"]
    assert sum(line == f"{at['a']!r} {at['b']!r}" for line in calls) <= 2  # the probe calls its points twice
    with sqlite3.connect(shell.folder / "run" / "evaluations.sqlite") as store:
        assert store.execute("SELECT SUM(n) FROM batches").fetchone()[0] >= 15


@pytest.mark.slow
def test_a_second_request_ends_at_once(shell: Shell) -> None:
    """The model hangs where nothing can interrupt it but an end of the process."""
    with (shell.folder / "truth.py").open("a") as file:
        file.write(
            "def deaf(x):\n    while len(x) > 8:\n        try: open('hangs', 'w').close(); time.sleep(100)\n"
            "        except KeyboardInterrupt: open('heard', 'w').close()\n    return truth(x)\n"
        )
    shell.write((REFERENCE, 'python = "truth.py:deaf"'))
    process = shell.start("audit", "problem.toml", "--quiet", "--out", "run")
    appears(shell.folder / "hangs")
    process.send_signal(signal.SIGINT)
    appears(shell.folder / "heard")
    while process.poll() is None:
        time.sleep(1.2)  # within a second it would be the same request that came twice
        process.send_signal(signal.SIGINT)
    assert process.returncode == 3
    err = process.communicate()[1]
    assert "ended at once" in err
    assert not (shell.folder / "run" / "result.json").exists()


def test_in_python_ctrl_c_ends_the_search_and_the_report_is_returned() -> None:
    calls = []

    def model(x: Any) -> Any:
        calls.append(len(x))
        if len(calls) == 30:
            signal.raise_signal(signal.SIGINT)
        return x[:, 0] ** 2

    before = signal.getsignal(signal.SIGINT)
    report = sn.audit(
        sn.Problem(model, lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)), tolerance=0.1), evaluations=1_000_000
    )
    assert report.status.code == "interrupted"
    assert report.status.exit == 3
    assert report.worst.error == pytest.approx(0.25, abs=1e-6)
    assert "above the tolerance" in report.status.advice
    assert report.document["evaluations"]["search"] < 900_000
    assert signal.getsignal(signal.SIGINT) is before
    assert not INTERRUPTS.asked


def test_in_python_ctrl_c_before_anything_was_found_is_raised() -> None:
    def model(x: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return x[:, 0]

    with pytest.raises(KeyboardInterrupt):
        sn.audit(sn.Problem(model, lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0))), evaluations=1000)
    assert not INTERRUPTS.asked


@pytest.mark.parametrize("when", [1, 3, 12])
def test_an_interrupted_enumeration_is_not_exhaustive(when: int) -> None:
    calls = []

    def model(x: Any) -> Any:
        if len(x) > 100:  # no call of the probe: on a busy machine it measures the cost once more
            calls.append(len(x))
            if len(calls) == when + 1:
                signal.raise_signal(signal.SIGINT)
        return np.sin(x[:, 0]) + x[:, 1]

    domain = sn.Domain(a=sn.Axis(values=range(400)), b=sn.Axis(values=range(400)))
    report = sn.audit(sn.Problem(model, lambda x: x[:, 1], domain, tolerance=2.0), evaluations=160_000)
    assert report.status.code == "interrupted"
    assert not report.document["search"]["exhaustive"]
    assert 0 < report.document["search"]["evaluated"] < 160_000


def test_compare_keeps_the_table_of_what_is_done(shell: Shell) -> None:
    shell.write(WIDE)
    process = shell.start(
        "compare", "problem.toml", "problem.toml", "--evaluations", "50000000", "--out", "both"
    )
    assert process.stderr is not None
    wait_for_progress(process, "worst so far")
    code, err = stopped(shell, process, signal.SIGTERM)
    assert code == 3, err
    rows = load(shell.folder / "both" / "compare.json")["rows"]
    assert [row["status"] for row in rows] == ["interrupted"]
    # The same command with --out both/NAME would put the whole comparison there.
    assert err.count("run the same command with --resume") == 2, err
    assert "with --out" not in err
    assert (shell.folder / "both" / "compare.html").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # other tests have imported JAX
def test_a_closed_terminal_loses_nothing(shell: Shell) -> None:
    """Its hang-up reaches the program, and what it draws can no longer be written."""
    pty = pytest.importorskip("pty")
    shell.write(WIDE)
    source = str(Path(sn.__file__).parent.parent)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(shell.folder)
        arguments = ["audit", "problem.toml", "--evaluations", "50000000", "--out", "run"]
        os.execve(
            sys.executable,
            [sys.executable, "-m", "supnorm", *arguments],
            {**os.environ, "PYTHONPATH": source},
        )
    end = time.monotonic() + 300
    seen = b""
    while b"worst so far 0.3" not in seen:
        assert time.monotonic() < end, seen
        seen += os.read(terminal, 65536)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 3
    assert load(shell.folder / "run" / "result.json")["status"]["code"] == "interrupted"
    assert not (shell.folder / "supnorm-crash.txt").exists()


# -- certify ------------------------------------------------------------------------------------------------

HARD = """
[model]
python = "hard.py:model"
[reference]
python = "hard.py:truth"
[error]
tolerance = 1e-4
[domain]
a = { low = 0.0, high = 1.0 }
b = { low = 0.0, high = 1.0 }
c = { low = 0.0, high = 1.0 }
"""
FUNCTIONS = """
import numpy as np
def truth(x): return np.sin(9 * x[:, 0] * x[:, 1]) * np.exp(x[:, 2]) + np.cos(7 * x[:, 1] * x[:, 2])
def model(x): return truth(x) + 9e-5 * np.sin(40 * x[:, 0] + 30 * x[:, 1]) * np.cos(35 * x[:, 2] * x[:, 0])
"""


@pytest.fixture
def hard(shell: Shell) -> Shell:
    (shell.folder / "hard.toml").write_text(HARD)
    (shell.folder / "hard.py").write_text(FUNCTIONS)
    return shell


# A machine may be so busy that signals sent within a moment are heard a second apart.
PATIENT = "from supnorm import __main__, interrupts; interrupts.AGAIN = 60.0; __main__.main()"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "number"), [("2", signal.SIGINT), ("2", signal.SIGTERM), ("1", signal.SIGHUP)]
)
def test_an_interrupted_proof_is_kept_and_leaves_no_worker(
    hard: Shell, workers: str, number: signal.Signals
) -> None:
    """With workers it hung on repeated SIGTERM, and left them behind; SIGHUP kept nothing."""
    arguments = ("certify", "hard.toml", "--ratio", "1.0001", "--out", "run", "--workers", workers)
    process = hard.start(*arguments, code=PATIENT)
    wait_for_progress(process, "boxes")
    for _ in range(3):  # the same request
        process.send_signal(number)
        time.sleep(0.1)
    code, err = stopped(hard, process, number)
    assert code == 3, err
    wait_for_none(process.pid)
    document = load(hard.folder / "run" / "certify.json")
    assert document["status"]["code"] == "interrupted"
    kept = load(hard.folder / "run" / "certificate.json")
    assert kept["leaves"]
    assert not (hard.folder / "run" / "checkpoint.json").exists()


@pytest.mark.slow
def test_a_quiet_proof_that_is_interrupted_says_where_the_result_is(hard: Shell) -> None:
    """It said nothing: only the exit code told it from a run that ended."""
    process = hard.start("certify", "hard.toml", "--ratio", "1.0001", "--out", "run", "--quiet")
    appears(hard.folder / "run" / "checkpoint.json")
    code, err = stopped(hard, process, signal.SIGTERM)
    assert (code, load(hard.folder / "run" / "certify.json")["status"]["code"]) == (3, "interrupted")
    what = "interrupted; the result of what was done is in run, and what was stored is kept for --resume"
    assert err == f"supnorm: {what}\n"


@pytest.mark.slow
def test_two_proofs_do_not_work_in_one_folder(hard: Shell) -> None:
    process = hard.start("certify", "hard.toml", "--ratio", "1.0001", "--out", "run")
    wait_for_progress(process, "boxes")
    second = hard.run("certify", "hard.toml", "--out", "run", "--quiet")
    assert second.code == 2
    assert "another run is at work in this folder" in second.line
    assert stopped(hard, process, signal.SIGINT)[0] == 3


def test_a_proof_that_is_killed_goes_on_from_its_checkpoint(
    hard: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    from supnorm.certification import checkpoint

    monkeypatch.setattr(checkpoint, "EVERY", 0.2)
    monkeypatch.setattr(checkpoint, "SHARE", 0.0)
    folder = hard.folder / "run"
    folder.mkdir()
    problem = sn.open_problem(hard.folder / "hard.toml")

    class Killed(Exception):
        pass

    def kill(event: Any) -> None:
        if (folder / "checkpoint.json").exists() and event.boxes > 2000:
            raise Killed

    with pytest.raises(Killed):
        sn.certify(problem, 1.0001, observer=kill, checkpoint=folder / "checkpoint.json")
    held = len(load(folder / "checkpoint.json")["leaves"]["level"])
    assert held > 100
    (folder / "problem.toml").write_text(HARD)
    done = hard.run("certify", "hard.toml", "--out", "run", "--resume", "--ratio", "3", "--quiet")
    assert done.code in (0, 1, 4), done.err
    assert len(load(folder / "certificate.json")["leaves"]["level"]) >= held
    assert not (folder / "checkpoint.json").exists()


def test_the_command_line_in_python_leaves_handlers_as_they_were() -> None:
    """The next Ctrl-C of the caller's own program would have been taken for a second request to end."""
    from supnorm.cli import main

    before = [signal.getsignal(number) for number in SIGNALS], sys.unraisablehook, sys.excepthook
    with pytest.raises(SystemExit):
        main(["--version"])
    assert ([signal.getsignal(number) for number in SIGNALS], sys.unraisablehook, sys.excepthook) == before


def test_compiled_code_that_drops_ctrl_c_prints_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """Where it cannot raise, Cython prints by `sys.excepthook`; SciPy's Sobol points did in an interrupted budget."""
    from supnorm.interrupts import unless_interrupted

    for error in (KeyboardInterrupt(), ValueError("of the user")):
        unless_interrupted(type(error), error, None)
    assert capsys.readouterr().err == "ValueError: of the user\n"


def test_no_hook_of_the_command_line_library_takes_the_place_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """typer's did as soon as a verb ran, and a traceback was printed on Ctrl-C in Cython after all."""
    from supnorm.cli.main import run
    from supnorm.interrupts import unless_interrupted

    monkeypatch.setattr(sys, "excepthook", unless_interrupted)
    assert run(["schema", "audit"]) == 0
    assert sys.excepthook is unless_interrupted


WHILE_LOADING = """
import faulthandler, os, signal, sys, time
from importlib.machinery import ExtensionFileLoader
from supnorm.interrupts import INTERRUPTS, again, strike, unless_interrupted

faulthandler.dump_traceback_later(200, exit=True)
sys.unraisablehook, sys.excepthook = again, unless_interrupted  # as in the command line and its workers
INTERRUPTS.listen([signal.SIGINT], lambda: os._exit(9))
if sys.argv[2] == "worker":
    signal.signal(signal.SIGINT, strike)
left = int(sys.argv[1])

def in_jaxlib(frame):
    while frame is not None:
        loader = frame.f_locals.get("self")
        if isinstance(loader, ExtensionFileLoader) and "jaxlib" in loader.path:
            return True
        frame = frame.f_back

def hook(event, arguments):
    global left
    if left > 0 and event in ("import", "open", "compile", "exec") and in_jaxlib(sys._getframe()):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(hook)
try:
    import jax
    while True:  # code that catches everything may have dropped it
        INTERRUPTS.poll()
        time.sleep(0.01)
except KeyboardInterrupt:
    print("interrupted" if left == 0 else "before", flush=True)
os._exit(0)  # a jaxlib that is thrown away may crash or hang while Python ends; the command line's exit code stands by then
"""
HALFWAY = """
import os, signal, sys
from importlib.machinery import ExtensionFileLoader
from supnorm.interrupts import INTERRUPTS

INTERRUPTS.listen([signal.SIGINT], lambda: os._exit(9))
left = 1

def tracer(frame, event, argument):
    global left
    spec = frame.f_locals.get("spec") if frame.f_code.co_name == "_init_module_attrs" else None
    if left and isinstance(getattr(spec, "loader", None), ExtensionFileLoader):
        left = 0
        os.kill(os.getpid(), signal.SIGINT)

sys.setprofile(tracer)
try:
    import _queue
    print("loaded", flush=True)
    while True:
        INTERRUPTS.poll()
except KeyboardInterrupt:
    print("interrupted", flush=True)
os._exit(0)
"""


@pytest.mark.parametrize(
    ("place", "process"), [("2", "main"), ("5", "main"), ("10", "main"), ("5", "worker")]
)
def test_a_request_while_a_compiled_package_loads_waits_for_it(place: str, process: str) -> None:
    """An error below it was an ImportError, or ended the process with "terminate called"."""
    done = subprocess.run(
        [sys.executable, "-c", WHILE_LOADING, place, process], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


def test_a_request_between_the_halves_of_a_compiled_module_waits_for_it() -> None:
    """Half of jaxlib was thrown away, and its memory with it: the process crashed, or read what it must not."""
    done = subprocess.run([sys.executable, "-c", HALFWAY], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "loaded\ninterrupted\n"), done.stderr

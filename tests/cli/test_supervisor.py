"""The process that works is watched by another one: without a verdict no exit code looks like one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import SMALL_SEARCHES, Shell
from tests.cli.test_exit_codes import REFERENCE, wait_for_lines

import supnorm
from supnorm import supervisor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="signals and processes of POSIX"),
]

ENDINGS = {
    "os._exit(0)": "os._exit(0)",
    "C exit": "import ctypes; ctypes.CDLL(None).exit(0)",
    "abort": "os.abort()",
    "crash": "import ctypes; ctypes.string_at(0)",
    "killed": "os.kill(os.getpid(), 9)",
}
SAID = {
    "os._exit(0)": "exit status 0",
    "C exit": "exit status 0",
    "abort": "SIGABRT",
    "crash": "SIGSEGV",
    "killed": "SIGKILL",
}
WIDE = ("tolerance = 0.1", "tolerance = 1e9")  # a verdict would be a pass


def ends(shell: Shell, how: str, where: str = "(x[:, 0] > 0.98).any()") -> None:
    """A reference that ends the process where a condition on ``x`` holds."""
    with (shell.folder / "truth.py").open("a") as file:
        file.write(f"def ends(x):\n    if {where}:\n        {ENDINGS[how]}\n    return truth(x)\n")
    shell.write((REFERENCE, 'python = "truth.py:ends"'), WIDE)


@pytest.mark.parametrize("how", ENDINGS)
def test_code_that_ends_the_process_is_no_pass(shell: Shell, how: str) -> None:
    ends(shell, how)
    done = shell.finish("audit", "problem.toml", "--quiet", "--evaluations", "300")
    assert done.code == 3
    for word in (SAID[how], "while calling the reference", "nothing is found or proved"):
        assert word in done.line
    assert not list(shell.folder.rglob("result.json"))


VERBS = {
    "audit": ["--evaluations", "300"],
    "certify": [],
    "fit": ["--method", "polynomial", "--max-evaluations", "100"],
    "budget": ["--calls", "500"],
    "compare": ["problem.toml", "--evaluations", "300"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_passes_when_the_process_ends(shell: Shell, verb: str) -> None:
    ends(shell, "os._exit(0)", "True")
    done = shell.finish(verb, "problem.toml", "--quiet", *VERBS[verb])
    assert done.code == 3
    assert "exit status 0" in done.line


def test_a_file_that_ends_the_process_while_imported_is_named(shell: Shell) -> None:
    with (shell.folder / "truth.py").open("a") as file:
        file.write("os._exit(0)\n")
    done = shell.finish("audit", "problem.toml", "--quiet")
    assert done.code == 3
    assert "while importing truth.py" in done.line


def test_the_point_of_a_long_call_is_named(shell: Shell) -> None:
    with (shell.folder / "truth.py").open("a") as file:
        file.write("def long(a, b):\n    time.sleep(0.003)\n    if a > 0.9: os._exit(0)\n    return a\n")
    shell.write((REFERENCE, 'python = "truth.py:long"\nper_point = true'), WIDE)
    done = shell.finish("audit", "problem.toml", "--quiet", "--evaluations", "100")
    assert done.code == 3
    assert "while calling the reference at " in done.line
    assert "(0." in done.line
    assert "--workers 2" in done.line


def test_with_workers_a_call_that_ends_its_process_is_a_failure_of_its_point(shell: Shell) -> None:
    """The strip is not among the first points, which are called in the working process itself; each call starts a worker."""
    shell.code = SMALL_SEARCHES
    with (shell.folder / "truth.py").open("a") as file:
        file.write(
            "def long(a, b):\n    time.sleep(0.003)\n    if 0.97 < a < 0.98: os._exit(0)\n    return np.exp(a) * b\n"
        )
    shell.write((REFERENCE, 'python = "truth.py:long"\nper_point = true'))
    done = shell.finish("audit", "problem.toml", "--json", "--evaluations", "100", "--workers", "2")
    assert done.code == 1, done.err
    causes = json.loads(done.out)["failures"]["causes"]
    assert [(c["kind"], c["message"]) for c in causes] == [
        ("process", "the process ended during this call (exit status 0)")
    ]
    assert 0.97 < causes[0]["x"]["a"] < 0.98


def test_a_fork_of_the_users_code_gives_no_verdict(shell: Shell) -> None:
    """A child that falls through to the end of the program is not the one that knows."""
    with (shell.folder / "truth.py").open("a") as file:
        file.write(
            "def forks(x):\n    if os.getpid() == PID and os.fork(): os._exit(0)\n    return truth(x)\n"
            "PID = os.getpid()\n"
        )
    shell.write((REFERENCE, 'python = "truth.py:forks"'), WIDE)
    done = shell.finish("audit", "problem.toml", "--quiet", "--evaluations", "300")
    assert done.code == 3


@pytest.mark.parametrize("tolerance", ["0.1", "0.5"])
def test_where_processes_do_not_fork_the_verdict_is_the_same(shell: Shell, tolerance: str) -> None:
    shell.write(("tolerance = 0.1", f"tolerance = {tolerance}"))
    code = (
        "import sys; from supnorm.supervisor import supervise; from supnorm.__main__ import work; "
        "sys.exit(supervise(work, forks=False))"
    )
    done = python(shell, code, "audit", "problem.toml", "--quiet")
    assert (done.returncode, done.stderr) == (1 if tolerance == "0.1" else 0, "")
    ends(shell, "os._exit(0)")
    done = python(shell, code, "audit", "problem.toml", "--quiet", "--out", "other")
    assert done.returncode == 3
    assert "exit status 0" in done.stderr


def python(shell: Shell, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    source = str(Path(supnorm.__file__).parent.parent)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=shell.folder, env={**os.environ, "PYTHONPATH": source},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["audit", "--help"], []])
def test_help_is_given_in_one_process(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import supnorm.__main__ as program

    def refused(*_: object) -> int:
        raise AssertionError("a second process")

    monkeypatch.setattr(program, "supervise", refused)
    monkeypatch.setattr(program, "work", lambda: 0)
    monkeypatch.setattr(program, "end_at_once", lambda: None)  # this process goes on
    monkeypatch.setattr(sys, "argv", ["supnorm", *arguments])
    with pytest.raises(SystemExit) as end:
        program.main()
    assert end.value.code == 0


def members(session: int) -> list[str]:
    """Processes of a session that have not ended, from /proc."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[3] == str(session) and fields[0] != "Z":
            found.append(path.parent.name)
    return found


def wait_for_none(session: int, seconds: float = 300.0) -> None:
    end = time.monotonic() + seconds
    while left := members(session):
        assert time.monotonic() < end, left
        time.sleep(0.05)


def wait_for_worker(process: subprocess.Popen[str]) -> None:
    """Until a program has the process that works: before, Python itself ends on a signal, without our words and exit code.

    How long Python takes to start is a matter of the machine.
    """
    end = time.monotonic() + 300
    while len(members(process.pid)) < 2 and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_kill_9_leaves_no_orphans(shell: Shell, workers: str) -> None:
    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    log = shell.folder / "log.txt"
    process = shell.start(
        "audit", "problem.toml", "--quiet", "--workers", workers,
        SUPNORM_TEST_LOG=str(log), SUPNORM_TEST_SLEEP="0.2",
    )  # fmt: skip
    wait_for_lines(log, 12)
    assert len(members(process.pid)) >= 1 + int(workers)
    process.kill()
    process.communicate(timeout=300)
    wait_for_none(process.pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2])
def test_a_request_at_the_very_start_is_heard(shell: Shell, number: signal.Signals, delay: float) -> None:
    process = shell.start("audit", "problem.toml", "--quiet", "--evaluations", "1000000000")
    wait_for_worker(process)
    time.sleep(delay)
    process.send_signal(number)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 3, err
    assert "Traceback" not in err


IN_A_CLASS = """
import os, signal
class Named:
    def __set_name__(self, owner, name):
        os.kill(os.{whom}(), signal.SIGINT)
        for _ in range({rounds}): pass
class Owner:
    named = Named()
def truth(x): return x[:, 0]
"""


@pytest.mark.parametrize(("whom", "rounds"), [("getpid", 1000), ("getppid", 3_000_000)])
def test_a_request_while_a_class_is_made_is_no_error_of_its_file(
    shell: Shell, whom: str, rounds: int
) -> None:
    # Before Python 3.12 a KeyboardInterrupt in __set_name__ becomes a RuntimeError: the file looked broken (exit 2).
    (shell.folder / "classes.py").write_text(IN_A_CLASS.format(whom=whom, rounds=rounds))
    shell.write((REFERENCE, 'python = "classes.py:truth"'))
    done = shell.finish("audit", "problem.toml", "--quiet", "--evaluations", "300")
    assert (done.code, done.line) == (
        3,
        "supnorm: " + "interrupted; run the same command with --resume: what was kept is not computed again",
    )


AT_THE_START = """
import os, signal, sys
from supnorm.supervisor import supervise
class Named:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.{name})
        for _ in range(1000): pass
def work():
    try:
        type("Owner", (), dict(named=Named()))
    except BaseException:
        pass  # as code may that runs while a module is imported
    return 0
sys.exit(supervise(work))
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_request_before_the_work_listens_ends_the_process_where_it_is(shell: Shell, name: str) -> None:
    done = python(shell, AT_THE_START.replace("{name}", name))
    assert (done.returncode, done.stderr) == (3, "supnorm: interrupted\n")


def test_a_signal_without_a_name_is_told() -> None:
    page = supervisor.Page(supervisor.mmap.mmap(-1, supervisor.SIZE))
    assert supervisor.outcome(page, -99) == 3
    page.give_verdict(0)
    # Everything had been written: it crashed while it was cleared away.
    assert supervisor.outcome(page, -11) == 0


LEFT_OVER = """
import sys, threading, time
from supnorm import supervisor
supervisor.LEFT = 0.2
class Last:
    def __del__(self):  # of the module, when threads of Python's run no more
        time.sleep(600)
def work():
    global last
    if "thread" in sys.argv:
        threading.Thread(target=time.sleep, args=(600,)).start()
    else:
        last = Last()
    return 4
sys.exit(supervisor.supervise(work))
"""


def test_an_output_that_the_users_code_has_closed_is_no_pass(shell: Shell) -> None:
    closing = "import sys\nfrom supnorm.supervisor import supervise\nsys.exit(supervise(lambda: sys.stdout.close() or 0))"
    done = python(shell, closing)
    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.parametrize("left", ["thread", "object"])
def test_what_the_users_code_leaves_does_not_hold_the_end(shell: Shell, left: str) -> None:
    """An object whose ``__del__`` never ends held it for good: the audit had given its verdict and its files."""
    assert python(shell, LEFT_OVER.replace("sys.argv", f"[{left!r}]")).returncode == 4


LATE = """
import os, signal, sys
from supnorm import supervisor

class Last:
    def __del__(self):  # of the module: Python has taken its handlers away by then
        os.kill(os.getpid(), signal.SIGINT)

code = supervisor.supervise(lambda: 3)
last = Last()
sys.exit(code)
"""


def test_a_second_request_at_the_very_end_leaves_the_exit_code(shell: Shell) -> None:
    """It ended the waiting process by a signal, and a batch system read another fault than an interrupt."""
    process = shell.start(code=LATE)
    process.communicate(timeout=300)
    assert process.returncode == 3


DEAF = """
import os, signal, time
from supnorm import __main__, supervisor
supervisor.FORCE = 0.5
__main__.main()
"""
COMPILED = """
import os, signal, time
import numpy as np
def model(x): return 0.0 * x[:, 0]
def truth(a, b):
    with open("calls", "a") as file:
        file.write("x")
    if os.path.getsize("calls") == 40:  # as in compiled code, where no handler of Python's runs
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
        open("deaf", "w").close()
        time.sleep(600)
    return a
"""


@pytest.mark.slow
def test_code_that_hears_no_request_is_killed_at_the_third(shell: Shell) -> None:
    """Nothing but ``kill -9`` ended it."""
    shell.write((REFERENCE, 'python = "truth.py:truth"\nper_point = true'))
    (shell.folder / "truth.py").write_text(COMPILED)
    arguments = ("audit", "problem.toml", "--evaluations", "100", "--cost", "expensive", "--out", "run")
    process = shell.start(*arguments, "--quiet", code=DEAF)
    end = time.monotonic() + 300
    while not (shell.folder / "deaf").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        time.sleep(1.2)
    assert process.stderr is not None
    assert process.stderr.readline() == f"{supervisor.STILL}\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 3
    assert "the process ended before a verdict" in err
    assert "calling the reference at" in err
    wait_for_none(process.pid)
    before = (shell.folder / "calls").stat().st_size
    resumed = shell.run(*arguments, "--resume", "--quiet")
    assert resumed.code in (0, 1), resumed.err
    assert (shell.folder / "calls").stat().st_size > before

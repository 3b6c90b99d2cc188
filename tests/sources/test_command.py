"""Programs spoken to in lines: answers, garbage, hanging, retries, threads, and nothing left behind."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from supnorm.problem import Function, PartialFailure
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources.command import open_command
from supnorm.sources.open import open_function

NAMES = ("a", "b")
LOOP = """
import os, sys, time
for line in sys.stdin:
    a, b = map(float, line.split())
    {body}
    sys.stdout.flush()
"""


def program(folder: Path, body: str, **table: Any) -> Function:
    (folder / "code.py").write_text(LOOP.format(body=body))
    spec = SourceSpec(command=[sys.executable, "code.py"], **table)
    return open_function(spec, folder, NAMES, np.zeros((3, 2)), where="problem.toml: [reference]")


def failure(function: Function, x: Any) -> PartialFailure:
    with pytest.raises(PartialFailure) as caught:
        function.value(x)
    return caught.value


X = np.random.default_rng(0).normal(size=(7, 2)) * np.array([1e-300, 1e300])


@pytest.mark.parametrize("protocol", ["batch", "point"])
def test_numbers_survive_exactly(tmp_path: Path, protocol: str) -> None:
    function = program(tmp_path, "print(repr(a), repr(b))", protocol=protocol)
    np.testing.assert_array_equal(function(X), X)
    np.testing.assert_array_equal(function(X[:1]), X[:1])


def test_one_program_with_two_options_has_two_names(tmp_path: Path) -> None:
    """As reference and recheck; a long line of options is cut."""
    (tmp_path / "code.py").write_text(LOOP.format(body="print(a)"))

    def name(*options: str) -> str:
        spec = SourceSpec(command=[sys.executable, "code.py", *options])
        return open_function(spec, tmp_path, NAMES, np.zeros((3, 2)), where="problem.toml: [reference]").name

    assert (name(), name("--fine")) == ("code.py", "code.py --fine")
    assert name("x" * 60) == "code.py " + "x" * 31 + "…"


@pytest.mark.parametrize("protocol", ["batch", "point"])
def test_failed_points_are_told_apart(tmp_path: Path, protocol: str) -> None:
    body = "print('error: did not converge' if a > 2 else 'nan' if a > 1 else a + b)"
    function = program(tmp_path, body, protocol=protocol)
    x = np.array([[0.0, 1.0], [1.5, 1.0], [3.0, 1.0], [0.5, 1.0]])
    said = failure(function, x)
    assert said.messages == {2: "error: did not converge"}
    np.testing.assert_array_equal(said.values.ravel(), [1.0, np.nan, np.nan, 1.5])


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["batch", "point"])
def test_garbage_and_wrong_counts_are_failures(tmp_path: Path, protocol: str) -> None:
    garbage = failure(program(tmp_path, "print('hello world')", protocol=protocol), X)
    assert set(garbage.messages) == set(range(7))
    assert garbage.messages[0] == "error: not a line of numbers: 'hello world'"
    wide = program(tmp_path, "print(a, b) if a > 0 else print(a)", protocol=protocol, outputs=["u"])
    said = failure(wide, np.array([[1.0, 0.0], [-1.0, 0.0]]))
    assert said.messages == {0: "error: 2 numbers in the answer, 1 expected"}


def test_extra_lines_fail_the_batch_and_are_not_taken_for_answers(tmp_path: Path) -> None:
    said = failure(program(tmp_path, "print(1.0); print(2.0)"), X)
    assert len(said.messages) == 7
    assert "14 lines for 7 points" in said.messages[0]
    assert np.isnan(said.values).all()


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    "body",
    [
        "print(a); print(b)",
        "print(a, flush=True); time.sleep(.01); print(b)",
        "print('Loading ...', flush=True) if not os.path.exists(str(os.getpid())) else None; "
        "open(str(os.getpid()), 'w').close(); print(a)",
    ],
)
def test_stray_lines_are_never_taken_for_answers(tmp_path: Path, body: str) -> None:
    said = failure(program(tmp_path, body, protocol="point"), X)
    assert len(said.messages) == 7
    assert np.isnan(said.values).all()


@pytest.mark.slow
def test_a_program_that_ends_after_each_answer_is_started_again(tmp_path: Path) -> None:
    function = program(tmp_path, "print(a); sys.exit()", protocol="point")
    np.testing.assert_array_equal(function(X)[:, 0], X[:, 0])


@pytest.mark.parametrize("protocol", ["batch", "point"])
def test_a_hanging_program_is_ended(tmp_path: Path, protocol: str) -> None:
    function = program(tmp_path, "time.sleep(60)", protocol=protocol, timeout=0.1)
    start = time.monotonic()
    said = failure(function, X[:2])
    assert time.monotonic() - start < 50  # and not the 60 s that it sleeps
    assert len(said.messages) == 2
    assert all(message.startswith("timeout: ") for message in said.messages.values())


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["batch", "point"])
def test_a_dying_program_is_quoted_and_started_again(tmp_path: Path, protocol: str) -> None:
    body = "print(a, flush=True) if a < 1 else sys.exit('no more memory')"
    function = program(tmp_path, body, protocol=protocol)
    x = np.array([[0.0, 0.0], [2.0, 0.0], [0.5, 0.0]])
    said = failure(function, x)
    assert "exit code 1" in said.messages[1]
    assert "no more memory" in said.messages[1]
    assert 2 not in said.messages  # one that comes after it has its answer
    np.testing.assert_array_equal(function(x[[0, 2]]).ravel(), [0.0, 0.5])


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["batch", "point"])
def test_retries_help_a_program_that_fails_now_and_then(tmp_path: Path, protocol: str) -> None:
    body = (
        "here = f'tried{a}'; again = os.path.exists(here); open(here, 'w').close(); "
        "print(a if again else 'error: first time')"
    )
    x = np.array([[1.0, 0.0], [2.0, 0.0]])
    assert len(failure(program(tmp_path, body, protocol=protocol), x).messages) == 2
    for mark in tmp_path.glob("tried*"):
        mark.unlink()
    np.testing.assert_array_equal(
        program(tmp_path, body, protocol=protocol, retries=1)(x).ravel(), [1.0, 2.0]
    )


def test_each_thread_has_its_own_program(tmp_path: Path) -> None:
    function = program(tmp_path, "time.sleep(.05); print(os.getpid(), a)", protocol="point")
    assert function.parallel == "thread"
    x = np.arange(8.0).reshape(4, 2)
    with ThreadPoolExecutor(2) as pool:
        answers = np.concatenate(list(pool.map(lambda i: function(x[2 * i : 2 * i + 2]), range(2))))
    np.testing.assert_array_equal(answers[:, 1], x[:, 0])
    assert len(set(answers[:, 0])) == 2


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ["batch", "point"])
def test_nothing_is_left_running(tmp_path: Path, protocol: str) -> None:
    body = (
        "import subprocess; child = subprocess.Popen(['sleep', '60']); "
        "open('pids', 'a').write(f'{os.getpid()} {child.pid} '); print(a, flush=True); "
        "time.sleep(60 if b > 0 else 0)"
    )
    function = program(tmp_path, body, protocol=protocol, timeout=5.0)  # Python has to start in it
    function(np.zeros((1, 2)))
    if protocol == "batch":
        function = program(tmp_path, body, protocol=protocol, timeout=1.5)
        function.value(np.ones((1, 2)))
    del function
    import gc

    gc.collect()
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    end = time.monotonic() + 50  # below the 60 s that they sleep
    while any(map(running, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(running, pids))


def running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_programs_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no program")
    for command, said in (
        ("./emulator", "no such program"),
        ("no-such-program-here", "no such program"),
        ("./notes.txt", "may not be run"),
    ):
        with pytest.raises(BadInput, match=said) as caught:
            open_function(
                SourceSpec(command=[command]), tmp_path, NAMES, np.zeros((1, 2)), where="p: [model]"
            )
        assert "[model] command" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_order_of_inputs(tmp_path: Path) -> None:
    function = program(tmp_path, "print(10 * a + b)", inputs=["b", "a"])
    assert function(np.array([[1.0, 2.0]])).item() == 21.0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "body"),
    [("batch", "print('1.0')"), ("batch", "print('1.0', end='')"), ("point", "print('1.0', end='')")],
)
def test_a_program_that_never_stops_writing(tmp_path: Path, protocol: str, body: str) -> None:
    """It is ended after a bounded amount of output, with lines and without."""
    begun = time.monotonic()
    (tmp_path / "flood.py").write_text(f"while True:\n    {body}\n")
    command = [sys.executable, "-u", str(tmp_path / "flood.py")]
    spec = SourceSpec(command=command, protocol=protocol, timeout=1.0)
    with pytest.raises(PartialFailure) as caught:
        open_command(spec, tmp_path, ("x",), "problem.toml: [model]").value(np.zeros((1, 1)))
    assert all(m.startswith(("error:", "timeout:")) for m in caught.value.messages.values())
    assert time.monotonic() - begun < 300  # never, where nothing ends it


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("if a == 3: continue\n    print(a)", "ended with exit code 0 after 0 of 1"),
        ("print('' if a == 3 else a)", "ended with exit code 0 after 0 of 1"),
        ("if a == 3: sys.exit(4)\n    print(a)", "ended with exit code 4 after 0 of 1"),
        ("if a == 3: os._exit(0)\n    print(a)", "ended with exit code 0 after 0 of 1"),
    ],
)
def test_a_batch_that_lacks_lines_gives_no_point_the_answer_of_another(
    tmp_path: Path, body: str, said: str
) -> None:
    function = program(tmp_path, body, protocol="batch")
    x = np.column_stack([np.arange(7.0), np.zeros(7)])
    fault = failure(function, x)
    assert [*fault.messages] == [3]
    assert said in fault.messages[3]
    np.testing.assert_array_equal(np.ravel(fault.values), [0.0, 1.0, 2.0, np.nan, 4.0, 5.0, 6.0])

"""``supnorm serve``: a process that answers over a socket and ends on a signal; beyond this machine it demands a token."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.cli.conftest import Shell
from tests.cli.test_interrupted import appears
from tests.cli.test_repair_verb import written
from tests.mending.cases import line, line_guard, peak

import supnorm as sn

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

pytestmark = pytest.mark.xdist_group("line guard")  # which is made once


@pytest.fixture(scope="module")
def guard() -> sn.Guard:
    return line_guard()


@pytest.fixture
def folder(shell: Shell, guard: sn.Guard) -> Shell:
    written(shell, 0.02)
    (shell.folder / "line-guard").mkdir()
    guard.save(shell.folder / "line-guard" / "model.guard")
    return shell


@contextmanager
def serving(shell: Shell, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and its port; it is ended at last, however the test goes."""
    process = shell.start("serve", "line.toml", "--port", "0", *options)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.match(r"serving at http://127\.0\.0\.1:(\d+); ", said)
        assert found, said + process.communicate()[1]
        yield process, int(found[1])
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def request(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Code and answer of one request over the socket."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json"})
    reply = connection.getresponse()
    found = reply.read()
    connection.close()
    return reply.status, json.loads(found) if "json" in reply.headers["content-type"] else found.decode()


def wait_for(port: int, line: str) -> None:
    """Until the counters say this."""
    deadline = time.monotonic() + 300
    while line not in request(port, "GET", "/metrics")[1]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_guard_is_served_until_a_signal_comes(folder: Shell, end: signal.Signals) -> None:
    with serving(folder, "--shadow", "1") as (process, port):
        code, answer = request(port, "POST", "/predict", {"x": [[0.0], [0.5], [None]]})
        assert (code, answer["flag"]) == (200, [0, 1, 2])
        assert answer["y"][0] == line()[0].value(np.array([[0.0]]))[0].tolist()
        assert answer["y"][1] == peak(np.array([[0.5]])).tolist()
        assert request(port, "GET", "/health")[0] == 200
        wait_for(port, "supnorm_shadow_checks_total 1")
        process.send_signal(end)
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert "ended" in out
        assert err == ""
    lines = (folder.folder / "line-guard" / "guard.shadow").read_text().splitlines()
    assert json.loads(lines[1])["above"] is False


@pytest.mark.slow
def test_a_request_that_runs_when_the_signal_comes_is_answered(folder: Shell) -> None:
    text = (folder.folder / "truth.py").read_text()
    slow = text.replace(
        "def peak(x):", "def peak(x):\n    import time; open('asked', 'w').close(); time.sleep(1.5)"
    )
    (folder.folder / "truth.py").write_text(slow)
    asked = folder.folder / "asked"
    with serving(folder) as (process, port):
        asked.unlink(missing_ok=True)  # of the probe
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request("POST", "/predict", '{"x": [[0.5]]}', {"Content-Type": "application/json"})
        until = time.monotonic() + 300
        while not asked.exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        reply = connection.getresponse()
        assert (reply.status, json.loads(reply.read())["flag"]) == (200, [1])
        connection.close()
        process.communicate(timeout=300)
        assert process.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("twice", [False, True])
def test_the_last_line_says_whether_every_request_was_answered(folder: Shell, twice: bool) -> None:
    """A request of more than ten seconds was dropped, and a second signal drops any: "every request" was answered."""
    text = (folder.folder / "truth.py").read_text()
    slow = "def peak(x):\n    import time; open('asked', 'w').close(); time.sleep(12.0)"
    (folder.folder / "truth.py").write_text(text.replace("def peak(x):", slow))
    asked = folder.folder / "asked"
    with serving(folder) as (process, port):
        asked.unlink(missing_ok=True)  # of the probe
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        connection.request("POST", "/predict", '{"x": [[0.5]]}', {"Content-Type": "application/json"})
        appears(asked)
        process.send_signal(signal.SIGTERM)
        if twice:
            time.sleep(1.5)
            process.send_signal(signal.SIGTERM)
        else:
            assert connection.getresponse().status == 200
        connection.close()
        out, err = process.communicate(timeout=300)
        assert "Traceback" not in err
        assert process.returncode == 0
        said = (
            "1 of the requests that came got no answer" if twice else "every request that came was answered"
        )
        assert out.strip().splitlines()[-1] == f"ended; {said}"


@pytest.mark.slow
def test_checks_survive_a_kill(folder: Shell) -> None:
    state = folder.folder / "checks.txt"
    for n in (1, 2):
        with serving(folder, "--shadow", "1", "--shadow-file", "checks.txt") as (process, port):
            request(port, "POST", "/predict", {"x": [[0.0]]})
            wait_for(port, f"supnorm_shadow_checks_total {n}")
            process.kill()
    assert len(state.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("line.toml", "--host", "0.0.0.0"), "give --token or --token-file"),
        (("line.toml", "--host", "example.org"), "give --token or --token-file"),
        (("line.toml", "--token", "short"), "at least 8 printable characters"),
        (("line.toml", "--token", "long-enough", "--token-file", "x"), "give one of them"),
        (("line.toml", "--token-file", "nowhere"), "nowhere"),
        (("line.toml", "--guard", "other.guard"), "there is no guard other.guard"),
        (("line-guard/model.guard",), "give --problem"),
        (("line-guard", "--guard", "x.guard"), "leave --guard out"),
        (("line.toml", "--problem", "line.toml"), "leave --problem out"),
        (("line.toml", "--shadow", "2"), "--shadow"),
        (("line.toml", "--port", "70000"), "--port"),
        (("line.toml", "--host", "no host", "--token", "long-enough"), "cannot listen at no host"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(
    folder: Shell, options: tuple[str, ...], words: str
) -> None:
    done = folder.run("serve", *options)
    assert done.code == 2
    assert words in done.line


def test_a_guard_of_another_model_is_not_served(folder: Shell) -> None:
    text = (folder.folder / "line.toml").read_text()
    (folder.folder / "line.toml").write_text(text.replace('file = "net.npz"', 'python = "truth.py:plain"'))
    assert "one of another model" in folder.run("serve", "line.toml").line


def test_what_was_promised_for_the_problem_before_an_edit_is_told(guard: sn.Guard, folder: Shell) -> None:
    """The reference, and the model between the points of the file, can change without any other trace."""
    from supnorm.cli.serve import _as_it_is
    from supnorm.guarding.cells import ProvedCells
    from supnorm.problem import fingerprint
    from supnorm.serving import Service

    path = folder.folder / "line.toml"
    opened = sn.open_problem(path)
    d = guard.domain.d
    made = replace(guard, record=guard.record.changed(fingerprint=fingerprint(opened)))
    made = replace(made, cells=ProvedCells(np.zeros((1, d)), np.ones((1, d))))
    same, note = _as_it_is(made, opened)
    assert note == _as_it_is(guard, opened)[1] == ""
    assert same.cells is not None
    with (folder.folder / "truth.py").open("a") as file:
        file.write("\n")
    changed, note = _as_it_is(made, sn.open_problem(path))
    assert changed.cells is None  # the proof was about the reference as it was
    assert "has changed since this guard was made" in note
    assert Service(made, note=note).about()["promise"].endswith(note)


def test_the_token_is_the_first_line_of_its_file(tmp_path: Path) -> None:
    from supnorm.cli.serve import _token

    (tmp_path / "token").write_text("a-long-token\nanother\n")
    assert _token(None, tmp_path / "token") == "a-long-token"

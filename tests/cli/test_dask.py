"""`--dask`: a scheduler and two workers of their own; same answer, an interruption goes on, and so does a killed worker."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import PROBLEM, SMALL, SMALL_SEARCHES, TRUTH, Shell, stored
from tests.cli.test_exit_codes import REFERENCE, wait_for_lines

import supnorm
from supnorm.auditing.expensive import SurrogateSearch
from supnorm.cli import worker_report
from supnorm.cli.doctor_workers import _compared, examine_workers
from supnorm.evaluation.cluster import Cluster
from supnorm.evaluation.spot_check import POINTS
from supnorm.results import Interrupted

pytest.importorskip("distributed")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]

TRAINERS = """
import os, time
import numpy as np
def nearest(x, y, width, seed):
    time.sleep(float(os.environ.get("SUPNORM_TEST_TRAINING", "0")))
    while os.path.exists("hold") and len(open("trainings.txt").readlines()) >= 5:
        time.sleep(0.02)
    with open("trainings.txt", "a") as file:
        file.write(f"{os.getpid()} {len(x)} {seed}\\n")
    return lambda u: y[((u[:, None] - x) ** 2).sum(axis=2).argmin(axis=1)]
"""
HELD = """
def held(a, b):
    while os.path.exists("hold") and len(open("calls.txt").readlines()) >= 60:
        time.sleep(0.02)
    return logged(a, b)
"""
CORNER = """
def cornered(a, b):
    if a > 0.5 and "SUPNORM_TEST_MAIN" not in os.environ:
        open(os.path.join(os.path.dirname(__file__), "corner.txt")).close()
    time.sleep(0.002)
    return a * b
"""
FORMULAS = """
import jax.numpy as jnp
def model(x): return x[:, 0] * x[:, 1]
def truth(x): return jnp.sin(4 * x[:, 0]) * jnp.cos(3 * x[:, 1])
"""
FORMULAS_TOML = """
[model]
python = "formulas.py:model"
[reference]
python = "formulas.py:truth"
[domain]
a = { low = -1.0, high = 1.0 }
b = { low = -1.0, high = 1.0 }
"""
TIMES = {
    "seconds",
    "cost",
    "command",
    "versions",
}  # cost: as measured; command: with it; versions: of what is loaded, which is more in the process of the tests
ARGUMENTS = (
    "budget", "problem.toml", "--learning-curve", "mine.py:nearest,polynomial", "--training-sizes", "16,32,64",
    "--trainings", "3", "--calls", "600", "--seed", "5", "--out", "run",
)  # fmt: skip


@dataclass
class Started:
    """A scheduler and two workers that run in the shell's folder."""

    address: str
    scheduler: subprocess.Popen[bytes]


@contextmanager
def started(folder: Path, name: str) -> Iterator[Started]:
    """Started as a user starts them; ``name`` is that of their files."""
    source = str(Path(supnorm.__file__).parent.parent)
    place = {
        **os.environ,
        "PYTHONPATH": source,
        "SUPNORM_TEST_TRAINING": "0.5",
        "SUPNORM_TEST_SLEEP": "0.002",
    }
    place["SUPNORM_TEST_LOG"] = str(folder / "calls.txt")
    file = folder / f"{name}.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    commands = [
        ["scheduler", "--port", "0", *common],
        ["worker", "--nworkers", "2", "--nthreads", "1", *common],
    ]
    processes: list[subprocess.Popen[bytes]] = []
    log = folder / f"{name}.log"
    try:
        for command in commands:
            line = [sys.executable, "-m", "dask", *command]
            with log.open("a") as said:
                processes.append(subprocess.Popen(line, cwd=folder, env=place, stdout=said, stderr=said))
            wait_for_lines(file, 1)
        while log.read_text().count("Registered to") < 2:
            assert processes[1].poll() is None
            time.sleep(0.05)
        yield Started(json.loads(file.read_text())["address"], processes[0])
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:  # as Dask's scheduler was seen to do on a busy machine
                process.kill()
                process.wait(timeout=60)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the cluster and of all problems: workers look beside themselves for what tests write."""
    return tmp_path_factory.mktemp("cluster")


@pytest.fixture(scope="module")
def cluster(place: Path) -> Iterator[Started]:
    """One for all tests, as a cluster serves many runs: four processes that import for seconds."""
    with started(place, "cluster") as one:
        yield one


@pytest.fixture
def shell(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """As that of the other tests, in the cluster's folder; audits search little."""
    for path in place.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith("cluster"):
            path.unlink()
    for name, text in {"truth.py": TRUTH, "problem.toml": PROBLEM, "mine.py": TRAINERS}.items():
        (place / name).write_text(text)
    monkeypatch.chdir(place)
    monkeypatch.setattr(SurrogateSearch.__init__, "__defaults__", astuple(SurrogateSearch(inner=SMALL)))
    return Shell(place, capsys, SMALL_SEARCHES)


@pytest.fixture
def address(cluster: Started) -> str:
    return cluster.address


def answer(folder: Path) -> Any:
    return without_times(json.loads((folder / "run" / "budget.json").read_text()))


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in TIMES}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def trainings(folder: Path) -> list[list[str]]:
    return [line.split() for line in (folder / "trainings.txt").read_text().splitlines()]


def test_a_cluster_gives_the_same_answer_and_an_interruption_goes_on(shell: Shell, address: str) -> None:
    from distributed import Client

    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    here = {"SUPNORM_TEST_LOG": str(shell.folder / "calls.txt"), "SUPNORM_TEST_SLEEP": "0.002"}
    alone = shell.run(*ARGUMENTS, **here)
    assert alone.code in (0, 4), alone.err
    expected = answer(shell.folder)
    assert len({pid for pid, *_ in trainings(shell.folder)}) == 1
    order = [tuple(training) for _, *training in trainings(shell.folder)]

    def in_order() -> int:
        """Trainings before the first one that has not ended: results are taken, and kept, in order."""
        ended = {tuple(training) for _, *training in trainings(shell.folder)}
        return next((i for i, training in enumerate(order) if training not in ended), len(order))

    def kept() -> int:
        files = (shell.folder / "run").glob("learning-curve-*.jsonl")
        return sum(len(file.read_text().splitlines()) for file in files)

    (shell.folder / "trainings.txt").write_text("")
    (shell.folder / "hold").touch()
    process = shell.start(*ARGUMENTS, "--dask", address, **here)
    wait_for_lines(shell.folder / "trainings.txt", 5)
    while kept() < in_order():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 3
    assert "run the same command with --resume" in err
    assert "Traceback" not in err
    held = kept()
    assert held == in_order() >= 2
    (shell.folder / "hold").unlink()
    with Client(address, set_as_default=False) as client:
        while any(client.processing().values()):  # those that had begun end
            time.sleep(0.05)
    done = trainings(shell.folder)
    assert len({pid for pid, *_ in done}) == 2  # both workers trained
    assert len(done) < 9  # and what had not begun was called off

    resumed = shell.finish(*ARGUMENTS, "--dask", address, "--resume", **here)
    assert resumed.code == alone.code, resumed.err
    assert answer(shell.folder) == expected
    again = Counter((size, seed) for _, size, seed in trainings(shell.folder))
    assert len(again) == 9
    assert all(again[one] == 1 for one in order[:held])  # what was kept is not done again


def test_no_scheduler_is_one_line(shell: Shell) -> None:
    done = shell.run("budget", "problem.toml", "--dask", "tcp://127.0.0.1:9")
    assert done.code == 2
    assert "no scheduler answers" in done.line


def test_an_audit_on_a_cluster_gives_the_same_answer(shell: Shell, address: str) -> None:
    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    found, calls = {}, {}
    for name, more in {"alone": (), "cluster": ("--dask", address)}.items():
        log = shell.folder / f"{name}.txt"
        run = shell.finish if more else shell.run
        done = run(
            "audit", "problem.toml", "--evaluations", "150", "--seed", "5", "--out", name, "--json", *more,
            SUPNORM_TEST_LOG=str(log), SUPNORM_TEST_SLEEP="0.05",
        )  # fmt: skip
        assert done.code in (0, 1), done.err
        found[name] = json.loads(done.out)["sup"]
        calls[name] = len(log.read_text().splitlines())
    assert found["cluster"]["lower"] == pytest.approx(found["alone"]["lower"], rel=1e-9)
    served = len((shell.folder / "calls.txt").read_text().splitlines())
    assert calls["cluster"] + served == calls["alone"] > 150
    assert served > 4 * calls["cluster"]


def test_a_file_that_only_a_worker_opens_may_not_change(shell: Shell, address: str) -> None:
    truth = shell.folder / "truth.py"
    truth.write_text(truth.read_text() + "\nimport os, time\n" + CORNER)
    shell.write((REFERENCE, 'python = "truth.py:cornered"\nper_point = true'))
    (shell.folder / "corner.txt").write_text("1")
    os.utime(shell.folder / "corner.txt", (1e9, 1e9))
    audit = "audit", "problem.toml", "--evaluations", "150", "--out", "run", "--quiet", "--dask", address
    assert shell.finish(*audit, SUPNORM_TEST_MAIN="1").code in (0, 1)
    (shell.folder / "corner.txt").write_text("2")
    resumed = shell.finish(*audit, "--resume", SUPNORM_TEST_MAIN="1")
    assert resumed.code == 2
    assert "from before corner.txt, which one of its functions opens, was changed" in resumed.line


def test_a_proof_and_its_check_and_experiments_are_shared_by_a_cluster(shell: Shell, address: str) -> None:
    (shell.folder / "formulas.py").write_text(FORMULAS)
    (shell.folder / "formulas.toml").write_text(FORMULAS_TOML)
    for name, more in {"alone": (), "shared": ("--dask", address)}.items():
        done = shell.finish("certify", "formulas.toml", "--ratio", "1.05", "--out", f"certify-{name}", *more)
        assert done.code == 0, done.err
    proofs = [shell.folder / f"certify-{name}" / "certificate.json" for name in ("alone", "shared")]
    assert proofs[0].read_bytes() == proofs[1].read_bytes()
    repeated = shell.finish("reproduce", "layer-wise", "--test", "--out", "repeated", "--dask", address)
    assert repeated.code == 0, repeated.err
    checked = shell.finish("check", str(proofs[1]), "--dask", address)
    assert checked.code == 0, checked.err
    assert "ACCEPTED" in checked.out
    twice = shell.run("check", str(proofs[1]), "--dask", address, "--workers", "2")
    assert (twice.code, "give one of them" in twice.line) == (2, True)


def test_workers_that_are_killed_at_random_change_nothing(shell: Shell, cluster: Started) -> None:
    from distributed import Client

    shell.write((REFERENCE, 'python = "truth.py:logged"\nper_point = true'))
    line = ("audit", "problem.toml", "--evaluations", "200", "--cost", "expensive:1:in-rounds", "--json")
    here = {"SUPNORM_TEST_LOG": str(shell.folder / "calls.txt"), "SUPNORM_TEST_SLEEP": "0.05"}
    alone = shell.run(*line, "--out", "alone", **here)
    assert alone.code in (0, 1), alone.err
    dice, kills = random.Random(0), 0
    process = shell.start(*line, "--dask", cluster.address, "--out", "killed", **here)
    with Client(cluster.address, set_as_default=False) as client:
        while process.poll() is None and kills < 6:
            time.sleep(dice.uniform(0.5, 2.0))
            pids = client.run(os.getpid, on_error="ignore")
            for pid in dice.sample(sorted(pids.values()), min(1, len(pids))):
                os.kill(pid, signal.SIGKILL)  # its nanny starts another one
                kills += 1
        out, err = process.communicate(timeout=300)
        client.wait_for_workers(2, timeout=300)  # for the tests that follow
    assert process.returncode == alone.code, err
    assert kills >= 2
    found = [json.loads(text) for text in (alone.out, out)]
    for key in ("sup", "witness", "rms", "evaluations", "failures"):
        assert found[0][key] == found[1][key], key


def test_a_scheduler_that_is_killed_is_one_line_and_the_run_goes_on_without_it(
    shell: Shell,
) -> None:
    with (shell.folder / "truth.py").open("a") as truth:
        truth.write(HELD)
    shell.write((REFERENCE, 'python = "truth.py:held"\nper_point = true'))
    calls, hold = shell.folder / "calls.txt", shell.folder / "hold"
    calls.touch()
    hold.touch()
    here = {"SUPNORM_TEST_LOG": str(calls), "SUPNORM_TEST_SLEEP": "0.02"}
    line = (
        "audit",
        "problem.toml",
        "--evaluations",
        "100",
        "--cost",
        "expensive:1",
        "--out",
        "run",
        "--quiet",
    )
    with started(shell.folder, "own") as own:
        process = shell.start(*line, "--dask", own.address, **here)
        wait_for_lines(calls, 60)
        own.scheduler.kill()
        _, err = process.communicate(timeout=300)
        hold.unlink()
    assert process.returncode == 3
    assert len(err.strip().splitlines()) == 1, err
    assert f"the Dask scheduler {own.address} is gone" in err
    assert "--resume" in err
    kept, made = stored(shell.folder / "run"), len(calls.read_text().splitlines())
    assert len(kept) > 8
    resumed = shell.run(*line, "--resume", **here)
    assert resumed.code == 1, resumed.err
    again = kept & set(calls.read_text().splitlines()[made:])
    most = POINTS + 8  # are looked at again; of the worst ones each is called alone
    assert len(again) <= most


def test_stopped_workers_are_passed_over_and_without_others_the_calls_end(cluster: Started) -> None:
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
        pids = client.run(os.getpid)
        calls = Cluster(client, patience=10.0)  # a busy machine may be silent for some seconds
        try:
            os.kill(pids[min(pids)], signal.SIGSTOP)
            waits = [calls.submit(time.sleep, 0.1) for _ in range(8)]
            assert [w.result(300) for w in waits] == [None] * 8
            os.kill(pids[max(pids)], signal.SIGSTOP)
            with pytest.raises(
                Interrupted, match="no sign of life for 10 seconds: the scheduler has 2 workers"
            ):
                calls.submit(time.sleep, 0.1).result(300)
        finally:
            for pid in pids.values():
                os.kill(pid, signal.SIGCONT)


def test_the_doctor_says_what_workers_lack(shell: Shell, cluster: Started) -> None:
    done = shell.run("doctor", "problem.toml", "--dask", cluster.address)
    assert done.code == 0, done.err
    assert "2 workers" in done.out
    assert (
        "the same Python and packages as here, the problem's files, and they make its functions" in done.out
    )
    answers = examine_workers(cluster.address, ["numpy"], [], None)
    here = {
        **worker_report.report(["numpy", "supnorm"], [__file__], {}),
        "python": "2.7.18",
        "files": {__file__: "0"},
    }
    here["packages"] = {"numpy": None, "supnorm": "0.0"}
    found = next(iter(answers["workers"].values()))["has"]
    words = _compared({**found, "files": {__file__: "1"}}, here, ["numpy"], [])["lacks"]
    assert [w.split(",")[0] for w in words] == [
        "Python 2.7.18",
        "supnorm 0.0",
        "no numpy",
        f"another content of {__file__}",
    ]


def test_the_doctor_names_a_function_that_a_worker_cannot_make() -> None:
    found = worker_report.report(
        [], ["/no/such/file"], {"model": b"no pickle", "reference": pickle.dumps(dict)}
    )
    assert list(found["faults"]) == ["model"]
    assert found["files"] == {"/no/such/file": None}

"""Fields that are compared by an executor: the result of one process, bit for bit, also after an interruption."""

import json
import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path

import pytest
from tests.fields.archives import analysis, forecast

import supnorm as sn
from supnorm.cli.main import run
from supnorm.fields import EventOptions, elsewhere
from supnorm.interrupts import INTERRUPTS


class Pickling(Executor):
    """Runs a call at once, with all of it sent and returned as another process gets it."""

    def __init__(self, after=lambda n: None):
        self.tasks, self.after = [], after

    def submit(self, call, /):
        future = Future()
        sent = pickle.dumps(call)
        self.tasks.append(call)
        try:
            self.after(len(self.tasks))
            future.set_result(pickle.loads(pickle.dumps(pickle.loads(sent)())))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def paths(tmp_path):
    truth, wrong = analysis(), forecast(analysis(), inits=(0, 1, 2, 3, 4, 5))
    wrong["t2m"].values[1, 2, 4, 4] += 33.0
    wrong["t2m"].values[3, 0, 3, 3] = float("nan")
    wrong.to_zarr(tmp_path / "p.zarr", consolidated=False, encoding={"t2m": {"chunks": (1, 1, 36, 72)}})
    truth.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    return tmp_path / "p.zarr", tmp_path / "t.nc"


def numbers(report):
    record = report.to_dict()
    return json.dumps({k: v for k, v in record.items() if k not in ("seconds", "command")}, sort_keys=True)


@pytest.mark.slow
def test_an_executor_changes_nothing(paths):
    options = EventOptions(spectra=1)
    alone = numbers(sn.audit_fields(*paths, events=options))
    executor = Pickling()
    assert numbers(sn.audit_fields(*paths, events=options, workers=executor)) == alone
    assert len(executor.tasks) == 16  # of 18 parts
    assert numbers(sn.audit_fields(*paths, events=options, workers=3)) == alone


@pytest.mark.slow
def test_what_is_there_is_not_compared_again(paths, tmp_path):
    whole = numbers(sn.audit_fields(*paths))

    class Interrupted(Pickling):
        def submit(self, call, /):
            if len(self.tasks) == 7:  # the others wait for ever
                INTERRUPTS.asked = True
            return Future() if len(self.tasks) >= 7 else super().submit(call)

    first = Interrupted()
    part = sn.audit_fields(*paths, folder=tmp_path / "run", workers=first)
    assert part.status.code == "interrupted"
    assert 0 < part["t2m"].fields < 18
    # Parts that are done are no longer the first ones.
    with pytest.raises(sn.BadInput, match="other options"):
        sn.audit_fields(*paths, folder=tmp_path / "run", resume=True)
    second = Pickling()
    resumed = sn.audit_fields(*paths, folder=tmp_path / "run", resume=True, workers=second)
    assert numbers(resumed) == whole
    assert sum(len(t.blocks) for t in second.tasks) == 18 - part["t2m"].fields


@pytest.mark.slow
def test_the_time_is_a_limit(paths):
    class Slow(Pickling):
        def submit(self, call, /):
            return Future()

    begun = time.monotonic()
    report = sn.audit_fields(*paths, workers=Slow(), seconds=0.3)
    assert report.status.code == "interrupted"
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            ModuleNotFoundError("No module named 'supnorm'"),
            "No module named 'supnorm'; every worker needs the same",
        ),
        (sn.BadInput("the store is damaged"), "the store is damaged"),
    ],
)
def test_a_worker_that_cannot_do_it_is_said_in_one_line(paths, error, words):
    def fail(number):
        raise error

    with pytest.raises(sn.BadInput, match=words):
        sn.audit_fields(*paths, workers=Pickling(fail))


def test_a_worker_that_does_not_see_the_files(paths, monkeypatch):
    def missing(*arguments):
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(elsewhere, "add_block", missing)
    with pytest.raises(
        sn.BadInput, match=r"t2m: a worker cannot read .*No such file.* needs the files under the same"
    ):
        sn.audit_fields(*paths, workers=Pickling())


@pytest.mark.parametrize("workers", [0, True, 1.5, "two", None])
def test_what_is_no_worker(paths, workers):
    with pytest.raises(sn.BadInput, match="workers must be a whole number above 0 or an executor"):
        sn.audit_fields(*paths, workers=workers)


@pytest.mark.slow
@pytest.mark.xdist_group("dask")
def test_a_cluster_gives_the_same(paths, tmp_path, monkeypatch, capsys):
    """The options as a user gives them; the client writes warnings of its own, so in processes of their own."""
    pytest.importorskip("distributed")
    (tmp_path / "cluster.py").write_text(CLUSTER)
    place = {**os.environ, "PYTHONPATH": str(Path(sn.__file__).parent.parent)}
    line = [sys.executable, "cluster.py"]
    cluster = subprocess.Popen(
        line, cwd=tmp_path, env=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        address = cluster.stdout.readline().strip()

        def fields(*options):
            command = [sys.executable, "-m", "supnorm", "fields", "p.zarr", "t.nc", "--json", *options]
            done = subprocess.run(command, cwd=tmp_path, env=place, capture_output=True, text=True)
            assert "Traceback" not in done.stderr
            return done.returncode, json.loads(done.stdout or "{}"), done.stderr

        monkeypatch.chdir(tmp_path)
        options = ("--tolerance", "t2m=10", "--spectra", "1")
        assert run(["fields", "p.zarr", "t.nc", "--json", *options]) == 1
        alone = json.loads(capsys.readouterr().out)
        code, there, _ = fields(*options, "--dask", address, "--out", "there")
        assert code == 1
        for record in (alone, there):
            record.pop("seconds"), record.pop("versions")  # this process has loaded more packages
        alone.pop("command")
        assert f"--dask {address}" in there.pop("command")
        assert there == alone
        assert run(["fields", "p.zarr", "t.nc", "--dask", address, "--workers", "2"]) == 2
        assert "--dask and --workers: give one of them" in capsys.readouterr().err
    finally:
        cluster.communicate(timeout=60)
    code, _, message = fields("--dask", address)
    assert code == 2
    assert "no scheduler answers" in message


CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""

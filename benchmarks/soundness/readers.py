"""Each reader of supnorm with a small good file of its kind: what `fuzz` breaks and has read.

Some kinds are read as a command of supnorm reads them, in a problem with its code (``t.csv``); that takes tens of
milliseconds, most of them for what is around the reader. So each reader is also called alone (``csv``).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import broken_files, valid_files
from supnorm.results import BadInput


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        file: its name in the folder.
        make: writes the good file, and what belongs to it, into a folder that does not exist yet.
        read: reads the file at a path, as a command of supnorm does.
        share: of the time of a run that is limited by time, as a weight: slow readers have more, and so many files, too.
        like: the kind whose kept files this one shares; empty for its own.
        ways: to break it; by default those of the suffix.
    """

    file: str
    make: Callable[[Path], Any]
    read: Callable[[Path], Any]
    share: float = 2.0
    like: str = ""
    ways: tuple[broken_files.Break, ...] = ()


def _problem(folder: Path) -> Any:
    from supnorm.sources import open_problem

    problem = open_problem(folder / "problem.toml")
    x = np.array([[0.2, 0.4], [0.7, 0.1]])
    with contextlib.suppress(Exception):  # of a point: the evaluator counts it as a failed one
        problem.model.value(x)
    return problem


def _written(file: str, folder: Path) -> None:
    """A problem whose model, or reference, or law, is a file."""
    folder.mkdir()
    (folder / "truth.py").write_text(valid_files.CODE)
    columns = 'inputs = ["a", "b"]\noutputs = ["y"]\n' if file in valid_files.TABLES else ""
    side = f'file = "{file}"\n{columns}' if file != "problem.toml" else 'python = "truth.py:model"\n'
    if file == "law.npz":
        side = 'python = "truth.py:model"\n'
    sides = ("reference", "model") if file in valid_files.TABLES else ("model", "reference")
    text = f'[{sides[0]}]\n{side}[{sides[1]}]\npython = "truth.py:truth"\n{valid_files.TAIL}'
    (folder / "problem.toml").write_text(text + '[law]\nfile = "law.npz"\n' * (file == "law.npz"))
    if file in MAKERS:
        MAKERS[file](folder / file)


def _beside(path: Path) -> Any:
    """The problem of the folder."""
    return _problem(path.parent)


def _grid() -> tuple[Any, Any, Any]:
    a, b = (part.ravel() for part in np.meshgrid(*[np.linspace(0.1, 0.9, 6)] * 2, indexing="ij"))
    return a, b, np.sin(3 * a) + b**2


def _csv(path: Path) -> None:
    np.savetxt(path, np.stack(_grid(), axis=1), delimiter=",", header="a,b,y", comments="")


def _parquet(path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(dict(zip("aby", _grid(), strict=True))), path)


def _netcdf(path: Path) -> None:
    import xarray

    a, b, y = (part.reshape(6, 6) for part in _grid())
    xarray.Dataset({"y": (("a", "b"), y)}, {"a": a[:, 0], "b": b[0]}).to_netcdf(path, engine="h5netcdf")


def _network(path: Path) -> None:
    from supnorm.networks import Network, save

    save(Network.init(np.random.default_rng(0), 2, 1, 8, 2, "tanh"), path)


def _onnx(path: Path) -> None:
    from supnorm.networks import Network, to_onnx

    to_onnx(Network.init(np.random.default_rng(0), 2, 1, 8, 2, "tanh"), path)


def _exported(path: Path) -> None:
    import torch

    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    x = torch.zeros(4, 2, dtype=torch.float64)
    torch.export.save(torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("n")},)), path)


def _law(path: Path) -> None:
    np.savez(path, x=np.random.default_rng(0).random((50, 2)))


MAKERS: dict[str, Callable[[Path], None]] = {
    "t.csv": _csv, "t.parquet": _parquet, "t.nc": _netcdf, "net.npz": _network, "net.onnx": _onnx, "net.pt2": _exported,
    "law.npz": _law,
}  # fmt: skip


def _run(folder: Path) -> None:
    from supnorm.auditing import audit

    _written("problem.toml", folder)
    audit(_problem(folder), evaluations=100).save(folder / "run")


def _report(path: Path) -> Any:
    from supnorm.auditing import load_report

    return load_report(path.parent)


def _store(folder: Path) -> None:
    from supnorm.evaluation import EvaluationStore

    folder.mkdir()
    with contextlib.closing(EvaluationStore(folder / "evaluations.sqlite", "f")) as store:
        x = np.random.default_rng(0).random((200, 2))
        for i in range(0, 200, 10):
            store.append("reference", "search", x[i : i + 10], x[i : i + 10, :1], {0: "failed"}, 0.1)
        store.remember("seconds a point, reference", "0.1")


def _stored(path: Path) -> None:
    from supnorm.evaluation import EvaluationStore

    with contextlib.closing(EvaluationStore(path, "f")) as store:
        store.load("reference")
        store.number("seconds a point, reference")


def _proof(folder: Path) -> None:
    from supnorm.certification import certify

    _written("net.npz", folder)
    (folder / "problem.toml").write_text(
        (folder / "problem.toml").read_text().replace('python = "truth.py:truth"', 'file = "net.npz"')
    )
    certify(_problem(folder), seconds=20).certificate.save(folder / "certificate.json")


def _checked(path: Path) -> None:
    """A certificate that is rejected counts as one that is refused."""
    from supnorm.checker import TooCostly, check

    try:
        result = check(path, limit=SECONDS)
    except TooCostly as refused:
        raise BadInput(str(refused)) from None
    if not result.accepted:
        raise BadInput(result.reason)


def _alone(path: Path) -> Any:
    """A file as a model or a table, without a problem around it."""
    from supnorm.problem.specification import SourceSpec
    from supnorm.sources.open_function import open_function

    table = {"inputs": ["a", "b"], "outputs": ["y"]} if path.name in valid_files.TABLES else {}
    return open_function(SourceSpec(file=path.name, **table), path.parent, ("a", "b"), PROBE)


SECONDS = 2.0  # that proving a certificate again may take by its own forecast
PROBE = np.array([[0.2, 0.4], [0.7, 0.1], [0.5, 0.5]])


def _points(path: Path) -> Any:
    from supnorm.sources.points_file import read_points

    return read_points(path.name, path.parent, ("a", "b"), "[law] file")


def _specification(path: Path) -> Any:
    from supnorm.problem.problem_file import read_specification

    return read_specification(path)


def _small_run(folder: Path) -> None:
    """A run whose result has all keys, but no pictures of thousands of numbers."""
    _run(folder)
    path = folder / "run" / "result.json"
    document = json.loads(path.read_text())
    document["charts"]["map"] = None
    path.write_text(json.dumps(document))
    points = folder / "run" / "points.csv"
    points.write_text("".join(points.read_text().splitlines(keepends=True)[:30]))


def _surface(folder: Path) -> None:
    from supnorm.approximants import ChebyshevTensor, save
    from supnorm.problem import Axis, Domain

    folder.mkdir()
    plane = Domain(a=(1.0, 3.0), p=Axis(10.0, 1000.0, "Pa", scale="log"))
    save(
        ChebyshevTensor().from_function(lambda x: np.sin(x).sum(axis=1, keepdims=True), plane, 500).model,
        folder / "s.npz",
    )


def _surface_read(path: Path) -> Any:
    from supnorm.approximants import load

    return load(path)


def _guard(folder: Path) -> None:
    from benchmarks.guard.models import bump_guard

    folder.mkdir()
    bump_guard().save(folder / "guard.guard")


def _guard_read(path: Path) -> Any:
    import supnorm as sn
    from benchmarks.guard.models import bump_problem

    return sn.load_guard(path, bump_problem().model)


RUN = {
    "samples": 100, "width": 8, "seed": 0, "rms": 0.1, "sup": 0.5, "train_rms": 0.05, "weights": 97, "iterations": 200,
    "seconds": 1.5, "checking": 0.1,
}  # fmt: skip


def _runs(folder: Path) -> None:
    folder.mkdir()
    lines = [json.dumps({**RUN, "samples": 100 * k, "sup": 0.5 / k}) for k in range(1, 6)]
    (folder / "runs.jsonl").write_text("\n".join(lines) + "\n")


def _runs_read(path: Path) -> Any:
    from supnorm.planning.learning_curve.trainings import read_runs

    return read_runs(path)


ROLLOUT = """
title = "Ring"
steps = 12
[step]
python = "flow.py:model"
[reference]
python = "flow.py:truth"
[initial]
python = "flow.py:initial"
[fields]
variables = ["u", "v"]
axes = ["z", "x"]
coordinates = "flow.py:names"
periodic = ["x"]
[totals]
mass = "flow.py:mass"
[error]
tolerance = { u = 0.5 }
"""


def _rollout(folder: Path) -> None:
    folder.mkdir()
    (folder / "rollout.toml").write_text(ROLLOUT)


def _rollout_read(path: Path) -> Any:
    from supnorm.fields.rollout_file import read_rollout

    return read_rollout(path)


def _proof_in_lines(folder: Path) -> None:
    from supnorm.certification import certify
    from supnorm.certification.lines import SCHEMA, text_in_lines

    _proof(folder)
    made = certify(_problem(folder), seconds=20).certificate
    lines = text_in_lines(made._content(SCHEMA, len(made.leaves)), made.leaves)
    (folder / "certificate.jsonl").write_bytes(b"".join(lines))


KINDS: dict[str, Kind] = {
    "problem": Kind("problem.toml", partial(_written, "problem.toml"), _beside),
    "law": Kind("law.npz", partial(_written, "law.npz"), _beside),
    "result": Kind("run/result.json", _run, _report),
    "points": Kind("run/points.csv", _run, _report),
    "store": Kind("evaluations.sqlite", _store, _stored, 20),
    "certificate": Kind("certificate.json", _proof, _checked, 20),
    **{file: Kind(file, partial(_written, file), _beside) for file in MAKERS if file != "law.npz"},
    "csv": Kind("t.csv", partial(_written, "t.csv"), _alone, 25, "t.csv"),
    "parquet": Kind("t.parquet", partial(_written, "t.parquet"), _alone, 15, "t.parquet"),
    "netcdf": Kind("t.nc", partial(_written, "t.nc"), _alone, 65, "t.nc"),
    "network": Kind("net.npz", partial(_written, "net.npz"), _alone, 13, "net.npz"),
    "onnx": Kind("net.onnx", partial(_written, "net.onnx"), _alone, 28, "net.onnx"),
    "exported": Kind("net.pt2", partial(_written, "net.pt2"), _alone, 20, "net.pt2"),
    "sample": Kind("law.npz", partial(_written, "law.npz"), _points, 35, "law"),
    "toml": Kind("problem.toml", partial(_written, "problem.toml"), _specification, 20, "problem"),
    "report": Kind("run/result.json", _small_run, _report, 16, "result"),
    "rows": Kind("run/points.csv", _small_run, _report, 12, "points"),
    "surface": Kind("s.npz", _surface, _surface_read, 18),
    "guard": Kind("guard.guard", _guard, _guard_read, 38),
    "runs": Kind("runs.jsonl", _runs, _runs_read, 35),
    "rollout": Kind("rollout.toml", _rollout, _rollout_read, 25),
    "signed": Kind("certificate.json", _proof, _checked, 20, "certificate", broken_files.SIGNED),
    "lines": Kind("certificate.jsonl", _proof_in_lines, _checked, 20, "", broken_files.SEALED),
}

"""Each reader of supnorm with a small good file of its kind: what `fuzz` breaks and has read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import valid_files
from supnorm.results import BadInput


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        file: its name in the folder.
        make: writes the good file, and what belongs to it, into a folder that does not exist yet.
        read: reads the file at a path, as a command of supnorm does.
    """

    file: str
    make: Callable[[Path], Any]
    read: Callable[[Path], Any]


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
    from supnorm.checker import check

    result = check(path)
    if not result.accepted:
        raise BadInput(result.reason)


KINDS: dict[str, Kind] = {
    "problem": Kind("problem.toml", partial(_written, "problem.toml"), _beside),
    "law": Kind("law.npz", partial(_written, "law.npz"), _beside),
    "result": Kind("run/result.json", _run, _report),
    "points": Kind("run/points.csv", _run, _report),
    "store": Kind("evaluations.sqlite", _store, _stored),
    "certificate": Kind("certificate.json", _proof, _checked),
    **{file: Kind(file, partial(_written, file), _beside) for file in MAKERS if file != "law.npz"},
}

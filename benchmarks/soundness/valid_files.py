"""One good file of every kind that supnorm reads, in a folder: what `broken_files` breaks."""

from __future__ import annotations

import contextlib
import io
import warnings
from pathlib import Path

import numpy as np

CODE = """
import numpy as np
def truth(x): return np.sin(3 * x[:, 0]) + x[:, 1] ** 2
def model(x): return truth(x) + 0.1 * x[:, 0]
"""
HEAD = '[reference]\npython = "truth.py:truth"\n'
TAIL = "[error]\ntolerance = 0.5\n[domain]\na = [0.0, 1.0]\nb = [0.0, 1.0]\n[audit]\nevaluations = 200\npower = false\n"
MODELS = {
    "net.npz": "npz", "net.onnx": "onnx", "net.pt2": "pt2", "net.pt": "pt",
}  # fmt: skip
TABLES = ("t.csv", "t.parquet", "t.nc")


def make(folder: Path) -> None:
    """Write the files and the runs; takes half a minute, most of it torch's."""
    from supnorm.cli.main import run

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "truth.py").write_text(CODE)
    (folder / "problem.toml").write_text(
        'title = "A problem"\n[model]\npython = "truth.py:model"\nname = "m"\n'
        + HEAD + TAIL + "[power]\nruns = 2\nheights = [1.2]\n"
    )  # fmt: skip
    _models(folder)
    for name in MODELS:
        (folder / f"{name}.toml").write_text(f'[model]\nfile = "{name}"\n{HEAD}{TAIL}')
    _tables(folder)
    for name in TABLES:
        (folder / f"{name}.toml").write_text(
            f'[model]\npython = "truth.py:model"\n[reference]\nfile = "{name}"\ninputs = ["a", "b"]\noutputs = ["y"]\n{TAIL}'
        )
    points = np.random.default_rng(0).random((50, 2))
    np.savez(folder / "law.npz", x=points)
    (folder / "law.npz.toml").write_text(
        f'[model]\npython = "truth.py:model"\n{HEAD}{TAIL}[law]\nfile = "law.npz"\n'
    )
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        for words in (
            "audit problem.toml --out run --evaluations 200 --no-power",
            "certify net.npz.toml --out cert --seconds 20",
            "fit problem.toml --out fit --max-evaluations 200 --seconds 5",
            "compare problem.toml net.npz.toml --out compared --evaluations 200 --no-power",
        ):
            assert run(words.split()) in (0, 1, 4), words


def _models(folder: Path) -> None:
    import onnx
    import torch
    from onnx import TensorProto, helper, numpy_helper

    from supnorm.networks import Network, save

    rng = np.random.default_rng(0)
    save(Network.init(rng, 2, 1, 8, 2, "tanh"), folder / "net.npz")
    w, b, v = rng.normal(size=(2, 8)), rng.normal(size=8), rng.normal(size=(8, 1))
    named = [numpy_helper.from_array(array, name) for name, array in (("w", w), ("b", b), ("v", v))]
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"]),
        helper.make_node("Tanh", ["h"], ["t"]),
        helper.make_node("MatMul", ["t", "v"], ["y"]),
    ]
    ends = [
        [helper.make_tensor_value_info(n, TensorProto.DOUBLE, [None, k])] for n, k in (("x", 2), ("y", 1))
    ]
    graph = helper.make_graph(nodes, "net", ends[0], ends[1], named)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(folder / "net.onnx"))
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1)).double()
    x = torch.zeros(4, 2, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.export.export(net, (x,), dynamic_shapes=({0: torch.export.Dim("n")},))
        torch.export.save(exported, folder / "net.pt2")
        torch.jit.trace(net, x).save(str(folder / "net.pt"))


def _tables(folder: Path) -> None:
    import pyarrow
    import pyarrow.parquet
    import xarray

    grid = np.linspace(0.1, 0.9, 6)
    a, b = (part.ravel() for part in np.meshgrid(grid, grid, indexing="ij"))
    y = np.sin(3 * a) + b**2
    rows = "".join(f"{i!r},{j!r},{k!r}\n" for i, j, k in zip(a.tolist(), b.tolist(), y.tolist(), strict=True))
    (folder / "t.csv").write_text("a,b,y\n" + rows)
    pyarrow.parquet.write_table(pyarrow.table({"a": a, "b": b, "y": y}), folder / "t.parquet")
    field = xarray.Dataset({"y": (("a", "b"), y.reshape(6, 6))}, {"a": grid, "b": grid})
    field.to_netcdf(folder / "t.nc", engine="h5netcdf")

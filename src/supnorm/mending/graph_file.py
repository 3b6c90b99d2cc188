"""ONNX and torch.export files as models that a repair can train further: same graph, same signature, other weights.

The graph of the file is run by torch in double precision, where its weights can be trained. What is judged and saved is the
file itself with the new weights in their own precision: it is written and opened again, as any user would.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.mending.torch_module import TunableModule
from supnorm.mending.trainable import Trainable
from supnorm.mending.tunable import Tunable
from supnorm.problem import Function, Problem
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput, write_whole
from supnorm.sources.open import probe_points
from supnorm.sources.open_function import open_function

Array = NDArray[np.float64]
PROBES = 16  # points at which torch runs the graph as the file runs


class Folder:
    """A folder that is removed when nothing uses it any more."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix="supnorm-repair-")
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


@dataclass(frozen=True, eq=False)
class TunableFile(Tunable):
    """A model file whose weights are trained.

    Attributes:
        graph: the graph and its weights.
        module: the graph as a torch module in double precision.
        open: opens a file of the same kind as the problem does.
        suffix: of the file.
        folder: where files with new weights are put until the repair is over.
    """

    graph: Trainable
    module: Any
    open: Callable[[Path], Function]
    suffix: str
    inputs: int
    folder: Folder = field(default_factory=lambda: Folder())

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(int(w.size) for w in self.graph.weights.values())

    @cached_property
    def _function(self) -> Function:
        path = Path(tempfile.mkdtemp(dir=self.folder.path)) / f"model{self.suffix}"
        write_whole(path, self._bytes())
        return self.open(path)

    def _bytes(self) -> bytes:
        trained = [p.detach().numpy() for p in self.module.weights]
        return self.graph.write(
            {
                name: value.astype(old.dtype)
                for (name, old), value in zip(self.graph.weights.items(), trained, strict=True)
            }
        )

    def value(self, x: Array) -> Array:
        """Values at ``x (n, d)``, as the file runs."""
        return self._function.value(x)

    def as_function(self) -> Function:
        """The file as a `Function`."""
        return self._function

    def tuned(self, x: Array, y: Array, limit: Limit) -> TunableFile:
        """The file after further training of its weights."""
        trained = TunableModule(self.module, self.inputs, f"model{self.suffix}").tuned(x, y, limit)
        return replace(self, module=trained.module)

    @property
    def saved(self) -> TunableFile:
        """The file itself: `save_in` writes it."""
        return self

    def save_in(self, folder: Path) -> tuple[str, ...]:
        """Write ``model.onnx`` or ``model.pt2``; the name of the file."""
        write_whole(folder / f"model{self.suffix}", self._bytes())
        return (f"model{self.suffix}",)


def tunable_file(problem: Problem) -> TunableFile:
    """The model of a problem file (`is_graph_file`) as something that can be trained.

    Raises:
        BadInput: naming why such a file cannot be trained.
    """
    origin = problem.model.origin
    assert origin is not None
    assert problem.source is not None
    file = str(origin["file"])
    suffix = Path(file).suffix.lower()
    path, spec = problem.source.parent / file, SourceSpec.model_validate(dict(origin))
    names, probe = problem.domain.names, probe_points(problem.domain)
    if suffix == ".onnx":
        from supnorm.mending.onnx_graph import read
    else:
        from supnorm.mending.export_graph import read
    graph = read(path, spec, names)
    if not graph.weights:
        raise BadInput(f"{path.name} has no weights that can be trained")
    if graph.layout.batch is not None:
        raise BadInput(
            f"{path.name} takes exactly {graph.layout.batch} rows: export it with a free batch size"
        )

    def opened(at: Path) -> Function:
        new = spec.model_copy(update={"file": os.fspath(at)})
        return replace(open_function(new, at.parent, names, probe), name=problem.model.name)

    made = TunableFile(graph, _module(graph), opened, suffix, problem.domain.d)
    _demand_same(made, problem, path.name)
    return made


def _module(graph: Trainable) -> Any:
    import torch

    class GraphModule(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.weights = torch.nn.ParameterList(
                torch.nn.Parameter(torch.tensor(np.asarray(w, dtype=np.float64)))
                for w in graph.weights.values()
            )

        def forward(self, x: Any) -> Any:
            given = graph.layout.feed(x)
            parts = graph.run(dict(zip(graph.weights, self.weights, strict=True)), given)
            return torch.cat([y[:, None] if y.ndim == 1 else y.flatten(1) for y in parts], dim=1)

    return GraphModule()


def _demand_same(made: TunableFile, problem: Problem, name: str) -> None:
    """Compare the graph in torch with the model as it runs.

    Raises:
        BadInput: when they differ by more than the precision of the file explains.
    """
    import torch

    x = problem.domain.from_unit(np.random.default_rng(0).random((PROBES, problem.domain.d)))
    x = x[problem.domain.contains(x)]
    with torch.no_grad():
        mine = made.module(torch.from_numpy(x)).numpy()
    theirs = problem.model.value(x)
    apart = {"float64": 1e-9, "float32": 1e-3}.get(problem.model.precision, 1e-1)
    size = float(np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0))
    if mine.shape != theirs.shape or not np.allclose(
        mine, theirs, rtol=0.0, atol=apart * size, equal_nan=True
    ):
        raise BadInput(f"{name} cannot be trained: torch runs its graph with other values than the file has")

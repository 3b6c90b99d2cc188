"""Marabou on `dynamics`, as in "Certified Neural Approximations of Nonlinear Dynamics": linear relaxations on cells.

On a cell the right-hand side lies between two parallel linear functions (`linearised`). If their gap is above the tolerance,
the cell is halved; else Marabou, which knows the ReLU network exactly, is asked for a point at which the network is off the
upper or the lower function by the tolerance: two queries. Such a point refutes the tolerance if the true error there is as
large; else the cell is halved, along the input in which the relaxation bends most. It is also halved when Marabou needs two
seconds, as there. Not the same: one process and no workers; of very elongated cells we halve the worst side, where the code
of the paper draws one; cells are taken first in, first out.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections import deque
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.certify.dynamics import NUMPY, SYSTEMS, Layers, System, network, trained
from benchmarks.certify.linearised import Linearised, linearised

Array = NDArray[np.float64]
LIMIT = 2  # seconds of a query, as in the code of the paper
SLACK = 1e-6


@dataclass
class Cell:
    """A box and the output that is proved on it."""

    centre: Array
    half: Array
    output: int


def grid(system: System) -> list[Cell]:
    """The cells that it begins with: they cover the box."""
    axes = []
    for (low, high), delta in zip(system.box, system.cells, strict=True):
        a, b = low + delta, high - delta
        axes.append(np.linspace(a, b, int(np.ceil((b - a) / (2.0 * delta))) + 1))
    centres = np.stack(np.meshgrid(*axes), -1).reshape(-1, len(axes))
    half = np.array(system.cells)
    return [Cell(c, half, j) for j in range(len(system.bent)) for c in centres]


class Marabou:
    """The network as Marabou has it."""

    def __init__(self, layers: Layers) -> None:
        import torch
        from maraboupy import Marabou as M
        from maraboupy import MarabouCore, MarabouUtils

        modules: list[torch.nn.Module] = []
        for weight, bias in layers:
            linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
            linear.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
            modules += [linear, torch.nn.ReLU()]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.onnx"
            start = torch.zeros(1, layers[0][0].shape[1])
            torch.onnx.export(torch.nn.Sequential(*modules[:-1]), (start,), str(path), dynamo=False)
            self.net = M.read_onnx(str(path))
        self.options = M.createOptions(verbosity=0, timeoutInSeconds=LIMIT, lpSolver="native")
        self.core, self.equation = MarabouCore, MarabouUtils.Equation
        self.inputs, self.outputs = self.net.inputVars[0].flatten(), self.net.outputVars[0].flatten()
        self.queries = 0

    def beyond(self, cell: Cell, a: Array, b: float, upper: bool) -> Array | str | None:
        """A point with a.x + b - N(x) >= 0 (``upper``) or <= 0; None if there is none, "late" if that takes too long."""
        self.queries += 1
        for v, c, h in zip(self.inputs, cell.centre, cell.half, strict=True):
            self.net.setLowerBound(v, c - h)
            self.net.setUpperBound(v, c + h)
        self.net.additionalEquList.clear()
        kind = self.core.Equation.GE if upper else self.core.Equation.LE
        equation = self.equation(kind)
        for v, slope in zip(self.inputs, a, strict=True):
            equation.addAddend(float(slope), v)
        equation.addAddend(-1.0, self.outputs[cell.output])
        equation.setScalar(-b)
        self.net.addEquation(equation, isProperty=True)
        with redirect_stdout(io.StringIO()):
            code, values, statistics = self.net.solve(verbose=False, options=self.options)
        if statistics.hasTimedOut():
            return "late"
        return np.array([values[v] for v in self.inputs]) if code == "sat" else None


def by_marabou(name: str, seconds: float) -> dict[str, Any]:
    """Every cell, until one is refuted or the processor seconds end."""
    system, layers = SYSTEMS[name], trained(name)
    marabou, cells = Marabou(layers), deque(grid(system))
    begun, wall = time.process_time(), time.perf_counter()
    outcome, done = "proved", 0
    while cells:
        if time.process_time() - begun > seconds:
            outcome = "not decided"
            break
        cell = cells.popleft()
        found = _judged(system, layers, marabou, cell)
        if found == "false":
            outcome = "false"
            break
        done += found is None
        cells.extend(found or [])
    return {
        "outcome": outcome,
        "seconds": time.process_time() - begun,
        "wall": time.perf_counter() - wall,
        "boxes": done,
        "queries": marabou.queries,
    }


def _judged(system: System, layers: Layers, marabou: Marabou, cell: Cell) -> list[Cell] | str | None:
    """None if the tolerance holds on the cell, its halves, or "false"."""
    model = linearised(system.outputs, cell.centre, cell.half)[cell.output]
    a, b = model.g, model.c - float(model.g @ cell.centre)
    if model.high - model.low > system.tolerance:
        return _halves(system, model, cell, system.bent[cell.output])
    for upper, end in ((True, model.high - system.tolerance), (False, model.low + system.tolerance)):
        point = marabou.beyond(cell, a, b + end, upper)
        if point is None:
            continue
        if isinstance(point, str):
            return _halves(system, model, cell, tuple(range(len(cell.centre))))
        off = network(layers, point, lambda z: np.maximum(z, 0.0)) - _exact(system, point)
        if abs(off[cell.output]) >= system.tolerance - SLACK:
            return "false"
        return _halves(system, model, cell, system.bent[cell.output])
    return None


def _exact(system: System, x: Array) -> Array:
    return np.array([float(v) for v in system.outputs(list(x), NUMPY)])


def _halves(system: System, model: Linearised, cell: Cell, along: tuple[int, ...]) -> list[Cell]:
    """Cut along the input in which the middle of the relaxation bends away most, half-way to the sides."""
    sides = along or tuple(range(len(cell.centre)))
    bends = []
    for j in sides:
        parts = []
        for sign in (-1.0, 1.0):
            point = cell.centre.copy()
            point[j] += 0.5 * sign * cell.half[j]
            line = model.g[j] * 0.5 * sign * cell.half[j]
            parts.append(
                abs(_exact(system, point)[cell.output] - _exact(system, cell.centre)[cell.output] - line)
            )
        bends.append(max(parts))
    if sum(bends) < 1e-9 and len(sides) < len(cell.centre):
        return _halves(system, model, cell, tuple(range(len(cell.centre))))
    j = sides[int(np.argmax(bends))]
    half, step = cell.half.copy(), np.zeros_like(cell.half)
    half[j] *= 0.5
    step[j] = half[j]
    return [Cell(cell.centre - step, half, cell.output), Cell(cell.centre + step, half, cell.output)]

"""What a tool is, what it is given, and what it may answer; `Answer` and `find_worst` are all that an outsider needs."""

from __future__ import annotations

import importlib.util
import inspect
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.search.objective import Objective
from benchmarks.search.ours import Counted
from supnorm.problem import Problem
from supnorm.results import BadInput

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """What a tool says of a task; each part may be left out.

    Attributes:
        point: the input with the largest error that it knows, in the inputs' own units, shape ``(d,)``. The benchmark
            evaluates it.
        value: the error that the tool states there.
        upper: a bound that it has proved: no error of the task is above it.
    """

    point: Array | None = None
    value: float | None = None
    upper: float | None = None


class Cannot(Exception):
    """Raised by a tool that does not take such tasks; its words are stored."""


class View(Objective):
    """A task as a tool sees it.

    ``batch(u)`` gives the errors at points of the unit box ``u`` (n, d), ``single(v)`` one of them, ``slope(u)`` errors
    and gradients where the task is ``differentiable``. They count, and raise `Exhausted` when the budget is used up: a
    tool may let that pass, since the largest error that was evaluated counts anyway. ``problem`` has model, reference,
    domain and error measure, for tools that call them on their own; calls of this model are counted, too.

    Args:
        code: the problem as it was written.

    Attributes:
        name: of the task.
        seconds: of processor time that the tool has.
        at: the point of ``best``, in the inputs' units; None before the first.
        read: whether the tool asked for the code: of such a tool only a bound counts.
    """

    def __init__(self, name: str, code: Problem, evaluations: int, seconds: float) -> None:
        self._counted = Counted(code.model)
        super().__init__(replace(code, model=self._counted.function), evaluations)
        self.name, self.seconds, self.at, self.read = name, seconds, None, False
        self._code = code

    @property
    def code(self) -> Problem:
        """Model and reference as they were written, for tools that prove; what these functions return is not counted."""
        self.read = True
        return self._code

    @property
    def calls(self) -> int:
        """Of the model so far, by whatever way."""
        return self._counted.points

    def inputs(self, u: Array) -> Array:
        """Points of the unit box in the inputs' own units, both (n, d) or (d,)."""
        return self._place(np.atleast_2d(u)).reshape(np.shape(u))

    def _note(self, x: Array, y: Array, f: Array, cost: int) -> Array:
        before = self.best
        score = super()._note(x, y, f, cost)
        if self.best > before:
            self.at = x[int(np.argmax(score))]
        return score


class Tool(Protocol):
    """Anything with a name and this method; ``version`` is stored if there is one."""

    name: str

    def find_worst(self, task: View, budget: int, seed: int) -> Answer | None:
        """Look for the largest error of ``task`` with ``budget`` evaluations, or bound it."""


def load(where: str) -> Tool:
    """The tool of ``FILE.py:NAME``: a class without arguments, or an object.

    Raises:
        BadInput: no such file or name, or it has no ``find_worst``.
    """
    file, _, name = where.rpartition(":")
    path = Path(file)
    if not file or path.suffix != ".py" or not path.is_file():
        raise BadInput(f"--tool: {where!r} is not FILE.py:NAME of a file that exists")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise BadInput(f"--tool: {path} has no {name!r}")
    found = getattr(module, name)
    tool: Tool = found() if inspect.isclass(found) else found
    if not callable(getattr(tool, "find_worst", None)) or not isinstance(getattr(tool, "name", None), str):
        raise BadInput(
            f"--tool: {name} of {path} needs a text 'name' and a method find_worst(task, budget, seed)"
        )
    return tool

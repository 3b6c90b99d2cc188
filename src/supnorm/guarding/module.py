"""A guarded model as a torch module: ``module(x)`` gives ``(y, accept)``, and torch.export takes it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import torch

from supnorm.guarding.fused import demand_expressible, fused, model_program
from supnorm.guarding.guard import Guard
from supnorm.problem.coded import Coded
from supnorm.program import Unsupported
from supnorm.program.backend import run_program
from supnorm.program.torch_backend import TorchBackend
from supnorm.results import BadInput

SAME = {"float64": 1e-6, "float32": 1e-3}  # of the values: as for `load_guard`


class GuardedModule(torch.nn.Module):  # type: ignore[misc]
    """A module with its guard; make it with `supnorm.guarded_module`.

    The guard computes in double precision, whatever the precision of the module is. Gradients go through ``y`` of accepted
    rows.
    """

    def __init__(self, guard: Guard, module: Any) -> None:
        super().__init__()
        demand_expressible(guard)
        self._guard, self._precision = guard, guard.model.precision
        self.module = module
        self._nodes = None if module is not None else model_program(guard.model, guard.domain).nodes
        try:
            self(torch.zeros(1, guard.domain.d, dtype=torch.float64))  # registers the constants
        except Unsupported as error:
            raise BadInput(f"a module cannot hold the model: {error}") from None
        self._demand_same()

    def forward(self, x: Any) -> tuple[Any, Any]:
        """Values ``(n, m)``, NaN where the model is not trusted, and whether it is, truth values ``(n,)``.

        Args:
            x: points ``(n, d)``.
        """
        on = TorchBackend(self._constants(), torch.float64)
        parts = fused(self._guard, on, x.double(), self._model)
        return parts.y, parts.accept[:, 0]

    def _model(self, x: Any) -> Any:
        dtype = getattr(torch, self._precision)
        if self._nodes is not None:
            inner = TorchBackend(self._constants("model"), dtype)
            return run_program(self._nodes, inner, x.to(dtype)).double()
        y = self.module(x.to(dtype))
        return (y[:, None] if y.ndim == 1 else y).double()

    def _constants(self, start: str = "guard") -> Callable[[Any], Any]:
        """The buffers in their order; those that do not exist yet are made."""
        numbers = count()

        def held(value: Any) -> Any:
            name = f"{start}_{next(numbers)}"
            if not hasattr(self, name):
                self.register_buffer(name, torch.from_numpy(np.array(value)))
            tensor = getattr(self, name)
            if tensor.dtype not in (torch.float64, torch.int64):
                raise BadInput(
                    f"the guard was converted to {tensor.dtype}: its cuts hold in double precision; convert the module "
                    "first, and make the guard for the converted one"
                )
            return tensor

        return held

    def _demand_same(self) -> None:
        """Compare with the values by which the guard knows its model.

        Raises:
            BadInput: when they differ.
        """
        x, y = (np.array(self._guard.record.probe[name], dtype=np.float64) for name in ("x", "y"))
        if not len(x):
            return
        with torch.no_grad():
            value = np.nan_to_num(self._model(torch.from_numpy(x)).numpy())
        near = SAME.get(self._precision, 1e-3)
        if value.shape != y.shape or not np.allclose(
            value, y, rtol=near, atol=near * float(np.abs(y).max(initial=0.0))
        ):
            raise BadInput(
                "the guard is one of another model: the module gives other values; make a guard for this module"
            )


def guarded_module(guard: Guard, module: Any = None) -> GuardedModule:
    """A torch module that gives ``(y, accept)``: ``y`` is NaN where ``accept`` is false. It never calls the reference.

    Args:
        guard: of `supnorm.guard`.
        module: the torch module that the guard was made for; by default the one inside the guard, or, for a model of another
            kind, its operations.

    Raises:
        BadInput: for what a module cannot hold, by its name, and for a module with other values than the guard's model.
    """
    if (
        module is None
        and isinstance(guard.model.value, Coded)
        and isinstance(guard.model.value.code, torch.nn.Module)
    ):
        module = guard.model.value.code
    return GuardedModule(guard, module)

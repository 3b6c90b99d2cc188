"""Torch modules as models that a repair can train further, by the same optimisers as networks of supnorm.

A copy of the module in double precision is trained; its parameters then go back into a copy in the module's own
precision, which is what runs, what the searches judge and what is saved. The module itself never changes.
"""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.mending.torch_batches import trained_on_batches
from supnorm.mending.tunable import Tunable, optimiser_for
from supnorm.problem import Function
from supnorm.problem.coded import Coded
from supnorm.results import BadInput, write_whole
from supnorm.sources import from_torch
from supnorm.sources.torch import dtype_of
from supnorm.training.levenberg_marquardt import LevenbergMarquardt
from supnorm.training.optimiser import FunctionLoss
from supnorm.training.quasi_newton import QuasiNewton

Array = NDArray[np.float64]
# Weights above which a module is trained on batches, in its own precision. A step on 50,000 samples takes the 485,201
# weights of examples/heston 3 s, one on a batch 0.03 s.
MANY = 20_000


@dataclass(frozen=True, eq=False)
class TunableModule(Tunable):
    """A torch module whose floating-point parameters are trained.

    Attributes:
        module: the module, in its own precision and mode.
        inputs: number of inputs.
        name: its name in messages.
    """

    module: Any
    inputs: int
    name: str = ""

    @property
    def size(self) -> int:
        """Number of parameters that have gradients."""
        return sum(p.numel() for p in _trained(self.module))

    def value(self, x: Array) -> Array:
        """Values at ``x (n, d)``, as the module runs."""
        return self.as_function().value(x)

    def as_function(self) -> Function:
        """The module as a `Function`."""
        return from_torch(self.module, name=self.name)

    def tuned(self, x: Array, y: Array, limit: Limit) -> TunableModule:
        """A copy of the module after further training.

        Raises:
            BadInput: when no parameter of the module has gradients.
        """
        import torch

        if not self.size:
            raise BadInput(f"{self.name}: no parameter of the module is trained (requires_grad)")
        # A gradient method needs about four steps for one of Levenberg-Marquardt (`price`).
        steps = limit.upto(LevenbergMarquardt.price * limit.evaluations)
        if self.size > MANY:
            return replace(
                self, module=_with_weights(self.module, trained_on_batches(self.module, x, y, steps))
            )
        double = copy.deepcopy(self.module).double()
        parameters = _trained(double)
        start = torch.nn.utils.parameters_to_vector(parameters).detach().numpy().copy()
        scale = np.maximum(y.std(axis=0), 1e-300) if len(y) > 1 else np.ones(y.shape[1])
        points, labels = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(np.ascontiguousarray(y))
        weights = torch.from_numpy(1.0 / np.where(scale > 0, scale, 1.0))

        def value_and_grad(theta: Array) -> tuple[float, Array]:
            torch.nn.utils.vector_to_parameters(torch.from_numpy(theta.copy()), parameters)
            found = double(points)
            gap = ((found[:, None] if found.ndim == 1 else found) - labels) * weights
            loss = (gap * gap).mean()
            slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
            flat = [
                (torch.zeros_like(p) if g is None else g).reshape(-1)
                for p, g in zip(parameters, slopes, strict=True)
            ]
            return float(loss.detach()), torch.cat(flat).detach().numpy().copy()

        chosen = optimiser_for(self.size, y.size)
        if isinstance(chosen, LevenbergMarquardt):
            chosen = QuasiNewton()  # the Jacobian of a module would take a backward pass for each sample
        theta = chosen.minimise(FunctionLoss(value_and_grad), start, steps).theta
        torch.nn.utils.vector_to_parameters(torch.from_numpy(theta), parameters)
        return replace(self, module=_with_weights(self.module, double))

    @property
    def saved(self) -> TunableModule:
        """The module itself: `save_in` writes it."""
        return self

    def save_in(self, folder: Path) -> tuple[str, ...]:
        """Write ``state_dict.pt`` and, where torch can export the module, ``model.pt2``; the names of the files.

        ``module.load_state_dict(torch.load("state_dict.pt", weights_only=True))`` puts the parameters into a module of the
        same class. A problem file takes ``model.pt2``.
        """
        import torch

        buffer = io.BytesIO()
        torch.save(self.module.state_dict(), buffer)
        write_whole(folder / "state_dict.pt", buffer.getvalue())
        archive = io.BytesIO()
        try:
            points = torch.zeros((2, self.inputs), dtype=getattr(torch, dtype_of(self.module)))
            rows = torch.export.Dim("rows")
            exported = torch.export.export(self.module, (points,), dynamic_shapes=({0: rows},))
            torch.export.save(exported, archive)
        except Exception:  # whatever torch cannot trace: the parameters are saved all the same
            return ("state_dict.pt",)
        write_whole(folder / "model.pt2", archive.getvalue())
        return ("state_dict.pt", "model.pt2")


def module_behind(function: Function) -> Any:
    """The torch module whose values a function has; None if there is none."""
    value = function.value
    if not (isinstance(value, Coded) and value.kind == "torch"):
        return None
    import torch

    return value.code if isinstance(value.code, torch.nn.Module) else None


def _with_weights(module: Any, trained: Any) -> Any:
    """A copy of a module, in its own precision, with the weights of a trained one."""
    import torch

    mended = copy.deepcopy(module)
    with torch.no_grad():
        for old, new in zip(_trained(mended), _trained(trained), strict=True):
            old.copy_(new)
    return mended


def _trained(module: Any) -> list[Any]:
    return [p for p in module.parameters() if p.requires_grad and p.is_floating_point()]

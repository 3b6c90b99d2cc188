"""What an optimiser is and what it asks of a loss: any optimiser takes any loss, ``minimise(loss, theta, limit)``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.results import BadInput
from supnorm.training.stopping import Minimum

Array = NDArray[np.float64]
ValueAndGrad = Callable[[Array], tuple[float, Array]]
ResidualJacobian = Callable[[Array], tuple[Array, Array]]


class Loss(Protocol):
    """A function of parameters ``theta (p,)``; each optimiser uses some of its members."""

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes of the matrices and vectors of which the parameters consist, in order; empty for one vector."""
        ...

    def value_and_grad(self, theta: Array) -> tuple[float, Array]:
        """Loss and gradient, shape ``(p,)``."""
        ...

    def on_batches(self, batch: int) -> ValueAndGrad:
        """``value_and_grad`` on ``batch`` rows that are drawn at random in every call."""
        ...

    def residual(self, theta: Array) -> Array:
        """Residuals ``(n,)``, whose mean square is the loss."""
        ...

    def residual_jacobian(self, theta: Array) -> tuple[Array, Array]:
        """Residuals ``(n,)`` and their Jacobian ``(n, p)``."""
        ...


class Optimiser(Protocol):
    """An optimiser: a frozen dataclass of options.

    Attributes:
        price: about how many steps of a gradient method one of its steps costs.
        scheduled: its rate falls over the iterations of the limit, so their number must be meant.
    """

    price: ClassVar[int] = 1
    scheduled: ClassVar[bool] = False

    def minimise(self, loss: Loss, theta: Array, limit: Limit | None = None, target: float = 0.0) -> Minimum:
        """Minimise from ``theta``, shape ``(p,)``, until the loss is at most ``target``."""
        ...


def _missing(theta: Array) -> tuple[Array, Array]:
    raise BadInput("the loss has no residuals: minimise it with QuasiNewton() or LBFGS()")


@dataclass(frozen=True, eq=False)
class FunctionLoss:
    """A loss from a function of the parameters, or from residuals and their Jacobian.

    >>> FunctionLoss(lambda theta: (float(theta @ theta), 2.0 * theta)).value_and_grad(np.ones(2))
    (2.0, array([2., 2.]))
    """

    value_and_grad: ValueAndGrad
    residual_jacobian: ResidualJacobian = _missing
    shapes: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of_residuals(cls, residual_jacobian: ResidualJacobian) -> FunctionLoss:
        """The mean square of residuals ``(n,)``, given with their Jacobian ``(n, p)``."""

        def value_and_grad(theta: Array) -> tuple[float, Array]:
            r, jacobian = residual_jacobian(theta)
            return float(r @ r) / len(r), 2.0 / len(r) * (r @ jacobian)

        return cls(value_and_grad, residual_jacobian)

    def on_batches(self, batch: int) -> ValueAndGrad:
        """The function itself, because it has no rows."""
        return self.value_and_grad

    def residual(self, theta: Array) -> Array:
        """Residuals ``(n,)``."""
        return self.residual_jacobian(theta)[0]

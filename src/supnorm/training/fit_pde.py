"""The verb for equations: a network that solves a partial differential equation, with its residual audited.

    loss = mean (residual / scale)^2 over the box + weight * mean (u - boundary)^2 over the faces

The same second-order optimisers as everywhere minimise it (a physics-informed network; Raissi, Perdikaris &
Karniadakis 2019; with self-scaled Broyden as Urban, Stefanou & Pons, arXiv 2405.04230). An audit with another seed
searches for the largest residual, and the result reports it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport
from supnorm.evaluation.limit import Limit
from supnorm.evaluation.threads import one_thread
from supnorm.interrupts import INTERRUPTS
from supnorm.networks import Network, Scaling, double_precision
from supnorm.networks.blocks import in_blocks
from supnorm.problem import Domain, Function, Problem
from supnorm.problem.equations import Equation as Stated
from supnorm.problem.sobol import sobol
from supnorm.results import BadInput
from supnorm.results.numbers import literal
from supnorm.results.option import demand_seconds, demand_seed
from supnorm.training.assessment import FRESH, audit_model
from supnorm.training.equations import Equation
from supnorm.training.optimiser import Optimiser, ValueAndGrad
from supnorm.training.quasi_newton import QuasiNewton
from supnorm.training.stopping import Minimum

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PdeResult:
    """A solved equation.

    Attributes:
        network: the solution.
        minimum: how the training ended.
        residual: audit of the residual against zero: the largest one found, and the root mean square.
        boundary_misfit: largest |u - boundary| at fresh points of the prescribed faces.
        error_if: largest error of the solution *if* residual and misfit are nowhere larger than those that were found;
            None if the equation has no known stability constant.
        seconds: wall-clock time.
    """

    network: Network
    minimum: Minimum
    residual: AuditReport
    boundary_misfit: float
    error_if: float | None
    seconds: float

    def __repr__(self) -> str:
        """One line; the network has thousands of numbers."""
        worst = self.residual.worst
        return (
            f"PdeResult(residual={literal(0.0 if worst is None else worst.error)}, "
            f"boundary_misfit={literal(self.boundary_misfit)}, error_if={self.error_if})"
        )

    @property
    def model(self) -> Function:
        """The solution as a `Function`."""
        return self.network.as_function()


class ResidualLoss:
    """Residuals of an equation and its boundary values as a least-squares loss of the parameters."""

    def __init__(
        self, network: Network, equation: Equation, inside: Array, faces: Array, weight: float
    ) -> None:
        import jax
        import jax.numpy as jnp

        def solution(theta: Any) -> Any:
            return lambda x: network.jax_apply(x[None], theta)[0, 0]

        def interior(theta: Any, x: Any) -> Any:
            return equation.residual(solution(theta), x)

        def misfit(theta: Any, x: Any) -> Any:
            return solution(theta)(x) - equation.boundary(x)

        count = len(inside) + len(faces)
        with double_precision():
            zero = np.asarray(jax.vmap(interior, (None, 0))(0.0 * network.flat, jnp.asarray(inside)))
        scale = max(float(np.sqrt(np.mean(zero**2))), 1.0)
        a, b = np.sqrt(count / len(inside)) / scale, np.sqrt(weight * count / len(faces))

        def residual(theta: Any) -> Any:
            parts = jax.vmap(interior, (None, 0))(theta, inside), jax.vmap(misfit, (None, 0))(theta, faces)
            return jnp.concatenate([a * parts[0], b * parts[1]])

        def jacobian(theta: Any) -> Any:
            rows = [jax.vmap(jax.grad(part), (None, 0)) for part in (interior, misfit)]
            return jnp.concatenate([a * rows[0](theta, inside), b * rows[1](theta, faces)])

        self.shapes = ()
        self._residual = jax.jit(residual)
        self._value_and_grad = jax.jit(jax.value_and_grad(lambda theta: jnp.mean(residual(theta) ** 2)))
        self._jacobian = jax.jit(jacobian)

    def value_and_grad(self, theta: Array) -> tuple[float, Array]:
        """Loss and gradient."""
        with double_precision():
            loss, gradient = self._value_and_grad(theta)
            return float(loss), np.asarray(gradient)

    def on_batches(self, batch: int) -> ValueAndGrad:
        """Refuse batches, because the points are few."""
        raise BadInput("fit_pde trains on all of its points: choose an optimiser without batches")

    def residual(self, theta: Array) -> Array:
        """Weighted residuals."""
        with double_precision():
            r: Array = np.asarray(self._residual(theta))
        return r

    def residual_jacobian(self, theta: Array) -> tuple[Array, Array]:
        """Weighted residuals and their Jacobian."""
        with double_precision():
            return self.residual(theta), np.asarray(self._jacobian(theta))


@one_thread()
def fit_pde(
    equation: Equation,
    *,
    width: int = 20,
    depth: int = 2,
    activation: str = "tanh",
    optimiser: Optimiser | None = None,
    iterations: int = 2000,
    seconds: float | None = None,
    points: int = 800,
    boundary_points: int = 200,
    boundary_weight: float = 100.0,
    audit_evaluations: int = 4000,
    seed: int = 0,
) -> PdeResult:
    """Solve an equation of `supnorm.training.equations` by a network.

    Args:
        equation: `Poisson`, `Helmholtz`, `Heat`, `Burgers`, an object of the same form, or ``General.of(equation, domain)``
            with an equation of `supnorm.equations`.
        width, depth, activation: of the network; the activation must be smooth.
        optimiser: self-scaled Broyden by default.
        iterations, seconds: limits of the training.
        points, boundary_points: collocation points in the box and on the prescribed faces.
        boundary_weight: weight of the boundary values relative to the residual.
        audit_evaluations: evaluations of the search for the worst residual.
        seed: seed of all random numbers.

    Raises:
        BadInput: for a ReLU network (its second derivatives vanish), or a domain that is not a plain box.
        KeyboardInterrupt: at Ctrl-C, also in the audit: a result would state the residual of a search that was cut short.

    >>> import jax.numpy as jnp
    >>> from supnorm.training.equations import Poisson
    >>> wave = Poisson(Domain(x=(0.0, 1.0)), lambda x: jnp.pi**2 * jnp.sin(jnp.pi * x[0]), lambda x: 0.0)
    >>> result = fit_pde(wave, width=8, iterations=150, points=60, boundary_points=2, audit_evaluations=500)
    >>> bool(abs(result.model([[0.5]])[0, 0] - 1.0) < 1e-3)
    True
    """
    start = time.perf_counter()
    demand_seconds(seconds)
    seed = demand_seed(seed)
    if isinstance(equation, Stated):
        raise BadInput(f"fit_pde needs the domain of {equation!r}: fit_pde(General.of(equation, domain))")
    domain = equation.domain
    _require_plain(domain, activation)
    rng = np.random.default_rng([seed, 6])
    inside, faces = collocation(equation, points, boundary_points, rng)
    scaling = Scaling.of_domain(domain, np.array([[-1.0], [1.0]]))
    network = Network.init(rng, domain.d, 1, width, depth, activation, scaling=scaling, inputs=domain.names)
    loss = ResidualLoss(network, equation, inside, faces, boundary_weight)
    chosen = optimiser or QuasiNewton()
    minimum = chosen.minimise(loss, network.flat, Limit.of(seconds, iterations))
    solved = network.with_flat(minimum.theta)
    zero = Function(lambda x: np.zeros((len(x), 1)), name="zero")
    with (
        INTERRUPTS.handed_on()
    ):  # the largest residual that a part of a search has seen is none of a solution
        report = audit_model(
            Problem(None, zero, domain), residual_of(solved, equation), audit_evaluations, seed + FRESH
        )
    _, fresh = collocation(equation, 1, 10 * boundary_points, np.random.default_rng([seed + FRESH, 6]))
    misfit = float(np.abs(solved.value(fresh)[:, 0] - _boundary(equation, fresh)).max())
    worst = report.worst.error if report.worst is not None else np.inf
    error_if = None if equation.stability is None else misfit + equation.stability * worst
    return PdeResult(solved, minimum, report, misfit, error_if, time.perf_counter() - start)


def collocation(equation: Equation, inside: int, faces: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Sobol points in the box, and random points with the same number on each prescribed face."""
    domain = equation.domain
    points = sobol(domain.d, rng).random_base2(max(int(np.ceil(np.log2(max(inside, 2)))), 1))[:inside]
    share = max(faces // len(equation.faces), 1)
    parts = []
    for axis, upper in equation.faces:
        u = rng.random((share, domain.d))
        u[:, axis] = float(upper)
        parts.append(u)
    return domain.from_unit(points), domain.from_unit(np.concatenate(parts))


def residual_of(network: Network, equation: Equation) -> Function:
    """The residual of a network as a `Function` of the domain."""
    import jax

    at_points = jax.jit(
        jax.vmap(lambda x: equation.residual(lambda y: network.jax_apply(y[None])[0, 0], x)[None])
    )

    def block(rows: Array) -> Array:
        with double_precision():
            return np.asarray(at_points(rows), dtype=np.float64)

    def value(x: Array) -> Array:
        return in_blocks(block, x, 1)  # one shape: compiled once, and a point has one value

    return Function(value, inputs=equation.domain.names, name="residual")


def _boundary(equation: Equation, x: Array) -> Array:
    import jax
    import jax.numpy as jnp

    with double_precision():
        values = jax.vmap(lambda p: jnp.asarray(equation.boundary(p), dtype=float))(jnp.asarray(x))
        return np.asarray(values, dtype=np.float64)


def _require_plain(domain: Domain, activation: str) -> None:
    if activation == "relu":
        raise BadInput("a ReLU network has no second derivatives; use a smooth activation such as tanh")
    odd = [n for n, a in zip(domain.names, domain.axes, strict=True) if a.log or a.values is not None]
    if odd or domain.constraints or domain.cloud is not None:
        raise BadInput(
            f"fit_pde needs a box of continuous linear axes, got {', '.join(odd) or 'constraints'}"
        )

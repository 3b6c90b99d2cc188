"""The worst initial state as a problem of an audit: inputs are parameters of the state, outputs the fields at a lead time.

In predictability research the perturbation of an analysis, bounded in a norm, that grows most by a lead time is the
conditional nonlinear optimal perturbation (Mu, Duan, Wang 2003, doi:10.5194/npg-10-493-2003); here it is the one for which
the model is furthest from the reference. What the audit finds is a lower bound with the initial state as its witness.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.rollout_runs import Stepper
from supnorm.fields.rollout_settings import RolloutSettings, Stepped
from supnorm.fields.rollout_state import Observed
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.results import BadInput
from supnorm.results.option import Allowed, demand_allowed
from supnorm.sources import from_jax, from_torch

Array = NDArray[np.float64]
LIBRARIES = ("numpy", "jax", "torch")
NORMS = ("max", "rms")
MEMORY = 256 * 2**20  # bytes that the states of all steps of one gradient may take


def rollout_problem(
    step: Stepper,
    reference_step: Stepper,
    initial: Callable[[Any], Any],
    domain: Domain,
    *,
    steps: int,
    observe: Callable[[Any], Any] | None = None,
    variables: Sequence[str] = (),
    norm: str = "max",
    library: str = "numpy",
    tolerance: float | None = None,
    settings: RolloutSettings | None = None,
) -> Problem:
    """The problem whose largest error is that of the worst initial state at a lead time: give it to `supnorm.audit`.

    Args:
        step, reference_step: as of `audit_rollout`.
        initial: ``initial(x)`` makes a state from parameters ``x`` of shape ``(d,)``: `initial_ball` makes such functions.
        domain: the parameters.
        steps: the lead time; the fields after so many steps are compared.
        observe, variables: as of `audit_rollout`.
        norm: ``"max"``: the largest error of a cell; ``"rms"``: the root mean square error of all of them.
        library: that in which steppers and ``initial`` are written. ``"jax"`` and ``"torch"`` give the audit gradients: it
            follows the error through all steps.
        tolerance: largest error allowed.
        settings: ``numbered`` and ``axes`` count.

    Raises:
        BadInput: for another norm or library, or steps that cannot be taken.

    >>> import supnorm as sn
    >>> wave = lambda x: np.sin(x[0] * np.arange(4.0))
    >>> problem = rollout_problem(
    ...     lambda u: 1.1 * u, lambda u: u, wave, Domain(k=(0.0, 1.6)), steps=2
    ... )
    >>> report = sn.audit(problem, evaluations=300)
    >>> round(report.worst.error, 4)
    0.21
    """
    demand_allowed("steps", steps, Allowed(low=1, high=10**9, whole=True))
    for name, value, known in (("norm", norm, NORMS), ("library", library, LIBRARIES)):
        if value not in known:
            raise BadInput(f"{name} must be one of {', '.join(known)}, got {value!r}")
    settings = settings or RolloutSettings()
    observed = Observed(observe, tuple(variables))
    middle = domain.from_unit(np.full((1, domain.d), 0.5))[0]
    state = initial(_native(middle, library))
    fields = observed.fields(state)
    size = sum(values.size for values in fields.values())
    names = _names(fields, settings) if norm == "max" else ()
    made = {
        side: _function(
            _Rolled(stepper, initial, observed, int(steps), settings.numbered, library),
            library,
            side,
            names,
            size,
        )
        for side, stepper in (("model", step), ("reference", reference_step))
    }
    error = ErrorMeasure(tolerance=tolerance)
    if norm == "rms":
        error = ErrorMeasure("function", function=_root_mean_square, tolerance=tolerance)
    return Problem(made["model"], made["reference"], domain, error=error)


def _root_mean_square(model: Array, reference: Array, x: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(np.mean(np.square(model - reference), axis=1)))


def _names(fields: dict[str, Array], settings: RolloutSettings) -> tuple[str, ...]:
    """Names of all cells, such as ``theta z = 0.5, x = 2``."""
    names = []
    for name, values in fields.items():
        settings.demand_axes(name, values.shape)
        for index in np.ndindex(values.shape):
            at = ", ".join(f"{axis} = {value:g}" for axis, value in settings.at(index).items())
            names.append(f"{name} {at}" if at else name)
    return tuple(names)


def _native(x: Any, library: str) -> Any:
    """Parameters as an array of the library."""
    if library == "jax":
        import jax.numpy as jnp

        return jnp.asarray(x)
    if library == "torch":
        import torch

        return torch.as_tensor(np.asarray(x))
    return np.array(x, dtype=float)


class _Rolled:
    """From parameters to the fields after so many steps, one point at a time."""

    def __init__(
        self,
        step: Stepper,
        initial: Callable[[Any], Any],
        observed: Observed,
        steps: int,
        numbered: bool,
        library: str,
    ) -> None:
        self.step, self.initial, self.observed = step, initial, observed
        self.steps, self.numbered, self.library = steps, numbered, library
        self.__name__ = getattr(step, "__name__", "stepper")

    def after(self, k: Any, state: Any) -> Any:
        """The state after step ``k``."""
        made = self.step(state, k) if self.numbered else self.step(state)
        return made.state if isinstance(made, Stepped) else made

    def state(self, x: Any) -> Any:
        """The state after all steps."""
        state = self.initial(x)
        if self.library == "jax":
            import jax

            return jax.lax.fori_loop(0, self.steps, self.after, state)
        for k in range(self.steps):
            state = self.after(k, state)
        return state

    def fields(self, x: Any) -> Any:
        """Its fields in one row, in the library."""
        state = self.state(x)
        parts = state if self.observed.observe is None else self.observed.observe(state)
        named = isinstance(parts, dict)
        parts = [parts[name] for name in self.observed.names or parts] if named else [parts]
        if self.library == "jax":
            import jax.numpy as jnp

            return jnp.concatenate([jnp.ravel(part) for part in parts])
        if self.library == "torch":
            import torch

            return torch.cat([part.reshape(-1) for part in parts])
        return np.concatenate([np.ravel(np.asarray(part, dtype=float)) for part in parts])

    def rows(self, x: Any) -> Any:
        """The same of many points, (n, d) -> (n, cells)."""
        if self.library == "jax":
            import jax

            return jax.vmap(self.fields)(x)
        if self.library == "torch":
            import torch

            return torch.stack([self.fields(one) for one in x])
        return np.stack([self.fields(one) for one in x])


def _function(rolled: _Rolled, library: str, side: str, names: tuple[str, ...], size: int) -> Function:
    """A side of the problem."""
    name = f"{side} after {rolled.steps} steps"
    if library == "numpy":
        return Function(rolled.rows, outputs=names, name=name)
    rows = max(1, min(4096, MEMORY // (8 * max(size, 1) * rolled.steps)))
    made = (from_jax if library == "jax" else from_torch)(rolled.rows, name=name, rows=rows)
    return replace(made, outputs=names)


def initial_ball(
    analyses: Any,
    radius: float,
    *,
    patterns: Any = None,
    norm: str = "l2",
) -> tuple[Domain, Callable[[Any], Any]]:
    """Initial states within a ball around known ones, for `rollout_problem`.

    A state is ``analysis + radius * sum_k z_k patterns[k]`` with z in the unit ball. The parameters of the domain are the
    coordinates of a cube, which is mapped onto the ball along its radii: no point of the cube is outside of the ball, and
    every point of the ball is reached.

    Args:
        analyses: one state (an array), or a list of several, of which one is chosen by the axis ``analysis``.
        radius: of the ball.
        patterns: arrays of the shape of a state, shape ``(k, ...)``; the norm is that in which they are orthonormal. None:
            one for each cell, with a dimension each.
        norm: ``"l2"``: the sum of squares of z is at most 1; ``"max"``: each z lies between -1 and 1.

    Returns:
        the domain, and the function ``initial`` of its points; it is written for NumPy, JAX and torch.

    Raises:
        BadInput: for another norm, patterns of another shape, or a radius that is not positive.

    >>> domain, initial = initial_ball(np.zeros(3), 2.0)
    >>> domain.d, np.round(initial(np.array([1.0, 1.0, 0.0])), 4)
    (3, array([1.4142, 1.4142, 0.    ]))
    """
    demand_allowed("radius", radius, Allowed(above=0))
    if norm not in ("l2", "max"):
        raise BadInput(f"norm must be l2 or max, got {norm!r}")
    several = isinstance(analyses, list | tuple)
    states = [np.asarray(one, dtype=float) for one in (analyses if several else [analyses])]
    shape = states[0].shape
    if any(one.shape != shape for one in states):
        raise BadInput(
            f"analyses have different shapes: {', '.join(sorted({str(one.shape) for one in states}))}"
        )
    basis = (
        np.eye(states[0].size).reshape(-1, *shape) if patterns is None else np.asarray(patterns, dtype=float)
    )
    if basis.shape[1:] != shape:
        raise BadInput(f"patterns must have the shape (k, {', '.join(map(str, shape))}), got {basis.shape}")
    axes: dict[str, Axis | tuple[Any, ...]] = {f"z{k + 1}": (-1.0, 1.0) for k in range(len(basis))}
    if len(states) > 1:
        axes["analysis"] = Axis(values=tuple(float(k) for k in range(len(states))))
    stack, count = np.stack(states), len(basis)

    def initial(x: Any) -> Any:
        xp, arrays = _namespace(x, (stack, basis))
        z = x[:count]
        if norm == "l2":  # along the radius: the largest coordinate becomes the length
            z = z * (xp.max(xp.abs(z)) / xp.sqrt(xp.sum(z * z) + TINY))
        chosen = arrays[0][0] if len(states) == 1 else _chosen(xp, arrays[0], x[count])
        return chosen + radius * xp.tensordot(z, arrays[1], 1)

    return Domain.from_axes(axes), initial


TINY = 1e-300  # keeps 0 / 0 away at the centre, and is lost beside any other number


def _chosen(xp: Any, stack: Any, number: Any) -> Any:
    """One of several states; none of the libraries needs a whole number for that."""
    total = 0.0
    for k in range(len(stack)):
        total = total + stack[k] * xp.where(xp.abs(number - k) < 0.5, 1.0, 0.0)
    return total


def _namespace(x: Any, arrays: tuple[Array, ...]) -> tuple[Any, tuple[Any, ...]]:
    """The functions of the library of ``x``, and arrays of it."""
    if hasattr(x, "detach"):
        import torch

        return torch, tuple(torch.as_tensor(a, dtype=x.dtype) for a in arrays)
    if isinstance(x, np.ndarray):
        return np, arrays
    import jax.numpy as jnp

    return jnp, tuple(jnp.asarray(a, dtype=x.dtype) for a in arrays)

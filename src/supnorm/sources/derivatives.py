"""Errors of derivatives (W^{1,p} and W^{1,inf}): values and derivatives are audited or certified side by side.

`with_derivatives` turns a function with m outputs into one with m (1 + d): the values, then the derivatives with
respect to each input. A problem of two such functions is audited like any other. The maximum over its outputs is the
W^{1,inf} error, tolerances for single outputs weigh values against derivatives, and scaled errors make derivatives by
inputs with different units comparable.

Derivatives come from the function's own ``vjp``, or from its program if its code can be read. Otherwise they are central
differences, whose relative step the user must declare. Their error is about step^2 f''' / 6 + eps |f| / step, which hides
smaller errors of derivatives. On a logarithmic axis the step is one of the logarithm. Near an end of an axis, a
constraint or the edge of data the difference is one-sided, because the function is never called outside the domain.
A certificate needs exact derivatives, which JAX takes from the program; code with its own derivative rules is not
certified. There is no derivative by an input with a list of values: it counts as 0 on both sides, and the functions are
not called between the values.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain, Function, as_function
from supnorm.problem.coded import Coded
from supnorm.program import Unsupported, program_of
from supnorm.program.rows import ROWS
from supnorm.program.to_jax import to_jax
from supnorm.results import BadInput
from supnorm.sources.custom_rules import custom_rule

Array = NDArray[np.float64]


def with_derivatives(
    function: Function | Callable[..., object], domain: Domain, *, step: float | None = None
) -> Function:
    """A function whose outputs are the values and first derivatives of another one, in the units of its inputs.

    Args:
        function: a function with m outputs.
        domain: its inputs; differences stay inside the domain.
        step: step of central differences, as a share of each axis (on a logarithmic axis of the range of the logarithm);
            needed if there is no derivative and the function's code cannot be read.

    Returns:
        A function with outputs ``y_1..y_m, dy_1/dx_1 .. dy_m/dx_1, .., dy_m/dx_d``; derivatives by discrete inputs are
        0. A declaration about the values (`with_bound`) is dropped, because it says nothing about the derivatives.

    Raises:
        BadInput: when there is neither a derivative nor a step.

    >>> domain = Domain(x=(0.0, 2.0))
    >>> square = with_derivatives(lambda x: x[:, 0] ** 2, domain, step=1e-4)
    >>> square.value(np.array([[1.5]])).round(6).tolist()
    [[2.25, 3.0]]
    """
    plain = given = as_function(function, "function")
    if plain.vjp is None and step is None:
        plain = _read(plain, domain.d)
    if plain.vjp is None and step is None:
        raise BadInput(
            f"{plain.name or 'the function'} has no derivative: declare the step of finite differences, "
            "with_derivatives(f, domain, step=1e-4), or give a JAX or torch function"
        )
    if step is not None and not 0 < step < 0.1:
        raise BadInput(f"step is a share of each axis between 0 and 0.1, got {step}")

    def value(x: Array) -> Array:
        return _exact(plain, domain, x) if step is None else _differences(plain, domain, x, step)

    code = value if step is not None else functools.partial(_traced, plain, domain)
    shown = plain.value.shown if isinstance(plain.value, Coded) else []
    names = plain.outputs or ()
    slopes = tuple(f"d{y}/d{x}" for x in domain.names for y in names)
    note: tuple[str, ...] = (
        () if step is None else (f"derivatives by central differences, step {step:g} of each axis",)
    )
    discrete = [name for name, a in zip(domain.names, domain.axes, strict=True) if a.values is not None]
    if discrete:
        note += (f"no derivative with respect to {', '.join(discrete)}: only listed values exist",)
    return replace(
        plain,
        value=Coded(value, code, shown=shown, derivatives=step or True, made_of=given),
        outputs=(*names, *slopes),
        output_units=(),
        vjp=None,
        program=None,
        remake=None if plain.remake is None else functools.partial(_again, plain.remake, domain, step),
        parallel=plain.parallel if plain.remake is not None else "none",
        declared=None,
        notes=(*plain.notes, *note),
    )


def _again(remake: Callable[[], Function], domain: Domain, step: float | None) -> Function:
    return with_derivatives(remake(), domain, step=step)


def _read(function: Function, d: int) -> Function:
    """The function with the derivative of its program, if its code can be read."""
    try:
        return replace(function, vjp=program_of(function, d).vjp)
    except Unsupported:
        return function


def _continuous(domain: Domain) -> NDArray[np.bool_]:
    """Whether there is a derivative by each input, as booleans of shape ``(d,)``."""
    return np.array([axis.values is None for axis in domain.axes])


def _traced(function: Function, domain: Domain, x: Any) -> Any:
    """Values and derivatives in JAX, from the function's program; this is the code that a certificate reads."""
    import jax
    import jax.numpy as jnp

    rule = custom_rule(function, domain.d)
    if rule is not None:
        raise Unsupported(
            f"derivatives by {rule}, whose rule may be any function", "the same without a rule of its own"
        )
    program = to_jax(program_of(function, domain.d))

    def of_one(point: Any) -> Any:
        slopes = jax.jacfwd(program)(point) * _continuous(domain)
        return jnp.concatenate([program(point), slopes.T.reshape(-1)])

    if len(x) > ROWS:  # it is read for fewer; one by one, tracing hundreds of points takes half a minute
        return jax.vmap(of_one)(x)
    rows = [of_one(point)[None] for point in x]
    return rows[0] if len(rows) == 1 else jnp.concatenate(rows)


def _exact(function: Function, domain: Domain, x: Array) -> Array:
    assert function.vjp is not None
    y, pull = function.vjp(x)
    y, m = y.copy(), y.shape[1]
    slopes = np.stack([pull(np.tile(np.eye(m)[j], (len(x), 1))).copy() for j in range(m)], axis=2)
    slopes[:, ~_continuous(domain)] = 0.0
    return np.concatenate([y, slopes.reshape(len(x), -1)], axis=1)


def _differences(function: Function, domain: Domain, x: Array, step: float) -> Array:
    parts = [function.value(x).copy()]  # the function may fill its array again at the next call
    for i, axis in enumerate(domain.axes):
        if axis.values is not None:
            parts.append(np.zeros_like(parts[0]))
            continue
        right, left = x.copy(), x.copy()
        if axis.log:  # a share of the range would span decades at the lower end; df/dx = (df/dlog x) / x
            ratio = (axis.high / axis.low) ** step
            right[:, i] = np.minimum(x[:, i] * ratio, axis.high)
            left[:, i] = np.maximum(x[:, i] / ratio, axis.low)
        else:
            h = step * (axis.high - axis.low)
            right[:, i] = np.minimum(x[:, i] + h, axis.high)
            left[:, i] = np.maximum(x[:, i] - h, axis.low)
        if domain.constraints or domain.cloud is not None:
            for side in (right, left):
                gone = ~domain.contains(side)
                side[gone] = x[gone]
        with np.errstate(divide="ignore", invalid="ignore"):  # without any neighbour there is no value
            width = x[:, i] * np.log(right[:, i] / left[:, i]) if axis.log else right[:, i] - left[:, i]
            parts.append((function.value(right).copy() - function.value(left)) / width[:, None])
    return np.concatenate(parts, axis=1)

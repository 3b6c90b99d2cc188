"""Random equations with manufactured solutions against `solution_error`: is the true error of a network inside its bracket?

The solution is a random sum of products; faces have values, Neumann or Robin conditions, or the first axis is periodic;
source and data follow from it by automatic differentiation, so the true error of any model is known at points. The model
is the solution plus a random function, or a random small network that has nothing to do with it; the residual is that of
a computed solution or of the model itself. The checker must accept each file whose forecast is at most `SECONDS`. Of a
million points those where float64 sees the largest errors, some others and the witness are evaluated by mpmath: a bracket
that does not hold one of them is false.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.soundness.extreme import exact as value_of
from benchmarks.soundness.judging import Judged, checked, judged_by, refuted
from benchmarks.soundness.million import worst
from supnorm import Domain, Function, solution_error
from supnorm.problem.equations import Equation, Flux
from supnorm.program import Program, lower_jaxpr, to_jax
from supnorm.program.derived import derivative
from supnorm.results import BadInput

EXACT, BLIND, DIGITS = 6, 4, 40
BOXES = 400  # of all parts together
PERIODIC = 0.3  # share of the problems whose first axis is periodic
SECONDS = 2.0  # what a check may take by its forecast
Code = Callable[[Any], Any]


def _solution(rng: np.random.Generator, d: int) -> Code:
    """A random smooth function."""
    kinds = rng.integers(0, 3, 3)
    weights, phases, sizes = rng.normal(size=(3, d)), rng.uniform(-2.0, 2.0, 3), rng.normal(size=3)
    functions = (jnp.sin, lambda z: jnp.exp(0.5 * z), jnp.tanh)

    def code(x: Any) -> Any:
        terms = [
            s * functions[k](x @ w + p) for k, w, p, s in zip(kinds, weights, phases, sizes, strict=True)
        ]
        return terms[0] + terms[1] + terms[2]

    return code


def _around(code: Code, domain: Domain, rng: np.random.Generator) -> Code:
    """The same function of a wave along the first axis, which makes it periodic there."""
    low, high = domain.axes[0].low, domain.axes[0].high
    start = float(rng.uniform(0.0, 1.0))

    def around(x: Any) -> Any:
        turn = 2.0 * jnp.pi * ((x[:, :1] - low) / (high - low) + start)
        return code(jnp.concatenate([0.5 * jnp.sin(turn), x[:, 1:]], axis=1))

    return around


def _equation(rng: np.random.Generator, domain: Domain, exact: Program, around: bool) -> Equation:
    """A random equation that a given function solves."""
    d, timed = domain.d, domain.names[-1] == "t"
    space = d - timed
    D = float(10.0 ** rng.uniform(-1.5, 0.5))
    kind = rng.choice(
        ["plain", "moved", "reaction", "self"] if timed and space == 1 else ["plain", "moved", "reaction"]
    )
    slope = rng.normal(size=d)
    velocity: tuple[Any, ...] = (0.0,) * space
    reaction: Any = 0.0
    if kind == "moved":
        velocity = tuple(
            float(rng.normal()) if rng.random() < 0.5 else (lambda x, i=i: jnp.sin(slope[i] * x[:, i]))
            for i in range(space)
        )
    if kind == "reaction":
        reaction = float(rng.normal()) if rng.random() < 0.5 else (lambda x: jnp.cos(x @ slope) + 0.3)
    if kind == "self":
        velocity = ("u",)
    u = to_jax(exact)
    first = [to_jax(derivative(exact, i)) for i in range(d)]
    second = [to_jax(derivative(derivative(exact, i), i)) for i in range(space)]

    def source(x: Any) -> Any:
        z = x[0]
        total = first[-1](z)[0] if timed else 0.0
        for i in range(space):
            b = velocity[i]
            moved = u(z)[0] if b == "u" else b(x)[0] if callable(b) else b
            total = total - D * second[i](z)[0] + moved * first[i](z)[0]
        return (total + (reaction(x)[0] if callable(reaction) else reaction) * u(z)[0])[None]

    def boundary(x: Any) -> Any:
        return u(x[0])

    return Equation(
        kind=str(kind),
        sides=_sides(rng, domain, space, u, first) | ({domain.names[0]: "periodic"} if around else {}),
        diffusivity=D,
        velocity=velocity,
        reaction=reaction,
        source=_function(source, d),
        boundary=_function(boundary, d),
        time="t" if timed else None,
    )


def _sides(
    rng: np.random.Generator, domain: Domain, space: int, u: Code, first: list[Code]
) -> dict[str, tuple[Flux | None, Flux | None]]:
    """Random conditions on the faces: in half of the problems values on all of them, else Neumann and Robin too."""
    if rng.random() < 0.5:
        return {}
    made = {}
    for i in range(space):
        ends: list[Flux | None] = []
        for outward in (-1.0, 1.0):
            alpha = 0.0 if rng.random() < 0.5 else float(10.0 ** rng.uniform(-1.0, 1.0))

            def value(x: Any, i: int = i, outward: float = outward, alpha: float = alpha) -> Any:
                return outward * first[i](x[0]) + alpha * u(x[0])

            given = rng.random() < 0.4
            ends.append(None if given else Flux(alpha, _function(value, domain.d)))
        made[domain.names[i]] = (ends[0], ends[1])
    return made


def _function(code: Code, d: int) -> Function:
    program = lower_jaxpr(code, d, batch=False)  # the code takes one point
    return Function(program.value, program=program)


def judged(number: int, seed: int, path: Path) -> Judged:
    """One problem: its bracket beside errors at points, and what the checker says of its file."""
    rng = np.random.default_rng([seed, number])
    names = [("x",), ("x", "y"), ("x", "t"), ("x", "y")][number % 4]
    low = rng.uniform(-1.0, 1.0, len(names))
    domain = Domain(
        **{n: (float(a), float(a + w)) for n, a, w in zip(names, low, rng.uniform(0.3, 1.5, 3), strict=False)}
    )
    code = _solution(rng, domain.d)
    around = np.random.default_rng([seed, number, 1]).random() < PERIODIC
    if around:
        code = _around(code, domain, rng)
    exact = lower_jaxpr(code, domain.d)
    equation = _equation(rng, domain, exact, around)
    bump, size = _solution(rng, domain.d), float(10.0 ** rng.uniform(-5, 0))
    near = rng.random() < 0.7
    model: Code = (lambda x: code(x) + size * bump(x)) if near else bump
    reference = "model" if rng.random() < 0.4 else None
    letters = "".join(
        "v" if e is None else "r" if e.coefficient else "n" for p in equation.pairs.values() for e in p
    )
    letters += "p" * len(equation.periodic)
    label = (
        f"{equation.kind} on {domain.names}, faces {letters or 'v'}, error {size:.1e}, reference {reference}"
    )
    try:
        result = solution_error(
            model, equation, domain, ratio=2.0, reference=reference, boxes=BOXES, seed=number
        )
    except BadInput as error:
        return Judged(
            number,
            f"refused, faces {'with fluxes or periodic' if letters else 'with values'}",
            f"{label}: {error}",
        )
    except Exception as error:
        return Judged(number, "CRASHED", f"{label}: {type(error).__name__}: {error}")
    read, held = lower_jaxpr(model, domain.d), result.record.witness
    x = worst(
        lambda n: domain.from_unit(_points(rng, domain.d, n)),
        lambda x: np.abs(read.value(x) - exact.value(x)).max(1),
        EXACT,
        BLIND,
    )
    false = refuted(
        (result.lower, result.upper),
        lambda p: abs(value_of(read, p) - value_of(exact, p)),
        x,
        None if held is None else np.array([held[n] for n in domain.names]),
        DIGITS,
    )
    if false:
        return Judged(number, "FALSE", f"{label}: {false}")
    if not np.isfinite(result.upper):
        return Judged(number, "no bound", label)
    return checked(number, label, result, path, SECONDS)


def _points(rng: np.random.Generator, d: int, n: int) -> Any:
    """Random points of the unit box, a third of them on or near its faces."""
    u = rng.random((n, d))
    edge = u[: n // 3]
    edge[:] = np.where(rng.random(edge.shape) < 0.4, np.round(edge), edge)
    return u


def campaign(seed: int, count: int) -> list[Judged]:
    """``count`` problems."""
    return judged_by(judged, seed, count)

"""Random properties and norms, against points in arbitrary precision and the checker.

Networks and formulas of one to three inputs, log and linear axes, properties whose limits are drawn around the true
extremes, and norms of differences. Derivatives at points are differences of values in 60 digits, so no rule of a derivative
is trusted. The points are those where float64 sees the extremes of a million. A claim beyond a point is false; a root mean
square is compared with a Gauss rule. The checker must accept every file whose forecast is at most `SECONDS`.
"""

from __future__ import annotations

import sys
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np

from benchmarks.soundness.extreme import exact
from benchmarks.soundness.judging import Judged, checked, judged_by
from benchmarks.soundness.million import worst
from supnorm.certification import certify_norms, certify_properties
from supnorm.problem import Axis, Domain, Problem
from supnorm.program import program_of
from supnorm.program.derived import outputs
from supnorm.results import BadInput

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import cases

EXACT, DIGITS = 4, 60
BOXES = 300
SECONDS = 2.0  # what a check may take by its forecast
GAUSS = 12  # nodes on each axis of a cell, for means
CELLS = {1: 400, 2: 40, 3: 10}  # on each axis, by the number of inputs
SMOOTH = ("tanh", "sigmoid", "softplus", "silu", "sin", "gelu_tanh")


def _domain(rng: np.random.Generator, d: int) -> Domain:
    axes = {}
    for j in range(d):
        if rng.random() < 0.3:
            low = float(10.0 ** rng.uniform(-3, 1))
            axes[f"x{j}"] = Axis(low, low * float(rng.uniform(1.2, 20.0)), scale="log")
        else:
            low = float(rng.uniform(-1.5, 1.0))
            axes[f"x{j}"] = (low, low + float(rng.uniform(0.1, 1.5)))
    return Domain(**axes)


def _function(rng: np.random.Generator, d: int, m: int) -> tuple[Any, str]:
    if rng.random() < 0.6:
        activation = str(rng.choice(SMOOTH))
        return cases.network(
            rng, d, int(rng.integers(2, 7)), int(rng.integers(1, 3)), activation, m
        ), activation
    return cases.smooth(rng, d, m), "formula"


def _texts(rng: np.random.Generator, domain: Domain, values: Any, m: int) -> list[str]:
    """Two properties; limits are near what values at points show."""
    texts = []
    for _ in range(2):
        k = int(rng.integers(m))
        name = "y" if m == 1 else f"y{k + 1}"
        axis, low, high = str(rng.choice(domain.names)), values[:, k].min(), values[:, k].max()
        wide = float(high - low) or 1.0
        off = wide * float(rng.choice([-1e-3, -0.1, 1e-6, 1e-3, 0.3]))
        kind = rng.choice(
            ["positive", "bounded", "monotone", "falling", "convex", "concave", "lipschitz", "slope"]
        )
        texts.append(
            {
                "positive": f"positive@{name}",
                "bounded": f"bounded:{low - off!r}:{high + off!r}@{name}",
                "monotone": f"monotone:{axis}@{name}",
                "falling": f"monotone:-{axis}@{name}",
                "convex": f"convex:{axis}@{name}",
                "concave": f"concave:{axis}@{name}",
                "lipschitz": f"lipschitz@{name}",
                "slope": f"lipschitz:{axis}@{name}",
            }[str(kind)]
            .replace("np.float64(", "")
            .replace(")", "")
        )
    return texts


def _derivative(program: Any, x: Any, by: tuple[int, ...]) -> Any:
    """The value or derivative of the first output at a point, from values in 60 digits."""
    if not by:
        return exact(program, x)
    h = mp.mpf(10) ** -15

    def at(step: Any) -> Any:
        return exact(program, [mp.mpf(v) + (step if j == by[0] else 0) for j, v in enumerate(x)])

    return (at(h) - at(-h)) / (2 * h) if len(by) == 1 else (at(h) - 2 * at(0) + at(-h)) / h**2


def _quantity(program: Any, d: int, by: tuple[int, ...] | None) -> tuple[Any, Any]:
    """A quantity at points in float64 by JAX, and at one point in arbitrary precision; ``by`` None: the gradient's norm."""
    from supnorm.program.to_jax import to_jax

    with jax.enable_x64(True):
        plain = lambda x: to_jax(program)(x)[0]  # noqa: E731
        if by is None:
            wanted = lambda x: jnp.linalg.norm(jax.grad(plain)(x))  # noqa: E731
        elif len(by) == 0:
            wanted = plain
        elif len(by) == 1:
            wanted = lambda x: jax.grad(plain)(x)[by[0]]  # noqa: E731
        else:
            wanted = lambda x: jax.hessian(plain)(x)[by[0], by[1]]  # noqa: E731
        many = jax.jit(jax.vmap(wanted))

    def values(x: Any) -> Any:
        with jax.enable_x64(True):
            return np.asarray(many(x))

    def one(x: Any) -> Any:
        with mp.workdps(DIGITS):
            if by is None:
                return mp.sqrt(sum(_derivative(program, x, (j,)) ** 2 for j in range(d)))
            return _derivative(program, x, by)

    return values, one


def _wrong(result: Any, base: Any, domain: Domain, rng: np.random.Generator) -> str:
    """What a point contradicts; empty if none does."""
    points = partial(_points, domain, rng)
    names = ["y"] if base.m == 1 else [f"y{k + 1}" for k in range(base.m)]
    claims = result.statement.claims
    for answer, entry in zip(result.answers, result.statement.data["properties"], strict=True):
        program = outputs(base, [names.index(answer.output)])
        for name in _parts(entry):
            which, text = name.split(" ")
            _, *by = text.split("/")
            values, one = _quantity(program, domain.d, None if by == ["*"] else tuple(map(int, by)))
            sign = -1.0 if which == "min" else 1.0
            seen = (lambda x: np.abs(values(x))) if which == "size" else (lambda x: sign * values(x))  # noqa: B023
            held = result.statement.parts[name].bracket.witness
            low, high = claims[name]
            for p in worst(points, seen, EXACT, 0):
                v = one(p)
                v = abs(v) if which == "size" else v
                if (which == "min" and v < low) or (which != "min" and v > high):
                    return (
                        f"{answer.property}: {name} in [{low!r}, {high!r}], {mp.nstr(v, 20)} at {p.tolist()}"
                    )
            if held is not None:  # the other end is a value that is attained
                v = one(held)
                v = abs(v) if which == "size" else v
                slack = mp.mpf(10) ** -12 * (1 + abs(v))
                if (which == "min" and v > high + slack) or (which != "min" and v < low - slack):
                    return (
                        f"{answer.property}: {name} in [{low!r}, {high!r}], {mp.nstr(v, 20)} at the witness"
                    )
    return ""


def _parts(entry: Any) -> tuple[str, ...]:
    from supnorm.certification.extremes import part_names

    return part_names(entry)


def _points(domain: Domain, rng: np.random.Generator, n: int) -> Any:
    """The corners, and random points."""
    corners = np.array(list(product([0.0, 1.0], repeat=domain.d)))
    return domain.from_unit(np.concatenate([corners, rng.random((n - len(corners), domain.d))]))


def _mean(error: Any, domain: Domain) -> Any:
    """The root mean squares by a Gauss rule on cells, in the coordinates of the box."""
    (x, w), cells = np.polynomial.legendre.leggauss(GAUSS), CELLS[domain.d]
    u = ((np.arange(cells)[:, None] + 0.5 * (x + 1.0)) / cells).ravel()
    weights = np.tile(0.5 * w / cells, cells)
    grid = np.stack(np.meshgrid(*[u] * domain.d, indexing="ij"), -1).reshape(-1, domain.d)
    each = np.prod(np.stack(np.meshgrid(*[weights] * domain.d, indexing="ij"), -1).reshape(-1, domain.d), 1)
    return np.sqrt((each[:, None] * error(domain.from_unit(grid)) ** 2).sum(0))


def judged(number: int, seed: int, path: Path) -> Judged:
    """One problem: its claims beside points, and what the checker says of its file."""
    rng = np.random.default_rng([seed, number])
    d, m = int(rng.integers(1, 3 + (number % 4 == 0))), int(rng.integers(1, 3))
    domain = _domain(rng, d)
    function, label = _function(rng, d, m)
    label = f"{label} {d}-D"
    try:
        if number % 3 == 2:
            result, wrong = _norms(rng, function, domain)
        else:
            result, wrong = _properties(rng, function, domain, m)
    except BadInput as error:
        return Judged(number, "refused", f"{label}: {error}")
    except Exception as error:
        return Judged(number, "CRASHED", f"{label}: {type(error).__name__}: {error}")
    if wrong:
        return Judged(number, "FALSE", f"{label}: {wrong}")
    return checked(number, label, result, path, SECONDS)


def _properties(rng: np.random.Generator, function: Any, domain: Domain, m: int) -> tuple[Any, str]:
    base = program_of(function, domain.d)
    values = base.value(domain.from_unit(rng.random((2000, domain.d))))
    result = certify_properties(function, domain, _texts(rng, domain, values, m), boxes=BOXES)
    return result, _wrong(result, base, domain, rng)


def _norms(rng: np.random.Generator, function: Any, domain: Domain) -> tuple[Any, str]:
    size, k = float(10.0 ** rng.uniform(-8, 0)), float(rng.uniform(0.5, 4.0))
    k /= max(1.0, *(axis.high / 3.0 for axis in domain.axes))  # not too many waves for the Gauss rule
    reference = lambda x: function(x) + size * jnp.sin(k * x[:, :1] + x[:, -1:])  # noqa: E731
    problem = Problem(function, reference, domain)
    result = certify_norms(problem, boxes=BOXES)
    programs = result.statement.programs
    means = _mean(lambda p: programs["model"].value(p) - programs["reference"].value(p), domain)
    for name, (low, high) in result.statement.claims.items():
        kind, _, j = name.partition(" ")
        if kind == "rms":
            v = float(means[int(j)])
            if not low - 1e-9 * v <= v <= high + 1e-9 * v + 1e-15:
                return result, f"{name} in [{low!r}, {high!r}], {v!r} by a Gauss rule"
            continue
        for out in range(programs["model"].m):
            pair = [outputs(programs[w], [out]) for w in ("model", "reference")]
            (a, exact_a), (b, exact_b) = (_quantity(p, domain.d, (int(j),) if j else ()) for p in pair)
            for p in worst(partial(_points, domain, rng), lambda x: np.abs(a(x) - b(x)), EXACT, 0):  # noqa: B023
                v = abs(exact_a(p) - exact_b(p))
                if v > high + mp.mpf(10) ** -25:
                    return result, f"{name} in [{low!r}, {high!r}], {mp.nstr(v, 20)} at {p.tolist()}"
    return result, ""


def campaign(seed: int, count: int) -> list[Judged]:
    """``count`` problems."""
    return judged_by(judged, seed, count)

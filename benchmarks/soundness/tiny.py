"""Errors that float64 cannot show: polynomials near functions, deep networks near themselves, against arbitrary precision.

A polynomial interpolates a random function at Chebyshev nodes, in one or two inputs; its coefficients are one or two float64
numbers each, so that most errors lie between 1e-8 and 1e-30. A network of 4 to 9 layers is compared with itself plus a
multiple of a known function, from 1e-7 to 1e-11, a function of three or four inputs with itself plus 1e-11 to 1e-22 times
another one.
The error is interpolated at Chebyshev nodes from values by mpmath; of a million points, random and near the witness, those
where the interpolant is largest, and some others, are evaluated by mpmath too. None of these may be above `upper`, the
error at the witness must not be below `lower`; and the checker must accept every certificate whose forecast is at most
`SECONDS`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import mpmath as mp
import numpy as np
from numpy.polynomial.chebyshev import chebvander
from scipy.fft import dct

from benchmarks.soundness.extreme import exact
from benchmarks.soundness.million import POINTS, worst
from benchmarks.soundness.records import save
from supnorm.certification import certify
from supnorm.checker import check
from supnorm.checker.rejected import TooCostly
from supnorm.problem import Domain, ErrorMeasure, Problem
from supnorm.results import BadInput

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import cases

NODES, EXACT, BLIND, DIGITS = {1: 40, 2: 10, 3: 7, 4: 5}, 6, 4, 90
BOXES = 300
SECONDS = 5.0

# One input: as it is read, exactly, and an interval in which it is analytic.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], tuple[float, float]]] = {
    "sin": (jnp.sin, mp.sin, (-1.5, 1.5)),
    "cos": (jnp.cos, mp.cos, (-1.0, 1.0)),
    "exp": (jnp.exp, mp.exp, (-1.5, 1.5)),
    "log": (jnp.log, mp.log, (0.6, 2.0)),
    "tan": (jnp.tan, mp.tan, (-0.7, 0.7)),
    "tanh": (jnp.tanh, mp.tanh, (0.1, 1.0)),
    "sqrt": (jnp.sqrt, mp.sqrt, (0.7, 2.0)),
    "erf": (lambda x: cases.ACTIVATIONS["erf"](x), mp.erf, (-1.0, 1.0)),
    "bell": (lambda x: jnp.exp(-x * x), lambda x: mp.exp(-x * x), (-1.0, 1.0)),
    "quotient": (
        lambda x: jnp.sin(x) / (1.0 + jnp.exp(x)),
        lambda x: mp.sin(x) / (1 + mp.exp(x)),
        (-1.0, 1.0),
    ),
    "root": (lambda x: jnp.sqrt(2.0 + jnp.cos(x)), lambda x: mp.sqrt(2 + mp.cos(x)), (-1.0, 1.0)),
}


@dataclass(frozen=True)
class Tiny:
    """One problem: what was found, and the bracket in words."""

    number: int
    verdict: str
    words: str


def _nodes(a: float, b: float, n: int) -> list[Any]:
    return [
        (mp.mpf(a) + b) / 2 + (mp.mpf(b) - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n + 2))
        for i in range(n + 1)
    ]


def _coefficients(function: Callable[..., Any], ends: list[tuple[float, float]], n: int) -> np.ndarray:
    """Coefficients of the tensor interpolant, lowest powers first, as mpmath numbers, shape ``(n + 1,) * d``."""
    nodes = [_nodes(a, b, n) for a, b in ends]
    inverses = [mp.matrix([[x**k for k in range(n + 1)] for x in xs]) ** -1 for xs in nodes]
    values = np.empty((n + 1,) * len(ends), dtype=object)
    for index in np.ndindex(values.shape):
        values[index] = function(*[xs[i] for xs, i in zip(nodes, index, strict=True)])
    for axis, inverse in enumerate(inverses):
        matrix = np.array(inverse.tolist(), dtype=object).reshape(n + 1, n + 1)
        values = np.moveaxis(np.tensordot(matrix, values, axes=(1, axis)), 0, axis)
    return values


def _horner(c: np.ndarray, x: Any, axis: int = 0) -> Any:
    """The polynomial of float64 coefficients ``c`` at points ``(k, d)``, in JAX."""
    parts = [_horner(row, x, axis + 1) if c.ndim > 1 else float(row) + 0.0 * x[:, axis] for row in c]
    value = parts[-1]
    for part in reversed(parts[:-1]):
        value = value * x[:, axis] + part
    return value


def _polynomial(rng: np.random.Generator) -> tuple[Problem, str]:
    name = str(rng.choice(list(FUNCTIONS)))
    run, value, (low, high) = FUNCTIONS[name]
    d = 2 if rng.random() < 0.2 else 1
    wide = (high - low) * 2.0 ** -rng.uniform(0.0, 5.0 if d == 1 else 3.0)
    start = rng.uniform(low, high - wide)
    n = int(rng.integers(3, 15 if d == 1 else 7))
    if d == 1:
        ends = [(float(start), float(start + wide))]
        function, reference = value, (lambda x: run(x[:, 0]))
    else:  # the function of x + k y
        k = float(rng.uniform(0.2, 0.8))
        share = wide / (1.0 + k)
        ends = [(float(start), float(start + share)), (0.0, float(share))]
        function, reference = (lambda x, y: value(x + mp.mpf(k) * y)), (lambda x: run(x[:, 0] + k * x[:, 1]))
    with mp.workdps(DIGITS):
        c = _coefficients(function, ends, n)
        highs = c.astype(float)
        lows = (c - np.vectorize(mp.mpf, otypes=[object])(highs)).astype(float)
    double = rng.random() < 0.7

    def model(x: Any) -> Any:
        return _horner(highs, x) + _horner(lows, x) if double else _horner(highs, x)

    side = str(rng.choice(["both", "both", "over", "under"]))
    safe = name in ("cos", "exp", "bell", "root", "sqrt", "tanh")
    kind = str(rng.choice(["absolute", "relative"])) if safe else "absolute"
    measure = (
        ErrorMeasure(kind, floor=0.0, side=side) if kind == "relative" else ErrorMeasure(kind, side=side)
    )
    domain = Domain.from_axes({f"x{i}": e for i, e in enumerate(ends)})
    label = f"{name} {d}-D degree {n} on {ends} {kind} {side}{' two numbers' if double else ''}"
    return Problem(model, reference, domain, error=measure), label


def _deep(rng: np.random.Generator) -> tuple[Problem, str]:
    depth, width, seed = int(rng.integers(4, 10)), int(rng.integers(8, 21)), int(rng.integers(1 << 30))
    size, wide = 10.0 ** -rng.uniform(7.0, 11.0), 10.0 ** -rng.uniform(1.5, 2.7)
    shape = (2, width, depth, str(rng.choice(["tanh", "sin", "sigmoid"])))
    net = cases.network(np.random.default_rng(seed), *shape)
    twin = cases.network(np.random.default_rng(seed), *shape, order=np.random.default_rng(1))
    low = rng.uniform(-1.0, 1.0, 2)
    domain = Domain.from_axes({f"x{i}": (float(v), float(v + wide)) for i, v in enumerate(low)})
    label = f"{depth} layers of {width} {shape[3]}, shifted by {size:.1e}, box {wide:.1e}"
    return Problem(net, lambda x: twin(x) + size * jnp.cos(3.0 * x[:, :1] + x[:, 1:]), domain), label


def _several(rng: np.random.Generator, d: int) -> tuple[Problem, str]:
    name = str(rng.choice(list(FUNCTIONS)))
    run, _, (low, high) = FUNCTIONS[name]
    k, c, size = rng.uniform(0.2, 0.8, d - 1), rng.normal(size=3), 10.0 ** -rng.uniform(11.0, 22.0)
    wide = (high - low) * 2.0 ** -rng.uniform(*((0.0, 2.0) if d == 3 else (3.0, 5.0)))
    start, share = rng.uniform(low, high - wide), wide / (1.0 + k.sum())
    ends = [(float(start), float(start + share)), *[(0.0, float(share))] * (d - 1)]
    domain = Domain.from_axes({f"x{i}": e for i, e in enumerate(ends)})

    def reference(x: Any) -> Any:
        return run(x[:, 0] + x[:, 1:] @ k)

    def model(x: Any) -> Any:
        other = c[0] * x[:, 0] + c[1] * x[:, 1] * x[:, 2] + c[2] * jnp.cos(x[:, 0] + x[:, -1])
        return reference(x) + size * other

    return Problem(model, reference, domain), f"{name} of {d} inputs, shifted by {size:.1e}, box {share:.1e}"


def judged(number: int, seed: int, path: Path) -> Tiny:
    """One problem: its bracket beside errors in arbitrary precision, and what the checker says of its certificate."""
    rng = np.random.default_rng([seed, number])
    if number % 5 == 3:
        problem, label = _several(rng, 4 if number % 10 == 8 else 3)
    else:
        problem, label = (_deep if number % 5 == 4 else _polynomial)(rng)
    try:
        result = certify(problem, 1.05, boxes=BOXES, seconds=60.0)
    except BadInput as error:
        return Tiny(number, "refused", f"{label}: {error}")
    except Exception as error:
        return Tiny(number, "CRASHED", f"{label}: {type(error).__name__}: {error}")
    error = result.certificate.error
    with mp.workdps(DIGITS):
        seen = _worst(error, rng, result)
        words = f"{label}: [{result.lower!r}, {result.upper!r}], seen {mp.nstr(seen, 20)}"
        if seen > mp.mpf(result.upper):
            return Tiny(number, "FALSE", words)
        if result.witness is not None and result.lower > _size(error, [mp.mpf(v) for v in result.witness.x]):
            return Tiny(number, "FALSE LOWER", words)
    result.certificate.save(path)
    ending = "" if result.status.code == "proved" else ", bracket wider"
    try:
        verdict = check(path, limit=SECONDS)
    except TooCostly:
        return Tiny(number, f"true{ending}", words)
    if not verdict.accepted:
        return Tiny(number, "NOT ACCEPTED", f"{words}: {verdict.reason}")
    return Tiny(number, f"true and accepted{ending}", words)


def _size(error: Any, t: Any) -> Any:
    """The error at a point, in the working precision of mpmath."""
    sizes = {"both": abs, "over": lambda v: max(v, 0), "under": lambda v: max(-v, 0)}
    return min(sizes[error.side](exact(p, t)) for p in error.alternatives)


def _worst(error: Any, rng: np.random.Generator, result: Any) -> Any:
    low, high, d = error.low, error.high, error.d

    def points(n: int) -> Any:
        t = low + (high - low) * rng.random((n, d))
        t[: 2**d] = np.where(np.indices((2,) * d).reshape(d, -1).T == 1, high, low)
        if result.witness is not None:
            near = t[2**d : n // 10]
            near[:] = result.witness.x + (high - low) * 10.0 ** rng.uniform(
                -6, -1, (len(near), 1)
            ) * rng.normal(size=near.shape)
        return np.clip(t, low, high)

    interpolants = [_interpolant(p, low, high) for p in error.alternatives]
    sizes = {"both": np.abs, "over": lambda v: np.maximum(v, 0.0), "under": lambda v: np.maximum(-v, 0.0)}

    def size(t: Any) -> Any:
        u = 2.0 * (t - low) / (high - low) - 1.0
        return np.min([sizes[error.side](value(u)) for value in interpolants], axis=0)

    return max(_size(error, t) for t in worst(points, size, EXACT, BLIND))


def _interpolant(program: Any, low: Any, high: Any) -> Callable[[Any], Any]:
    """The interpolant of the error, of points ``(n, d)`` of [-1, 1]^d; float64 holds its coefficients, however small."""
    d = len(low)
    n = NODES[d]
    u = np.cos(np.pi * (np.arange(n) + 0.5) / n)
    values = np.empty((n,) * d)
    for index in np.ndindex(values.shape):
        values[index] = float(exact(program, low + (high - low) * (1.0 + u[list(index)]) / 2.0))
    c = values
    for axis in range(d):
        c = dct(c, axis=axis) / n
        c[(slice(None),) * axis + (0,)] /= 2.0

    def value(u: Any) -> Any:
        found = np.broadcast_to(c, (len(u), *c.shape))
        for j in reversed(range(d)):
            found = np.einsum("n...k,nk->n...", found, chebvander(u[:, j], n - 1))
        return found

    return value


def campaign(seed: int, count: int) -> list[Tiny]:
    """``count`` problems."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            one = judged(number, seed, Path(folder) / "c.json")
            if one.verdict in WRONG:
                print(f"{one.verdict}: {seed}/{number} {one.words}", flush=True)
            found.append(one)
    return found


WRONG = ("FALSE", "FALSE LOWER", "CRASHED", "NOT ACCEPTED")


def table(found: list[Tiny]) -> str:
    """Counts."""
    return "\n".join(f"{n:6d} {verdict}" for verdict, n in Counter(f.verdict for f in found).most_common())


def options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--save", action="store_true", help="the counts into results/tiny.json")


def attack(given: argparse.Namespace) -> int:
    """Run the campaign; 1 if something is false."""
    found = campaign(given.seed, given.count)
    print(table(found))
    if given.save:
        save("tiny", given.seed, [one.verdict for one in found], "tiny", points=POINTS)
    return int(any(one.verdict in WRONG for one in found))

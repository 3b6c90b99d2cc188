"""Random formulas whose roots reach zero, against ReLU networks: by the strategy that suits them or by linear bounds.

References are square and cube roots of what is at least zero by its form (inputs from zero on, products, even powers, sizes,
positive parts, exponentials; sums, quotients, the larger or smaller of them; roots and other functions that keep the sign);
of such times what is positive on a part of the domain; or of what may be negative: there a cube root has a bound, and a
square root must have none where the argument is below zero somewhere. Models are networks of random weights, moved and
scaled to the reference. Errors at a million points, of which many lie at zeros, are compared with the bound; the largest
of them in arbitrary precision.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness.extreme import exact
from benchmarks.soundness.judging import Judged, checked, judged_by, refuted
from benchmarks.soundness.million import worst
from supnorm.certification import LinearBounds, certify
from supnorm.problem import Domain, Function, Problem
from supnorm.program import Builder, Program
from supnorm.results import BadInput

FEW, EXACT, BLIND, DIGITS = 4_000, 4, 2, 40
BOXES = 400
KEEPING = ("sqrt", "cbrt", "tanh", "erf", "atan", "sigmoid", "pow 3", "pow 1.7", "scaled")
Array = np.ndarray[Any, np.dtype[np.float64]]


def _argument(
    build: Builder, d: int, rng: np.random.Generator, more: np.random.Generator, words: list[str]
) -> Any:
    """Something that is zero somewhere, and mostly nowhere below."""
    kind = str(rng.choice(["input", "product", "square", "size", "part", "sum", "scaled", "any"]))
    if more.random() < 0.4:
        kind = str(more.choice(["quotient", "max", "min", "power"]))
    words.append(kind)
    line = build.affine(build.input, rng.normal(size=(1, d)), 0.3 * rng.normal(size=1))
    first = build.input.arrange(lambda index: index[..., :1])
    last = build.input.arrange(lambda index: index[..., d - 1 :])
    if kind == "input":
        return first
    if kind == "product":
        return build.binary("mul", first, last)
    if kind == "square":
        return build.unary("pow", line, 2.0)
    if kind == "size":
        return build.unary("abs", line)
    if kind == "part":
        return build.unary("relu", line)
    if kind == "sum":
        return build.binary("add", build.binary("mul", line, line), build.unary("pow", first, 4.0))
    if kind == "scaled":
        return build.binary("mul", build.unary("abs", line), np.array(10.0 ** rng.uniform(-6.0, 6.0)))
    if kind == "quotient":
        below = np.array(10.0 ** more.uniform(-3.0, 3.0)) if more.random() < 0.5 else build.unary("exp", last)
        return build.binary("div", build.unary("pow", line, 2.0), below)
    if kind in ("max", "min"):
        return build.binary(kind, line if more.random() < 0.3 else first, build.unary("abs", line))
    if kind == "power":
        return build.unary("exp", build.binary("mul", np.array(8.0), line))
    return line


def _under(build: Builder, z: Any, rng: np.random.Generator, words: list[str]) -> Any:
    """What is under a root: mostly z, else a function that keeps its sign, or z times a very large or small number."""
    kind = str(rng.choice(KEEPING)) if rng.random() < 0.4 else ""
    words.append(kind)
    if kind == "scaled":
        return build.binary("mul", z, np.array(10.0 ** rng.uniform(-280.0, 280.0)))
    return build.unary(*kind.split()[:1], z, *map(float, kind.split()[1:])) if kind else z


def _times(build: Builder, z: Any, d: int, rng: np.random.Generator, words: list[str]) -> Any:
    """z times, or divided by, what is positive on most boxes, on all of them, or not where it should be."""
    kind = str(rng.choice(["cosine", "line", "other line", "over a line", "twice"]))
    words.append(f"times {kind}")
    line = build.affine(build.input, rng.normal(size=(1, d)), rng.uniform(-1.0, 4.0, 1))
    if kind == "cosine":
        return build.binary("mul", z, build.unary("cos", line))
    if kind == "other line":
        return build.binary("mul", line, z)
    if kind == "over a line":
        return build.binary("div", z, line)
    product = build.binary("mul", z, line)
    return build.binary("mul", product, line) if kind == "twice" else product


def formula(
    rng: np.random.Generator,
    more: np.random.Generator,
    last: np.random.Generator | None,
    factor: np.random.Generator | None,
    d: int,
    words: list[str],
) -> Program:
    """A random formula with a root; sometimes one within another, times or plus something smooth."""
    build = Builder(d)
    z = _argument(build, d, rng, more, words)
    if last is not None:
        z = _under(build, z, last, words)
    if factor is not None:
        z = _times(build, z, d, factor, words)
    root = build.unary(str(rng.choice(["sqrt", "cbrt"])), z)
    if rng.random() < 0.25:
        root = build.unary(str(rng.choice(["sqrt", "cbrt"])), build.unary("abs", root))
        words.append("within another")
    smooth = build.unary("sin", build.affine(build.input, rng.normal(size=(1, d)), rng.normal(size=1)))
    return build.finish(build.binary(str(rng.choice(["add", "mul", "sub"])), root, smooth))


def _network(rng: np.random.Generator, d: int, size: float) -> Program:
    build = Builder(d)
    width = int(rng.integers(4, 13))
    hidden = build.unary(
        "relu", build.affine(build.input, rng.normal(size=(width, d)), rng.normal(size=width))
    )
    if rng.random() < 0.3:
        hidden = build.unary(
            "relu", build.affine(hidden, rng.normal(size=(width, width)), rng.normal(size=width))
        )
    weight = rng.normal(size=(1, width)) * size / width
    return build.finish(build.affine(hidden, weight, np.array([size * rng.normal()])))


def judged(number: int, seed: int, path: Path) -> Judged:
    """One problem: its bound beside errors at points, and what the checker says of its certificate."""
    rng = np.random.default_rng([seed, number])
    # Draws that came later: the others stay what they were.
    more = np.random.default_rng([seed, number, 2])
    last = np.random.default_rng([seed, number, 3]) if number % 3 else None
    factor = np.random.default_rng([seed, number, 4]) if number % 7 in (2, 3, 5) else None
    words: list[str] = []
    d = int(rng.choice([1, 2, 2, 3]))
    reference = formula(rng, more, last, factor, d, words)
    low = np.where(rng.random(d) < 0.7, 0.0, -rng.uniform(0.2, 1.0, d))
    high = rng.uniform(0.5, 3.0, d)

    def points(n: int) -> Array:
        x = low + (high - low) * rng.random((n, d)) ** rng.choice([1.0, 8.0], (n, d))
        x[: 2**d] = np.where(np.indices((2,) * d).reshape(d, -1).T == 1, high, low)
        return x

    with np.errstate(all="ignore"):
        values = reference.value(points(FEW))
    model = _network(rng, d, float(np.abs(values[np.isfinite(values)]).max(initial=1.0)))
    problem = Problem(
        Function(model.value, program=model, name="network"),
        Function(reference.value, program=reference, name="formula"),
        Domain.from_axes(
            {f"x{i}": (float(a), float(b)) for i, (a, b) in enumerate(zip(low, high, strict=True))}
        ),
    )
    strategy = LinearBounds() if more.random() < 0.5 else None
    label = f"d={d} {', '.join(words)}, from {low.tolist()}, {'linear' if strategy else 'any'}"
    try:
        result = certify(problem, 1.1, strategy=strategy, boxes=BOXES)
    except BadInput as error:
        return Judged(number, "refused", f"{label}: {error}")
    except Exception as error:
        return Judged(number, "CRASHED", f"{label}: {type(error).__name__}: {error}")
    if not np.isfinite(result.upper):
        return Judged(number, "no bound", f"{label}: {result.status.code} {result.status.advice}")
    defined = True

    def size(x: Array) -> Array:
        nonlocal defined
        values = reference.value(x)
        defined &= bool(np.isfinite(values).all())
        return np.abs(model.value(x) - values).max(1)

    x = worst(points, size, EXACT, BLIND)
    if not defined:
        return Judged(number, "FALSE", f"{label}: a root of a negative number has the bound {result.upper!r}")
    bracket, witness = (result.lower, result.upper), None if result.witness is None else result.witness.x
    if false := refuted(bracket, lambda p: abs(exact(model, p) - exact(reference, p)), x, witness, DIGITS):
        return Judged(number, "FALSE", f"{label}: {false}")
    return checked(number, label, result.certificate, path)


def campaign(seed: int, count: int) -> list[Judged]:
    """``count`` problems."""
    return judged_by(judged, seed, count)

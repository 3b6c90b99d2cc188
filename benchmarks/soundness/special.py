"""Random formulas of special functions, and random interpolation tables, bounded by every strategy.

A formula is a special function of a positive affine or exponential argument, times or plus a smooth function of one or two
inputs, or a special function of another one. A table is one of SciPy's, with random knots and values, against such a
formula. Of a million points those where SciPy's functions see the largest errors and some others are evaluated in arbitrary
precision: special functions by mpmath, tables by their own knots and coefficients. A bound below one of them is false. The
checker must accept every certificate whose forecast is at most `SECONDS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import mpmath as mp
import numpy as np
from scipy import interpolate
from scipy import special as scipy

from benchmarks.soundness.judging import Judged, checked, judged_by
from benchmarks.soundness.million import worst
from supnorm.certification import ComposedCertificate, GradedCertificate, LinearBounds, certify
from supnorm.problem import Axis, Domain, Function, Problem
from supnorm.program import Builder, Program
from supnorm.program.operations import UNARY
from supnorm.program.special import NAMES
from supnorm.results import BadInput

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "certification"))
import oracle

EXACT, BLIND = 6, 4
BOXES = 60
SECONDS = 2.0  # what a check may take by its forecast
OPERATIONS = ("atan", "cbrt", "erfc", *NAMES)
ORDERS = (0.0, 1.0, 2.0, 7.0, 0.5, 1.3, 12.6)
SHAPES = (0.3, 1.0, 2.5, 8.0)


def _with_order(bessel: Any) -> Any:
    return lambda z, order: bessel(order, z)


# Programs evaluate special functions in ball arithmetic, 10 to 25 microseconds a value: too long for a million points.
FAST: dict[str, Any] = {
    "lgamma": scipy.gammaln,
    **{name: getattr(scipy, name) for name in ("digamma", "erfcx", "erfinv", "exp1")},
    **{f"bessel_{kind}": _with_order(getattr(scipy, f"{kind}v")) for kind in "jyik"},
    "gammainc": lambda z, s: scipy.gammainc(s, z),
    "gammaincc": lambda z, s: scipy.gammaincc(s, z),
    "betainc": lambda z, a, b: scipy.betainc(a, b, z),
}
STRATEGIES = (None, GradedCertificate(), ComposedCertificate(), LinearBounds())


def _call(build: Builder, rng: np.random.Generator, x: Any, words: list[str]) -> Any:
    """A special function of a positive argument, of moderate size; erfinv and betainc of one between 0 and 1."""
    op = str(rng.choice(OPERATIONS))
    parameter = None
    if op.startswith("bessel"):
        parameter = float(rng.choice(ORDERS))
    elif op.startswith("gammainc") or op == "betainc":
        parameter = float(rng.choice(SHAPES))
    second = float(rng.choice(SHAPES)) if op == "betainc" else None
    if op in ("erfinv", "betainc"):
        x = build.binary("div", x, build.binary("add", x, np.array(rng.uniform(0.01, 2.0))))
    words.append(op if parameter is None else f"{op} {parameter:g}")
    return build.unary(op, x, parameter, second=second)


def formula(rng: np.random.Generator, d: int, words: list[str]) -> Program:
    """A random formula; inputs are in [0, 1]."""
    build = Builder(d)
    weight = rng.uniform(0.1, 3.0, (1, d)) * rng.choice([-1.0, 1.0], (1, d))
    least = float(np.minimum(weight, 0.0).sum())
    argument: Any = build.affine(build.input, weight, np.array([10.0 ** rng.uniform(-1.5, 0.7) - least]))
    if rng.random() < 0.3:
        argument = build.unary("exp", build.binary("mul", argument, np.array(rng.uniform(-0.7, 0.7))))
    value = _call(build, rng, argument, words)
    if rng.random() < 0.2:  # one function within another, positive again
        value = _call(build, rng, build.binary("add", build.unary("pow", value, 2.0), np.array(0.2)), words)
    smooth = build.unary("sin", build.affine(build.input, rng.normal(size=(1, d)), rng.normal(size=1)))
    return build.finish(build.binary(str(rng.choice(["add", "mul", "sub"])), value, smooth))


def table(rng: np.random.Generator, words: list[str]) -> tuple[Callable[..., Any], Callable[[Any], Any]]:
    """A table of one input in [0, 1], and its values in arbitrary precision."""
    knots = np.unique(np.concatenate([[0.0, 1.0], rng.random(int(rng.integers(2, 9)))]))
    values = rng.normal(size=len(knots))
    kind = str(rng.choice(["pchip", "cubic", "akima", "linear", "bspline"]))
    words.append(f"{kind} of {len(knots)}")
    if kind == "linear":
        c = np.stack([np.diff(values) / np.diff(knots), values[:-1]])
        return lambda x: np.interp(x[:, 0], knots, values), _pieces(knots, c)
    if kind == "bspline" and len(knots) > 3:
        spline = interpolate.make_interp_spline(knots, values, k=3)
        pieces = interpolate.PPoly.from_spline(spline)
        return spline, _pieces(pieces.x, pieces.c)
    made = {"cubic": interpolate.CubicSpline, "akima": interpolate.Akima1DInterpolator}
    found = made.get(kind, interpolate.PchipInterpolator)(knots, values)
    return found, _pieces(found.x, found.c)


def grid(
    rng: np.random.Generator, d: int, words: list[str]
) -> tuple[Callable[..., Any], Callable[[Any], Any]]:
    """A table on a grid of ``d`` inputs in [0.05, 1], and its values; float64 is exact enough for them."""
    method = str(rng.choice(["linear", "cubic"]))
    sizes = rng.integers(4, 7, d)
    axes = [np.unique(np.concatenate([[0.05, 1.0], rng.uniform(0.05, 1.0, n - 2)])) for n in sizes]
    values = rng.normal(size=[len(a) for a in axes])
    try:
        found = interpolate.RegularGridInterpolator(axes, values, method=method)
    except (
        ValueError
    ):  # SciPy solves for a cubic table by iterations, which end for some unevenly spaced axes
        method = "linear"
        found = interpolate.RegularGridInterpolator(axes, values, method=method)
    words.append(f"{method} grid of {sizes.tolist()}")
    return found, lambda x: mp.mpf(float(found(np.array([[float(v) for v in x]]))[0]))


def _pieces(knots: Any, c: Any) -> Callable[[Any], Any]:
    def value(x: Any) -> Any:
        k = int(np.clip(np.searchsorted(knots, float(x[0]), side="right") - 1, 0, len(knots) - 2))
        while knots[k + 1] == knots[k]:
            k -= 1
        return mp.polyval([mp.mpf(float(v)) for v in c[:, k]], x[0] - mp.mpf(float(knots[k])))

    return value


def judged(number: int, seed: int, path: Path) -> Judged:
    """One problem: its bound beside errors at points, and what the checker says of its certificate."""
    rng = np.random.default_rng([seed, number])
    words: list[str] = []
    tabled = number % 3 == 2
    d = int(rng.choice([1, 1, 2])) if not tabled else 1 if number % 2 else int(rng.choice([2, 3]))
    program = formula(rng, d, words)
    model = Function(program.value, program=program, name="formula")
    reference, exact = _zero, None
    if tabled:
        reference, exact = table(rng, words) if d == 1 else grid(rng, d, words)
    strategy = STRATEGIES[int(rng.integers(len(STRATEGIES)))] if not tabled or rng.random() < 0.5 else None
    label = f"{number}: d={d} {', '.join(words)}, {type(strategy).__name__}"
    low, scale = (0.05, str(rng.choice(["linear", "log"]))) if tabled and d > 1 else (0.0, "linear")
    problem = Problem(
        model, reference, Domain.from_axes({f"x{i}": Axis(low, 1.0, scale=scale) for i in range(d)})
    )
    try:
        result = certify(problem, 1.2, strategy=strategy, boxes=BOXES)
    except BadInput as error:
        return Judged(number, "refused", f"{label}: {error}")
    except Exception as error:
        return Judged(number, "CRASHED", f"{label}: {type(error).__name__}: {error}")
    if not np.isfinite(result.upper):
        return Judged(number, "no bound", label)
    seen, size = _worst(program, reference, exact, (low, d), rng)
    if seen > mp.mpf(result.upper) * (1 + mp.mpf(10) ** -15) + (1e-11 * size if tabled else 0):
        return Judged(number, "FALSE", f"{label}: {mp.nstr(seen, 20)} above {result.upper!r}")
    return checked(number, label, result.certificate, path, SECONDS)


def _zero(x: Any) -> Any:
    return 0.0 * x[:, 0]


def _worst(
    program: Program, reference: Any, exact: Any, box: tuple[float, int], rng: np.random.Generator
) -> tuple[Any, float]:
    low, d = box
    largest = 0.0

    def points(n: int) -> Any:
        """A tenth of them at the ends of axes, a tenth near these."""
        x, part = rng.random((n, d)), n // 10
        x[:part] = np.round(x[:part])
        near = 10.0 ** rng.uniform(-16, -1, (part, d))
        x[part : 2 * part] = np.where(rng.random(near.shape) < 0.5, near, 1.0 - near)
        return np.minimum(low + (1.0 - low) * x, 1.0)

    def size(x: Any) -> Any:
        nonlocal largest
        values = program.value(x)[:, 0]
        largest = max(largest, float(np.nanmax(np.abs(values))))
        return np.abs(values - np.ravel(reference(x)))

    with mock.patch.dict(UNARY, FAST):
        chosen = worst(points, size, EXACT, BLIND)
    found = mp.mpf(0)
    with mp.workdps(30):
        for x in chosen:
            point = [mp.mpf(float(v)) for v in x]
            other = mp.mpf(0) if exact is None else exact(point)
            found = max(found, abs(oracle.evaluate(program, point)[0] - other))
    return found, largest


def campaign(seed: int, count: int) -> list[Judged]:
    """``count`` problems."""
    return judged_by(judged, seed, count)

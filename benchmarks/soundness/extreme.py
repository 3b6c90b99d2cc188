"""Problems of extreme magnitudes, bounded by every strategy, against arbitrary precision.

Inputs, weights, offsets and sizes are drawn between 1e-155 and 1e155, domains down to a few units in the last place. At the
places where float64 sees the largest errors, at the ends and at random points the programs are evaluated by mpmath with
700 digits: a bound below such an error is false, and so is a lower bound above the error at its witness.
"""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import mpmath as mp
import numpy as np

from supnorm.certification import certify
from supnorm.certification.chebyshev_certificate import ChebyshevCertificate
from supnorm.certification.composed_certificate import ComposedCertificate
from supnorm.certification.graded_certificate import GradedCertificate
from supnorm.certification.linear_bounds import LinearBounds
from supnorm.problem import Axis, Domain, Function, Problem
from supnorm.program import Program, lower_numpy
from supnorm.results import BadInput

STRATEGIES = {
    "chebyshev": ChebyshevCertificate, "graded": GradedCertificate, "linear": LinearBounds, "composed": ComposedCertificate,
}  # fmt: skip
POINTS, EXACT = 2000, 12
DIGITS = 700
ONE: dict[str, Any] = {
    "neg": lambda z: -z, "abs": abs, "relu": lambda z: max(z, mp.mpf(0)), "tanh": mp.tanh, "sin": mp.sin, "cos": mp.cos,
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)), "softplus": lambda z: mp.log1p(mp.exp(z)), "exp": mp.exp, "log": mp.log,
    "silu": lambda z: z / (1 + mp.exp(-z)), "sqrt": mp.sqrt, "erf": mp.erf, "atan": mp.atan, "reciprocal": lambda z: 1 / z,
    "pow": lambda z, p: z ** (int(p) if float(p).is_integer() else mp.mpf(p)),
    "leaky_relu": lambda z, s: max(z, mp.mpf(0)) + mp.mpf(s) * min(z, mp.mpf(0)),
    "cbrt": lambda z: -mp.cbrt(-z) if z < 0 else mp.cbrt(z),
}  # fmt: skip
TWO: dict[str, Any] = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b, "div": lambda a, b: a / b,
    "min": min, "max": max,
}  # fmt: skip


@dataclass(frozen=True)
class Extreme:
    """One problem and one strategy."""

    number: int
    strategy: str
    verdict: str
    words: str


def exact(program: Program, point: Any) -> Any:
    """The first output at a point, in mpmath's precision."""
    values: list[list[Any]] = []
    for node in program.nodes:
        args = [values[a] for a in node.args]
        if node.op == "input":
            out = [v if isinstance(v, mp.mpf) else mp.mpf(float(v)) for v in point]
        elif node.op == "constant":
            out = [mp.mpf(float(v)) for v in np.asarray(node.value)]
        elif node.op == "affine":
            rows = zip(np.asarray(node.weight), np.asarray(node.bias), strict=True)
            out = [mp.fdot([mp.mpf(float(w)) for w in row], args[0]) + mp.mpf(float(b)) for row, b in rows]
        elif node.op == "take":
            out = [args[0][int(k)] for k in np.asarray(node.columns)]
        elif node.op == "concat":
            out = [z for arg in args for z in arg]
        elif node.op == "where":
            out = [a if z > 0 else b for z, a, b in zip(*args, strict=True)]
        elif node.op in TWO:
            out = [TWO[node.op](a, b) for a, b in zip(*args, strict=True)]
        else:
            extra = () if node.parameter is None else (node.parameter,)
            out = [ONE[node.op](z, *extra) for z in args[0]]
        values.append(out)
    return values[-1][0]


def _size(rng: np.random.Generator, most: float = 155.0) -> float:
    return float(rng.choice([-1.0, 1.0]) * 10.0 ** rng.uniform(-most, most))


def _function(rng: np.random.Generator, low: Any, high: Any) -> Any:
    """One term; its argument is scaled to the domain or not at all."""
    k = int(rng.integers(len(low)))
    centre, half = float(low[k] / 2 + high[k] / 2), max(float(high[k] / 2 - low[k] / 2), 1e-300)
    near = rng.random() < 0.6
    s = 1.0 / half if near else _size(rng, 60.0)
    c = _size(rng, 150.0) if rng.random() < 0.5 else _size(rng, 3.0)
    stretch, p = (
        float(10.0 ** rng.uniform(-3, 1.5)),
        float(rng.choice([-3.0, -2.0, -1.0, -0.5, 0.5, 1.5, 2.0, 3.0, 5.0])),
    )
    shift = _size(rng, 15.0) if rng.random() < 0.3 else 0.0
    forms = [
        lambda x: c * np.tanh((x[:, k : k + 1] - centre) * s * stretch + shift),
        lambda x: c * np.sin((x[:, k : k + 1] - centre) * s * stretch + shift),
        lambda x: c * np.exp(-(((x[:, k : k + 1] - centre) * s) ** 2) * stretch),
        lambda x: c / x[:, k : k + 1],
        lambda x: x[:, k : k + 1] ** p,
        lambda x: c * x[:, k : k + 1] ** p,
        lambda x: c * np.log(x[:, k : k + 1]) + shift,
        lambda x: c * np.sqrt(x[:, k : k + 1]),
        lambda x: c * np.maximum((x[:, k : k + 1] - centre) * s, shift),
        lambda x: c * np.logaddexp(0.0, (x[:, k : k + 1] - centre) * s * stretch),
        lambda x: c * x[:, k : k + 1] * x[:, :1] + shift,
        lambda x: shift + c * np.cos(x[:, k : k + 1] * s),
    ]
    return forms[int(rng.integers(len(forms)))]


def problem_of(number: int, seed: int) -> Problem:
    """Two functions on a box of strange sizes; all inputs are positive."""
    rng = np.random.default_rng([seed, number])
    d = int(rng.choice([1, 1, 2, 3]))
    axes = {}
    for i in range(d):
        low = 10.0 ** (rng.uniform(-150, 150) if rng.random() < 0.6 else rng.uniform(-2, 2))
        kind = rng.integers(4)
        high = low * [1 + 4e-16, 1 + 1e-9, 1.5, 10.0 ** rng.uniform(0.3, 6)][int(kind)]
        high = max(high, np.nextafter(low, np.inf))
        axes[f"x{i}"] = Axis(low, float(high), scale="log" if kind == 3 and rng.random() < 0.4 else "linear")
    low, high = (np.array([getattr(a, e) for a in axes.values()]) for e in ("low", "high"))
    first, second = (_function(rng, low, high) for _ in range(2))
    tiny = float(10.0 ** rng.uniform(-16, 0))
    model = lambda x: first(x) + tiny * second(x)  # noqa: E731
    reference = first if rng.random() < 0.5 else (lambda x: first(x) * (1.0 + tiny))
    sides = [
        Function(f, name=n, program=lower_numpy(f, d))
        for f, n in ((model, "model"), (reference, "reference"))
    ]
    return Problem(*sides, Domain.from_axes(axes))


def judged(number: int, seed: int) -> list[Extreme]:
    """Each strategy on one problem."""
    problem = problem_of(number, seed)
    rng = np.random.default_rng([seed, number, 1])
    found = []
    for name, strategy in STRATEGIES.items():
        try:
            result = certify(problem, ratio=1.1, seconds=1.5, strategy=strategy())
        except BadInput as error:
            found.append(Extreme(number, name, "refused", str(error)[:150]))
            continue
        except Exception as error:
            found.append(Extreme(number, name, "CRASHED", f"{type(error).__name__}: {error}"[:200]))
            continue
        with mp.workdps(DIGITS):  # for these alone: what is judged has the precision that a user has
            seen, at = _worst(problem, result.witness, rng)
        words = f"[{result.lower!r}, {result.upper!r}] {result.upper_kind}, {result.status.code}; {mp.nstr(seen, 20)}"
        if result.upper_kind != "none" and seen > mp.mpf(result.upper):
            found.append(Extreme(number, name, "FALSE", f"upper: {words}"))
        elif at is not None and result.agreement.hidden == 0 and at < mp.mpf(result.lower):
            found.append(Extreme(number, name, "FALSE", f"lower: {words}; {mp.nstr(at, 20)} at its witness"))
        else:
            found.append(Extreme(number, name, "no bound" if result.upper_kind == "none" else "true", words))
    return found


def _worst(problem: Problem, witness: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """The largest exact error known, and that at the witness."""
    model, reference = problem.model.program, problem.reference.program
    assert model is not None
    assert reference is not None
    u = rng.random((POINTS, problem.domain.d))
    u[::4] = np.round(u[::4])
    x = problem.domain.from_unit(u)
    with np.errstate(all="ignore"):
        size = np.abs(model.value(x) - reference.value(x))[:, 0]
    order = np.argsort(-np.nan_to_num(size, nan=0.0, posinf=0.0))[:EXACT]
    x = np.concatenate([x[order], x[:EXACT]])
    errors = [abs(exact(model, p) - exact(reference, p)) for p in x]
    at = None if witness is None else abs(exact(model, witness.x) - exact(reference, witness.x))
    return max(errors if at is None else [*errors, at]), at


def campaign(seed: int, count: int) -> list[Extreme]:
    """``count`` problems, each by all strategies."""
    found: list[Extreme] = []
    for number in range(count):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            new = judged(number, seed)
        for one in new:
            if one.verdict in ("FALSE", "CRASHED"):
                print(f"{one.verdict}: {seed}/{number} {one.strategy}: {one.words}", flush=True)
        found += new
    return found


def table(found: list[Extreme]) -> str:
    """Counts by strategy."""
    verdicts = ("refused", "no bound", "true", "FALSE", "CRASHED")
    lines = [f"{'strategy':12s}" + "".join(f"{v:>10s}" for v in verdicts)]
    for name in (*STRATEGIES, "all"):
        counts = Counter(f.verdict for f in found if name in ("all", f.strategy))
        lines.append(f"{name:12s}" + "".join(f"{counts[v]:10d}" for v in verdicts))
    return "\n".join(lines)

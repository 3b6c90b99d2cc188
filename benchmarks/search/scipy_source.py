"""SciPy's own benchmark functions, from a checkout of SciPy's sources: opened, checked, and cut to boxes.

They stand in ``benchmarks/benchmarks/go_benchmark_functions`` (Gavana 2013, Nelson 2014) and in no wheel. Nothing of them is
copied here. Each is a class with bounds, a documented least value (`fglob`) and points where it is taken. Whether the
documentation is right is checked first: what fails is left out, with the reason.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
import types
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import differential_evolution, minimize

from supnorm.problem import Domain, Problem
from supnorm.results import BadInput

Array = NDArray[np.float64]
FOLDER = Path("benchmarks/benchmarks/go_benchmark_functions")
RANDOM = 1001  # points of the median, as for BBOB
# Of the median: a documented value that is so far from the values found is wrong. Documented values are rounded; what is
# solved is judged by the least value that anybody saw.
WRONG = 1e-3
TRUTH = 10_000  # evaluations an input that look for a value below the documented one
INSIDE = 1e-9  # of a width: documented points may lie so far outside
CUT = 0.5  # a face of the box moves towards the optimum by a random share, up to this one, of their distance


@dataclass(frozen=True)
class Source:
    """A checkout.

    Attributes:
        kinds: of each function its class.
        version: of SciPy, as the checkout says.
        commit: of the checkout; a text without digits where it has no history.
        digest: of the files of the functions.
    """

    kinds: dict[str, Any]
    version: str
    commit: str
    digest: str

    @classmethod
    def open(cls, path: Path) -> Source:
        """Import the functions of a checkout; the rest of it is not imported.

        Raises:
            BadInput: where there is no checkout of SciPy, or its functions cannot be imported.
        """
        folder = path / FOLDER
        if not (folder / "go_benchmark.py").is_file():
            raise BadInput(
                f"--scipy: {path} is no checkout of SciPy's sources, it has no {FOLDER}/go_benchmark.py"
            )
        try:
            kinds = _kinds(folder)
        except Exception as error:
            raise BadInput(f"--scipy: cannot import {folder}: {type(error).__name__}: {error}") from error
        digest = hashlib.sha256()
        for file in sorted(folder.glob("*.py")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
        return cls(kinds, _version(path), _commit(path), digest.hexdigest()[:16])

    @property
    def words(self) -> dict[str, str]:
        """What a result says of it."""
        return {"version": self.version, "commit": self.commit, "digest": self.digest}


def _kinds(folder: Path) -> dict[str, Any]:
    """The classes, imported below a name of ours: the checkout's package is called benchmarks, like this one."""
    name = f"checkout_{zlib.crc32(str(folder.resolve()).encode()):08x}"
    package, common = types.ModuleType(name), types.ModuleType(f"{name}.common")
    package.__path__ = [str(folder.parent)]
    # In place of the checkout's common.py, which needs the package asv_runner: all that the functions use of it.
    common.safe_import = lambda: contextlib.suppress(ImportError)  # type: ignore[attr-defined]
    sys.modules |= {name: package, f"{name}.common": common}
    modules = [importlib.import_module(f"{name}.{folder.name}")]
    if (folder / "go_funcs_univariate.py").is_file():  # the package itself leaves it out
        modules.append(importlib.import_module(f"{name}.{folder.name}.go_funcs_univariate"))
    base = importlib.import_module(f"{name}.{folder.name}.go_benchmark").Benchmark
    found = {n: k for m in modules for n, k in inspect.getmembers(m, inspect.isclass)}
    return {n: k for n, k in sorted(found.items()) if issubclass(k, base) and k is not base}


def _version(path: Path) -> str:
    with contextlib.suppress(OSError, KeyError, tomllib.TOMLDecodeError):
        return str(tomllib.loads((path / "pyproject.toml").read_text("utf-8"))["project"]["version"])
    with contextlib.suppress(OSError, TypeError):
        text = (path / "meson.build").read_text("utf-8")
        return str(re.search(r"version: '([^']+)'", text)[1])  # type: ignore[index]
    return "unknown"


def _commit(path: Path) -> str:
    done = subprocess.run(
        ["git", "-C", str(path), "log", "-1", "--format=%H", "--", "."], capture_output=True, text=True
    )
    # A folder without history inside another repository has a commit of that one: the files must be tracked.
    return done.stdout.strip() or "none"


@dataclass(frozen=True)
class Known:
    """What is known of a function after the check.

    Attributes:
        d: inputs.
        least: the least value that the check saw.
        at: points where it is taken: the documented ones that are as good, else the one that the check found.
        reason: why it is left out; empty if it is not.
    """

    d: int
    least: float = 0.0
    at: tuple[tuple[float, ...], ...] = ()
    reason: str = ""


class Black:
    """A function of a checkout as a black box; what is no number counts as infinite.

    Raises:
        ValueError: for a number of inputs that it does not take.
    """

    def __init__(self, kind: Any, d: int | None) -> None:
        self.made = kind() if d is None else kind(dimensions=d)
        self.d = int(self.made.N)
        if d is not None and self.d != d:
            raise ValueError(f"it has {self.d} inputs")
        self.low, self.high = np.array(self.made.bounds, dtype=float).reshape(self.d, 2).T

    def raw(self, x: Array) -> Array:
        """Values at ``x`` (n, d), NaN included."""
        with np.errstate(all="ignore"):
            return np.array([float(np.asarray(self.made.fun(row)).reshape(())) for row in x])

    def __call__(self, x: Array) -> Array:
        values = self.raw(x)
        return np.where(np.isnan(values), np.inf, values)

    @property
    def documented(self) -> list[Array]:
        """The documented points inside the box."""
        try:
            points = np.array(self.made.global_optimum, dtype=float).reshape(-1, self.d)
        except (TypeError, ValueError):
            return []
        slack = INSIDE * (self.high - self.low)
        inside = np.all((points >= self.low - slack) & (points <= self.high + slack), axis=1)
        return [*np.clip(points[inside], self.low, self.high)]


def check(kind: Any, d: int | None, evaluations: int = TRUTH) -> Known:
    """Compare the documentation of a function with its values.

    Args:
        kind: its class.
        d: inputs; None for as many as SciPy gives it.
        evaluations: an input, of a search for a lower value than the documented one.
    """
    try:
        black = Black(kind, d)
        rng = np.random.default_rng(0)
        x = rng.uniform(black.low, black.high, (RANDOM, black.d))
        values = black.raw(x)
    except Exception as error:
        return Known(d or 0, reason=f"it raises {type(error).__name__}")
    documented = float(black.made.fglob)
    if not np.isfinite(documented):
        return Known(black.d, reason="its documented least value is no number")
    if bad := int(np.isnan(values).sum()):
        return Known(black.d, reason=f"it is no number at {bad:,} of {RANDOM:,} random points")
    if not np.array_equal(values[:50], black.raw(x[:50])):
        return Known(black.d, reason="its values are random")
    size = float(np.median(values)) - documented
    if not 0 < size < np.inf:
        return Known(black.d, reason="half of its domain has the documented least value")
    at, least = _least(black, evaluations)
    if least < documented - WRONG * size:
        return Known(black.d, reason=f"a search found {least:.6g}, documented as least is {documented:.6g}")
    if least > documented + WRONG * size and not black.documented:
        return Known(black.d, reason="its documented point lies outside of its box")
    if least > documented + WRONG * size:
        return Known(
            black.d, reason=f"no search came nearer to the documented {documented:.6g} than {least:.6g}"
        )
    return Known(black.d, least, tuple(tuple(map(float, p)) for p in at))


def _least(black: Black, evaluations: int) -> tuple[list[Array], float]:
    """The best points and the least value: the documented ones, polished, and what differential evolution finds."""
    box = list(zip(black.low, black.high, strict=True))
    one: Callable[[Array], float] = lambda v: float(black(v[None])[0])  # noqa: E731
    starts = black.documented
    size = 15 * black.d
    for seed in range(2):
        found = differential_evolution(
            lambda u: black(u.T) if u.ndim == 2 else one(u),
            box,
            rng=np.random.default_rng([seed, 77]),
            vectorized=True,
            updating="deferred",
            popsize=15,
            maxiter=max(evaluations * black.d // (2 * size) - 1, 1),
            tol=1e-12,
            polish=False,
        )  # fmt: skip
        starts.append(found.x)
    ends = []
    for start in starts:
        options = {"xatol": 1e-12, "fatol": 0.0, "maxfev": 200 * black.d}
        end = minimize(one, start, method="Nelder-Mead", bounds=box, options=options).x
        ends.append(min((start, end), key=one))
    least = min(map(one, ends))
    documented = [
        p for p, q in zip(black.documented, ends, strict=False) if one(q) <= least + 1e-9 * abs(least)
    ]
    return documented or [min(ends, key=one)], least


def problem(black: Black, known: Known, name: str, instance: int) -> tuple[Problem, float]:
    """The error 1 / (1 + (f - f*) / m) of an instance, and m, the median of f - f* over random points.

    Instance 0 is the box of SciPy. Of others each face is moved towards one of the optima (which one is random, too) by a
    random share of their distance: the optimum stays inside, no longer at the centre or at another point that a lattice has.
    A face that it lies on stays.
    """
    low, high = black.low, black.high
    rng = np.random.default_rng([zlib.crc32(name.encode()), black.d, instance])
    if instance:
        at = np.array(known.at[rng.integers(len(known.at))])
        low, high = (face + rng.uniform(0, CUT, black.d) * (at - face) for face in (low, high))

    def above(x: Array) -> Array:
        return black(x) - known.least

    middle = float(np.median(above(np.random.default_rng(99).uniform(low, high, (RANDOM, black.d)))))

    def error(x: Array) -> Array:
        # A value below f* by more than m would turn the error negative: there it is as large as a float allows.
        return 1 / np.maximum(1 + above(x) / middle, 1e-300)

    axes = {f"x{i + 1}": (float(a), float(b)) for i, (a, b) in enumerate(zip(low, high, strict=True))}
    return Problem(error, lambda x: np.zeros(len(x)), Domain.from_axes(axes)), middle

"""The bound of a model as it is deployed in float32: how much more than in exact arithmetic its error can be.

A float32 model runs the operations of its program on the nearest float32 numbers of a point. `rounding_in_single` bounds on
a box how far each output is from its exact value; divided by the smallest divisor of the error there (a scale, a tolerance,
the reference of a relative error), it is what rounding can add to the error. The domain is halved until no cell has much
more than points have. All of this is in the certificate (`deployed`, docs/certificate-format.md), and the checker proves it
again. What the runtime is assumed to do is named there: `assumptions_in_single`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import Boxes
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.node_models import models_of
from supnorm.certification.rounding import Array, outward
from supnorm.certification.single_local import ULP
from supnorm.certification.single_precision import rounding_in_single
from supnorm.problem import Function, Problem
from supnorm.program import Node, Program, Unsupported, program_of
from supnorm.program.branches import jumps
from supnorm.program.single_precision import Kernel, kernels, names
from supnorm.results.numbers import num
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY

# With so many cells the bound of a 3x64 tanh network in 2-D ends 1.24 times above that of its worst point; with 16 cells
# at 1.65 times, with 4,096 at 1.03 times. Large programs get fewer, so that the checker needs seconds.
MOST, WORK = 64, 3e6
STATED = 1.01  # room for the checker's arithmetic: of 650 random programs none needs more than 1.005
NEAR = 1.2  # a cell whose bound is at most this many times the largest bound of a point is not halved


@dataclass(frozen=True, eq=False)
class Deployed:
    """What float32 arithmetic adds to the error of a model.

    Attributes:
        runtime: the runtime that is assumed to run the model.
        functions: the assumed accuracy of each function of the program.
        cells: cells that tile the box; ``upper`` bounds what rounding adds there, in the unit of the error.
    """

    runtime: str
    functions: dict[str, Kernel]
    cells: Boxes

    @property
    def rounding(self) -> float:
        """What rounding adds anywhere, at most; infinite where there is no bound."""
        return float(self.cells.upper.max())

    def assumptions(self) -> tuple[str, ...]:
        """What the bound assumes of the runtime, in words."""
        return assumptions_in_single(self.runtime, self.functions)

    def to_json(self, upper: float) -> dict[str, Any]:
        """The entry of the certificate; ``upper`` is the bound of the deployed model."""
        return {
            "precision": "float32",
            "runtime": self.runtime,
            "functions": {op: stated(k) for op, k in sorted(self.functions.items())},
            "level": self.cells.level.tolist(),
            "index": self.cells.index.tolist(),
            "rounding": self.rounding.hex(),
            "upper": upper.hex(),
        }


def stated(kernel: Kernel) -> list[str]:
    """A kernel as the certificate states it."""
    return [float(v).hex() for v in (kernel.ulps, kernel.absolute, kernel.argument, kernel.most)]


def runs_in_single(model: Function | None, d: int) -> tuple[str, dict[str, Kernel]] | str:
    """The runtime that runs a model in float32, with the functions that its program uses.

    Otherwise a reason in words why its rounding in float32 is not known, empty if it does not run in float32 at all.
    """
    if model is None or model.precision != "float32" or model.declared is not None:
        return ""
    try:
        program = program_of(model, d, limited=True, branches=True)
    except Unsupported:
        return ""
    origin = program.origin
    if origin is None:
        return CERTIFY.text(fact("single-unknown-code"))
    known = kernels(origin.runtime)
    used = {_name(node) for node in program.nodes if node.op not in _EXACT}
    unlike = (*origin.unlike, *sorted(op for op in used if op not in known))
    if unlike:
        return CERTIFY.text(
            fact("single-unknown-operators", runtime=origin.runtime, operators=", ".join(unlike))
        )
    return origin.runtime, {op: _with_exponents(known[op], op, program) for op in used}


# |log| of what float32 holds is at most 103.3; so is |p log x| where x^p neither overflows nor vanishes
LOGARITHM = 104.0


def _with_exponents(kernel: Kernel, op: str, program: Program) -> Kernel:
    """The kernel with room for exponents that float32 does not hold.

    A runtime computes x^q with q next to p. This is x^p times exp((q - p) log x), where |log x| is at most `LOGARITHM`, and
    at most `LOGARITHM` / |p| where x^p has a value. For another whole number q the sign may be another one.
    """
    ulps = kernel.ulps
    for p in (float(n.parameter or 0.0) for n in program.nodes if n.op == "pow" and _name(n) == op):
        with np.errstate(over="ignore"):
            off = abs(float(np.float32(p)) - p)
        room = math.inf if off and p.is_integer() else math.expm1(off * LOGARITHM / max(abs(p), 1.0))
        ulps = max(ulps, kernel.ulps + room * (1.0 + 1e-9) / ULP)
    return replace(kernel, ulps=ulps)


# operations that IEEE 754 rounds correctly, or that round nothing
_EXACT = names("input constant affine take concat add sub mul div neg abs relu leaky_relu min max")


def _name(node: Node) -> str:
    return "square" if node.op == "pow" and node.parameter == 2.0 else node.op


def assumptions_in_single(runtime: str, functions: dict[str, Kernel]) -> tuple[str, ...]:
    """What a bound of a float32 model assumes of its runtime, in words."""
    words = []
    for op, k in sorted(functions.items()):
        parts = [f"{num(k.ulps, 3)} ulp"] if k.ulps else []
        parts += [num(k.absolute, 2)] if k.absolute else []
        parts += [f"{num(k.argument, 2)} |x|"] if k.argument else []
        words.append(f"{op} within {' + '.join(parts)}")
    return (CERTIFY.text(fact("single-assumed", runtime=runtime, functions=", ".join(words))),)


def deployed_in_single(problem: Problem, error: ErrorProgram) -> Deployed | None:
    """What float32 adds to the error of a float32 model; None where that is not known, has no bound, or beside a choice."""
    runs = runs_in_single(problem.model, error.d)
    if isinstance(runs, str) or error.declared or error.at_least or any(map(jumps, error.at_points)):
        return None
    runtime, functions = runs
    parts = [parts_of(program) for program in error.at_points]
    model = parts[0].model
    work = sum(1 if node.weight is None else node.weight.size for node in model.nodes) * (model.m + error.d)
    most = int(np.clip(WORK / work, 1, MOST))
    cells, best = Boxes.root(error.d), 0.0
    while True:
        open_ = np.flatnonzero(np.isinf(cells.upper))
        if not len(open_):
            break
        bound, point, axis = _bounded(cells.take(open_), error, parts, functions)
        best = max(best, float(np.max(point, initial=0.0)))
        cells.upper[open_] = bound
        again = np.flatnonzero(~(cells.upper <= NEAR * best))
        again = again[np.isin(again, open_)]
        room = most - len(cells)
        if not len(again) or room <= 0:
            break
        worst = again[np.argsort(-cells.upper[again], kind="stable")][:room]
        axes = axis[np.searchsorted(open_, worst)]
        halves = cells.take(worst).split(axes)
        rest = cells.take(np.setdiff1d(np.arange(len(cells)), worst))
        cells = rest.join(replace(halves, upper=np.full(len(halves), np.inf)))
    return Deployed(runtime, functions, cells) if np.isfinite(cells.upper).all() else None


@dataclass(frozen=True, eq=False)
class Parts:
    """The model inside the program of an error, and the nodes that divide the error.

    Attributes:
        error: the program of the error.
        model: the program of the model.
        divisors: positions of the nodes that divide the difference of model and reference.
    """

    error: Program
    model: Program
    divisors: tuple[int, ...]


def parts_of(error: Program) -> Parts:
    """Model and divisors of an error that is (model - reference), divided by some nodes or by none."""
    position, divisors = len(error.nodes) - 1, []
    while error.nodes[position].op == "div":
        position, divisor = error.nodes[position].args
        divisors.append(divisor)
    if error.nodes[position].op != "sub":
        raise AssertionError(f"the error ends with {error.nodes[position].op}, not with a difference")
    return Parts(error, until(error, error.nodes[position].args[0]), tuple(divisors))


def until(program: Program, last: int) -> Program:
    """The program that ends with an inner node."""
    needed = {0, last}
    for position in range(last, -1, -1):
        if position in needed:
            needed.update(program.nodes[position].args)
    order = sorted(needed)
    rename = {old: new for new, old in enumerate(order)}
    nodes = [replace(program.nodes[i], args=tuple(rename[a] for a in program.nodes[i].args)) for i in order]
    return Program(tuple(nodes))


def _bounded(
    cells: Boxes, error: ErrorProgram, parts: list[Parts], functions: dict[str, Kernel]
) -> tuple[Array, Array, NDArray[np.intp]]:
    """For each cell what rounding adds there, the same at its centre alone, and the axis to halve, shapes ``(B,)``."""
    centre, half = in_units(error, *cells.centre_and_half(error.low, error.high))
    size, bend = rounding_in_single(parts[0].model, centre, half, functions)
    at_centre, _ = rounding_in_single(parts[0].model, centre, np.zeros_like(half), functions)
    added = _over_divisors(size, parts, centre, half)
    point = _over_divisors(at_centre, parts, centre, np.zeros_like(half))
    deepest = np.where(cells.level >= 40, -1.0, bend * (1.0 + 1e-9) + 1e-300)
    return added, np.where(np.isfinite(point), point, 0.0), deepest.argmax(1)


def _over_divisors(size: Array, parts: list[Parts], centre: Array, half: Array) -> Array:
    """What a difference of the outputs, shape ``(B, m)``, adds to the error, shape ``(B,)``: by the best alternative."""
    added = np.full(size.shape, np.inf)
    for part in parts:
        share = size
        models = models_of(part.error, centre, half) if part.divisors else []
        for position in part.divisors:
            model = models[position]
            least = np.abs(model.c) - model.reach[:, 0]
            least = np.where(least > 0.0, least * (1.0 - 1e-12), 0.0)
            with np.errstate(all="ignore"):
                share = np.where(least > 0.0, share / np.where(least > 0.0, least, 1.0), np.inf)
        added = np.fmin(added, share)
    return outward(added.max(1) * STATED, 32)


def in_units(error: ErrorProgram, centre: Array, half: Array) -> tuple[Array, Array]:
    """Boxes of the coordinates of the proof as boxes in the units of the axes, rounded outwards."""
    log = np.asarray(error.log)
    if not log.any():
        return centre, half
    low = np.where(log, np.exp(np.where(log, centre - half, 0.0)) * (1.0 - 1e-14), centre - half)
    high = np.where(log, np.exp(np.where(log, centre + half, 0.0)) * (1.0 + 1e-14), centre + half)
    middle = 0.5 * (low + high)
    reach = 0.5 * (high - low) * (1.0 + 1e-14) + 1e-15 * np.abs(middle)
    return np.where(log, middle, centre), np.where(log, reach, half)

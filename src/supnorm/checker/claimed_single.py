"""What a file claims about a model as it is deployed in float32; every field is checked as it is read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from supnorm.checker.quoted import quoted
from supnorm.checker.rejected import Rejected, exact, wholes

KEYS = {"precision", "runtime", "functions", "level", "index", "rounding", "upper"}
FUNCTIONS = frozenset(
    {
        "tanh",
        "sigmoid",
        "softplus",
        "silu",
        "gelu",
        "sin",
        "cos",
        "exp",
        "log",
        "sqrt",
        "erf",
        "pow",
        "square",
    }
)
DEEPEST = 1000  # as in `document`: a cap for hostile files; cells of certify are below level 60


@dataclass(frozen=True)
class Kernel:
    """The assumed accuracy of a float32 function: ulps 2^-23 |phi| + absolute + argument |x| for |x| <= most."""

    ulps: float
    absolute: float
    argument: float
    most: float


@dataclass(frozen=True)
class Cell:
    """A cell of the claim."""

    level: tuple[int, ...]
    index: tuple[int, ...]


@dataclass(frozen=True)
class SingleClaim:
    """The claim: on all cells float32 adds at most ``rounding`` to the error, which is then at most ``upper``."""

    runtime: str
    functions: dict[str, Kernel]
    cells: tuple[Cell, ...]
    rounding: float
    upper: float

    def sentence(self) -> str:
        """What the claim assumes."""
        words = [
            f"{op} within {_from_below(k.ulps)} ulp"
            + (f" + {_from_below(k.absolute)}" if k.absolute else "")
            + (f" + {_from_below(k.argument)} |x|" if k.argument else "")
            for op, k in sorted(self.functions.items())
        ]
        functions = f"; {', '.join(words)}" if words else ""
        return (
            f"deployed bound {_from_above(self.upper)}: {quoted(self.runtime)} computes the model in float32 by IEEE 754, "
            f"with the operations of the file and sums in any order{functions}"
        )


def _from_above(v: float) -> str:
    """A bound in few digits, or in all of them where few would print a smaller one."""
    short = f"{v:.6g}"
    return short if float(short) >= v else repr(v)


def _from_below(v: float) -> str:
    """What is assumed, in few digits, or in all of them where few would print more than the bound has room for."""
    short = f"{v:.2g}"
    return short if float(short) <= v else repr(v)


def read_single(data: Any, d: int, upper: float) -> SingleClaim:
    """The claim of a file; ``upper`` is its bound in exact arithmetic.

    Raises:
        Rejected: for a claim that is not well-formed, or smaller than its parts.
    """
    if type(data) is not dict or set(data) != KEYS or data["precision"] != "float32":
        raise Rejected("malformed certificate: keys of deployed")
    runtime = data["runtime"]
    if type(runtime) is not str or not runtime.isprintable() or len(runtime) > 80:
        raise Rejected("malformed certificate: the runtime of deployed must be a short text")
    functions = {op: _kernel(op, row) for op, row in data["functions"].items()}
    cells = tuple(
        Cell(wholes(level), wholes(index)) for level, index in zip(data["level"], data["index"], strict=True)
    )
    for cell in cells:
        if len(cell.level) != d or len(cell.index) != d or not all(0 <= v <= DEEPEST for v in cell.level):
            raise Rejected("malformed certificate: a cell of deployed")
    claim = SingleClaim(runtime, functions, cells, exact(data["rounding"]), exact(data["upper"]))
    if not (0.0 <= claim.rounding < math.inf and claim.upper < math.inf):
        raise Rejected("malformed certificate: the bounds of deployed must be finite")
    if not math.nextafter(upper + claim.rounding, math.inf) <= math.nextafter(claim.upper, math.inf):
        raise Rejected("the deployed bound is below the bound in exact arithmetic plus the rounding")
    return claim


def _kernel(op: str, row: Any) -> Kernel:
    if op not in FUNCTIONS or type(row) is not list or len(row) != 4:
        raise Rejected("malformed certificate: functions of deployed")
    kernel = Kernel(*map(exact, row))
    if not all(math.isfinite(v) and v >= 0.0 for v in (kernel.ulps, kernel.absolute, kernel.argument)):
        raise Rejected("malformed certificate: the accuracy of a function must be finite and not negative")
    if not kernel.most > 0.0:
        raise Rejected("malformed certificate: functions of deployed")
    return kernel

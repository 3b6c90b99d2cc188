"""What source code in C and in Fortran shares: the walk through a program, test vectors, the bound of rounding, the header.

A `Language` writes single operations. `written` asks it for one node after the other, so that every language computes in
the same order: each sum from its first to its last term, then the bias.
"""

from __future__ import annotations

import math
import re
import textwrap
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.running_error import with_rounding
from supnorm.problem import Domain
from supnorm.program import Node, Program, Unsupported
from supnorm.results import BadInput
from supnorm.results.outward import rounded_up

Array = NDArray[np.float64]
COLUMNS = 110  # of a line of the header
VECTORS = 32  # test vectors: corners and inside
UNARY = (
    *("neg", "abs", "relu", "tanh", "sigmoid", "softplus", "silu"),
    *("sin", "cos", "exp", "log", "sqrt", "erf", "atan"),
)
BINARY = ("add", "sub", "mul", "div", "min", "max")
WITH_NUMBER = ("pow", "leaky_relu")  # their exponent and slope
# Powers that some compilers replace and others do not; written out, they are the same everywhere.
PLAIN_POWERS = {2.0: "{a} * {a}", 1.0: "{a}", -1.0: "1.0 / {a}"}


@dataclass
class Language(ABC):
    """Source code of one language, which grows node by node. Node ``k`` is the variable ``v{k}``.

    Attributes:
        title: the name of the language.
        constants, variables, body: lines of three places, for languages that part them.
    """

    title: str
    constants: list[str] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)

    @abstractmethod
    def input(self, k: int, width: int) -> None:
        """v_k = x."""

    @abstractmethod
    def constant(self, k: int, value: Array) -> None:
        """v_k = value, shape ``(width,)``."""

    @abstractmethod
    def affine(self, k: int, argument: int, weight: Array, bias: Array) -> None:
        """v_k = weight v_argument + bias, shapes ``(n, width)`` and ``(n,)``."""

    @abstractmethod
    def take(self, k: int, argument: int, columns: NDArray[np.intp]) -> None:
        """v_k = v_argument[columns]."""

    @abstractmethod
    def concat(self, k: int, arguments: list[int], widths: list[int]) -> None:
        """v_k = the arguments, one after the other."""

    @abstractmethod
    def formula(self, k: int, width: int, op: str, arguments: list[int], number: float | None) -> None:
        """v_k = op(arguments) feature by feature, op of `UNARY`, `BINARY` or `WITH_NUMBER`."""


def written(program: Program, into: Language) -> None:
    """Write all nodes of a program, in order.

    Raises:
        Unsupported: for an operation that is not among `UNARY`, `BINARY` and `WITH_NUMBER`.
    """
    for k, node in enumerate(program.nodes):
        _write(k, node, program, into)


def _write(k: int, node: Node, program: Program, into: Language) -> None:
    arguments = [*node.args]
    if node.op == "input":
        into.input(k, node.width)
    elif node.op == "constant":
        into.constant(k, np.asarray(node.value, dtype=float))
    elif node.op == "affine":
        into.affine(k, arguments[0], np.asarray(node.weight), np.asarray(node.bias))
    elif node.op == "take":
        into.take(k, arguments[0], np.asarray(node.columns))
    elif node.op == "concat":
        into.concat(k, arguments, [program.nodes[a].width for a in arguments])
    elif node.op in (*UNARY, *BINARY) or (node.op in WITH_NUMBER and node.parameter is not None):
        into.formula(k, node.width, node.op, arguments, node.parameter)
    else:
        known = f"{', '.join([*UNARY, *BINARY])}, powers and sums"
        raise Unsupported(f"{node.op} in {into.title}", known)


@dataclass(frozen=True)
class Vectors:
    """Test vectors of a program.

    Attributes:
        x: points, shape ``(n, d)``.
        y: values of the program there, ``(n, m)``.
        allowed: how far those of compiled source may be from ``y``: the rounding of both.
        known: vectors whose rounding has a bound.
        bound: the largest one.
    """

    x: Array
    y: Array
    allowed: Array
    known: int
    bound: float

    @staticmethod
    def of(program: Program, domain: Domain) -> Vectors:
        """The vectors at the `points` of a domain."""
        x = points(domain)
        y, off = with_rounding(program, x, np.zeros_like(x))
        known = off.max(axis=1) < math.inf
        allowed = np.where(np.isfinite(off), 2.0 * off, 1e-9 * (1.0 + np.abs(y)))
        bound = rounded_up(float(off[known].max(initial=0.0)), 3)
        return Vectors(x, y, allowed, int(known.sum()), bound)


def points(domain: Domain) -> Array:
    """Points of the domain: its middle, some corners, and points inside."""
    rng = np.random.default_rng(0)
    d = domain.d
    corners = np.vstack([np.full(d, 0.5), np.zeros(d), np.ones(d), rng.integers(0, 2, (5, d))])
    chosen = domain.from_unit(np.vstack([corners, rng.random((VECTORS - len(corners), d))]))
    return np.ascontiguousarray(chosen)


def header(program: Program, domain: Domain, vectors: Vectors, library: str, never: str) -> list[str]:
    """What the comment at the top of a file says.

    Args:
        program, domain, vectors: what is written.
        library: what computes exp and the like, and how it is reached.
        never: the options that must not be used.
    """
    inputs = ", ".join(re.sub(r"[^A-Za-z0-9_ .-]", "?", name)[:60] for name in domain.names)
    return [
        *textwrap.wrap(
            f"{program.d} inputs ({inputs}), {program.m} outputs; written by supnorm from the program {program.hash}.",
            COLUMNS,
            break_long_words=False,
            break_on_hyphens=False,
        ),
        "Operations run in this order, each sum from its first to its last term, without any library but that of",
        f"{library}.",
        f"Rounding: at {vectors.known} of the {len(vectors.x)} test vectors below the values are",
        f"within {vectors.bound!r} of those of exact arithmetic, if numbers are IEEE doubles that are",
        "rounded to nearest and each function of math.h is accurate to 2 units in the last place.",
        "At other points nothing is claimed.",
        "A compiler may turn a product and a sum into one operation with one rounding (FMA); the bound allows it.",
        "-ffp-contract=off forbids it: compiled so, the C and the Fortran source of a program give the same bits with",
        "the same math.h, because they run the same operations in the same order.",
        f"Never use {never}: the order of sums changes, and the bound is void.",
    ]


def demand_name(name: str, reserved: frozenset[str], language: str) -> None:
    """Check that a function of the source can have this name.

    Raises:
        BadInput: for other signs than letters, digits and _, and for words of the language or of the file.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,50}", name):
        raise BadInput(
            f"the name of a {language} function is a letter, then letters, digits and _, got {name!r}"
        )
    if name.lower() in reserved or re.fullmatch(r"[bvw]\d+|(c|of)_.*", name.lower()):
        raise BadInput(
            f"the name of a {language} function must not be one of {language} or of this file, got {name!r}"
        )

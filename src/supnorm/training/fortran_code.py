"""Fortran source of a program: a module of Fortran 2008 for a preprocessor, with test vectors under ``-DSUPNORM_TEST``.

Exponentials and the like are those of C's ``math.h``, bound by name. Fortran's own are not the same numbers: gfortran takes
vectors of four from glibc's ``libmvec`` at ``-O2 -march=native`` (4 units in the last place; differences seen in half of the
values of tanh), and which ones depends on the length of an array.

Tables stand in ``data`` statements of the module: an array constructor of one ``parameter`` may have 255 lines at most,
and a pure procedure may hold no ``data``. Functions with cases are procedures with ``if``, because ``merge`` may compute
both cases, and the other one can overflow and end a program that traps that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain
from supnorm.program import Program
from supnorm.training.source_code import PLAIN_POWERS, UNARY, Language, Vectors, demand_name, header, written

Array = NDArray[np.float64]
ROW, LINES = 4, 200  # numbers a line (132 signs at most), lines a statement (255 continuations at most)
FORMULAS = {
    "neg": "-{a}",
    "abs": "abs({a})",
    "sqrt": "sqrt({a})",
    "add": "{a} + {b}",
    "sub": "{a} - {b}",
    "mul": "{a} * {b}",
    "div": "{a} / {b}",
    "min": "of_min({a}, {b})",
    "max": "of_max({a}, {b})",
    "pow": "of_pow({a}, {number})",
    "leaky_relu": "of_leaky_relu({a}, {number})",
    **{op: f"of_{op}({{a}})" for op in UNARY if op not in ("neg", "abs", "sqrt")},
}
# Functions of the module: further arguments, then the statements. NaN stays NaN in each of them, as in Python.
OWN = {
    **{op: ("", [f"value = c_{op}(a)"]) for op in ("tanh", "sin", "cos", "exp", "log", "erf", "atan")},
    "pow": ("p", ["value = c_pow(a, p)"]),
    "relu": ("", ["value = a", "if (a < 0.0_dp) value = 0.0_dp"]),
    "leaky_relu": ("slope", ["value = a", "if (.not. a >= 0.0_dp) value = slope * a"]),
    "sigmoid": (
        "",
        [
            "if (a < 0.0_dp) then",
            "  value = c_exp(a) / (1.0_dp + c_exp(a))",
            "else",
            "  value = 1.0_dp / (1.0_dp + c_exp(-a))",
            "end if",
        ],
    ),
    "silu": (
        "",
        [
            "if (a < 0.0_dp) then",
            "  value = a * (c_exp(a) / (1.0_dp + c_exp(a)))",
            "else",
            "  value = a / (1.0_dp + c_exp(-a))",
            "end if",
        ],
    ),
    "softplus": (
        "",
        ["value = a", "if (a < 0.0_dp) value = 0.0_dp", "value = value + c_log1p(c_exp(-abs(a)))"],
    ),
    "min": ("b", ["value = a", "if (.not. (ieee_is_nan(a) .or. b >= a)) value = b"]),
    "max": ("b", ["value = a", "if (.not. (ieee_is_nan(a) .or. b <= a)) value = b"]),
}
NAN = "  use, intrinsic :: ieee_arithmetic, only: ieee_is_nan"
LIMITS = {"infinity": "7FF0000000000000", "minus_infinity": "FFF0000000000000", "nan": "7FF8000000000000"}
# Words that this file uses, in small letters as Fortran reads all names.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        "abs a allowed b bad c_double compare dp i ieee_arithmetic ieee_is_nan infinity int int64 iso_c_binding "
        "iso_fortran_env j k minus_infinity nan p real real64 s same slope sqrt test_x test_y transfer value x y main "
        "module program subroutine function end if then else do integer data interface use",
    )
)


class Fortran(Language):
    """Statements of a subroutine of ``x`` and ``y``; its ``constants`` stand in the module."""

    def __init__(self) -> None:
        super().__init__("Fortran")
        self.used: set[str] = set()  # functions of `OWN`

    def input(self, k: int, width: int) -> None:
        self._let(k, width, "x")

    def constant(self, k: int, value: Array) -> None:
        self.constants += table(f"v{k}", value[None, :], flat=True)

    def affine(self, k: int, argument: int, weight: Array, bias: Array) -> None:
        n, width = weight.shape
        self.constants += [*table(f"w{k}", weight), *table(f"b{k}", bias[None, :], flat=True)]
        self.variables.append(f"real(dp) :: v{k}({n})")
        self.body += [
            f"do i = 1, {n}",
            "  s = 0.0_dp",
            f"  do j = 1, {width}",
            f"    s = s + w{k}(j, i) * v{argument}(j)",
            "  end do",
            f"  v{k}(i) = s + b{k}(i)",
            "end do",
        ]

    def take(self, k: int, argument: int, columns: NDArray[np.intp]) -> None:
        self.variables.append(f"real(dp) :: v{k}({len(columns)})")
        self.body += [f"v{k}({i + 1}) = v{argument}({c + 1})" for i, c in enumerate(columns.tolist())]

    def concat(self, k: int, arguments: list[int], widths: list[int]) -> None:
        self.variables.append(f"real(dp) :: v{k}({sum(widths)})")
        start = 0
        for a, width in zip(arguments, widths, strict=True):
            self.body.append(f"v{k}({start + 1}:{start + width}) = v{a}")
            start += width

    def formula(self, k: int, width: int, op: str, arguments: list[int], number: float | None) -> None:
        a, b = [f"v{i}" for i in (*arguments, 0)][:2]
        text = PLAIN_POWERS.get(number, FORMULAS[op]) if op == "pow" and number is not None else FORMULAS[op]
        self.used |= {op} & {*OWN} if text == FORMULAS[op] else set()
        self._let(k, width, text.format(a=a, b=b, number=literal(number or 0.0)))

    def _let(self, k: int, width: int, text: str) -> None:
        self.variables.append(f"real(dp) :: v{k}({width})")
        self.body.append(f"v{k} = {text}")


def fortran_source(program: Program, domain: Domain, name: str = "supnorm_model") -> str:
    """The program as Fortran source with test vectors: a module ``NAME_module`` with a pure subroutine ``NAME(x, y)``.

    Raises:
        BadInput: for a name that no subroutine can have.
        Unsupported: for an operation that no source has.
    """
    demand_name(name, RESERVED, "Fortran")
    code, vectors = Fortran(), Vectors.of(program, domain)
    written(program, code)
    comment = header(
        program, domain, vectors, "math.h, bound by iso_c_binding", "-ffast-math, -Ofast or -fp-model=fast"
    )
    comment += [
        "The compilers of Intel reorder sums unless they are given -fp-model=precise.",
        f"Compare with the test vectors: gfortran -DSUPNORM_TEST -ffp-contract=off {name}.F90 && ./a.out",
    ]
    lines = [
        *(f"! {line}" for line in comment),
        "#ifdef __FAST_MATH__",
        '#error "compile it without -ffast-math: NaN and the order of the operations count"',
        "#endif",
        *_module(code, program, name),
        "#ifdef SUPNORM_TEST",
        *_test(program, vectors, name),
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _module(code: Fortran, program: Program, name: str) -> Iterator[str]:
    affine = any(node.op == "affine" for node in program.nodes)
    yield f"module {name}_module"
    yield from _beginning([*code.constants, *code.body], *([NAN] if {"min", "max"} & code.used else []))
    yield from ("  private", f"  public :: {name}")
    yield from ["  integer :: k"] if code.constants else []
    yield from (f"  {line}" for line in code.constants)
    yield from (f"  {line}" for line in _interface(code.used))
    yield from ("contains", f"  pure subroutine {name}(x, y)")
    yield f"    real(dp), intent(in) :: x({program.d})"
    yield f"    real(dp), intent(out) :: y({program.m})"
    yield from ["    real(dp) :: s", "    integer :: i, j"] if affine else []
    yield from (f"    {line}" for line in (*code.variables, *code.body))
    yield f"    y = v{len(program.nodes) - 1}"
    yield f"  end subroutine {name}"
    for op in sorted(code.used):
        yield from (f"  {line}" for line in _function(op))
    yield f"end module {name}_module"


def _beginning(lines: Sequence[str], *used: str) -> Iterator[str]:
    """The first lines of a module or a program: what it uses, and names for infinite numbers and NaN if needed."""
    text = "\n".join(lines)
    needed = [limit for limit in LIMITS if re.search(rf"\b{limit}\b", text)]
    yield f"  use, intrinsic :: iso_fortran_env, only: dp => real64{', int64' if needed else ''}"
    yield from used
    yield "  implicit none"
    for limit in needed:
        yield f"  real(dp), parameter :: {limit} = transfer(int(z'{LIMITS[limit]}', int64), 0.0_dp)"


def _interface(used: set[str]) -> Iterator[str]:
    """The functions of math.h that some functions of the module call."""
    called = sorted({*re.findall(r"c_(\w+)\(", " ".join(line for op in used for line in OWN[op][1]))})
    yield from ["interface  ! of math.h"] if called else []
    for name in called:
        arguments = "a, p" if name == "pow" else "a"
        yield from (
            f'  pure function c_{name}({arguments}) bind(c, name="{name}") result(value)',
            "    use, intrinsic :: iso_c_binding, only: c_double",
            f"    real(c_double), value :: {arguments}",
            "    real(c_double) :: value",
            f"  end function c_{name}",
        )
    yield from ["end interface"] if called else []


def _function(op: str) -> Iterator[str]:
    more, statements = OWN[op]
    arguments = ", ".join(filter(None, ["a", more]))
    yield f"elemental function of_{op}({arguments}) result(value)"
    yield f"  real(dp), intent(in) :: {arguments}"
    yield "  real(dp) :: value"
    yield from (f"  {line}" for line in statements)
    yield f"end function of_{op}"


def _test(program: Program, vectors: Vectors, name: str) -> Iterator[str]:
    parts = {"test_x": vectors.x, "test_y": vectors.y, "allowed": vectors.allowed}
    tables = [f"  {line}" for part in parts for line in table(part, parts[part])]
    yield "program compare"
    yield from _beginning(tables, NAN, f"  use {name}_module, only: {name}")
    yield from ("  integer :: i, k, bad", f"  real(dp) :: y({program.m})")
    yield from tables
    yield from (
        "  bad = 0",
        f"  do k = 1, {len(vectors.x)}",
        f"    call {name}(test_x(:, k), y)",
        f"    do i = 1, {program.m}",
        "      if (.not. same(y(i), test_y(i, k), allowed(i, k))) bad = bad + 1",
        "    end do",
        "  end do",
        "  print '(i0, a)', bad, ' values differ'",
        "  if (bad > 0) stop 1",
        "contains",
        "  ! Infinite values are compared too, and both sides may have none.",
        "  pure logical function same(a, b, within)",
        "    real(dp), intent(in) :: a, b, within",
        "    same = abs(a - b) <= within .or. &",
        "      ((ieee_is_nan(a) .eqv. ieee_is_nan(b)) .and. .not. (a < b .or. a > b))",
        "  end function same",
        "end program compare",
    )


def literal(value: float) -> str:
    """A number that Fortran reads back exactly. Few digits of a subnormal number would be rounded twice.

    >>> literal(0.1), literal(2), literal(-math.inf), literal(5e-324)
    ('0.1_dp', '2.0_dp', 'minus_infinity', '4.94065645841246544e-324_dp')
    """
    value = float(value)
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "infinity" if value > 0 else "minus_infinity"
    small = 0.0 < abs(value) < 2.2250738585072014e-308
    return format(value, ".17e") + "_dp" if small else f"{value!r}_dp"


def table(name: str, values: Array, flat: bool = False) -> Iterator[str]:
    """An array that holds row ``i`` of ``values`` as column ``i``; the only row as a vector if ``flat``."""
    rows, width = values.shape
    yield f"real(dp) :: {name}({width})" if flat else f"real(dp) :: {name}({width}, {rows})"
    for i, row in enumerate(values.tolist()):
        for start in range(0, width, ROW * LINES):
            part = row[start : start + ROW * LINES]
            yield from _data(name if flat else f"{name}|{i + 1}", start, part)


def _data(name: str, start: int, part: Sequence[float]) -> Iterator[str]:
    name, _, column = name.partition("|")
    element = f"{name}(k, {column})" if column else f"{name}(k)"
    yield f"data ({element}, k = {start + 1}, {start + len(part)}) / &"
    lines = [part[i : i + ROW] for i in range(0, len(part), ROW)]
    for i, line in enumerate(lines):
        end = " /" if i == len(lines) - 1 else ", &"
        yield "  " + ", ".join(literal(v) for v in line) + end

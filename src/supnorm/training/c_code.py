"""C source of a program: C99, nothing but ``math.h``, with test vectors under ``-DSUPNORM_TEST``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain
from supnorm.program import Program
from supnorm.training.source_code import PLAIN_POWERS, Language, Vectors, demand_name, header, written

Array = NDArray[np.float64]
# Of the numbers a and b. NaN stays NaN in each of them, as in Python.
FORMULAS = {
    "neg": "-a",
    "abs": "fabs(a)",
    "relu": "(a < 0.0 ? 0.0 : a)",
    "tanh": "tanh(a)",
    "sigmoid": "(a < 0.0 ? exp(a) / (1.0 + exp(a)) : 1.0 / (1.0 + exp(-a)))",
    "softplus": "((a < 0.0 ? 0.0 : a) + log1p(exp(-fabs(a))))",
    "silu": "(a < 0.0 ? a * (exp(a) / (1.0 + exp(a))) : a / (1.0 + exp(-a)))",
    "sin": "sin(a)",
    "cos": "cos(a)",
    "exp": "exp(a)",
    "log": "log(a)",
    "sqrt": "sqrt(a)",
    "erf": "erf(a)",
    "atan": "atan(a)",
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div": "a / b",
    "min": "(a != a ? a : b < a || b != b ? b : a)",
    "max": "(a != a ? a : b > a || b != b ? b : a)",
    "pow": "pow(a, {number})",
    "leaky_relu": "(a >= 0.0 ? a : {number} * a)",
}
# Words of C, functions of math.h and stdio.h that the file needs, and names that it gives itself.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        "auto break case char const continue default do double else enum extern float for goto if inline int long register "
        "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
        "fabs tanh exp log log1p sin cos sqrt erf atan pow printf main same test_x test_y allowed x y nan infinity",
    )
)


class C(Language):
    """The body of a function of ``const double *x``; constants and variables stand where they are used."""

    def input(self, k: int, width: int) -> None:
        self.body.append(f"    const double *v{k} = x;")

    def constant(self, k: int, value: Array) -> None:
        self.body.append(f"    static const double v{k}[{len(value)}] = {{{_list(value)}}};")

    def affine(self, k: int, argument: int, weight: Array, bias: Array) -> None:
        n, width = weight.shape
        self.body += [
            *(f"    {line}" for line in _table(f"w{k}", weight)),
            f"    static const double b{k}[{n}] = {{{_list(bias)}}};",
            f"    double v{k}[{n}];",
            f"    for (int i = 0; i < {n}; i++) {{",
            "        double s = 0.0;",
            f"        for (int j = 0; j < {width}; j++) s += w{k}[i][j] * v{argument}[j];",
            f"        v{k}[i] = s + b{k}[i];",
            "    }",
        ]

    def take(self, k: int, argument: int, columns: NDArray[np.intp]) -> None:
        self.body.append(f"    double v{k}[{len(columns)}];")
        self.body += [f"    v{k}[{i}] = v{argument}[{c}];" for i, c in enumerate(columns.tolist())]

    def concat(self, k: int, arguments: list[int], widths: list[int]) -> None:
        self.body.append(f"    double v{k}[{sum(widths)}];")
        start = 0
        for a, width in zip(arguments, widths, strict=True):
            self.body.append(f"    for (int i = 0; i < {width}; i++) v{k}[{start} + i] = v{a}[i];")
            start += width

    def formula(self, k: int, width: int, op: str, arguments: list[int], number: float | None) -> None:
        given = "".join(f"const double {n} = v{a}[i]; " for n, a in zip("ab", arguments, strict=False))
        text = FORMULAS[op].replace("{number}", literal(number or 0.0))
        if op == "pow" and number in PLAIN_POWERS:
            text = PLAIN_POWERS[number].format(a="a")
        self.body.append(f"    double v{k}[{width}];")
        self.body.append(f"    for (int i = 0; i < {width}; i++) {{ {given}v{k}[i] = {text}; }}")


def c_source(program: Program, domain: Domain, name: str = "supnorm_model") -> str:
    """The program as C source with test vectors.

    Raises:
        BadInput: for a name that no function can have.
        Unsupported: for an operation that no source has.
    """
    demand_name(name, RESERVED, "C")
    code, vectors = C("C"), Vectors.of(program, domain)
    written(program, code)
    comment = header(program, domain, vectors, "math.h", "-ffast-math")
    comment.append(
        f"Compare with the test vectors: cc -DSUPNORM_TEST -ffp-contract=off {name}.c -lm && ./a.out"
    )
    return "\n".join([*_comment(comment), *_model(code, program, name), *_test(program, vectors, name), ""])


def _comment(lines: list[str]) -> Iterator[str]:
    yield f"/* {lines[0]}"
    yield from (f"   {line}" for line in lines[1:-1])
    yield f"   {lines[-1]} */"


def _model(code: C, program: Program, name: str) -> Iterator[str]:
    yield from (
        "#include <math.h>",
        "",
        "#ifdef __FAST_MATH__",
        '#error "compile it without -ffast-math: NaN and the order of the operations count"',
        "#endif",
        "",
        f"void {name}(const double *x, double *y)",
        "{",
    )
    yield from code.body
    yield f"    for (int i = 0; i < {program.m}; i++) y[i] = v{len(program.nodes) - 1}[i];"
    yield "}"


def _test(program: Program, vectors: Vectors, name: str) -> Iterator[str]:
    yield from ("", "#ifdef SUPNORM_TEST", "#include <stdio.h>")
    for table in ("x", "y", "allowed"):
        yield from _table(table if table == "allowed" else f"test_{table}", getattr(vectors, table))
    yield from (
        "/* Infinite values are compared too, and both sides may have none. */",
        "static int same(double a, double b, double within)",
        "{",
        "    return a == b || (a != a && b != b) || fabs(a - b) <= within;",
        "}",
        "int main(void)",
        "{",
        "    int bad = 0;",
        f"    for (int k = 0; k < {len(vectors.x)}; k++) {{",
        f"        double y[{program.m}];",
        f"        {name}(test_x[k], y);",
        f"        for (int i = 0; i < {program.m}; i++)",
        "            if (!same(y[i], test_y[k][i], allowed[k][i])) bad++;",
        "    }",
        '    printf("%d values differ\\n", bad);',
        "    return bad != 0;",
        "}",
        "#endif",
    )


def literal(value: float) -> str:
    """A number that C reads back exactly.

    >>> literal(0.1), literal(2), literal(-math.inf)
    ('0.1', '2.0', '-INFINITY')
    """
    value = float(value)
    if math.isfinite(value):
        return repr(value)
    return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"


def _list(values: Iterable[float]) -> str:
    return ", ".join(literal(v) for v in values)


def _table(name: str, values: Array) -> Iterator[str]:
    yield f"static const double {name}[{values.shape[0]}][{values.shape[1]}] = {{"
    yield from (f"    {{{_list(row)}}}," for row in values)
    yield "};"

"""Writes a fitted model as C source or as an ONNX graph, for programs that have neither Python nor supnorm.

The C source needs nothing but ``math.h``. It runs the operations of the program in a fixed order: each sum from the first
to the last term, then the bias. The file ends with test vectors; compiled with ``-DSUPNORM_TEST`` it is a program that
compares itself with them. At these points, the header says how far the values may be from those of exact arithmetic: a
bound by running error analysis (`supnorm.certification.running_error`), for rounding to nearest, fused multiply-add or not,
and functions of ``math.h`` that are accurate to 2 units in the last place. At other points nothing is claimed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.running_error import with_rounding
from supnorm.problem import Domain, Function
from supnorm.program import Node, Program, Unsupported, program_of
from supnorm.results import BadInput, install
from supnorm.results.outward import rounded_up
from supnorm.results.writing import write_whole

Array = NDArray[np.float64]
VECTORS = 32  # test vectors: corners and inside
# In C, of a number a. NaN stays NaN in each of them, as in Python.
FUNCTIONS = {
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
}
OPERATORS = {
    "add": "a + b",
    "sub": "a - b",
    "mul": "a * b",
    "div": "a / b",
    "min": "(a != a ? a : b < a || b != b ? b : a)",
    "max": "(a != a ? a : b > a || b != b ? b : a)",
}

# Words of C, functions of math.h and stdio.h that the file needs, and names that it gives itself.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        "auto break case char const continue default do double else enum extern float for goto if inline int long register "
        "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
        "fabs tanh exp log log1p sin cos sqrt erf atan pow printf main same test_x test_y allowed x y NAN INFINITY",
    )
)


def emit(model: Function, domain: Domain, path: Path | str, name: str = "supnorm_model") -> None:
    """Write a model as C source (``.c``) or as an ONNX graph (``.onnx``).

    Args:
        model: one whose code can be read, as that of every fitted model is.
        domain: where the test vectors are taken from.
        path: of the file.
        name: of the C function.

    Raises:
        BadInput: for another ending, a model that cannot be read, or an operation that the format lacks.
    """
    path = Path(path)
    try:
        program = program_of(model, domain.d)
        if path.suffix == ".c":
            write_whole(path, c_source(program, domain, name))
        elif path.suffix == ".onnx":
            write_whole(path, onnx_graph(program))
        else:
            raise BadInput(f"{path}: a model is written as C (.c) or ONNX (.onnx)")
    except Unsupported as error:
        raise BadInput(f"{path}: the model cannot be written: {error}") from None


def onnx_graph(program: Program) -> bytes:
    """The program as an ONNX graph in double precision, ``x (n, d)`` to ``y (n, m)``."""
    try:
        from onnx import TensorProto, checker, helper
    except ImportError:
        raise BadInput(f"a graph is written with onnx: {install('onnx')}") from None
    from supnorm.program.backend import run_program
    from supnorm.program.onnx_graph import OPSET, OnnxBackend, OnnxGraph

    graph = OnnxGraph()
    y = run_program(program.nodes, OnnxBackend(graph), "x")
    graph.apply("Identity", y, output="y")
    ports = [
        [helper.make_tensor_value_info(n, TensorProto.DOUBLE, ["n", k])]
        for n, k in (("x", program.d), ("y", program.m))
    ]
    document = helper.make_model(
        helper.make_graph(graph.nodes, "fitted model", ports[0], ports[1], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
        producer_name="supnorm",
    )
    checker.check_model(document, full_check=True)
    data: bytes = document.SerializeToString()
    return data


def c_source(program: Program, domain: Domain, name: str = "supnorm_model") -> str:
    """The program as C source with test vectors.

    Raises:
        Unsupported: for an operation that is not in `FUNCTIONS` or `OPERATORS`.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise BadInput(f"the name of a C function is letters, digits and _, got {name!r}")
    if name in RESERVED:
        raise BadInput(f"the name of a C function must not be one of C or of this file, got {name!r}")
    x = vectors(domain)
    y, off = with_rounding(program, x, np.zeros_like(x))
    known = off.max(axis=1) < math.inf
    bound = float(off[known].max(initial=0.0))
    widths = [node.width for node in program.nodes]
    body = [line for k, node in enumerate(program.nodes) for line in _node(k, node, widths)]
    last = len(program.nodes) - 1
    inputs = ", ".join(re.sub(r"[^A-Za-z0-9_ .-]", "?", n) for n in domain.names)
    # The comparison allows both roundings: that of the stored values and that of the compiled program.
    allowed = np.where(np.isfinite(off), 2.0 * off, 1e-9 * (1.0 + np.abs(y)))
    return "\n".join(
        [
            f"/* {program.d} inputs ({inputs}), {program.m} outputs; written by supnorm from the program",
            f"   {program.hash}.",
            "   Operations run in this order, without any library but math.h.",
            f"   Rounding: at {int(known.sum())} of the {len(x)} test vectors below the values are",
            f"   within {rounded_up(bound, 3)!r} of those of exact arithmetic, if numbers are IEEE doubles that are",
            "   rounded to nearest and each function of math.h is accurate to 2 units in the last place.",
            "   At other points nothing is claimed. Do not compile it with -ffast-math.",
            f"   Compare with the test vectors: cc -DSUPNORM_TEST {name}.c -lm && ./a.out */",
            "#include <math.h>",
            "",
            "#ifdef __FAST_MATH__",
            '#error "compile it without -ffast-math: NaN and the order of the operations count"',
            "#endif",
            "",
            f"void {name}(const double *x, double *y)",
            "{",
            *body,
            f"    for (int i = 0; i < {program.m}; i++) y[i] = v{last}[i];",
            "}",
            "",
            "#ifdef SUPNORM_TEST",
            "#include <stdio.h>",
            *_table("test_x", x),
            *_table("test_y", y),
            *_table("allowed", allowed),
            "/* Infinite values are compared too, and both sides may have none. */",
            "static int same(double a, double b, double within)",
            "{",
            "    return a == b || (a != a && b != b) || fabs(a - b) <= within;",
            "}",
            "int main(void)",
            "{",
            "    int bad = 0;",
            f"    for (int k = 0; k < {len(x)}; k++) {{",
            f"        double y[{program.m}];",
            f"        {name}(test_x[k], y);",
            f"        for (int i = 0; i < {program.m}; i++)",
            "            if (!same(y[i], test_y[k][i], allowed[k][i])) bad++;",
            "    }",
            '    printf("%d values differ\\n", bad);',
            "    return bad != 0;",
            "}",
            "#endif",
            "",
        ]
    )


def vectors(domain: Domain) -> Array:
    """Points of the domain: its middle, some corners, and points inside."""
    rng = np.random.default_rng(0)
    d = domain.d
    corners = np.vstack([np.full(d, 0.5), np.zeros(d), np.ones(d), rng.integers(0, 2, (5, d))])
    points = domain.from_unit(np.vstack([corners, rng.random((VECTORS - len(corners), d))]))
    return np.ascontiguousarray(points)


def _joined(k: int, node: Node, widths: Sequence[int]) -> Iterator[str]:
    start = 0
    for i in node.args:
        yield f"    for (int i = 0; i < {widths[i]}; i++) v{k}[{start} + i] = v{i}[i];"
        start += widths[i]


def _node(k: int, node: Node, widths: Sequence[int]) -> Iterator[str]:
    n = node.width
    a, b = [f"v{i}" for i in (*node.args, 0, 0)][:2]
    loop = f"    for (int i = 0; i < {n}; i++) "
    if node.op == "input":
        yield f"    const double *v{k} = x;"
        return
    if node.op == "constant":
        yield f"    static const double v{k}[{n}] = {{{_list(np.asarray(node.value))}}};"
        return
    if node.op == "affine":
        weight = np.asarray(node.weight)
        width = weight.shape[1]
        yield f"    static const double w{k}[{n}][{width}] = {{"
        yield from (f"        {{{_list(row)}}}," for row in weight)
        yield "    };"
        yield f"    static const double b{k}[{n}] = {{{_list(np.asarray(node.bias))}}};"
        yield f"    double v{k}[{n}];"
        yield f"{loop}{{"
        yield "        double s = 0.0;"
        yield f"        for (int j = 0; j < {width}; j++) s += w{k}[i][j] * {a}[j];"
        yield f"        v{k}[i] = s + b{k}[i];"
        yield "    }"
        return
    yield f"    double v{k}[{n}];"
    if node.op == "take":
        assert node.columns is not None
        yield from (f"    v{k}[{i}] = {a}[{int(c)}];" for i, c in enumerate(node.columns))
    elif node.op == "concat":
        yield from _joined(k, node, widths)
    else:
        yield f"{loop}{{ const double a = {a}[i]; {_second(node, b)}v{k}[i] = {_formula(node)}; }}"


def _second(node: Node, b: str) -> str:
    return f"const double b = {b}[i]; " if node.op in OPERATORS else ""


def _formula(node: Node) -> str:
    if node.op in OPERATORS:
        return OPERATORS[node.op]
    if node.op == "pow" and node.parameter is not None:
        return f"pow(a, {_number(node.parameter)})"
    if node.op == "leaky_relu" and node.parameter is not None:
        return f"(a >= 0.0 ? a : {_number(node.parameter)} * a)"
    if node.op not in FUNCTIONS:
        raise Unsupported(f"{node.op} in C", f"{', '.join([*FUNCTIONS, *OPERATORS])}, powers and sums")
    return FUNCTIONS[node.op]


def _number(value: float) -> str:
    """A number that C reads back exactly.

    >>> _number(0.1), _number(2), _number(-math.inf)
    ('0.1', '2.0', '-INFINITY')
    """
    value = float(value)
    if math.isfinite(value):
        return repr(value)
    return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"


def _list(values: Array | Sequence[float]) -> str:
    return ", ".join(_number(v) for v in np.asarray(values).tolist())


def _table(name: str, values: Any) -> Iterator[str]:
    yield f"static const double {name}[{values.shape[0]}][{values.shape[1]}] = {{"
    yield from (f"    {{{_list(row)}}}," for row in values)
    yield "};"

"""How accurate the float32 functions of a runtime are assumed to be, and which operators run as their programs say.

Additions, products, quotients and square roots follow IEEE 754. A function phi of a runtime is assumed to be within

    ulps 2^-23 |phi(x)| + absolute + argument |x| + 2^-120 (1 + |x|),    |x| <= most,

of its exact value; the last term is room for results below the normal numbers, which may be flushed to zero. The numbers
are at least twice what was measured on x86-64 at 1e7 points, of all magnitudes and in [-20, 20] and [-2, 2]
(`tests/program/test_single_precision.py` repeats a part of it). Measured beyond the correct rounding, in units of 2^-23:

| function | torch 2.13 | onnxruntime 1.32 |
|---|---|---|
| tanh, exp, erf, sqrt | 0.5 of the value | 2.7, 0.6, 0.7, 0.5 of the value |
| sin, cos | 0.5 of the value | 1.5 of the value up to abs(x) = 1e4 |
| log | 0.5 of the value | 2 of the value |
| sigmoid | 1.2 of the value | 1.4 absolute: its argument is cut off at 18 |
| silu | 1.2 of the value | 2 of the value and 1.2 abs(x) |
| softplus | 1.5 of the value | 2 of the value and 0.1 absolute |
| gelu | 3.2 abs(x) | 2 of the value and 0.3 abs(x) |
| powers (squares: `square`) | 2.2 (0.5) of the value | 1 (0.5) of the value |

A network that supnorm runs itself (``.npz``) runs in float64. `Origin` says by which runtime a program is run. Operators
that a runtime may compute by other operations than the program (softmax, layer normalisation, `expm1`) make its rounding
unknown; the readers list them in ``unlike``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_ULP = 2.0**-23  # float32: the distance of 1 to the next number


@dataclass(frozen=True)
class Kernel:
    """The assumed accuracy of a float32 function, see the formula above.

    Attributes:
        ulps: multiple of 2^-23 of the exact value.
        absolute, argument: an absolute part, and a part that is this multiple of the argument's size.
        most: largest size of an argument for which this is assumed.
    """

    ulps: float
    absolute: float = 0.0
    argument: float = 0.0
    most: float = math.inf


@dataclass(frozen=True)
class Origin:
    """The runtime that runs the operations of a program.

    Attributes:
        runtime: "onnxruntime" or "torch".
        unlike: operators of the source that the runtime may compute by other operations than the program does.
    """

    runtime: str
    unlike: tuple[str, ...] = ()


_TWO, _THREE, _FOUR = Kernel(2.0), Kernel(3.0), Kernel(4.0)
_SINGLE: dict[str, dict[str, Kernel]] = {
    "torch": {
        **dict.fromkeys(("tanh", "exp", "erf", "sqrt", "sin", "cos", "log"), _TWO),
        "sigmoid": _THREE,
        "softplus": _FOUR,
        "silu": _FOUR,
        "gelu": Kernel(0.0, 0.0, 7.0 * _ULP, 1e37),
        "pow": Kernel(5.0),
        "square": Kernel(1.0),
    },
    "onnxruntime": {
        "tanh": Kernel(6.0),
        "exp": _TWO,
        "erf": _TWO,
        "sqrt": _TWO,
        "log": Kernel(5.0),
        "sin": Kernel(4.0, most=1e4),
        "cos": Kernel(4.0, most=1e4),
        "sigmoid": Kernel(0.0, 4.0 * _ULP),
        "silu": Kernel(4.0, 0.0, 4.0 * _ULP),
        "softplus": Kernel(6.0, 1.0 * _ULP),
        "gelu": Kernel(4.0, 0.0, 2.0 * _ULP, 1e37),
        "pow": Kernel(5.0),
        "square": Kernel(1.0),
    },
}


def kernels(runtime: str) -> dict[str, Kernel]:
    """The assumed accuracy of each function of a runtime in float32; a function that is missing has none.

    >>> kernels("torch")["tanh"].ulps, "gelu_tanh" in kernels("torch")
    (2.0, False)
    """
    return _SINGLE.get(runtime, {})


def names(text: str) -> frozenset[str]:
    """The words of a text.

    >>> sorted(names("b a"))
    ['a', 'b']
    """
    return frozenset(text.split())


# Operators that each runtime computes by the operations of the program, in this order or fused.
ONNX_ALIKE = names("""
    Neg Abs Relu Tanh Sigmoid Softplus Sin Cos Exp Log Sqrt Erf Swish Gelu LeakyRelu PRelu HardSigmoid Softsign Clip Pow
    Add Sub Mul Div Min Max Sum Mean Reciprocal Gemm MatMul Conv MaxPool ReduceSum ReduceMean ReduceMax ReduceMin
    Identity Dropout Reshape Flatten Squeeze Unsqueeze Transpose Slice Gather Expand Concat Split
    FusedGemm FusedMatMul FusedConv BiasGelu QuickGelu
""")
ATEN_ALIKE = names("""
    neg abs relu tanh sigmoid silu sin cos exp log sqrt erf softplus prelu gelu leaky_relu clamp clamp_min clamp_max hardtanh
    relu6 reciprocal square rsqrt pow add sub mul div minimum maximum rsub linear matmul mm bmm mv addmm sum mean amax amin
    convolution conv1d conv2d conv3d max_pool1d max_pool2d max_pool3d max_pool2d_with_indices max_pool3d_with_indices
    cat concat stack zeros_like ones_like full_like full zeros ones scalar_tensor arange
""")

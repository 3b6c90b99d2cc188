"""Operations for which the values of a runtime are known to differ from the operation in more than the last digits.

Library functions are assumed to be within 8 units in the last place. These are not, in float64; each was measured against
200-bit values at 6,600 points (`tests/program/test_runtimes.py` measures again). The room here is at least twice the
measured difference, in units of u = 2^-53:

| | seen beyond 8 units | room |
|---|---|---|
| onnxruntime Sigmoid (an exponential with an absolute error) | 1.5 u | 4 u |
| onnxruntime x Sigmoid(x), in one with the above | 1.5 u abs(x) | 6 u abs(x) |
| onnxruntime Sin, Cos (the argument is reduced in a few parts) | 4.9 u | 16 u + u abs(x) |
| onnxruntime Softplus: log(exp(x) + 1) | 1 u, infinite above 709 | 4 u |
| torch GELU: x (1 + erf(x / sqrt 2)) / 2 loses digits below zero | 0.3 u abs(x) | 4 u abs(x) |

torch's softplus(x) is x itself from a threshold t on, which is at most log(1 + exp(-t)) too small. This is not rounding
but a step in the function; the certifier encloses it on both sides (`certification.branch_room`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

U = 2.0**-53


@dataclass(frozen=True)
class Apart:
    """How far the value that a runtime gives an operation may be from the operation.

    Attributes:
        absolute: as a number.
        argument: as a multiple of the argument's size.
        above: only where the argument is above it; then it is a branch of the code, and no rounding.
        words: explanation for the user; empty for branches.
    """

    absolute: float = 0.0
    argument: float = 0.0
    above: float | None = None
    words: str = ""


def linear_above(threshold: float) -> Apart:
    """A softplus(x) that is x itself above a threshold.

    >>> f"{linear_above(20.0).absolute:.3g}"
    '2.06e-09'
    """
    return Apart(
        math.log1p(math.exp(-threshold)) * (1.0 + 1e-14) if threshold > -700.0 else -threshold + 1.0,
        0.0,
        threshold,
    )


def _said(runtime: str, op: str, room: str) -> str:
    return f"{runtime}'s float64 {op} is off by at most {room} beyond 8 units in the last place, as measured"


ONNXRUNTIME: dict[str, tuple[Apart, ...]] = {
    "sigmoid": (Apart(4.0 * U, words=_said("onnxruntime", "Sigmoid", "4.4e-16")),),
    "silu": (Apart(0.0, 6.0 * U, words=_said("onnxruntime", "Sigmoid", "4.4e-16")),),
    "sin": (Apart(16.0 * U, U, words=_said("onnxruntime", "Sin", "1.8e-15 + 1.1e-16 |x|")),),
    "cos": (Apart(16.0 * U, U, words=_said("onnxruntime", "Cos", "1.8e-15 + 1.1e-16 |x|")),),
    "softplus": (
        Apart(4.0 * U, words=_said("onnxruntime", "Softplus", "4.4e-16")),
        Apart(math.inf, 0.0, above=709.0),  # exp overflows
    ),
}
TORCH: dict[str, tuple[Apart, ...]] = {
    "gelu": (Apart(0.0, 4.0 * U, words=_said("torch", "GELU", "4.4e-16 |x|")),),
    "gelu_tanh": (Apart(0.0, 4.0 * U, words=_said("torch", "GELU", "4.4e-16 |x|")),),
}

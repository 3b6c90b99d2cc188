"""Operations for which the values of a runtime are known to differ from the operation in more than the last digits.

Library functions are assumed to be within 8 units in the last place. The float64 functions below are not. Each was
compared with 200-bit values at 6,600 points (`tests/program/test_runtimes.py` repeats the measurement). The room is at
least twice the measured difference, in units of u = 2^-53:

| function | measured beyond 8 units | room |
|---|---|---|
| onnxruntime Sigmoid (an exponential with an absolute error) | 1.5 u | 4 u |
| onnxruntime x Sigmoid(x), in one with the above | 1.5 u abs(x) | 6 u abs(x) |
| onnxruntime Sin, Cos (the argument is reduced in a few parts) | 4.9 u | 16 u + u abs(x) |
| onnxruntime Softplus: log(exp(x) + 1) | 1 u, infinite above 709 | 4 u |
| torch GELU: x (1 + erf(x / sqrt 2)) / 2 loses digits below zero | 0.3 u abs(x) | 4 u abs(x) |

Above a threshold t torch's softplus(x) returns x, which is at most log(1 + exp(-t)) too small. This is no rounding
but a step of the function; the certifier encloses it on both sides (`certification.branch_room`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

U = 2.0**-53  # float64: half the distance of 1 to the next number


@dataclass(frozen=True)
class Discrepancy:
    """How far the value that a runtime computes for an operation may be from the operation's value.

    Attributes:
        absolute: a part that does not depend on the argument.
        argument: a part that is this multiple of the argument's size.
        above: for a branch of the code: the discrepancy exists only where the argument is above this number.
        words: explanation for the user; empty for branches.
    """

    absolute: float = 0.0
    argument: float = 0.0
    above: float | None = None
    words: str = ""


def linear_above(threshold: float) -> Discrepancy:
    """The discrepancy of a softplus(x) that returns x above a threshold.

    >>> f"{linear_above(20.0).absolute:.3g}"
    '2.06e-09'
    """
    return Discrepancy(
        math.log1p(math.exp(-threshold)) * (1.0 + 1e-14) if threshold > -700.0 else -threshold + 1.0,
        0.0,
        threshold,
    )


def _sentence(runtime: str, op: str, room: str) -> str:
    return f"{runtime}'s float64 {op} is off by at most {room} beyond 8 units in the last place, as measured"


ONNXRUNTIME: dict[str, tuple[Discrepancy, ...]] = {
    "sigmoid": (Discrepancy(4.0 * U, words=_sentence("onnxruntime", "Sigmoid", "4.4e-16")),),
    "silu": (Discrepancy(0.0, 6.0 * U, words=_sentence("onnxruntime", "Sigmoid", "4.4e-16")),),
    "sin": (Discrepancy(16.0 * U, U, words=_sentence("onnxruntime", "Sin", "1.8e-15 + 1.1e-16 |x|")),),
    "cos": (Discrepancy(16.0 * U, U, words=_sentence("onnxruntime", "Cos", "1.8e-15 + 1.1e-16 |x|")),),
    "softplus": (
        Discrepancy(4.0 * U, words=_sentence("onnxruntime", "Softplus", "4.4e-16")),
        Discrepancy(math.inf, 0.0, above=709.0),  # exp overflows
    ),
}
TORCH: dict[str, tuple[Discrepancy, ...]] = {
    "gelu": (Discrepancy(0.0, 4.0 * U, words=_sentence("torch", "GELU", "4.4e-16 |x|")),),
    "gelu_tanh": (Discrepancy(0.0, 4.0 * U, words=_sentence("torch", "GELU", "4.4e-16 |x|")),),
}

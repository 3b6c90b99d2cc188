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

Those of JAX are in `JAX`, with what was measured of each. JAX's functions of one number that have no entry were within 8
units at 20,000 to 40,000 arguments each, where programs have the operation itself, and else within the rounding of the
operations that programs have for it (``exp2``, ``tan``, ``expm1``, inverse functions and powers).

Above a threshold t torch's softplus(x) returns x, which is at most log(1 + exp(-t)) too small. This is no rounding
but a step of the function; the certifier encloses it on both sides (`certification.branch_room`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

U = 2.0**-53  # float64: half the distance of 1 to the next number


@dataclass(frozen=True)
class Discrepancy:
    """How far the value that a runtime computes for an operation may be from the operation's value.

    Attributes:
        absolute: a part that does not depend on the argument.
        argument: a part that is this multiple of the argument's size.
        value: a part that is this multiple of the value's size.
        moved: a part that an argument which is off by this multiple of its size would explain.
        above: for a branch of the code: the discrepancy exists only where the argument is above this number.
        words: explanation for the user; empty for branches.
    """

    absolute: float = 0.0
    argument: float = 0.0
    above: float | None = None
    words: str = ""
    value: float = 0.0
    moved: float = 0.0

    @property
    def keeps_signs(self) -> bool:
        """Whether the computed value has the sign that the operation has for some argument of the same sign."""
        return not (self.absolute or self.argument) and self.value < 1.0 and self.moved < 1.0


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

# By primitive and operation of its program: beside it what was measured beyond 16 u of the value, at 20,000 arguments
# or more, with jaxlib 0.10.2 on x86-64: operation by operation, compiled, one number at a time. The room is twice as much.
JAX: dict[str, dict[str, Discrepancy]] = {
    "log1p": {"log": Discrepancy(value=512.0 * U)},  # 225 u of the value: x in (-0.4142, -0.374)
    "atanh": {"log": Discrepancy(value=320.0 * U)},  # 131 u of the value: abs(x) up to sqrt(2) - 1
    "cbrt": {
        "cbrt": Discrepancy(value=256.0 * U)
    },  # 100 u of the value, at 1e299: a power with the exponent 0.333..33
    "sinh": {"exp": Discrepancy(moved=4.0 * U)},  # its argument moved by 0.94 u
    "cosh": {"exp": Discrepancy(moved=4.0 * U)},  # its argument moved by 0.94 u
    "erfc": {"erfc": Discrepancy(moved=2.0 * U)},  # its argument moved by 0.47 u: exp(-x^2)
    # 15 u of the value near 0.64; its argument moved by 0.25 u: log(1 - x^2). Where 1 - abs(x) is 7e-9 this is 4.4e-10.
    "erf_inv": {"erfinv": Discrepancy(value=64.0 * U, moved=2.0 * U)},
    "lgamma": {"lgamma": Discrepancy(80.0 * U)},  # 31 u, near its zeros and everywhere below 3
    "digamma": {"digamma": Discrepancy(32.0 * U)},  # 14 u, near its zero
}
# Regularised functions: the operation, by its shapes a part of the value in u, and how far its argument is moved, in u.
SHAPED: dict[str, tuple[str, Callable[..., float], float]] = {
    # 16 a u of the value; 1,040 u where the value is 1e-267
    "igamma": ("gammainc", lambda a: 2048.0 + 40.0 * a, 0.0),
    # 16 a u, and 80/a u where it is 1 less the other function; its argument moved by 1.7 u: exp(-x)
    "igammac": ("gammaincc", lambda a: 64.0 + 40.0 * a + 200.0 / a, 4.0),
    # 1,040 u where the value is 1e-223; 17 s log(1 + s) u, s = a + b: it subtracts logarithms of gamma functions
    "regularized_incomplete_beta": (
        "betainc",
        lambda a, b: 2048.0 + 40.0 * (a + b) * math.log(1.0 + a + b),
        0.0,
    ),
}


def of_jax(primitive: str, *shapes: float) -> Mapping[str, tuple[Discrepancy, ...]]:
    """How far JAX's float64 values of a primitive may be from the operations that programs have for it, by operation.

    Args:
        primitive: its name.
        shapes: those of an incomplete gamma or beta function, above zero.

    >>> [one.value / U for one in of_jax("log1p")["log"]], of_jax("log")
    ([512.0], {})
    """
    rooms = JAX.get(primitive, {})
    if primitive in SHAPED:
        op, of_value, moved = SHAPED[primitive]
        rooms = {op: Discrepancy(value=of_value(*shapes) * U, moved=moved * U)}
    return {op: (replace(one, words=_of_jax_in_words(primitive, one)),) for op, one in rooms.items()}


def _of_jax_in_words(primitive: str, one: Discrepancy) -> str:
    parts = [f"{one.absolute:.2g}"] if one.absolute else []
    parts += [f"{one.value:.2g} |f(x)|"] if one.value else []
    parts += [f"{one.moved:.2g} |x f'(x)|"] if one.moved else []
    return _sentence("JAX", primitive, " + ".join(parts))

"""Constants that onnxruntime takes for others when it rewrites a graph before it runs it.

It removes the sum with a constant 0 and the product with a constant 1, and rounds a constant of one float64 number to
float32 before it compares (``NoopElimination``): so 3e-47 is 0 and 1.00000002 is 1. Constants of float32 and of several
numbers, and a number from which the rest is subtracted, or which is divided by it, stay (measured with onnxruntime 1.32).
"""

from __future__ import annotations

from typing import Any

import numpy as np

_NEUTRAL = {"Add": 0.0, "Sub": 0.0, "Mul": 1.0, "Div": 1.0}
_ON_BOTH_SIDES = ("Add", "Mul")


def left_out(op: str, left: Any, right: Any) -> bool:
    """Whether onnxruntime may leave out an operation that changes its argument.

    Args:
        op: the name of the ONNX operator.
        left: its first argument: an array if it is a constant, anything else if it is computed.
        right: the second, alike.

    >>> left_out("Mul", None, np.array([1.00000002])), left_out("Mul", None, np.array([1.0000002]))
    (True, False)
    >>> left_out("Sub", None, np.array(3e-47)), left_out("Sub", np.array(3e-47), None)
    (True, False)
    """
    neutral = _NEUTRAL.get(op)
    if neutral is None:
        return False
    return any(_rounds_to(a, neutral) for a in ((left, right) if op in _ON_BOTH_SIDES else (right,)))


def _rounds_to(constant: Any, neutral: float) -> bool:
    if not isinstance(constant, np.ndarray) or constant.dtype != np.float64 or constant.size != 1:
        return False
    value = constant.item()
    with np.errstate(over="ignore"):  # what overflows is neither 0 nor 1
        return bool(value != neutral and np.float32(value) == neutral)

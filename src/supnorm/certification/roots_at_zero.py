"""Square and cube roots on boxes where their slope has no bound, for linear bounds on real boxes.

Theorem. Let 0 < p < 1, s > 0 and b > 0. For 0 <= z <= b

    min(0, b^p - s b) <= z^p - s z <= k s^(-p/(1 - p)),    k = (1 - p) p^(p/(1 - p)).

Proof: the middle is concave in z, so it is smallest at an end; its derivative p z^(p - 1) - s is zero only at
z = (p/s)^(1/(1 - p)), where it is k s^(-p/(1 - p)). With s = b^(p - 1), the chord, the left side is 0 and the right one
k b^p: an excess that falls like the p-th power of the box, where a tangent has no bound.

That an argument is at least zero follows from the program and the ends of the domain, not from its model, whose ends are
rounded outwards: `nonnegative`. Parts of it may be known to be positive on a box by their models (`on_boxes`), as the cosine
of a latitude in a distance on a sphere. Each of the rules holds of numbers that are rounded, too. So the root as it runs is
that of a number y >= 0, and |x^p - y^p| <= |x - y|^p, because z^p is subadditive. A cube root has values of both signs; by
concavity of each half |x^(1/3) - y^(1/3)| <= (4 |x - y|)^(1/3), and on [a, b] it is between those of the ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.rounding import ULPS, Array, U, outward
from supnorm.program import Node, Program

Flags = NDArray[np.bool_]
ROOTS = {"sqrt": 0.5, "cbrt": 1.0 / 3.0}
EXCESS = {"sqrt": 0.25, "cbrt": 0.3849001794597506}  # k, above it: 1/4 and 2/(3 sqrt 3)
# What is at least zero for every argument for which it is a number, and for those that are at least zero.
POSITIVE = frozenset({"abs", "relu", "exp", "sqrt", "sigmoid"})
ODD = frozenset({"cbrt", "tanh", "erf", "atan"})
# Powers are within 1e-14 of their value; two of them and the rounding of s change both sides by less than this share of b^p.
MARGIN = 1e-12
LEAST = 2.3e-308  # above what one operation loses by underflow


def asked(program: Program, low: Array) -> Array | None:
    """The lower ends of the domain where a program has roots; None where nothing is asked of them."""
    return low if any(node.op in ROOTS for node in program.nodes) else None


def nonnegative(node: Node, known: Sequence[Flags], width: int) -> Flags:
    """Which features of a node are at least zero for all inputs, in exact arithmetic and as they are rounded.

    Args:
        node: an operation other than the input.
        known: the same of its arguments, shapes ``(w,)``, or ``(B, w)`` on ``B`` boxes.
        width: number of its features.
    """
    op, none = node.op, np.zeros(width, dtype=bool)
    if not all(a.keeps_signs for a in node.discrepancies):
        return none
    if op == "constant":
        return np.asarray(np.asarray(node.value) >= 0.0)
    if op == "affine":
        weight, bias = np.asarray(node.weight), np.asarray(node.bias)
        against = (~known[0]).astype(float) @ (weight > 0.0).T > 0.0
        return np.asarray(~against & ~(weight < 0.0).any(axis=1) & (bias >= 0.0))
    if op == "take":
        return np.asarray(known[0][..., node.columns])
    if op == "concat":
        return np.concatenate(known, axis=-1)
    even = op == "pow" and node.parameter is not None and node.parameter % 2.0 == 0.0
    if op in POSITIVE or even:
        return ~none
    if op in ODD or op == "pow":
        return known[0]
    if op == "mul" and node.args[0] == node.args[1]:
        return ~none
    if op in ("add", "mul", "div", "min"):  # a quotient by zero has no bound itself
        return known[0] & known[1]
    if op == "where":
        return known[1] & known[2]
    return known[0] | known[1] if op == "max" else none


def on_boxes(
    nodes: Sequence[Node], positive: Callable[[int], Flags], inputs: Flags | None, known: list[Flags]
) -> Flags:
    """Which features of the last of these nodes are at least zero on each box, shape ``(B, w)``.

    Args:
        nodes: the first nodes of a program.
        positive: which features of a node have a model above zero on each box.
        inputs: which inputs are at least zero on the domain.
        known: the answers for the first of these nodes; those of the others are appended.
    """
    for i in range(len(known), len(nodes)):
        node = nodes[i]
        if node.op == "input":
            flags = np.zeros(node.width, dtype=bool) if inputs is None else inputs
        else:
            flags = nonnegative(node, [known[a] for a in node.args], node.width)
        known.append(positive(i) | flags)
    return known[len(nodes) - 1]


def enclosed(op: str, x_c: Array, reach: Array, above: Flags) -> tuple[Array, Array, Array]:
    """s, middle and half with ``|root(z) - s z - middle| <= half`` for z in [c - reach, c + reach], shapes ``(B, w)``.

    Args:
        op: "sqrt" or "cbrt".
        x_c, reach: middle and half-width of the argument on the real box, shapes ``(B, w)``.
        above: where the argument is at least zero, shape ``(w,)``; elsewhere the square root has no bound.
    """
    p, k = ROOTS[op], EXCESS[op]
    # As the checker has it: another b makes another slope, and neither is always the better one.
    b = outward(np.maximum(x_c + reach, 0.0) + 2.0 * U * (np.abs(x_c) + reach)) + LEAST
    top = b**p
    s, half = b ** (p - 1.0), (0.5 * k + MARGIN) * top
    middle = 0.5 * k * top
    if op == "cbrt":  # between the values of both ends
        low, high = np.cbrt(x_c - outward(reach)), np.cbrt(x_c + outward(reach))
        size = np.maximum(np.abs(low), np.abs(high))
        s, middle = np.where(above, s, 0.0), np.where(above, middle, 0.5 * (low + high))
        half = np.where(above, half, 0.5 * (high - low) + MARGIN * size + LEAST)
    else:
        half = np.where(above, half, np.inf)
    return s, middle, half


def rounding(op: str, err: Array, x_c: Array, reach: Array, above: Flags) -> Array:
    """How far the root of a number that is off by ``err`` can be from the exact root, shape ``(B, w)``."""
    p = ROOTS[op]
    shift = ((4.0 if op == "cbrt" else 1.0) * err) ** p * (1.0 + MARGIN)
    size = outward(np.abs(x_c) + reach) ** p * (1.0 + MARGIN)
    lost = outward(shift + 2.0 * ULPS * U * (size + shift))
    return np.where(above | (op == "cbrt"), lost, np.inf)

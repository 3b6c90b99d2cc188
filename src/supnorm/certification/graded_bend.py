"""Where to split a box of a graded certificate: along the axis that moves the arguments of nonlinear functions most.

This is a heuristic: it affects the cost, and no bound depends on it.
"""

from __future__ import annotations

import numpy as np

from supnorm.certification.graded import Graded
from supnorm.certification.graded_series import MODULUS
from supnorm.certification.rounding import Array, one_norm
from supnorm.program import Node, Program

# Functions without a length scale: the reach relative to the argument's size counts.
FREE = ("log", "sqrt", "pow")
CURVED = ("mul", "div", "relu", "leaky_relu", "abs", "max", "min", "gelu_tanh")
# Tails grow like this power of the reach of an argument. Three proofs of 3-D and 4-D networks, as in `GradedCertificate`,
# took 269, 255 and 723 boxes; with 2 they took 305, 273 and 767; with 8 they took 237, 227, and there was no proof in 4-D.
POWER = 4
LOST = 1e200  # score of a function that has no bound on the box, such as log where the box reaches zero: it is split first


def bends(program: Program, models: list[Graded]) -> Array:
    """How much halving each axis reduces sum_f v_f l_f (r_f/l_f)^4 over the arguments f of what is nonlinear, ``(B, d)``.

    v_f is how strongly the output depends on f, on average over the boxes, l_f the length on which the function bends:
    1 for tanh and similar functions, the argument's size for powers, logarithms and divisors, and at least 1 for
    products; so units hardly matter. The result guides the splitting and bounds nothing. If a function has no bound
    although its arguments have bounds, only the reach of the arguments counts.
    """
    bend = np.zeros_like(models[0].c)
    weight = [np.zeros(node.width) for node in program.nodes]
    weight[-1] += 1.0
    for node, out, v in zip(program.nodes[::-1], models[::-1], weight[::-1], strict=True):
        for a in node.args:
            x = models[a]
            if node.op == "where" and a == node.args[0]:
                bend = bend + _open(x, out)
                continue
            if node.op in MODULUS or node.op in CURVED:
                bounded = np.isfinite(out.rem)
                lost = ~bounded & np.all([np.isfinite(models[b].rem) for b in node.args], axis=0)
                divisor = node.op == "div" and a == node.args[1]
                if lost.any() and (node.op != "div" or divisor):  # a divisor that reaches zero
                    bend = bend + LOST * (np.abs(x.J) * lost[..., None]).sum(1)
                size = np.where(bounded[..., None], np.abs(x.J), 0.0)
                reach = size.sum(-1, keepdims=True)
                length = np.maximum(np.abs(x.c)[..., None], reach)
                if node.op in CURVED and not divisor:
                    length = np.maximum(length, 1.0)
                elif node.op not in FREE and not divisor:
                    length = np.ones_like(reach)
                fall = (reach / length) ** POWER - ((reach - 0.5 * size) / length) ** POWER
                bend = bend + np.einsum("bwd,w->bd", np.nan_to_num(length * fall), v)
            _carry(node, a, out, models, v, weight)
    return np.nan_to_num(bend, posinf=1e300)


def _carry(node: Node, a: int, out: Graded, models: list[Graded], v: Array, weight: list[Array]) -> None:
    """Add to the weight of an argument what the operation takes of it."""
    x = models[a]
    if node.op == "affine":
        weight[a] += v @ np.abs(np.asarray(node.weight))
    elif node.op == "take":
        np.add.at(weight[a], np.asarray(node.columns), v)
    elif node.op == "concat":
        before = sum(models[b].c.shape[1] for b in node.args[: node.args.index(a)])
        weight[a] += v[before : before + x.c.shape[1]]
    elif node.op == "mul":
        other = models[node.args[1] if a == node.args[0] else node.args[0]]
        weight[a] += v * _mean(np.abs(other.c))
    elif node.op == "div":
        steep = (1.0 if a == node.args[0] else np.abs(out.c)) / np.abs(models[node.args[1]].c)
        weight[a] += v * _mean(steep)
    else:
        steep = one_norm(out.J) / one_norm(x.J) if len(node.args) == 1 else np.ones((1, 1))
        weight[a] += v * _mean(steep)


def _open(test: Graded, out: Graded) -> Array:
    """The score of a ``where`` whose test may have both signs on the box."""
    lost = ~np.isfinite(out.rem) & np.isfinite(test.rem)
    return np.asarray(LOST * (np.abs(test.J) * lost[..., None]).sum(1))


def _mean(steep: Array) -> Array:
    """The mean over the boxes where the slope is known; 1 where it is known on no box."""
    known = np.isfinite(steep)
    count = known.sum(0)
    return np.where(count > 0, np.where(known, steep, 0.0).sum(0) / np.maximum(count, 1), 1.0)

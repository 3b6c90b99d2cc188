"""Where to split a box of a graded certificate: the axes along which its nonlinear functions reach furthest.

A heuristic of cost only; no bound rests on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from supnorm.certification.graded_series import MODULUS
from supnorm.certification.rounding import Array
from supnorm.program import Program

if TYPE_CHECKING:
    from supnorm.certification.graded_model import Graded

CURVED = ("mul", "div", "relu", "leaky_relu", "abs", "max", "min", "gelu_tanh")
POWER = 4  # tails grow with the reach r of an argument like a power; tuned on networks in 3-D to 5-D
LOST = 1e200  # goes first: of a function without a bound on the box, such as log where the box reaches zero


def bends(program: Program, models: list[Graded]) -> Array:
    """How much halving each axis lessens sum_f v_f r_f^4 over the arguments f of what is nonlinear, ``(B, d)``.

    v_f is how strongly the output depends on f, on average over the boxes: a guide for splitting, no bound. Where
    a function has no bound although its arguments have one, only the reach of these arguments counts.
    """
    bend = np.zeros_like(models[0].c)
    weight = [np.zeros(node.width) for node in program.nodes]
    weight[-1] += 1.0
    for node, out, v in zip(program.nodes[::-1], models[::-1], weight[::-1], strict=True):
        for a in node.args:
            x = models[a]
            if node.op in MODULUS or node.op in CURVED:
                bounded = np.isfinite(out.rem)
                lost = ~bounded & np.all([np.isfinite(models[b].rem) for b in node.args], axis=0)
                if lost.any() and (node.op != "div" or a == node.args[1]):  # a divisor that reaches zero
                    bend = bend + LOST * (np.abs(x.J) * lost[..., None]).sum(1)
                size = np.abs(x.J) * bounded[..., None]
                reach = size.sum(-1, keepdims=True)
                fall = reach**POWER - (reach - 0.5 * size) ** POWER
                bend = bend + np.einsum("bwd,w->bd", fall, v)
            if node.op == "affine":
                weight[a] += v @ np.abs(np.asarray(node.weight))
            elif node.op == "take":
                np.add.at(weight[a], np.asarray(node.columns), v)
            elif node.op == "concat":
                before = sum(program.nodes[b].width for b in node.args[: node.args.index(a)])
                weight[a] += v[before : before + program.nodes[a].width]
            elif node.op == "mul":
                other = models[node.args[1] if a == node.args[0] else node.args[0]]
                weight[a] += v * np.abs(other.c).mean(0)
            else:
                steep = (np.abs(out.J).sum(-1) / np.abs(x.J).sum(-1)).mean(0) if len(node.args) == 1 else 1.0
                weight[a] += v * np.nan_to_num(steep, nan=1.0, posinf=1.0)
    return np.nan_to_num(bend, posinf=1e300)

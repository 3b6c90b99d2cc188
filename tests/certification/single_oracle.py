"""Programs run in float32 as badly as a runtime may: any order of summation, functions at the limit of their accuracy."""

import numpy as np

from supnorm.program import Program
from supnorm.program.operations import BINARY, UNARY

ULP = 2.0**-23


def exact_value(program, x):
    """Values in float64, which are exact beside the rounding of float32; points where a value is no number are NaN."""
    with np.errstate(all="ignore"):
        return program.value(x)


def run_single(program: Program, x, rng, kernels=None):
    """One way in which float32 arithmetic may run a program at points ``(n, d)``; returns ``(n, m)`` float32 numbers.

    Sums of products run in a random order (or sorted, or in pairs), with or without fused multiply-add. With ``kernels``
    each function is off by up to what its kernel allows, to a random side; without, it is rounded correctly.
    """
    known = []
    with np.errstate(all="ignore"):
        for node in program.nodes:
            known.append(_run(node, [known[a] for a in node.args], x, rng, kernels))
    return known[-1]


def _run(node, args, x, rng, kernels):
    if node.op == "input":
        return x.astype(np.float32)
    if node.op == "constant":
        return np.broadcast_to(node.value.astype(np.float32), (len(x), node.width))
    if node.op == "affine":
        return _sums(args[0], node.weight.astype(np.float32), node.bias.astype(np.float32), rng)
    if node.op == "take":
        return args[0][:, node.columns]
    if node.op == "concat":
        return np.concatenate(args, 1)
    if node.op in BINARY:
        if node.op == "div" and rng.random() < 0.5:
            return args[0] * (np.float32(1.0) / args[1])
        return BINARY[node.op](*args)
    if node.op in ("neg", "abs", "relu"):
        return UNARY[node.op](args[0]).astype(np.float32)
    if node.op == "leaky_relu":
        return np.where(args[0] >= 0, args[0], np.float32(node.parameter) * args[0])
    return _function(node, args[0], rng, kernels)


def _function(node, z, rng, kernels):
    extra = () if node.parameter is None else (node.parameter,)
    y = UNARY[node.op](z.astype(np.float64), *extra)
    if kernels is None:
        return y.astype(np.float32)
    kernel = kernels["square" if node.op == "pow" and node.parameter == 2.0 else node.op]
    off = kernel.ulps * ULP * np.abs(y) + kernel.absolute + kernel.argument * np.abs(z)
    side = rng.choice([-1.0, 1.0], node.width) if rng.random() < 0.5 else rng.choice([-1.0, 1.0], y.shape)
    # the last rounding is part of what the kernel allows
    return (y + side * np.maximum(off - 2.0**-24 * np.abs(y) * 1.01, 0.0)).astype(np.float32)


def _sums(z, weight, bias, rng):
    how = rng.choice(["order", "sorted", "pairs", "fused", "blas"])
    if how == "blas":
        return z @ weight.T + bias
    if how == "fused":  # one rounding for a product and its addition
        s = np.broadcast_to(bias, (len(z), len(bias))).astype(np.float32)
        for j in rng.permutation(z.shape[1]):
            s = (
                s.astype(np.float64) + z[:, j : j + 1].astype(np.float64) * weight[:, j].astype(np.float64)
            ).astype(np.float32)
        return s
    terms = np.concatenate(
        [z[:, None, :] * weight[None], np.broadcast_to(bias[None, :, None], (len(z), len(bias), 1))], -1
    )
    if how == "order":
        terms = terms[..., rng.permutation(terms.shape[-1])]
    if how == "sorted":
        terms = np.sort(terms, -1)[..., :: rng.choice([-1, 1])]
    if how == "pairs":
        while terms.shape[-1] > 1:
            if terms.shape[-1] % 2:
                terms = np.concatenate([terms, np.zeros_like(terms[..., :1])], -1)
            terms = terms[..., 0::2] + terms[..., 1::2]
        return terms[..., 0]
    total = np.zeros(terms.shape[:-1], np.float32)
    for j in range(terms.shape[-1]):
        total = total + terms[..., j]
    return total

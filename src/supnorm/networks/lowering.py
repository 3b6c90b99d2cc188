"""A network as a straight-line program, the form about which certificates are proved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from supnorm.networks.part import Part
from supnorm.networks.scaling import Scaling
from supnorm.program import Builder, Program, Tensor


def to_program(parts: Sequence[Part], takes: Sequence[Sequence[int]], s: Scaling) -> Program:
    """The function of the network for one point, operation by operation.

    The scaling of a plain network (``takes`` is empty) is merged into its first and last layers; the scaling of a
    composition becomes operations before and after its parts.
    """
    build = Builder(s.d)
    channels = logged(build, s.log)
    if not takes:
        return build.finish(_append(build, parts[0], channels, s))
    channels = _tensor(build.affine(channels, np.diag(1.0 / s.input_scale), -s.input_shift / s.input_scale))
    for group, part in zip(takes, parts, strict=True):
        taken = channels.arrange(lambda index, group=group: index[list(group)])  # type: ignore[misc]
        y = _append(build, part, taken, Scaling.none(part.architecture.d, part.architecture.m))
        channels = _tensor(build.concatenate([channels, y], 0))
    return build.finish(build.affine(y, np.diag(s.output_scale), s.output_shift))


def _append(build: Builder, part: Part, z: Tensor, s: Scaling) -> Tensor:
    """The outputs of a part with its scaling at a tensor of its inputs (logarithms already taken)."""
    shift, scale = -s.input_shift / s.input_scale, 1.0 / s.input_scale
    if len(part.frequencies):
        inputs = build.affine(z, np.diag(scale), shift)
        waves = build.affine(inputs, part.frequencies)
        z = _tensor(build.concatenate([inputs, build.unary("sin", waves), build.unary("cos", waves)], 0))
        shift, scale = np.zeros(z.shape[0]), np.ones(z.shape[0])
    for i, (weights, bias) in enumerate(part.layers):
        if i == 0:
            weights, bias = weights * scale, bias + weights @ shift
        if i == len(part.layers) - 1:
            weights, bias = weights * s.output_scale[:, None], bias * s.output_scale + s.output_shift
            return _tensor(build.affine(z, weights, bias))
        after = _tensor(build.unary(part.architecture.activations[i], build.affine(z, weights, bias)))
        z = _tensor(build.binary("add", z, after)) if part.architecture.skips(i) else after
    raise AssertionError("a network has at least its output layer")


def logged(build: Builder, log: tuple[bool, ...]) -> Tensor:
    """The inputs, with the logarithm of those that are flagged."""
    if not any(log):
        return build.input
    columns = [
        build.input.arrange(lambda index, i=i: index[i : i + 1])  # type: ignore[misc]
        for i in range(len(log))
    ]
    parts = [build.unary("log", c) if flag else c for c, flag in zip(columns, log, strict=True)]
    return _tensor(build.concatenate(parts, 0))


def _tensor(value: object) -> Tensor:
    assert isinstance(value, Tensor)
    return value

"""A network as a straight-line program: the form that certificates are proved on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from supnorm.program import Builder, Program, Tensor

if TYPE_CHECKING:
    from supnorm.networks.modular import ModularNetwork
    from supnorm.networks.network import Network


def to_program(network: Network) -> Program:
    """The same function for one point, operation by operation; the input scaling joins the first layer."""
    build = Builder(network.architecture.d)
    return build.finish(_append(build, network, _logged(build, network.scaling.log)))


def modular_program(network: ModularNetwork) -> Program:
    """As `to_program`: input scaling, parts in their order, output scaling."""
    build, s = Builder(network.d), network.scaling
    channels = _logged(build, s.log)
    channels = _tensor(build.affine(channels, np.diag(1.0 / s.input_scale), -s.input_shift / s.input_scale))
    for takes, part in zip(network.takes, network.parts, strict=True):
        taken = channels.arrange(lambda index, takes=takes: index[list(takes)])  # type: ignore[misc]
        y = _append(build, part, taken)
        channels = _tensor(build.concatenate([channels, y], 0))
    return build.finish(build.affine(y, np.diag(s.output_scale), s.output_shift))


def _append(build: Builder, network: Network, z: Tensor) -> Tensor:
    """The outputs of a network at a tensor of its inputs (logarithms already taken)."""
    s = network.scaling
    shift, scale = -s.input_shift / s.input_scale, 1.0 / s.input_scale
    if len(network.frequencies):
        inputs = build.affine(z, np.diag(scale), shift)
        waves = build.affine(inputs, network.frequencies)
        z = _tensor(build.concatenate([inputs, build.unary("sin", waves), build.unary("cos", waves)], 0))
        shift, scale = np.zeros(z.shape[0]), np.ones(z.shape[0])
    for i, (weights, bias) in enumerate(network.layers):
        if i == 0:
            weights, bias = weights * scale, bias + weights @ shift
        if i == len(network.layers) - 1:
            weights, bias = weights * s.output_scale[:, None], bias * s.output_scale + s.output_shift
            return _tensor(build.affine(z, weights, bias))
        after = _tensor(build.unary(network.architecture.activations[i], build.affine(z, weights, bias)))
        z = _tensor(build.binary("add", z, after)) if network.architecture.skips(i) else after
    raise AssertionError("a network has at least its output layer")


def _logged(build: Builder, log: tuple[bool, ...]) -> Tensor:
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

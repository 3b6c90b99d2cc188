"""A network: fully connected parts and one scaling in one object, evaluated in float64.

A plain network is one part that takes all inputs. A modular network is a composition of parts. Each part takes some
of the channels: the inputs 0 ... d-1, then the outputs of earlier parts,

    h_1 = N_1(x_G1),  h_2 = N_2(x_G2), ...,  y = N_k(h_1, h_2, ...)

Choose a modular network if the reference is known to be such a composition (a distance of two points, a product of
groups). In the one composition that ``tests/networks/test_modular.py`` trains, it had a smaller error than a plain network
with more weights. With wrong groups it cannot represent the reference. Source: Michaud, Liu & Tegmark, Precision machine
learning (2023), section 3.4.

`Network.value` runs in NumPy, in blocks of 256 rows that fit into the cache. The derivative by the inputs is written in
NumPy too, so a network needs neither JAX nor torch. `Network.jax_apply` is the same function in JAX, for equations.
Cost of a value: 2 (weights) flops per row plus the activations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from supnorm.networks.backpropagation import Pass, forward
from supnorm.networks.blocks import in_blocks
from supnorm.networks.jax_forward import jax_forward
from supnorm.networks.lowering import to_program
from supnorm.networks.part import Part
from supnorm.networks.scaling import Scaling
from supnorm.problem import Function
from supnorm.problem.function import Pullback
from supnorm.results import BadInput

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Network:
    """A composition of fully connected parts with one scaling of inputs and outputs.

    Args:
        parts: the outputs of the last part are the outputs of the network.
        scaling: the scaling of inputs and outputs, which is fixed while the parameters are trained.
        takes: for each part the channels that it takes: inputs from 0, then outputs of earlier parts from ``d`` on;
            empty for a plain network, whose one part takes all inputs.
        inputs, outputs: names; empty if they are unknown.
        name: the name of the network in messages and on pages.

    Raises:
        BadInput: when the parts do not fit each other or the scaling.

    >>> net = Network.init(np.random.default_rng(0), d=2, m=1, width=8, depth=2)
    >>> net.value(np.zeros((3, 2))).shape, net.size
    ((3, 1), 105)
    """

    parts: tuple[Part, ...]
    scaling: Scaling
    takes: tuple[tuple[int, ...], ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    name: str = "network"

    def __repr__(self) -> str:
        """One line, without the weights."""
        names = tuple(name for part in self.parts for name in part.architecture.activations)
        takes = f"takes={self.takes}, " if self.takes else ""
        return (
            f"Network(d={self.d}, m={self.m}, {takes}widths={self.widths}, activations={names}, "
            f"parameters={self.size})"
        )

    def __post_init__(self) -> None:
        if len(self.parts) != (len(self.takes) or 1):
            raise BadInput(
                f"one group of channels per part: {len(self.parts)} parts, {len(self.takes)} groups"
            )
        d, m = self.d if self.takes else self.parts[0].architecture.d, self.parts[-1].architecture.m
        if (d, m) != (self.scaling.d, self.scaling.m):
            raise BadInput(
                f"the scaling is for {self.scaling.d} inputs and {self.scaling.m} outputs, "
                f"the architecture for {d} and {m}"
            )
        for names, count, what in ((self.inputs, self.d, "inputs"), (self.outputs, self.m, "outputs")):
            if names and len(names) != count:
                raise BadInput(f"the network has {count} {what}, got {len(names)} names for them")
        known = self.d
        for i, (takes, part) in enumerate(zip(self.takes, self.parts, strict=False)):
            unknown = [c for c in takes if not 0 <= c < known]
            if unknown or len(set(takes)) != len(takes) or len(takes) != part.architecture.d:
                raise BadInput(
                    f"part {i + 1} takes {part.architecture.d} different channels below {known} "
                    f"(inputs, then outputs of earlier parts), got {takes}"
                )
            known += part.architecture.m

    @classmethod
    def init(
        cls,
        rng: np.random.Generator,
        d: int,
        m: int = 1,
        width: int | Sequence[int] = 32,
        depth: int = 2,
        activation: str | Sequence[str] = "tanh",
        *,
        scaling: Scaling | None = None,
        residual: bool = False,
        fourier: int = 0,
        frequency: float = 1.0,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
    ) -> Network:
        """A plain network with random parameters.

        See `random_layers` for their distribution.

        Args:
            width: width of every hidden layer, or one width for each layer (``depth`` is then not used).
            depth: number of hidden layers.
            frequency: multiplies the first layer's weights: 6 and more for oscillating targets.
            fourier: number of random Fourier frequencies, drawn normal with deviation ``frequency``.
        """
        part = Part.init(
            rng, d, m, width, depth, activation, residual=residual, fourier=fourier, frequency=frequency
        )
        return cls((part,), scaling or Scaling.none(d, m), (), tuple(inputs), tuple(outputs))

    @classmethod
    def modular(
        cls,
        rng: np.random.Generator,
        d: int,
        m: int = 1,
        *,
        takes: Sequence[Sequence[int]],
        width: int | Sequence[int] = 16,
        depth: int = 1,
        activation: str = "tanh",
        scaling: Scaling | None = None,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
    ) -> Network:
        """A composition of random parts: one output each, the last one ``m``.

        Args:
            takes: channels of each part: the inputs are 0 ... d-1, the output of the first part is d, and so on.
            width: width of the hidden layers of every part, or one number for each part.
            depth: number of hidden layers of every part.

        >>> takes = ((0, 1), (2, 3), (4, 5))
        >>> Network.modular(np.random.default_rng(0), 4, takes=takes, width=8).size
        99
        """
        groups = tuple(tuple(map(int, group)) for group in takes)
        widths = (width,) * len(groups) if isinstance(width, int | np.integer) else tuple(width)
        if len(widths) != len(groups):
            raise BadInput(f"give one width per part: {len(groups)} parts, got {len(widths)} widths")
        sizes = [1] * (len(groups) - 1) + [m]
        parts = tuple(
            Part.init(rng, len(group), size, width, depth, activation)
            for group, size, width in zip(groups, sizes, widths, strict=True)
        )
        scale = scaling or Scaling.none(d, m)
        return cls(parts, scale, groups, tuple(inputs), tuple(outputs), "modular network")

    @property
    def d(self) -> int:
        """Number of inputs."""
        return self.scaling.d

    @property
    def m(self) -> int:
        """Number of outputs."""
        return self.scaling.m

    @property
    def size(self) -> int:
        """Number of trained parameters."""
        return sum(part.architecture.size for part in self.parts)

    @property
    def widths(self) -> tuple[int, ...]:
        """Hidden widths of all parts, one after the other."""
        return tuple(w for part in self.parts for w in part.architecture.widths)

    @property
    def flat(self) -> Array:
        """All trained parameters in one vector, part after part: W and b of each layer, row by row."""
        return np.concatenate([part.flat for part in self.parts])

    def with_flat(self, theta: Array) -> Self:
        """The same network with other parameters.

        Raises:
            BadInput: when the length does not fit.
        """
        if np.shape(theta) != (self.size,):
            raise BadInput(f"the network has {self.size} parameters, got {np.shape(theta)}")
        pieces = self._cut(np.asarray(theta, dtype=np.float64))
        return replace(self, parts=tuple(p.with_flat(t) for p, t in zip(self.parts, pieces, strict=True)))

    def value(self, x: Array) -> Array:
        """Outputs at points ``x`` of shape ``(n, d)``, shape ``(n, m)``."""
        return in_blocks(self.block, self._checked(x), self.m)

    __call__ = value

    def block(self, x: Array) -> Array:
        """Outputs at the rows of one block; `value` cuts any number of rows into blocks."""
        channels = self.scaling.enter(x)
        for takes, part in zip(self.takes, self.parts[:-1], strict=False):
            channels = np.concatenate([channels, part.value(channels[:, takes])], axis=1)
        last = channels[:, self.takes[-1]] if self.takes else channels
        y: Array = self.scaling.leave(self.parts[-1].value(last))
        return y

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Outputs, and the pullback: from weights ``(n, m)`` of the outputs to the weighted derivatives ``(n, d)``."""
        x = self._checked(x)
        channels, pulls = self.scaling.enter(x), []
        for takes, part in zip(self.takes, self.parts[:-1], strict=False):
            y, pull_part = part.vjp(channels[:, takes])
            channels = np.concatenate([channels, y], axis=1)
            pulls.append(pull_part)
        y, pull_last = self.parts[-1].vjp(channels[:, self.takes[-1]] if self.takes else channels)

        def pull(weight: Array) -> Array:
            back = pull_last(weight * self.scaling.output_scale)
            if self.takes:
                inward, back = back, np.zeros_like(channels)
                back[:, self.takes[-1]] += inward
            end = back.shape[1]
            for i in reversed(range(len(pulls))):
                start = end - self.parts[i].architecture.m
                back[:, self.takes[i]] += pulls[i](back[:, start:end])
                end = start
            return back[:, : self.d] * self.scaling.enter_slope(x)

        return self.scaling.leave(y), pull

    def as_function(self) -> Function:
        """The network as a `Function`: value, derivative and first layer in the units of the inputs."""
        return Function(
            self.value,
            inputs=self.inputs,
            outputs=self.outputs,
            name=self.name,
            vjp=self.vjp,
            program=to_program(self.parts, self.takes, self.scaling),
            first_layer=self._first_layer(),
            parallel="process",
            remake=self.as_function,
        )

    def jax_apply(self, x: Any, theta: Any = None) -> Any:
        """The network in JAX: outputs ``(n, m)`` at ``x``, with the parameters ``theta`` (default: its own).

        Call it in JAX's 64-bit mode (`supnorm.networks.double_precision`). JAX can trace it, compile it and
        differentiate it by both arguments.
        """
        import jax.numpy as jnp

        channels = self.scaling.enter_jax(x)
        pieces = self._cut(self.flat if theta is None else theta)
        for i, (part, piece) in enumerate(zip(self.parts, pieces, strict=True)):
            taken = channels[..., np.array(self.takes[i])] if self.takes else channels
            y = jax_forward(part.architecture, piece, part.frequencies, taken)
            channels = jnp.concatenate([channels, y], axis=-1) if self.takes else channels
        return self.scaling.leave(y)

    def forward(self, theta: Array, z: Array) -> Pass:
        """Scaled outputs at scaled inputs ``z (d, n)`` with parameters ``theta (p,)``, and derivatives."""
        channels, passes = z, []
        for i, (part, piece) in enumerate(zip(self.parts, self._cut(theta), strict=True)):
            taken = channels[list(self.takes[i])] if self.takes else channels
            passes.append(forward(part.architecture, piece, part.frequencies, taken))
            if i + 1 < len(self.parts):
                channels = np.concatenate([channels, passes[-1].outputs])
        return Pass(self.takes, tuple(passes), self.d)

    def _cut(self, theta: Any) -> list[Any]:
        """The parameters of each part; NumPy or JAX."""
        if not self.takes:
            return [theta]
        sizes = [part.architecture.size for part in self.parts]
        return [theta[end - size : end] for end, size in zip(np.cumsum(sizes), sizes, strict=True)]

    def _checked(self, x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.d:
            raise BadInput(f"the network takes points of shape (n, {self.d}), got {x.shape}")
        return x

    def _first_layer(self) -> tuple[Array, Array] | None:
        part = self.parts[0]
        if self.takes or any(self.scaling.log) or len(part.frequencies) or not self.widths:
            return None
        weights, bias = part.layers[0]
        unscaled = weights / self.scaling.input_scale
        return unscaled, bias - unscaled @ self.scaling.input_shift

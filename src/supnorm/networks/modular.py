"""Modular networks: a composition of small networks that each see a group of inputs.

    h_1 = N_1(x_G1),  h_2 = N_2(x_G2), ...,  y = N_k(h_1, h_2, ...)

Each part takes some of the channels: the inputs 0 ... d-1, then the outputs of the parts before it. Choose it
where the reference is known to be such a composition (a distance of two points, a product of groups):
with fewer weights than a dense network it had the smaller error in the one composition that
``tests/networks/test_modular.py`` trains. With wrong groups it cannot represent the reference. Source:
Michaud, Liu & Tegmark, Precision machine learning (2023), section 3.4. Cost: the
sum of the parts'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from supnorm.networks.blocks import in_blocks
from supnorm.networks.jax_forward import jax_forward
from supnorm.networks.modular_architecture import ModularArchitecture, Takes
from supnorm.networks.modular_pass import ModularPass
from supnorm.networks.network import Network
from supnorm.networks.scaling import Scaling
from supnorm.problem import Function
from supnorm.problem.function import Pullback
from supnorm.results import BadInput

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ModularNetwork:
    """A composition of networks with one scaling of inputs and outputs.

    Args:
        takes: see `ModularArchitecture`.
        parts: networks without a scaling of their own.
        scaling: of the whole.
        inputs, outputs, name: as of `Network`.

    Raises:
        BadInput: when the parts do not fit each other or the scaling.

    >>> rng = np.random.default_rng(0)
    >>> net = ModularNetwork.init(rng, 4, takes=((0, 1), (2, 3), (4, 5)), width=8)
    >>> net.value(np.zeros((3, 4))).shape, net.architecture.size
    ((3, 1), 99)
    """

    takes: Takes
    parts: tuple[Network, ...]
    scaling: Scaling
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    name: str = "modular network"

    def __repr__(self) -> str:
        """One line, without the weights."""
        return f"ModularNetwork(takes={self.takes}, parameters={self.architecture.size})"

    def __post_init__(self) -> None:
        a = self.architecture  # checks the channels
        if a.m != self.scaling.m:
            raise BadInput(f"the scaling is for {self.scaling.m} outputs, the last part has {a.m}")

    @classmethod
    def init(
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
    ) -> ModularNetwork:
        """Random parts: one output each, the last one ``m``.

        Args:
            takes: channels of each part: the inputs are 0 ... d-1, the output of the first part is d, and so on.
            width: of the hidden layers of every part, or one number per part.
            depth: hidden layers of every part.
        """
        groups = tuple(tuple(map(int, group)) for group in takes)
        widths = (width,) * len(groups) if isinstance(width, int | np.integer) else tuple(width)
        if len(widths) != len(groups):
            raise BadInput(f"give one width per part: {len(groups)} parts, got {len(widths)} widths")
        parts = tuple(
            Network.init(rng, len(group), m if i == len(groups) - 1 else 1, widths[i], depth, activation)
            for i, group in enumerate(groups)
        )
        return cls(groups, parts, scaling or Scaling.none(d, m), tuple(inputs), tuple(outputs))

    @property
    def architecture(self) -> ModularArchitecture:
        """Sizes and channels."""
        return ModularArchitecture(self.scaling.d, self.takes, tuple(p.architecture for p in self.parts))

    @property
    def d(self) -> int:
        """Number of inputs."""
        return self.scaling.d

    @property
    def flat(self) -> Array:
        """All trained parameters, part after part."""
        return np.concatenate([part.flat for part in self.parts])

    def with_flat(self, theta: Array) -> Self:
        """The same network with other parameters.

        Raises:
            BadInput: when the length does not fit.
        """
        if np.shape(theta) != (self.architecture.size,):
            raise BadInput(f"the network has {self.architecture.size} parameters, got {np.shape(theta)}")
        pieces = _cut(self, np.asarray(theta, dtype=np.float64))
        return replace(self, parts=tuple(p.with_flat(t) for p, t in zip(self.parts, pieces, strict=True)))

    def value(self, x: Array) -> Array:
        """Outputs at points ``x`` of shape ``(n, d)``, shape ``(n, m)``."""
        return in_blocks(lambda rows: self.vjp(rows)[0], self._checked(x), self.scaling.m)

    __call__ = value

    def vjp(self, x: Array) -> tuple[Array, Pullback]:
        """Outputs, and a function that pulls weights ``(n, m)`` on them back to the inputs ``(n, d)``."""
        x = self._checked(x)
        channels, pulls = self.scaling.enter(x), []
        for takes, part in zip(self.takes, self.parts, strict=True):
            y, pull_part = part.vjp(channels[:, takes])
            channels = np.concatenate([channels, y], axis=1)
            pulls.append(pull_part)

        def pull(weight: Array) -> Array:
            back = np.zeros_like(channels)
            back[:, -self.scaling.m :] = weight * self.scaling.output_scale
            end = back.shape[1]
            for takes, part, pull_part in reversed(list(zip(self.takes, self.parts, pulls, strict=True))):
                start = end - part.architecture.m
                back[:, takes] += pull_part(back[:, start:end])
                end = start
            inward: Array = back[:, : self.d] * self.scaling.enter_slope(x)
            return inward

        return self.scaling.leave(channels[:, -self.scaling.m :]), pull

    def forward(self, theta: Array, z: Array) -> ModularPass:
        """Scaled outputs at scaled inputs ``z (d, n)`` with parameters ``theta (p,)``, and derivatives."""
        channels, passes = z, []
        for takes, part, piece in zip(self.takes, self.parts, _cut(self, theta), strict=True):
            passes.append(part.forward(piece, channels[list(takes)]))
            channels = np.concatenate([channels, passes[-1].outputs])
        return ModularPass(self.takes, tuple(passes), self.d)

    def as_function(self) -> Function:
        """The network as a `Function`: value, derivative and program."""
        from supnorm.networks.lowering import modular_program

        return Function(
            self.value, inputs=self.inputs, outputs=self.outputs, name=self.name, vjp=self.vjp,
            program=modular_program(self), parallel="process", remake=self.as_function,
        )  # fmt: skip

    def jax_apply(self, x: Any, theta: Any = None) -> Any:
        """The network in JAX; see `Network.jax_apply`."""
        import jax.numpy as jnp

        channels = self.scaling.enter_jax(x)
        for takes, part, piece in zip(
            self.takes, self.parts, _cut(self, self.flat if theta is None else theta), strict=True
        ):
            y = jax_forward(part.architecture, piece, part.frequencies, channels[..., np.array(takes)])
            channels = jnp.concatenate([channels, y], axis=-1)
        return self.scaling.leave(channels[..., -self.scaling.m :])

    def save(self, path: Path | str) -> None:
        """Write the network as ``.npz``; see `Network.save`."""
        from supnorm.networks.storage import save_modular

        save_modular(self, path)

    @staticmethod
    def load(path: Path | str) -> ModularNetwork:
        """Read a network that `save` wrote.

        Raises:
            BadInput: when the file is missing, not a modular network of ours, or damaged.
        """
        from supnorm.networks.storage import load_modular

        return load_modular(path)

    def to_onnx(self, path: Path | str) -> None:
        """Write the network as ONNX in float64 (extra ``onnx``)."""
        from supnorm.networks.export_onnx import to_onnx

        to_onnx(self, path)

    def to_torch(self) -> Any:
        """The network as a torch ``nn.Module`` in float64 (extra ``torch``)."""
        from supnorm.networks.export_torch import modular_to_torch

        return modular_to_torch(self)

    def _checked(self, x: Array) -> Array:
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 2 or x.shape[1] != self.d:
            raise BadInput(f"the network takes points of shape (n, {self.d}), got {x.shape}")
        return x


def _cut(network: ModularNetwork, theta: Any) -> list[Any]:
    """The parameters of each part; NumPy or JAX."""
    ends = np.cumsum([part.architecture.size for part in network.parts])
    return [theta[end - part.architecture.size : end] for end, part in zip(ends, network.parts, strict=True)]

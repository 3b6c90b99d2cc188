"""Export to torch: the same network as an ``nn.Module`` in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from supnorm.results import BadInput, install

if TYPE_CHECKING:
    from supnorm.networks.modular import ModularNetwork
    from supnorm.networks.network import Network
    from supnorm.networks.scaling import Scaling


def to_torch(network: Network) -> Any:
    """A module that maps a float64 tensor ``(n, d)`` to ``(n, m)``; its parameters can be trained on.

    Raises:
        BadInput: when torch is missing.
    """
    try:
        import torch
    except ImportError:
        raise BadInput(f"export to torch needs the package torch: {install('torch')}") from None
    nn, functional = torch.nn, torch.nn.functional
    functions: dict[str, Any] = {
        "gelu": functional.gelu,
        "relu": functional.relu,
        "silu": functional.silu,
        "sin": torch.sin,
        "softplus": functional.softplus,
        "tanh": torch.tanh,
    }
    a, s = network.architecture, network.scaling

    class TorchNetwork(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            for name in ("input_shift", "input_scale", "output_shift", "output_scale"):
                self.register_buffer(name, torch.tensor(getattr(s, name)))
            self.register_buffer("frequencies", torch.tensor(network.frequencies))
            self.register_buffer("log", torch.tensor(np.array(s.log)))
            self.layers = nn.ModuleList(_linear(torch, w, b) for w, b in network.layers)

        def enter(self, x: Any) -> Any:
            if any(s.log):
                x = torch.where(self.log, torch.log(torch.where(self.log, x, torch.ones_like(x))), x)
            return (x - self.input_shift) / self.input_scale

        def forward(self, x: Any) -> Any:
            z = self.enter(x)
            if a.fourier:
                waves = z @ self.frequencies.T
                z = torch.cat([z, torch.sin(waves), torch.cos(waves)], dim=-1)
            for i, layer in enumerate(list(self.layers)[:-1]):
                after = functions[a.activations[i]](layer(z))
                z = z + after if a.skips(i) else after
            return self.layers[-1](z) * self.output_scale + self.output_shift

    return TorchNetwork()


def modular_to_torch(network: ModularNetwork) -> Any:
    """As `to_torch`, for a modular network.

    Raises:
        BadInput: when torch is missing.
    """
    parts = [to_torch(part) for part in network.parts]
    frame = to_torch(_frame(network.scaling))
    import torch

    class TorchModularNetwork(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.parts = torch.nn.ModuleList(parts)
            self.frame = frame
            self.frame.requires_grad_(False)  # it holds the scaling

        def forward(self, x: Any) -> Any:
            z = self.frame.enter(x)
            for takes, part in zip(network.takes, self.parts, strict=True):
                y = part(z[..., list(takes)])
                z = torch.cat([z, y], dim=-1)
            return y * self.frame.output_scale + self.frame.output_shift

    return TorchModularNetwork()


def _frame(scaling: Scaling) -> Network:
    """An affine network that only carries a scaling."""
    from supnorm.networks.architecture import Architecture
    from supnorm.networks.network import Network

    layer = np.zeros((scaling.m, scaling.d)), np.zeros(scaling.m)
    return Network(Architecture(scaling.d, scaling.m, ()), scaling, (layer,))


def _linear(torch: Any, weights: Any, bias: Any) -> Any:
    layer = torch.nn.Linear(weights.shape[1], weights.shape[0], dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weights))
        layer.bias.copy_(torch.tensor(bias))
    return layer

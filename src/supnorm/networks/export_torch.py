"""Export to torch: the same network as an ``nn.Module`` in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from supnorm.networks.network import Network
from supnorm.networks.part import Part
from supnorm.results import BadInput, install


def to_torch(network: Network) -> Any:
    """A module that maps a float64 tensor ``(n, d)`` to ``(n, m)``; its parameters can be trained further.

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
    s = network.scaling

    class TorchPart(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, part: Part) -> None:
            super().__init__()
            self.architecture = part.architecture
            self.register_buffer("frequencies", torch.tensor(part.frequencies))
            self.layers = nn.ModuleList(_linear(torch, w, b) for w, b in part.layers)

        def forward(self, z: Any) -> Any:
            if self.architecture.fourier:
                waves = z @ self.frequencies.T
                z = torch.cat([z, torch.sin(waves), torch.cos(waves)], dim=-1)
            for i, layer in enumerate(list(self.layers)[:-1]):
                after = functions[self.architecture.activations[i]](layer(z))
                z = z + after if self.architecture.skips(i) else after
            return self.layers[-1](z)

    class TorchNetwork(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            for name in ("input_shift", "input_scale", "output_shift", "output_scale"):
                self.register_buffer(name, torch.tensor(getattr(s, name)))
            self.register_buffer("log", torch.tensor(np.array(s.log)))
            self.parts = nn.ModuleList(TorchPart(part) for part in network.parts)

        def forward(self, x: Any) -> Any:
            if any(s.log):
                x = torch.where(self.log, torch.log(torch.where(self.log, x, torch.ones_like(x))), x)
            z = (x - self.input_shift) / self.input_scale
            for i, part in enumerate(self.parts):
                y = part(z[..., list(network.takes[i])] if network.takes else z)
                z = torch.cat([z, y], dim=-1) if network.takes else z
            return y * self.output_scale + self.output_shift

    return TorchNetwork()


def _linear(torch: Any, weights: Any, bias: Any) -> Any:
    layer = torch.nn.Linear(weights.shape[1], weights.shape[0], dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weights))
        layer.bias.copy_(torch.tensor(bias))
    return layer

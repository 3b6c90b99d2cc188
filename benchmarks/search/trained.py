"""Networks trained on the spot: one with a glitch trained into its weights, one that is merely under-fitted.

The worst error of a trained network is not known; what is taken for it is the best of an independent search
that is told where the glitch is, and of everything that any method found.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from tests.problems import (
    Instance,
    RandomNet,
    Valued,
    ball_radius,
    bounded,
    climb_from_everywhere,
    function_of,
)

from supnorm.networks import Architecture, Network, Part, Scaling
from supnorm.problem import Domain, Problem

Array = NDArray[np.float64]


def unit_box(d: int) -> Domain:
    """The unit box with inputs x1, x2, ..."""
    return Domain(**{f"x{i + 1}": (0.0, 1.0) for i in range(d)})


def train(u: Array, y: Array, widths: tuple[int, ...], activation: str, steps: int, seed: int) -> Network:
    """A network fitted to ``(u, y)`` by Adam with a falling rate, in float64, batches of 512."""
    import torch

    torch.manual_seed(seed)
    d = u.shape[1]
    layers: list[torch.nn.Module] = []
    for a, b in zip((d, *widths), widths, strict=False):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU() if activation == "relu" else torch.nn.Tanh()]
    net = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-1], 1)).double()
    x, target = torch.tensor(2 * u - 1), torch.tensor(y[:, None])
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 1e-2, total_steps=steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (512,))
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(net(x[rows]), target[rows]).backward()
        optimiser.step()
        schedule.step()
    weights = [(m.weight.detach().numpy(), m.bias.detach().numpy()) for m in net if hasattr(m, "weight")]
    scaling = Scaling(np.full(d, 0.5), np.full(d, 0.5), np.zeros(1), np.ones(1))
    return Network((Part(Architecture(d, 1, widths, activation), tuple(weights)),), scaling)


def against(network: Network, truth: Valued, name: str, starts: Array) -> Instance:
    """The trained network against what it was trained on; ``starts`` are places worth climbing from."""
    d = network.d
    domain = unit_box(d)
    model, reference = network.as_function(), function_of(domain, (truth,), True, name="truth")
    error = _error(network, truth)
    best = climb_from_everywhere(error, d, 0, 2048)
    u = starts.copy()
    for step in np.geomspace(0.02, 1e-7, 200):
        value, slope = error(u)
        best = max(best, float(value.max()))
        u = np.clip(u + step * slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-300), 0, 1)
    return Instance(name, Problem(model, reference, domain), best, known=False)


def _error(network: Network, truth: Valued) -> Valued:
    function = network.as_function()
    assert function.vjp is not None

    def valued(u: Array) -> tuple[Array, Array]:
        y, pull = function.vjp(u)
        f, slope = truth(u)
        sign = np.sign(y[:, 0] - f)
        return np.abs(y[:, 0] - f), sign[:, None] * (pull(np.ones_like(y)) - slope)

    return valued


@lru_cache(maxsize=64)
def glitch_in_weights(d: int, p: float, seed: int) -> Instance:
    """A 3 x 64 ReLU network trained on a smooth truth and on a bump of half-height volume ``p`` that is not in it."""
    rng = np.random.default_rng([seed, d, 31])
    truth = bounded(RandomNet.draw(d, seed + 2000, gain=1.0), 0.5)
    radius = ball_radius(p, d)
    centre = rng.uniform(0.15, 0.85, d)
    spread = radius * 10 ** rng.uniform(-0.5, 1.0, (6000, 1)) / np.sqrt(d)
    near = np.clip(centre + spread * rng.standard_normal((6000, d)), 0, 1)
    u = np.concatenate([rng.random((6000, d)), near])
    y = truth(u)[0] + np.exp2(-((np.linalg.norm(u - centre, axis=1) / radius) ** 2))
    network = train(u, y, (64, 64, 64), "relu", 3000, seed)
    starts = np.clip(centre + radius * rng.standard_normal((256, d)), 0, 1)
    return against(network, truth, f"trained glitch, d = {d}, seed {seed}", starts)


@lru_cache(maxsize=64)
def underfitted(d: int, seed: int) -> Instance:
    """A 2 x 64 tanh network fitted to 4,000 samples of a smooth truth in ``d`` inputs."""
    rng = np.random.default_rng([seed, d, 32])
    truth = RandomNet.draw(d, seed + 2000)
    u = rng.random((4000, d))
    network = train(u, truth(u)[0], (64, 64), "tanh", 1500, seed)
    return against(network, truth, f"trained net, d = {d}, seed {seed}", rng.random((256, d)))

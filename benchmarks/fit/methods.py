"""The methods that are compared. Each trains the same start on the same samples for the same CPU seconds.

A method is a function ``(network, x, y, seconds) -> network``; everything that compiles has been compiled by
a first short run, for all of them.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network, double_precision
from supnorm.networks.jax_forward import jax_forward
from supnorm.training import LBFGS, Adam, LevenbergMarquardt, QuasiNewton, Stop, optimise

Array = NDArray[np.float64]


class _Time(Exception):
    pass


def ours(method: Any) -> Any:
    """One of supnorm's optimisers."""

    def run(network: Network, x: Array, y: Array, seconds: float) -> Network:
        if isinstance(method, Adam):  # its rate falls over its iterations: as many as fit into the time
            start = time.process_time()
            optimise(network, x, y, method, Stop(200))
            steps = int(200 * seconds / (time.process_time() - start))
            return optimise(
                network, x, y, method, Stop(max(steps, 1), seconds, clock=time.process_time)
            ).network
        return optimise(network, x, y, method, Stop(10**8, seconds, clock=time.process_time)).network

    return run


def _torch_loss(network: Network, x: Array, y: Array) -> tuple[Any, Any, Any]:
    import torch

    torch.set_num_threads(1)
    module = network.to_torch()
    inputs, target = torch.tensor(x), torch.tensor(y)
    scale = torch.tensor(network.scaling.output_scale)

    def loss() -> Any:
        return torch.mean(((module(inputs) - target) / scale) ** 2)

    return torch, module, loss


def _from_torch(network: Network, module: Any) -> Network:
    return network.with_flat(np.concatenate([p.detach().numpy().ravel() for p in module.parameters()]))


def torch_adam(rate: float) -> Any:
    """torch.optim.Adam in float64 with a cosine decay."""

    def run(network: Network, x: Array, y: Array, seconds: float) -> Network:
        torch, module, loss = _torch_loss(network, x, y)
        adam = torch.optim.Adam(module.parameters(), lr=rate)
        start = time.process_time()
        while (done := (time.process_time() - start) / seconds) < 1:
            for group in adam.param_groups:
                group["lr"] = rate * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
            adam.zero_grad()
            loss().backward()
            adam.step()
        return _from_torch(network, module)

    return run


def torch_lbfgs(network: Network, x: Array, y: Array, seconds: float) -> Network:
    """torch.optim.LBFGS in float64 with strong Wolfe line search and 50 pairs."""
    torch, module, loss = _torch_loss(network, x, y)
    start = time.process_time()
    optimiser = torch.optim.LBFGS(
        module.parameters(), max_iter=10**6, max_eval=10**7, history_size=50, tolerance_grad=0.0,
        tolerance_change=0.0, line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Any:
        if time.process_time() - start > seconds:
            raise _Time
        optimiser.zero_grad()
        value = loss()
        value.backward()
        return value

    with suppress(_Time):
        while time.process_time() - start < seconds:
            optimiser.step(closure)
    return _from_torch(network, module)


def scipy_bfgs(network: Network, x: Array, y: Array, seconds: float) -> Network:
    """scipy.optimize.minimize(method="BFGS") with torch gradients, as in Precision machine learning."""
    from scipy.optimize import minimize

    torch, module, loss = _torch_loss(network, x, y)
    start, best = time.process_time(), [np.inf, network.flat]

    def value_and_grad(theta: Array) -> tuple[float, Array]:
        if time.process_time() - start > seconds:
            raise _Time
        torch.nn.utils.vector_to_parameters(torch.tensor(theta), module.parameters())
        module.zero_grad()
        value = loss()
        value.backward()
        gradient = np.concatenate([p.grad.numpy().ravel() for p in module.parameters()])
        if float(value) < best[0]:
            best[0], best[1] = float(value), theta.copy()
        return float(value), gradient

    with suppress(_Time):
        minimize(
            value_and_grad, network.flat, jac=True, method="BFGS", options={"gtol": 1e-60, "maxiter": 10**6}
        )
    return network.with_flat(np.asarray(best[1]))


def optimistix(name: str) -> Any:
    """optimistix.BFGS or LevenbergMarquardt, in chunks of compiled steps until the time is over."""
    import jax
    import jax.numpy as jnp
    import optimistix as optx

    def run(network: Network, x: Array, y: Array, seconds: float) -> Network:
        s = network.scaling
        z, t = s.enter(x), (y - s.output_shift) / s.output_scale
        with double_precision():
            z, t = jnp.asarray(z), jnp.asarray(t)

            def residual(theta: Any, args: Any = None) -> Any:
                return (jax_forward(network.architecture, theta, network.frequencies, z) - t).ravel()

            def loss(theta: Any, args: Any = None) -> Any:
                return jnp.mean(residual(theta) ** 2)

            least = name == "LevenbergMarquardt"
            steps = 2 if least else 20
            solver = getattr(optx, name)(rtol=1e-16, atol=1e-16)
            f = residual if least else loss
            options: dict[str, Any] = {}
            shape = jax.eval_shape(f, network.flat)
            tags: frozenset[object] = frozenset()
            with_aux = lambda theta, args: (f(theta), None)  # noqa: E731
            state = solver.init(with_aux, jnp.asarray(network.flat), None, options, shape, None, tags)
            import equinox as eqx

            dynamic, static = eqx.partition(state, eqx.is_array)

            @jax.jit
            def chunk(theta: Any, dynamic: Any) -> Any:
                def body(carry: Any, _: Any) -> Any:
                    theta, dynamic = carry
                    state = eqx.combine(dynamic, static)
                    theta, state, _aux = solver.step(with_aux, theta, None, options, state, tags)
                    return (theta, eqx.filter(state, eqx.is_array)), None

                return jax.lax.scan(body, (theta, dynamic), None, length=steps)[0]

            theta = jnp.asarray(network.flat)
            chunk(theta, dynamic)[0].block_until_ready()  # compiled before the clock starts
            start = time.process_time()
            best, best_loss = theta, float(loss(theta))
            while time.process_time() - start < seconds:
                theta, dynamic = chunk(theta, dynamic)
                theta.block_until_ready()
            value = float(loss(theta))
            return network.with_flat(np.asarray(theta if value < best_loss else best))

    return run


def methods() -> dict[str, Any]:
    """By name; optimistix only where it is installed."""
    table: dict[str, Any] = {
        "SSBroyden": ours(QuasiNewton()),
        "SSBFGS": ours(QuasiNewton("ssbfgs")),
        "BFGS": ours(QuasiNewton("bfgs")),
        "LM geodesic": ours(LevenbergMarquardt()),
        "L-BFGS": ours(LBFGS()),
        "Adam": ours(Adam()),
        "scipy BFGS": scipy_bfgs,
        "torch L-BFGS": torch_lbfgs,
        "torch Adam 1e-3": torch_adam(1e-3),
        "torch Adam 1e-2": torch_adam(1e-2),
    }
    try:
        table["optimistix BFGS"] = optimistix("BFGS")
        table["optimistix LM"] = optimistix("LevenbergMarquardt")
    except ImportError:
        pass
    return table

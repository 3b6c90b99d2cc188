"""supnorm's optimisers and their peers. Each trains the same start on the same samples until the time is over.

A method is a function ``(network, x, y, recorder)``; it reports every evaluation to the recorder and may end
early. Compilation is done before the clock starts.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fit.recorder import OutOfTime, Recorder
from supnorm.networks import Network, to_torch
from supnorm.training import FunctionLoss, LevenbergMarquardt, Limit, MeanSquares, QuasiNewton

Array = NDArray[np.float64]
RATES = {"torch Adam": (1e-1, 3e-2, 1e-2, 3e-3, 1e-3)}  # the best one is chosen for each task on tuning seeds


def ours(optimiser: Any) -> Any:
    """One of supnorm's optimisers that take a loss and its gradient."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        loss = MeanSquares(network, x, y)
        with suppress(OutOfTime):
            optimiser.minimise(
                FunctionLoss(recorder.watching(loss.value_and_grad)), network.flat, Limit(evaluations=10**9)
            )

    return run


def levenberg_marquardt(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
    """supnorm's Levenberg-Marquardt with geodesic acceleration."""

    class Watched(MeanSquares):
        def residual_jacobian(self, theta: Array) -> tuple[Array, Array]:
            r, jacobian = super().residual_jacobian(theta)
            recorder.see(theta, float(r @ r) / len(r))
            return r, jacobian

    with suppress(OutOfTime):
        LevenbergMarquardt().minimise(Watched(network, x, y), network.flat, Limit(evaluations=10**9))


def _torch_loss(network: Network, x: Array, y: Array) -> tuple[Any, Any, Any]:
    import torch

    torch.set_num_threads(1)
    module = to_torch(network)
    inputs, target = torch.tensor(x), torch.tensor(y)
    scale = torch.tensor(network.scaling.output_scale)

    def loss() -> Any:
        return torch.mean(((module(inputs) - target) / scale) ** 2)

    return torch, module, loss


def _flat(module: Any) -> Array:
    return np.concatenate([p.detach().numpy().ravel() for p in module.parameters()])


def torch_adam(rate: float) -> Any:
    """torch.optim.Adam in float64 with a cosine decay to a hundredth of its rate."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        torch, module, loss = _torch_loss(network, x, y)
        adam = torch.optim.Adam(module.parameters(), lr=rate)
        recorder.start()
        with suppress(OutOfTime):
            while True:
                done = min(recorder.spent / recorder.seconds, 1.0)
                for group in adam.param_groups:
                    group["lr"] = rate * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
                adam.zero_grad()
                value = loss()
                value.backward()
                recorder.see(lambda: _flat(module), float(value.detach()))
                adam.step()

    return run


def torch_lbfgs(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
    """torch.optim.LBFGS in float64 with strong Wolfe line search and 50 pairs, started anew when it ends."""
    torch, module, loss = _torch_loss(network, x, y)
    optimiser = torch.optim.LBFGS(
        module.parameters(), max_iter=10**6, max_eval=10**7, history_size=50, tolerance_grad=0.0,
        tolerance_change=0.0, line_search_fn="strong_wolfe",
    )  # fmt: skip
    recorder.start()

    def closure() -> Any:
        optimiser.zero_grad()
        value = loss()
        value.backward()
        recorder.see(lambda: _flat(module), float(value.detach()))
        return value

    with suppress(OutOfTime):
        while True:
            optimiser.step(closure)


def _torch_gradients(network: Network, x: Array, y: Array) -> Any:
    """Loss and gradient of a vector of parameters by torch's automatic differentiation."""
    torch, module, loss = _torch_loss(network, x, y)

    def value_and_grad(theta: Array) -> tuple[float, Array]:
        torch.nn.utils.vector_to_parameters(torch.tensor(theta), module.parameters())
        module.zero_grad()
        value = loss()
        value.backward()
        return float(value.detach()), np.concatenate([p.grad.numpy().ravel() for p in module.parameters()])

    return value_and_grad


def _our_gradients(network: Network, x: Array, y: Array) -> Any:
    """Loss and gradient of a vector of parameters by supnorm's NumPy code, two to four times cheaper a call."""
    return MeanSquares(network, x, y).value_and_grad


def broyden_with_torch(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
    """supnorm's self-scaled Broyden with torch's gradients: what the optimiser does without our loss."""
    value_and_grad = _torch_gradients(network, x, y)
    recorder.start()
    with suppress(OutOfTime):
        QuasiNewton().minimise(
            FunctionLoss(recorder.watching(value_and_grad)), network.flat, Limit(evaluations=10**9)
        )


def scipy_bfgs(gradients: Any) -> Any:
    """scipy.optimize.minimize(method="BFGS"); with torch gradients as in Precision machine learning, or with ours."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        from scipy.optimize import minimize

        value_and_grad = gradients(network, x, y)
        recorder.start()
        with suppress(OutOfTime):
            minimize(
                recorder.watching(value_and_grad), network.flat, jac=True, method="BFGS",
                options={"gtol": 1e-60, "maxiter": 10**6},
            )  # fmt: skip

    return run


def minpack(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
    """MINPACK's Levenberg-Marquardt (scipy.optimize.least_squares, method "lm") with our residuals and Jacobian."""
    from scipy.optimize import least_squares

    loss = MeanSquares(network, x, y)

    def residual(theta: Array) -> Array:
        r = loss.residual(theta)
        recorder.see(theta, float(r @ r) / len(r))
        return r

    recorder.start()
    with suppress(OutOfTime):
        least_squares(
            residual, network.flat, lambda theta: loss.residual_jacobian(theta)[1], method="lm",
            ftol=1e-15, xtol=1e-15, gtol=1e-15, max_nfev=10**6,
        )  # fmt: skip


def torch_lbfgs_with_ours(pairs: int, package: str = "torch") -> Any:
    """torch.optim.LBFGS, as it is or as DeepXDE sets it up, with our loss and gradient."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        import torch

        torch.set_num_threads(1)
        theta = torch.nn.Parameter(torch.tensor(network.flat))
        if package == "torch":
            optimiser = torch.optim.LBFGS(
                [theta], max_iter=10**6, max_eval=10**7, history_size=pairs, tolerance_grad=0.0,
                tolerance_change=0.0, line_search_fn="strong_wolfe",
            )  # fmt: skip
        else:
            import deepxde as dde
            from deepxde.optimizers.pytorch import optimizers

            dde.optimizers.set_LBFGS_options(maxcor=pairs, ftol=0, gtol=0, maxiter=10**7)
            optimiser = optimizers.get([theta], "L-BFGS")[0]
        value_and_grad = MeanSquares(network, x, y).value_and_grad
        recorder.start()

        def closure() -> Any:
            here = theta.detach().numpy().copy()
            loss, gradient = value_and_grad(here)
            theta.grad = torch.tensor(gradient)
            recorder.see(here, loss)
            return torch.tensor(loss)

        with suppress(OutOfTime):
            while True:
                optimiser.step(closure)

    return run


def deepxde_lbfgs(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
    """DeepXDE's "L-BFGS" (torch backend, float64, 100 pairs) on its own network from the same start."""
    import deepxde as dde
    import torch

    torch.set_num_threads(1)
    dde.config.set_default_float("float64")
    s, (part,) = network.scaling, network.parts
    data = dde.data.DataSet(X_train=s.enter(x), y_train=(y - s.output_shift) / s.output_scale,
                            X_test=s.enter(x[:1]), y_test=np.zeros((1, network.m)))  # fmt: skip
    net = dde.nn.FNN([network.d, *network.widths, network.m], "tanh", "Glorot normal")
    with torch.no_grad():
        for linear, (w, b) in zip(net.linears, part.layers, strict=True):
            linear.weight.copy_(torch.tensor(w))
            linear.bias.copy_(torch.tensor(b))

    def seen(true: Any, predicted: Any) -> Any:
        loss = torch.mean((true - predicted) ** 2)
        if len(true) > 1:  # not its test point
            recorder.see(lambda: _flat(net), float(loss.detach()))
        return loss

    dde.optimizers.set_LBFGS_options(maxcor=100, ftol=0, gtol=0, maxiter=10**7)
    model = dde.Model(data, net)
    model.compile("L-BFGS", loss=seen, verbose=0)
    recorder.start()
    with suppress(OutOfTime):
        model.train(display_every=10**9, verbose=0)


def optimistix(name: str) -> Any:
    """optimistix.BFGS or LevenbergMarquardt with default options, in chunks of compiled steps."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        import optimistix as optx

        from supnorm.networks import double_precision
        from supnorm.networks.jax_forward import jax_forward

        s, (part,), least = network.scaling, network.parts, name == "LevenbergMarquardt"
        with double_precision(), suppress(OutOfTime):
            z, t = jnp.asarray(s.enter(x)), jnp.asarray((y - s.output_shift) / s.output_scale)

            def residual(theta: Any) -> Any:
                return (jax_forward(part.architecture, theta, part.frequencies, z) - t).ravel()

            def objective(theta: Any, args: Any) -> Any:
                r = residual(theta)
                return (r if least else jnp.mean(r**2)), None

            solver = getattr(optx, name)(rtol=1e-16, atol=1e-16)
            shape, tags = jax.eval_shape(lambda p: objective(p, None)[0], network.flat), frozenset()
            theta = jnp.asarray(network.flat)
            state = solver.init(objective, theta, None, {}, shape, None, tags)
            dynamic, static = eqx.partition(state, eqx.is_array)

            @jax.jit
            def chunk(theta: Any, dynamic: Any) -> Any:
                def body(carry: Any, _: Any) -> Any:
                    theta, state = carry[0], eqx.combine(carry[1], static)
                    theta, state, _aux = solver.step(objective, theta, None, {}, state, tags)
                    return (theta, eqx.filter(state, eqx.is_array)), None

                moved, _ = jax.lax.scan(body, (theta, dynamic), None, length=2 if least else 20)
                return *moved, jnp.mean(residual(moved[0]) ** 2)

            chunk(theta, dynamic)[0].block_until_ready()
            recorder.start()
            while True:
                theta, dynamic, loss = chunk(theta, dynamic)
                recorder.see(np.asarray(theta), float(loss))

    return run


OURS: dict[str, Any] = {
    "SSBroyden": ours(QuasiNewton()),
    "LM geodesic": levenberg_marquardt,
    "BFGS": ours(QuasiNewton("bfgs")),
}
PEERS: dict[str, Any] = {
    "SSBroyden, torch loss": broyden_with_torch,
    "scipy BFGS": scipy_bfgs(_torch_gradients),
    "scipy BFGS, our loss": scipy_bfgs(_our_gradients),
    "MINPACK lm, our loss": minpack,
    "torch L-BFGS": torch_lbfgs,
    "torch L-BFGS, our loss": torch_lbfgs_with_ours(50),
    "torch Adam": torch_adam,  # takes a rate first
    "DeepXDE L-BFGS": deepxde_lbfgs,
    "DeepXDE L-BFGS, our loss": torch_lbfgs_with_ours(100, "deepxde"),
    "optimistix BFGS": optimistix("BFGS"),
    "optimistix LM": optimistix("LevenbergMarquardt"),
}
NEEDS = {
    "DeepXDE L-BFGS": "deepxde", "DeepXDE L-BFGS, our loss": "deepxde", "optimistix BFGS": "optimistix",
    "optimistix LM": "optimistix",
}  # fmt: skip

"""Three networks of `fit_pde`, their certified error against the solution, and the error that points show.

Poisson and heat have known solutions; that of Burgers' equation with a sine as its start is the integral of Cole and Hopf,
which is computed here by quadrature. None of them is given to `solution_error`.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from supnorm import Domain, equations, solution_error
from supnorm.checker import check
from supnorm.problem.equations import Equation
from supnorm.training import General, fit_pde

PI = np.pi
NU = 0.1
RATIO = 2.0
POINTS = 100  # along each axis, where the network is compared with the solution


def bump(x: Any) -> Any:
    """Solution of the Poisson problem."""
    return jnp.exp(x[:, 1]) * jnp.sin(PI * x[:, 0])


def fading(x: Any) -> Any:
    """Solution of the heat equation."""
    return jnp.sin(PI * x[:, 0]) * jnp.exp(-0.2 * PI**2 * x[:, 1])


def cole_hopf(x: Any) -> Any:
    """Solution of Burgers' equation on [-1, 1] that starts as -sin(pi x) (Basdevant et al., 1986), by Gauss and Hermite."""
    nodes, weights = np.polynomial.hermite.hermgauss(120)
    y = x[:, :1] - np.sqrt(4.0 * NU * np.maximum(x[:, 1:], 0.0)) * nodes
    f = np.exp(-(np.cos(PI * y) - 1.0) / (2.0 * PI * NU))
    return -np.sum(weights * np.sin(PI * y) * f, axis=1) / np.sum(weights * f, axis=1)


ROWS: dict[str, tuple[Equation, Domain, Callable[[Any], Any]]] = {
    "Poisson, 2-D": (
        equations.Poisson(source=lambda x: (PI**2 - 1.0) * bump(x), boundary=bump),
        Domain(x=(0.0, 1.0), y=(0.0, 1.0)),
        bump,
    ),
    "heat, 1+1": (
        equations.Heat(0.2, initial=lambda x: jnp.sin(PI * x[:, 0])),
        Domain(x=(0.0, 1.0), t=(0.0, 0.5)),
        fading,
    ),
    "Burgers, 1+1": (
        equations.Burgers(NU, initial=lambda x: -jnp.sin(PI * x[:, 0])),
        Domain(x=(-1.0, 1.0), t=(0.0, 0.25)),
        cole_hopf,
    ),
}


def row(name: str, iterations: int = 150, seed: int = 1) -> dict[str, Any]:
    """One network: the error that points show, the bracket, the bound by its own residual, and what they cost."""
    equation, domain, exact = ROWS[name]
    start = time.process_time()
    network = fit_pde(General.of(equation, domain), width=12, iterations=iterations, seed=seed).model
    trained = time.process_time()
    result = solution_error(network, equation, domain, ratio=RATIO)
    proved = time.process_time()
    direct = solution_error(network, equation, domain, reference="model", ratio=1.5)
    grid = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, POINTS)] * 2, indexing="ij"), -1).reshape(-1, 2)
    x = domain.from_unit(grid)
    seen = float(np.max(np.abs(network.value(x)[:, 0] - np.asarray(exact(x), dtype=np.float64))))
    with tempfile.TemporaryDirectory() as folder:
        result.save(Path(folder) / "proof.json")
        begun = time.process_time()
        verdict = check(Path(folder) / "proof.json")
        checked = time.process_time() - begun
    return {
        "seen": seen,
        "lower": result.lower,
        "upper": result.upper,
        "ratio": result.upper / seen,
        "direct": direct.upper,
        "constant": result.record.barrier.inside,
        "boxes": result.record.boxes,
        "train_seconds": trained - start,
        "seconds": proved - trained,
        "check_seconds": checked,
        "accepted": verdict.accepted,
    }

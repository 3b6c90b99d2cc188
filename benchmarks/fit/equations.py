"""`fit_pde` on four equations with known solutions: the error of the solution, and what the residual audit says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.fit.compare import Wanted
from supnorm.networks import double_precision
from supnorm.problem import Domain
from supnorm.training import Burgers, Heat, Helmholtz, LevenbergMarquardt, Poisson, QuasiNewton, fit_pde
from supnorm.training.equations import Equation

PI = np.pi
SQUARE = Domain(x=(0.0, 1.0), y=(0.0, 1.0))
Solution = Callable[[Any], Any]


def waves(x: Any) -> Any:
    """Solution of the Poisson problem: two half waves in y."""
    return jnp.sin(PI * x[0]) * jnp.sin(2 * PI * x[1])


def mixed(x: Any) -> Any:
    """Solution of the Helmholtz problem with wave number 4."""
    return jnp.sin(PI * x[0]) * jnp.cos(PI * x[1])


def fading(x: Any) -> Any:
    """Solution of the heat equation with conductivity 0.2."""
    return jnp.sin(PI * x[0]) * jnp.exp(-0.2 * PI**2 * x[1])


def front(x: Any) -> Any:
    """Travelling front of Burgers' equation with viscosity 0.1."""
    return 1 / (1 + jnp.exp((x[0] - 0.5 * x[1]) / 0.2))


PROBLEMS: dict[str, tuple[Equation, Solution]] = {
    "Poisson": (Poisson(SQUARE, lambda x: 5 * PI**2 * waves(x), lambda x: 0.0), waves),
    "Helmholtz": (Helmholtz(SQUARE, 4.0, lambda x: (16 - 2 * PI**2) * mixed(x), mixed), mixed),
    "heat": (Heat(Domain(x=(0.0, 1.0), t=(0.0, 0.5)), 0.2, lambda x: 0.0, fading), fading),
    "Burgers": (Burgers(Domain(x=(-1.0, 1.0), t=(0.0, 1.0)), 0.1, front), front),
}
OPTIMISERS = {
    "SSBroyden, 700 steps": (QuasiNewton(), 700),
    "LM geodesic, 60 steps": (LevenbergMarquardt(), 60),
}


def equations(seeds: list[int], wanted: Wanted) -> Iterator[dict[str, Any]]:
    """One row for each equation, optimiser and seed."""
    for seed in seeds:
        for task, (equation, solution) in PROBLEMS.items():
            for method, (optimiser, iterations) in OPTIMISERS.items():
                if not wanted(task, method, seed):
                    continue
                began = time.process_time()
                result = fit_pde(equation, optimiser=optimiser, iterations=iterations, points=400, seed=seed)
                spent = time.process_time() - began
                x = equation.domain.from_unit(np.random.default_rng(seed + 1).random((20_000, 2)))
                with double_precision():
                    error = float(
                        np.abs(result.model.value(x)[:, 0] - np.asarray(solution(jnp.asarray(x).T))).max()
                    )
                assert result.residual.worst is not None
                yield {
                    "task": task, "method": method, "seed": seed, "max": error, "error_if": result.error_if,
                    "residual": result.residual.worst.error, "cpu_seconds": spent,
                }  # fmt: skip


def lines(row: dict[str, Any]) -> list[str]:
    """What is printed while it runs."""
    return [f"{row['seed']}  " + "  ".join(body([row])[0])]


def body(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Rows of the table: medians over the seeds."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for r in rows:
        groups.setdefault((r["task"], r["method"]), []).append(r)
    return [[*key, *(_median(same, what) for what in ("max", "residual", "error_if")),
             f"{np.median([r['cpu_seconds'] for r in same]):.1f}"] for key, same in groups.items()]  # fmt: skip


def _median(rows: list[dict[str, Any]], what: str) -> str:
    values = [r[what] for r in rows if r[what] is not None]
    return f"{np.median(values):.1e}" if values else "none"

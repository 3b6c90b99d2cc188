"""R9: what a physics-informed network can do for Poisson's equation beside and inside a solver."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dstn

import supnorm as sn
from reproduce.experiment import OURS, Curve, Experiment, Figure, Results, Row, Run, verdict
from reproduce.pinn_vs_solver import solvers
from reproduce.published import Published
from supnorm.networks import Network, Scaling, double_precision
from supnorm.training import Adam, General, Limit, Optimiser, QuasiNewton
from supnorm.training.fit_pde import ResidualLoss, collocation

Array = NDArray[np.float64]
MODES = (1, 2, 3, 4)
AMPLITUDES = {"cold": (1.0, 1.0, 1.0, 1.0), "other": (0.5, 1.5, 0.7, 1.3)}
STEPS = {
    "test": (5, 10),
    "usual": (25, 50, 100, 200, 400, 800, 1600),
    "full": (25, 50, 100, 200, 400, 800, 1600, 3200, 6400),
}
FIRST = {
    "test": (5, 10),
    "usual": (100, 200, 400, 800, 1600),
    "full": (1000, 3000, 10_000, 30_000),
}  # of Adam
WIDTH, DEPTH = 24, 3
POINTS, FACES = 1024, 256
GRID = {"test": 31, "usual": 127, "full": 511}
COARSE = {"test": 7, "usual": 31, "full": 31}  # points a side of the coarse direct solution
LEVELS = (1e-2, 1e-4, 1e-8)
MOST = {"test": 4000, "usual": 40_000, "full": 400_000}
SEEDS = {"test": 1, "usual": 3, "full": 5}
PROOF = {"test": 20.0, "usual": 60.0, "full": 3600.0}  # seconds of a proof, at most


def source(x: Any, amplitudes: tuple[float, ...]) -> Any:
    """The right side: a sum of the modes k = 1 to 4 with alternating signs."""
    import jax.numpy as jnp

    return sum(
        0.25 * (-1) ** (k + 1) * 2 * k * a * jnp.sin(k * math.pi * x[:, 0]) * jnp.sin(k * math.pi * x[:, 1])
        for k, a in zip(MODES, amplitudes, strict=True)
    )


def hill(x: Any) -> Any:
    """A source that is no sum of few modes: conjugate gradients need as many steps as a right side has modes."""
    import jax.numpy as jnp

    return 10.0 * jnp.exp(-40.0 * ((x[:, 0] - 0.4) ** 2 + (x[:, 1] - 0.6) ** 2))


def right_side(n: int) -> Array:
    """The hill at the inner points of a grid, in double precision."""
    with double_precision():
        return np.asarray(hill(inner(n)), dtype=float).reshape(n, n)


def solution(x: Array, amplitudes: tuple[float, ...]) -> Array:
    """The solution of -laplace u = source with u = 0 on the boundary."""
    made = np.zeros(len(x))
    for k, a in zip(MODES, amplitudes, strict=True):
        size = 0.25 * (-1) ** (k + 1) * 2 * k * a / (2 * k**2 * np.pi**2)
        made += size * np.sin(k * np.pi * x[:, 0]) * np.sin(k * np.pi * x[:, 1])
    return made


def domain() -> sn.Domain:
    """The unit square."""
    return sn.Domain(x=(0.0, 1.0), y=(0.0, 1.0))


def equation(name: str) -> Any:
    """The equation with the amplitudes of a name, or that of the hill."""
    if name == "hill":
        return sn.equations.Poisson(source=hill, boundary=0.0)
    amplitudes = AMPLITUDES[name]
    return sn.equations.Poisson(source=lambda x: source(x, amplitudes), boundary=0.0)


def inner(n: int) -> Array:
    """The inner points of a grid, shape ``(n * n, 2)``."""
    side = np.arange(1, n + 1) / (n + 1)
    return np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)


@cache
def _loss(name: str, seed: int) -> tuple[ResidualLoss, Network]:
    posed = General.of(equation(name), domain())
    rng = np.random.default_rng([seed, 6])
    inside, faces = collocation(posed, POINTS, FACES, rng)
    scaling = Scaling.of_domain(domain(), np.array([[-0.1], [0.1]]))
    network = Network.init(rng, 2, 1, WIDTH, DEPTH, "tanh", scaling=scaling, inputs=("x", "y"))
    return ResidualLoss(network, posed, inside, faces, 100.0), network


def _errors(network: Network, name: str) -> dict[str, Any]:
    n = 127
    error = (network.value(inner(n))[:, 0] - solution(inner(n), AMPLITUDES[name])).reshape(n, n)
    waves = np.abs(dstn(error, type=1)) / (n + 1) ** 2
    exact = [0.25 * 2 * k * a / (2 * k**2 * np.pi**2) for k, a in zip(MODES, AMPLITUDES[name], strict=True)]
    return {
        "l2": float(np.sqrt(np.mean(error**2))),
        "sup": float(np.abs(error).max()),
        "modes": [float(waves[k - 1, k - 1] / e) for k, e in zip(MODES, exact, strict=True)],
    }


def _trained(
    name: str,
    seed: int,
    steps: tuple[int, ...],
    theta: Array | None = None,
    optimiser: Optimiser | None = None,
) -> tuple[list[dict[str, Any]], list[Array]]:
    """Errors and parameters after so many steps of one training run."""
    loss, network = _loss(name, seed)
    theta = network.flat if theta is None else theta
    errors, parameters = [], []
    for count in steps:  # each from the start: the state of the optimiser is part of a run
        minimum = (optimiser or QuasiNewton()).minimise(loss, theta, Limit(evaluations=count))
        parameters.append(minimum.theta)
        errors.append(
            {"steps": count, "loss": minimum.loss, **_errors(network.with_flat(minimum.theta), name)}
        )
    return errors, parameters


def pinn(seed: int, steps: tuple[int, ...], proof: float) -> dict[str, Any]:
    """A network by its residual: errors on the way, transfer to another source, and the proved error of the solution."""
    steps = tuple(steps)
    errors, parameters = _trained("cold", seed, steps)
    _, network = _loss("cold", seed)
    result = sn.solution_error(network.with_flat(parameters[-1]), equation("cold"), domain(), seconds=proof)
    cold, _ = _trained("other", seed, steps)
    warm, _ = _trained("other", seed, steps, parameters[-1])
    return {
        "errors": errors,
        "theta": parameters[-1].tolist(),
        "proved": [result.lower, result.upper],
        "cold": cold,
        "warm": warm,
    }


def first_order(seed: int, steps: tuple[int, ...]) -> dict[str, Any]:
    """The same network by Adam: errors on the way."""
    return {"errors": _trained("cold", seed, tuple(steps), optimiser=Adam(1e-3))[0]}


def hybrid(seed: int, n: int, coarse: int, steps: int, most: int) -> dict[str, Any]:
    """Sweeps of Gauss-Seidel from several starts, and other solvers, on an ``n x n`` grid."""
    f = right_side(n)
    loss, network = _loss("hill", seed)
    theta = QuasiNewton().minimise(loss, network.flat, Limit(evaluations=steps)).theta
    small = solvers.fast_poisson(right_side(coarse))
    while len(small) < n:
        small = solvers.refined(small)
    starts = {
        "zero": np.zeros((n, n)),
        "network": network.with_flat(theta).value(inner(n)).reshape(n, n),
        "coarse solution": small,
    }
    sweeps = {
        name: {str(level): solved.steps for level, solved in solvers.gauss_seidel(u, f, LEVELS, most).items()}
        for name, u in starts.items()
    }
    others = {
        "conjugate gradients": solvers.conjugate_gradients(starts["zero"], f, LEVELS[-1]),
        "multigrid": solvers.multigrid(starts["zero"], f, LEVELS[-1]),
    }
    direct = solvers.relative(solvers.fast_poisson(f), f)
    return {
        "n": n,
        "start": {name: solvers.relative(u, f) for name, u in starts.items()},
        "sweeps": sweeps,
        "others": {name: solved.steps for name, solved in others.items()},
        "fast_poisson": direct,
    }


def runs(effort: str) -> list[Run]:
    """All runs of an effort."""
    steps, seeds = STEPS[effort], range(SEEDS[effort])
    made = [
        Run(
            f"pinn-{seed}",
            pinn,
            {"seed": seed, "steps": list(steps), "proof": PROOF[effort]},
            0.03 * sum(steps) + PROOF[effort] / 4,
        )
        for seed in seeds
    ]
    made += [
        Run(
            f"adam-{seed}",
            first_order,
            {"seed": seed, "steps": list(FIRST[effort])},
            0.01 * sum(FIRST[effort]),
        )
        for seed in seeds
    ]
    return made + [
        Run(
            f"hybrid-{seed}",
            hybrid,
            {
                "seed": seed,
                "n": GRID[effort],
                "coarse": COARSE[effort],
                "steps": steps[-2],
                "most": MOST[effort],
            },
            0.012 * steps[-2] + 3e-8 * MOST[effort] * GRID[effort] ** 2,
        )
        for seed in seeds
    ]


def _first_below(errors: list[Any], mode: int, share: float) -> float:
    """The number of steps after which the relative error of a mode stays below a share."""
    below = [
        e["steps"] for i, e in enumerate(errors) if all(later["modes"][mode] < share for later in errors[i:])
    ]
    return min(below, default=math.inf)


def _reached(errors: list[Any], loss: float) -> float:
    return min((e["steps"] for e in errors if e["loss"] <= loss), default=math.inf)


def _text(steps: float) -> str:
    return "not reached" if steps is None or math.isinf(steps) else f"{steps:g}"


def rows(results: Results, published: Published) -> list[Row]:
    """The claims on frequencies, transfer, the hybrid, and what can be proved."""
    nets = [r for name, r in results.items() if name.startswith("pinn-")]
    grids = [r for name, r in results.items() if name.startswith("hybrid-")]
    share = 0.1
    slow = [r for name, r in results.items() if name.startswith("adam-")]
    waits = [[_first_below(r["errors"], k, share) for k in range(len(MODES))] for r in slow]
    quick = [[_first_below(r["errors"], k, share) for k in range(len(MODES))] for r in nets]
    ordered = [w[0] < w[-1] and w == sorted(w) for w in waits]
    goal = [r["cold"][-2]["loss"] for r in nets]
    transfer = [(_reached(r["cold"], g), _reached(r["warm"], g)) for r, g in zip(nets, goal, strict=True)]
    faster = [c / w for c, w in transfer if math.isfinite(w)]
    sup = [r["errors"][-1]["sup"] for r in nets]
    proved = [r["proved"][1] for r in nets]

    def sweeps(name: str, level: float) -> float:
        counts = [r["sweeps"][name][str(level)] for r in grids]
        return float(np.median([math.inf if c is None else c for c in counts]))

    loose, tight = LEVELS[0], LEVELS[-1]
    saved = {level: 1.0 - sweeps("network", level) / sweeps("zero", level) for level in LEVELS}
    words = "; ".join(
        f"to {level:g}: zero {_text(sweeps('zero', level))}, network {_text(sweeps('network', level))}, coarse solution "
        f"{_text(sweeps('coarse solution', level))}"
        for level in LEVELS
    )
    others = ", ".join(f"{name} {_text(grids[0]['others'][name])} steps" for name in grids[0]["others"])
    return [
        Row(
            "Low frequencies of the solution are learned first.",
            "steps until the error of mode k = 1 to 4 stays below a tenth of the mode: Adam "
            + "; ".join(", ".join(_text(s) for s in w) for w in waits)
            + "; self-scaled Broyden "
            + "; ".join(", ".join(_text(s) for s in w) for w in quick),
            verdict(all(ordered), sum(w[0] < w[-1] for w in waits) > len(waits) / 2),
            "The residual weighs mode k by k^2, and this source has the larger amplitudes at the higher modes; second-order "
            "steps bring all modes down together.",
            key="frequencies",
        ),
        Row(
            "Transfer from a similar source is critical for speed.",
            "steps to the same loss for another source, from scratch and from the trained network: "
            + "; ".join(f"{_text(c)} and {_text(w)}" for c, w in transfer),
            verdict(bool(faster) and min(faster) > 2.0, bool(faster) and max(faster) > 1.0),
            key="transfer",
        ),
        Row(
            "A network as the start makes Gauss-Seidel faster.",
            f"sweeps on {grids[0]['n']} x {grids[0]['n']} points, {words}",
            verdict(saved[tight] > 0.2, saved[loose] > 0.2 or saved[LEVELS[1]] > 0.2),
            "A direct solution on a coarse grid, which costs next to nothing, is as good a start or a better one; what a "
            "start leaves of smooth error, sweeps remove slowest.",
            key="hybrid",
        ),
        Row(
            "The hybrid is on a par with a solver's conjugate gradients.",
            f"to a residual of {tight:g}: Gauss-Seidel from the network {_text(sweeps('network', tight))} sweeps, {others}, "
            f"fast Poisson 1 (residual {grids[0]['fast_poisson']:.0e})",
            verdict(sweeps("network", tight) <= grids[0]["others"]["conjugate gradients"], False),
            "A sweep costs about what a step of conjugate gradients does. The paper combines the network with multigrid "
            "levels and compares times to a loose tolerance.",
            key="par",
        ),
        Row(
            "The error of the network's solution has a proof.",
            "largest error on the grid and proved bound: "
            + "; ".join(f"{s:.2e} and {u:.2e}" for s, u in zip(sup, proved, strict=True)),
            OURS,
            "The paper measures; the bound is for every point of the square, without a reference.",
            key="proof",
        ),
    ]


def figures(results: Results) -> list[Figure]:
    """Errors of the modes over the steps."""
    first = next(r for name, r in results.items() if name.startswith("pinn-"))
    steps = [e["steps"] for e in first["errors"]]
    curves = [
        Curve(f"mode {k}", steps, [e["modes"][i] for e in first["errors"]]) for i, k in enumerate(MODES)
    ]
    return [
        Figure(
            "pinn-vs-solver-modes",
            "A physics-informed network for Poisson's equation: the relative error of each mode of the solution over the "
            "steps of training.",
            "steps",
            "error of the mode over the mode",
            tuple(curves),
        )
    ]


EXPERIMENT = Experiment(
    "pinn-vs-solver",
    "Can a physics-informed network replace a solver, or help it?",
    "S. Markidis (2021), The old and the new: can physics-informed deep-learning replace traditional linear solvers?",
    runs,
    rows,
    figures,
    (
        "The right sides are the sum of four modes that we remember and, for the solvers, a hill; the paper's tables are "
        "not compared.",
        "3 layers of 24 tanh units and self-scaled Broyden in place of 4 layers of 50, Adam and L-BFGS-B.",
        "The network is the start on the whole fine grid, not on a coarse one.",
    ),
)

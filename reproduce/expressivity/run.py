"""R8: how accurate the networks of the constructive proofs are, proved; and what training finds at the same size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

import supnorm as sn
from reproduce.experiment import OURS, Curve, Experiment, Figure, Results, Row, Run, verdict
from reproduce.expressivity.networks import product_network, square_network, taylor_network, weights
from reproduce.expressivity.plane import plane_network
from reproduce.published import Published
from supnorm.networks import Network, Scaling
from supnorm.training import Limit, QuasiNewton, optimise

Array = NDArray[np.float64]
PROVED = 1.001  # the ratio of the sides of a bracket
FINE = 100_001  # points of the grid for functions of one input
LEVELS = {"test": 3, "usual": 12, "full": 12}
PRODUCTS = {"test": 1, "usual": 5, "full": 6}
PARTS = {"test": (2,), "usual": (2, 4, 8, 16), "full": (2, 4, 8, 16, 32)}
PLANE = {"test": (2,), "usual": (2, 3, 4, 6), "full": (2, 3, 4, 6, 8, 12)}  # the same with two inputs
TRAINED = {
    "test": (2,),
    "usual": (2, 3, 4, 6),
    "full": (2, 3, 4, 6, 8),
}  # levels of the square network of this size
SEEDS = {"test": 1, "usual": 5, "full": 20}
ITERATIONS = {"test": 50, "usual": 3000, "full": 20_000}


def square(x: Array) -> Array:
    """The function of Proposition 2."""
    value: Array = x[:, 0] ** 2
    return value


def wave(x: Array) -> Array:
    """A function of the unit ball of W^{2,inf}: sin(2 pi x) / (4 pi^2)."""
    return np.sin(2 * np.pi * x) / (4 * np.pi**2)


def wave_slope(x: Array) -> Array:
    """Its derivative."""
    return np.cos(2 * np.pi * x) / (2 * np.pi)


def waves(x: Array) -> Array:
    """One of two inputs: sin(2 pi x + 1) sin(2 pi y + 1) / (4 pi^2)."""
    return np.asarray(np.prod(np.sin(2 * np.pi * x + 1), axis=1) / (4 * np.pi**2))


def waves_slopes(x: Array) -> Array:
    """Its derivatives."""
    s, c = np.sin(2 * np.pi * x + 1), np.cos(2 * np.pi * x + 1)
    return np.asarray(np.stack([c[:, 0] * s[:, 1], s[:, 0] * c[:, 1]], axis=1) / (2 * np.pi))


def squares(levels: int) -> dict[str, Any]:
    """A square network: its error at the midpoints of its pieces, and the bracket of `certify`."""
    network = square_network(levels)
    middle = (np.arange(2**levels) + 0.5) / 2**levels
    error = network.value(middle[:, None])[:, 0] - middle**2
    proof = sn.certify(sn.Problem(network, square, sn.Domain(x=(0.0, 1.0))), ratio=PROVED)
    ends = np.arange(2**levels + 1) / 2**levels
    slopes = np.diff(network.value(ends[:, None])[:, 0]) * 2**levels
    slope_error = max(float(np.abs(slopes - 2 * e).max()) for e in (ends[:-1], ends[1:]))
    parameters, nonzero = weights(network)
    return {
        "levels": levels,
        "error": float(np.abs(error).max()),
        "lower": proof.lower,
        "upper": proof.upper,
        "slope_error": slope_error,
        "parameters": parameters,
        "nonzero": nonzero,
    }


def products(levels: int) -> dict[str, Any]:
    """A product network on [-1, 1]^2, the bracket of its error."""
    network = product_network(levels)
    problem = sn.Problem(network, lambda x: x[:, 0] * x[:, 1], sn.Domain(x=(-1.0, 1.0), y=(-1.0, 1.0)))
    proof = sn.certify(problem, ratio=1.01)
    return {"levels": levels, "lower": proof.lower, "upper": proof.upper, "parameters": weights(network)[0]}


def taylor(parts: int) -> dict[str, Any]:
    """A Taylor network with N parts and squares fine enough not to matter: its error on a grid, and that of its slope."""
    levels = math.ceil(math.log2(parts)) + 5
    network = taylor_network(wave, wave_slope, parts, levels)
    x = np.linspace(0.0, 1.0, FINE)
    error = float(np.abs(network.value(x[:, None])[:, 0] - wave(x)).max())
    step = 1e-7  # far below the pieces of the network, far above what rounding does to a difference
    at = np.random.default_rng(parts).uniform(0.0, 1.0 - step, 20_000)
    ends = [network.value(t[:, None])[:, 0] for t in (at, at + step)]
    slope_error = float(np.abs((ends[1] - ends[0]) / step - wave_slope(at)).max())
    return {"parts": parts, "error": error, "slope_error": slope_error, **_counted(network)}


def taylor_plane(parts: int) -> dict[str, Any]:
    """The same with two inputs, at random points."""
    network = plane_network(waves, waves_slopes, parts, math.ceil(math.log2(parts)) + 5)
    x = np.random.default_rng(parts).random((20_000, 2))
    error = float(np.abs(network.value(x)[:, 0] - waves(x)).max())
    return {"parts": parts, "error": error, **_counted(network)}


def _counted(network: Network) -> dict[str, int]:
    parameters, nonzero = weights(network)
    return {"parameters": parameters, "nonzero": nonzero}


def trained(levels: int, activation: str, seed: int, iterations: int) -> dict[str, Any]:
    """A network of the size of a square network, trained on x^2 with second-order steps."""
    x = np.linspace(0.0, 1.0, 2001)[:, None]
    rng = np.random.default_rng([seed, levels])
    start = Network.init(rng, 1, 1, 4, levels, activation, scaling=Scaling.of_data(x, x**2))
    network = optimise(start, x, x**2, QuasiNewton(), Limit(evaluations=iterations)).network
    fine = np.linspace(0.0, 1.0, FINE)
    error = network.value(fine[:, None])[:, 0] - fine**2
    return {"error": float(np.abs(error).max()), "rms": float(np.sqrt(np.mean(error**2)))}


def runs(effort: str) -> list[Run]:
    """All runs of an effort."""
    made = [
        Run(f"square-{m}", squares, {"levels": m}, 0.2 + 1e-3 * 2**m) for m in range(1, LEVELS[effort] + 1)
    ]
    made += [Run(f"product-{m}", products, {"levels": m}, 0.5 * m) for m in range(1, PRODUCTS[effort] + 1)]
    made += [Run(f"taylor-{n}", taylor, {"parts": n}, 0.3 * n) for n in PARTS[effort]]
    made += [Run(f"plane-{n}", taylor_plane, {"parts": n}, 0.01 * n**4) for n in PLANE[effort]]
    made += [
        Run(
            f"trained-{activation}-{m}-{seed}",
            trained,
            {"levels": m, "activation": activation, "seed": seed, "iterations": ITERATIONS[effort]},
            2.5e-4 * ITERATIONS[effort],
        )
        for activation in ("relu", "tanh")
        for m in TRAINED[effort]
        for seed in range(SEEDS[effort])
    ]
    return made


def of(results: Results, start: str) -> list[Any]:
    """The results of the runs whose names start so, in the order of the runs."""
    return [result for name, result in results.items() if name.startswith(start)]


def rows(results: Results, published: Published) -> list[Row]:
    """The claims of Propositions 2 and 3 and Theorem 1, and the size that training needs."""
    first = of(results, "square-")
    away = max(abs(r["error"] / 2.0 ** (-2 * r["levels"] - 2) - 1.0) for r in first)
    inside = all(
        r["lower"] <= 2.0 ** (-2 * r["levels"] - 2) * (1 + 1e-9) <= r["upper"] * (1 + 1e-9) for r in first
    )
    tight = max(r["upper"] / r["lower"] for r in first)
    counts = {r["levels"]: (r["parameters"], r["nonzero"]) for r in first}
    pairs = of(results, "product-")
    bound = max(r["upper"] / 2.0 ** (-2 * r["levels"] - 2) for r in pairs)
    polynomials = of(results, "taylor-")
    within = max(r["error"] * r["parts"] ** 2 for r in polynomials)
    steep = max(r["slope_error"] * r["parts"] for r in polynomials)
    plane = of(results, "plane-")
    flat = max(r["error"] * r["parts"] ** 2 for r in plane)
    found = [
        Row(
            "The error of the square network with m levels is 2^(-2m-2) exactly.",
            f"m = 1 to {len(first)}: the error at the midpoints differs by {away:.0e} of it at most; proved brackets "
            f"hold it, their sides {tight:.4f} apart as a ratio",
            verdict(away < 1e-9 and inside),
            key="square",
            short=f"with {len(first)} levels, {first[-1]['parameters']} parameters, the largest error is "
            f"{first[-1]['error']:.1e}, as the theorem says to the last digit, and it is proved",
        ),
        Row(
            "In W^(1,inf) the error of the same network is 2^-m: accuracy of slopes costs twice as many levels.",
            f"largest error of its slope times 2^m: {max(r['slope_error'] * 2 ** r['levels'] for r in first):.9f}",
            verdict(max(abs(r["slope_error"] * 2 ** r["levels"] - 1) for r in first) < 1e-9),
            key="sobolev",
        ),
        Row(
            "The product network errs by at most a constant times 2^(-2m-2).",
            f"m = 1 to {len(pairs)}, on [-1, 1]^2: proved at most {bound:.3f} times 2^(-2m-2)",
            verdict(bound <= 6.0),
            key="product",
        ),
        Row(
            "Taylor polynomials on a partition of unity reach error N^-2 for functions of W^(2,inf), d = 1.",
            f"N = {', '.join(str(r['parts']) for r in polynomials)}: measured error at most {within:.2f} N^-2, with "
            f"{', '.join(str(r['nonzero']) for r in polynomials)} non-zero weights",
            verdict(within <= 1.0),
            "The bound is for every function of the class; sin(2 pi x) / (4 pi^2) is one, and easier than the worst.",
            key="taylor",
        ),
        Row(
            "With two inputs the same construction reaches error N^-2 with about N^2 log N weights.",
            f"N = {', '.join(str(r['parts']) for r in plane)}: measured error at most {flat:.2f} N^-2, with "
            f"{', '.join(format(r['nonzero'], ',') for r in plane)} non-zero weights",
            verdict(flat <= 8.0 / 9.0),
            "Our own bound for this network is 8/9 N^-2 and what the products add; the paper's constant was not checked.",
            key="taylor-plane",
        ),
        Row(
            "In W^(1,inf) the Taylor networks lose one power of N.",
            f"one input: largest error of the slope at most {steep:.2f} N^-1",
            verdict(steep <= 4.0),
            "Slopes of the trapezoids, 3 N, times remainders of N^-2.",
            key="sobolev-taylor",
        ),
    ]
    if 4 in counts:
        found.insert(
            1,
            Row(
                "The square networks with 2 and 4 levels have 33 and 73 parameters, 25 and 55 of them not zero.",
                f"{counts[2][0]} and {counts[4][0]}, {counts[2][1]} and {counts[4][1]}",
                verdict((counts[2], counts[4]) == ((33, 25), (73, 55))),
                key="counts",
            ),
        )
    return [*found, _beside(results)]


def _medians(results: Results, activation: str) -> dict[int, float]:
    levels = sorted({int(name.split("-")[2]) for name in results if name.startswith("trained-")})
    return {
        m: float(np.median([r["error"] for r in of(results, f"trained-{activation}-{m}-")])) for m in levels
    }


def _beside(results: Results) -> Row:
    relu, tanh = _medians(results, "relu"), _medians(results, "tanh")
    theory = {m: 2.0 ** (-2 * m - 2) for m in relu}
    words = "; ".join(
        f"{m} levels: built {theory[m]:.1e}, ReLU trained {relu[m]:.1e}, tanh trained {tanh[m]:.1e}"
        for m in relu
    )
    return Row(
        "What exists is not what training finds: a trained ReLU network of the same size is less accurate than the built "
        "one as it gets deeper.",
        f"{words} (largest errors, medians over seeds)",
        OURS,
        "The paper builds networks and trains none. A tanh network of this size is better than the ReLU network can be: the "
        "exception of another activation.",
        key="trained",
        short=f"in the size of {max(relu)} levels: built {theory[max(relu)]:.1e}, ReLU trained {relu[max(relu)]:.1e}, tanh "
        f"trained {tanh[max(relu)]:.1e}",
    )


def figures(results: Results) -> list[Figure]:
    """Error against parameters: built, trained."""
    first = of(results, "square-")
    size = {r["levels"]: r["parameters"] for r in first}
    curves = [
        Curve("built, proved", [r["parameters"] for r in first], [r["upper"] for r in first]),
        *(
            Curve(
                f"{name} trained, median",
                [size.get(m, 20 * m - 7) for m in medians],
                list(medians.values()),
                dashed=True,
            )
            for name, medians in (("ReLU", _medians(results, "relu")), ("tanh", _medians(results, "tanh")))
        ),
    ]
    return [
        Figure(
            "expressivity-square",
            "Networks for x^2 on [0, 1]: the error of the network of the proof halves twice with each level. Training ReLU "
            "networks of the same size does not find it.",
            "parameters",
            "largest error",
            tuple(curves),
        )
    ]


EXPERIMENT = Experiment(
    "expressivity",
    "How many weights a ReLU network needs, by construction",
    "D. Yarotsky (2017), Error bounds for approximations with deep ReLU networks; I. Gühring, G. Kutyniok, P. Petersen "
    "(2020), Error bounds for approximations with deep ReLU neural networks in W^(s,p) norms",
    runs,
    rows,
    figures,
    (
        "The Taylor networks are built for one and two inputs and n = 2.",
        "The trained networks are ours: self-scaled Broyden on 2,001 points.",
    ),
)

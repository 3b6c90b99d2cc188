"""R10: four neurons multiply as exactly as one likes, in exact arithmetic; deep trees of them beat one wide layer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import supnorm as sn
from reproduce.cheap_learning.gadget import ACTIVATIONS, multiply, richardson, shallow, tree
from reproduce.experiment import OURS, Curve, Experiment, Figure, Results, Row, Run, verdict
from reproduce.published import Published
from supnorm.networks import Network, Scaling
from supnorm.training import Limit, QuasiNewton, optimise

Array = NDArray[np.float64]
SCALES = [float(s) for s in 2.0 ** -np.arange(0.0, 24.0)]
VARIABLES = {"test": (2,), "usual": (2, 4, 8), "full": (2, 4, 8, 16)}
SEEDS = {"test": 1, "usual": 5, "full": 20}
ITERATIONS = {"test": 30, "usual": 3000, "full": 20_000}
EPS = float(np.finfo(np.float64).eps)


def _square(count: int) -> Array:
    """Points of [-1, 1]^2: a grid with its corners, where the errors are largest."""
    side = np.linspace(-1.0, 1.0, count)
    return np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)


def gadget(name: str, precision: str, orders: int) -> dict[str, Any]:
    """Largest error on [-1, 1]^2 at each scale, of one gadget or of several combined."""
    x = _square(201).astype(precision)
    u, v = x[:, 0], x[:, 1]
    with np.errstate(all="ignore"):
        errors = [
            float(np.abs(richardson(u, v, name, s, orders).astype(float) - (u * v)).max()) for s in SCALES
        ]
    return {"scales": SCALES, "errors": errors}


def proved(name: str, scale: float) -> dict[str, Any]:
    """The bracket of the error of a gadget on [-1, 1]^2, rounding of float64 included."""

    def model(x: Any) -> Any:
        return multiply_jax(x[:, 0], x[:, 1], name, scale)

    problem = sn.Problem(model, lambda x: x[:, 0] * x[:, 1], sn.Domain(u=(-1.0, 1.0), v=(-1.0, 1.0)))
    proof = sn.certify(problem, ratio=1.1, seconds=60.0)
    x = _square(201)
    seen = float(np.abs(multiply(x[:, 0], x[:, 1], name, scale) - x[:, 0] * x[:, 1]).max())
    return {"lower": proof.lower, "upper": proof.upper, "seen": seen, "status": proof.status.code}


def multiply_jax(u: Any, v: Any, name: str, scale: float) -> Any:
    """The gadget in operations that `certify` reads."""
    import jax
    import jax.numpy as jnp

    s = {"softplus": jax.nn.softplus, "exp": jnp.exp, "tanh": jnp.tanh}[name]
    _, b, second = ACTIVATIONS[name]
    a, c = scale * (u + v), scale * (u - v)
    return (s(a + b) + s(b - a) - s(c + b) - s(b - c)) / (4.0 * second * scale**2)


def products(n: int) -> dict[str, Any]:
    """Largest errors of the product of n variables, each way at its best scale: trees of gadgets, and one layer."""
    x = np.concatenate([np.random.default_rng(n).uniform(-1.0, 1.0, (2000, n)), np.ones((1, n))])
    truth = np.prod(x, axis=1)

    def best(made: Any) -> float:
        with np.errstate(all="ignore"):
            errors = [np.abs(made(s) - truth).max() for s in SCALES]
        return float(np.nanmin(np.where(np.isfinite(errors), errors, np.inf)))

    found = {
        "tree": best(lambda s: tree(x, "softplus", s)),
        "tree of two": best(lambda s: tree(x, "softplus", s, 2)),
    }
    if n <= 8:  # 2^16 neurons take minutes, and their rounding leaves nothing
        found["shallow"] = best(lambda s: shallow(x, "exp", s))
    return {
        "n": n,
        "errors": found,
        "neurons": {"tree": 4 * (n - 1), "tree of two": 8 * (n - 1), "shallow": 2**n},
    }


def trained(seed: int, iterations: int) -> dict[str, Any]:
    """Four softplus neurons trained on u v, on samples of [-1, 1]^2."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1.0, 1.0, (1000, 2))
    y = x[:, :1] * x[:, 1:]
    start = Network.init(rng, 2, 1, 4, 1, "softplus", scaling=Scaling.of_data(x, y))
    network = optimise(start, x, y, QuasiNewton(), Limit(evaluations=iterations)).network
    fine = _square(201)
    return {"error": float(np.abs(network.value(fine)[:, 0] - fine[:, 0] * fine[:, 1]).max())}


def runs(effort: str) -> list[Run]:
    """All runs of an effort."""
    made = [
        Run(
            f"gadget-{name}-{precision}-{orders}",
            gadget,
            {"name": name, "precision": precision, "orders": orders},
            0.3,
        )
        for name in ACTIVATIONS
        for precision, orders in (("float64", 1), ("float64", 2), ("float64", 3), ("float32", 1))
    ]
    made += [Run(f"proved-{name}", proved, {"name": name, "scale": 2.0**-4}, 2.0) for name in ACTIVATIONS]
    made += [Run(f"products-{n}", products, {"n": n}, 0.2 * n) for n in VARIABLES[effort]]
    return made + [
        Run(
            f"trained-{seed}",
            trained,
            {"seed": seed, "iterations": ITERATIONS[effort]},
            1e-3 * ITERATIONS[effort],
        )
        for seed in range(SEEDS[effort])
    ]


def _slope(result: Any) -> float:
    """The order of the error in the scale, where rounding plays no part yet."""
    scales, errors = np.array(result["scales"]), np.array(result["errors"])
    used = (scales <= 2.0**-2) & (scales >= 2.0**-6)
    return float(np.polyfit(np.log(scales[used]), np.log(errors[used]), 1)[0])


def rows(results: Results, published: Published) -> list[Row]:
    """The claims on four neurons, trees and one layer."""
    slopes = [_slope(results[f"gadget-{name}-float64-1"]) for name in ACTIVATIONS]
    best = {name: min(results[f"gadget-{name}-float64-1"]["errors"]) for name in ACTIVATIONS}
    single = {name: min(results[f"gadget-{name}-float32-1"]["errors"]) for name in ACTIVATIONS}
    three = {name: min(results[f"gadget-{name}-float64-3"]["errors"]) for name in ACTIVATIONS}
    proofs = {name: results[f"proved-{name}"] for name in ACTIVATIONS}
    sound = all(
        p["lower"] <= p["seen"] * (1 + 1e-6) + 1e-12 and p["seen"] <= p["upper"] for p in proofs.values()
    )
    pairs = [r for name, r in results.items() if name.startswith("products-")]
    errors = [r["error"] for name, r in results.items() if name.startswith("trained-")]
    compared = "; ".join(
        f"n = {r['n']}: tree {r['errors']['tree']:.1e} ({r['neurons']['tree']} neurons)"
        + (
            f", one layer {r['errors']['shallow']:.1e} ({r['neurons']['shallow']})"
            if "shallow" in r["errors"]
            else ""
        )
        for r in pairs
    )
    return [
        Row(
            "Four neurons multiply two numbers with an error that falls like the square of the input scale.",
            f"order of the error in the scale: {', '.join(f'{s:.3f}' for s in slopes)} ({', '.join(ACTIVATIONS)})",
            verdict(all(abs(s - 2.0) < 0.1 for s in slopes)),
            key="gadget",
        ),
        Row(
            "The error can be made as small as one likes.",
            "smallest error in float64: "
            + ", ".join(f"{k} {v:.1e}" for k, v in best.items())
            + "; in float32: "
            + ", ".join(f"{k} {v:.1e}" for k, v in single.items()),
            verdict(max(best.values()) < 10 * EPS, max(best.values()) < 10 * EPS**0.5),
            "True in exact arithmetic. Rounding is divided by the square of the scale, so the best error of four neurons is "
            f"near the square root of the unit roundoff ({EPS**0.5:.1e}). Twelve neurons (three scales combined) reach "
            + ", ".join(f"{k} {v:.1e}" for k, v in three.items())
            + ".",
            key="arbitrary",
        ),
        Row(
            "That bound can be proved for the gadget as it runs.",
            "; ".join(
                f"{k}, scale 1/16: proved {p['upper']:.3e}, largest error seen {p['seen']:.3e}"
                for k, p in proofs.items()
            ),
            OURS if sound else verdict(False),
            "The paper argues by Taylor series.",
            key="proof",
        ),
        Row(
            "A product of n numbers takes 2^n neurons in one layer, and 4 (n - 1) in a tree.",
            compared + " (smallest of the largest errors over all scales)",
            verdict(
                all(max(r["errors"]["tree"], r["errors"].get("shallow", 0.0)) < 1e-6 for r in pairs),
                all(r["errors"]["tree"] < 1e-6 for r in pairs),
            ),
            "The construction is run, not the proof that no smaller layer exists. In float64 the wide layer loses its "
            "accuracy to cancellation.",
            key="shallow",
        ),
        Row(
            "Four trained neurons do not reach what the gadget reaches.",
            f"largest error of four trained softplus neurons, median of {len(errors)} seeds: {np.median(errors):.1e}; the "
            f"gadget: {best['softplus']:.1e}",
            OURS,
            "Nobody claims it; that a network exists does not mean that training finds it.",
            key="trained",
        ),
    ]


def figures(results: Results) -> list[Figure]:
    """Error against scale."""
    named = {
        "float64-1": "4 neurons",
        "float64-2": "8 neurons",
        "float64-3": "12 neurons",
        "float32-1": "4, float32",
    }
    curves = tuple(
        Curve(words, SCALES, results[f"gadget-softplus-{key}"]["errors"], key == "float32-1")
        for key, words in named.items()
    )
    return [
        Figure(
            "cheap-learning-gadget",
            "Products by softplus neurons: the error falls with the square of the scale until rounding, which is divided by "
            "it, takes over.",
            "scale of the inputs",
            "largest error on [-1, 1]^2",
            curves,
        )
    ]


EXPERIMENT = Experiment(
    "cheap-learning",
    "How few neurons multiply",
    "H. W. Lin, M. Tegmark, D. Rolnick (2017), Why does deep and cheap learning work so well?",
    runs,
    rows,
    figures,
)

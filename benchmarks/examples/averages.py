"""``python -m benchmarks.examples.averages --save``: two models whose averages look fine, for README and docs/averages.md.

1. The AAA interpolant of SciPy of a smooth function at 2,000 nodes, asked for a tolerance below rounding: poles between the
   nodes (claims/scipy-aaa has the sentence of its documentation that warns of them).
2. The network of one input of ``supnorm demo``.

With ``--save`` the numbers, and the pictures of docs/averages.md.
"""

from __future__ import annotations

import argparse
import json
import warnings
from typing import Any

import numpy as np
from reproduce.chart import chart
from reproduce.experiment import Curve, Figure
from scipy.interpolate import AAA

import supnorm as sn
from benchmarks.claims.code import ROOT
from benchmarks.claims.stored import claims, stamp
from supnorm.cli.demo import one_input

NODES = np.linspace(-1, 1, 2000)
SEEDS = range(4)


def main() -> None:
    """Measure both, print, and keep with --save."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.examples.averages")
    parser.add_argument("--save", action="store_true")
    save = parser.parse_args().save
    (aaa, first), (network, second) = interpolant(), demo()
    content = {"aaa": aaa, "network": network}
    print(json.dumps(content, indent=1))
    if save:
        (ROOT / claims()["averages"].result).write_text(
            json.dumps(content, indent=1) + "\n", encoding="utf-8"
        )
        for figure in (first, *second):
            (ROOT / "docs" / "images" / f"{figure.name}.svg").write_text(
                str(chart(figure)) + "\n", encoding="utf-8"
            )
        stamp("averages")


def truth(x: Any) -> Any:
    """The smooth function; ``x`` (n, 1)."""
    return np.log(np.sin(10 * x[:, 0]) + 2) + np.sin(x[:, 0])


def interpolant() -> tuple[dict[str, Any], Figure]:
    """Nodes, random points, poles, audits."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        rational = AAA(NODES, truth(NODES[:, None]), rtol=1e-15)

    def model(x: Any) -> Any:
        return rational(x[:, 0])

    poles = rational.poles()
    random = np.random.default_rng(0).uniform(-1, 1, (1_000_000, 1))
    error = np.abs(model(random) - truth(random))
    problem = sn.Problem(model, truth, sn.Domain(x=(-1.0, 1.0)), tolerance=1e-6)
    worst = [sn.audit(problem, evaluations=10_000, seed=seed).worst for seed in SEEDS]
    place = worst[0].x[0]
    away = np.concatenate([[0.0], np.geomspace(1e-16, 1e-2, 57)])
    near = (place + away)[:, None]
    distance = np.maximum(near[:, 0] - place, 1e-17)  # of what was evaluated: sums are rounded
    found = np.abs(model(near) - truth(near))
    spacing = NODES[1] - NODES[0]
    figure = Figure(
        "averages-aaa",
        "Error of the interpolant near the worst place found",
        "distance from the worst place found",
        "error",
        (
            Curve("error", list(distance), [float(v) for v in np.maximum(found, 1e-16)]),
            Curve("spacing of the nodes", [spacing, spacing], [1e-16, float(found.max())], dashed=True),
        ),
    )
    return {
        "warning": [str(w.message) for w in said],
        "nodes": float(np.abs(rational(NODES) - truth(NODES[:, None])).max()),
        "random points": len(random),
        "random worst": float(error.max()),
        "random rms": float(np.sqrt(np.mean(error**2))),
        "poles": int(np.sum((poles.imag == 0) & (np.abs(poles.real) <= 1))),
        "evaluations": 10_000,
        "worst": [float(w.error) for w in worst],
        "at": [float(w.x[0]) for w in worst],
    }, figure


def demo() -> tuple[dict[str, Any], tuple[Figure, ...]]:
    """The network of one input: its test, random points, the audit."""
    problem, tested = one_input()
    rng = np.random.default_rng(1)
    random = rng.random((4000, 1))
    test = np.random.default_rng(0).random((20, 1))

    def error(x: Any) -> Any:
        return np.abs(problem.model.value(x) - problem.reference.value(x))[:, 0]

    worst = sn.audit(problem, evaluations=20_000).worst
    x = np.linspace(0, 1, 501)[:, None]
    samples = np.linspace(0, 1, 41)[:, None]

    def curve(name: str, y: Any, dashed: bool = False) -> Curve:
        return Curve(name, [*x[:, 0]], [float(v) for v in y[:, 0]], dashed)

    pictures = (
        Figure(
            "averages-network",
            "The network, the curve, and the 41 samples",
            "input",
            "output",
            (
                curve("network", problem.model.value(x)),
                curve("the curve", problem.reference.value(x), dashed=True),
            ),
            (False, False),
        ),
        Figure(
            "averages-network-error",
            "Errors of the network",
            "input",
            "error",
            (
                Curve("error", [*x[:, 0]], [float(v) for v in np.maximum(error(x), 1e-6)]),
                Curve(
                    "at the samples", [*samples[:, 0]], [float(v) for v in np.maximum(error(samples), 1e-6)]
                ),
            ),
            (False, True),
        ),
    )
    return {
        "test": tested.strip(),
        "test rms": float(np.sqrt(np.mean(error(test) ** 2))),
        "samples worst": float(error(samples).max()),
        "random points": len(random),
        "random rms": float(np.sqrt(np.mean(error(random) ** 2))),
        "worst": float(worst.error),
        "at": float(worst.x[0]),
    }, pictures


if __name__ == "__main__":
    main()

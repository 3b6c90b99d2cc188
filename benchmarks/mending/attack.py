"""``python -m benchmarks.mending.attack``: looks for repairs that were accepted although they do harm.

Random small problems of one and two inputs: networks that have not seen narrow bumps of the reference, or code that lacks
them. After a repair was accepted, both models are compared on a dense grid that no part of the repair knows. A repair is
*harmful* if the error grew somewhere by more than the verdict allows, or if the largest error rose. What the verdict states
is a search's: ``missed`` is how far it was below the largest growth on the grid, in units of what is allowed. A bump that no
search found, before or after, is ``unseen``: the old model has it too.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.stored import stamp
from supnorm.auditing import audit
from supnorm.evaluation.limit import Limit
from supnorm.mending import Exchange, Patch, Residual, repair
from supnorm.networks import Network, Scaling
from supnorm.problem import Domain, Function, Problem
from supnorm.training import optimise

Array = NDArray[np.float64]
RESULTS = Path(__file__).parents[1] / "results" / "mending_attack.json"
METHODS = (
    Exchange(rounds=3, iterations=40),
    Patch(rounds=2, iterations=60),
    Residual(rounds=3, iterations=40),
)
NAMES = ("exchange", "patch", "residual")
GRID = {1: 40_001, 2: 401}  # points on each axis


def main() -> None:
    """Print each harmful repair, and the counts; with ``--save`` keep them, and go on with what is stored."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mending.attack")
    parser.add_argument("--first", type=int, default=0, help="seed")
    parser.add_argument("--count", type=int, default=200, help="problems")
    parser.add_argument(
        "--save", action="store_true", help=f"write {RESULTS.name}; stored problems are not run again"
    )
    args = parser.parse_args()
    rows = json.loads(RESULTS.read_text())["rows"] if args.save and RESULTS.exists() else []
    there = {row["seed"] for row in rows}
    for seed in range(args.first, args.first + args.count):
        if seed in there:
            continue
        rows.append(one(seed))
        if rows[-1]["harmful"]:
            print(rows[-1], flush=True)
        if args.save:
            RESULTS.write_text(json.dumps({"rows": rows}, indent=1) + "\n")
    print(said({"rows": rows}))
    if args.save:
        stamp("mending_attack", add=bool(there))


def one(seed: int) -> dict[str, Any]:
    """A random problem, its repair, and what a dense grid shows."""
    rng = np.random.default_rng([seed, 31])
    d = int(rng.integers(1, 3))
    domain = Domain.from_axes({f"x{k}": (-1.0, 1.0) for k in range(d)})
    reference, centres = bumps(rng, d)
    problem = Problem(model_of(rng, d, reference, centres), reference, domain)
    tolerance = float(10.0 ** rng.uniform(-3, -0.5)) if rng.random() < 0.4 else None
    problem = replace(problem, error=replace(problem.error, tolerance=tolerance))
    number = seed % 3
    report = audit(problem, evaluations=int(rng.choice([500, 2000])), seed=seed)
    network = problem.model.program is not None
    method = METHODS[number if network or number else 1]
    mended = repair(problem, report, method=method, evaluations=800, seed=seed)
    row: dict[str, Any] = {"seed": seed, "d": d, "method": mended.record.method, "status": mended.status.code}
    row |= {"accepted": mended.accepted, "harmful": False}
    if not mended.accepted:
        return row
    assert mended.verdict is not None
    x = np.stack(np.meshgrid(*[np.linspace(-1, 1, GRID[d])] * d), axis=-1).reshape(-1, d)
    f = reference(x)
    before, after = (np.abs(one.value(x)[:, 0] - f) for one in (problem.model, mended.model))
    grown = float((after - before).max())
    allowed = mended.verdict.allowed
    return row | {
        "stated": mended.verdict.worst,
        "before": float(before.max()),
        "after": float(after.max()),
        "growth_stated": mended.verdict.harm.growth,
        "growth": grown,
        "allowed": allowed,
        "missed": (grown - mended.verdict.harm.growth) / allowed,
        "harmful": bool(grown > allowed or after.max() > before.max()),
        "unseen": bool(after.max() > 2.0 * mended.verdict.worst),
    }


def bumps(rng: np.random.Generator, d: int) -> tuple[Any, Array]:
    """A smooth function with up to four narrow bumps, and their centres."""
    n = int(rng.integers(1, 5))
    centres, widths = rng.uniform(-0.95, 0.95, (n, d)), 10.0 ** rng.uniform(-2.2, -0.7, n)
    heights, waves = rng.normal(size=n), rng.uniform(0.5, 4.0, d)

    def reference(x: Array) -> Array:
        square = ((x[:, None] - centres) ** 2).sum(axis=2)
        return np.asarray(np.sin(x @ waves) + (heights * np.exp(-square / widths**2)).sum(axis=1))

    return reference, centres


def model_of(rng: np.random.Generator, d: int, reference: Any, centres: Array) -> Function:
    """A network that was trained away from the bumps, or code that is wrong by a smooth error."""
    x = rng.uniform(-1, 1, (200 * d, d))
    x = x[np.linalg.norm(x[:, None] - centres, axis=2).min(axis=1) > 0.2]
    if rng.random() < 0.3 or len(x) < 50:
        waves, size = rng.uniform(1.0, 5.0, d), 10.0 ** rng.uniform(-3, -1)
        rest = bumps(rng, d)[0]
        return Function(lambda z: (0.9 * rest(z) + size * np.cos(z @ waves))[:, None], name="code")
    start = Network.init(
        rng, d, 1, int(rng.integers(5, 11)), 2, scaling=Scaling.of_data(x, reference(x)[:, None])
    )
    network = optimise(start, x, reference(x), limit=Limit(evaluations=int(rng.choice([10, 60])))).network
    return network.as_function()


def said(content: dict[str, Any]) -> dict[str, str]:
    """Counts for the pages."""
    rows = content["rows"]
    taken = [r for r in rows if r["accepted"]]
    by = {name: sum(r["method"] == name for r in taken) for name in NAMES}
    return {
        "count": str(len(rows)),
        "accepted": str(len(taken)),
        "harmful": str(sum(r["harmful"] for r in rows)),
        "unseen": str(sum(r["unseen"] for r in taken)),
        "missed": f"{max((r['missed'] for r in taken), default=0.0):.2g}",
        "by": ", ".join(f"{n} by {name}" for name, n in by.items()),
        "under": f"{max((r['after'] / r['stated'] for r in taken), default=1.0):.3g}",
    }


if __name__ == "__main__":
    main()

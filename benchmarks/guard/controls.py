"""``python -m benchmarks.guard controls``: guards beside those that others ship, on the networks of `benchmarks.mending`.

All reject one input in twenty, by a cut at a quantile of the same 20,000 unlabelled points; all are judged in the same way:
an audit with a seed of its own that counts accepted inputs only, and the points that our guard has learned from. Numbers are
largest errors found at accepted inputs over the unguarded one.

* ``distance``: mean distance to the ten nearest points of the training data in the unit box, as tools ship it that watch
  the inputs only.
* ``conformal``: MAPIE's split conformal regression with its score normalised by a learned residual; it rejects where the
  interval is widest. It gets the points that our guard has learned from, for the residual, and as many fresh points as our
  promise, for the conformal step. Plain split conformal has intervals of one width, so it has nothing to reject by.
* ``spread``: the standard deviation of the model and five more networks of its size that are trained on its data.
* ``oracle``: rejects exactly the worst twentieth of 20,000 fresh points.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.stored import stamp
from benchmarks.mending.__main__ import JUDGED, REJECTED, oracle
from benchmarks.mending.cases import NAMES, case, trained
from supnorm.auditing import audit
from supnorm.evaluation import Calls
from supnorm.guarding import guard
from supnorm.guarding.collecting import Collected, collect
from supnorm.guarding.make import EVALUATIONS
from supnorm.problem import Problem

Array = NDArray[np.float64]
Score = Callable[[Array], Array]
RESULTS = Path(__file__).parents[1] / "results" / "guard_controls.json"
METHODS = ("guard", "guard, data given", "distance", "conformal", "spread")
AUDITED = 5000  # evaluations of the audit of accepted inputs, for every guard alike
NEAREST = 10
MORE = 5  # networks of the spread


def main(arguments: list[str]) -> None:
    """Run what is missing in the stored results, case by case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard controls")
    parser.add_argument("--first", type=int, default=5000, help="seed")
    parser.add_argument("--seeds", type=int, default=5, help="networks of each case")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--save", action="store_true", help=f"go on with {RESULTS.name} and write it")
    args = parser.parse_args(arguments)
    rows: list[dict[str, Any]] = (
        json.loads(RESULTS.read_text())["rows"] if args.save and RESULTS.exists() else []
    )
    there = {(row["case"], row["seed"]) for row in rows}
    for seed in range(args.first, args.first + args.seeds):  # a run that is stopped has all cases
        for name in (name for name in NAMES if args.only in name and (name, seed) not in there):
            rows.append(one(name, seed))
            print(line(rows[-1]), flush=True)
            if args.save:
                save(rows)


def one(name: str, seed: int) -> dict[str, Any]:
    """One network with every guard."""
    begin = time.process_time()
    network, f, domain, data = case(name, seed)
    problem = Problem(network.as_function(), f, domain)
    report = audit(problem, evaluations=AUDITED, seed=seed)
    ours = {
        "guard": guard(problem, report, reject=REJECTED, seed=seed),
        "guard, data given": guard(problem, report, reject=REJECTED, data=data, seed=seed),
    }
    audited = int(report.record.evaluations.search + report.record.evaluations.statistics)
    # What ours learned from.
    found = collect(problem, min(EVALUATIONS, max(audited, 500)), None, seed + 17, Calls())
    before = max(ours["guard"].record.worst_unguarded, float(found.error.max(initial=0.0)))
    unlabelled = np.random.default_rng([seed, 21]).uniform(-1, 1, (JUDGED, domain.d))
    fresh = np.random.default_rng([seed, 22]).uniform(-1, 1, (JUDGED, domain.d))
    row: dict[str, Any] = {"case": name, "seed": seed, "worst": before}
    scores = {
        "distance": distance(problem, data[0]),
        "conformal": conformal(problem, found, seed),
        "spread": spread(network.value, data, domain.d, seed),
    }
    for method in METHODS:
        if method in ours:
            accepts = ours[method].accepts
        else:
            cut = float(np.quantile(scores[method](unlabelled), 1 - REJECTED))
            accepts = below(scores[method], cut)
        row[method] = {
            "worst": judged(problem, accepts, found, seed) / before,
            "rejected": float(1 - accepts(fresh).mean()),
        }
    row["oracle"] = oracle(problem, seed) / before
    row["seconds"] = round(time.process_time() - begin, 1)
    return row


def below(score: Score, cut: float) -> Callable[[Array], NDArray[np.bool_]]:
    """What a guard by a score accepts."""
    return lambda x: np.asarray(score(x) <= cut)


def judged(
    problem: Problem, accepts: Callable[[Array], NDArray[np.bool_]], found: Collected, seed: int
) -> float:
    """The largest error found at an accepted input."""
    among = replace(problem, error=replace(problem.error, mask=accepts))
    audited = audit(among, evaluations=AUDITED, seed=seed + 424_243, power=False)
    known = found.error[accepts(found.x)]
    return max(float(audited.record.sup.lower), float(known.max(initial=0.0)))


def distance(problem: Problem, x: Array) -> Score:
    """The mean distance to the nearest points of the data."""
    from scipy.spatial import KDTree

    tree = KDTree(problem.domain.to_unit(x))
    return lambda z: np.asarray(tree.query(problem.domain.to_unit(z), k=NEAREST)[0].mean(axis=1))


def spread(value: Score, data: tuple[Array, Array], d: int, seed: int) -> Score:
    """The standard deviation of the model and its rivals."""
    rivals = [trained(*data, d, seed + 300 + k) for k in range(MORE)]
    return lambda z: np.asarray(np.std([value(z), *(rival.value(z) for rival in rivals)], axis=0)[:, 0])


def conformal(problem: Problem, found: Collected, seed: int) -> Score:
    """The width of MAPIE's interval."""
    from mapie.conformity_scores import ResidualNormalisedScore
    from mapie.regression import SplitConformalRegressor

    finite = np.isfinite(found.error)
    residual = Residual().fit(found.x[finite], found.error[finite])
    x = np.random.default_rng([seed, 6]).uniform(-1, 1, (3000, problem.domain.d))
    split = SplitConformalRegressor(
        Model(problem.model.value),
        confidence_level=0.95,
        conformity_score=ResidualNormalisedScore(residual, prefit=True),
        prefit=True,
    )
    split.conformalize(x, problem.reference.value(x)[:, 0])

    def width(z: Array) -> Array:
        ends = split.predict_interval(z)[1][:, :, 0]
        return np.asarray(ends[:, 1] - ends[:, 0])

    return width


def line(row: dict[str, Any]) -> str:
    """A row as text."""
    cells = "  ".join(f"{method} {row[method]['worst']:.2g}" for method in METHODS)
    return f"{row['case']} {row['seed']}: {cells}  oracle {row['oracle']:.2g}  ({row['seconds']:.0f} CPU s)"


def save(rows: list[dict[str, Any]]) -> None:
    """Write the rows so far."""
    from importlib.metadata import version

    document = {
        "command": "python -m benchmarks.guard controls --save",
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "mapie": version("mapie")},
        "rows": rows,
    }
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")
    stamp("guard_controls")


class Model:
    """The model as scikit-learn has it; it is trained."""

    is_fitted = True

    def __init__(self, value: Score) -> None:
        self.value = value

    def fit(self, x: Array, y: Array) -> Model:
        """Nothing: the model is trained."""
        return self

    def predict(self, x: Array) -> Array:
        """Values ``(n,)``."""
        return self.value(np.asarray(x))[:, 0]


class Residual:
    """A residual that gradient boosting has learned as MAPIE asks for it: it learns the logarithm."""

    is_fitted = True

    def fit(self, x: Array, error: Array) -> Residual:
        """Learn from points and errors."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        self.model_ = HistGradientBoostingRegressor(random_state=0).fit(x, np.log(np.maximum(error, 1e-300)))
        return self

    def predict(self, x: Array) -> Array:
        """Errors ``(n,)``."""
        return np.asarray(np.exp(self.model_.predict(np.asarray(x))))

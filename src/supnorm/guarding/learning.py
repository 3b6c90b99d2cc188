"""Makes the layers of a guard from what a search has evaluated and from the model's training data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing import AuditReport
from supnorm.evaluation.limit import Limit
from supnorm.guarding.collecting import Collected
from supnorm.guarding.layers import DataDistance, Disagreement, KnownGlitches, LearnedError
from supnorm.mending.regions import ellipsoid_at, level_of
from supnorm.mending.task import Wrong
from supnorm.networks import Network, Scaling
from supnorm.problem import Problem
from supnorm.training.train import optimise

Array = NDArray[np.float64]
WIDTH = 16  # of the two hidden layers of the network that learns the error
LEARNED = 6000  # points that it learns from at most: the worst third of them always
# Largest accepted error over unguarded of whole guards, miss4 of `benchmarks.mending`, seeds 7000 to 7003: .017 .019 .014
# .023; with errors below the law's median learned as that median .024 .016 .012 .027; so, and with the larger of two
# networks of width 12, .025 .012 .012 .024 for half more time. Both seemed better by a fifth where one network alone
# learned all 5,000 points of a search.
STEPS = 150
GLITCHES = 8  # regions at most
WIDER = 1.5  # times the radii at which the error has fallen
RIVALS, RIVAL_WIDTH = 3, 16  # other networks that are trained on the model's data


def learned_error(problem: Problem, found: Collected, rng: np.random.Generator) -> LearnedError:
    """A network of the logarithm of the error, trained on the worst points and on random ones of the search."""
    finite = found.error[np.isfinite(found.error)]
    floor = max(1e-3 * float(np.median(finite)) if len(finite) else 1.0, 1e-300)
    most = 10.0 * max(float(finite.max(initial=0.0)), floor)  # for points without a value of the model
    y = np.log10(np.clip(found.error, floor, most))
    order = np.argsort(-y, kind="stable")
    worst, rest = order[: LEARNED // 3], order[LEARNED // 3 :]
    taken = np.concatenate([worst, rng.permutation(rest)[: LEARNED - len(worst)]])
    x, y = found.x[taken], y[taken][:, None]
    scaling = Scaling.of_domain(problem.domain, y)
    start = Network.init(rng, problem.domain.d, 1, WIDTH, 2, scaling=scaling)
    return LearnedError(optimise(start, x, y, limit=Limit(evaluations=STEPS)).network)


def known_glitches(
    problem: Problem, report: AuditReport, found: Collected, learned: LearnedError
) -> KnownGlitches | None:
    """Ellipsoids round the peaks that were found; None where there are none.

    How far a peak reaches is read off the learned error: it costs no call of the reference.
    """
    domain, rms = problem.domain, report.rms.value
    order = np.argsort(-found.error, kind="stable")[:2000]
    wrong = Wrong(found.x[order], np.empty((len(order), 1)), found.error[order])
    regions = []
    for i in wrong.apart(problem, 0.1, GLITCHES):
        height = wrong.error[i]
        if not height > 3.0 * rms:
            break
        level = level_of(height if np.isfinite(height) else 10.0 * rms, rms)
        centre = domain.to_unit(wrong.x[i : i + 1])[0]
        regions.append(
            ellipsoid_at(centre, level, lambda x: 10.0 ** learned.network.value(x)[:, 0], domain).scaled(
                WIDER
            )
        )
    return KnownGlitches(domain, tuple(regions)) if regions else None


def data_layers(
    problem: Problem, data: tuple[Array, Array], rng: np.random.Generator
) -> list[DataDistance | Disagreement]:
    """The distance to the training data, and other networks trained on it."""
    from scipy.spatial import KDTree

    x, y = data
    u = problem.domain.to_unit(x)
    gaps = KDTree(u).query(u, k=2)[0][:, 1] if len(u) > 1 else np.ones(1)
    layers: list[DataDistance | Disagreement] = [
        DataDistance(problem.domain, u, max(float(np.quantile(gaps, 0.95)), 1e-12))
    ]
    rivals = []
    rows = rng.permutation(len(x))[:LEARNED]
    for _ in range(RIVALS):
        scaling = Scaling.of_domain(problem.domain, y)
        start = Network.init(rng, problem.domain.d, y.shape[1], RIVAL_WIDTH, 2, scaling=scaling)
        rivals.append(optimise(start, x[rows], y[rows], limit=Limit(evaluations=STEPS)).network)
    return [*layers, Disagreement(tuple(rivals))]

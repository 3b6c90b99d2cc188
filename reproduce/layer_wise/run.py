"""R11: does training layer by layer help deep networks, in the mean and in the max norm?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reproduce.experiment import OURS, Curve, Experiment, Figure, Results, Row, Run, verdict
from reproduce.precision_ml.tasks import TASKS
from reproduce.published import Published
from reproduce.theory_practice_gap.functions import k1
from supnorm.networks import Network, Scaling
from supnorm.training import Adam, GreedyLayers, Limit, optimise

Array = NDArray[np.float64]
DEPTHS = {"test": (2,), "usual": (2, 4, 6), "full": (2, 3, 4, 5, 6, 8)}
SEEDS = {"test": 1, "usual": 3, "full": 10}
STEPS = {"test": 60, "usual": 4000, "full": 20_000}
WIDTH, SAMPLES = 20, 1000
TARGETS = ("K1", "I.30.5", "noisy table")


def samples(target: str, rng: np.random.Generator, count: int, noise: bool) -> tuple[Array, Array]:
    """Points and values of a target; the table has eight features and noise of a tenth of its deviation."""
    if target == "K1":
        x = rng.uniform(-1.0, 1.0, (count, 1))
        return x, k1(x)[:, None]
    if target == "I.30.5":
        x = TASKS[target].points(rng, count)
        return x, TASKS[target].value(x)[:, None]
    x = rng.standard_normal((count, 8))
    y = np.sin(x[:, 0]) + x[:, 1] * x[:, 2] / 2 + np.tanh(x[:, 3] + x[:, 4]) + 0.2 * x[:, 5]
    return x, (y + (0.1 * rng.standard_normal(count) if noise else 0.0))[:, None]


def trained(target: str, depth: int, activation: str, how: str, seed: int, steps: int) -> dict[str, Any]:
    """A network trained as a whole, or layer by layer first; the same number of steps."""
    rng = np.random.default_rng([seed, depth])
    x, y = samples(target, rng, SAMPLES, noise=True)
    start = Network.init(rng, x.shape[1], 1, WIDTH, depth, activation, scaling=Scaling.of_data(x, y))
    limit = Limit(evaluations=steps)
    if how == "greedy":
        network = GreedyLayers(optimiser=Adam(3e-3)).train(start, x, y, limit, rng).network
    else:
        network = optimise(start, x, y, Adam(3e-3), limit, rng).network
    fresh, truth = samples(target, np.random.default_rng(99), 20_000, noise=False)
    error = np.abs(network.value(fresh) - truth)
    spread = float(truth.std())
    return {
        "training": float(np.sqrt(np.mean((network.value(x) - y) ** 2))) / spread,
        "rms": float(np.sqrt(np.mean(error**2))) / spread,
        "sup": float(error.max()) / spread,
    }


def runs(effort: str) -> list[Run]:
    """All runs of an effort."""
    steps = STEPS[effort]
    return [
        Run(
            f"{how}-{activation}-{depth}-{target.replace(' ', '-').replace('.', '-')}-{seed}",
            trained,
            {
                "target": target,
                "depth": depth,
                "activation": activation,
                "how": how,
                "seed": seed,
                "steps": steps,
            },
            steps * 1e-4 * depth,
        )
        for target in (TARGETS if effort != "test" else TARGETS[:1])
        for activation in ("tanh", "relu")
        for depth in DEPTHS[effort]
        for how in ("whole", "greedy")
        for seed in range(SEEDS[effort])
    ]


def _median(results: Results, start: str, key: str) -> float:
    return float(np.median([r[key] for name, r in results.items() if name.startswith(start)]))


def _cases(results: Results) -> list[str]:
    return sorted({name.split("-", 1)[1].rpartition("-")[0] for name in results})


def rows(results: Results, published: Published) -> list[Row]:
    """The claim that layer-wise training helps deep networks."""
    cases = _cases(results)

    def gain(case: str, key: str) -> float:
        return _median(results, f"whole-{case}-", key) / _median(results, f"greedy-{case}-", key)

    deepest = max(int(c.split("-")[1]) for c in cases)
    deep = [c for c in cases if c.startswith(f"tanh-{deepest}-")]
    words = ", ".join(f"{c.split('-', 2)[2]} {gain(c, 'training'):.2g}" for c in deep)
    gains = {key: [gain(c, key) for c in cases] for key in ("training", "rms", "sup")}
    worse = [c for c in cases if gain(c, "sup") < 1.0]
    return [
        Row(
            "Training layer by layer first helps the training error of deep networks.",
            f"training error without over with it, {deepest} layers of {WIDTH} tanh units, as many steps in all: {words}",
            verdict(
                all(gain(c, "training") > 1.0 for c in deep), any(gain(c, "training") > 1.0 for c in deep)
            ),
            "Supervised layers on regression; the paper's own tests are classification with unsupervised layers.",
            key="greedy",
        ),
        Row(
            "It helps the largest error as much as the mean.",
            f"ratios without over with, medians of {len(cases)} cases: training "
            f"{np.median(gains['training']):.2g}, RMS on fresh points {np.median(gains['rms']):.2g}, largest error "
            f"{np.median(gains['sup']):.2g}; the largest error is worse with it in {len(worse)} cases",
            OURS,
            "The paper has no max norm.",
            key="max-norm",
        ),
    ]


def figures(results: Results) -> list[Figure]:
    """Largest errors by depth for the smooth function of one input."""
    curves = []
    for activation in ("tanh", "relu"):
        for how in ("whole", "greedy"):
            cases = [c for c in _cases(results) if c.startswith(activation) and c.endswith("K1")]
            depths = sorted({int(c.split("-")[1]) for c in cases})
            values = [_median(results, f"{how}-{activation}-{d}-K1-", "sup") for d in depths]
            name = f"{activation}, {'layer by layer' if how == 'greedy' else 'as a whole'}"
            curves.append(Curve(name, depths, values, dashed=how == "whole"))
    return [
        Figure(
            "layer-wise-depth",
            "log(sin(10 x) + 2) + sin(x), the same number of steps: the largest error of networks trained layer by layer "
            "first and as a whole.",
            "hidden layers",
            "largest error over the deviation of the function",
            tuple(curves),
            (False, True),
        )
    ]


EXPERIMENT = Experiment(
    "layer-wise",
    "Does training layer by layer help?",
    "Y. Bengio, P. Lamblin, D. Popovici, H. Larochelle (2006), Greedy layer-wise training of deep networks",
    runs,
    rows,
    figures,
    (
        "tanh and ReLU units; a network of sigmoid units is one of tanh units with other weights.",
        "Only the supervised form, on regression. The Abalone and MNIST experiments are not repeated: their data are not "
        "part of any package that we install.",
    ),
)

"""R1 to R4: what training reaches, and how accuracy scales with the number of parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

import supnorm as sn
from reproduce.experiment import Curve, Experiment, Figure, Results, Row, Run, verdict
from reproduce.precision_ml.tasks import (
    BY_DIMENSION,
    SHRUNK,
    TASKS,
    Task,
    inputs_only,
    teacher,
    torch_start,
    width_for,
)
from reproduce.published import Published
from supnorm.networks import Network, Scaling
from supnorm.training import Adam, Boosting, Limit, QuasiNewton, optimise

Array = NDArray[np.float64]
SEEDS = {"test": 1, "usual": 5, "full": 5}
STEPS = {
    "test": (40, 40),
    "usual": (3000, 9000),
    "full": (25_000, 25_000),
}  # of the first network and the second
ADAM = {"test": 40, "usual": 10_000, "full": 50_000}
ACCURATE = ("teacher-student", "x^2", "x y", "I.11.19")
SAMPLES = {"teacher-student": 1000, "x^2": 1000, "x y": 2000, "I.11.19": 3000}
FINE = 20_001
# Samples of the simplex interpolants by inputs; a triangulation in 5 and 6 inputs takes gigabytes with more.
SIMPLICES = {1: 14, 2: 14, 3: 13, 4: 11, 5: 10, 6: 9}  # powers of two, from 64 on
PARAMETERS = {"test": (200,), "usual": (200, 800, 3200), "full": (200, 800, 3200, 12_800, 51_200)}
SCALED = {"test": 20, "usual": 3000, "full": 20_000}  # steps of Adam
MODULAR = {"test": (200,), "usual": (1000, 4000), "full": (1000, 4000, 10_000, 40_000)}
GROUPS = {  # the compositions of the paper: inputs of the parts, then of the parts that join them
    "I.8.14": ((0, 1), (2, 3), (4, 5)),
    "II.6.15a": ((3, 4), (1, 5), (0, 2), (6, 7), (9, 8)),
}


def errors_of(network: Network, task: Task, x: Array) -> dict[str, float]:
    """Root mean square and largest error at points."""
    error = network.value(x)[:, 0] - task.value(x)
    return {"rms": float(np.sqrt(np.mean(error**2))), "max": float(np.abs(error).max())}


def accurate_task(name: str, seed: int) -> Task:
    """A task of the training to machine precision."""
    return Task(name, teacher(seed), (-1.0,), (1.0,)) if name == "teacher-student" else TASKS[name]


def fresh_points(task: Task, count: int) -> Array:
    """A grid in one input, random points in more."""
    if task.d == 1:
        return np.linspace(task.low[0], task.high[0], count)[:, None]
    return task.points(np.random.default_rng(12_345), count)


def staged(task: str, method: str, seed: int, first: int, second: int) -> dict[str, Any]:
    """Two hidden layers of 20 tanh units, then a second network on the residual; errors after each.

    Args:
        method: ``"bfgs"``, as in the paper; ``"ours"``: self-scaled Broyden and a first layer whose scale is chosen.
    """
    chosen = accurate_task(task, seed)
    rng = np.random.default_rng([seed, 1])
    x = chosen.points(rng, SAMPLES[task])
    y = chosen.value(x)[:, None]
    ours = method == "ours"
    optimiser = QuasiNewton() if ours else QuasiNewton("bfgs")
    start = torch_start(rng, chosen.d, (20, 20), "tanh", Scaling.of_data(x, y) if ours else inputs_only(x))
    network = optimise(start, x, y, optimiser, Limit(evaluations=first)).network
    fresh = fresh_points(chosen, FINE)
    stages = [errors_of(network, chosen, fresh)]
    boosting = Boosting(20, None if ours else 1.0, optimiser=optimiser)
    network = boosting.add(network, x, y, Limit(evaluations=second), rng).network
    return {"stages": [*stages, errors_of(network, chosen, fresh)]}


def adam(task: str, seed: int, steps: int) -> dict[str, Any]:
    """The best of several rates of Adam, two hidden layers of 40 tanh units, all samples in each step."""
    chosen = accurate_task(task, seed)
    best: dict[str, float] = {"rms": math.inf, "max": math.inf}
    for rate in (1e-2, 3e-3, 1e-3):
        rng = np.random.default_rng([seed, 1])
        x = chosen.points(rng, SAMPLES[task])
        y = chosen.value(x)[:, None]
        start = torch_start(rng, chosen.d, (40, 40), "tanh", inputs_only(x))
        network = optimise(start, x, y, Adam(rate), Limit(evaluations=steps), rng).network
        best = min(best, errors_of(network, chosen, fresh_points(chosen, FINE)), key=lambda e: e["rms"])
    return best


def simplex(task: str, power: int) -> dict[str, Any]:
    """The piecewise linear interpolant of 2^power random samples, tested in the shrunk box."""
    chosen = TASKS[task]
    rng = np.random.default_rng([power, 2])
    x = chosen.points(rng, 2**power)
    domain = sn.Domain(**{f"x{i}": ends for i, ends in enumerate(zip(chosen.low, chosen.high, strict=True))})
    fitted = sn.SimplexInterpolation().from_samples(x, chosen.value(x)[:, None], domain)
    fresh = chosen.points(np.random.default_rng(7), 30_000, SHRUNK)
    error = fitted.function.value(fresh)[:, 0] - chosen.value(fresh)
    return {
        "parameters": 2**power * (chosen.d + 1),
        "rms": float(np.sqrt(np.mean(error**2))),
        "max": float(np.abs(error).max()),
    }


def scaled(task: str, activation: str, parameters: int, steps: int, seed: int) -> dict[str, Any]:
    """A network of two hidden layers, trained by Adam on a sample for every ``d + 1`` parameters, as the paper ties them."""
    chosen = TASKS[task]
    rng = np.random.default_rng([seed, parameters])
    width = width_for(parameters, chosen.d, 2)
    x = chosen.points(rng, max(parameters // (chosen.d + 1), 10))
    y = chosen.value(x)[:, None]
    start = torch_start(rng, chosen.d, (width, width), activation, inputs_only(x))
    network = optimise(start, x, y, Adam(1e-3, final=1.0), Limit(evaluations=steps), rng).network
    fresh = chosen.points(np.random.default_rng(7), 30_000, SHRUNK)
    return {"parameters": network.size, **errors_of(network, chosen, fresh)}


def modular(task: str, kind: str, parameters: int, steps: int, seed: int) -> dict[str, Any]:
    """A dense network or one composed as the formula is, both with tanh and about as many parameters."""
    chosen = TASKS[task]
    rng = np.random.default_rng([seed, parameters])
    x = chosen.points(rng, 3000)
    y = chosen.value(x)[:, None]
    if kind == "dense":
        width = width_for(parameters, chosen.d, 3)
        start = torch_start(rng, chosen.d, (width,) * 3, "tanh", inputs_only(x))
    else:
        groups, width = GROUPS[task], 2
        while _composed(rng, chosen.d, groups, width + 1, inputs_only(x)).size <= parameters:
            width += 1
        start = _composed(rng, chosen.d, groups, width, inputs_only(x))
    network = optimise(start, x, y, Adam(1e-3, final=1.0), Limit(evaluations=steps), rng).network
    fresh = chosen.points(np.random.default_rng(7), 30_000, SHRUNK)
    return {"parameters": network.size, **errors_of(network, chosen, fresh)}


def _composed(rng: np.random.Generator, d: int, groups: Any, width: int, scaling: Scaling) -> Network:
    return Network.modular(rng, d, takes=groups, width=width, depth=1, scaling=scaling)


def runs(effort: str) -> list[Run]:
    """All runs of an effort."""
    first, second = STEPS[effort]
    accurate = ACCURATE if effort != "test" else ACCURATE[:1]
    made = [
        Run(
            f"staged-{_file(task)}-{method}-{seed}",
            staged,
            {"task": task, "method": method, "seed": seed, "first": first, "second": second},
            (first + 1.3 * second) * 2.2e-6 * SAMPLES[task],
        )
        for task in accurate
        for method in ("bfgs", "ours")
        for seed in range(SEEDS[effort] if TASKS.get(task, TASKS["x^2"]).d == 1 else min(SEEDS[effort], 3))
    ]
    made += [
        Run(
            f"adam-{_file(task)}",
            adam,
            {"task": task, "seed": 0, "steps": ADAM[effort]},
            ADAM[effort] * 1e-5 * SAMPLES[task],
        )
        for task in accurate
    ]
    dimensions = BY_DIMENSION if effort != "test" else BY_DIMENSION[:2]
    made += [
        Run(
            f"simplex-{_file(task)}-{power}",
            simplex,
            {"task": task, "power": power},
            2.0 ** (power - 12) * 3.0 ** (d - 2),
        )
        for d, task in enumerate(dimensions, start=1)
        for power in range(6, (SIMPLICES[d] if effort != "test" else 7) + 1)
    ]
    made += [
        Run(
            f"scaled-{_file(task)}-{activation}-{n}-{seed}",
            scaled,
            {"task": task, "activation": activation, "parameters": n, "steps": SCALED[effort], "seed": seed},
            SCALED[effort] * (1e-3 + 1.2e-9 * n * n),
        )
        for task in dimensions
        for activation in ("relu", "tanh")
        for n in PARAMETERS[effort]
        for seed in range(2 if effort != "test" else 1)
    ]
    return made + [
        Run(
            f"modular-{_file(task)}-{kind}-{n}-{seed}",
            modular,
            {"task": task, "kind": kind, "parameters": n, "steps": SCALED[effort], "seed": seed},
            SCALED[effort] * (2e-3 + 3e-6 * n),
        )
        for task in GROUPS
        for kind in ("dense", "composed")
        for n in MODULAR[effort]
        for seed in range(2 if effort != "test" else 1)
    ]


def _file(task: str) -> str:
    return task.replace("^", "").replace(" ", "").replace(".", "-")


def _of(results: Results, start: str) -> list[Any]:
    return [r for name, r in results.items() if name.startswith(start)]


def _stages(results: Results, task: str, method: str, key: str) -> list[float]:
    found = _of(results, f"staged-{_file(task)}-{method}-")
    return [float(np.median([r["stages"][k][key] for r in found])) for k in (0, 1)]


def _slope(pairs: list[tuple[float, float]]) -> float:
    n, e = np.log(np.array(pairs)).T
    return float(np.polyfit(n, e, 1)[0]) if len(pairs) > 1 else math.nan


def _curve(results: Results, start: str, key: str) -> list[tuple[float, float]]:
    """Parameters and the median error over seeds, for each size."""
    groups: dict[int, list[float]] = {}
    for r in _of(results, start):
        groups.setdefault(r["parameters"], []).append(r[key])
    return [(n, float(np.median(e))) for n, e in sorted(groups.items())]


def rows(results: Results, published: Published) -> list[Row]:
    """The claims on precision, scaling and composition."""
    found: list[Row] = []
    for task, first, second in (
        ("teacher-student", "teacher-bfgs", "teacher-boosted"),
        ("x^2", "square-bfgs", "square-boosted"),
        ("x y", "product-bfgs", "product-boosted"),
        ("I.11.19", "sum-bfgs", "sum-boosted"),
    ):
        if _of(results, f"staged-{_file(task)}-"):
            found += _precision(results, published, task, first, second)
    return [*found, *_scaling(results), *_composition(results)]


def _precision(results: Results, published: Published, task: str, first: str, second: str) -> list[Row]:
    bfgs, ours = _stages(results, task, "bfgs", "rms"), _stages(results, task, "ours", "rms")
    largest, own = _stages(results, task, "bfgs", "max"), _stages(results, task, "ours", "max")
    seeds = len(_of(results, f"staged-{_file(task)}-bfgs-"))
    slow = _of(results, f"adam-{_file(task)}")[0]
    said, boosted = published.number(first), published.number(second)
    best = min(bfgs[1], ours[1])
    return [
        Row(
            f"{task}: BFGS on two hidden layers of 20 tanh units.",
            f"RMS {bfgs[0]:.1e}, largest error {largest[0]:.1e} (medians of {seeds} seeds); self-scaled Broyden "
            f"{ours[0]:.1e} and {own[0]:.1e}; Adam, width 40: {slow['rms']:.1e} and {slow['max']:.1e}",
            verdict(said / 3 <= bfgs[0] <= 3 * said or bfgs[0] < said, bfgs[0] < 30 * said),
            "1,000 to 3,000 samples and 3,000 steps in place of 100,000 samples and up to 25,000 steps.",
            key=first,
        ),
        Row(
            f"{task}: a second network on the residual.",
            f"RMS {bfgs[1]:.1e}, largest error {largest[1]:.1e}; self-scaled Broyden with chosen first-layer scale "
            f"{ours[1]:.1e} and {own[1]:.1e}",
            verdict(best <= boosted, best <= 30 * boosted),
            f"The second network makes the mean {bfgs[0] / bfgs[1]:.0f} times smaller and the largest error "
            f"{largest[0] / largest[1]:.0f} times (BFGS).",
            key=second,
        ),
    ]


def _scaling(results: Results) -> list[Row]:
    slopes, below, nets = [], [], []
    for d, task in enumerate(BY_DIMENSION, start=1):
        line = _curve(results, f"simplex-{_file(task)}-", "rms")
        if len(line) < 2:
            continue
        slopes.append((d, _slope(line[-4:])))
        for activation in ("relu", "tanh"):
            curve = _curve(results, f"scaled-{_file(task)}-{activation}-", "rms")
            nets.append((d, activation, _slope(curve)))
            interpolated = float(np.exp(np.interp(math.log(curve[-1][0]), *np.log(np.array(line)).T)))
            below.append((d, activation, curve[-1][1] / interpolated))
    if not slopes:
        return []
    small = [(d, s) for d, s in slopes if d <= 4]
    steep = [s for d, activation, s in nets if d in (4, 5) and activation == "relu"]
    many = [ratio for d, _, ratio in below if d >= 4]
    few = [ratio for d, activation, ratio in below if d == 1 and activation == "relu"]
    return [
        Row(
            "The error of piecewise linear interpolation falls like N^(-2/d).",
            "slopes " + ", ".join(f"{s:.2f} (d = {d})" for d, s in slopes),
            verdict(all(abs(s + 2 / d) <= 0.15 * 2 / d for d, s in small)),
            ""
            if all(abs(s + 2 / d) <= 0.3 / d for d, s in slopes)
            else "In 5 and 6 inputs the sizes that fit into memory are small.",
            key="simplex",
        ),
        Row(
            "ReLU networks are steeper in 4 and 5 inputs, because their exponent follows the arity of the formula, not d.",
            "slopes of ReLU networks "
            + ", ".join(f"{s:.2f} (d = {d})" for d, a, s in nets if a == "relu")
            + "; of tanh networks "
            + ", ".join(f"{s:.2f} (d = {d})" for d, a, s in nets if a == "tanh"),
            verdict(bool(steep) and max(steep) < -0.7, bool(steep) and max(steep) < -0.5),
            f"Widths to {max(PARAMETERS['usual'])} parameters and 3,000 steps of Adam.",
            key="relu",
        ),
        Row(
            "Networks lose to interpolation in one input and win in four and more.",
            "error of the network over that of the interpolant at the same number of parameters: "
            + ", ".join(f"{r:.2g} ({a}, d = {d})" for d, a, r in below),
            verdict(bool(many) and max(many) < 1.0 < min(few), bool(many) and float(np.median(many)) < 1.0),
            key="order",
        ),
    ]


def _composition(results: Results) -> list[Row]:
    words, ratios = [], []
    for task in GROUPS:
        dense, composed = (
            _curve(results, f"modular-{_file(task)}-{k}-", "rms") for k in ("dense", "composed")
        )
        if not dense:
            return []
        ratios.append(dense[-1][1] / composed[-1][1])
        words.append(
            f"{task}: dense {dense[-1][1]:.1e}, composed {composed[-1][1]:.1e} at about {dense[-1][0]:,} parameters"
        )
    return [
        Row(
            "A network composed as the formula is has a smaller error than a dense one.",
            "; ".join(words),
            verdict(min(ratios) >= 1.5, max(ratios) >= 1.5),
            "Parts of one hidden layer each, 3,000 steps, sizes below those of the paper.",
            key="modular",
        )
    ]


def figures(results: Results) -> list[Figure]:
    """Scaling of interpolation and networks."""
    made = []
    for key, word in (("rms", "RMS error"), ("max", "largest error")):
        curves = []
        for d, task in enumerate(BY_DIMENSION, start=1):
            for name, start in (("interpolation", "simplex"), ("tanh", "scaled")):
                begin = f"{start}-{_file(task)}-" + ("tanh-" if start == "scaled" else "")
                line = _curve(results, begin, key)
                if line and d in (1, 2, 4, 6):
                    n, e = zip(*line, strict=True)
                    curves.append(Curve(f"{name}, d = {d}", n, e, dashed=start == "simplex"))
        made.append(
            Figure(
                f"precision-ml-scaling-{key}",
                f"The {word} of interpolation on simplices (dashed) and of trained tanh networks against their parameters, "
                "by number of inputs.",
                "parameters",
                word,
                tuple(curves),
            )
        )
    return made


EXPERIMENT = Experiment(
    "precision-ml",
    "What accuracy training reaches",
    "E. J. Michaud, Z. Liu, M. Tegmark (2023), Precision machine learning",
    runs,
    rows,
    figures,
    (
        "No descent in the low-curvature subspace between the stages: the paper's own steps show no gain for most tasks "
        "(benchmarks/fit measures it).",
        "Fewer samples, steps and seeds, smaller networks in the scaling study; all said beside the numbers.",
        "The largest errors are ours: the paper gives root mean squares.",
    ),
)

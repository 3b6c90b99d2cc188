"""Random code of `third_code`, and what `certify` and `check --problem` say of it.

The judge calls model and reference as they run, with 1, 7, 300 and 5,000 points at a time: random and dense points, points
beside the place of the trap, and the witness (the judge is `traps`). Each tenth proved bound goes to the checker, too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import third_code, traps
from benchmarks.soundness.traps import Case, errors, loaded
from supnorm.problem import Domain, Problem
from supnorm.sources import open_problem

SECONDS = 1.0  # of one proof
SIZES = (1, 7, 300, 5_000)
BATCHES = 3  # of the largest size
SOURCES = ("numpy", "jax", "torch")
SHARES = (
    0.72,
    0.12,
    0.16,
)  # of the sources: calls of JAX code take longest, because it compiles for each size
CHECKED = 10  # each tenth proved bound


def drawn(number: int, seed: int) -> tuple[str, list[tuple[str, bool]], np.random.Generator]:
    """Source and traps of a problem, and what draws the rest: each trap of a library about as often."""
    rng = np.random.default_rng([seed, number, 3])
    source = str(rng.choice(SOURCES, p=SHARES))
    names = list(third_code.TRAPS[source])
    first = names[int(rng.integers(len(names)))]
    drawn_traps = [(first, False)]
    if rng.random() < 0.25:
        other = names[int(rng.integers(len(names)))]
        if "---" not in third_code.TRAPS[source][other]:
            drawn_traps.append((other, bool(rng.random() < 0.4)))
    return source, drawn_traps, rng


def draw(number: int, seed: int) -> tuple[str, Callable[[Path], Case]]:
    """Label and maker of a problem, see `traps.Draw`."""
    source, hidden, _ = drawn(number, seed)
    label = " and ".join(name + (" in both" if both else "") for name, both in hidden)
    return f"{source}: {label}", lambda folder: case(number, seed, folder)


def case(number: int, seed: int, folder: Path) -> Case:
    """The problem, written into a folder and opened.

    Raises:
        BadInput, and whatever the libraries raise: for what cannot be opened.
    """
    source, hidden, rng = drawn(number, seed)
    d = int(rng.integers(1, 4))
    h, w, c = 10.0 ** rng.uniform(-9, -1), 10.0 ** rng.uniform(-6, -0.5), float(rng.uniform(0.1, 0.9))
    sizes = {"H": h, "C": c, "W": w, "D": int(rng.integers(3, 9))}
    goal: dict[str, Any] = (
        {"tolerance": h * 10.0 ** rng.uniform(-1, 1)} if rng.random() < 0.7 else {"ratio": 1.2}
    )
    name = f"t{seed}_{number}"
    (folder / f"{name}.py").write_text(third_code.code(source, rng, hidden, d, sizes))
    axes = {f"x{i}": (0.0, 1.0) for i in range(d)}
    derivatives = source == "jax" and hidden[0][0].startswith("custom/") and rng.random() < 0.6
    if source == "numpy" and rng.random() < 0.3:
        module = loaded(folder / f"{name}.py", name)
        problem = Problem(module.model, module.reference, Domain(**axes))
    else:
        (folder / "problem.toml").write_text(
            f'[model]\npython = "{name}.py:model"\n[reference]\npython = "{name}.py:reference"\n'
            + ("[error]\nderivatives = true\n" if derivatives else "")
            + "[domain]\n" + "".join(f"{axis} = [0.0, 1.0]\n" for axis in axes)
        )  # fmt: skip
        problem = open_problem(folder / "problem.toml", trust=True)

    def seen(witness: Any) -> float:
        return worst(problem, c, w, witness, np.random.default_rng([seed, number, 1]))

    return Case(problem, goal, seen, SECONDS)


def worst(problem: Problem, c: float, w: float, witness: Any, rng: np.random.Generator) -> float:
    """The largest error seen, of calls of every size."""
    d = problem.domain.d
    offsets = np.concatenate(
        [
            w * rng.uniform(-1.5, 1.5, 120),
            1e-7 * rng.uniform(-1.5, 1.5, 120),
            rng.normal(size=40) * 1e-12,
            [0.0, w, -w],
        ]
    )
    near = rng.random((SIZES[2], d))
    near[: len(offsets)] = np.where(
        rng.random((len(offsets), d)) < 0.7, (c + offsets[:, None]).clip(0, 1), near[: len(offsets)]
    )
    line = np.linspace(0, 1, SIZES[3])[:, None] * np.ones(d)
    parts = [rng.random((SIZES[3], d)) for _ in range(BATCHES - 1)] + [
        line,
        near,
        rng.random((SIZES[1], d)),
        near[: SIZES[1]],
    ]
    corners = np.array([[0.0] * d, [1.0] * d])
    singles = np.concatenate([near[:3], corners] + ([] if witness is None else [np.asarray(witness)[None]]))
    found = [errors(problem, p) for p in parts] + [errors(problem, p[None]) for p in singles]
    return float(max(p.max() for p in found))


def campaign(seed: int, count: int, keep: str | None = None, first: int = 0) -> list[traps.Found]:
    """``count`` problems; see `traps.campaign`."""
    return traps.campaign(draw, seed, count, keep, first, CHECKED)

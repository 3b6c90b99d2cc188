"""Problems whose code hides something from a reader, and what `certify` and `check --problem` say of them.

The model is a small network and something hidden behind it: a rounding, a cast, a branch, a state, other rows, complex
values, a derivative of its own, a change in place (`hidden_numpy`, `hidden_torch`, `hidden_onnx`); the reference is the
network alone. The oracle knows nothing of programs: it calls both as they run, on dense and random points, beside the
hidden place, one by one and in batches (the judge is `traps`). REFUSED is code of the set `asking` that is honest, and
refused for what it asks; code of this set whose name begins with "assumed" is assumed away by docs/code.md.
To extend: add code to one of the dictionaries.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import asking_code, hidden_numpy, hidden_onnx, hidden_torch, second_code, traps
from benchmarks.soundness.traps import Case, errors, loaded
from supnorm.problem import Domain, Problem
from supnorm.sources import open_problem

SECONDS = 4.0  # of one proof
DENSE, ONE_BY_ONE = 20_000, 30
KINDS = (
    *(("numpy", k) for k in hidden_numpy.NUMPY), *(("jax", k) for k in hidden_numpy.JAX),
    *(("torch", k) for k in hidden_torch.TORCH), *(("pt2", k) for k in sorted(hidden_torch.EXPORTED)),
    *(("onnx", k) for k in hidden_onnx.ONNX),
)  # fmt: skip
SECOND = (
    *(("numpy", k) for k in second_code.NUMPY), *(("jax", k) for k in second_code.JAX),
    *(("torch", k) for k in second_code.TORCH), *(("pt2", k) for k in sorted(second_code.EXPORTED)),
)  # fmt: skip
ASKING = (
    *(("numpy", k) for k in asking_code.NUMPY), *(("jax", k) for k in asking_code.JAX),
    *(("torch", k) for k in asking_code.TORCH),
)  # fmt: skip
SETS = {"hidden": KINDS, "second": SECOND, "asking": ASKING}
CODE = {
    "hidden": {"numpy": hidden_numpy.NUMPY, "jax": hidden_numpy.JAX, "torch": hidden_torch.TORCH},
    "second": {"numpy": second_code.NUMPY, "jax": second_code.JAX, "torch": second_code.TORCH},
    "asking": {"numpy": asking_code.NUMPY, "jax": asking_code.JAX, "torch": asking_code.TORCH},
}


def kind_of(number: int, seed: int, name: str = "hidden") -> tuple[str, str]:
    """Source and kind of a problem of a campaign."""
    kinds = SETS[name]
    order = np.random.default_rng(seed).permutation(len(kinds))
    return kinds[order[number % len(kinds)]]


def draw(number: int, seed: int, campaign: str = "hidden") -> tuple[str, Callable[[Path], Case]]:
    """Label and maker of a problem, see `traps.Draw`."""
    source, kind = kind_of(number, seed, campaign)

    def opened(folder: Path) -> Case:
        return case(number, seed, folder, campaign)

    return f"{source}: {kind}", opened


def case(number: int, seed: int, folder: Path, campaign: str = "hidden", without: bool = False) -> Case:
    """The problem, written into a folder and opened; ``without`` what is assumed away, if its kind is that.

    Raises:
        BadInput, and whatever the libraries raise: for what cannot be written or opened.
    """
    source, kind = kind_of(number, seed, campaign)
    rng = np.random.default_rng([seed, number])
    d, width = int(rng.integers(1, 3)), int(rng.integers(2, 6))
    h, w = 10.0 ** rng.uniform(-11, -1), 10.0 ** rng.uniform(-7, -0.5)
    c = float(rng.uniform(0.1, 0.9))
    weights = [rng.normal(size=s).tolist() for s in ((d, width), (width,), (width, 1))]
    factor = 10.0 ** rng.uniform(-1.0, 1.0)
    goal: dict[str, Any] = {"ratio": 1.1} if rng.random() < 0.3 else {"tolerance": factor * h}
    head = {"numpy": hidden_numpy.HEAD, "jax": hidden_numpy.HEAD_JAX}.get(source, hidden_torch.HEAD).format(
        **dict(zip("avb", (weights[0], weights[2], weights[1]), strict=True), h=h, c=c, w=w)
    )
    body = "return base(x)" if without else CODE[campaign].get(source, {}).get(kind, "")
    name = f"m{seed}_{number}" + "_without" * without
    if source == "onnx":
        for part, of in (("model", kind), ("reference", None)):
            hidden_onnx.write(str(folder / f"{name}_{part}.onnx"), of, tuple(weights), h, c, w)
    elif source in ("torch", "pt2"):
        (folder / f"{name}.py").write_text(hidden_torch.code(kind, head, CODE[campaign]["torch"]))
    else:
        text = f"{head}\ndef model(x):\n    {body}\n\ndef reference(x): return base(x)\n"
        (folder / f"{name}.py").write_text(text)
    if source == "pt2":
        module = loaded(folder / f"{name}.py", name)
        hidden_torch.export(module.model, d, str(folder / f"{name}_model.pt2"))
    if source in ("numpy", "jax") and rng.random() < 0.3:
        module = loaded(folder / f"{name}.py", name)
        problem = Problem(module.model, module.reference, Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)}))
    else:
        (folder / f"{name}.toml").write_text(
            _tables(source, name) + "[domain]\n" + "".join(f"x{i} = [0.0, 1.0]\n" for i in range(d))
        )
        problem = open_problem(folder / f"{name}.toml", trust=source != "onnx")
    return Case(
        problem,
        goal,
        lambda witness: worst(problem, c, w, witness, np.random.default_rng([seed, number, 1])),
        SECONDS,
        lambda words: kind.startswith("honest") and "while the code was read" in words,
        ("number of calls",) if kind.startswith("assumed") else (),
        lambda: case(number, seed, folder, campaign, without=True),
    )


def _tables(source: str, name: str) -> str:
    suffix = {"onnx": ".onnx", "pt2": ".pt2"}.get(source)
    model = f'file = "{name}_model{suffix}"' if suffix else f'python = "{name}.py:model"'
    reference = f'file = "{name}_reference.onnx"' if source == "onnx" else f'python = "{name}.py:reference"'
    return f"[model]\n{model}\n[reference]\n{reference}\n"


def worst(problem: Problem, c: float, w: float, witness: Any, rng: np.random.Generator) -> float:
    """The largest error seen, of every kind of call."""
    d = problem.domain.d
    x = np.concatenate([rng.random((DENSE, d)), np.linspace(0, 1, DENSE)[:, None] * np.ones(d)])
    beside = c + np.concatenate([w * rng.uniform(-1.2, 1.2, 400), [0.0, 1e-16, -1e-16, w, -w, 1e-9, -1e-9]])
    near = rng.random((len(beside), d))
    near[:, rng.integers(d)] = near[:, 0] = beside.clip(0, 1)
    special = [near] if witness is None else [near, np.asarray(witness)[None]]
    parts = [errors(problem, p) for p in (x, np.concatenate(special), x[:257])]
    parts += [errors(problem, p[None]) for p in np.concatenate([*special[::-1], x])[:ONE_BY_ONE]]
    return float(max(p.max() for p in parts))


def campaign(
    seed: int, count: int, keep: str | None = None, first: int = 0, which: str = "hidden"
) -> list[traps.Found]:
    """``count`` problems of a set, each kind about as often; see `traps.campaign`."""
    return traps.campaign(partial(draw, campaign=which), seed, count, keep, first)

"""Random problems of `fourth_code` and `fourth_graphs`, and what `certify` and `check --problem` say of them.

One to four traps stand in an honest formula or network of one to three inputs, in every kind of model that is read: NumPy,
JAX and torch code, torch modules, `.pt2`, ONNX, `.npz`. The judge calls both functions as they run, with 1, 7, 300 and 5,000
points at a time, at random and dense points, beside the place of the trap and at it; code also by a plain call of its own,
without supnorm. The judge is `traps`; REFUSED is honest code, without a trap, that was refused. Each tenth proved bound goes
to the checker, too.
"""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import fourth_code, fourth_graphs, traps
from benchmarks.soundness.traps import Case, errors, loaded
from supnorm.problem import Problem
from supnorm.problem.double_precision import double_precision
from supnorm.sources import open_problem

SECONDS = 0.7  # of one proof
SIZES = (1, 7, 300, 5_000)
CHECKED = 10  # each tenth proved bound
HONEST = 0.12  # the share of problems without a trap
SOURCES = {"numpy": 0.42, "jax": 0.14, "torch": 0.1, "pt2": 0.05, "onnx": 0.23, "npz": 0.06}
_CODE = {
    "numpy": (fourth_code.NUMPY, fourth_code.HONEST_NUMPY),
    "jax": (fourth_code.JAX, fourth_code.HONEST_JAX),
    "torch": (fourth_code.TORCH, fourth_code.HONEST_TORCH),
}
_HEAD = {
    "numpy": "import numpy as np\n",
    "jax": "import numpy as np\nimport jax\nimport jax.numpy as jnp\nfrom jax import lax\n",
    "torch": "import numpy as np\nimport torch\n",
}
_LIBRARY = {"numpy": "np", "jax": "jnp", "torch": "torch"}
# Between the start and the end, where a trap stands: functions that do not shrink what it adds.
_STARTS = (
    "{m}.tanh(x @ W1 + B1) @ V1",
    "{m}.sin(3.0 * x[:, :1]) + x[:, -1:] ** 2",
    "{m}.exp(-x[:, :1] ** 2) * (1.0 + x[:, -1:]) + 0.5",
    "{m}.sqrt(1.5 + x[:, :1]) / (2.0 + x[:, -1:])",
    "{m}.log(1.2 + x[:, :1] * x[:, -1:]) + x[:, :1]",
)
_ENDS = (
    "2.0 * v",
    "v + 0.3 * {m}.sin(v)",
    "v + {m}.tanh(v)",
    "3.0 * v + 0.1 * v ** 2",
    "v + 0.2 * {m}.cos(v)",
)
_GATES = (
    "H * {m}.{max}(1.0 - u * u - 1e9 * (1.0 - f), {zero})",
    "H * f * {m}.exp(-u * u)",
    "H * f / (1.0 + u * u)",
    "H * f * {m}.{max}(1.0 - {m}.abs(u), {zero})",
)


class Drawn:
    """What a number of a seed draws: source, traps, sizes."""

    def __init__(self, number: int, seed: int) -> None:
        self.rng = rng = np.random.default_rng([seed, number, 4])
        self.source = str(rng.choice([*SOURCES], p=[*SOURCES.values()]))
        self.d = int(rng.integers(1, 4))
        self.h, self.c = 10.0 ** rng.uniform(-6, -1), float(np.round(rng.uniform(0.1, 0.9), 4))
        self.w = 10.0 ** rng.uniform(-8, -3)
        self.digits = max(1, round(-math.log10(self.h)))
        honest = rng.random() < HONEST
        tables: Any = (
            (fourth_graphs.ONNX, fourth_graphs.HONEST_ONNX)
            if self.source == "onnx"
            else _CODE.get({"pt2": "torch"}.get(self.source, self.source), ({}, {}))
        )
        count = 1 if rng.random() < 0.7 else int(rng.integers(2, 5))
        table = tables[1] if honest else tables[0]
        names = [*table]
        self.traps = (
            [names[int(k)] for k in rng.choice(len(names), min(count, len(names)), replace=False)]
            if names
            else []
        )
        if len(self.traps) > 1 and not honest:  # a harmless line beside the traps
            self.traps[-1] = [*tables[1]][int(rng.integers(len(tables[1])))]
        self.lines = [tables[1].get(name) or tables[0][name] for name in self.traps]
        of = fourth_code.ASSUMED.get({"pt2": "torch"}.get(self.source, self.source), {})
        self.covered = [of.get(name, "") for name in self.traps]
        if self.source == "pt2":  # a file has an assumption of its own
            self.covered = [{"number of points": "points of a graph"}.get(key, key) for key in self.covered]
        self.centres, self.places = [self.c], list[float]()  # around and at which something may be
        self.honest = honest and self.source != "npz"
        self.goal: dict[str, Any] = (
            {"tolerance": self.h * 10.0 ** rng.uniform(-1.5, 0.0)} if rng.random() < 0.75 else {"ratio": 1.2}
        )

    @property
    def label(self) -> str:
        """Source and names of traps."""
        return f"{self.source}: {' and '.join(self.traps) or 'rational'}"

    @property
    def assumed(self) -> tuple[str, ...]:
        """The assumptions that cover some of the traps."""
        return tuple(dict.fromkeys(filter(None, self.covered)))

    def code(self, without: bool) -> str:
        """The file of model and reference; ``without`` the traps that are assumed away."""
        pairs = [one if isinstance(one, tuple) else ("", one) for one in self.lines]
        # Traps of the points stand before what is smooth.
        first = all("v = v" not in line and "f = " not in line for _, line in pairs)
        shortened = [
            ("", "f = 0.0" if "f = " in line else "v = v") if without and key else (head, line)
            for (head, line), key in zip(pairs, self.covered, strict=True)
        ]
        body = []
        for _, line in shortened:
            body += line.split("\n")
            if "f = " in line:
                body.append("v = v + off(x, f)")
        return self._file("\n".join(head for head, _ in shortened), body, first, [])

    def _file(self, outside: str, model: list[str], first: bool, reference: list[str]) -> str:
        """The file of these lines at the level of the module, of the model and of the reference."""
        rng, kind = self.rng, {"pt2": "torch"}.get(self.source, self.source)
        names = {"m": _LIBRARY[kind], "max": "maximum", "zero": "0.0"}
        if kind == "torch":
            names |= {"max": "clamp", "zero": "min=0.0"}
        w1, b1, v1 = (
            rng.normal(size=(self.d, 4)).round(3),
            rng.normal(size=4).round(3),
            rng.normal(size=(4, 1)).round(3),
        )
        wrap = "torch.tensor({}, dtype=torch.float64)" if kind == "torch" else "np.array({})"
        start, end = (str(rng.choice(one)).format(**names) for one in (_STARTS, _ENDS))
        gate = str(rng.choice(_GATES, p=(0.55, 0.15, 0.15, 0.15))).format(**names)
        first = first and rng.random() < 0.3
        model = ["v = x", *model, "v = start(v)"] if first else ["v = start(x)", *model]
        head = f"H, C, W, D = {self.h!r}, {self.c!r}, {self.w!r}, {self.digits}\n"
        head += "".join(f"{n} = {wrap.format(a.tolist())}\n" for n, a in (("W1", w1), ("B1", b1), ("V1", v1)))
        head += f"def off(x, f):\n    u = (x[:, :1] - C) / W\n    return {gate}\n"
        head += f"def start(x): return {start}\ndef end(v): return {end}\n{outside}"
        sine = f"end(v) + {1e-3 * self.h!r} * {names['m']}.sin(x[:, :1])"
        functions = (("model", model, "end(v)"), ("reference", ["v = start(x)", *reference], sine))
        return _HEAD[kind] + head + "".join(
            f"\ndef {name}(x):\n" + "".join(f"    {line}\n" for line in lines) + f"    return {last}\n"
            for name, lines, last in functions
        )  # fmt: skip

    def graph(self, without: bool) -> tuple[Any, Any]:
        """The graph, and the code or the graph of its reference; no trap of a graph is assumed away."""
        return fourth_graphs.graph_of(self.lines, self.rng, self.d, {"H": self.h, "C": self.c, "W": self.w})

    def made(self, folder: Path, name: str, without: bool) -> tuple[Problem, Any]:
        """The problem, and the module of its code; its files are written into the folder.

        Args:
            folder: where the files are written.
            name: of the module.
            without: whether the traps that are assumed away are left out.

        Raises:
            BadInput, and whatever the libraries raise: for what cannot be opened.
        """
        file = f"{name}.py"
        model, reference = f'python = "{file}:model"', f'python = "{file}:reference"'
        if self.source == "npz":
            self.places, _ = fourth_graphs.rational(self.rng, folder / "model.npz")
            self.d, model = 1, 'file = "model.npz"'
            (folder / file).write_text("import numpy as np\ndef reference(x): return np.sin(x[:, :1])\n")
        elif self.source == "onnx":
            import onnx

            graph, code = self.graph(without)
            onnx.save(graph, folder / "model.onnx")
            if isinstance(code, str):
                (folder / file).write_text(code)
            else:
                onnx.save(code, folder / "reference.onnx")
                reference = 'file = "reference.onnx"'
            model = 'file = "model.onnx"'
        else:
            (folder / file).write_text(self.code(without))
            if self.source == "pt2":
                _export(loaded(folder / file, f"{name}_source"), self.d, folder / "model.pt2")
                model = 'file = "model.pt2"'
        (folder / "problem.toml").write_text(
            f"[model]\n{model}\n[reference]\n{reference}\n[domain]\n"
            + "".join(f"x{i} = [0.0, 1.0]\n" for i in range(self.d))
        )
        problem = open_problem(folder / "problem.toml", trust=True)
        opened = [
            m for m in list(sys.modules.values()) if str(getattr(m, "__file__", "")) == str(folder / file)
        ]
        return problem, opened[0] if opened else None


def _export(module: Any, d: int, path: Path) -> None:
    import torch

    class Net(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return module.model(x)

    points = torch.rand(3, d, dtype=torch.float64)
    size = torch.export.Dim.AUTO
    with torch.no_grad():
        torch.export.save(torch.export.export(Net(), (points,), dynamic_shapes=({0: size},)), path)


def worst(problem: Problem, drawn: Drawn, module: Any, witness: Any, rng: np.random.Generator) -> float:
    """The largest error seen, of calls of every size, by supnorm and by plain calls."""
    d, w = drawn.d, drawn.w
    offsets = np.concatenate(
        [w * rng.uniform(-1.5, 1.5, 100), 1e-7 * rng.uniform(-1.5, 1.5, 60), rng.normal(size=30) * 1e-12, [0.0, w, -w, -0.0]]
    )  # fmt: skip
    around = [np.concatenate([c + offsets, np.nextafter([c, c], [0.0, 1.0])]) for c in drawn.centres]
    places = np.concatenate([*around, [0.0, 1.0], drawn.places])
    near = rng.random((max(SIZES[2], len(places)), d))
    near[: len(places), 0] = places.clip(0.0, 1.0)
    line = np.linspace(0, 1, SIZES[3])[:, None] * np.ones(d)
    parts = [rng.random((SIZES[3], d)), line, near]
    if drawn.source != "jax":  # which compiles for each number of points
        parts += [rng.random((SIZES[1], d)), near[: SIZES[1]]]
    at = [k * len(around[0]) + len(offsets) - 4 for k in range(len(around))]
    singles = [near[0], *near[at], np.zeros(d), np.ones(d)]
    singles += [] if witness is None else [np.asarray(witness)]
    parts += [p[None] for p in singles]
    plain = 0.0
    if module is not None and drawn.source in ("numpy", "jax", "torch"):
        plain = max(_plain(module, p, drawn.source) for p in (near, *parts[-len(singles) :]))
    return max(plain, *(float(errors(problem, p).max()) for p in parts))


def _plain(module: Any, x: Any, source: str) -> float:
    """The largest error of plain calls; 0 where they fail, because then a user sees it."""
    given = x
    if source == "torch":
        import torch

        given = torch.from_numpy(x)
    with contextlib.suppress(Exception), np.errstate(all="warn"), double_precision(source == "jax"):
        model, reference = (np.array(getattr(module, side)(given)) for side in ("model", "reference"))
        size, lost = np.abs(model - reference).real, ~np.isfinite(model) & np.isfinite(reference)
        return float(np.where(lost, np.inf, np.nan_to_num(size, nan=0.0)).max())
    return 0.0


def draw(
    number: int, seed: int, made: Callable[[int, int], Drawn] = Drawn
) -> tuple[str, Callable[[Path], Case]]:
    """Label and maker of a problem, see `traps.Draw`."""
    return made(number, seed).label, lambda folder: case(number, seed, folder, made)


def case(
    number: int, seed: int, folder: Path, made: Callable[[int, int], Drawn] = Drawn, without: bool = False
) -> Case:
    """The problem, written into a folder and opened.

    Raises:
        BadInput, and whatever the libraries raise: for what cannot be opened.
    """
    drawn, into = made(number, seed), folder / "without" if without else folder
    into.mkdir(exist_ok=True)
    problem, module = drawn.made(into, f"f{seed}_{number}{'_without' * without}", without)

    def seen(witness: Any) -> float:
        return worst(problem, drawn, module, witness, np.random.default_rng([seed, number, 1]))

    return Case(
        problem,
        drawn.goal,
        seen,
        SECONDS,
        lambda words: drawn.honest,
        drawn.assumed,
        lambda: case(number, seed, folder, made, without=True),
    )


def campaign(seed: int, count: int, keep: str | None = None, first: int = 0) -> list[traps.Found]:
    """``count`` problems; see `traps.campaign`."""
    return traps.campaign(draw, seed, count, keep, first, CHECKED)

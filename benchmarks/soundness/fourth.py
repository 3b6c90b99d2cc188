"""Random problems of `fourth_code` and `fourth_graphs`, and what `certify` and `check --problem` say of them.

One to four traps stand in an honest formula or network of one to three inputs, in every kind of model that is read: NumPy,
JAX and torch code, torch modules, `.pt2`, ONNX, `.npz`. The judge calls both functions as they run, with 1, 7, 300 and 5,000
points at a time, at random and dense points, beside the place of the trap and at it; code also by a plain call of its own,
without supnorm. Verdicts are those of `hidden`, and: *assumed* is a false statement about code that docs/code.md assumes
away; REFUSED is honest code, without a trap, that was refused. Each tenth proved bound goes to the checker, too.
"""

from __future__ import annotations

import contextlib
import io
import math
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import fourth_code, fourth_graphs, hidden
from supnorm.certification import certify
from supnorm.problem import Problem
from supnorm.results import BadInput
from supnorm.sources import open_problem

SECONDS = 0.7  # of one proof
SIZES = (1, 7, 300, 5_000)
COMPILED = (1, 8, 256)  # points of the calls of `certify` of code that JAX compiles
CHECKED = 10  # each tenth proved bound
HONEST = 0.12  # the share of problems without a trap
SOURCES = {"numpy": 0.42, "jax": 0.14, "torch": 0.1, "pt2": 0.05, "onnx": 0.23, "npz": 0.06}
WRONG = ("FALSE", "CRASHED")
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
        self.honest = honest and self.source != "npz"
        self.goal: dict[str, Any] = (
            {"tolerance": self.h * 10.0 ** rng.uniform(-1.5, 0.0)} if rng.random() < 0.75 else {"ratio": 1.2}
        )

    @property
    def label(self) -> str:
        """Source and names of traps."""
        return f"{self.source}: {' and '.join(self.traps) or 'rational'}"

    def code(self) -> str:
        """The file of model and reference."""
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
        pairs = [one if isinstance(one, tuple) else ("", one) for one in self.lines]
        body = []
        for _, line in pairs:
            body += line.split("\n")
            if "f = " in line:
                body.append("v = v + off(x, f)")
        before = all("v = v" not in line and "f = " not in line for _, line in pairs) and rng.random() < 0.3
        body = ["v = x", *body, "v = start(v)"] if before else ["v = start(x)", *body]
        head = f"H, C, W, D = {self.h!r}, {self.c!r}, {self.w!r}, {self.digits}\n"
        head += "".join(f"{n} = {wrap.format(a.tolist())}\n" for n, a in (("W1", w1), ("B1", b1), ("V1", v1)))
        head += f"def off(x, f):\n    u = (x[:, :1] - C) / W\n    return {gate}\n"
        head += f"def start(x): return {start}\ndef end(v): return {end}\n"
        sine = f"end(start(x)) + {1e-3 * self.h!r} * {names['m']}.sin(x[:, :1])"
        return (
            _HEAD[kind] + head + "\n".join(one for one, _ in pairs) + "\ndef model(x):\n"
            + "".join(f"    {line}\n" for line in body) + "    return end(v)\n" + f"def reference(x): return {sine}\n"
        )  # fmt: skip

    def made(self, folder: Path, name: str) -> tuple[Problem, Any]:
        """The problem, and the module of its code; its files are written into the folder.

        Raises:
            BadInput, and whatever the libraries raise: for what cannot be opened.
        """
        file = f"{name}.py"
        model = f'python = "{file}:model"'
        if self.source == "npz":
            self.places, kind = fourth_graphs.rational(self.rng, folder / "model.npz")
            self.traps, self.d, model = [kind], 1, 'file = "model.npz"'
            (folder / file).write_text("import numpy as np\ndef reference(x): return np.sin(x[:, :1])\n")
        elif self.source == "onnx":
            import onnx

            graph, code = fourth_graphs.graph_of(
                self.lines, self.rng, self.d, {"H": self.h, "C": self.c, "W": self.w}
            )
            onnx.save(graph, folder / "model.onnx")
            (folder / file).write_text(code)
            model = 'file = "model.onnx"'
        else:
            (folder / file).write_text(self.code())
            if self.source == "pt2":
                _export(hidden._loaded(folder / file, f"{name}_source"), self.d, folder / "model.pt2")
                model = 'file = "model.pt2"'
        (folder / "problem.toml").write_text(
            f'[model]\n{model}\n[reference]\npython = "{file}:reference"\n[domain]\n'
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
    d, c, w = drawn.d, drawn.c, drawn.w
    offsets = np.concatenate(
        [w * rng.uniform(-1.5, 1.5, 100), 1e-7 * rng.uniform(-1.5, 1.5, 60), rng.normal(size=30) * 1e-12, [0.0, w, -w, -0.0]]
    )  # fmt: skip
    places = np.concatenate(
        [c + offsets, np.nextafter([c, c], [0.0, 1.0]), [0.0, 1.0], getattr(drawn, "places", [])]
    )
    near = rng.random((max(SIZES[2], len(places)), d))
    near[: len(places), 0] = places.clip(0.0, 1.0)
    line = np.linspace(0, 1, SIZES[3])[:, None] * np.ones(d)
    parts = [rng.random((SIZES[3], d)), line, near]
    if drawn.source != "jax":  # which compiles for each number of points
        parts += [rng.random((SIZES[1], d)), near[: SIZES[1]]]
    singles = [near[0], near[len(offsets) - 4], np.zeros(d), np.ones(d)]
    singles += [] if witness is None else [np.asarray(witness)]
    parts += [p[None] for p in singles]
    plain = 0.0
    if module is not None and drawn.source in ("numpy", "torch"):
        plain = max(_plain(module, p, drawn.source) for p in (near, *parts[-len(singles) :]))
    return max(plain, *(float(hidden.errors(problem, p).max()) for p in parts))


def _plain(module: Any, x: Any, source: str) -> float:
    """The largest error of plain calls; 0 where they fail, because then a user sees it."""
    given = x
    if source == "torch":
        import torch

        given = torch.from_numpy(x)
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        both = [np.asarray(getattr(module, side)(given)) for side in ("model", "reference")]
        return float(np.nanmax(np.abs(both[0] - both[1]).real))
    return 0.0


def judged(number: int, seed: int, folder: Path, proved: int = 0) -> hidden.Hidden:
    """Certify, call, and check where ``proved``, the number of bounds proved before, is a multiple of ten."""
    drawn = Drawn(number, seed)
    refused = "REFUSED" if drawn.honest else "refused"
    try:
        problem, module = drawn.made(folder, f"f{seed}_{number}")
    except Exception as error:  # the libraries refuse much by types of their own
        return hidden.Hidden(
            number, drawn.label, "refused", f"not opened: {type(error).__name__}: {error}"[:200]
        )
    try:
        result = certify(problem, seconds=SECONDS, seed=number, **drawn.goal)
    except BadInput as error:
        return hidden.Hidden(number, drawn.label, refused, str(error)[:200])
    except Exception as error:
        return hidden.Hidden(number, drawn.label, "CRASHED", f"{type(error).__name__}: {error}"[:300])
    witness = None if result.witness is None else result.witness.x
    try:
        seen = worst(problem, drawn, module, witness, np.random.default_rng([seed, number, 1]))
    except BadInput as error:
        return hidden.Hidden(number, drawn.label, "refused", f"fails when it is called: {error}"[:200])
    tolerance = drawn.goal.get("tolerance", math.inf)
    room = 2.0 * result.agreement.size + (4.0 * result.rounding if math.isfinite(result.rounding) else 0.0)
    room += 1e-12 * seen if math.isfinite(seen) else 0.0
    false = list(hidden._false(problem, result, seen, tolerance, room))
    claimed = math.isfinite(result.upper)
    if claimed and proved % CHECKED == 0:
        false += hidden._checked(problem, result, seen, tolerance, room, folder)
    words = (
        f"{drawn.goal}: {result.status.code}, [{result.lower:.4g}, {result.upper:.4g}] {result.upper_kind}, "
        f"deployed {result.deployed_upper}, agreement {result.agreement.size:.2g}; seen {seen:.6g}"
    )
    if false:
        assumed = any(
            name.startswith(("assumed/", "state/")) for name in drawn.traps
        )  # states: the number of calls
        if any(
            name.startswith("kept/") for name in drawn.traps
        ):  # other numbers of points than those of `certify`
            again = [drawn.c + drawn.w * np.linspace(-1, 1, n)[:, None] * np.ones(drawn.d) for n in COMPILED]
            assumed = max(float(hidden.errors(problem, x.clip(0.0, 1.0)).max()) for x in again) <= min(
                result.upper + room, tolerance
            )
        verdict = "assumed" if assumed else "FALSE"
        return hidden.Hidden(number, drawn.label, verdict, f"{'; '.join(false)} ({words})")
    return hidden.Hidden(number, drawn.label, "true" if claimed else "nothing claimed", words)


def campaign(seed: int, count: int, keep: str | None = None, first: int = 0) -> list[hidden.Hidden]:
    """``count`` problems; ``keep`` is a folder for a log, and for the code of what is false."""
    found: list[hidden.Hidden] = []
    if keep is not None:
        Path(keep).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = time.monotonic()
            with contextlib.redirect_stderr(io.StringIO()):
                one = judged(number, seed, Path(name), sum(f.verdict == "true" for f in found))
            if one.verdict in (*WRONG, "REFUSED"):
                print(f"{one.verdict}: {seed}/{number} {one.kind}: {one.words}", flush=True)
                for file in Path(name).glob("*.*") if keep is not None else ():
                    (Path(keep or "") / f"{seed}_{number}_{file.name}").write_bytes(file.read_bytes())
            if keep is not None:
                words = " ".join(one.words.split())
                with (Path(keep) / f"log{seed}.txt").open("a") as log:
                    log.write(
                        f"{number} {one.kind}: {one.verdict} {words} ({time.monotonic() - start:.1f} s)\n"
                    )
        found.append(one)
    return found


def table(found: list[hidden.Hidden]) -> str:
    """Counts by the kind of the first trap, by source, and of all."""
    verdicts = ("refused", "nothing claimed", "true", "assumed", "REFUSED", "FALSE", "CRASHED")
    counts: dict[str, Counter[str]] = {}
    for one in found:
        source, _, rest = one.kind.partition(": ")
        for row in (rest.partition("/")[0], source, "all"):
            counts.setdefault(row, Counter())[one.verdict] += 1
    rows = sorted(counts, key=lambda row: (row == "all", row in SOURCES, row))
    lines = [f"{'trap':18s}" + "".join(f"{v:>17s}" for v in verdicts)]
    return "\n".join(
        [*lines, *(f"{row:18s}" + "".join(f"{counts[row][v]:17d}" for v in verdicts) for row in rows)]
    )

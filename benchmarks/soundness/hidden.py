"""Problems whose code hides something from a reader, and what `certify` and `check --problem` say of them.

The model is a small network and something hidden behind it: a rounding, a cast, a branch, a state, other rows, complex
values, a derivative of its own, a change in place (`hidden_numpy`, `hidden_torch`, `hidden_onnx`); the reference is the
network alone. The oracle knows nothing of programs: it calls both as they run, on dense and random points, beside the
hidden place, one by one and in batches. False is a bound, a verdict, a deployed bound or a lower bound that these values
contradict, beyond the proved rounding and twice the printed agreement where the bound is one in exact arithmetic. REFUSED
is code of the set `asking` that is honest, and refused for what it asks; *assumed* is code of this set of which
docs/certify.md says that a proof assumes it away, and of which something false was stated.
To extend: add code to one of the dictionaries.
"""

from __future__ import annotations

import importlib.util
import math
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import asking_code, hidden_numpy, hidden_onnx, hidden_torch, second_code
from supnorm.certification import certify
from supnorm.certification.executions import runs
from supnorm.cli.check import checked
from supnorm.cli.check_verdict import status_of
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput
from supnorm.sources import open_problem

SECONDS = 4.0  # of one proof
LIMIT = 30.0  # of one check, by its forecast
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
VERDICTS = ("refused", "nothing claimed", "true", "assumed", "FALSE", "REFUSED", "CRASHED")
WRONG = ("FALSE", "REFUSED", "CRASHED")


@dataclass(frozen=True)
class Hidden:
    """One problem and what was said of it; ``number`` makes it again with the seed."""

    number: int
    kind: str
    verdict: str
    words: str


def kind_of(number: int, seed: int, name: str = "hidden") -> tuple[str, str]:
    """Source and kind of a problem of a campaign."""
    kinds = SETS[name]
    order = np.random.default_rng(seed).permutation(len(kinds))
    return kinds[order[number % len(kinds)]]


def problem_of(
    number: int, seed: int, folder: Path, campaign: str = "hidden"
) -> tuple[str, str, Problem, dict[str, Any]]:
    """Source, kind, the problem, and arguments of `certify`.

    Raises:
        BadInput, and whatever the libraries raise: for what cannot be written or opened.
    """
    source, kind = kind_of(number, seed, campaign)
    rng = np.random.default_rng([seed, number])
    d, width = int(rng.integers(1, 3)), int(rng.integers(2, 6))
    h, w = 10.0 ** rng.uniform(-11, -1), 10.0 ** rng.uniform(-7, -0.5)
    c = float(rng.uniform(0.1, 0.9))
    weights = [rng.normal(size=s).tolist() for s in ((d, width), (width,), (width, 1))]
    domain = Domain(**{f"x{i}": (0.0, 1.0) for i in range(d)})
    factor = 10.0 ** rng.uniform(-1.0, 1.0)
    goal: dict[str, Any] = {"ratio": 1.1} if rng.random() < 0.3 else {"tolerance": factor * h}
    filled = dict(zip("avb", (weights[0], weights[2], weights[1]), strict=True), h=h, c=c, w=w)
    goal["hidden"] = (h, c, w)
    name = f"m{seed}_{number}"
    (folder / "problem.toml").write_text(
        _tables(source, name) + "[domain]\n" + "".join(f"x{i} = [0.0, 1.0]\n" for i in range(d))
    )
    if source == "onnx":
        for part, of in (("model", kind), ("reference", None)):
            hidden_onnx.write(str(folder / f"{name}_{part}.onnx"), of, tuple(weights), h, c, w)
        return source, kind, open_problem(folder / "problem.toml"), goal
    head = {"numpy": hidden_numpy.HEAD, "jax": hidden_numpy.HEAD_JAX}.get(source, hidden_torch.HEAD).format(
        **filled
    )
    if source in ("torch", "pt2"):
        text = hidden_torch.code(kind, head, CODE[campaign]["torch"])
    else:
        body = CODE[campaign][source][kind]
        text = f"{head}\ndef model(x):\n    {body}\n\ndef reference(x): return base(x)\n"
    (folder / f"{name}.py").write_text(text)
    if source == "pt2":
        module = _loaded(folder / f"{name}.py", name)
        hidden_torch.export(module.model, d, str(folder / f"{name}_model.pt2"))
    if source in ("numpy", "jax") and rng.random() < 0.3:
        module = _loaded(folder / f"{name}.py", name)
        return source, kind, Problem(module.model, module.reference, domain), goal
    return source, kind, open_problem(folder / "problem.toml", trust=True), goal


def _tables(source: str, name: str) -> str:
    suffix = {"onnx": ".onnx", "pt2": ".pt2"}.get(source)
    model = f'file = "{name}_model{suffix}"' if suffix else f'python = "{name}.py:model"'
    reference = f'file = "{name}_reference.onnx"' if source == "onnx" else f'python = "{name}.py:reference"'
    return f"[model]\n{model}\n[reference]\n{reference}\n"


def _loaded(path: Path, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def errors(problem: Problem, x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Errors of both as they run; infinite where the model has no value and the reference has one."""
    model, reference = runs(problem.model, x, "model"), runs(problem.reference, x, "reference")
    size, _ = problem.error(model, reference, x)
    lost = ~np.isfinite(model).all(axis=1) & np.isfinite(reference).all(axis=1)
    return np.where(lost, np.inf, np.where(np.isfinite(size), size, 0.0))


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


def judged(number: int, seed: int, folder: Path, name: str = "hidden") -> Hidden:
    """Certify, call, check."""
    source, kind = kind_of(number, seed, name)
    label = f"{source}: {kind}"
    try:
        _, _, problem, goal = problem_of(number, seed, folder, name)
    except Exception as error:  # torch.export and onnxruntime refuse much by types of their own
        return Hidden(number, label, "refused", f"not opened: {type(error).__name__}: {error}"[:160])
    h, c, w = goal.pop("hidden")
    try:
        result = certify(problem, seconds=SECONDS, seed=number, **goal)
    except BadInput as error:
        honest = kind.startswith("honest") and "while the code was read" in str(error)
        return Hidden(number, label, "REFUSED" if honest else "refused", str(error)[:160])
    except Exception as error:
        return Hidden(number, label, "CRASHED", f"{type(error).__name__}: {error}"[:300])
    witness = None if result.witness is None else result.witness.x
    try:
        seen = worst(problem, c, w, witness, np.random.default_rng([seed, number, 1]))
    except BadInput as error:
        return Hidden(number, label, "refused", f"fails when it is called: {error}"[:160])
    tolerance = goal.get("tolerance", math.inf)
    room = 2.0 * result.agreement.size + (4.0 * result.rounding if math.isfinite(result.rounding) else 0.0)
    room += 1e-12 * seen
    false = list(_false(problem, result, seen, tolerance, room))
    claimed = math.isfinite(result.upper)
    if claimed:
        false += _checked(problem, result, seen, tolerance, room, folder)
    words = (
        f"h {h:.2g} w {w:.2g} {goal}: {result.status.code}, [{result.lower:.4g}, {result.upper:.4g}] {result.upper_kind}, "
        f"deployed {result.deployed_upper}, agreement {result.agreement.size:.2g}; seen {seen:.6g}"
    )
    if false:
        verdict = "assumed" if kind.startswith("assumed") else "FALSE"
        return Hidden(number, label, verdict, f"{'; '.join(false)} ({words})")
    return Hidden(number, label, "true" if claimed else "nothing claimed", words)


def _false(problem: Problem, result: Any, seen: float, tolerance: float, room: float) -> Iterator[str]:
    if result.status.code == "within-tolerance" and seen > tolerance * (1 + 1e-9):
        yield "within-tolerance"
    if seen > result.upper + room:
        yield "upper"
    if result.deployed_upper is not None and seen > result.deployed_upper * (1 + 1e-12):
        yield "deployed upper"
    if result.witness is not None:
        at = float(errors(problem, result.witness.x[None])[0])
        if at < result.lower - room - 1e-12 * result.lower:
            yield f"lower {result.lower:.8g}, {at:.8g} at its witness"


def _checked(
    problem: Problem, result: Any, seen: float, tolerance: float, room: float, folder: Path
) -> list[str]:
    path = folder / "certificate.json"
    result.certificate.save(path)
    try:
        verdict = checked(path, problem, most=LIMIT)
    except Exception as error:
        return (
            []
            if type(error).__name__ in ("TooCostly", "BadInput")
            else [f"check: {type(error).__name__}: {error}"]
        )
    if not verdict.accepted:
        return []
    status = status_of(verdict, tolerance if math.isfinite(tolerance) else None)
    false = (
        ["check: within-tolerance"]
        if status.code == "within-tolerance" and seen > tolerance * (1 + 1e-9)
        else []
    )
    return false + (["check: upper"] if seen > verdict.upper_as_it_runs + room else [])


def campaign(
    seed: int, count: int, keep: str | None = None, first: int = 0, which: str = "hidden"
) -> list[Hidden]:
    """``count`` problems of a set, each kind about as often; ``keep`` is a folder for the code of what is false."""
    found = []
    if keep is not None:
        Path(keep).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = time.monotonic()
            one = judged(number, seed, Path(name), which)
            if one.verdict in WRONG:
                print(f"{one.verdict}: {seed}/{number} {one.kind}: {one.words}", flush=True)
                if keep is not None:
                    to = Path(keep) / f"{seed}_{number}"
                    to.mkdir(parents=True, exist_ok=True)
                    for file in Path(name).iterdir():
                        if file.is_file():
                            (to / file.name).write_bytes(file.read_bytes())
            elif keep is not None:
                with (Path(keep) / f"log{seed}.txt").open("a") as log:
                    log.write(
                        f"{number} {one.kind}: {one.verdict} {one.words} ({time.monotonic() - start:.1f} s)\n"
                    )
        found.append(one)
    return found


def table(found: list[Hidden]) -> str:
    """Counts by source and of all."""
    lines = [f"{'source':10s}" + "".join(f"{v:>17s}" for v in VERDICTS)]
    for source in ("numpy", "jax", "torch", "pt2", "onnx", "all"):
        counts = Counter(f.verdict for f in found if source == "all" or f.kind.startswith(f"{source}:"))
        lines.append(f"{source:10s}" + "".join(f"{counts[v]:17d}" for v in VERDICTS))
    return "\n".join(lines)

"""Random code of `third_code`, and what `certify` and `check --problem` say of it.

The judge calls model and reference as they run, with 1, 7, 300 and 5,000 points at a time: random and dense points, points
beside the place of the trap, and the witness. It counts as `hidden` does: refused, nothing claimed, true, FALSE, CRASHED.
Each tenth proved bound goes to the checker, too. *Assumed* is a false statement about code of which docs/certify.md says
that a proof assumes it away.
"""

from __future__ import annotations

import math
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.soundness import hidden, third_code
from supnorm.certification import certify
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput
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
    traps = [(first, False)]
    if rng.random() < 0.25:
        other = names[int(rng.integers(len(names)))]
        if "---" not in third_code.TRAPS[source][other]:
            traps.append((other, bool(rng.random() < 0.4)))
    return source, traps, rng


def problem_of(number: int, seed: int, folder: Path) -> tuple[str, Problem, dict[str, Any]]:
    """A label, the problem, and arguments of `certify`; ``place`` has the column values beside which the trap is.

    Raises:
        BadInput, and whatever the libraries raise: for what cannot be opened.
    """
    source, traps, rng = drawn(number, seed)
    d = int(rng.integers(1, 4))
    h, w, c = 10.0 ** rng.uniform(-9, -1), 10.0 ** rng.uniform(-6, -0.5), float(rng.uniform(0.1, 0.9))
    sizes = {"H": h, "C": c, "W": w, "D": int(rng.integers(3, 9))}
    goal: dict[str, Any] = (
        {"tolerance": h * 10.0 ** rng.uniform(-1, 1)} if rng.random() < 0.7 else {"ratio": 1.2}
    )
    name = f"t{seed}_{number}"
    (folder / f"{name}.py").write_text(third_code.code(source, rng, traps, d, sizes))
    goal["place"] = (c, w)
    axes = {f"x{i}": (0.0, 1.0) for i in range(d)}
    derivatives = source == "jax" and traps[0][0].startswith("custom/") and rng.random() < 0.6
    if source == "numpy" and rng.random() < 0.3:
        module = hidden._loaded(folder / f"{name}.py", name)
        return source, Problem(module.model, module.reference, Domain(**axes)), goal
    (folder / "problem.toml").write_text(
        f'[model]\npython = "{name}.py:model"\n[reference]\npython = "{name}.py:reference"\n'
        + ("[error]\nderivatives = true\n" if derivatives else "")
        + "[domain]\n" + "".join(f"x{i} = [0.0, 1.0]\n" for i in range(d))
    )  # fmt: skip
    return source, open_problem(folder / "problem.toml", trust=True), goal


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
    found = [hidden.errors(problem, p) for p in parts] + [hidden.errors(problem, p[None]) for p in singles]
    return float(max(p.max() for p in found))


def judged(number: int, seed: int, folder: Path, proved: int = 0) -> hidden.Hidden:
    """Certify, call, and check where ``proved``, the number of bounds proved before, is a multiple of ten."""
    source, traps, _ = drawn(number, seed)
    label = f"{source}: {' and '.join(name + (' in both' if both else '') for name, both in traps)}"
    try:
        _, problem, goal = problem_of(number, seed, folder)
    except Exception as error:  # torch refuses much by types of its own
        return hidden.Hidden(number, label, "refused", f"not opened: {type(error).__name__}: {error}"[:160])
    c, w = goal.pop("place")
    try:
        result = certify(problem, seconds=SECONDS, seed=number, **goal)
    except BadInput as error:
        return hidden.Hidden(number, label, "refused", str(error)[:160])
    except Exception as error:
        return hidden.Hidden(number, label, "CRASHED", f"{type(error).__name__}: {error}"[:300])
    witness = None if result.witness is None else result.witness.x
    try:
        seen = worst(problem, c, w, witness, np.random.default_rng([seed, number, 1]))
    except BadInput as error:
        return hidden.Hidden(number, label, "refused", f"fails when it is called: {error}"[:160])
    tolerance = goal.get("tolerance", math.inf)
    room = 2.0 * result.agreement.size + (4.0 * result.rounding if math.isfinite(result.rounding) else 0.0)
    room += 1e-12 * seen
    false = list(hidden._false(problem, result, seen, tolerance, room))
    claimed = math.isfinite(result.upper)
    if claimed and proved % CHECKED == 0:
        false += hidden._checked(problem, result, seen, tolerance, room, folder)
    words = (
        f"{goal}: {result.status.code}, [{result.lower:.4g}, {result.upper:.4g}] {result.upper_kind}, "
        f"deployed {result.deployed_upper}, agreement {result.agreement.size:.2g}; seen {seen:.6g}"
    )
    if false:
        return hidden.Hidden(number, label, "FALSE", f"{'; '.join(false)} ({words})")
    return hidden.Hidden(number, label, "true" if claimed else "nothing claimed", words)


def campaign(seed: int, count: int, keep: str | None = None, first: int = 0) -> list[hidden.Hidden]:
    """``count`` problems; ``keep`` is a folder for a log, and for the code of what is false."""
    found: list[hidden.Hidden] = []
    if keep is not None:
        Path(keep).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = time.monotonic()
            one = judged(number, seed, Path(name), sum(f.verdict == "true" for f in found))
            if one.verdict in hidden.WRONG:
                print(f"{one.verdict}: {seed}/{number} {one.kind}: {one.words}", flush=True)
                for file in Path(name).glob("*.py") if keep is not None else ():
                    (Path(keep or "") / file.name).write_bytes(file.read_bytes())
            if keep is not None:
                with (Path(keep) / f"log{seed}.txt").open("a") as log:
                    log.write(
                        f"{number} {one.kind}: {one.verdict} {one.words} ({time.monotonic() - start:.1f} s)\n"
                    )
        found.append(one)
    return found


def table(found: list[hidden.Hidden]) -> str:
    """Counts by the kind of the first trap, by source, and of all."""
    verdicts = ("refused", "nothing claimed", "true", "FALSE", "CRASHED")
    counts: dict[str, Counter[str]] = {}
    for one in found:
        source, _, rest = one.kind.partition(": ")
        for row in (rest.partition("/")[0], source, "all"):
            counts.setdefault(row, Counter())[one.verdict] += 1
    rows = sorted(counts, key=lambda row: (row == "all", row in SOURCES, row))
    lines = [f"{'trap':10s}" + "".join(f"{v:>17s}" for v in verdicts)]
    return "\n".join(
        [*lines, *(f"{row:10s}" + "".join(f"{counts[row][v]:17d}" for v in verdicts) for row in rows)]
    )

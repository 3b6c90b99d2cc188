"""Random audits, each held against what its functions returned: the largest error, the exit code, a second run.

A problem is drawn with its faults: regions where a side raises, ends the program, returns NaN, infinite, huge or tiny
numbers; single precision, values that depend on the batch or on earlier calls; masks, constraints, tolerances by output,
lists of values, logarithmic axes, laws. The functions keep what they returned (`calls`). To extend: add a line to `FAULTS`
or `STATES`, or a choice in `drawn`.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.soundness.calls import CALLS
from supnorm.cli.main import run

Array = NDArray[np.float64]
AXES = "abcd"
# What happens where `here` holds; y (n, m) are the values so far.
FAULTS = {
    "raises": "if here.any(): raise RuntimeError(f'no convergence after {len(x)} steps')",
    "ends": "if here.any(): raise SystemExit(0)",
    "nan": "y[here] = np.nan",
    "inf": "y[here] = np.inf",
    "-inf": "y[here] = -np.inf",
    "nan in one": "y[here, -1] = np.nan",
    "inf in one": "y[here, 0] = np.inf",
    "huge": "y[here] = 1e308",
    "-huge": "y[here] = -1.7e308",
    "tiny": "y[here] = 5e-324",
    "jump": "y[here] += 0.7",
}
STATES = {
    "float32": "y = y.astype(np.float32)",
    "batch 1e-13": "y = y * (1 + 1e-13 * len(x))",
    "batch 1e-9": "y = y + 1e-9 * (len(x) > 3)",
    "batch 1e-7": "y = y + 3e-8 * (len(x) == 1)",
    "call 40": "COUNT.append(0); y = y + 3.0 * (len(COUNT) == 40)",
    "later": "COUNT.append(0); y = y + 0.5 * (len(COUNT) > 25)",
    "drift": "COUNT.append(0); y = y + 1e-3 * max(0, len(COUNT) - 20)",
    "noise late": "COUNT.append(0); y = y + np.random.default_rng(len(COUNT)).normal(size=y.shape) * (len(COUNT) > 12)",
    "writes": "x[:] = 0.5",
    "keeps": "OUT = globals().setdefault('OUT' + str(len(x)), y); OUT[:] = y; y = OUT",
    "list": "y = y.tolist()",
    "objects": "y = y.astype(object)",
}
FUNCTIONS = ("float32", "writes", "list", "objects", "keeps")  # of these: the same value at every call
CODE = """import numpy as np
from benchmarks.soundness.calls import noted
COUNT = []

def base(x):
    return np.stack([{base}], axis=1)

@noted("model")
def model(x):
    y = base(x) + np.stack([{error}], axis=1)
    here = {model_where}
    {model_fault}
    {model_state}
    return y{flat}

@noted("reference")
def truth(x):
    y = base(x)
    here = {truth_where}
    {truth_fault}
    {truth_state}
    return y{flat}

def model_point(p): return model(np.atleast_1d(p)[None])[0]
def truth_point(p): return truth(np.atleast_1d(p)[None])[0]
def mask(x): return x[:, 0] < {cut!r}
def mask_by(x, f): return np.abs(f[:, 0]) < 1e6
def keep(x): return x.sum(axis=1) < {cut!r} * 2
def law(n, rng): return {low!r} + ({high!r} - {low!r}) * rng.beta(2, 5, (n, {d}))
def own(model, reference, x): return np.abs(model - reference){own}
"""


@dataclass(frozen=True)
class Drawn:
    """One problem: its files, what was drawn, and the arguments of its audit."""

    code: str
    toml: str
    words: dict[str, Any]
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of one audit: ``verdict`` is "held", "refused" or what is wrong."""

    number: int
    verdict: str
    said: str
    words: dict[str, Any]


def _where(rng: np.random.Generator, d: int) -> str:
    k, c = int(rng.integers(d)), float(rng.uniform(0.05, 0.95))
    return str(
        rng.choice(
            [
                f"x[:, {k}] > {c!r}",
                f"x[:, {k}] < {c!r}",
                f"np.abs(x - {c!r}).max(axis=1) < {float(rng.choice([0.02, 0.1, 0.4]))!r}",
                f"np.sin(40 * x.sum(axis=1)) > {float(rng.choice([0.0, 0.9]))!r}",
                f"x[:, {k}] == {c!r}",
            ]
        )
    )


def _formula(rng: np.random.Generator, d: int, size: float) -> str:
    a, b = (rng.integers(d) for _ in range(2))
    c, w = rng.uniform(0.1, 0.9), 10 ** rng.uniform(-2, 0)
    return str(
        rng.choice(
            [
                f"{size!r} * np.sin({w * 9!r} * x[:, {a}] + x[:, {b}])",
                f"{size!r} * np.exp(-((x[:, {a}] - {c!r}) / {w!r})**2)",
                f"{size!r} * np.abs(x[:, {a}] - {c!r}) * x[:, {b}]",
                f"{size!r} * (x[:, {a}] > {c!r})",
                f"0.0 * x[:, {a}]",
                f"{size!r} * x[:, {a}] ** 3",
            ]
        )
    )


def drawn(rng: np.random.Generator) -> Drawn:
    """A problem with a tolerance."""
    d, m = int(rng.integers(1, 4)), int(rng.choice([1, 1, 2, 3]))
    size = float(10 ** rng.choice([0.0, 0.0, 0.0, -12.0, 12.0, 160.0, -310.0]))
    low, high = (0.01, 1.0) if rng.random() < 0.3 else (0.0, 1.0)
    form = str(rng.choice(["batch", "batch", "point"]))
    faults = [str(rng.choice(list(FAULTS))) if rng.random() < 0.5 else "" for _ in range(2)]
    states = [str(rng.choice(list(STATES))) if rng.random() < p else "" for p in (0.25, 0.1)]
    kind = str(rng.choice(["absolute", "absolute", "relative", "scaled", "function"]))
    own = str(rng.choice(["", ".max(axis=1)"])) if kind == "function" else ""
    code = CODE.format(
        base=", ".join(_formula(rng, d, size) for _ in range(m)),
        error=", ".join(_formula(rng, d, 0.1 * size) for _ in range(m)),
        model_where=_where(rng, d),
        truth_where=_where(rng, d),
        model_fault=FAULTS.get(faults[0], "pass"),
        truth_fault=FAULTS.get(faults[1], "pass"),
        model_state=STATES.get(states[0], "pass"),
        truth_state=STATES.get(states[1], "pass"),
        flat=""
        if m > 1 or form == "point" or rng.random() < 0.5 or {*states} & {"list", "keeps"}
        else "[:, 0]",
        cut=float(rng.uniform(0.3, 0.9)),
        low=low,
        high=high,
        d=d,
        own=own,
    )
    tolerance: Any = float(size * 10 ** rng.uniform(-3, 1)) or 5e-324
    if kind == "relative":
        tolerance = float(10 ** rng.uniform(-3, 1))
    if m > 1 and rng.random() < 0.3 and not own:
        tolerance = [float(tolerance * 10 ** rng.uniform(-1, 1)) or 5e-324 for _ in range(m)]
    words: dict[str, Any] = {"kind": kind, "tolerance": tolerance, "m": m, "faults": faults, "states": states}
    words["side"] = str(rng.choice(["both", "both", "over", "under"])) if kind != "function" else "both"
    words["failures"] = str(rng.choice(["error", "error", "ignore"]))
    words["mask"] = str(rng.choice(["", "", "", "mask", "mask_by"]))
    words["own"] = own
    lines = [f'title = "drawn"\n[model]\npython = "code.py:model{"_point" if form == "point" else ""}"']
    lines += ["per_point = true"] * (form == "point")
    lines += [f'[reference]\npython = "code.py:truth{"_point" if form == "point" else ""}"']
    lines += ["per_point = true"] * (form == "point")
    lines += [
        "[error]",
        f'kind = "{kind}"',
        f"tolerance = {tolerance!r}",
        f'failures = "{words["failures"]}"',
    ]
    lines += [f'side = "{words["side"]}"'] * (kind != "function")
    words["floor"] = float(rng.choice([0.0, 1e-3, 1.0]) * size)
    lines += [f"floor = {words['floor']!r}"] * (kind == "relative")
    words["scale"] = float(size * 2) or 5e-324
    lines += [f"scale = {words['scale']!r}"] * (kind == "scaled")
    lines += ['python = "code.py:own"'] * (kind == "function")
    lines += [f'mask = "code.py:{words["mask"]}"'] * bool(words["mask"])
    listed = rng.random() < 0.15
    lines += ["[domain]"]
    for name in AXES[:d]:
        if listed:
            values = sorted({*rng.uniform(low, high, int(rng.integers(2, 7))).round(3).tolist()})
            lines.append(f"{name} = {{ values = {values} }}")
        elif low > 0 and rng.random() < 0.5:
            lines.append(f'{name} = {{ low = {low}, high = {high}, scale = "log" }}')
        else:
            lines.append(f"{name} = [{low}, {high}]")
    lines += ['[constraints]\npython = "code.py:keep"'] * (rng.random() < 0.15)
    lines += ['[law]\npython = "code.py:law"'] * (not listed and rng.random() < 0.15)
    arguments = ["--evaluations", str(rng.choice([100, 300, 800])), "--seed", str(rng.integers(5))]
    cost = rng.choice(["cheap", "cheap", "expensive", "expensive-model", "expensive-both"])
    arguments += ["--cost", str(cost), *(["--power-runs", "1"] if rng.random() < 0.1 else ["--no-power"])]
    return Drawn(code, "\n".join(lines) + "\n", words, tuple(arguments))


def largest(words: dict[str, Any], code: dict[str, Any], x: Array, y: Array, f: Array) -> float:
    """The largest error of values (n, m), by the definitions of the documentation; -inf without one."""
    if not len(x):
        return -math.inf
    with np.errstate(all="ignore"):
        gap = y - f
        size = (
            np.abs(gap)
            if words["side"] == "both"
            else np.maximum(gap if words["side"] == "over" else -gap, 0.0)
        )
        if words["kind"] == "relative":
            below = np.maximum(np.abs(f), words["floor"])
            size = np.where(size == 0, 0.0, size / below)
        elif words["kind"] == "scaled":
            size = size / words["scale"]
        no_model, no_truth = ~np.isfinite(y), ~np.isfinite(f)
        if words["own"]:
            size = size.max(axis=1, keepdims=True)
            no_model, no_truth = no_model.any(axis=1, keepdims=True), no_truth.any(axis=1, keepdims=True)
        size = np.where(no_model, math.inf if words["failures"] == "error" else math.nan, size)
        size = np.where(no_truth, math.nan, size)
        if isinstance(words["tolerance"], list):
            size = size / np.array(words["tolerance"])
        counts = np.ones(len(x), dtype=bool)
        if words["mask"]:
            counts = code["mask"](x) if words["mask"] == "mask" else code["mask_by"](x, f)
        known = size[counts & ~np.isnan(size).all(axis=1)]
    return float(np.nanmax(known)) if known.size else -math.inf


def _called(arguments: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    return int(code), out.getvalue(), err.getvalue()


TIMES = frozenset(
    {"seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished", "command", "model_ms",
     "reference_ms"}
)  # fmt: skip


def timeless(value: Any) -> Any:
    """A document without what a clock says."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in TIMES}
    return [timeless(v) for v in value] if isinstance(value, list) else value


def _number(value: Any) -> float:
    return -math.inf if value is None else float(value)


def judged(problem: Drawn, folder: Path) -> tuple[str, str]:
    """The verdict on one problem, and what was said."""
    folder.mkdir(parents=True)
    (folder / "code.py").write_text(problem.code)
    (folder / "p.toml").write_text(problem.toml)
    begin = ["audit", str(folder / "p.toml"), "--json", *problem.arguments, "--out"]
    CALLS.clear()
    code, out, err = _called([*begin, str(folder / "first")])
    if code == 2:
        return "refused", err
    if code not in (0, 1, 4):
        return f"exit code {code}", err
    document = json.loads(out)
    names = {k: v for k, v in _module(folder).items() if k in ("mask", "mask_by")}
    states = {*problem.words["states"]} - {"", *FUNCTIONS}
    seen = largest(problem.words, names, *(CALLS.batches if states else CALLS.pairs)(problem.words["m"]))
    lower, status = _number(document["sup"]["lower"]), document["status"]["code"]
    tolerance = problem.words["tolerance"]
    limit = 1.0 if isinstance(tolerance, list) else float(tolerance)
    if seen > lower * (1 + 1e-12) and seen > limit * 1e-9:
        return "below an error of the run", f"{seen} > {lower}: {status}"
    wanted = 4 if lower == -math.inf else 1 if lower > limit else 0
    if code != wanted or code != document["status"]["exit"]:
        return f"exit code {code} where {wanted} is right", f"{lower} {limit} {status} {document['status']}"
    if (code == 0) != (status in ("nothing-found", "within-tolerance")):
        return "status", status
    if not states:
        again = _called([*begin, str(folder / "second")])[1]
        if (a := timeless(json.loads(again))) != (b := timeless(document)):
            return "another result of one seed", ", ".join(k for k in a if a[k] != b.get(k))
        third, out, err = _called([*begin, str(folder / "first"), "--resume"])
        if third == 70 or third != code:
            return f"exit code {third} of --resume, {code} before", err
        if out and (c := _results(json.loads(out))) != _results(document):
            return "another result of --resume", ", ".join(k for k in c if c[k] != document.get(k))
    return "held", status


def _results(document: dict[str, Any]) -> dict[str, Any]:
    return {k: timeless(document[k]) for k in ("status", "sup", "witness", "rms", "quantiles", "peaks")}


def _module(folder: Path) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec((folder / "code.py").read_text(), names)
    return names


def campaign(seed: int, count: int, keep: str | None = None) -> list[Outcome]:
    """``count`` problems; those that did not hold are kept in a folder."""
    found = []
    with tempfile.TemporaryDirectory() as room:
        for number in range(count):
            problem = drawn(np.random.default_rng([seed, number]))
            folder = Path(room) / f"{number}"
            try:
                verdict, said = judged(problem, folder)
            except Exception as error:  # of the judge: JSON that does not parse, say
                verdict, said = f"{type(error).__name__}", str(error)
            found.append(Outcome(number, verdict, said.strip(), problem.words))
            if keep and verdict not in ("held", "refused"):
                shutil.copytree(folder, Path(keep) / f"{seed}-{number}", dirs_exist_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
    return found


def table(found: list[Outcome]) -> str:
    """Counts by verdict, and every problem that did not hold."""
    counts = Counter(outcome.verdict for outcome in found)
    lines = [f"{n:5d}  {verdict}" for verdict, n in counts.most_common()]
    wrong = [o for o in found if o.verdict not in ("held", "refused")]
    return "\n".join([*lines, *(f"{o.number}: {o.verdict}: {o.said[:300]} {o.words}" for o in wrong)])

"""The judge of problems with traps: `hidden`, `second`, `asking`, `third`, `fourth`, `fifth`.

A campaign draws a `Case`: a problem, and how to see its worst error. `certify` states something, and calls as the functions
run may contradict it. False is a bound, a verdict, a deployed bound or a lower bound that these calls contradict, beyond the
proved rounding and twice the printed agreement where the bound is one in exact arithmetic; a file that `check --problem`
accepts counts too. REFUSED is honest code that was refused.

*Assumed* is a false statement whose cause the documents assume away, and nothing else. Three things have to be so: the case
names traps that an entry of `ASSUMPTIONS` covers; the result names this assumption; and the same problem without these traps
and with all others contradicts nothing of what was false. Otherwise the statement is FALSE.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification import certify
from supnorm.certification.executions import runs
from supnorm.cli.check import checked
from supnorm.cli.check_verdict import status_of
from supnorm.problem import Problem
from supnorm.results import BadInput

LIMIT = 30.0  # of one check, by its forecast
VERDICTS = ("refused", "nothing claimed", "true", "assumed", "REFUSED", "FALSE", "CRASHED")
WRONG = ("FALSE", "REFUSED", "CRASHED")
# What an assumption is called here; its words in docs/code.md, *What remains an assumption*; its words in a result.
_READ = "how many rows there are beyond the three"
ASSUMPTIONS: dict[str, tuple[str, str]] = {
    "number of calls": ("earlier calls and their number", "earlier calls or their number"),
    "chance": ("chance that no call showed", "chance"),
    "time": ("the time", "the time"),
    "environment": ("the environment", "the environment"),
    "process": ("the process", "the process"),
    "caller": ("who calls it", "who calls it"),
    "gradients": ("whether torch records gradients", "whether torch records gradients"),
    "number of points": ("it does something else for more than three rows", _READ),
    "points of a graph": (
        "Of files, this is assumed of graphs for any number of points, unless each operator certainly computes each row",
        "a graph for any number of points computes more than 3",
    ),
    "compiled": ("A call of it without `jax.jit` is another one", "the same without jax.jit"),
    "compiled before": ("JAX goes on, for other numbers of points than those of `certify`'s calls", _READ),
}


@dataclass(frozen=True)
class Case:
    """A problem with traps.

    Attributes:
        problem: model and reference.
        goal: arguments of `certify`.
        seen: the worst error that calls show, given the witness; as the functions run.
        seconds: of the proof.
        wrongly: whether a refusal with these words is wrong.
        assumed: keys of `ASSUMPTIONS` that cover some of its traps.
        without: the case with all of its traps but these.
    """

    problem: Problem
    goal: dict[str, Any]
    seen: Callable[[Any], float]
    seconds: float
    wrongly: Callable[[str], bool] = lambda words: False
    assumed: tuple[str, ...] = ()
    without: Callable[[], Case] | None = None


@dataclass(frozen=True)
class Found:
    """One problem and what was said of it; ``number`` makes it again with the seed."""

    number: int
    kind: str
    verdict: str
    words: str
    assumed: tuple[str, ...] = ()


# What a campaign draws of (number, seed): a label, and what writes and opens the problem in a folder.
Draw = Callable[[int, int], tuple[str, Callable[[Path], Case]]]


def loaded(path: Path, name: str) -> Any:
    """The module of a file."""
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


def judged(draw: Draw, number: int, seed: int, folder: Path, check: bool = True) -> Found:
    """Certify, call, and check the file."""
    label, opened = draw(number, seed)
    say = partial(Found, number, label)
    try:
        case = opened(folder)
    except Exception as error:  # the libraries refuse much by types of their own
        return say("refused", f"not opened: {type(error).__name__}: {error}"[:200])
    try:
        result = certify(case.problem, seconds=case.seconds, seed=number, **case.goal)
    except BadInput as error:
        return say("REFUSED" if case.wrongly(str(error)) else "refused", str(error)[:200])
    except Exception as error:
        return say("CRASHED", f"{type(error).__name__}: {error}"[:300])
    try:
        return ruled(say, case, result, folder if check else None)
    except BadInput as error:
        return say("refused", f"fails when it is called: {error}"[:200])


def ruled(say: Callable[..., Found], case: Case, result: Any, folder: Path | None = None) -> Found:
    """The verdict on what was stated; ``folder`` takes the file for the checker.

    Raises:
        BadInput: for functions that fail when they are called.
    """
    witness = None if result.witness is None else result.witness.x
    seen = case.seen(witness)
    false = _said(case, result, seen, folder)
    words = (
        f"{case.goal}: {result.status.code}, [{result.lower:.4g}, {result.upper:.4g}] {result.upper_kind}, "
        f"deployed {result.deployed_upper}, agreement {result.agreement.size:.2g}; seen {seen:.6g}"
    )
    if not false:
        return say("true" if math.isfinite(result.upper) else "nothing claimed", words)
    why = unassumed(case, result, witness, folder, false)
    words = f"{'; '.join(false)} ({words}); {why or 'assumed: ' + ', '.join(case.assumed)}"
    return say("FALSE", words) if why else say("assumed", words, case.assumed)


def _said(case: Case, result: Any, seen: float, folder: Path | None) -> list[str]:
    return [*contradicted(case, result, seen), *(_checked(case, result, seen, folder) if folder else ())]


def contradicted(case: Case, result: Any, seen: float) -> Iterator[str]:
    """What an error of this size contradicts, and a lower bound that its own witness does."""
    tolerance, room = case.goal.get("tolerance", math.inf), _room(result, seen)
    if result.status.code == "within-tolerance" and seen > tolerance * (1 + 1e-9):
        yield "within-tolerance"
    if seen > result.upper + room:
        yield "upper"
    if result.deployed_upper is not None and seen > result.deployed_upper * (1 + 1e-12):
        yield "deployed upper"
    if result.witness is not None:
        at = float(errors(case.problem, result.witness.x[None])[0])
        if at < result.lower - room - 1e-12 * result.lower:
            yield f"lower {result.lower:.8g}, {at:.8g} at its witness"


def _room(result: Any, seen: float) -> float:
    rounding = 4.0 * result.rounding if math.isfinite(result.rounding) else 0.0
    return float(2.0 * result.agreement.size + rounding + (1e-12 * seen if math.isfinite(seen) else 0.0))


def _checked(case: Case, result: Any, seen: float, folder: Path) -> list[str]:
    if not math.isfinite(result.upper):
        return []
    tolerance, path = case.goal.get("tolerance", math.inf), folder / "certificate.json"
    result.certificate.save(path)
    try:
        verdict = checked(path, case.problem, most=LIMIT)
    except Exception as error:
        refused = type(error).__name__ in ("TooCostly", "BadInput")
        return [] if refused else [f"check: {type(error).__name__}: {error}"]
    if not verdict.accepted:
        return []
    status = status_of(verdict, tolerance if math.isfinite(tolerance) else None)
    within = status.code == "within-tolerance" and seen > tolerance * (1 + 1e-9)
    above = seen > verdict.upper_as_it_runs + _room(result, seen)
    return ["check: within-tolerance"] * within + ["check: upper"] * above


def unassumed(case: Case, result: Any, witness: Any, folder: Path | None, false: Sequence[str]) -> str:
    """Why no assumption excuses a false statement; empty if one does."""
    if not case.assumed or case.without is None:
        return "no trap of it is assumed away"
    for key in case.assumed:
        if not any(ASSUMPTIONS[key][1] in words for words in result.assumptions):
            return f"the result does not name the assumption: {key}"
    other = case.without()
    seen = other.seen(witness)
    kinds = {one.split()[0] for one in false}
    left = [one for one in _said(other, result, seen, folder) if one.split()[0] in kinds]
    return f"without {', '.join(case.assumed)} as well: {'; '.join(left)}, seen {seen:.6g}" if left else ""


def campaign(
    draw: Draw, seed: int, count: int, keep: str | None = None, first: int = 0, every: int = 1
) -> list[Found]:
    """Judge ``count`` problems and print what is wrong as it is found.

    Args:
        draw: of the campaign.
        seed: of all problems.
        count: how many.
        keep: a folder for a log, and for the files of what is wrong.
        first: number of the first problem.
        every: which bounds the checker gets: each so many-th.
    """
    found: list[Found] = []
    if keep is not None:
        Path(keep).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start, folder = time.monotonic(), Path(name)
            with contextlib.redirect_stderr(io.StringIO()):
                check = sum(f.verdict == "true" for f in found) % every == 0
                one = judged(draw, number, seed, folder, check)
            if one.verdict in WRONG:
                print(f"{one.verdict}: {seed}/{number} {one.kind}: {one.words}", flush=True)
            if keep is not None:
                _keep(one, seed, folder, Path(keep), time.monotonic() - start)
        found.append(one)
    return found


def _keep(one: Found, seed: int, folder: Path, to: Path, seconds: float) -> None:
    with (to / f"log{seed}.txt").open("a") as log:
        words = " ".join(one.words.split())
        log.write(f"{one.number} {one.kind}: {one.verdict} {words} ({seconds:.1f} s)\n")
    if one.verdict in (*WRONG, "assumed"):
        for file in (f for f in folder.iterdir() if f.is_file()):
            (to / f"{seed}_{one.number}_{file.name}").write_bytes(file.read_bytes())


def table(found: Sequence[Found], traps: bool = True) -> str:
    """Counts by source and of all; with ``traps`` by the kind of the first trap, too; then what was assumed."""
    counts: dict[str, Counter[str]] = {}
    sources = {one.kind.partition(": ")[0] for one in found}
    for one in found:
        source, _, rest = one.kind.partition(": ")
        for row in ([rest.partition("/")[0]] if traps else []) + [source, "all"]:
            counts.setdefault(row, Counter())[one.verdict] += 1
    rows = sorted(counts, key=lambda row: (row == "all", row in sources, row))
    lines = [f"{'':18s}" + "".join(f"{v:>17s}" for v in VERDICTS)]
    lines += [f"{row:18s}" + "".join(f"{counts[row][v]:17d}" for v in VERDICTS) for row in rows]
    return "\n".join([*lines, *(f"assumed: {key}: {n}" for key, n in assumed(found).items())])


def assumed(found: Iterable[Found]) -> dict[str, int]:
    """How often each assumption excused a false statement."""
    return dict(sorted(Counter(key for one in found for key in one.assumed).items()))

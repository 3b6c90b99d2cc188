"""``python -m benchmarks.search.tuning --scipy CHECKOUT --save``: settings of the peers for the rows BBOB, GKLS and SciPy.

Each peer has a list of candidates (`benchmarks.search.settings`), the settings of its library always among them. They run
on *tuning instances*, of which none is in the published tables: the instances 11 and 12 of the BBOB functions (supnorm's
own settings were chosen on 11 to 18), the GKLS functions 41 to 49 (with five inputs 41 to 65), and SciPy's functions in
boxes that are cut with other seeds. For each row (a family and its inputs) and peer:

1. all candidates run on the first part of the tuning instances;
2. the best three of them, and the settings of the library, run on the rest, too;
3. chosen is, among those, the best over all tuning instances.

For SciPy's functions the candidates are those that were chosen in any row of BBOB or GKLS, and the settings of the library;
all run on all instances.

Best is: share solved to 1e-2 + share solved to 1e-6 (the levels of the tables). Of equal ones the first in the list is
taken; the list begins with the settings of the library. Evaluations are those of the tables.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims.stored import stamp
from benchmarks.search import functions, scipy_functions, table
from benchmarks.search.functions import EACH, LEVELS, NAMES
from benchmarks.search.peers import PEERS, quietly
from benchmarks.search.plain import Plain
from benchmarks.search.scipy_source import Black, Known, Source, check, problem
from benchmarks.search.settings import CANDIDATES, RESULTS, Settings, with_settings
from supnorm.problem import Problem
from supnorm.results import BadInput, write_whole

BBOB = (11, 12)  # instances
GKLS = (range(41, 46), range(46, 50))  # numbers of the first part and of the rest
GKLS_5 = (range(41, 51), range(51, 66))  # with five inputs, where nine are too few to tell candidates apart
CUT = 101  # instance of SciPy's functions: the seed of the cuts
FINALISTS = 3
Task = tuple[str, int, Problem]  # its name, the seed of the peer, the problem
ROWS = (
    *(f"{family} d={d}" for family, d in functions.ROWS),
    *(f"SciPy {row}" for row in scipy_functions.OWN),
)


def main() -> None:
    """Do what is asked; bad input ends with one line and exit code 2."""
    try:
        _main(_arguments())
    except BadInput as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search.tuning")
    parser.add_argument("--scipy", type=Path, help="a checkout of SciPy's sources, for the rows of SciPy")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--again", action="store_true", help="with --save: also what is stored")
    parser.add_argument("--save", action="store_true", help=f"keep the results in {RESULTS.name}")
    return parser.parse_args()


def _main(args: argparse.Namespace) -> None:
    content: dict[str, Any] = {"machine": table.machine(), "rows": {}}
    if args.save and RESULTS.exists():
        content["rows"] = json.loads(RESULTS.read_text("utf-8"))["rows"]
    source = Source.open(args.scipy) if args.scipy else None
    peers = [peer for peer in PEERS if peer.name in NAMES]
    for row in args.rows:
        if row.startswith("SciPy") and source is None:
            print(f"{row}: left out, it needs --scipy CHECKOUT")
            continue
        for peer in peers:
            if not peer.installed:
                print(f"{row}, {peer.name}: left out, {peer.package} is not installed")
            elif args.again or peer.name not in content["rows"].get(row, {}).get("peers", {}):
                first, rest = tasks(row, source)
                candidates = (
                    of_others(content, peer.name) if row.startswith("SciPy") else CANDIDATES[peer.name]
                )
                entry = tune(candidates, first, rest, lambda s, t, p=peer: left(p.name, s, t))
                held = content["rows"].setdefault(row, {"peers": {}})
                held |= {"first": [name for name, *_ in first], "rest": [name for name, *_ in rest]}
                held["peers"][peer.name] = entry
                print(row, peer.name, entry["chosen"], f"{entry['seconds']:.0f} s", flush=True)
                if args.save:
                    write_whole(RESULTS, written(content))
                    stamp("search_tuning", add=True)


def of_others(content: dict[str, Any], name: str) -> list[Settings]:
    """The settings of the library, and those that were chosen for a peer in a row of BBOB or GKLS.

    Raises:
        BadInput: where one of these rows is missing.
    """
    found: list[Settings] = [{}]
    for row in ROWS:
        if not row.startswith("SciPy"):
            if name not in content["rows"].get(row, {}).get("peers", {}):
                raise BadInput(
                    f"--rows: tune {name} for {row} first, SciPy's functions take their candidates from there"
                )
            settings = content["rows"][row]["peers"][name]["chosen"]
            found += [settings] if settings not in found else []
    return found


def tasks(row: str, source: Source | None) -> tuple[list[Task], list[Task]]:
    """The tuning instances of a row: the first part and the rest."""
    family, of = row.split(" ", 1)
    if family == "SciPy":
        assert source is not None
        return _scipy(of, source)
    d = int(of.removeprefix("d="))
    if family == "GKLS":
        first, rest = (
            list(functions.problems("GKLS", d, numbers=numbers)) for numbers in (GKLS if d < 5 else GKLS_5)
        )
        return first, rest
    first = list(functions.problems("BBOB", d, BBOB[:1]))
    rest = list(functions.problems("BBOB", d, BBOB[1:]))
    # Runs with more inputs take longer: there a part of the functions comes first, and a part of the second instances.
    if d < 5:
        return first, rest
    return (first[::2], first[1::2] + rest[::2]) if d < 10 else (first[::3], first[1::3] + rest[2::3])


def _scipy(row: str, source: Source) -> tuple[list[Task], list[Task]]:
    """Some of SciPy's functions, in cut boxes: the more a row has, the smaller the share."""
    stored = (
        json.loads(scipy_functions.RESULTS.read_text("utf-8")) if scipy_functions.RESULTS.exists() else None
    )
    known: dict[str, Any] = stored["known"] if stored and stored["scipy"]["digest"] == source.digest else {}
    made: list[Task] = []
    for _, name, d in scipy_functions.tasks(source, (row,), []):
        kind = source.kinds[name]
        facts = known.get(f"{row} | {name}") or vars(check(kind, d))
        if not facts["reason"]:
            made.append((f"{name}-{CUT}", CUT, problem(Black(kind, d), Known(**facts), name, CUT)[0]))
    return made[:: min(max(len(made) // 12, 1), 5)], []


def left(name: str, settings: Settings, task: Task) -> float:
    """(f - f*) / m of a run of a peer."""
    _, seed, posed = task
    peer = next(peer for peer in PEERS if peer.name == name)
    objective = Plain(posed, EACH * posed.domain.d)
    with objective.within(None):
        quietly(with_settings(peer, settings), objective, seed)
    return 1 / objective.best - 1


def tune(
    candidates: Sequence[Settings],
    first: Sequence[Any],
    rest: Sequence[Any],
    run: Callable[[Settings, Any], float],
) -> dict[str, Any]:
    """Run candidates on the first part of some instances, the finalists on the rest, and choose.

    Args:
        candidates: the first are the settings of the library.
        first: instances for all.
        rest: instances for the finalists; all are finalists if there are none.
        run: what a candidate leaves on an instance, (f - f*) / m.

    Returns:
        Of each candidate its settings and how many of the instances it solved to each level; the chosen settings; seconds.
    """
    start = time.thread_time()
    lefts = [[run(settings, task) for task in first] for settings in candidates]
    order = sorted(range(len(candidates)), key=lambda i: -score(solved(lefts[i]), len(first)))
    finalists = {0, *order[:FINALISTS]} if rest else {*order}
    for i in finalists:
        lefts[i] += [run(candidates[i], task) for task in rest]
    tried = [
        {"settings": settings, "first": solved(of[: len(first)])}
        | ({"all": solved(of)} if i in finalists else {})
        for i, (settings, of) in enumerate(zip(candidates, lefts, strict=True))
    ]
    seconds = round(time.thread_time() - start, 1)
    return {"chosen": best(tried)["settings"], "candidates": tried, "seconds": seconds}


def best(tried: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The finalist that solved most over all tuning instances; of equal ones the first."""
    return max((t for t in tried if "all" in t), key=lambda t: sum(t["all"]))


def solved(lefts: Sequence[float]) -> list[int]:
    """How many runs came as near as each level."""
    return [sum(value <= level for value in lefts) for level in LEVELS]


def score(counts: Sequence[int], runs: int) -> float:
    """Share solved to 1e-2 + share solved to 1e-6."""
    return float(np.sum(counts)) / runs


def written(content: dict[str, Any]) -> str:
    """The file of results: a line for each row and peer."""

    def lines() -> Iterator[str]:
        for row, held in content["rows"].items():
            peers = ",\n".join(f"{json.dumps(n)}: {json.dumps(e)}" for n, e in held["peers"].items())
            yield (
                f'{json.dumps(row)}: {{"first": {json.dumps(held["first"])},\n"rest": {json.dumps(held["rest"])},\n'
                f'"peers": {{\n{peers}\n}}}}'
            )

    return f'{{"machine": {json.dumps(content["machine"])},\n"rows": {{\n' + ",\n".join(lines()) + "\n}}\n"


if __name__ == "__main__":
    main()

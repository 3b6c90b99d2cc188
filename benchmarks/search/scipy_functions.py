"""``python -m benchmarks.search.scipy_functions --scipy CHECKOUT``: SciPy's own benchmark functions as black boxes.

As `benchmarks.search.functions`: the error 1 / (1 + (f - f*) / m), solved to a level, 2,000 evaluations an input for every
method, no gradients, no clock, the peers with the settings that `benchmarks.search.tuning` chose in other cuts of the boxes.
Of each function: the box that SciPy gives it, and boxes cut at random (see `scipy_source.problem`). The functions are
imported from a checkout of SciPy's sources. With ``--save`` every run is kept, and the command goes on where it stopped;
runs of a peer with other settings than those of today are not kept.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.claims.stored import stamp
from benchmarks.search import table
from benchmarks.search.ours import supnorm
from benchmarks.search.peers import PEERS, Peer, quietly
from benchmarks.search.plain import Plain
from benchmarks.search.scipy_source import Black, Known, Source, check, problem
from benchmarks.search.settings import chosen, tuned
from supnorm.results import BadInput, write_whole

RESULTS = Path(__file__).parents[1] / "results" / "scipy_functions.json"
EACH = 2000  # evaluations an input, as for BBOB
NAMES = ("SciPy DE", "DIRECT", "dual annealing", "Sobol + L-BFGS-B", "cma")
OWN = ("d=1", "d=2", "d=3 to 5", "d=6 to 17")  # as many inputs as SciPy gives them
CHANGED = 5  # inputs of those whose number can be changed, as a row of its own
ROWS = (*OWN, f"d={CHANGED}, changed")
INSTANCES = (1, 0, 2, 3)  # in this order; 0 is SciPy's box, the others are cut
Content = dict[str, Any]


def main() -> None:
    """Do what is asked; bad input ends with one line and exit code 2."""
    try:
        _main(_arguments())
    except BadInput as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search.scipy_functions")
    parser.add_argument(
        "--scipy", type=Path, required=True, help="a checkout of SciPy's sources, at any commit"
    )
    parser.add_argument("--only", nargs="+", default=[], help="names of functions; all by default")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=ROWS)
    parser.add_argument("--peers", help="names, comma-separated; all by default, '' for none")
    parser.add_argument("--instances", nargs="+", type=int, default=INSTANCES, help="0 is SciPy's box")
    parser.add_argument("--again", action="store_true", help="with --save: also what is stored")
    parser.add_argument("--save", action="store_true", help=f"keep the runs in {RESULTS.name}")
    return parser.parse_args()


def _main(args: argparse.Namespace) -> None:
    source = Source.open(args.scipy)
    asked = NAMES if args.peers is None else tuple(filter(None, args.peers.split(",")))
    names = tuple(peer.name for peer in PEERS if peer.installed and peer.name in asked)
    peers = {row: {peer.name: peer for peer in tuned(f"SciPy {row}", names)} for row in args.rows}
    settings = {row: {name: chosen(f"SciPy {row}", name) for name in peers[row]} for row in args.rows}
    content: Content = {
        "scipy": source.words,
        "machine": table.machine(),
        "settings": settings,
        "known": {},
        "runs": {},
    }
    if args.save and RESULTS.exists():
        held = json.loads(RESULTS.read_text("utf-8"))
        if held["runs"] and held["scipy"]["digest"] != source.digest:
            raise BadInput(
                f"--scipy: {RESULTS.name} holds runs on the functions of commit {held['scipy']['commit']}, those of this "
                "checkout are others; remove the file or use that commit"
            )
        content |= {"known": held["known"], "runs": held["runs"]}
        _drop(content["runs"], held.get("settings", {}), settings)
        before = held.get("settings", {})  # of methods that do not run now their runs and settings stay
        content["settings"] = before | {row: before.get(row, {}) | new for row, new in settings.items()}
    stamped = False
    # Instance by instance through all functions: stopped early, every row has as many instances, give or take one.
    for instance in args.instances:
        for row, name, d in tasks(source, args.rows, args.only):
            _one(content, source.kinds[name], row, name, d, instance, args.again, peers[row])
            if args.save:
                write_whole(RESULTS, written(content))
                stamped = stamped or stamp("scipy_functions", add=True) is None


def _drop(runs: dict[str, Any], held: dict[str, Any], settings: dict[str, Any]) -> None:
    """Take away the runs of peers that had other settings."""
    for key, instances in runs.items():
        row = key.split(" | ")[0]
        for name, now in settings.get(row, {}).items():
            if held.get(row, {}).get(name) != now:
                for done in instances.values():
                    done.pop(name, None)


def tasks(source: Source, rows: tuple[str, ...], only: list[str]) -> Iterator[tuple[str, str, int | None]]:
    """Row, function, and its number of inputs, where that is not SciPy's own.

    Raises:
        BadInput: for a name that no function has.
    """
    for name in only:
        if name not in source.kinds:
            raise BadInput(f"--only: the checkout has no function {name}")
    for name, kind in source.kinds.items():
        if only and name not in only:
            continue
        try:
            d = int(kind().N)
        except Exception:
            d = 2  # `check` says what it raises
        row = OWN[min(d, 3) - 1 if d <= 5 else 3]
        if row in rows:
            yield row, name, None
        if kind.change_dimensionality and d != CHANGED and ROWS[-1] in rows:
            yield ROWS[-1], name, CHANGED


def _one(
    content: Content,
    kind: Any,
    row: str,
    name: str,
    d: int | None,
    instance: int,
    again: bool,
    peers: dict[str, Peer],
) -> None:
    """Check a function and run what is missing on an instance, unless the function is left out."""
    key = f"{row} | {name}"
    if key not in content["known"]:
        content["known"][key] = vars(check(kind, d))
        if reason := content["known"][key]["reason"]:
            print(f"{key}: left out, {reason}", flush=True)
    known = Known(**content["known"][key])
    if known.reason:
        return
    done = content["runs"].setdefault(key, {}).setdefault(str(instance), {})
    if asked := [n for n in (table.OURS, *peers) if again or n not in done]:
        done |= measure(Black(kind, d), known, name, instance, asked, peers)
        print(f"{key}, instance {instance}:", *(f"{n} {run[0]:.1e}," for n, run in done.items()), flush=True)


def measure(
    black: Black, known: Known, name: str, instance: int, asked: list[str], peers: dict[str, Peer]
) -> dict[str, list[float]]:
    """For each method what was left, (f - f*) / m, and processor seconds of its thread."""
    posed, _ = problem(black, known, name, instance)
    budget, found = EACH * black.d, {}
    for method in asked:
        start = time.thread_time()
        if method == table.OURS:
            best = supnorm(posed, budget, instance)[0]
        else:
            objective = Plain(posed, budget)
            with objective.within(None):
                quietly(peers[method], objective, instance)
            best = objective.best
        seconds = time.thread_time() - start
        found[method] = [float(f"{1 / best - 1:.6g}"), round(seconds, 4)]
    return found


def written(content: Content) -> str:
    """The file of results: a line for each function."""
    parts = []
    for key, part in content.items():
        inner = ",\n".join(f"{json.dumps(n)}: {json.dumps(p)}" for n, p in part.items())
        parts.append(f"{json.dumps(key)}: {{\n{inner}\n}}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    main()

"""``python -m benchmarks.search.functions``: test functions of others as black boxes, beside other optimisers.

The 24 BBOB functions (Hansen et al., package ``ioh``) in 2, 5 and 10 inputs and functions of the GKLS generator (Gaviano et
al. 2003, package ``gkls``) in 2 to 5 inputs. f* is the least value of a function f and m the median of f - f* over 1,001
random points. The model is 1 / (1 + (f - f*) / m) and the reference zero, so that the worst error is 1, at the optimum. A
run has *solved* a function to 1e-2 when it saw (f - f*) / m <= 1e-2. All methods get 2,000 evaluations an input and no
gradients; no clock ends them. The peers run with the settings that `benchmarks.search.tuning` chose on other instances.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims.stored import stamp
from benchmarks.search import table
from benchmarks.search.ours import supnorm
from benchmarks.search.peers import quietly
from benchmarks.search.plain import Plain
from benchmarks.search.settings import chosen, tuned
from supnorm.problem import Domain, Problem
from supnorm.results import BadInput

Array = NDArray[np.float64]
RESULTS = Path(__file__).parents[1] / "results" / "functions.json"
EACH = 2000  # evaluations an input
LEVELS = (1e-2, 1e-6)
INSTANCES = (1, 2, 3, 4, 5)  # settings were chosen on the instances 11 to 18
# Functions of GKLS; settings, those of supnorm and of its peers, were chosen on others.
NUMBERS = range(1, 41)
# Where these could not tell the best methods apart more are run: instances of BBOB in two inputs, functions of GKLS in five.
# No setting was chosen on them.
MORE = {("BBOB", 2): range(21, 31), ("GKLS", 5): (*range(301, 361), *range(601, 801))}
NAMES = ("SciPy DE", "DIRECT", "dual annealing", "Sobol + L-BFGS-B", "cma")
ROWS = tuple(("BBOB", d) for d in (2, 5, 10)) + tuple(("GKLS", d) for d in (2, 3, 4, 5))
MINIMA = 10  # local minima of a GKLS function


def main() -> None:
    """Run what is asked; bad input ends with one line and exit code 2."""
    try:
        _main()
    except BadInput as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def _main() -> None:
    """Run the rows, print each, and keep it in the results file with ``--save``."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search.functions")
    parser.add_argument("--only", nargs="+", help="rows such as BBOB-5")
    parser.add_argument(
        "--peers", help="names, comma-separated; all by default, '' for none, and stored ones stay"
    )
    parser.add_argument("--save", action="store_true")
    args = parser.parse_args()
    names = NAMES if args.peers is None else tuple(filter(None, args.peers.split(",")))
    for family, d in ROWS:
        row = f"{family}-{d}"
        if args.only and row not in args.only:
            continue
        found = measure(family, d, names)
        for name, runs in found.items():
            print(row, name, *(f"{solved(runs, level)}/{len(runs)}" for level in LEVELS), flush=True)
        if args.save:
            content = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"rows": {}}
            content["machine"] = table.machine()
            held = content["rows"].get(row, {"runs": {}})
            settings = {name: chosen(f"{family} d={d}", name) for name in NAMES}
            # Of methods that were not asked for, which do not depend on our search, the runs on the same functions and with
            # the same settings stay.
            stored = {
                name: runs
                for name, runs in held["runs"].items()
                if runs.keys() == found[table.OURS].keys()
                and held.get("settings", {}).get(name) == settings.get(name)
            }
            content["rows"][row] = {
                "evaluations": EACH * d,
                "settings": settings,
                "runs": stored | found,
            }
            RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
            stamp("functions", add=True)


def measure(family: str, d: int, names: tuple[str, ...]) -> dict[str, dict[str, dict[str, float]]]:
    """For each method and function the distance to the optimum, over m, and processor seconds of its thread."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    peers = tuned(f"{family} d={d}", names)
    for name, instance, problem in problems(family, d):
        best, _, _, seconds = supnorm(problem, EACH * d, instance)
        found.setdefault(table.OURS, {})[name] = {"left": 1 / best - 1, "seconds": seconds}
        for peer in peers:
            objective = Plain(problem, EACH * d)
            start = time.thread_time()
            with objective.within(None):
                quietly(peer, objective, instance)
            seconds = time.thread_time() - start
            found.setdefault(peer.name, {})[name] = {"left": 1 / objective.best - 1, "seconds": seconds}
    return found


def problems(
    family: str,
    d: int,
    instances: Iterable[int] | None = None,
    numbers: Iterable[int] | None = None,
) -> Iterator[tuple[str, int, Problem]]:
    """The functions of a row: their names, a seed, and the problem.

    Args:
        family: BBOB or GKLS.
        d: inputs.
        instances: of each function of BBOB; those of its row by default.
        numbers: of the functions of GKLS; those of the row by default.
    """
    more = MORE.get((family, d), ())
    if family == "GKLS":
        from gkls import GKLS

        # With the package's own distance and radius of the global minimum.
        for number in (*NUMBERS, *more) if numbers is None else numbers:
            function = GKLS(d, MINIMA, [-1, 1], -1.0, gen=number)
            yield f"{number}", number, _as_problem(lambda v, f=function: f.get_d_f(v), -1.0, (-1.0, 1.0), d)
        return
    import ioh

    for number in range(1, 25):
        for instance in (*INSTANCES, *more) if instances is None else instances:
            function = ioh.get_problem(number, instance, d, ioh.ProblemClass.BBOB)
            least = float(function.optimum.y)
            yield f"f{number}-{instance}", instance, _as_problem(function, least, (-5.0, 5.0), d)


def _as_problem(
    function: Callable[[list[float]], float], least: float, box: tuple[float, float], d: int
) -> Problem:
    def above(x: Array) -> Array:
        return np.array([function(row) for row in x.tolist()]) - least

    middle = float(np.median(above(np.random.default_rng(99).uniform(*box, (1001, d)))))
    return Problem(
        lambda x: 1 / (1 + above(x) / middle),
        lambda x: np.zeros(len(x)),
        Domain.from_axes({f"x{i + 1}": box for i in range(d)}),
    )


def solved(runs: dict[str, dict[str, float]], level: float) -> int:
    """How many of the runs came that near."""
    return sum(run["left"] <= level for run in runs.values())


def interval(runs: dict[str, dict[str, float]], level: float) -> tuple[float, float]:
    """The 95 % interval of the share of solved runs (Wilson), for as many trials as functions.

    Runs on several instances of a function are not independent; each function has equally many.
    """
    return table.wilson(solved(runs, level) / len(runs), len({name.split("-")[0] for name in runs}))


def _cell(runs: dict[str, dict[str, float]], level: float) -> str:
    low, high = interval(runs, level)
    seconds = np.median([run["seconds"] for run in runs.values()])
    return f"{solved(runs, level)}/{len(runs)} ({100 * low:.0f}–{100 * high:.0f} %) {seconds:.2g} s"


def said(content: dict[str, Any]) -> dict[str, str]:
    """Of results/functions.json: a table for each level."""
    lines = ["| functions (evaluations) | solved to | supnorm | " + " | ".join(NAMES) + " |"]
    lines.append("|---|---|" + "---|" * (1 + len(NAMES)))
    for family, d in ROWS:
        if (row := content["rows"].get(f"{family}-{d}")) is None:
            continue
        for level in LEVELS:
            cells = []
            for name in (table.OURS, *NAMES):
                runs = row["runs"].get(name)
                cells.append("–" if runs is None else _cell(runs, level))
            lines.append(
                f"| {family}, d={d} ({row['evaluations']:,}) | {level:.0e} | " + " | ".join(cells) + " |"
            )
    versions = content["machine"]["packages"]
    return {
        "table": "\n".join(lines),
        "versions": ", ".join(f"{n} {versions[n]}" for n in ("scipy", "cma", "ioh", "gkls") if n in versions),
    }


if __name__ == "__main__":
    main()

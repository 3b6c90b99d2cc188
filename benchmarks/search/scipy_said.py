"""What the pages say of results/scipy_functions.json: tables, what was left out, and every loss."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np

from benchmarks.search import table
from benchmarks.search.scipy_functions import EACH, NAMES, ROWS
from benchmarks.search.scipy_source import WRONG

LEVELS = (1e-2, 1e-6)
Lefts = dict[str, dict[str, dict[str, float]]]  # of a function its instances, of these what each method left


class Runs:
    """The stored runs of each row, with what is left measured from the least value that any method saw.

    Attributes:
        left: of each row and function.
        reasons: why functions are left out, those included that a method showed to be documented wrongly.
        below: instances in which a method went below the least value known before.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content
        self.reasons = {key: k["reason"] for key, k in content["known"].items() if k["reason"]}
        self.left: dict[str, Lefts] = {row: {} for row in ROWS}
        self.below = 0
        for key, instances in content["runs"].items():
            row, name = key.split(" | ")
            least = min((run[0] for done in instances.values() for run in done.values()), default=0.0)
            if least < -WRONG:
                self.reasons[key] = "a method found less than the documented least value"
                continue
            for instance, done in instances.items():
                if len(done) == 1 + len(NAMES):
                    zero = min(0.0, *(run[0] for run in done.values()))
                    self.below += zero < -LEVELS[1]
                    self.left[row].setdefault(name, {})[instance] = {n: r[0] - zero for n, r in done.items()}

    def rates(self, row: str, own: bool, level: float) -> dict[str, list[float]]:
        """Of each method the share of solved instances of each function, over SciPy's box or over the others."""
        shares: dict[str, list[float]] = {name: [] for name in (table.OURS, *NAMES)}
        for instances in self.left[row].values():
            if some := [done for i, done in instances.items() if (i == "0") == own]:
                for name, of in shares.items():
                    of.append(float(np.mean([done[name] <= level for done in some])))
        return shares

    def seconds(self, row: str, own: bool, name: str) -> float:
        """The median of a method."""
        runs = self.content["runs"]
        of = [
            runs[f"{row} | {function}"][i][name][1]
            for function, instances in self.left[row].items()
            for i in instances
            if (i == "0") == own
        ]
        return float(np.median(of))

    def inputs(self, row: str) -> list[int]:
        """How many the functions of a row have."""
        return sorted({self.content["known"][f"{row} | {name}"]["d"] for name in self.left[row]})


def said(content: dict[str, Any]) -> dict[str, str]:
    """Of results/scipy_functions.json."""
    runs = Runs(content)
    counts = {len([i for i in of if i != "0"]) for row in runs.left.values() for of in row.values()}
    versions, scipy = content["machine"]["packages"], content["scipy"]
    return {
        "table": "\n".join(_table(runs, False)),
        "own": "\n".join(_table(runs, True)),
        "better": "\n" + "\n".join(_better(runs)) + "\n",
        "pairs": "\n".join(_pairs(runs)),
        "lost": "\n" + "\n".join(_lost(runs)) + "\n",
        "left_out": "\n" + "\n".join(_left_out(runs)) + "\n",
        "instances": " to ".join(map(str, sorted({min(counts), max(counts)}))) if counts else "no",
        "functions": str(len({name for row in runs.left.values() for name in row})),
        "kinds": str(len({key.split(" | ")[1] for key in content["known"]})),
        "below": str(runs.below),
        "settings": "that were chosen in other cuts of the boxes"
        if content.get("settings")
        else "of their libraries, which were not tuned for these rows yet",
        "source": f"{scipy['version']}, commit {scipy['commit'][:10]}",
        "versions": ", ".join(f"{n} {versions[n]}" for n in ("numpy", "scipy", "cma")),
    }


def _table(runs: Runs, own: bool) -> list[str]:
    names = (table.OURS, *NAMES)
    lines = ["| inputs (evaluations) | functions | solved to | " + " | ".join(names) + " |"]
    lines.append("|---" * (3 + len(names)) + "|")
    for row in ROWS:
        for level in LEVELS:
            rates = runs.rates(row, own, level)
            if n := len(rates[table.OURS]):
                budgets = [f"{EACH * d:,}" for d in runs.inputs(row)]
                cells = [_cell(rates[name], runs.seconds(row, own, name)) for name in names]
                budget = budgets[0] if len(budgets) == 1 else f"{budgets[0]} to {budgets[-1]}"
                lines.append(f"| {row} ({budget}) | {n} | {level:.0e} | " + " | ".join(cells) + " |")
    return lines if len(lines) > 2 else ["no row was run yet"]


def _cell(rates: list[float], seconds: float) -> str:
    share = float(np.mean(rates))
    low, high = table.wilson(share, len(rates))
    return f"{100 * share:.1f} % ({100 * low:.0f}–{100 * high:.0f}) {seconds:.2g} s"


NOISE = 1e-9  # of means of the same shares in another order: far below one run


def _better(runs: Runs) -> list[str]:
    """Rows in which another method solved more."""
    lines = []
    for own in (False, True):
        for row in ROWS:
            for level in LEVELS:
                shares = {n: np.mean(r) for n, r in runs.rates(row, own, level).items() if r}
                ours = shares.pop(table.OURS, 1.0)
                if more := [f"{n} {100 * s:.1f} %" for n, s in shares.items() if s > ours + NOISE]:
                    where = "SciPy's boxes" if own else "cut boxes"
                    lines.append(
                        f"* {row}, {where}, to {level:.0e}: supnorm {100 * ours:.1f} %, {', '.join(more)}"
                    )
    return lines or ["* none"]


def _pairs(runs: Runs) -> list[str]:
    """For each method and level the runs that it solved and supnorm did not, and the other way round."""
    done = [done for of in runs.left.values() for instances in of.values() for done in instances.values()]
    lines = ["| method | " + " | ".join(f"it alone, {v:.0e} | supnorm alone, {v:.0e}" for v in LEVELS) + " |"]
    lines.append("|---" * (1 + 2 * len(LEVELS)) + "|")
    for name in NAMES:
        cells = []
        for level in LEVELS:
            pairs = Counter((left[name] <= level, left[table.OURS] <= level) for left in done)
            cells += [str(pairs[True, False]), str(pairs[False, True])]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _lost(runs: Runs) -> list[str]:
    """For each level the functions that supnorm solved in fewer instances than another method, and that method."""
    lines = []
    for row in ROWS:
        for level in LEVELS:
            names = []
            for name, instances in runs.left[row].items():
                solved = Counter(
                    m for done in instances.values() for m, left in done.items() if left <= level
                )
                best = max((solved[m] for m in NAMES), default=0)
                if best > solved[table.OURS]:
                    who = ", ".join(f"{m} {solved[m]}" for m in NAMES if solved[m] > solved[table.OURS])
                    names.append(f"{name} ({solved[table.OURS]} of {len(instances)}; {who})")
            if names:
                lines.append(f"* {row}, to {level:.0e}: {', '.join(names)}")
    return lines or ["* none"]


def _left_out(runs: Runs) -> list[str]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for key, reason in runs.reasons.items():
        row, name = key.split(" | ")
        if "changed" in row and reason.startswith(("a search found", "no search came")):
            reason = "with the changed number of inputs its least value is another one than documented"
        grouped[reason].append(f"{name} ({row})" if "changed" in row else name)
    return [f"* {reason}: {', '.join(names)}" for reason, names in grouped.items()] or ["* none"]

"""The tables of SupnormBench: what each tool found with its interval over tasks, and the bounds; losses like wins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks.bench.runner import EXACT
from benchmarks.search import table

# Share of the worst error (of the largest one that any tool saw, where that is not exact) that counts as found.
SHARE = 0.99
ALL = "all"
Runs = dict[str, dict[str, Any]]


class Standing:
    """Every run beside what is known of its task; ``content`` is that of a file of results."""

    def __init__(self, content: dict[str, Any]) -> None:
        tasks = content["tasks"]
        self.groups = {name: task["group"] for name, task in tasks.items()}
        self.tools: dict[str, Runs] = {
            name: {task: run for task, run in tool["runs"].items() if task in tasks}
            for name, tool in content["tools"].items()
        }
        self.worst = {}
        for name, task in tasks.items():
            seen = [best(runs[name]) for runs in self.tools.values() if name in runs and not task["exact"]]
            self.worst[name] = max([task["worst"], *(error for error in seen if np.isfinite(error))])

    @property
    def order(self) -> list[str]:
        """Groups, as they come, and all tasks together."""
        return [*dict.fromkeys(self.groups.values()), ALL]

    def searchers(self) -> list[str]:
        """Tools that saw an error somewhere, supnorm's search first."""
        names = [n for n, runs in self.tools.items() if any(run["best"] is not None for run in runs.values())]
        return sorted(names, key=lambda n: n != table.OURS)

    def provers(self) -> list[str]:
        """Tools that bounded an error somewhere."""
        return [n for n, runs in self.tools.items() if any(run["upper"] is not None for run in runs.values())]

    def found(self, name: str, task: str) -> bool:
        """Whether a tool found the worst error of a task that it ran on."""
        return best(self.tools[name][task]) >= SHARE * self.worst[task]

    def tasks(self, name: str, group: str) -> list[str]:
        """Those of a group that a tool took: it may have refused some."""
        return [
            task
            for task, run in self.tools[name].items()
            if group in (ALL, self.groups[task]) and not run["note"].startswith("cannot")
        ]

    def only(self, name: str, other: str) -> list[str]:
        """Tasks that both took, and the first alone found."""
        both = set(self.tasks(name, ALL)) & set(self.tasks(other, ALL))
        return [t for t in self.worst if t in both and self.found(name, t) and not self.found(other, t)]


def best(run: dict[str, Any]) -> float:
    """The largest error of a run; minus infinity without one."""
    return -np.inf if run["best"] is None else float(run["best"])


def finding(standing: Standing) -> Iterable[str]:
    """A line a tool: found of the tasks that it took, with the 95 % interval, group by group."""
    yield f"| tool | {' | '.join(standing.order)} | seconds | it alone, beside supnorm | supnorm alone |"
    yield "|" + "---|" * (len(standing.order) + 4)
    for name in standing.searchers():
        cells = [
            _share([standing.found(name, t) for t in standing.tasks(name, group)]) for group in standing.order
        ]
        seconds = np.median([standing.tools[name][t]["seconds"] for t in standing.tasks(name, ALL)])
        beside = ["–", "–"]
        if name != table.OURS and table.OURS in standing.tools:
            beside = [str(len(standing.only(*pair))) for pair in ((name, table.OURS), (table.OURS, name))]
        yield f"| {name} | {' | '.join(cells)} | {seconds:.2g} | {' | '.join(beside)} |"


def _share(found: list[bool]) -> str:
    if not found:
        return "–"
    low, high = table.interval(sum(found), len(found))
    return f"{sum(found)}/{len(found)} ({100 * low:.0f}–{100 * high:.0f} %)"


def losses(standing: Standing) -> Iterable[str]:
    """Every task that a tool found and supnorm's search missed, with the tools that did."""
    if table.OURS not in standing.tools:
        return
    missed: dict[str, list[str]] = {}
    for name in standing.searchers():
        for task in standing.only(name, table.OURS) if name != table.OURS else ():
            missed.setdefault(task, []).append(name)
    for task in sorted(missed, key=[*standing.worst].index):
        share = best(standing.tools[table.OURS][task]) / standing.worst[task]
        yield f"* {task}: supnorm saw {100 * share:.3g} % of it; found by {', '.join(missed[task])}"
    nobody = [t for t in standing.worst if not any(
        t in standing.tools[n] and standing.found(n, t) for n in standing.searchers())]  # fmt: skip
    if nobody:
        yield f"* found by no tool: {', '.join(nobody)}"


def bounding(standing: Standing) -> Iterable[str]:
    """A line a tool that proves: how many bounds, how many of them false, how near to the largest error that is known."""
    yield "| tool | bounds of tasks that it could read | false | median of bound / error | within 1.2 of it | seconds |"
    yield "|---|---|---|---|---|---|"
    for name in standing.provers():
        read = standing.tasks(name, ALL)
        runs = standing.tools[name]
        bounds = {t: runs[t]["upper"] / standing.worst[t] for t in read if runs[t]["upper"] is not None}
        wrong = sum(ratio < 1 - EXACT for ratio in bounds.values())
        near = sum(1 - EXACT <= ratio <= 1.2 for ratio in bounds.values())
        seconds = np.median([runs[t]["seconds"] for t in bounds])
        yield (
            f"| {name} | {len(bounds)} of {len(read)} | {wrong} | {np.median([*bounds.values()]):.4g} | "
            f"{_share([True] * near + [False] * (len(read) - near))} | {seconds:.2g} |"
        )


def notes(standing: Standing) -> Iterable[str]:
    """What went wrong: errors of a tool's own, statements that are not so, budgets that were not kept."""
    for name, runs in standing.tools.items():
        said = Counter(
            run["note"].split(":")[0].split(" ")[0]
            for run in runs.values()
            if run["note"].startswith(("failed", "states", "over"))
        )
        if said:
            words = {
                "failed": "failed by an error of its own",
                "states": "stated an error that is not there",
                "over": "over budget",
            }
            yield f"* {name}: {', '.join(f'{count} times {words[key]}' for key, count in said.items())}"


def said(content: dict[str, Any]) -> dict[str, str]:
    """What the pages say of results/bench.json."""
    standing = Standing(content)
    return {
        "tasks": str(len(standing.worst)),
        "finding": "\n".join(finding(standing)),
        "losses": "\n" + "\n".join(losses(standing)) + "\n",
        "bounding": "\n".join(bounding(standing)),
        "notes": "\n" + ("\n".join(notes(standing)) or "* nothing") + "\n",
    }

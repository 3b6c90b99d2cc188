"""SupnormBench: the bank of worst-case errors, and the tools that look for them or bound them.

    python -m benchmarks.bench tasks              the bank
    python -m benchmarks.bench collect            take over the runs that benchmarks.search has stored of the same tasks
    python -m benchmarks.bench run --save         the other runs of every own tool, kept in results/bench.json
    python -m benchmarks.bench run --tool FILE.py:NAME --out mine.json
    python -m benchmarks.bench table mine.json    yours beside the stored results

``run`` goes on where a file of results stopped; ``--again`` runs everything anew. ``--only`` takes parts of names of
tasks or groups.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from tests.problems import Instance

from benchmarks.bench import collect, results, table
from benchmarks.bench.runner import SECONDS, run
from benchmarks.bench.tasks import Task, bank
from benchmarks.bench.tool import Tool, load
from benchmarks.bench.tools import own
from benchmarks.claims.stored import stamp
from benchmarks.search.peers import PEERS
from benchmarks.search.rows import truth
from benchmarks.search.table import machine
from supnorm.problem import Problem
from supnorm.results import BadInput

RESULTS = Path(__file__).parents[1] / "results" / "bench.json"


def main() -> None:
    """Do what is asked; bad input ends with one line and exit code 2."""
    args = _arguments()
    try:
        if args.what == "tasks":
            for task in bank():
                print(f"{task.group:12s} {task.evaluations:7,} evaluations  {task.name}")
        elif args.what == "run":
            _run(args)
        elif args.what == "collect":
            _collect()
        else:
            _table([*([] if args.alone else [RESULTS]), *map(Path, args.files)])
    except BadInput as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub = parser.add_subparsers(dest="what", required=True)
    sub.add_parser("tasks", help="list the bank")
    sub.add_parser("collect", help="take over stored runs of the same tasks")
    one = sub.add_parser("run", help="run tools on tasks")
    one.add_argument("--tool", action="append", help="FILE.py:NAME of a tool; in place of the own ones")
    one.add_argument("--tools", help="own tools by name, comma-separated")
    one.add_argument("--only", nargs="+", default=[""], help="parts of names of tasks or groups")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--seconds", type=float, default=SECONDS, help="of processor time that a run may take")
    one.add_argument("--again", action="store_true", help="also what is in the file already")
    where = one.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, help="file of results that the runs are added to")
    where.add_argument("--save", action="store_true", help=f"add them to {RESULTS.name}")
    two = sub.add_parser("table", help="print the tables")
    two.add_argument("files", nargs="*", help="files of results beside the stored one")
    two.add_argument("--alone", action="store_true", help="without the stored results")
    return parser.parse_args()


def _run(args: argparse.Namespace) -> None:
    """Task after task, all tools on each in turn, so that load hits all alike."""
    tools = [load(where) for where in args.tool] if args.tool else _named(args.tools)
    out = RESULTS if args.save else args.out
    content = results.empty() if out is None else results.read(out)
    heads = {tool.name: _head(tool, args) for tool in tools}
    held = {n: {} if args.again else results.runs(content, n, head) for n, head in heads.items()}
    for task in bank():
        waiting = [tool for tool in tools if task.name not in held[tool.name]]
        if not waiting or not any(part in f"{task.group} {task.name}" for part in args.only):
            continue
        if not task.installed:
            print(f"{task.name}: left out, {task.package} is not installed")
            continue
        instance = task.make()
        worst = _note_truth(content, task, instance)
        _compiled(instance.problem)
        for tool in waiting:
            found = run(tool, task, instance, args.seed, args.seconds)
            results.add(content, tool.name, heads[tool.name], task.name, found)
            print(_line(task, tool, found, worst), flush=True)
        if out is not None:
            results.write(out, content)
    if args.save:
        stamp("bench", add=True)


def _collect() -> None:
    """Runs that are not in the file yet or were made again since, and the worst errors of their tasks."""
    content, tasks = results.read(RESULTS), {task.name: task for task in bank()}
    versions = {peer.name: peer.package for peer in PEERS}
    added = 0
    for tool, name, found in collect.stored():
        if name in tasks and content["tools"].get(tool, {}).get("runs", {}).get(name) != found:
            here, package = collect.machine(tool), versions[tool]
            version = f"{package} {here['packages'][package]}"
            head = {"version": version, "seed": 0, "seconds": SECONDS, "machine": here}
            results.add(content, tool, head, name, found)
            added += 1
            if name not in content["tasks"]:
                _note_truth(content, tasks[name], tasks[name].make())
    results.write(RESULTS, content)
    print(f"{added} runs taken over")


def _note_truth(content: dict[str, Any], task: Task, instance: Instance) -> float:
    worst, exact = truth(instance)
    content["tasks"][task.name] = {"group": task.group, "worst": worst, "exact": exact}
    return worst


def _head(tool: Tool, args: argparse.Namespace) -> dict[str, Any]:
    version = str(getattr(tool, "version", ""))
    return {"version": version, "seed": args.seed, "seconds": args.seconds, "machine": machine()}


def _compiled(problem: Problem) -> None:
    """Call both sides, so that no tool waits for what is compiled once."""
    x = problem.domain.from_unit(np.full((1000, problem.domain.d), 0.5))
    for side in (problem.model, problem.reference):
        side.value(x)
        side.value(x[:1])


def _line(task: Task, tool: Tool, found: dict[str, Any], worst: float) -> str:
    words = [f"{task.name:45s} {tool.name:20s} {found['seconds']:8.3f} s", f"known {worst:.6g}"]
    if found["best"] is not None:
        words.append(f"error {float(found['best']):.6g}")
    if found["upper"] is not None:
        words.append(f"bound {found['upper']:.6g}")
    return " ".join([*words, found["note"]]).rstrip()


def _named(names: str | None) -> list[Tool]:
    tools = {tool.name: tool for tool in own()}
    if names is None:
        return [*tools.values()]
    unknown = [name for name in names.split(",") if name not in tools]
    if unknown:
        raise BadInput(f"--tools: {unknown[0]!r} is none of {', '.join(tools)}")
    return [tools[name] for name in names.split(",")]


def _table(files: list[Path]) -> None:
    standing = table.Standing(results.joined([results.read(path, must=True) for path in files]))
    for part in (table.finding, table.losses, table.bounding, table.notes):
        print("\n".join(part(standing)), end="\n\n")


if __name__ == "__main__":
    main()

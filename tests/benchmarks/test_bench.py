"""SupnormBench: what counts as found, what is not let pass, and the tables, on two tiny tasks whose answers are known."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from benchmarks.bench import __main__ as command
from benchmarks.bench import results, table
from benchmarks.bench.example import Shrinking
from benchmarks.bench.runner import run
from benchmarks.bench.tasks import Task, bank
from benchmarks.bench.tool import Answer, Cannot, Tool, load
from benchmarks.bench.tools import Proof, Search
from benchmarks.certify.peers import Enclosure
from tests.problems import Instance

from supnorm.problem import Domain, Problem
from supnorm.results import BadInput


def parabola() -> Instance:
    """x (1 - x) from 0: a quarter, in the middle."""
    problem = Problem(lambda x: x[:, 0] * (1 - x[:, 0]), lambda x: 0 * x[:, 0], Domain(x=(0.0, 1.0)))
    return Instance("parabola", problem, 0.25)


def waves() -> Instance:
    """|sin 3x cos 2y| in the square of side 2: 1 at (pi/6, 0), not given as exact."""
    return Instance("waves", of_waves(np), 0.9, known=False)


def of_waves(library: Any) -> Problem:
    model = lambda x: library.sin(3 * x[:, 0]) * library.cos(2 * x[:, 1])  # noqa: E731
    return Problem(model, lambda x: 0 * x[:, 0], Domain(x=(-1.0, 1.0), y=(-1.0, 1.0)))


TASKS = [Task("parabola", "one", 400, parabola), Task("waves", "two", 1000, waves)]


@dataclass
class Says:
    """A tool that answers with what it was made with."""

    answer: Any
    name: str = "says"

    def find_worst(self, task, budget, seed):
        return self.answer(task, budget) if callable(self.answer) else self.answer


def one(tool: Tool, task: Task = TASKS[0]) -> dict[str, Any]:
    return run(tool, task, task.make(), 0)


def test_only_what_the_benchmark_evaluates_itself_counts() -> None:
    found = one(Says(Answer(np.array([0.25]), 0.1875)))
    assert (found["best"], found["at"], found["note"]) == (0.1875, [0.25], "")
    assert one(Says(Answer(np.array([0.25]), 7.0)))["note"] == "states 7 where there is 0.1875"
    assert one(Says(Answer(np.array([1.5]))))["best"] is None  # outside of the domain
    assert one(Says("half"))["note"].startswith("failed: TypeError")
    assert one(Says(Answer(np.array([0.1, 0.2]))))["note"].startswith("failed: ValueError")
    evaluated = one(Says(lambda task, budget: task.batch(np.full((budget + 1, 1), 0.5))))
    # The budget ends it, and what it saw counts.
    assert (evaluated["best"], evaluated["evaluations"]) == (0.25, 400)


def test_calls_beside_the_task_are_counted_and_of_a_reader_of_code_only_a_bound_counts() -> None:
    def beside(task, budget):
        task.problem.model.value(np.full((2 * budget, 1), 0.5))
        return Answer(np.array([0.5]))

    found = one(Says(beside))
    assert (found["best"], found["note"]) == (None, "over budget: 800 calls of 400")

    def reading(task, budget):
        task.code.model.value(np.full((2 * budget, 1), 0.5))
        return Answer(np.array([0.5]), upper=0.26)

    found = one(Says(reading))
    assert (found["best"], found["upper"], found["calls"]) == (None, 0.26, 0)


def stored() -> dict[str, Any]:
    content = results.empty()
    refuses = Says(lambda task, budget: (_ for _ in ()).throw(Cannot("too many inputs")), "refuses")
    bounds = [Says(Answer(upper=1.1), "loose"), Says(Answer(upper=0.24), "wrong")]
    tools = [Search(), Shrinking(), *bounds, refuses]
    for task in TASKS:
        instance = task.make()
        content["tasks"][task.name] = {"group": task.group, "worst": instance.sup, "exact": instance.known}
        for tool in tools:
            results.add(
                content, tool.name, {"version": "", "seed": 0, "seconds": 1}, task.name, one(tool, task)
            )
    return content


def test_the_tables_say_wins_losses_and_false_bounds(tmp_path: Path) -> None:
    results.write(tmp_path / "r.json", stored())
    content = results.read(tmp_path / "r.json", must=True)
    standing = table.Standing(content)
    assert standing.worst["waves"] == pytest.approx(1.0, abs=1e-6)  # what the tools saw replaces 0.9
    assert {t: standing.found("supnorm", t) for t in standing.worst} == {"parabola": True, "waves": True}
    lines = [*table.finding(standing)]
    assert lines[2].startswith("| supnorm | 1/1 (3–100 %) | 1/1 (3–100 %) | 2/2 (16–100 %) | ")
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| supnorm", "| shrinking box"]
    bounds = {line.split(" | ")[0]: line.split(" | ")[1:3] for line in [*table.bounding(standing)][2:]}
    assert bounds == {"| loose": ["2 of 2", "0"], "| wrong": ["2 of 2", "2"]}

    lost = content["tools"]["supnorm"]["runs"]["parabola"]
    lost["best"] = 0.2
    found = "* parabola: supnorm saw 80 % of it; found by shrinking box"
    assert [*table.losses(table.Standing(content))] == [found]


@pytest.mark.slow
def test_a_proof_bounds_what_it_can_read_and_says_what_it_cannot() -> None:
    task = Task("waves", "two", 1000, lambda: Instance("waves", of_waves(jnp), 1.0))
    assert 1.0 <= one(Proof(), task)["upper"] <= 1.1
    assert one(Proof("mean value", lambda: Enclosure(1)), task)["upper"] >= 1.0
    unread = Task(
        "table",
        "one",
        400,
        lambda: Instance("table", Problem(tabled, lambda x: 0 * x[:, 0], Domain(x=(0.0, 1.0))), 1.0),
    )
    assert one(Proof(), unread)["note"].startswith("cannot: ")


def tabled(x: Any) -> Any:
    """Looked up: not an expression of the input."""
    return np.array([0.0, 1.0])[(np.asarray(x)[:, 0] > 0.5).astype(int)]


def test_a_tool_of_another_file_and_a_table_of_its_results(tmp_path: Path, capsys, monkeypatch) -> None:
    (tmp_path / "mine.py").write_text(
        "class Middle:\n    name, version = 'middle', '2'\n"
        "    def find_worst(self, task, budget, seed):\n        task.single([0.5] * task.d)\n"
    )
    for wrong in ("mine.py", str(tmp_path / "mine.py:Left"), str(tmp_path / "none.py:Middle")):
        with pytest.raises(BadInput, match="--tool"):
            load(wrong)
    monkeypatch.setattr(command, "bank", lambda: iter(TASKS))
    where, out = str(tmp_path / "mine.py:Middle"), str(tmp_path / "mine.json")
    for _ in range(2):  # the second time there is nothing left to run
        monkeypatch.setattr(
            sys, "argv", ["bench", "run", "--tool", where, "--out", out, "--only", "parabola"]
        )
        command.main()
    assert capsys.readouterr().out.count("middle") == 1
    monkeypatch.setattr(sys, "argv", ["bench", "table", "--alone", out])
    command.main()
    assert "| middle | 1/1 (3–100 %) | 1/1 (3–100 %) |" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["bench", "table", "--alone", str(tmp_path / "gone.json")])
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert ended.value.code == 2


def test_the_bank_has_names_of_its_own_and_a_planted_error_that_is_there() -> None:
    tasks = [*bank()]
    assert len({task.name for task in tasks}) == len(tasks) > 100
    task = next(t for t in tasks if t.name.startswith("kink"))
    found = run(
        Says(lambda view, budget: view.batch(np.random.default_rng(0).random((99, 4)))), task, task.make(), 0
    )
    assert 0.5 < found["best"] < 1.0
